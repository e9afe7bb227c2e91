"""A long table as CSV: one row a keypoint, with columns frame, time, track, keypoint, x, y and score.

    frame,time,track,keypoint,x,y,score
    0,0.0,7,box_top_left,10.0,20.0,1
    0,0.0,7,box_bottom_right,90.0,200.0,1
    0,0.0,7,nose,51.25,33.5,0.93

`frame` counts from 0, `time` is in seconds, `track` is the person, `keypoint` a name of `skelact.keypoints`, x and y
are in pixels. Two rows hold the corners of a person's box; without them the box is drawn around the keypoints seen. A
frame with nobody in it has one row with only `frame` and `time`. Columns may stand in any order, and frames too; the
rows of a person in a frame stand together.

Limits:
    Order of keypoints: by name, so any; layout hand21 and the others each have names of their own. Keypoints without
        a row were not seen. What is read has the smallest of the layouts coco17, expressive65 and wholebody133 (or
        hand21) that has all the names; all keypoints are written, so that it is the one that was written.
    Not in the file: size of the frame (the user gives it), source, estimator, notes. Frames per second are what the
        user gives, or one over the median step of the times.
    Times: kept to the last digit; those of frames without rows are put evenly between their neighbours'.
    Persons: who has neither keypoints nor a box in any frame is not written.
    Precision: written to 0.001 pixels and 0.0001 of a score; of keypoints not seen no coordinates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from skelact.errors import InputError, UsageError
from skelact.formats.gathering import MOST_FRAMES, MOST_TRACK, NOTHING_GIVEN, Gathering, Given
from skelact.formats.json_text import attendance, pixels, shares
from skelact.formats.text_lines import read_rows, real, whole
from skelact.formats.writing import atomic_write
from skelact.keypoints import get_layout
from skelact.sequence import PoseSequence

COLUMNS = ("frame", "time", "track", "keypoint", "x", "y", "score")
BOX = ("box_top_left", "box_bottom_right")
_LAYOUTS = ("coco17", "expressive65", "wholebody133")  # each a part of the next
_RATE_DIGITS = 6


@dataclass
class _Person:
    """The rows of one person in one frame."""

    frame: int
    track: int
    points: dict[str, tuple[float, float, float]] = field(default_factory=dict)


def read_csv(path: Path, given: Given = NOTHING_GIVEN) -> PoseSequence:
    """The sequence in a table.

    Args:
        path: the file.
        given: the size, which the file does not state, and fps where not those of the times.

    Raises:
        UsageError: the size is not given, or fps for a single frame.
        InputError: the file cannot be read, or what it holds cannot be right; says in which line.
    """
    size = given.frame_size(path)
    times: dict[int, float] = {}
    gathering, names = Gathering(path), set()
    for person in _persons(path, times):
        names |= person.points.keys() - set(BOX)
        try:
            _add(gathering, person)
        except InputError as error:
            raise InputError(f"{str(path)!r}, frame {person.frame}: {error}") from None
    for frame in times:
        gathering.see(frame)
    if not times:
        raise InputError(f"{str(path)!r} holds no frames")
    timestamps = _timestamps(path, times)
    sequence = gathering.sequence(size, _rate(path, timestamps, given), first=0, timestamps=timestamps)
    smallest = next((name for name in _LAYOUTS if names <= get_layout(name).index.keys()), sequence.layout)
    return sequence if sequence.layout == "hand21" else sequence.to_layout(smallest)


def _persons(path: Path, times: dict[int, float]) -> Iterator[_Person]:
    """The persons frame by frame, and the times of frames."""
    rows = read_rows(path)
    header = [name.strip() for name in next(rows, (1, []))[1]]
    if missing := [name for name in COLUMNS if header.count(name) != 1]:
        raise InputError(f"{str(path)!r} is no table of keypoints: its first line needs one column {missing[0]!r}")
    place = [header.index(name) for name in COLUMNS]
    person: _Person | None = None
    for line, row in rows:
        try:
            if len(row) != len(header):
                raise InputError(f"it has {len(row)} columns, where the first line has {len(header)}")
            frame_text, time, track, name, x, y, score = (row[k] for k in place)
            frame = whole(frame_text, "frame", 0, MOST_FRAMES)
            seconds = real(time, "time")
            if times.setdefault(frame, seconds) != seconds:
                raise InputError(f"frame {frame} has two times, {times[frame]:g} and {seconds:g}")
            if not track and not name:
                continue
            number = whole(track, "track", 0, MOST_TRACK)
            if person is None or (person.frame, person.track) != (frame, number):
                if person is not None:
                    yield person
                person = _Person(frame, number)
            if name in person.points:
                raise InputError(f"keypoint {name!r} of track {number} is in frame {frame} twice")
            person.points[name] = (real(x, "x"), real(y, "y"), real(score, "score"))
        except InputError as error:
            raise InputError(f"{str(path)!r}, line {line}: {error}") from None
    if person is not None:
        yield person


def _add(gathering: Gathering, person: _Person) -> None:
    corners = [person.points.pop(corner, None) for corner in BOX]
    if (corners[0] is None) != (corners[1] is None):
        raise InputError(f"track {person.track} has one corner of its box and lacks the other")
    layout = "hand21" if person.points.keys() & get_layout("hand21").index.keys() else _LAYOUTS[-1]
    index = get_layout(gathering.layout or layout).index
    points = np.zeros((len(index), 3), np.float32)
    for name, values in person.points.items():
        if name not in index:
            raise InputError(f"there is no keypoint {name[:40]!r}: names are those of COCO-WholeBody, as `nose`")
        points[index[name]] = values
    box = None if corners[0] is None else np.array([*corners[0][:2], *corners[1][:2]], np.float32)  # type: ignore[index]
    gathering.add(person.frame, points[:, :2], points[:, 2], person.track, box)


def _timestamps(path: Path, times: dict[int, float]) -> np.ndarray:
    """(T,) of all frames from 0."""
    frames = np.array(sorted(times))
    known = np.array([times[frame] for frame in frames.tolist()])
    if (np.diff(known) <= 0).any():
        late = int(frames[1:][np.diff(known) <= 0][0])
        raise InputError(f"{str(path)!r}: the time of frame {late} is not after that of the frame before")
    if frames[0] > 0:  # as if at the rate of the rest
        step = (known[-1] - known[0]) / (frames[-1] - frames[0]) if len(frames) > 1 else known[0] / frames[0]
        frames, known = np.insert(frames, 0, 0), np.insert(known, 0, known[0] - step * frames[0])
        if known[1] <= known[0]:
            raise InputError(f"{str(path)!r} begins with frame {frames[1]} at a time that leaves none for those before")
    return np.interp(np.arange(frames[-1] + 1), frames, known)


def _rate(path: Path, timestamps: np.ndarray, given: Given) -> float:
    if given.fps is None and len(timestamps) > 1:
        return round(1 / float(np.median(np.diff(timestamps))), _RATE_DIGITS)
    if given.fps is None:
        raise UsageError(f"{str(path)!r} has one frame, which tells no frames per second: give --fps")
    return given.fps


def write_csv(sequence: PoseSequence, path: Path, overwrite: bool = False) -> None:
    """Write a sequence as a table, frame by frame.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    there = attendance(sequence)
    names = get_layout(sequence.layout).keypoint_names
    with atomic_write(path, overwrite) as file:
        file.write((",".join(COLUMNS) + "\n").encode())
        for frame in range(sequence.num_frames):
            start = f"{frame},{float(sequence.timestamps[frame])!r},"
            persons = np.flatnonzero(there[:, frame]).tolist()
            lines = [line for k in persons for line in _lines(sequence, k, frame, names)] or [",,,,"]
            file.write("".join(f"{start}{line}\n" for line in lines).encode())


def _lines(sequence: PoseSequence, k: int, frame: int, names: tuple[str, ...]) -> Iterator[str]:
    track = int(sequence.track_ids[k])
    x1, y1, x2, y2 = pixels(sequence.boxes[k, frame])
    yield f"{track},{BOX[0]},{x1},{y1},1"
    yield f"{track},{BOX[1]},{x2},{y2},1"
    scores = shares(sequence.scores[k, frame])
    for name, (x, y), score in zip(names, pixels(sequence.keypoints[k, frame]), scores, strict=True):
        yield f"{track},{name},{x},{y},{score}" if score else f"{track},{name},0,0,0"
