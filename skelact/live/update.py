"""What is told while a camera is watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from skelact.results import Action, Segment
from skelact.sequence import PoseSequence

# By track id, of the group by None; None for no action.
Actions = Mapping[int | None, Action | None]


@dataclass(frozen=True)
class LiveUpdate:
    """What is known once a frame was looked at. People are named by their track ids, the group by None.

    Attributes:
        time: of the frame's capture, seconds since the first picture.
        image: (H, W, 3) uint8, BGR, the frame.
        sequence: its persons with their keypoints, one frame long.
        actions: what the group does and, where that was asked for, each person in sight: the most probable action of
            the latest window, or None where no action is told.
        changed: those of `actions` who do something else than in the update before.
        ended: whose segment has ended for certain, and the segment; in times as above.
        fps: frames looked at per second, lately.
        latency: seconds from the frame's capture to this update.
        dropped: how many frames came too fast to be looked at, so far.
    """

    time: float
    image: np.ndarray = field(repr=False)
    sequence: PoseSequence = field(repr=False)
    actions: Actions
    changed: tuple[int | None, ...]
    ended: tuple[tuple[int | None, Segment], ...]
    fps: float
    latency: float
    dropped: int
