"""What a prediction says: actions, when, by whom, and how sure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from skelact.sequence import PoseSequence


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are some: 1:02:03.4, 2:03.4."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes}:{rest // 10:02}.{rest % 10}"
    return f"{hours}:{text:0>7}" if hours else text


@dataclass(frozen=True)
class Action:
    """An action and how probable it is, 0..1, among those the model knows."""

    name: str
    probability: float


@dataclass(frozen=True)
class Segment:
    """An action from its start to its end.

    Attributes:
        start, end: seconds from the start of the video.
        action: its name.
        probability: mean over the segment, 0..1.
        persons: track ids of those who were looked at, in rising order.
    """

    start: float
    end: float
    action: str
    probability: float
    persons: tuple[int, ...]


@dataclass(frozen=True)
class Timeline:
    """What a group, or one person of it, does over time.

    The video is cut into steps of equal length, of which the timeline of a person has those from where they are first
    seen to where they are last seen. A step in which nobody was seen has zeros for probabilities.

    Attributes:
        person: the track id; None for the group.
        times: (S,) float64, the middle of each of S steps, seconds from the start of the video.
        probabilities: (S, K) float32, of each class in each step, smoothed over time.
        actions: the most probable over all steps, the most probable first.
        segments: the actions told, in the order of their starts, without overlap; what is between them is no action.
    """

    person: int | None
    times: np.ndarray
    probabilities: np.ndarray
    actions: tuple[Action, ...]
    segments: tuple[Segment, ...]

    def at(self, time: float) -> Segment | None:
        """The segment at a time in seconds, if there is one."""
        return next((segment for segment in self.segments if segment.start <= time < segment.end), None)


@dataclass(frozen=True)
class Prediction:
    """The actions of one video.

    Attributes:
        source: the file or address.
        model: the recognizer.
        estimator: what found the keypoints.
        class_names: the K actions that the recognizer knows.
        no_action: the one of them that means that none of the others happens; "" where there is none.
        frames: of the video.
        seconds: length of the video.
        persons: track ids of those seen, the one seen most first.
        window, stride: seconds that the recognizer looks at at once, and from one look to the next; both the length
            of a video that is taken as one clip.
        threshold: a less probable action is not told.
        group: what the persons do together.
        individuals: what each person does, in the order of `persons`; empty where that was not asked for.
        notes: what a reader should know, one sentence each.
        sequence: the keypoints.
    """

    source: str
    model: str
    estimator: str
    class_names: tuple[str, ...]
    no_action: str
    frames: int
    seconds: float
    persons: tuple[int, ...]
    window: float
    stride: float
    threshold: float
    group: Timeline
    individuals: tuple[Timeline, ...]
    notes: tuple[str, ...]
    sequence: PoseSequence = field(repr=False, compare=False)

    @property
    def actions(self) -> tuple[Action, ...]:
        """The most probable actions of the group over the whole video."""
        return self.group.actions

    @property
    def segments(self) -> tuple[Segment, ...]:
        """What the group does when."""
        return self.group.segments

    @property
    def is_one_clip(self) -> bool:
        """Whether the video was taken as one clip, so that segments have no times of their own."""
        return len(self.group.times) == 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as printed by `--json`; without keypoints and the probabilities of each step."""
        return {
            "source": self.source,
            "model": self.model,
            "estimator": self.estimator,
            "frames": self.frames,
            "seconds": self.seconds,
            "fps": self.sequence.fps,
            "width": self.sequence.width,
            "height": self.sequence.height,
            "persons": list(self.persons),
            "window": self.window,
            "stride": self.stride,
            "threshold": self.threshold,
            **_plain(self.group),
            "individuals": [{"person": each.person, **_plain(each)} for each in self.individuals],
            "notes": list(self.notes),
        }


def _plain(timeline: Timeline) -> dict[str, Any]:
    return {
        "actions": [asdict(action) for action in timeline.actions],
        "segments": [{**asdict(segment), "persons": list(segment.persons)} for segment in timeline.segments],
    }
