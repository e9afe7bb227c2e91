"""What a recognizer sees in a sequence, window by window, as timelines of the group and of each person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from skelact.ensemble import Ensemble
from skelact.results import Action, Segment, Timeline
from skelact.segments import Segmenter, Step
from skelact.sequence import PoseSequence
from skelact.windows import Window, seen_in, step_times, windows_around

# Windows that the recognizer looks at in one batch, and clips drawn from each: windows overlap, so that one will do.
BATCH = 16
WINDOW_CLIPS = 1


@dataclass(frozen=True)
class Look:
    """How to look at a sequence.

    Attributes:
        window, stride: seconds; both those of the sequence to take it as one clip.
        threshold: a less probable action is not told.
        per_person: whether to look at each person too.
        top_k: how many actions to tell of the whole.
        device: where the recognizer runs.
    """

    window: float
    stride: float
    threshold: float
    per_person: bool
    top_k: int
    device: str


def look(
    sequence: PoseSequence,
    recognizer: Ensemble,
    how: Look,
    seconds: float,
    on_frame: Callable[[int, int | None], None] | None = None,
) -> tuple[Timeline, list[Timeline]]:
    """The timelines of the group and, where wanted, of each person who was seen, in the order of the sequence.

    Args:
        sequence: keypoints of at least one frame.
        recognizer: what names the actions.
        how: see there.
        seconds: length of the sequence.
        on_frame: called after some windows with the frames looked at and those there are.
    """
    present = sequence.present
    times = step_times(seconds, how.stride)
    one_clip = how.window >= seconds
    windows = list(windows_around(times, sequence.timestamps, how.window))

    def builder(place: int, first: int) -> _Builder:
        person = None if place < 0 else int(sequence.track_ids[place])
        return _Builder(person, first, recognizer, how)

    group = builder(-1, 0)
    individuals: dict[int, _Builder] = {}
    for number, found in enumerate(steps(sequence, present, windows, recognizer, how, one_clip)):
        group.add(found.pop(-1))
        for place, step in found.items():
            individuals.setdefault(place, builder(place, number)).add_at(number, step)
        if on_frame:
            on_frame(windows[number].stop, sequence.num_frames)
    # Who was seen in no window for long enough has a timeline without steps.
    seen = np.flatnonzero(present.any(axis=1)).tolist() if how.per_person else []
    persons = [individuals.get(place) or builder(place, 0) for place in seen]
    return group.timeline(times, seconds), [each.timeline(times, seconds) for each in persons]


def steps(
    sequence: PoseSequence,
    present: np.ndarray,
    windows: list[Window],
    recognizer: Ensemble,
    how: Look,
    one_clip: bool,
) -> Iterator[dict[int, Step]]:
    """What is found in each step: by the places of the persons looked at, and of the group at -1."""
    for start in range(0, len(windows), BATCH):
        keys: list[tuple[int, int]] = []
        parts = []
        for number, window in enumerate(windows[start : start + BATCH]):
            seen = np.flatnonzero(present.any(axis=1)) if one_clip else seen_in(present, window)
            frames = sequence.frames(window.start, window.stop)
            for key, places in ((-1, seen[: recognizer.max_instances]), *((k, [k]) for k in seen if how.per_person)):
                keys.append((number, int(key)))
                parts.append(frames.select(places))
        found: list[dict[int, Step]] = [{} for _ in windows[start : start + BATCH]]
        rows = recognizer.probabilities(parts, how.device, None if one_clip else WINDOW_CLIPS)
        for (number, key), part, row in zip(keys, parts, rows, strict=True):
            found[number][key] = Step(row, tuple(part.track_ids.tolist()) if row.any() else ())
        yield from found


class _Builder:
    """Puts steps together as the timeline of the group or of a person, who has none before and after being seen."""

    def __init__(self, person: int | None, first: int, recognizer: Ensemble, how: Look) -> None:
        self._person, self._first, self._how = person, first, how
        self._names = recognizer.class_names
        self._segmenter = Segmenter(
            self._names,
            no_action=recognizer.main.no_action,
            threshold=how.threshold,
            window=how.window,
            stride=how.stride,
            first=first,
        )
        self._segments: list[Segment] = []
        self._rows: list[np.ndarray] = []
        self._total = np.zeros(len(self._names))
        self._steps = self._looks = 0

    def add_at(self, number: int, step: Step) -> None:
        """Take the step of this number; in those left out the person was not seen."""
        while self._first + self._steps < number:
            self.add(Step(np.zeros(len(self._names)), ()))
        self.add(step)

    def add(self, step: Step) -> None:
        """Take the next step."""
        self._segments += self._segmenter.add(step)
        self._rows += self._segmenter.smoothed
        self._total += step.probabilities
        self._looks += bool(step.persons)
        self._steps += 1

    def timeline(self, times: np.ndarray, seconds: float) -> Timeline:
        """All of it, in a video of this length that is cut into the steps of these times."""
        self._segments += self._segmenter.finish(seconds)
        self._rows += self._segmenter.smoothed
        mean = self._total / max(1, self._looks)
        best = mean.argsort()[::-1][: self._how.top_k]
        return Timeline(
            person=self._person,
            times=times[self._first : self._first + self._steps],
            probabilities=np.stack(self._rows) if self._rows else np.zeros((0, len(self._names)), np.float32),
            actions=tuple(Action(self._names[k], float(mean[k])) for k in best) if self._looks else (),
            segments=tuple(self._segments),
        )
