"""COCO's and COCO-WholeBody's JSON: annotations of images, and lists of results.

Annotations are `{"images": [...], "annotations": [...], "categories": [...]}`, an annotation with `image_id`, `bbox`
[x, y, width, height], `keypoints` (17 x 3) and, in COCO-WholeBody, `foot_kpts` (6 x 3), `face_kpts` (68 x 3),
`lefthand_kpts` and `righthand_kpts` (21 x 3) with `foot_valid`, `face_valid`, `lefthand_valid`, `righthand_valid`. A
list of results has items with `image_id`, `keypoints` (17 x 3 or 133 x 3), `score` and perhaps `bbox`. Keypoints are x,
y in pixels and a flag or score.
Sources: cocodataset.org/#format-data; Jin et al., Whole-Body Human Pose Estimation in the Wild (ECCV 2020), and
github.com/jin-s13/COCO-WholeBody, data_format.md.

Images are taken as the frames of one video: in the order of `frame_id` where all have one, else of `id`; in a list of
results the ids themselves number the frames, and those left out have nobody in them.

Limits:
    Order of keypoints: COCO's 17, or the 133 of COCO-WholeBody; layout expressive65 is written as 133 with a face that
        was not seen, and reads back so; hand21 has no place.
    Flags: 1 (labelled, hidden) and 2 (labelled, visible) are both read as score 1, and a fraction, as COCO-WholeBody's
        own hands have it, as the score; a part whose `*_valid` is false was not seen. Written are 2 and 0, with the
        scores under `keypoint_scores`, a key that other tools pass over and that is read where it is there.
    Persons: `track_id` (as in PoseTrack) is read and written; without, persons are tracked by their boxes. Crowds
        (`iscrowd`) are left out; who has neither keypoints nor a box in any frame is not written.
    Not in the file: frames per second (the user gives them), times, source, estimator, notes; in a list of results the
        size of the frame either. Of images of different sizes the largest width and height count, with a note.
    Precision: written to 0.001 pixels and 0.0001 of a score; of keypoints not seen no coordinates.
    Not written: outlines (`segmentation` is empty); `area` is the box's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from skelact.errors import InputError
from skelact.formats.gathering import MOST_FRAMES, NOTHING_GIVEN, Gathering, Given, numbers, place, whole_number
from skelact.formats.json_text import attendance, dump, first_character, pixels, read_items, shares
from skelact.formats.writing import atomic_write
from skelact.keypoints import BODY, BODY_NAMES, FACE, FEET, LEFT_HAND, RIGHT_HAND, get_layout
from skelact.sequence import PoseSequence

LAYOUTS = ("coco17", "expressive65", "wholebody133")
# Part to its keypoints; each has the keys <part>_kpts and <part>_valid.
_PARTS = {"foot": FEET, "face": FACE, "lefthand": LEFT_HAND, "righthand": RIGHT_HAND}
_BOXES = ("face", "lefthand", "righthand")
_PERSON = 1  # the id of COCO's category


def read_coco(path: Path, given: Given = NOTHING_GIVEN) -> PoseSequence:
    """The sequence in a file of annotations or results.

    Args:
        path: the file.
        given: fps, which the file does not state, and the size where its images do not.

    Raises:
        UsageError: size or fps are not given.
        InputError: the file cannot be read, or what it holds cannot be right; says where.
    """
    results = first_character(path) == "["
    frame_of, stated, notes = (None, None, ()) if results else _images(path, given)
    size, fps = given.frame_size(path, stated), given.rate(path)
    gathering = Gathering(path)
    for frame in (frame_of or {}).values():
        gathering.see(frame)
    for number, annotation in enumerate(read_items(path, "item" if results else "annotations.item")):
        with place(path, f"{'result' if results else 'annotation'} {number}"):
            _add(gathering, annotation, frame_of)
    return gathering.sequence(size, fps, notes=notes)


def _images(path: Path, given: Given) -> tuple[dict[int, int], tuple[int, int] | None, tuple[str, ...]]:
    """Image id to frame, the size stated, and notes."""
    images: dict[int, Any] = {}
    sizes: set[tuple[Any, Any]] = set()
    for number, image in enumerate(read_items(path, "images.item")):
        with place(path, f"image {number}"):
            if not isinstance(image, dict):
                raise InputError("it is no object with an id")
            key = whole_number(image.get("id"), "id")
            if key in images:
                raise InputError(f"its id {key} is there twice, and must be unique")
            images[key] = image.get("frame_id")
            sizes.add((image.get("width"), image.get("height")))
    if not images:
        raise InputError(f"{str(path)!r} has no images: COCO's annotations or a list of results are needed")
    stated, notes = _size(path, sizes, given)
    numbered = all(type(frame) is int and 0 <= frame <= MOST_FRAMES for frame in images.values())
    if not numbered:
        return {key: frame for frame, key in enumerate(sorted(images))}, stated, notes
    if len(set(images.values())) < len(images):
        raise InputError(f"{str(path)!r}: two images have the same frame_id, and it must be unique")
    first = min(images.values())
    return {key: frame - first for key, frame in images.items()}, stated, notes


def _size(path: Path, sizes: set[tuple[Any, Any]], given: Given) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    if not all(type(side) is int and side > 0 for size in sizes for side in size):
        return None, ()
    if len(sizes) == 1:
        return next(iter(sizes)), ()
    largest = (max(width for width, _ in sizes), max(height for _, height in sizes))
    size = given.size or largest
    return size, (f"the images of {path.name} have {len(sizes)} sizes, and the frame is {size[0]}x{size[1]}",)


def _add(gathering: Gathering, annotation: Any, frame_of: Mapping[int, int] | None) -> None:
    if not isinstance(annotation, dict):
        raise InputError("it is no object with keypoints")
    if annotation.get("iscrowd"):
        return
    frame = whole_number(annotation.get("image_id"), "image_id")
    if frame_of is not None:
        if frame not in frame_of:
            raise InputError(f"there is no image {frame}")
        frame = frame_of[frame]
    box = None
    if "bbox" in annotation:
        x, y, width, height = numbers(annotation["bbox"], (4,), "bbox").astype(np.float64)
        box = np.array([x, y, x + width, y + height], np.float32)
    if "keypoints" not in annotation:
        if box is None or annotation.get("category_id") != _PERSON:
            return
        v = len(get_layout(gathering.layout or "wholebody133"))
        points = np.zeros((v, 3), np.float32)
    else:
        points = _points(annotation, gathering.layout)
    track = annotation.get("track_id")
    gathering.add(
        frame,
        points[:, :2],
        points[:, 2],
        track=None if track is None else whole_number(track, "track_id"),
        box=box,
        certainty=float(numbers(annotation.get("score", 1.0), (), "score")),
    )


def _points(annotation: Mapping[str, Any], layout: str | None) -> np.ndarray:
    """(V, 3) x, y in pixels and score."""
    points = _triples(annotation["keypoints"], "keypoints")
    if len(points) == len(BODY) and (layout == "wholebody133" or any(f"{part}_kpts" in annotation for part in _PARTS)):
        whole = np.zeros((133, 3), np.float32)
        whole[: len(BODY)] = points
        for part, places in _PARTS.items():
            if annotation.get(f"{part}_kpts") and annotation.get(f"{part}_valid", True):
                found = _triples(annotation[f"{part}_kpts"], f"{part}_kpts")
                if len(found) != len(places):
                    raise InputError(f"{part}_kpts has {len(found)} keypoints, where {len(places)} are needed")
                whole[places.start : places.stop] = found
        points = whole
    if "keypoint_scores" in annotation:
        points[:, 2] = numbers(annotation["keypoint_scores"], (len(points),), "keypoint_scores")
    else:
        points[:, 2] = np.clip(points[:, 2], 0, 1)
    return points


def _triples(value: Any, what: str) -> np.ndarray:
    flat = numbers(value, (-1,), what)
    if len(flat) % 3:
        raise InputError(f"{what} has {len(flat)} numbers, which are no multiple of 3")
    return flat.reshape(-1, 3)


def write_coco(sequence: PoseSequence, path: Path, overwrite: bool = False) -> None:
    """Write a sequence as annotations, frame by frame; see the limits above.

    Raises:
        InputError: the layout is none of `LAYOUTS`.
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    if sequence.layout not in LAYOUTS:
        raise InputError(f"COCO's annotations hold whole bodies, not layout {sequence.layout}")
    there = attendance(sequence)
    with atomic_write(path, overwrite) as file:
        file.write(b'{"info":{"description":"keypoints written by skelact"},\n"images":[')
        for frame in range(sequence.num_frames):
            image = {"id": frame, "frame_id": frame, "file_name": f"{frame:012d}.jpg"}
            file.write(
                (b",\n" if frame else b"\n") + dump(image | {"width": sequence.width, "height": sequence.height})
            )
        file.write(b'\n],\n"annotations":[')
        for number, (frame, k) in enumerate(np.argwhere(there.T).tolist()):
            file.write((b",\n" if number else b"\n") + dump(_annotation(sequence, k, frame, number + 1)))
        category = {"id": _PERSON, "name": "person", "supercategory": "person", "keypoints": list(BODY_NAMES)}
        file.write(b'\n],\n"categories":[' + dump(category) + b"]}\n")


