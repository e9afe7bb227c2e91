"""The persons of the latest frames as a sequence."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from skelact.assemble import LAYOUT, FramePersons
from skelact.pose.base import NUM_KEYPOINTS
from skelact.sequence import PoseSequence


@dataclass(frozen=True)
class Facts:
    """What is the same in all frames; see PoseSequence."""

    width: int
    height: int
    fps: float
    source: str
    estimator: str


class Recent:
    """The frames of the last seconds: memory does not grow with the time that a camera is watched."""

    def __init__(self, facts: Facts) -> None:
        """Begin with none."""
        self._frames: deque[FramePersons] = deque()
        self._facts = facts

    def add(self, frame: FramePersons) -> None:
        """Take the next frame."""
        self._frames.append(frame)

    def forget(self, time: float) -> None:
        """Let go of the frames before this time."""
        while self._frames and self._frames[0].time < time:
            self._frames.popleft()

    @property
    def last(self) -> PoseSequence:
        """The newest frame."""
        return self._sequence([self._frames[-1]])

    def before(self, time: float) -> PoseSequence:
        """The frames before this time, of which there may be none; persons in the order of their track ids."""
        return self._sequence([frame for frame in self._frames if frame.time < time])

    def _sequence(self, frames: Sequence[FramePersons]) -> PoseSequence:
        track_ids = sorted({track_id for frame in frames for track_id in frame.track_ids.tolist()})
        shape = (len(track_ids), len(frames))
        keypoints = np.zeros((*shape, NUM_KEYPOINTS, 2), np.float32)
        scores, boxes = np.zeros((*shape, NUM_KEYPOINTS), np.float32), np.zeros((*shape, 4), np.float32)
        for t, frame in enumerate(frames):
            places = np.searchsorted(track_ids, frame.track_ids)
            scores[places, t], boxes[places, t] = frame.poses.scores, frame.boxes
            keypoints[places, t] = np.where(frame.poses.scores[..., None] > 0, frame.poses.keypoints, 0)
        return PoseSequence(
            keypoints,
            scores,
            boxes,
            track_ids=np.array(track_ids, np.int64),
            timestamps=np.array([frame.time for frame in frames], np.float64),
            layout=LAYOUT,
            **asdict(self._facts),
        )
