"""Frames to tracked persons with their keypoints, several frames at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from skelact.assemble import FramePersons
from skelact.boxes import overlaps
from skelact.detection import Found, FrameDetector
from skelact.keypoints import BODY
from skelact.pose import Detections, Detector, PoseEstimator, Poses, View
from skelact.shots import ShotDetector
from skelact.tracking import Tracker
from skelact.video import Frame

# Between frames that were looked into, a person whose body is seen with less than this share of the confidence
# that it had there is looked for again.
LOST = 0.7
SAME_AGAIN = 0.3  # overlap of the box found then and the one in which the person was not seen


@dataclass(frozen=True)
class Batch:
    """Frames that follow one another.

    Attributes:
        frames: at least one.
        cuts: whether each is the first of a new shot.
    """

    frames: list[Frame]
    cuts: list[bool]

    @property
    def images(self) -> list[np.ndarray]:
        """The pictures, (H, W, 3) uint8, BGR."""
        return [frame.image for frame in self.frames]


def read_batches(video: Iterable[Frame], length: int) -> Iterator[Batch]:
    """The frames of a video, so many at a time; the last batch may be shorter."""
    shots = ShotDetector()
    frames: list[Frame] = []
    cuts: list[bool] = []
    for frame in video:
        frames.append(frame)
        cuts.append(shots.is_cut(frame.image))
        if len(frames) == length:
            yield Batch(frames, cuts)
            frames, cuts = [], []
    if frames:
        yield Batch(frames, cuts)


class Chain:
    """Detector, tracker and estimator on the frames of one video, which come batch by batch.

    Without a detector, an estimator that finds one person by itself is given whole frames, and the tracks follow from
    its keypoints.
    """

    def __init__(self, estimator: PoseEstimator, detector: Detector | None, fps: float, detect_every: int = 1) -> None:
        self._estimator = estimator
        self._finder = FrameDetector(detector, detect_every) if detector else None
        self._tracker = Tracker(fps)
        self._confidence: dict[int, float] = {}

    def persons(self, batch: Batch) -> list[FramePersons]:
        """The tracked persons of each frame, with their keypoints."""
        if self._finder is None:
            return self._one_person(batch)
        found = self._finder.detect(batch.images, batch.cuts)
        views = [
            View(frame.image, *self._follow(each.detections, cut))
            for frame, each, cut in zip(batch.frames, found, batch.cuts, strict=True)
        ]
        poses = self._estimator.estimate(views)
        if self._estimator.top_down:
            self._look_again(self._finder.detector, found, views, poses)
        return [
            FramePersons(frame.time, view.boxes, view.track_ids, pose)
            for frame, view, pose in zip(batch.frames, views, poses, strict=True)
        ]

    def _follow(self, detections: Detections, cut: bool) -> tuple[np.ndarray, np.ndarray]:
        if cut:
            self._tracker.cut()
        return self._tracker.update(detections)

    def _one_person(self, batch: Batch) -> list[FramePersons]:
        """The person whom the estimator finds in each frame, tracked by the box around the keypoints seen."""
        height, width = batch.frames[0].image.shape[:2]
        whole = np.array([[0, 0, width, height]], np.float32)
        poses = self._estimator.estimate([View(image, whole, np.zeros(1, np.int64)) for image in batch.images])
        result = []
        for frame, cut, pose in zip(batch.frames, batch.cuts, poses, strict=True):
            boxes, track_ids = self._follow(_around_keypoints(pose), cut)
            result.append(FramePersons(frame.time, boxes, track_ids, pose if len(track_ids) else Poses.unseen(0)))
        return result

    def _look_again(self, detector: Detector, found: Sequence[Found], views: list[View], poses: list[Poses]) -> None:
        """Look for those who were lost in frames with interpolated boxes; changes views and poses there."""
        lost = [t for t in range(len(views)) if self._is_anybody_lost(found[t].looked, views[t], poses[t])]
        if not lost:
            return
        detections = detector.detect([views[t].image for t in lost])
        for t, seen in zip(lost, detections, strict=True):
            views[t] = replace(views[t], boxes=_nearest(views[t].boxes, seen.boxes))
        for t, pose in zip(lost, self._estimator.estimate([views[t] for t in lost]), strict=True):
            poses[t] = pose

    def _is_anybody_lost(self, looked: bool, view: View, pose: Poses) -> bool:
        now = dict(zip(view.track_ids.tolist(), pose.scores[:, list(BODY)].mean(axis=1).tolist(), strict=True))
        if looked:
            self._confidence = now
            return False
        return any(value < LOST * self._confidence.get(track_id, 0) for track_id, value in now.items())


def _around_keypoints(pose: Poses) -> Detections:
    """The box around the keypoints seen, if any are."""
    points = pose.keypoints[pose.scores > 0]
    if not len(points):
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    return Detections(np.concatenate([points.min(axis=0), points.max(axis=0)])[None], np.ones(1, np.float32))


def _nearest(boxes: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Each box, or the one seen that is there instead of it, where one overlaps it by `SAME_AGAIN`."""
    shares = overlaps(boxes, seen)
    here, there = linear_sum_assignment(-shares)
    close = shares[here, there] >= SAME_AGAIN
    result = boxes.copy()
    result[here[close]] = seen[there[close]]
    return result
