"""Persons' boxes frame by frame to persons over time.

ByteTrack (Zhang et al., ECCV 2022), as mmdet's ByteTracker has it, with three additions that measurement asked for:
boxes of another height are worse partners, the camera's motion is taken out, and a weak box may go on with a track
that was missed in one frame. `python -m benchmarks.tracking` has the figures with and without each.
"""

from __future__ import annotations

import lap
import numpy as np

from skelact.boxes import overlaps
from skelact.motion import MIN_SIDE, begin, camera_shift, correct, expected_boxes, measure, predict
from skelact.pose.base import Detections

# A person who is hidden or missed comes back with the same number within this time.
MEMORY_SECONDS = 1.0
# At slow rates at least so many frames, or one missed detection would end a track.
MIN_MEMORY_FRAMES = 3
# Certain boxes begin and continue tracks, weak ones only continue them.
CERTAIN = 0.55
WEAK = 0.1
# How alike a track and a box have to be (see `_likeness`): as published.
CERTAIN_LIKENESS, NEW_LIKENESS, WEAK_LIKENESS = 0.1, 0.3, 0.5
# A person is confirmed by being seen in so many frames in a row; until then one missed frame ends the track.
CONFIRM_FRAMES = 3
# Weak boxes may continue tracks missed in so many frames before.
WEAK_GAP = 1
# How much a difference in height weighs beside the overlap: people of one place on the screen differ in it by their
# distance, and parts of people by what is hidden.
HEIGHT_WEIGHT = 0.3

_TRACK = np.dtype(
    [
        ("id", np.int64),
        ("mean", np.float64, 8),
        ("covariance", np.float64, (4, 3)),
        ("missed", np.int64),  # frames since it was last seen
        ("seen", np.int64),  # frames it was seen in
        ("confirmed", np.bool_),
    ]
)


class Tracker:
    """Gives each person of a video a number that stays with them.

    Feed it every frame in order, also those with nobody. A person has a number from the first frame on; who is seen
    for fewer than `CONFIRM_FRAMES` frames was hardly one, and is for the reader of the numbers to leave out
    (`skelact.assemble` does).
    """

    def __init__(self, fps: float = 30.0) -> None:
        """Begin with nobody; `update` will be called with `fps` frames per second of video."""
        self._memory = max(MIN_MEMORY_FRAMES, round(MEMORY_SECONDS * fps))
        self._next_id = 0
        self.cut()

    def cut(self) -> None:
        """End all tracks, at a cut between shots; the numbers go on upwards."""
        self._tracks = np.zeros(0, _TRACK)
        self._first = True

    def update(self, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
        """The persons of the next frame.

        Args:
            detections: what was found in it, down to a score of `WEAK`; boxes that are not finite, or thinner than
                `MIN_SIDE` pixels, are ignored.

        Returns:
            boxes (P, 4) float32, x1 y1 x2 y2 in pixels, each one of those given, and track ids (P,) int64,
            no two the same.
        """
        usable = _usable(detections.boxes)
        given, scores = detections.boxes[usable], detections.scores[usable].astype(np.float64)
        boxes = given.astype(np.float64)
        self._move(boxes[scores >= CERTAIN])
        owner = self._associate(boxes, scores)
        self._see(owner, measure(boxes))
        ids = np.full(len(boxes), -1)
        ids[owner >= 0] = self._tracks["id"][owner[owner >= 0]]
        self._forget()
        born = np.flatnonzero((owner < 0) & (scores >= CERTAIN))
        ids[born] = self._begin(measure(boxes[born]))
        self._first = False
        tracked = ids >= 0
        return given[tracked].astype(np.float32), ids[tracked]

    def _move(self, certain: np.ndarray) -> None:
        """All tracks to where they should be in this frame, by their velocities and the camera's motion."""
        tracks = self._tracks
        present = tracks["missed"] == 0
        tracks["mean"], tracks["covariance"] = predict(tracks["mean"], tracks["covariance"], ~present)
        reliable = tracks["mean"][present & tracks["confirmed"]]
        tracks["mean"][:, :2] += camera_shift(expected_boxes(reliable), certain)

    def _associate(self, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """(P,) the place of each box's track, -1 where it has none."""
        confirmed, missed = self._tracks["confirmed"], self._tracks["missed"]
        certain, weak = scores >= CERTAIN, (scores < CERTAIN) & (scores >= WEAK)
        owner = np.full(len(boxes), -1)
        stages = (
            (confirmed, certain, scores, CERTAIN_LIKENESS),
            (~confirmed, certain, scores, NEW_LIKENESS),
            (confirmed & (missed <= WEAK_GAP), weak, np.ones_like(scores), WEAK_LIKENESS),
        )
        for among, candidates, weights, least in stages:
            rows = np.setdiff1d(np.flatnonzero(among), owner)
            columns = np.flatnonzero(candidates & (owner < 0))
            if len(rows) and len(columns):
                likeness = _likeness(self._tracks["mean"][rows], boxes[columns], weights[columns])
                matched, with_box = _assign(likeness, least)
                owner[columns[with_box]] = rows[matched]
        return owner

    def _see(self, owner: np.ndarray, measures: np.ndarray) -> None:
        """Go on with the tracks that have a box."""
        tracks, boxes = self._tracks, np.flatnonzero(owner >= 0)
        rows = owner[boxes]
        tracks["missed"] += 1
        tracks["missed"][rows] = 0
        tracks["seen"][rows] += 1
        tracks["mean"][rows], tracks["covariance"][rows] = correct(
            tracks["mean"][rows], tracks["covariance"][rows], measures[boxes]
        )
        tracks["confirmed"] |= tracks["seen"] >= CONFIRM_FRAMES

    def _forget(self) -> None:
        """Let go of who was not seen for too long."""
        tracks = self._tracks
        self._tracks = tracks[tracks["missed"] <= np.where(tracks["confirmed"], self._memory, 0)]

    def _begin(self, measures: np.ndarray) -> np.ndarray:
        """New tracks; their ids. Whoever is there when the shot begins is confirmed at once, as published."""
        born = np.zeros(len(measures), _TRACK)
        born["id"] = self._next_id + np.arange(len(measures))
        born["mean"], born["covariance"] = begin(measures)
        born["seen"], born["confirmed"] = 1, self._first
        self._tracks = np.concatenate([self._tracks, born])
        self._next_id += len(measures)
        return born["id"]


def _usable(boxes: np.ndarray) -> np.ndarray:
    """(P,) bool: the boxes that are finite and not empty."""
    usable = np.isfinite(boxes).all(axis=1)
    exact = np.where(usable[:, None], boxes, 0).astype(np.float64)
    return usable & (exact[:, 2:] - exact[:, :2] >= MIN_SIDE).all(axis=1)


def _likeness(means: np.ndarray, boxes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T, P) overlap of tracks and boxes, times the boxes' weights, less a penalty for another height."""
    heights = boxes[:, 3] - boxes[:, 1]
    ratio = np.abs(np.log(means[:, 3, None] / heights[None]))
    return overlaps(expected_boxes(means), boxes) * weights - HEIGHT_WEIGHT * ratio


def _assign(likeness: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the one-to-one pairs that are most alike in sum, each by `least` or more."""
    _, partner, _ = lap.lapjv(1 - likeness, extend_cost=True, cost_limit=1 - least)
    rows = np.flatnonzero(partner >= 0)
    return rows, partner[rows]
