"""`skelact fuse` on predictions of recognizers for several streams."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skelact.training.evaluate import load_predictions, save_predictions
from tests.training.predictions import predictions, shuffled

STREAMS = ("j", "b", "jm", "bm")


@pytest.fixture
def streams(tmp_path):
    """Test and validation predictions of four streams, in orders of their own."""
    for k, stream in enumerate(STREAMS):
        test, validation = predictions(k, stream=stream), predictions(10 + k, stream=stream)
        validation.names[:] = [f"v{name[4:]}" for name in validation.names]
        save_predictions(shuffled(test, k), tmp_path / f"{stream}.npz")
        save_predictions(shuffled(validation, k), tmp_path / f"{stream}-val.npz")
    return tmp_path


def test_four_streams_are_fused_with_the_published_weights(skelact, streams):
    done = skelact("fuse", "jm.npz", "j.npz", "b.npz", "bm.npz", "-o", "fused.npz", "--json")
    assert done.status == 0
    told = json.loads(done.stdout)
    assert [(row["file"], row["stream"], row["weight"]) for row in told["streams"]] == [
        ("jm.npz", "jm", 2),
        ("j.npz", "j", 3),
        ("b.npz", "b", 3),
        ("bm.npz", "bm", 2),
    ]
    fused = load_predictions(streams / "fused.npz")
    expected = sum(w * predictions(k).probabilities for k, w in enumerate((3, 3, 2, 2))) / 10
    mine = fused.probabilities[:, [fused.class_names.index(name) for name in predictions().class_names]]
    np.testing.assert_allclose(mine[np.argsort([int(name[4:]) for name in fused.names])], expected)
    assert told["fused"]["top1"] == fused.top1
    assert fused.stream == "jm+j+b+bm"


def test_a_table_of_each_stream_and_of_all(skelact, streams):
    done = skelact("fuse", "j.npz", "b.npz", "--weights", "1,0.5")
    assert done.status == 0
    for text in ("j.npz", "b.npz", "fused", "0.5", "60 clips", "95 % interval", "bootstrap over 6 groups"):
        assert text in done.stdout


def test_weights_are_found_on_validation_predictions(skelact, streams):
    done = skelact("fuse", "j.npz", "b.npz", "--fit", "j-val.npz,b-val.npz", "--json")
    assert (done.status, done.stderr) == (0, "")
    weights = [row["weight"] for row in json.loads(done.stdout)["streams"]]
    assert sum(weights) == pytest.approx(1)
    known = skelact("fuse", "j-val.npz", "b-val.npz", "--weights", ",".join(map(str, weights)), "--json")
    equal = skelact("fuse", "j-val.npz", "b-val.npz", "--json")
    assert json.loads(known.stdout)["fused"]["top1"] >= json.loads(equal.stdout)["fused"]["top1"]


def test_weights_found_on_the_test_itself_are_warned_of(skelact, streams):
    done = skelact("fuse", "j.npz", "b.npz", "--fit", "j.npz,b.npz")
    assert done.status == 0
    assert "60 clips, e.g. 'clip0', are in both" in done.stderr


WRONG = {
    "one file": (["j.npz", "--weights", "1"], 2, "there is nothing to fuse"),
    "no published weights": (["j.npz", "b.npz", "bm.npz"], 2, "no weights are published for streams j, b, bm"),
    "weights in words": (["j.npz", "b.npz", "--weights", "1;2"], 2, "give numbers with commas between"),
    "too few weights": (["j.npz", "b.npz", "--weights", "1"], 2, "there are 1 weights"),
    "given and found": (["j.npz", "b.npz", "--weights", "1,1", "--fit", "a,b"], 2, "either given or found"),
    "too few to find them on": (["j.npz", "b.npz", "--fit", "j-val.npz"], 2, "--fit names 1 files"),
    "in another order": (["j.npz", "b.npz", "--fit", "b-val.npz,j-val.npz"], 2, "in the same order"),
    "other clips": (["j.npz", "b-val.npz"], 3, "the clips of j.npz and b-val.npz differ"),
    "no predictions": (["j.npz", "clips.npz"], 3, "'clips.npz' holds no predictions"),
    "a file that is not there": (["j.npz", "none.npz"], 3, "there are no predictions at 'none.npz'"),
    "an output that exists": (["j.npz", "b.npz", "-o", "jm.npz"], 6, "'jm.npz' exists"),
}


@pytest.mark.parametrize(("arguments", "status", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_sentence(skelact, streams, arguments, status, told):
    np.savez(streams / "clips.npz", keypoints=np.zeros(3))
    done = skelact("fuse", *arguments)
    assert (done.status, done.stdout) == (status, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
