"""From persons found frame by frame, as most formats list them, to a PoseSequence."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from skelact.arrays import Waiting, zeros
from skelact.errors import InputError, UsageError
from skelact.keypoints import LAYOUTS
from skelact.sequence import PoseSequence

DEFAULT_LAYOUT = "wholebody133"
MOST_FRAMES = 10_000_000  # of one sequence, 92 hours at 30 a second; a larger number is a mistake
MOST_TRACK = 2**62
FORGET_SECONDS, FORGET_FRAMES = 10, 100  # without anybody, after which a tracker has nothing to remember
_BY_COUNT = {len(layout): name for name, layout in LAYOUTS.items()}


@dataclass(frozen=True)
class Given:
    """What the user tells of a file that does not state it.

    Attributes:
        size: width and height of the frame, pixels.
        fps: frames per second.
    """

    size: tuple[int, int] | None = None
    fps: float | None = None

    def frame_size(self, path: Path, stated: tuple[int, int] | None = None) -> tuple[int, int]:
        """Width and height, of the file or of the user.

        Raises:
            UsageError: neither states them, or each states others.
        """
        if self.size and stated and self.size != stated:
            raise UsageError(
                f"{str(path)!r} states frames of {stated[0]}x{stated[1]}, not {self.size[0]}x{self.size[1]}: "
                "leave --size out"
            )
        size = self.size or stated
        if size is None:
            raise UsageError(f"{str(path)!r} does not state the size of the frames: give --size WIDTHxHEIGHT")
        return size

    def rate(self, path: Path, stated: float | None = None) -> float:
        """Frames per second, of the file or of the user.

        Raises:
            UsageError: neither states them, or each states others.
        """
        if self.fps and stated and abs(self.fps - stated) > 1e-3 * stated:
            raise UsageError(f"{str(path)!r} states {stated:g} frames per second, not {self.fps:g}: leave --fps out")
        fps = stated or self.fps
        if fps is None:
            raise UsageError(f"{str(path)!r} does not state the frames per second: give --fps")
        return fps


NOTHING_GIVEN = Given()


@contextmanager
def place(path: Path, where: str) -> Iterator[None]:
    """Put the file and a place in it before the message of an InputError."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{str(path)!r}, {where}: {error}") from None


def numbers(value: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """A nested list of numbers as float32; -1 in the shape stands for any length.

    Raises:
        InputError: it has another shape, or holds anything but finite numbers.
    """
    try:
        with np.errstate(over="ignore"):
            found = np.array(value, dtype=np.float32)
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"{what} must be numbers in lists of equal length") from None
    if found.ndim != len(shape) or any(
        have != want for have, want in zip(found.shape, shape, strict=True) if want >= 0
    ):
        wanted = " x ".join("any" if length < 0 else str(length) for length in shape)
        raise InputError(f"{what} has {' x '.join(map(str, found.shape)) or 'no'} numbers, where {wanted} are needed")
    if not np.isfinite(found).all():
        raise InputError(f"{what} has values that are not finite numbers: mark what was not seen by score 0")
    return found


def whole_number(value: Any, what: str, least: int = 0, most: int = MOST_TRACK) -> int:
    """A whole number within bounds.

    Raises:
        InputError: it is none.
    """
    if type(value) is not int or not least <= value <= most:
        raise InputError(f"{what} is {str(value)[:40]!r}, where a whole number from {least} to {most} is needed")
    return value


