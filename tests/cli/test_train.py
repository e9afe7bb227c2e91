"""`skelact train`: from clips in a file or a folder to a tested recognizer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.formats.npz import save_sequence
from skelact.recognition import load_recognizer
from skelact.sequence import PoseSequence
from skelact.training.settings import load_settings

TINY = (
    "--model", "skelet-stgcnpp", "--epochs", 1, "--batch-size", 4,
    "--set", "channels=8,16,32", "--set", "clip_len=4", "--set", "test_clips=1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small sets are otherwise passed over until weights have settled, which is not what is tested here."""
    monkeypatch.setattr("skelact.training.experiment.LEAST_STEPS", 1)


@pytest.fixture
def clips(tmp_path: Path) -> str:
    """Sixteen clips of six frames by two persons, of three classes, one of which is to be left out."""
    random = np.random.default_rng(0)
    keypoints = random.uniform(0.2, 0.8, (16, 6, 133, 3)).astype(np.float16)
    np.savez(
        tmp_path / "clips.npz",
        keypoints=keypoints,
        label=np.arange(16) % 3,
        person=np.repeat([4, 7], 8),
        class_names=np.array(["-", "yes", "no"]),
    )
    return "clips.npz"


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """Sequences of two classes by four persons, as `skelact extract` writes them."""
    for seed, (person, label) in enumerate((p, c) for p in ("ann", "bob", "cy", "di") for c in ("nod", "wave") * 2):
        random = np.random.default_rng(seed)
        sequence = PoseSequence(
            random.uniform(10, 90, (1, 6, 133, 2)).astype(np.float32),
            np.ones((1, 6, 133), np.float32),
            np.tile(np.float32([5, 5, 95, 95]), (1, 6, 1)),
            np.ones(1, np.int64),
            np.arange(6) / 25.0,
            width=100,
            height=100,
            fps=25.0,
        )
        save_sequence(sequence, tmp_path / "mine" / label / f"{person}_{seed}.npz")
    return "mine"


def test_a_held_out_person_is_tested_and_the_recognizer_written(skelact, clips, tmp_path):
    options = ["--classes", "no sign=-,yes", "-o", "mine.safetensors", "--json"]
    done = skelact("train", "--dataset", clips, "--test-group", 7, *TINY, *options)
    assert done.status == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["training"]["j"]["clips"] == 6
    assert told["tests"]["j"]["clips"] == 5
    assert set(told["tests"]["j"]["classes"]) == {"no sign", "yes"}
    assert load_recognizer(tmp_path / "mine.safetensors").class_names == ("no sign", "yes")
    settings = load_settings(tmp_path / "mine.run" / "settings.json")
    assert (settings.model, settings.channels, settings.epochs) == ("skelet-stgcnpp", "8,16,32", 1)


def test_a_folder_is_split_by_persons_and_trained_in_one_command(skelact, folder, tmp_path):
    done = skelact("train", "--dataset", folder, *TINY, "-o", "mine.safetensors")
    assert done.status == 0, done.stderr
    assert "held out for the test: " in done.stderr
    assert "mine.safetensors: trained on 12 clips" in done.stdout
    assert "top-1" in done.stdout
    assert load_recognizer(tmp_path / "mine.safetensors").class_names == ("nod", "wave")


def test_a_folder_without_persons_is_warned_of(skelact, folder, tmp_path):
    for k, path in enumerate(sorted((tmp_path / folder).glob("*/*.npz"))):
        path.rename(path.with_name(f"{k}.npz"))
    done = skelact("train", "--dataset", folder, *TINY)
    assert done.status == 0, done.stderr
    assert "in no groups, so that a split may put the same person on both sides" in done.stderr


def test_every_group_is_held_out_in_turn(skelact, folder, tmp_path):
    done = skelact("train", "--dataset", folder, "--cross-validate", "group", *TINY, "--json")
    assert done.status == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["groups"]) == {"ann", "bob", "cy", "di"}
    assert told["top1"] == pytest.approx(np.mean([group["top1"] for group in told["groups"].values()]))
    assert not (tmp_path / "recognizer.safetensors").exists()


def test_four_streams_are_trained_and_fused(skelact, clips, tmp_path):
    done = skelact("train", "--dataset", clips, "--test-group", 7, "--stream", "all", *TINY, "--json")
    assert done.status == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["tests"]) == {"j", "b", "jm", "bm", "fused"}
    for stream in ("j", "b", "jm", "bm"):
        assert load_recognizer(tmp_path / f"recognizer-{stream}.safetensors").preprocessing.stream == stream


