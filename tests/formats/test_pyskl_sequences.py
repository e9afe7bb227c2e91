"""PYSKL's pickles as sequences: with and without labels, one clip or many, and nothing that could run."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelact.errors import InputError, UsageError
from skelact.formats.gathering import Given
from skelact.formats.pyskl import read_pyskl
from skelact.formats.pyskl_sequences import Named, read_pyskl_sequences, write_pyskl_sequences
from tests.formats.sequences import walkers

TOLD = Given(fps=25.0)


def annotation(**changes: Any) -> dict[str, Any]:
    whole = {
        "frame_dir": "a",
        "label": 4,
        "img_shape": (480, 640),
        "total_frames": 3,
        "keypoint": np.full((2, 3, 17, 2), 7, np.float16),
        "keypoint_score": np.ones((2, 3, 17), np.float16),
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def saved(path: Path, content: Any) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.parametrize(
    ("changes", "label", "size"),
    [
        ({}, 4, (640, 480)),
        ({"label": -1}, -1, (640, 480)),
        ({"label": None}, -1, (640, 480)),
        ({"img_shape": None}, 4, (1920, 1080)),
    ],
    ids=["whole", "label -1", "no label", "no frame size, which PYSKL takes for 1080 x 1920"],
)
def test_clips_with_and_without_labels(tmp_path: Path, changes: dict[str, Any], label: int, size: Any) -> None:
    named = next(read_pyskl_sequences(saved(tmp_path / "a.pkl", [annotation(**changes)]), TOLD))
    assert (named.name, named.label) == ("a", label)
    assert (named.sequence.width, named.sequence.height) == size
    assert named.sequence.boxes[0, 0].tolist() == [7, 7, 7, 7]
    assert named.sequence.track_ids.tolist() == [0, 1]


def test_a_size_that_is_given_goes_before_pyskls(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pkl", [annotation(img_shape=None)])
    assert next(read_pyskl_sequences(path, Given((8, 4), 25))).sequence.width == 8


def test_what_is_written_is_pyskls_list_of_plain_values(tmp_path: Path) -> None:
    sequence = walkers("coco17")
    write_pyskl_sequences([Named("walk/a", sequence, 3), Named("b", sequence)], tmp_path / "a.pkl")
    content = pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert [found["frame_dir"] for found in content] == ["walk/a", "b"]
    assert [found["label"] for found in content] == [3, -1]
    assert content[0]["img_shape"] == (480, 800)
    assert content[0]["total_frames"] == 6
    assert type(content[0]["keypoint"]) is np.ndarray
    np.testing.assert_array_equal(content[0]["keypoint"], sequence.keypoints)
    np.testing.assert_array_equal(content[0]["keypoint_score"], sequence.scores)


def test_with_labels_it_can_be_trained_on(tmp_path: Path) -> None:
    write_pyskl_sequences([Named("a", walkers("coco17"), 0), Named("b", walkers("coco17"), 1)], tmp_path / "a.pkl")
    assert read_pyskl(tmp_path / "a.pkl").labels.tolist() == [0, 1]


def test_without_labels_training_refuses_it(tmp_path: Path) -> None:
    write_pyskl_sequences([Named("a", walkers("coco17"))], tmp_path / "a.pkl")
    with pytest.raises(InputError, match="labels count from 0"):
        read_pyskl(tmp_path / "a.pkl")


def test_nobody_is_one_person_who_was_never_seen(tmp_path: Path) -> None:
    write_pyskl_sequences([Named("a", walkers().select([]))], tmp_path / "a.pkl")
    found = next(read_pyskl_sequences(tmp_path / "a.pkl", TOLD)).sequence
    assert (found.num_instances, found.num_frames) == (1, 6)
    assert not found.present.any()


class Runs:
    """What a pickle could run when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


FAULTS = {
    "something that would run": ([Runs()], "is not read, because it holds posix.mkdir"),
    "a label in words": ([annotation(label="run")], "has the label 'run'"),
    "a label below -1": ([annotation(label=-2)], "has the label '-2'"),
    "two of one name": ([annotation(), annotation()], "two annotations are called 'a'"),
    "no list": ("text", "is no PYSKL pickle"),
    "no keypoints": ([annotation(keypoint=None)], "needs an array 'keypoint'"),
    "scores of another shape": ([annotation(keypoint_score=np.ones((1, 3, 17)))], "has keypoints .* and scores"),
    "NaN": ([annotation(keypoint=np.full((2, 3, 17, 2), np.nan))], "are no finite numbers"),
}


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        list(read_pyskl_sequences(saved(tmp_path / "a.pkl", content), TOLD))
    assert not (tmp_path / "ran").exists()


def test_fps_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give --fps"):
        next(read_pyskl_sequences(saved(tmp_path / "a.pkl", [annotation()])))


REFUSED = {
    "none": ([], "there are no sequences"),
    "two of one name": ([Named("a", walkers()), Named("a", walkers())], "two sequences are called 'a'"),
    "two layouts": ([Named("a", walkers()), Named("b", walkers("coco17"))], "'b' has layout coco17"),
    "no frames": ([Named("a", walkers(frames=0))], "'a' has no frames"),
}


@pytest.mark.parametrize(("sequences", "message"), REFUSED.values(), ids=REFUSED)
def test_what_a_pickle_cannot_hold_leaves_no_file(tmp_path: Path, sequences: list[Named], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_pyskl_sequences(sequences, tmp_path / "a.pkl")
    assert os.listdir(tmp_path) == []
