"""MMPose's predictions: both forms, as MMPose itself makes them; persons tracked; faults told by frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelact.errors import InputError, UsageError
from skelact.formats.gathering import Given
from skelact.formats.mmpose import read_mmpose, write_mmpose
from skelact.keypoints import BODY_NAMES
from tests.formats.sequences import walkers

TOLD = Given((800, 480), 25.0)


def instance(x: float = 10, v: int = 17, **more: Any) -> dict[str, Any]:
    points = [[x + k, 20.0 + k] for k in range(v)]
    return {
        "keypoints": points,
        "keypoint_scores": [0.5] * v,
        "bbox": [[x, 20, x + 60, 180]],
        "bbox_score": 0.9,
        **more,
    }


def frames(count: int = 5, **more: Any) -> list[dict[str, Any]]:
    return [
        {"frame_id": t, "instances": [instance(10 + 2 * t, **more), instance(400 + t, **more)]} for t in range(count)
    ]


def saved(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_persons_without_ids_are_tracked_by_their_boxes(tmp_path: Path) -> None:
    sequence = read_mmpose(saved(tmp_path / "a.json", frames()), TOLD)
    assert sequence.num_instances == 2
    assert sequence.present.all()
    left = sequence.keypoints[:, :, 0, 0].min(axis=0)
    assert left.tolist() == [10, 12, 14, 16, 18]
    assert sorted(sequence.keypoints[:, -1, 0, 0].tolist()) == [18, 404]
    assert sequence.boxes[:, :, 3].tolist() == [[180] * 5] * 2
    assert sequence.timestamps.tolist() == [0, 0.04, 0.08, 0.12, 0.16]


def test_a_box_too_weak_to_be_tracked_is_left_out_with_a_note(tmp_path: Path) -> None:
    content = frames()
    content[2]["instances"].append(instance(700, bbox_score=0.01))
    sequence = read_mmpose(saved(tmp_path / "a.json", content), TOLD)
    assert sequence.num_instances == 2
    assert sequence.notes == ("1 of 11 persons in frames were too uncertain to be tracked and are left out",)


def test_what_mmpose_makes_of_its_predictions_is_read(tmp_path: Path) -> None:
    from skelact.openmmlab import prepare

    prepare()
    from mmengine import dump
    from mmengine.structures import InstanceData
    from mmpose.structures.utils import split_instances

    predictions = []
    wanted = walkers(frames=3)
    for t in range(3):
        found = InstanceData(
            keypoints=wanted.keypoints[:, t],
            keypoint_scores=wanted.scores[:, t],
            bboxes=wanted.boxes[:, t],
            bbox_scores=np.full(2, 0.9, np.float32),
        )
        predictions.append({"frame_id": t, "instances": split_instances(found)})
    dump(predictions, str(tmp_path / "walk.json"), indent="  ")
    sequence = read_mmpose(tmp_path / "walk.json", TOLD)
    order = np.argsort(sequence.keypoints[:, 0, 0, 0])
    np.testing.assert_array_equal(sequence.keypoints[order], wanted.keypoints)
    np.testing.assert_array_equal(sequence.scores[order], wanted.scores)


FORMS = {
    "the demo scripts' form, frames from 1": (
        {"meta_info": {"keypoint_id2name": dict(enumerate(BODY_NAMES))}, "instance_info": [
            {"frame_id": 1, "instances": [instance(track_id=4)]}, {"frame_id": 2, "instances": []},
        ]},
        (1, 2),
    ),
    "an image: instances without frames": ([instance(track_id=1), instance(300, track_id=2)], (2, 1)),
    "unsorted frames": (
        [{"frame_id": 2, "instances": [instance(track_id=4)]}, {"frame_id": 1, "instances": []}], (1, 2)),
    "frames left out": ([{"frame_id": t, "instances": [instance(track_id=4)]} for t in (0, 7)], (1, 8)),
    "a box that is no list in a list": (
        [{"frame_id": 0, "instances": [instance(track_id=1, bbox=[1, 2, 3, 4])]}], (1, 1)),
    "no box and no scores": ([{"frame_id": 0, "instances": [{"keypoints": [[5, 6]] * 17, "track_id": 1}]}], (1, 1)),
    "a byte order mark": ("\ufeff" + json.dumps([{"frame_id": 0, "instances": []}]), (0, 1)),
    "scores below 0": ([{"frame_id": 0, "instances": [instance(track_id=1, keypoint_scores=[-0.1] * 17)]}], (1, 1)),
}  # fmt: skip


@pytest.mark.parametrize(("content", "shape"), FORMS.values(), ids=FORMS)
def test_forms(tmp_path: Path, content: Any, shape: tuple[int, int]) -> None:
    sequence = read_mmpose(saved(tmp_path / "a.json", content), TOLD)
    assert (sequence.num_instances, sequence.num_frames) == shape
    assert (sequence.scores >= 0).all()


def test_a_box_left_out_is_drawn_around_the_keypoints(tmp_path: Path) -> None:
    points = [[float(k), 2.0 * k] for k in range(17)]
    content = [{"keypoints": points, "keypoint_scores": [0.0] + [1.0] * 16, "track_id": 0}]
    assert read_mmpose(saved(tmp_path / "a.json", content), TOLD).boxes.tolist() == [[[1, 2, 16, 32]]]


def one(**changes: Any) -> list[dict[str, Any]]:
    return [{"frame_id": 0, "instances": [instance(track_id=1) | changes]}]


TEXT = json.dumps(one())
FAULTS = {
    "cut short": (TEXT[:-20], "cut short or empty"),
    "empty": ("", "cut short or empty"),
    "a text": ("keypoints", "no JSON"),
    "NaN": (TEXT.replace("0.5", "NaN", 1), "NaN and Infinity are none"),
    "no frames": ([], "holds no frames"),
    "another list": ([1, 2], "item 0 is no frame with a list of instances"),
    "another object": ({"a": 1}, "holds no frames"),
    "frames and an image mixed": ([instance(track_id=1), *frames(1)], "item 1 is no frame"),
    "instances that are none": ([{"frame_id": 0, "instances": 3}], "item 0 is no frame"),
    "an instance without keypoints": ([{"frame_id": 0, "instances": [{"bbox": [1, 2, 3, 4]}]}], "an instance has no"),
    "a frame without a number": ([{"instances": []}], "item 0: frame_id is 'None'"),
    "a frame's number in words": ([{"frame_id": "one", "instances": []}], "frame_id is 'one'"),
    "a frame's number below 0": ([{"frame_id": -1, "instances": []}], "frame_id is '-1'"),
    "a frame beyond belief": ([{"frame_id": 10**12, "instances": []}], "the number of a frame is '1000000000000'"),
    "a frame twice": ([{"frame_id": 0, "instances": []}] * 2, "frame 0 is there twice"),
    "a track twice in a frame": (frames(1, track_id=1), "frame 0: track 1 is there twice"),
    "a track without number": (one(track_id="x"), "track_id is 'x'"),
    "ids for some only": ([{"frame_id": 0, "instances": [instance(track_id=1), instance()]}], "1 of 2 .* track id"),
    "18 keypoints": (one(keypoints=[[1, 2]] * 18, keypoint_scores=[1] * 18), "frame 0: a person has 18 keypoints"),
    "another number than before": (
        [{"frame_id": 0, "instances": [instance(track_id=1), instance(v=133, track_id=2)]}],
        "133 keypoints, where 17 are read",
    ),
    "three dimensions": (one(keypoints=[[1, 2, 3]] * 17), "three dimensions"),
    "ragged keypoints": (one(keypoints=[[1, 2]] * 16 + [[1]]), "keypoints must be numbers"),
    "keypoints in words": (one(keypoints=[["a", "b"]] * 17), "keypoints must be numbers"),
    "null among them": (one(keypoints=[[1, None]] * 17), "keypoints has values that are not finite"),
    "numbers beyond float32": (one(keypoints=[[1, 1e39]] * 17), "keypoints has values that are not finite"),
    "too few scores": (one(keypoint_scores=[1.0]), "keypoint_scores has 1 numbers, where 17"),
    "half a box": (one(bbox=[1, 2]), "bbox has 2 numbers, where 4"),
    "brackets without end": ("[" * 100_000, "brackets are more than 64 deep"),
    "other keypoints": (
        {"meta_info": {"keypoint_id2name": {k: f"joint{k}" for k in range(17)}}, "instance_info": []},
        "in another order than COCO's: joint0, joint1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_told_in_one_sentence(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read_mmpose(saved(tmp_path / "a.json", content), TOLD)
    assert "a.json" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_other_encodings_missing_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes('[{"frame_id": 0, "name": "ä"}]'.encode("latin1"))
    for name, message in {"latin.json": "not in UTF-8", "none.json": "there is no file", ".": "cannot be read"}.items():
        with pytest.raises(InputError, match=message):
            read_mmpose(tmp_path / name, TOLD)


@pytest.mark.parametrize(("told", "option"), [(Given(fps=25), "--size"), (Given(size=(8, 4)), "--fps")])
def test_what_the_file_does_not_state_is_asked_for(tmp_path: Path, told: Given, option: str) -> None:
    with pytest.raises(UsageError, match=f"give {option}"):
        read_mmpose(saved(tmp_path / "a.json", frames()), told)


def test_a_file_has_the_keys_of_mmpose(tmp_path: Path) -> None:
    write_mmpose(walkers("coco17"), tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    assert [frame["frame_id"] for frame in content] == list(range(6))
    first = content[0]["instances"][0]
    assert {key: np.shape(value) for key, value in first.items()} == {
        "keypoints": (17, 2), "keypoint_scores": (17,), "bbox": (1, 4), "track_id": (),
    }  # fmt: skip
