"""`skelact train` on a file of clips."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skelact.recognition import load_recognizer


@pytest.fixture
def clips(tmp_path):
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


def test_a_held_out_person_is_tested_and_the_recognizer_written(skelact, clips, tmp_path):
    arguments = ["--epochs", 1, "--batch-size", 4, "--classes", "no sign=-,yes", "-o", "mine.safetensors"]
    done = skelact("train", "--dataset", clips, "--test-group", 7, *arguments, "--json")
    assert done.status == 0
    told = json.loads(done.stdout)
    assert told["training"]["clips"] == 6
    assert told["test"]["clips"] == 5
    assert set(told["test"]["classes"]) == {"no sign", "yes"}
    assert load_recognizer(tmp_path / "mine.safetensors").class_names == ("no sign", "yes")


WRONG = {
    "a group that is not there": (["clips.npz", "--test-group", 5], 2, "no clips of group 5: there are [4, 7]"),
    "every group held out": (["clips.npz", "--test-group", 4, "--test-group", 7], 3, "nothing is left"),
    "a class that is not there": (["clips.npz", "--classes", "yes,non"], 2, "did you mean 'no'"),
    "a network that is not there": (["clips.npz", "--model", "skelet-dgstgcm"], 2, "did you mean 'skelet-dgstgcn'"),
    "more frames skipped than there are": (["clips.npz", "--skip-frames", 6], 2, "the shortest clip has 6"),
    "a named data set": (["ntu120"], 2, "named data sets are not there yet"),
}


@pytest.mark.parametrize(("arguments", "status", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_sentence_and_nothing_is_written(skelact, clips, tmp_path, arguments, status, told):
    done = skelact("train", "--dataset", *arguments)
    assert done.status == status
    assert told in done.stderr
    assert not (tmp_path / "recognizer.safetensors").exists()
