"""Persons' boxes, frame by frame, to persons over time: ByteTrack (Zhang et al., ECCV 2022), the one of mmdet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skelact.openmmlab import prepare
from skelact.pose.base import Detections

if TYPE_CHECKING:
    from mmdet.models.trackers import ByteTracker

# A person who is hidden or missed comes back with the same number within this time.
MEMORY_SECONDS = 1.0
# Slow cameras: at least so many frames, or one missed detection would end a track.
MIN_MEMORY_FRAMES = 3
# mmdet's published settings of ByteTrack (configs/bytetrack in mmdet).
BYTETRACK = {
    "obj_score_thrs": {"high": 0.6, "low": 0.1},
    "init_track_thr": 0.7,
    "match_iou_thrs": {"high": 0.1, "low": 0.5, "tentative": 0.3},
    "num_tentatives": 3,
}
MIN_SIDE = 1.0  # pixels; the motion model divides by a box's height


class Tracker:
    """Gives each person of a video a number that stays with them.

    Boxes that are certain begin and continue tracks, weak ones (down to a score of 0.1) only continue them;
    a lost person is remembered for `MEMORY_SECONDS`. Feed it every frame in order, also those with nobody.

    Args:
        fps: frames per second that `update` will be called with.
    """

    def __init__(self, fps: float = 30.0) -> None:
        self._tracker = _byte_tracker(fps)
        self._frame = 0

    def update(self, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
        """The persons of the next frame.

        Args:
            detections: the persons found in it, weak ones included.

        Returns:
            boxes (P, 4) float32, x1 y1 x2 y2 in pixels, each one of those given, and track ids (P,) int64,
            each at most once.
        """
        import torch
        from mmdet.structures import DetDataSample
        from mmengine.structures import InstanceData

        usable = _usable(detections.boxes)
        # A box of score 0 is never matched, but without any box mmdet would not move its lost tracks on.
        boxes = np.concatenate([detections.boxes[usable], [[0, 0, 1, 1]]]).astype(np.float32)
        scores = np.append(detections.scores[usable], 0).astype(np.float32)
        found = InstanceData(
            bboxes=torch.from_numpy(boxes),
            scores=torch.from_numpy(scores),
            labels=torch.zeros(len(scores), dtype=torch.long),
        )
        tracked = self._tracker.track(DetDataSample(pred_instances=found, metainfo={"frame_id": self._frame}))
        self._frame += 1
        self._forget_history()
        return tracked.bboxes.numpy(), tracked.instances_id.numpy()

    def _forget_history(self) -> None:
        """Drop what mmdet keeps of each track and never reads again, or an hour of video fills the memory."""
        for track in self._tracker.tracks.values():
            for item in self._tracker.memo_items:
                del track[item][: -BYTETRACK["num_tentatives"]]


def _usable(boxes: np.ndarray) -> np.ndarray:
    """(P,) bool: the boxes that are finite and not empty."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.isfinite(boxes).all(axis=1) & (sides >= MIN_SIDE).all(axis=1)


def _byte_tracker(fps: float) -> ByteTracker:
    prepare()
    from mmdet.models.task_modules.tracking import KalmanFilter
    from mmdet.models.trackers import ByteTracker

    memory = max(MIN_MEMORY_FRAMES, round(MEMORY_SECONDS * fps))
    tracker = ByteTracker(**BYTETRACK, num_frames_retain=memory)
    tracker.motion = KalmanFilter()
    return tracker
