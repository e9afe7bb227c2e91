"""What was found in each frame, put together as one PoseSequence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from skelact.arrays import Waiting, zeros
from skelact.pose.base import NUM_KEYPOINTS, Poses
from skelact.sequence import PoseSequence

LAYOUT = "wholebody133"
# Whoever is seen for less in a video longer than LONG_VIDEO is a false alarm far more often than a person:
# the tracker has not even confirmed them. On MOT17 leaving them out halves the switches of identity.
MIN_FRAMES = 3
LONG_VIDEO = 30
BLOCK = 4096  # rows read back at a time

_ROW = np.dtype(
    [
        ("frame", np.int64),
        ("track_id", np.int64),
        ("box", np.float32, 4),
        ("keypoints", np.float32, (NUM_KEYPOINTS, 2)),
        ("scores", np.float32, NUM_KEYPOINTS),
    ]
)


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


class Assembly:
    """Takes the frames of a video in order, and gives the sequence of its persons.

    Memory grows by 8 bytes a frame and a few for each person: the keypoints wait in a temporary file, and large
    results are mapped from one (see `skelact.arrays`).
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._seen: Counter[int] = Counter()
        self._area: Counter[int] = Counter()
        self._rows = Waiting()

    def __len__(self) -> int:
        """How many frames were added."""
        return len(self._times)

    def add(self, frame: FramePersons) -> None:
        """Take the next frame, also one with nobody.

        Raises:
            OutputError: the folder for temporary files is full.
        """
        rows = np.zeros(len(frame.track_ids), _ROW)
        rows["frame"] = len(self._times)
        rows["track_id"] = frame.track_ids
        rows["box"] = frame.boxes
        rows["scores"] = frame.poses.scores
        rows["keypoints"] = np.where(frame.poses.scores[..., None] > 0, frame.poses.keypoints, 0)
        self._rows.write(rows.tobytes())
        self._times.append(frame.time)
        sides = (rows["box"][:, 2:] - rows["box"][:, :2]).astype(np.float64)
        visible = (rows["scores"] > 0).any(axis=1)
        for track_id, seen, size in zip(rows["track_id"].tolist(), visible.tolist(), sides.prod(axis=1), strict=True):
            self._seen[track_id] += int(seen)
            self._area[track_id] += size if seen else 0

    def sequence(
        self,
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
            width, height, fps, source, estimator, notes: as of PoseSequence.
        """
        ranked = self._rank()
        fleeting = len(self._seen) - len(ranked)
        if fleeting:
            notes = (*notes, _fleeting_note(fleeting, len(self)))
        shape = (len(ranked), len(self))
        keypoints, scores = zeros((*shape, NUM_KEYPOINTS, 2)), zeros((*shape, NUM_KEYPOINTS))
        boxes = zeros((*shape, 4))
        place = {track_id: k for k, track_id in enumerate(ranked)}
        for block in self._rows.blocks(BLOCK * _ROW.itemsize):
            rows = np.frombuffer(block, _ROW)
            kept = rows[np.isin(rows["track_id"], ranked)]
            who = [place[track_id] for track_id in kept["track_id"].tolist()], kept["frame"]
            keypoints[who], scores[who], boxes[who] = kept["keypoints"], kept["scores"], kept["box"]
        return PoseSequence(
            keypoints,
            scores,
            boxes,
            track_ids=np.array(ranked, np.int64),
            timestamps=np.array(self._times, np.float64),
            width=width,
            height=height,
            fps=fps,
            source=source,
            estimator=estimator,
            layout=LAYOUT,
            notes=notes,
        )

    def close(self) -> None:
        """Let the temporary file go."""
        self._rows.close()

    def _rank(self) -> list[int]:
        """The track ids seen in enough frames, most frames and then largest boxes first."""
        least = MIN_FRAMES if len(self) > LONG_VIDEO else 1
        kept = [track_id for track_id in self._seen if self._seen[track_id] >= least]
        kept.sort(key=lambda track_id: (-self._seen[track_id], -self._area[track_id], track_id))
        return kept


def _fleeting_note(persons: int, frames: int) -> str:
    who = "1 person is" if persons == 1 else f"{persons} persons are"
    if frames > LONG_VIDEO:
        return f"{who} left out, seen in fewer than {MIN_FRAMES} of {frames} frames"
    return f"{who} left out, whose keypoints were never seen"