def surround(keypoints: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The boxes (..., 4), x1 y1 x2 y2, around the keypoints (..., V, 2) seen; zeros where none is."""
    seen = scores[..., None] > 0
    low = np.where(seen, keypoints, np.inf).min(axis=-2, initial=np.inf)
    high = np.where(seen, keypoints, -np.inf).max(axis=-2, initial=-np.inf)
    boxes = np.concatenate([low, high], axis=-1).astype(np.float32)
    return np.where(seen.any(axis=-2), boxes, np.float32(0))


class Gathering:
    """Takes persons in any order of frames; `sequence` puts them together.

    Memory holds 40 bytes a person and frame; keypoints wait in a temporary file once there are many.
    """

    def __init__(self, path: Path) -> None:
        """Begin with nobody; `path` is the file that errors name."""
        self.path = path
        self.layout: str | None = None
        self._frames, self._tracks = array("q"), array("q")
        self._tracked, self._certainties, self._boxes = array("b"), array("f"), array("f")
        self._first, self._last = MOST_FRAMES + 1, -1
        self._rows = Waiting()

    def see(self, frame: int) -> None:
        """Take a frame, be anybody in it or not.

        Raises:
            InputError: it is no number of a frame.
        """
        whole_number(frame, "the number of a frame", 0, MOST_FRAMES)
        self._first, self._last = min(self._first, frame), max(self._last, frame)

    def add(
        self,
        frame: int,
        keypoints: np.ndarray,
        scores: np.ndarray,
        track: int | None = None,
        box: np.ndarray | None = None,
        certainty: float = 1.0,
    ) -> None:
        """Take a person.

        Args:
            frame: its number.
            keypoints: (V, 2), pixels; V tells the layout.
            scores: (V,); below 0 counts as not seen.
            track: the person's number, None where the file has none.
            box: (4,) x1 y1 x2 y2, None for one around the keypoints seen.
            certainty: of the box, for the tracker.

        Raises:
            InputError: another number of keypoints than a layout has, or than the persons before.
        """
        self.see(frame)
        layout = _BY_COUNT.get(len(scores))
        if layout is None or self.layout not in (None, layout):
            known = " or ".join(map(str, sorted(_BY_COUNT))) if self.layout is None else len(LAYOUTS[self.layout])
            raise InputError(f"a person has {len(scores)} keypoints, where {known} are read")
        self.layout = layout
        scores = np.maximum(scores, 0).astype(np.float32)
        box = surround(keypoints, scores) if box is None else box
        self._frames.append(frame)
        self._tracks.append(0 if track is None else track)
        self._tracked.append(track is not None)
        self._certainties.append(certainty)
        self._boxes.extend(box.tolist())
        self._rows.write(keypoints.astype(np.float32).tobytes() + scores.tobytes())

    def sequence(
        self,
        size: tuple[int, int],
        fps: float,
        first: int | None = None,
        frames: int = 0,
        timestamps: np.ndarray | None = None,
        notes: tuple[str, ...] = (),
    ) -> PoseSequence:
        """All persons over all frames, who is there most first, the larger of two first; nothing can be added after.

        Where no person has a number, `skelact.tracking.Tracker` gives them by the boxes, and drops whom it does not
        take for a person, with a note.

        Args:
            size: width and height of the frame.
            fps: frames per second.
            first: the number of the sequence's first frame; None for the smallest there is.
            frames: the least number of frames, where the file tells it.
            timestamps: (T,) seconds, one a frame; None for those of `fps`.
            notes: of the sequence.

        Raises:
            InputError: there are no frames, a person is in a frame twice, or only some have numbers.
        """
        start = self._first if first is None else first
        count = max(self._last + 1 - start, frames)
        if count < 1:
            raise InputError(f"{str(self.path)!r} holds no frames")
        tracks, notes = self._numbered(fps, start, start + count, notes)
        at = np.array(self._frames, np.int64) - start
        ids = self._ranked(tracks)
        v = len(LAYOUTS[self.layout or DEFAULT_LAYOUT])
        shape = (len(ids), count)
        keypoints, scores, boxes = zeros((*shape, v, 2)), zeros((*shape, v)), zeros((*shape, 4))
        rank = {track: k for k, track in enumerate(ids)}
        flat = np.array(self._boxes, np.float32).reshape(-1, 4)
        rows = zip(tracks.tolist(), at.tolist(), flat, self._rows.blocks(v * 3 * 4), strict=True)
        for track, frame, box, block in rows:
            if track in rank:
                k, values = rank[track], np.frombuffer(block, np.float32)
                keypoints[k, frame], scores[k, frame] = values[: 2 * v].reshape(v, 2), values[2 * v :]
                boxes[k, frame] = box
        self._rows.close()
        return PoseSequence(
            keypoints,
            scores,
            boxes,
            track_ids=np.array(ids, np.int64),
            timestamps=np.arange(count) / fps if timestamps is None else timestamps,
            width=size[0],
            height=size[1],
            fps=float(fps),
            source=str(self.path),
            layout=self.layout or DEFAULT_LAYOUT,
            notes=notes,
        )

    def _numbered(
        self, fps: float, start: int, stop: int, notes: tuple[str, ...]
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """The track of each row, -1 for none, and the notes on it."""
        tracks, frames = np.array(self._tracks, np.int64), np.array(self._frames, np.int64)
        tracked = sum(self._tracked)
        if tracked == 0 and len(tracks):
            tracks = self._track(frames, fps, start, stop)
            dropped = int((tracks < 0).sum())
            note = f"{dropped} of {len(tracks)} persons in frames were too uncertain to be tracked and are left out"
            return tracks, (*notes, note) if dropped else notes
        if tracked != len(tracks):
            raise InputError(
                f"{str(self.path)!r}: {tracked} of {len(tracks)} persons in frames have a track id and the others "
                "none: give all of them one, or none"
            )
        pairs, counts = np.unique(np.stack([frames, tracks], axis=1), axis=0, return_counts=True)
        if len(pairs) < len(tracks):
            frame, track = pairs[counts > 1][0].tolist()
            raise InputError(f"{str(self.path)!r}, frame {frame}: track {track} is there twice, and must be unique")
        return tracks, notes

    def _track(self, frames: np.ndarray, fps: float, start: int, stop: int) -> np.ndarray:
        from skelact.pose.base import Detections
        from skelact.tracking import Tracker

        boxes, certainties = np.array(self._boxes, np.float32).reshape(-1, 4), np.array(self._certainties, np.float32)
        tracker, tracks = Tracker(fps), np.full(len(frames), -1, np.int64)
        order = np.argsort(frames, kind="stable")
        bounds = np.searchsorted(frames[order], np.arange(start, stop + 1))
        empty = 0
        for low, high in pairwise(bounds.tolist()):
            empty = 0 if low < high else empty + 1
            if empty > max(FORGET_SECONDS * fps, FORGET_FRAMES):
                continue
            rows = order[low:high]
            kept, ids = tracker.update(Detections(boxes[rows], certainties[rows]))
            for box, track in zip(kept, ids.tolist(), strict=True):
                same = rows[(boxes[rows] == box).all(axis=1) & (tracks[rows] < 0)]
                tracks[same[:1]] = track
        return tracks

    def _ranked(self, tracks: np.ndarray) -> list[int]:
        """The tracks, those in most frames first, then those with the largest boxes."""
        boxes = np.array(self._boxes, np.float64).reshape(-1, 4)
        areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        ids, of, counts = np.unique(tracks, return_inverse=True, return_counts=True)
        sums = np.bincount(of.ravel(), areas, len(ids))
        dropped = -1 if not all(self._tracked) else None
        order = sorted(range(len(ids)), key=lambda k: (-counts[k], -sums[k], ids[k]))
        return [int(ids[k]) for k in order if ids[k] != dropped]
