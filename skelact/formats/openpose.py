"""OpenPose's folders of JSON: one file a frame, NAME_000000000000_keypoints.json, as `--write_json` makes them.

A file is `{"version": 1.3, "people": [...]}`; a person has `person_id` [-1] and flat lists of x, y in pixels and score:
`pose_keypoints_2d` (BODY_25, 25 x 3), `face_keypoints_2d` (70 x 3), `hand_left_keypoints_2d` and
`hand_right_keypoints_2d` (21 x 3), empty where not asked for.
Source: github.com/CMU-Perceptual-Computing-Lab/openpose, doc/02_output.md.

Limits:
    Order of keypoints: 23 of BODY_25 are COCO-WholeBody's body and feet, 68 of the face's 70 its face, and the hands
        its hands. BODY_25's neck and middle of the hips are dropped on reading, and written as the middle of the
        shoulders and of the hips with the lower of the two scores; so are the face's pupils, which are written as
        not seen. What is read is always layout wholebody133; COCO's 17 and Expressive Keypoints are written with the
        others not seen. The older 18 and 15 keypoints (COCO, MPI) are refused.
    Units: pixels; files of another `--keypoint_scale`, all of whose numbers are within -1 and 1, are refused.
    Not in the folder: size of the frame and frames per second (the user gives them), boxes (drawn around the
        keypoints), times, source, estimator, notes. A person without any keypoint seen in a frame is not written there.
    Persons: `person_id` is the track where it is not -1; where all are, persons are tracked by their boxes.
    Precision: written to 0.001 pixels and 0.0001 of a score; of keypoints not seen no coordinates.
    Frames: the smallest number there is becomes frame 0; frames without a file have nobody in them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from skelact.errors import InputError
from skelact.formats.folders import atomic_folder
from skelact.formats.gathering import NOTHING_GIVEN, Gathering, Given, numbers, place, whole_number
from skelact.formats.json_text import dump, pixels, read_json, shares
from skelact.keypoints import FACE, LEFT_HAND, RIGHT_HAND, get_layout
from skelact.sequence import PoseSequence

ENDING = "_keypoints.json"
LAYOUTS = ("coco17", "expressive65", "wholebody133")
LARGEST = 1 << 26  # bytes of a frame's file, some thousand persons
_NAME = re.compile(rf"(?:(.*)_)?(\d+){re.escape(ENDING)}")
# BODY_25's keypoints in its order; the two that COCO-WholeBody has not are derived.
_BODY_25 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye",
    "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel", "right_big_toe",
    "right_small_toe", "right_heel",
)  # fmt: skip
_DERIVED = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}
_PUPILS = 2
# List to its length, which of its keypoints are COCO-WholeBody's, and where those are there.
_WHOLEBODY = get_layout("wholebody133")
_KNOWN = [k for k, name in enumerate(_BODY_25) if name not in _DERIVED]
_LISTS: dict[str, tuple[int, list[int], list[int]]] = {
    "pose_keypoints_2d": (len(_BODY_25), _KNOWN, [_WHOLEBODY.index[_BODY_25[k]] for k in _KNOWN]),
    "face_keypoints_2d": (len(FACE) + _PUPILS, list(range(len(FACE))), list(FACE)),
    "hand_left_keypoints_2d": (21, list(range(21)), list(LEFT_HAND)),
    "hand_right_keypoints_2d": (21, list(range(21)), list(RIGHT_HAND)),
}


def read_openpose(path: Path, given: Given = NOTHING_GIVEN) -> PoseSequence:
    """The sequence in a folder of JSON files, or in one of them.

    Args:
        path: the folder or file.
        given: size and fps, which the files do not state.

    Raises:
        UsageError: size or fps are not given.
        InputError: a file cannot be read, or what it holds cannot be right; says which.
    """
    files = _files(path)
    size, fps = given.frame_size(path), given.rate(path)
    gathering = Gathering(path)
    largest = 0.0
    for frame, file in sorted(files.items()):
        content = read_json(file, LARGEST)
        people = content.get("people") if isinstance(content, dict) else None
        if not isinstance(people, list):
            raise InputError(f"{str(file)!r} is none of OpenPose's files: it has no list of people")
        with place(file, "its name"):
            gathering.see(frame)
        for number, person in enumerate(people):
            with place(file, f"person {number}"):
                largest = max(largest, _add(gathering, frame, person))
    if 0 < largest <= 1:
        raise InputError(
            f"{str(path)!r} has no coordinate beyond 1, which are shares and not pixels: write it again with "
            "--keypoint_scale 0"
        )
    return gathering.sequence(size, fps)


def _files(path: Path) -> dict[int, Path]:
    """Frame to file."""
    found = [path] if path.is_file() else sorted(path.glob(f"*{ENDING}"))
    names = [(file, _NAME.fullmatch(file.name)) for file in found]
    files: dict[int, Path] = {}
    series = set()
    for file, parts in names:
        if parts is None:
            raise InputError(f"{str(file)!r} has no number of a frame before {ENDING}")
        series.add(parts[1])
        if len(series) > 1:
            raise InputError(f"{str(path)!r} holds the frames of several videos: put each into a folder of its own")
        number = int(parts[2][:20])
        if number in files:
            raise InputError(f"{str(path)!r}: frame {number} is there twice, in {files[number].name} and {file.name}")
        files[number] = file
    if not files:
        raise InputError(f"{str(path)!r} holds none of OpenPose's files, which end in {ENDING}")
    return files


def _add(gathering: Gathering, frame: int, person: Any) -> float:
    """Add a person and tell the largest coordinate."""
    if not isinstance(person, dict):
        raise InputError("it is no object with keypoints")
    points = np.zeros((len(_WHOLEBODY), 3), np.float32)
    for name, (length, from_, to) in _LISTS.items():
        flat = numbers(person.get(name) or [], (-1,), name)
        if len(flat) not in ((0, 3 * length) if name != "pose_keypoints_2d" else (3 * length,)):
            raise InputError(f"{name} has {len(flat)} numbers, where {3 * length} are needed")
        if len(flat):
            points[to] = flat.reshape(-1, 3)[from_]
    track = person.get("person_id", [-1])
    track = track[0] if isinstance(track, list) and len(track) == 1 else track
    number = None if track == -1 else whole_number(track, "person_id")
    gathering.add(frame, points[:, :2], points[:, 2], number)
    return float(np.abs(points[points[:, 2] > 0, :2]).max(initial=0))


def write_openpose(sequence: PoseSequence, path: Path, overwrite: bool = False) -> None:
    """Write a sequence as a folder of JSON files, whole or not at all.

    Raises:
        InputError: the layout is none of `LAYOUTS`.
        OutputError: the folder exists and `overwrite` is not set, it holds other files, or it cannot be written.
    """
    if sequence.layout not in LAYOUTS:
        raise InputError(f"OpenPose's files hold bodies, not layout {sequence.layout}")
    places = list(get_layout(sequence.layout).wholebody)
    there = sequence.present
    with atomic_folder(path, ENDING, overwrite) as draft:
        for frame in range(sequence.num_frames):
            people = []
            for k in np.flatnonzero(there[:, frame]):
                points = np.zeros((len(_WHOLEBODY), 3))
                points[places] = np.column_stack([sequence.keypoints[k, frame], sequence.scores[k, frame]])
                people.append(_person(points, int(sequence.track_ids[k])))
            content = dump({"version": 1.3, "people": people})
            (draft / f"{path.name}_{frame:012d}{ENDING}").write_bytes(content)


def _person(points: np.ndarray, track: int) -> dict[str, Any]:
    points[points[:, 2] <= 0] = 0
    person: dict[str, Any] = {"person_id": [track]}
    for name, (length, to, from_) in _LISTS.items():
        rows = np.zeros((length, 3))
        rows[to] = points[from_]
        if name == "pose_keypoints_2d":
            for derived, pair in _DERIVED.items():
                rows[_BODY_25.index(derived)] = _middle(*points[[_WHOLEBODY.index[side] for side in pair]])
        seen = name == "pose_keypoints_2d" or rows[:, 2].any()
        person[name] = _flat(rows) if seen else []
    return person | {f"{part}_keypoints_3d": [] for part in ("pose", "face", "hand_left", "hand_right")}


def _middle(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    if min(one[2], other[2]) <= 0:
        return np.zeros(3)
    return np.array([*(one[:2] + other[:2]) / 2, min(one[2], other[2])])


def _flat(rows: np.ndarray) -> list[float]:
    triples = zip(pixels(rows[:, :2]), shares(rows[:, 2]), strict=True)
    return [value for (x, y), score in triples for value in (x, y, score)]
