"""MOTChallenge's text files of boxes: frame, id, left, top, width, height, confidence, -1, -1, -1.

Frames count from 1; id -1 is a box that nobody tracked. Where `seqinfo.ini` stands beside the file or in the folder
above (SEQUENCE/gt/gt.txt), frames per second, size and number of frames are read from it.
Source: motchallenge.net/instructions; Milan et al., MOT16 (2016), section 4.3.

Limits:
    Boxes only: what is read is a sequence of layout coco17 in which no keypoint was seen, of use for its boxes and
        tracks, and of none for recognition. No keypoints, scores, times, source, estimator or notes are written.
    Not in the file: size of the frame and frames per second, unless `seqinfo.ini` is there (the user gives them), and
        frames with nobody after the last, unless it tells their number.
    Rows with confidence 0 (in truth: not to be counted) and of other classes than 1, pedestrian (column 8 in truth),
        are left out. Boxes without id are tracked, by their confidence too, which is not kept; written is 1.
    Precision: written to 0.01 pixels, as MOTChallenge's own.
"""

from __future__ import annotations

import configparser
import math
from pathlib import Path

import numpy as np

from skelact.errors import InputError
from skelact.formats.gathering import MOST_FRAMES, MOST_TRACK, NOTHING_GIVEN, Gathering, Given
from skelact.formats.json_text import attendance
from skelact.formats.text_lines import read_rows, real, whole
from skelact.formats.writing import atomic_write
from skelact.keypoints import get_layout
from skelact.sequence import PoseSequence

LAYOUT = "coco17"
NOTE = "the file holds boxes only: no keypoint was seen"
_FEWEST = 6  # columns
_CLASSES = ("-1", "1")  # not told, pedestrian


def read_mot(path: Path, given: Given = NOTHING_GIVEN) -> PoseSequence:
    """The boxes in a file, as a sequence in which no keypoint was seen.

    Args:
        path: the file.
        given: size and fps, where there is no seqinfo.ini.

    Raises:
        UsageError: size or fps are neither given nor in seqinfo.ini.
        InputError: the file cannot be read, or what it holds cannot be right; says in which line.
    """
    stated_size, stated_fps, frames = _sequence_info(path)
    size, fps = given.frame_size(path, stated_size), given.rate(path, stated_fps)
    gathering = Gathering(path)
    for line, row in read_rows(path):
        try:
            _add(gathering, row)
        except InputError as error:
            raise InputError(f"{str(path)!r}, line {line}: {error}") from None
    return gathering.sequence(size, fps, first=1, frames=frames, notes=(NOTE,))


def _add(gathering: Gathering, row: list[str]) -> None:
    if len(row) < _FEWEST:
        raise InputError(f"it has {len(row)} columns, where frame, id, left, top, width and height are needed")
    frame = whole(row[0], "the frame", 1, MOST_FRAMES)
    track = whole(row[1].removesuffix(".0"), "the id", -1, MOST_TRACK)
    left, top, width, height = (real(text, "a box") for text in row[2:6])
    confidence = real(row[6], "the confidence") if len(row) > _FEWEST else 1.0
    gathering.see(frame)
    if confidence == 0 or (len(row) > 7 and row[7].strip().removesuffix(".0") not in _CLASSES):
        return
    v = len(get_layout(LAYOUT))
    box = np.array([left, top, left + width, top + height], np.float32)
    certainty = min(max(confidence, 0.0), 1.0)
    gathering.add(
        frame, np.zeros((v, 2), np.float32), np.zeros(v, np.float32), None if track < 0 else track, box, certainty
    )


def _sequence_info(path: Path) -> tuple[tuple[int, int] | None, float | None, int]:
    """Size, fps and number of frames where a seqinfo.ini tells them; None, None and 0 where there is none."""
    file = next((f for f in (path.parent / "seqinfo.ini", path.parent.parent / "seqinfo.ini") if f.is_file()), None)
    if file is None:
        return None, None, 0
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
        info = parser["Sequence"]
        width, height, frames = (int(info[key]) for key in ("imWidth", "imHeight", "seqLength"))
        fps = float(info["frameRate"])
    except (OSError, ValueError, KeyError, configparser.Error):
        raise InputError(f"{str(file)!r} lacks imWidth, imHeight, frameRate or seqLength: mend or remove it") from None
    if not (min(width, height, frames) > 0 and frames <= MOST_FRAMES and 0 < fps < math.inf):
        raise InputError(f"{str(file)!r} has a number that cannot be right: mend or remove it")
    return (width, height), fps, frames


def write_mot(sequence: PoseSequence, path: Path, overwrite: bool = False) -> None:
    """Write the boxes of a sequence, frame by frame.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    there = attendance(sequence)
    with atomic_write(path, overwrite) as file:
        for frame, k in np.argwhere(there.T).tolist():
            x1, y1, x2, y2 = sequence.boxes[k, frame].astype(np.float64)
            sides = f"{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f}"
            file.write(f"{frame + 1},{int(sequence.track_ids[k])},{sides},1,-1,-1,-1\n".encode())
