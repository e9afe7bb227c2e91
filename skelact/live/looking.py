"""The windows of frames that come one by one, looked at as soon as each is over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skelact.assemble import FramePersons
from skelact.ensemble import Ensemble
from skelact.live.recent import Recent
from skelact.results import Action, Segment
from skelact.segments import Segmenter, Step
from skelact.timelines import Look, steps
from skelact.windows import Window

Ended = list[tuple[int | None, Segment]]
SLACK = 1e-6  # seconds, as in skelact.windows


class Looking:
    """Looks at what a camera sees between two gaps, as a prediction looks at a video.

    Steps, windows and segments are those of `skelact.timelines.look`: a step is looked at when the window around it is
    over. Where frames come so late that several steps are due, they all get what is found in the latest window.

    Attributes:
        recent: the frames that windows may still need.
        actions: the most probable action of the group (None) and of each person in the latest window, or None where
            no action is told.
    """

    def __init__(self, recognizer: Ensemble, how: Look, recent: Recent, start: float) -> None:
        """Begin with the frame that is captured at `start` seconds."""
        self._recognizer, self._how, self.recent, self._start = recognizer, how, recent, start
        self._segmenters: dict[int | None, Segmenter] = {None: self._segmenter(0)}
        self._missed: dict[int | None, int] = {}  # steps since each person was seen
        self._next = 0  # number of the step that comes next
        self._time = start
        self.actions: dict[int | None, Action | None] = {None: None}

    def add(self, frame: FramePersons) -> Ended:
        """Take the next frame; the segments that have ended for certain."""
        due = 0
        while self._over(self._next + due) <= frame.time + SLACK:
            due += 1
        ended = self._look(due) if due else []
        self._time = frame.time
        self.recent.add(frame)
        return ended

    def finish(self, fps: float) -> Ended:
        """The segments that are left after the last frame, which lasts a moment at `fps` frames per second."""
        seconds = self._time + 1 / fps - self._start
        ended: Ended = []
        while self._next * self._how.stride < seconds - SLACK:
            ended += self._look(1)
        for person in list(self._segmenters):
            ended += self._finish(person, seconds)
        return ended

    def _segmenter(self, first: int) -> Segmenter:
        how, main = self._how, self._recognizer.main
        return Segmenter(
            self._recognizer.class_names,
            no_action=main.no_action,
            threshold=how.threshold,
            window=how.window,
            stride=how.stride,
            first=first,
        )

    def _over(self, step: int) -> float:
        """When the window around a step is over."""
        return self._start + (step + 0.5) * self._how.stride + self._how.window / 2

    def _look(self, due: int) -> Ended:
        """Look at the window of the last one of the steps that are due."""
        last = self._next + due - 1
        self.recent.forget(self._over(last) - self._how.window - SLACK)
        found = self._find(self._over(last) - SLACK)
        self.actions = {person: self._told(step) for person, step in found.items()}
        ended: Ended = []
        for number in range(self._next, last + 1):
            for person in found:
                if person not in self._segmenters:
                    self._segmenters[person] = self._segmenter(number)
            for person, segmenter in self._segmenters.items():
                step = found.get(person) or Step(np.zeros(len(self._recognizer.class_names)), ())
                ended += self._placed(person, segmenter.add(step))
                self._missed[person] = 0 if step.persons else self._missed.get(person, 0) + 1
        self._next = last + 1
        for person in [each for each in self._segmenters if each is not None and self._is_gone(each)]:
            ended += self._finish(person, np.inf)
        return ended

    def _find(self, end: float) -> dict[int | None, Step]:
        """What is found in the window before this time, of the group and of each person seen for half of it."""
        sequence = self.recent.before(end)
        if not sequence.num_frames:
            return {None: Step(np.zeros(len(self._recognizer.class_names)), ())}
        whole = [Window(0, sequence.num_frames)]
        (found,) = steps(sequence, sequence.present, whole, self._recognizer, self._how, False)
        return {None if place < 0 else int(sequence.track_ids[place]): step for place, step in found.items()}

    def _told(self, step: Step) -> Action | None:
        best = int(step.probabilities.argmax())
        name, probability = self._recognizer.class_names[best], float(step.probabilities[best])
        if not step.persons or name == self._recognizer.main.no_action or probability < self._how.threshold:
            return None
        return Action(name, probability)

    def _is_gone(self, person: int) -> bool:
        return self._missed[person] * self._how.stride > 2 * self._how.window

    def _finish(self, person: int | None, end: float) -> Ended:
        self._missed.pop(person, None)
        return self._placed(person, self._segmenters.pop(person).finish(end))

    def _placed(self, person: int | None, segments: list[Segment]) -> Ended:
        """Segments in times since the first picture."""
        return [(person, replace(one, start=one.start + self._start, end=one.end + self._start)) for one in segments]
