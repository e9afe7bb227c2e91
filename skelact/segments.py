"""Probabilities step by step to segments: smoothed over time, and runs of one action told as one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skelact.results import Segment

# Chosen on two held-out persons (benchmarks/segments.py), in windows: the probabilities of a step count beside those of
# its neighbours up to so far, in a triangle; an action told for a shorter time is none.
REACH = 0.4
SHORTEST = 0.7


@dataclass(frozen=True)
class Step:
    """What was found in one step.

    Attributes:
        probabilities: (K,) of each class; zeros where nobody was seen.
        persons: track ids of those looked at.
    """

    probabilities: np.ndarray
    persons: tuple[int, ...]


class Segmenter:
    """Steps of a video in order to its segments, in flat memory: a segment is told as soon as it has ended.

    A step is told as its most probable class, if that is no less probable than the threshold; where it is the class of
    no action, or less probable, nothing is told.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        no_action: str = "",
        threshold: float = 0.0,
        window: float,
        stride: float,
        first: int = 0,
    ) -> None:
        """Begin at the start of a video.

        Args:
            class_names: one a class.
            no_action: the one of them that means none of the others; "" where there is none.
            threshold: a less probable action is not told.
            window: what the recognizer looked at in each step, seconds.
            stride: length of a step, seconds; that of the window where a video is one clip.
            first: the number of the step that will be given first, where a person comes later.
        """
        self._names = tuple(class_names)
        self._nothing = self._names.index(no_action) if no_action in self._names else -1
        self._threshold, self._stride, self._first = threshold, stride, first
        self._reach = round(REACH * window / stride)
        self._min_steps = max(1, round(SHORTEST * window / stride))
        self._kernel = 1 - np.abs(np.arange(-self._reach, self._reach + 1)) / (self._reach + 1)
        self._near: deque[Step] = deque(maxlen=2 * self._reach + 1)
        self._given = self._told = 0  # steps
        self._run: list[tuple[float, tuple[int, ...]]] = []
        self._run_class = -1
        self.smoothed: list[np.ndarray] = []  # of the steps that became final with the last call

    def add(self, step: Step) -> list[Segment]:
        """Take the next step; the segments that have ended for certain."""
        self.smoothed = []
        self._near.append(step)
        self._given += 1
        return self._tell(self._given - 1 - self._reach) if self._given > self._reach else []

    def finish(self, end: float) -> list[Segment]:
        """The segments that are left at the end of the video, at `end` seconds."""
        self.smoothed = []
        segments = []
        for step in range(self._told, self._given):
            segments += self._tell(step)
        return segments + self._close(self._given, end)

    def _tell(self, place: int) -> list[Segment]:
        """What the step of this number, whose neighbours are known, ends."""
        first = self._given - len(self._near)
        step = self._near[place - first]
        smoothed = np.zeros_like(step.probabilities, dtype=np.float64)
        total = 0.0
        for k, weight in enumerate(self._kernel, place - self._reach):
            if step.persons and first <= k < self._given and self._near[k - first].persons:
                smoothed += weight * self._near[k - first].probabilities
                total += weight
        smoothed /= total or 1.0
        self.smoothed.append(smoothed.astype(np.float32))
        best = int(smoothed.argmax())
        told = bool(step.persons) and best != self._nothing and smoothed[best] >= self._threshold
        label = best if told else -1
        segments = self._close(place, np.inf) if label != self._run_class else []
        self._run_class = label
        if label >= 0:
            self._run.append((float(smoothed[label]), step.persons))
        self._told = place + 1
        return segments

    def _close(self, place: int, end: float) -> list[Segment]:
        """The run of steps that ends before this one, if it is an action."""
        run, self._run = self._run, []
        if len(run) < self._min_steps:
            return []
        return [
            Segment(
                start=(self._first + place - len(run)) * self._stride,
                end=min((self._first + place) * self._stride, end),
                action=self._names[self._run_class],
                probability=float(np.mean([probability for probability, _ in run])),
                persons=tuple(sorted({person for _, persons in run for person in persons})),
            )
        ]
