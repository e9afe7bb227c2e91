"""Persons' boxes in every frame, from a detector that looks into some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skelact.boxes import match
from skelact.pose.base import Detections, Detector
from skelact.tracking import CERTAIN

# Boxes of two frames that were looked into are of one person where they overlap by so much.
SAME_PERSON = 0.5


@dataclass(frozen=True)
class Found:
    """The persons' boxes of one frame.

    Attributes:
        detections: the boxes.
        looked: whether the detector looked into this frame; else the boxes are interpolated.
    """

    detections: Detections
    looked: bool


class FrameDetector:
    """Looks for persons in every so manieth frame of a video, and into the frames between where it has to.

    Between two frames that were looked into, boxes are interpolated if everybody certain in the one is matched in
    the other and there is no cut between them; otherwise the detector looks into all frames between.
    """

    def __init__(self, detector: Detector, every: int = 1) -> None:
        """Begin a video; `every` 1 looks into every frame."""
        self.detector = detector
        self._every = every
        self._last: Detections | None = None

    def detect(self, images: Sequence[np.ndarray], cuts: Sequence[bool]) -> list[Found]:
        """The persons in the next frames.

        The last one is always looked into, so that it takes fewest looks to give a multiple of `every` frames.

        Args:
            images: (H, W, 3) uint8, BGR, the frames that follow those of the last call; at least one.
            cuts: whether each is the first of a new shot.
        """
        last = len(images) - 1
        first = [] if self._last else [0]
        found = self._look(images, [*first, *range(self._every - 1, last, self._every), last])
        if self._last:
            found[-1] = self._last
        gaps = [
            range(start + 1, stop)
            for start, stop in pairwise(sorted(found))
            if any(cuts[start + 1 : stop + 1]) or not _same_persons(found[start], found[stop])
        ]
        found |= self._look(images, [t for gap in gaps for t in gap])
        self._last = found[last]
        result = {t: Found(detections, True) for t, detections in found.items()}
        for start, stop in pairwise(sorted(found)):
            for t in range(start + 1, stop):
                share = (t - start) / (stop - start)
                result[t] = Found(interpolate(found[start], found[stop], share), False)
        return [result[t] for t in range(len(images))]

    def _look(self, images: Sequence[np.ndarray], places: Sequence[int]) -> dict[int, Detections]:
        chosen = sorted(set(places))
        found = self.detector.detect([images[t] for t in chosen]) if chosen else []
        return dict(zip(chosen, found, strict=True))


def interpolate(first: Detections, second: Detections, share: float) -> Detections:
    """The matched boxes of two frames on their straight way from the first (`share` 0) to the second (1).

    Weak boxes that are matched with none are left out.
    """
    here, there = match(first.boxes, second.boxes, SAME_PERSON)
    boxes = (1 - share) * first.boxes[here] + share * second.boxes[there]
    scores = (1 - share) * first.scores[here] + share * second.scores[there]
    order = np.argsort(-scores, kind="stable")
    return Detections(boxes[order].astype(np.float32), scores[order].astype(np.float32))


def _same_persons(first: Detections, second: Detections) -> bool:
    """Whether everybody certain in the one is matched in the other."""
    here, there = match(first.boxes, second.boxes, SAME_PERSON)
    rest = np.delete(first.scores, here), np.delete(second.scores, there)
    return not any((scores >= CERTAIN).any() for scores in rest)
