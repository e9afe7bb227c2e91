"""From a video to the keypoints of its persons, and on to their actions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from skelact.assemble import FramePersons, assemble
from skelact.devices import resolve_device
from skelact.errors import WeightsError
from skelact.pose import Detections, Detector, PoseEstimator, Poses, create_detector, create_estimator
from skelact.sequence import PoseSequence
from skelact.tracking import Tracker
from skelact.video import Frame, VideoReader

Models = tuple[PoseEstimator, Detector | None]
DEFAULT_POSE = "rtmw-l"
DEFAULT_DETECTOR = "rtmdet-m"
FALLBACK_POSE = "mediapipe"


def extract(
    source: str | Path,
    *,
    pose: str | None = None,
    detector: str | None = None,
    device: str = "auto",
    offline: bool = False,
    models: Models | None = None,
    on_frame: Callable[[int, int | None], None] | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> PoseSequence:
    """The keypoints of every person in a video, over time.

    Frames -> persons' boxes -> tracks -> 133 keypoints each -> PoseSequence. Without a detector, an estimator
    that finds one person by itself is given whole frames, and the tracks follow from its keypoints.

    Args:
        source: a video file.
        pose: the estimator's name; None for `DEFAULT_POSE`, or MediaPipe where weights for it cannot be had.
        detector: the person detector's name or checkpoint; None for `DEFAULT_DETECTOR` where one is needed.
        device: auto, cpu, cuda or cuda:N.
        offline: never try the network.
        models: an estimator and detector to use instead, as `choose_models` gives them.
        on_frame: called after each frame with the frames done and those the file states, if it does.
        warn: called with one sentence where MediaPipe stands in for the default.

    Returns:
        The sequence; without persons if nobody was seen.

    Raises:
        InputError: the video cannot be read.
        UsageError: an unknown estimator, detector or device.
        WeightsError: weights of a named estimator or detector cannot be had or do not fit.
    """
    with VideoReader(source) as video:
        chosen = resolve_device(device)
        estimator, finder = models or choose_models(pose, detector, device=chosen, offline=offline, warn=warn)
        with closing(estimator):
            tracker = Tracker(video.fps)
            frames = []
            for frame in video:
                frames.append(_persons(frame, finder, tracker, estimator))
                if on_frame:
                    on_frame(video.frames_read, video.stated_frames)
        return assemble(
            frames,
            width=video.width,
            height=video.height,
            fps=video.fps,
            source=video.source,
            estimator=f"{estimator.name} + {finder.name}" if finder else estimator.name,
            notes=video.notes(),
        )


def extractor(
    *,
    pose: str | None = None,
    detector: str | None = None,
    device: str = "auto",
    offline: bool = False,
    warn: Callable[[str], None] = warnings.warn,
) -> Callable[..., PoseSequence]:
    """`extract` for many videos: models are loaded once, at the first; arguments as there.

    Returns:
        A function of a video and, optionally, `on_frame`.
    """

    @functools.cache
    def models() -> Models:
        return choose_models(pose, detector, device=resolve_device(device), offline=offline, warn=warn)

    def run(source: str | Path, on_frame: Callable[[int, int | None], None] | None = None) -> PoseSequence:
        return extract(source, device=device, models=models(), on_frame=on_frame, warn=warn)

    return run


def choose_models(
    pose: str | None,
    detector: str | None,
    *,
    device: str,
    offline: bool,
    warn: Callable[[str], None],
) -> Models:
    """The estimator, and the detector if there is to be one; arguments as of `extract`.

    Only the default falls back to MediaPipe; what was named is used or is an error.

    Raises:
        UsageError: an unknown name.
        WeightsError: weights of what was named cannot be had or do not fit.
    """
    finder = create_detector(detector, device=device, offline=offline) if detector else None
    try:
        estimator = create_estimator(pose or DEFAULT_POSE, device=device, offline=offline)
        if finder is None and estimator.top_down:
            finder = create_detector(DEFAULT_DETECTOR, device=device, offline=offline)
    except WeightsError as error:
        if pose is not None:
            raise
        warn(f"MediaPipe stands in for {DEFAULT_POSE}, with less accurate keypoints{_limit(finder)}: {error}")
        estimator = create_estimator(FALLBACK_POSE, device=device, offline=offline)
    return estimator, finder


def _limit(finder: Detector | None) -> str:
    return "" if finder else " of one person only"


def _persons(frame: Frame, finder: Detector | None, tracker: Tracker, estimator: PoseEstimator) -> FramePersons:
    """The tracked persons of a frame with their keypoints."""
    if finder is None:
        return _one_person(frame, tracker, estimator)
    boxes, track_ids = tracker.update(finder.detect(frame.image))
    return FramePersons(frame.time, boxes, track_ids, estimator.estimate(frame.image, boxes, track_ids))


def _one_person(frame: Frame, tracker: Tracker, estimator: PoseEstimator) -> FramePersons:
    """The person whom the estimator finds in the frame, tracked by the box around the keypoints seen."""
    height, width = frame.image.shape[:2]
    whole = np.array([[0, 0, width, height]], np.float32)
    poses = estimator.estimate(frame.image, whole, np.zeros(1, np.int64))
    points = poses.keypoints[poses.scores > 0]
    found = np.concatenate([points.min(axis=0), points.max(axis=0)])[None] if len(points) else whole[:0]
    boxes, track_ids = tracker.update(Detections(found, np.ones(len(found), np.float32)))
    return FramePersons(frame.time, boxes, track_ids, poses if len(track_ids) else Poses.unseen(0))
