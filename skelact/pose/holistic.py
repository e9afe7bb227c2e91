"""MediaPipe Holistic: body, hands and face of one person, with models that come inside its wheel."""

from __future__ import annotations

import os
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from skelact.pose.base import NUM_KEYPOINTS, Poses, View
from skelact.pose.landmarks import to_wholebody

# A person is seen where at least so many keypoints of the body are as visible as this: Holistic also lays a
# body, hardly visible, over pictures without one.
SEEN_VISIBILITY = 0.5
SEEN_KEYPOINTS = 3
MARGIN = 1.25  # of a person's box
# A crop stays where it is while the box is inside and not much smaller: landmarks are smoothed and followed
# from frame to frame in the crop's own coordinates, which therefore should not move with every frame.
KEEP_MARGIN = 1.05
MAX_SHRINK = 1.6
MAX_PEOPLE = 8  # of whom a Holistic is held, about 200 MB each; the one not seen for longest gives way

Window = tuple[int, int, int, int]


@dataclass
class _Person:
    """What is held for one person: MediaPipe's graph and where in the frame it looks."""

    graph: Any
    window: Window
    fresh: bool = True


class Holistic:
    """MediaPipe Holistic 0.10 (model complexity 1) on each person's crop, or on the whole frame.

    Each track id has a graph of its own, which follows and smooths that person's landmarks over frames.
    """

    name = "mediapipe"
    top_down = False

    def __init__(self) -> None:
        self._people: OrderedDict[int, _Person] = OrderedDict()

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        """The keypoints of the person in each box; of the most prominent one where several are in it.

        Returns:
            Scores: visibility for body and feet, 1 for a hand or face that was found, 0 for what is outside of
            the crop and for a person who was not found.
        """
        return [self._estimate(view) for view in views]

    def _estimate(self, view: View) -> Poses:
        poses = Poses.unseen(len(view.boxes))
        for k, (box, track_id) in enumerate(zip(np.asarray(view.boxes, np.float64), view.track_ids, strict=True)):
            person = self._person(int(track_id), box, view.image.shape[1], view.image.shape[0])
            left, top, right, bottom = person.window
            points, scores = _look(person, view.image[top:bottom, left:right])
            poses.keypoints[k] = (points * (right - left, bottom - top) + (left, top)) * (scores > 0)[:, None]
            poses.scores[k] = scores
        return poses

    def close(self) -> None:
        """Close all graphs."""
        for person in self._people.values():
            person.graph.close()
        self._people.clear()

    def _person(self, track_id: int, box: np.ndarray, width: int, height: int) -> _Person:
        person = self._people.get(track_id)
        if person is None:
            while len(self._people) >= MAX_PEOPLE:
                self._people.popitem(last=False)[1].graph.close()
            person = self._people[track_id] = _Person(_open(), around(box, MARGIN, width, height))
        elif not stays(person.window, box, width, height):
            person.window = around(box, MARGIN, width, height)
        self._people.move_to_end(track_id)
        return person


def around(box: np.ndarray, margin: float, width: int, height: int) -> Window:
    """The part of a frame around a box: its sides times `margin`, clipped to the frame, at least one pixel.

    Returns:
        left, top, right, bottom in pixels, the last two exclusive.
    """
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * margin
    left, top = np.clip(np.floor(middle - half), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(middle + half), (left + 1, top + 1), (width, height)).astype(int)
    return int(left), int(top), int(right), int(bottom)


def stays(window: Window, box: np.ndarray, width: int, height: int) -> bool:
    """Whether a crop can stay where it is for a box: it holds it, and is not far too large for it."""
    left, top, right, bottom = around(box, KEEP_MARGIN, width, height)
    inside = window[0] <= left and window[1] <= top and window[2] >= right and window[3] >= bottom
    wanted = around(box, MARGIN, width, height)
    large = max(wanted[2] - wanted[0], wanted[3] - wanted[1]) * MAX_SHRINK
    return inside and max(window[2] - window[0], window[3] - window[1]) <= large


def _look(person: _Person, crop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (133, 2) as fractions of the crop, and scores (133,)."""
    rgb = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
    if person.fresh:
        with _quiet():
            result = person.graph.process(rgb)
        person.fresh = False
    else:
        result = person.graph.process(rgb)
    points, scores = to_wholebody(result)
    if np.count_nonzero(scores[:17] >= SEEN_VISIBILITY) < SEEN_KEYPOINTS:
        return np.zeros((NUM_KEYPOINTS, 2), np.float32), np.zeros(NUM_KEYPOINTS, np.float32)
    return points, scores


def _open() -> Any:
    with _quiet():
        from mediapipe.python.solutions.holistic import Holistic as Graph

        warnings.filterwarnings("ignore", message="SymbolDatabase.GetPrototype", category=UserWarning)
        return Graph(model_complexity=1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing on stderr: MediaPipe's C++ writes there as it starts, past Python and its own log levels."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