def _annotation(sequence: PoseSequence, k: int, frame: int, number: int) -> dict[str, Any]:
    places = get_layout(sequence.layout).wholebody
    points, scores = np.zeros((133, 3)), np.zeros(133)
    scores[list(places)] = sequence.scores[k, frame]
    points[list(places), :2] = sequence.keypoints[k, frame]
    points[:, 2] = 2
    points[scores <= 0] = 0
    box = sequence.boxes[k, frame].astype(np.float64)
    sides = box[2:] - box[:2]
    annotation = {
        "id": number,
        "image_id": frame,
        "category_id": _PERSON,
        "track_id": int(sequence.track_ids[k]),
        "iscrowd": 0,
        "bbox": pixels([*box[:2], *sides]),
        "segmentation": [],  # MMPose's data sets ask for it
        "area": round(float(sides.prod()), 3),
        "num_keypoints": int((scores[: len(BODY)] > 0).sum()),
        "keypoints": _flat(points[: len(BODY)]),
    }
    if sequence.layout != "coco17":
        for part, where in _PARTS.items():
            found = points[where.start : where.stop]
            annotation[f"{part}_kpts"], annotation[f"{part}_valid"] = _flat(found), bool(found[:, 2].any())
            if part in _BOXES:
                annotation[f"{part}_box"] = _box(found)
    return annotation | {"keypoint_scores": shares(scores if sequence.layout != "coco17" else scores[: len(BODY)])}


def _flat(points: np.ndarray) -> list[Any]:
    return [value for x, y, flag in pixels(points) for value in (x, y, int(flag))]


def _box(points: np.ndarray) -> list[float]:
    seen = points[points[:, 2] > 0, :2]
    if not len(seen):
        return [0.0, 0.0, 0.0, 0.0]
    return pixels([*seen.min(axis=0), *(seen.max(axis=0) - seen.min(axis=0))])
