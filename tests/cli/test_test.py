"""`skelact test` and `skelact calibrate`: figures, predictions, confusion matrices and temperatures."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from skelact.data.npz import read_npz
from skelact.recognition import load_recognizer
from skelact.training.evaluate import evaluate, load_predictions
from tests.cli.recognizers import CLASSES, save_clips_file, save_small_recognizer


@pytest.fixture
def files(tmp_path):
    """A recognizer, and 24 clips of its three classes by three persons."""
    save_small_recognizer(tmp_path / "small.safetensors")
    save_clips_file(tmp_path / "clips.npz")
    return tmp_path


def test_all_that_can_be_told_and_written(skelact, files):
    outputs = ["-o", "out/p.npz", "--confusion", "out/m.csv", "--confusion", "out/m.png"]
    done = skelact("test", "small.safetensors", "--dataset", "clips.npz", *outputs, "--json")
    assert done.status == 0
    told = json.loads(done.stdout)
    made = load_predictions(files / "out" / "p.npz")
    assert (told["recognizer"], told["dataset"], told["test_groups"]) == ("small", ["clips.npz"], None)
    assert (told["clips"], told["groups"], told["top5"]) == (24, 3, None)
    assert told["top1"] == made.top1
    assert told["intervals"]["top1"]["low"] <= told["top1"] <= told["intervals"]["top1"]["high"]
    assert told["intervals"]["resampled"] == "clips within groups"
    assert {name: row["clips"] for name, row in told["classes"].items()} == dict.fromkeys(CLASSES, 8)
    rows = list(csv.reader((files / "out" / "m.csv").read_text(encoding="utf-8").splitlines()))
    assert sum(int(rows[k + 1][k + 1]) for k in range(3)) == round(24 * told["top1"])
    assert (files / "out" / "m.png").read_bytes().startswith(b"\x89PNG")


def test_figures_as_tables(skelact, files):
    done = skelact("test", "small.safetensors", "--dataset", "clips.npz", "--test-group", 1)
    assert done.status == 0
    for text in ("top-1", "95 % interval", "mean class accuracy", "expected calibration error", *CLASSES, "9 clips"):
        assert text in done.stdout
    assert "within 1 group, too few to say anything of others" in done.stdout


def test_batches_and_workers_do_not_change_the_figures(skelact, files):
    arguments = ["test", "small.safetensors", "--dataset", "clips.npz", "--json"]
    one = json.loads(skelact(*arguments).stdout)
    other = json.loads(skelact(*arguments, "--batch-size", 3, "--workers", 1).stdout)
    assert other == {**one, "nll": pytest.approx(one["nll"]), "ece": pytest.approx(one["ece"], abs=1e-4)}


DATA = ["--dataset", "clips.npz"]
WRONG = {
    "a recognizer that is not there": (["none.safetensors", *DATA], 3, "no recognizer at none.safetensors"),
    "an unknown recognizer": (["asl-word", *DATA], 2, "did you mean 'asl-words'?"),
    "a group that is not there": (["small.safetensors", *DATA, "--test-group", "7"], 2, "no clips of group 7"),
    "a split that is not there": (["small.safetensors", *DATA, "--split", "xsub"], 2, "there is no split part 'xsub'"),
    "a split and a group": (
        ["small.safetensors", *DATA, "--split", "xsub", "--test-group", "0"],
        2,
        "a split and groups cannot both be chosen",
    ),
    "other labels": (["small.safetensors", "--dataset", "letters.npz"], 3, "small knows none of the classes"),
    "some other labels": (["small.safetensors", "--dataset", "mixed.npz"], 3, "does not know 1 of the 2 classes"),
    "a class that is not there": (["small.safetensors", *DATA, "--classes", "wlak"], 2, "did you mean 'walk'?"),
    "a picture of another kind": (
        ["small.safetensors", *DATA, "--confusion", "m.jpg"],
        2,
        "is written as .png or .csv",
    ),
    "an output that exists": (["small.safetensors", *DATA, "-o", "clips.npz"], 6, "'clips.npz' exists"),
    "two outputs of one name": (
        ["small.safetensors", *DATA, "--confusion", "m.csv", "--confusion", "./m.csv"],
        2,
        "two outputs have the same name",
    ),
}


@pytest.mark.parametrize(("arguments", "status", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_sentence_and_nothing_is_written(skelact, files, arguments, status, told):
    save_clips_file(files / "letters.npz", ("a", "b"))
    save_clips_file(files / "mixed.npz", ("walk", "b"))
    before = sorted(files.iterdir())
    done = skelact("test", *arguments)
    assert (done.status, done.stdout) == (status, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path for path in sorted(files.iterdir()) if path.name != "cache"] == before


def test_classes_of_another_name_can_be_renamed(skelact, files):
    save_clips_file(files / "other.npz", ("-", "b", "walk"))
    arguments = ["--dataset", "other.npz", "--classes", "sit=-,walk", "--json"]
    told = json.loads(skelact("test", "small.safetensors", *arguments).stdout)
    assert told["clips"] == 16
    assert set(told["classes"]) == {"sit", "walk"}


@pytest.fixture
def learned(files):
    """The same clips, of which the recognizer is right about two in three: there is something to calibrate."""
    clips = read_npz(files / "clips.npz")
    predicted = evaluate(load_recognizer(files / "small.safetensors"), clips).predicted
    wrong = np.arange(24) // 9 == 1
    content = dict(np.load(files / "clips.npz"))
    np.savez(files / "learned.npz", **{**content, "label": (predicted + wrong) % 3})
    return files


def test_a_recognizer_is_written_with_the_temperature_that_is_told(skelact, learned):
    done = skelact(
        "calibrate", "small.safetensors", "--dataset", "learned.npz", "-o", "calibrated.safetensors", "--json"
    )
    assert done.status == 0
    told = json.loads(done.stdout)
    before, after = (load_recognizer(learned / f"{name}.safetensors") for name in ("small", "calibrated"))
    assert after.temperature == told["temperature"] != before.temperature
    assert told["after"]["nll"] < told["before"]["nll"]
    assert told["cross_fitted"]["nll"] >= told["after"]["nll"]
    assert (told["clips"], told["groups"]) == (24, 3)
    for name, tensor in before.model.state_dict().items():
        np.testing.assert_array_equal(after.model.state_dict()[name], tensor)
    again = json.loads(skelact("test", "calibrated.safetensors", "--dataset", "learned.npz", "--json").stdout)
    assert (again["nll"], again["ece"]) == pytest.approx((told["after"]["nll"], told["after"]["ece"]), abs=1e-5)


def test_calibration_as_a_table(skelact, learned):
    arguments = ["--dataset", "learned.npz", "--test-group", 0, "-o", "c.safetensors"]
    done = skelact("calibrate", "small.safetensors", *arguments)
    assert done.status == 0
    assert "temperature" in done.stdout
    assert "before" in done.stdout
    assert "what the temperature does to other groups is not known: all clips are of group 0" in done.stderr


def test_what_cannot_be_calibrated(skelact, files):
    arguments = ["calibrate", "small.safetensors", "--dataset", "clips.npz", "-o"]
    exists = skelact(*arguments, "clips.npz")
    assert (exists.status, exists.stdout) == (6, "")
    one_class = skelact(*arguments, "c.safetensors", "--classes", "walk")
    assert (one_class.status, one_class.stdout) == (3, "")
    assert "all clips are of class 'walk'" in one_class.stderr
    assert not (files / "c.safetensors").exists()
