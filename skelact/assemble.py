"""What was found in each frame, put together as one PoseSequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skelact.keypoints import get_layout
from skelact.pose.base import Poses
from skelact.sequence import PoseSequence

LAYOUT = "wholebody133"
# Whoever is seen for less in a video longer than LONG_VIDEO is a false alarm far more often than a person:
# the tracker has not even confirmed them. On MOT17 leaving them out halves the switches of identity.
MIN_FRAMES = 3
LONG_VIDEO = 30


@dataclass(frozen=True)
class FramePersons:
    """The persons of one frame.

    Attributes:
        time: of the frame, seconds.
        boxes: (P, 4) float32, x1 y1 x2 y2 in pixels.
        track_ids: (P,) int64, each at most once.
        poses: their keypoints.
    """

    time: float
    boxes: np.ndarray
    track_ids: np.ndarray
    poses: Poses


def assemble(
    frames: Sequence[FramePersons],
    *,
    width: int,
    height: int,
    fps: float,
    source: str = "",
    estimator: str = "",
    notes: tuple[str, ...] = (),
) -> PoseSequence:
    """The sequence of the persons in these frames, who was seen most first, the larger of two first.

    Left out, with a note, is who was never seen by the estimator and, in more than `LONG_VIDEO` frames, who was
    seen in fewer than `MIN_FRAMES` of them. With nobody seen the sequence has no persons.

    Args:
        frames: every frame of the video in order, also those with nobody.
        width, height, fps, source, estimator, notes: as of PoseSequence.
    """
    ranked, fleeting = _rank(frames, least=MIN_FRAMES if len(frames) > LONG_VIDEO else 1)
    if fleeting:
        notes = (*notes, _fleeting_note(fleeting, len(frames)))
    shape = (len(ranked), len(frames))
    keypoints = np.zeros((*shape, len(get_layout(LAYOUT)), 2), np.float32)
    scores = np.zeros((*shape, len(get_layout(LAYOUT))), np.float32)
    boxes = np.zeros((*shape, 4), np.float32)
    place = {track_id: k for k, track_id in enumerate(ranked)}
    for t, frame in enumerate(frames):
        for p, track_id in enumerate(frame.track_ids.tolist()):
            k = place.get(track_id)
            if k is not None:
                seen = frame.poses.scores[p] > 0
                keypoints[k, t, seen] = frame.poses.keypoints[p, seen]
                scores[k, t, seen] = frame.poses.scores[p, seen]
                boxes[k, t] = frame.boxes[p]
    return PoseSequence(
        keypoints,
        scores,
        boxes,
        track_ids=np.array(ranked, np.int64),
        timestamps=np.array([frame.time for frame in frames], np.float64),
        width=width,
        height=height,
        fps=fps,
        source=source,
        estimator=estimator,
        layout=LAYOUT,
        notes=notes,
    )


def _rank(frames: Sequence[FramePersons], least: int) -> tuple[list[int], int]:
    """The track ids seen in at least so many frames, most frames and then largest boxes first; how many others."""
    seen: Counter[int] = Counter()
    area: Counter[int] = Counter()
    for frame in frames:
        sides = (frame.boxes[:, 2:] - frame.boxes[:, :2]).astype(np.float64)
        any_seen = (frame.poses.scores > 0).any(axis=1)
        for track_id, visible, size in zip(frame.track_ids.tolist(), any_seen, sides.prod(axis=1), strict=True):
            seen[track_id] += int(visible)
            area[track_id] += size if visible else 0
    kept = [track_id for track_id in seen if seen[track_id] >= least]
    kept.sort(key=lambda track_id: (-seen[track_id], -area[track_id], track_id))
    return kept, len(seen) - len(kept)


def _fleeting_note(persons: int, frames: int) -> str:
    who = "1 person is" if persons == 1 else f"{persons} persons are"
    if frames > LONG_VIDEO:
        return f"{who} left out, seen in fewer than {MIN_FRAMES} of {frames} frames"
    return f"{who} left out, whose keypoints were never seen"