def test_a_recognizer_is_fine_tuned_and_a_run_is_resumed(skelact, clips, tmp_path):
    assert skelact("train", "--dataset", clips, *TINY, "-o", "first.safetensors").status == 0
    again = skelact("train", "--dataset", clips, *TINY, "-o", "second.safetensors", "--init", "first.safetensors")
    assert again.status == 0, again.stderr
    before = load_recognizer(tmp_path / "second.safetensors")
    resumed = skelact(
        "train", "--dataset", clips, *TINY, "-o", "second.safetensors", "--init", "first.safetensors", "--resume"
    )
    assert resumed.status == 0, resumed.stderr
    after = load_recognizer(tmp_path / "second.safetensors")
    assert after.training == before.training
    for name, tensor in before.model.state_dict().items():
        assert torch.equal(after.model.state_dict()[name], tensor)


def test_a_run_is_replaced_only_if_asked(skelact, clips, tmp_path):
    assert skelact("train", "--dataset", clips, *TINY).status == 0
    again = skelact("train", "--dataset", clips, *TINY, "--set", "seed=2")
    assert again.status == 6
    assert "exists" in again.stderr
    (tmp_path / "recognizer.safetensors").unlink()
    assert "holds a run already" in skelact("train", "--dataset", clips, *TINY, "--set", "seed=2").stderr
    done = skelact("train", "--dataset", clips, *TINY, "--set", "seed=2", "--overwrite")
    assert done.status == 0, done.stderr
    assert load_settings(tmp_path / "recognizer.run" / "settings.json").seed == 2


def test_settings_of_another_run_are_taken(skelact, clips, tmp_path):
    assert skelact("train", "--dataset", clips, *TINY, "-o", "first.safetensors").status == 0
    done = skelact(
        "train", "--dataset", clips, "--config", "first.run/settings.json", "--set", "seed=5", "-o", "b.safetensors"
    )
    assert done.status == 0, done.stderr
    first, second = (load_settings(tmp_path / f"{name}.run" / "settings.json") for name in ("first", "b"))
    assert second.change(["seed=0"]) == first


WRONG = {
    "a group that is not there": (["clips.npz", "--test-group", 5], 2, "no clips of group 5: there are 4, 7"),
    "every group held out": (["clips.npz", "--test-group", 4, "--test-group", 7], 3, "nothing is left"),
    "a class that is not there": (["clips.npz", "--classes", "yes,non"], 2, "did you mean 'no'"),
    "one class only": (["clips.npz", "--classes", "yes"], 3, "at least two classes"),
    "a network that is not there": (["clips.npz", "--model", "skelet-dgstgcm"], 2, "did you mean 'skelet-dgstgcn'"),
    "more frames skipped than there are": (["clips.npz", "--skip-frames", 6], 2, "the shortest clip has 6"),
    "a data set that is not prepared": (["ntu120"], 3, "skelact prepare ntu120"),
    "a data set that is not there": (["ntu130"], 2, "did you mean 'ntu120'"),
    "a file that is not there": (["other.npz"], 3, "other.npz"),
    "a file of another kind": (["clips.txt"], 3, "clips.txt"),
    "an unknown setting": (["clips.npz", "--set", "learning_rate=1"], 2, "unknown setting 'learning_rate'"),
    "a setting without a value": (["clips.npz", "--set", "lr"], 2, "write for example lr=0.05"),
    "a setting of another type": (["clips.npz", "--set", "epochs=many"], 2, "must be a whole number"),
    "an unknown recipe": (["clips.npz", "--recipe", "publishd"], 2, "did you mean 'published'"),
    "settings that are none": (["clips.npz", "--config", "clips.npz"], 3, "cannot read settings"),
    "an unknown stream": (["clips.npz", "--stream", "k"], 2, "choose one of j, b, jm, bm or all"),
    "a split of a file without": (["clips.npz", "--split", "xsub"], 2, "there is no split 'xsub'"),
    "a split and groups": (["clips.npz", "--split", "xsub", "--test-group", 4], 2, "exclude one another"),
    "an output of another kind": (["clips.npz", "-o", "mine.pth"], 2, "must end in .safetensors"),
    "a run to resume that is not there": (["clips.npz", "--resume"], 3, "resume"),
    "a recognizer to start from that is not there": (
        ["clips.npz", "--init", "asl-word"],
        2,
        "did you mean 'asl-words'",
    ),
    "one group to cross-validate": (
        ["clips.npz", "--classes", "yes,no", "--cross-validate", "take"],
        3,
        "it lacks take",
    ),
}


@pytest.mark.parametrize(("arguments", "status", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_sentence_and_nothing_is_written(skelact, clips, tmp_path, arguments, status, told):
    (tmp_path / "clips.txt").write_text("clips")
    done = skelact("train", "--dataset", *arguments)
    assert done.status == status, done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "recognizer.safetensors").exists()
