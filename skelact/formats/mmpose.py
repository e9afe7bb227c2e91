"""MMPose's predictions: what its inferencer writes with `--pred-out-dir`, its demo scripts with `--save-predictions`.

The inferencer writes for a video a list of `{"frame_id": 0, "instances": [...]}` and for an image a list of instances;
the scripts write `{"meta_info": {...}, "instance_info": [...]}` around the same lists, and count frames from 1. An
instance has `keypoints` [[x, y], ...] in pixels, `keypoint_scores`, and mostly `bbox` [[x1, y1, x2, y2]] and
`bbox_score`. A key `track_id`, which MMPose does not write, is read where it is there, and written.
Source: mmpose 1.3, apis/inferencers/base_mmpose_inferencer.py, structures/utils.py (split_instances), demo/.

Limits:
    Order of keypoints: 17 are COCO's, 21 a hand's, 65 and 133 those of `skelact.keypoints`; other numbers are refused,
        and so are files whose `meta_info` names other keypoints. In three dimensions they are not read.
    Not in the file: size of the frame and frames per second (the user gives them), times, source, estimator, notes.
    Precision: written to 0.001 pixels and 0.0001 of a score; of keypoints not seen (score 0) no coordinates.
    Frames: the smallest number there is becomes frame 0, in any order; frames left out have nobody in them. SimCC's
        scores below 0 count as not seen.
    Persons: who has neither keypoints nor a box in any frame is not written. `bbox_score` guides the tracking of
        files without `track_id`, and is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from skelact.errors import InputError
from skelact.formats.gathering import NOTHING_GIVEN, Gathering, Given, numbers, place, whole_number
from skelact.formats.json_text import attendance, dump, first_character, pixels, read_items, shares
from skelact.formats.writing import atomic_write
from skelact.keypoints import BODY_NAMES
from skelact.sequence import PoseSequence


def read_mmpose(path: Path, given: Given = NOTHING_GIVEN) -> PoseSequence:
    """The sequence in a file of predictions.

    Args:
        path: the file.
        given: size and fps, which the file does not state.

    Raises:
        UsageError: size or fps are not given.
        InputError: the file cannot be read, or what it holds cannot be right; says in which frame.
    """
    prefix = "item"
    if first_character(path) == "{":
        prefix = "instance_info.item"
        _check_dataset(path)
    size, fps = given.frame_size(path), given.rate(path)
    gathering = Gathering(path)
    seen = set()
    for frame, instances in _frames(read_items(path, prefix), path):
        if frame in seen:
            raise InputError(f"{str(path)!r}: frame {frame} is there twice")
        seen.add(frame)
        with place(path, f"frame {frame}"):
            gathering.see(frame)
            for instance in instances:
                _add(gathering, frame, instance)
    return gathering.sequence(size, fps)


def _frames(items: Iterator[Any], path: Path) -> Iterator[tuple[int, list[Any]]]:
    image: list[Any] = []  # the instances of an image, which has no frames
    for number, item in enumerate(items):
        if isinstance(item, dict) and "keypoints" in item and "instances" not in item:
            image.append(item)
            continue
        if not isinstance(item, dict) or not isinstance(item.get("instances"), list) or image:
            raise InputError(
                f"{str(path)!r} is none of MMPose's predictions: item {number} is no frame with a list of instances"
            )
        with place(path, f"item {number}"):
            frame = whole_number(item.get("frame_id"), "frame_id")
        yield frame, item["instances"]
    if image:
        yield 0, image


def _check_dataset(path: Path) -> None:
    """Refuse keypoints in another order; files that do not name them are trusted."""
    names = next(read_items(path, "meta_info.keypoint_id2name"), None)
    if not isinstance(names, dict) or len(names) not in (17, 65, 133):
        return  # not named, or too many or few to be read
    found = [names.get(str(k)) for k in range(17)]
    if found != list(BODY_NAMES):
        raise InputError(f"{str(path)!r} has keypoints in another order than COCO's: {found[0]}, {found[1]} ...")


def _add(gathering: Gathering, frame: int, instance: Any) -> None:
    if not isinstance(instance, dict) or "keypoints" not in instance:
        raise InputError("an instance has no keypoints")
    rows = instance["keypoints"]
    if isinstance(rows, list) and rows and isinstance(rows[0], list) and len(rows[0]) == 3:
        raise InputError("an instance has keypoints in three dimensions, and those of an image are needed")
    keypoints = numbers(rows, (-1, 2), "keypoints")
    scores = numbers(instance.get("keypoint_scores", [1.0] * len(keypoints)), (len(keypoints),), "keypoint_scores")
    box = instance.get("bbox")
    if isinstance(box, list) and len(box) == 1:
        box = box[0]
    track = instance.get("track_id")
    gathering.add(
        frame,
        keypoints,
        scores,
        track=None if track is None else whole_number(track, "track_id"),
        box=None if box is None else numbers(box, (4,), "bbox"),
        certainty=float(numbers(instance.get("bbox_score", 1.0), (), "bbox_score")),
    )


def write_mmpose(sequence: PoseSequence, path: Path, overwrite: bool = False) -> None:
    """Write a sequence as MMPoseInferencer writes a video's predictions, frame by frame.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    there = attendance(sequence)
    with atomic_write(path, overwrite) as file:
        for frame in range(sequence.num_frames):
            file.write(b",\n" if frame else b"[\n")
            instances = [_instance(sequence, k, frame) for k in np.flatnonzero(there[:, frame])]
            file.write(dump({"frame_id": frame, "instances": instances}))
        file.write(b"\n]\n" if sequence.num_frames else b"[]\n")


def _instance(sequence: PoseSequence, k: int, frame: int) -> dict[str, Any]:
    scores = sequence.scores[k, frame]
    return {
        "keypoints": pixels(np.where(scores[:, None] > 0, sequence.keypoints[k, frame], 0)),
        "keypoint_scores": shares(scores),
        "bbox": [pixels(sequence.boxes[k, frame])],
        "track_id": int(sequence.track_ids[k]),
    }
