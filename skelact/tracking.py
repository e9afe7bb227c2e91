"""Persons' boxes frame by frame to persons over time: mmdet's ByteTrack (method: Zhang et al., ECCV 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skelact.pose.base import Detections

if TYPE_CHECKING:
    from mmdet.models.trackers import ByteTracker

# A person who is hidden or missed comes back with the same number within this time.
MEMORY_SECONDS = 1.0
# At slow rates at least so many frames, or one missed detection would end a track.
MIN_MEMORY_FRAMES = 3
# ByteTrack's settings are for a detector that scores higher than RTMDet, whose clear persons start at 0.5;
# on MOT17 the published 0.6 and 0.7 do no better (IDF1 79.2 with either).
CERTAIN = 0.5
WEAK = 0.1
# As published (mmdet's configs/bytetrack); a person is confirmed by being seen in so many frames in a row.
IOU_THRESHOLDS = {"high": 0.1, "low": 0.5, "tentative": 0.3}
CONFIRM_FRAMES = 3
MIN_SIDE = 1.0  # pixels; the motion model divides by a box's height


class Tracker:
    """Gives each person of a video a number that stays with them.

    Certain boxes begin and continue tracks, weak ones only continue them; a lost person is remembered for
    `MEMORY_SECONDS`. Feed it every frame in order, also those with nobody.
    """

    def __init__(self, fps: float = 30.0) -> None:
        """Begin with nobody; `update` will be called with `fps` frames per second of video."""
        self._tracker = _byte_tracker(fps)
        self._frame = 0

    def update(self, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
        """The persons of the next frame.

        Args:
            detections: what was found in it, down to a score of `WEAK`.

        Returns:
            boxes (P, 4) float32, x1 y1 x2 y2 in pixels, each one of those given, and track ids (P,) int64,
            no two the same.
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
        """Drop what mmdet keeps of every track and never reads again: hours of video would fill the memory."""
        for track in self._tracker.tracks.values():
            for item in self._tracker.memo_items:
                del track[item][:-CONFIRM_FRAMES]


def _usable(boxes: np.ndarray) -> np.ndarray:
    """(P,) bool: the boxes that are finite and not empty."""
    return np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] >= boxes[:, :2] + MIN_SIDE).all(axis=1)


def _byte_tracker(fps: float) -> ByteTracker:
    from skelact.openmmlab import prepare

    prepare()
    from mmdet.models.task_modules.tracking import KalmanFilter
    from mmdet.models.trackers import ByteTracker

    tracker = ByteTracker(
        obj_score_thrs={"high": CERTAIN, "low": WEAK},
        init_track_thr=CERTAIN,
        match_iou_thrs=IOU_THRESHOLDS,
        num_tentatives=CONFIRM_FRAMES,
        num_frames_retain=max(MIN_MEMORY_FRAMES, round(MEMORY_SECONDS * fps)),
    )
    # Set here, because building it from a configuration needs mmdet's whole registry.
    tracker.motion = KalmanFilter()
    return tracker
