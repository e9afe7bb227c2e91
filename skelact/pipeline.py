"""From a video to the keypoints of its persons, and on to their actions."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from skelact.ahead import ahead
from skelact.assemble import Assembly
from skelact.chain import Chain, read_batches
from skelact.devices import resolve_device
from skelact.errors import WeightsError
from skelact.grouping import drop_still, main_persons, merge_fragments
from skelact.pose import Detector, PoseEstimator, create_detector, create_estimator
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings
from skelact.smoothing import smooth
from skelact.sources import Reader, open_reader

Models = tuple[PoseEstimator, Detector | None]
DEFAULT_POSE = "rtmw-l"
DEFAULT_DETECTOR = "rtmdet-m"
FALLBACK_POSE = "mediapipe"
# Frames at a time, as the networks take several persons' crops at once; fewer of large frames.
CPU_BATCH, GPU_BATCH = 8, 32
BATCH_BYTES = 1 << 27
# Between two looks of the detector where nothing else is said. At 30 frames a second that is every third: boxes between
# then overlap the detector's own by 0.97 and more (benchmarks/detect_every.csv), and the identities of crowds lose 0.7
# of 82.3 IDF1 (benchmarks/tracking.csv).
DETECT_SECONDS = 0.1


def extract(
    source: str | Path,
    settings: ExtractSettings = ExtractSettings(),
    *,
    models: Models | None = None,
    on_frame: Callable[[int, int | None], None] | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> PoseSequence:
    """The keypoints of every person in a video, over time.

    Frames -> persons' boxes -> tracks -> 133 keypoints each -> PoseSequence. Without a detector, an estimator
    that finds one person by itself is given whole frames, and the tracks follow from its keypoints.

    Args:
        source: a video file, or a folder of its pictures.
        settings: see there.
        models: an estimator and detector to use, as `choose_models` gives them; for many videos, see `extractor`.
        on_frame: called after some frames with those done and those the file states, if it does.
        warn: called with one sentence where MediaPipe stands in for the default.

    Returns:
        The sequence; without persons if nobody was seen.

    Raises:
        InputError: the video cannot be read.
        UsageError: an unknown estimator, detector or device.
        WeightsError: weights of a named estimator or detector cannot be had or do not fit.
    """
    with open_reader(source) as video:
        estimator, detector = models or choose_models(settings, warn)
        every = settings.detect_every or _usual_step(video.fps)
        chain = Chain(estimator, detector, video.fps, every)
        batches = ahead(read_batches(video, _batch_length(video, settings.device, every)))
        cuts: list[int] = []
        with closing(estimator), closing(Assembly()) as assembly, closing(batches):
            for batch in batches:
                cuts += [len(assembly) + k for k, cut in enumerate(batch.cuts) if cut]
                for persons in chain.persons(batch):
                    assembly.add(persons)
                if on_frame:
                    on_frame(len(assembly), video.stated_frames)
            sequence = assembly.sequence(
                width=video.width,
                height=video.height,
                fps=video.fps,
                source=video.source,
                estimator=f"{estimator.name} + {detector.name}" if detector else estimator.name,
                notes=video.notes(),
            )
    return refine(sequence, settings, cuts)


def refine(sequence: PoseSequence, settings: ExtractSettings, cuts: Sequence[int] = ()) -> PoseSequence:
    """What of a sequence the settings ask for: fragments merged, main persons, smooth keypoints.

    Args:
        sequence: as it was found.
        settings: merge, drop_still, persons and smooth count.
        cuts: the frames with which a new shot begins.
    """
    if settings.merge:
        sequence = merge_fragments(sequence, cuts)
    if settings.drop_still:
        sequence = drop_still(sequence)
    if settings.persons:
        sequence = main_persons(sequence, settings.persons)
    return smooth(sequence, settings.smooth) if settings.smooth else sequence


def _usual_step(fps: float) -> int:
    """Every how manieth frame is looked into for persons where nothing is said."""
    return min(CPU_BATCH, max(1, round(DETECT_SECONDS * fps)))


def _batch_length(video: Reader, device: str, every: int) -> int:
    """How many frames to take at a time: a multiple of those between two looks of the detector."""
    most = GPU_BATCH if resolve_device(device) != "cpu" else CPU_BATCH
    fitting = min(most, BATCH_BYTES // (3 * video.width * video.height))
    return max(1, fitting // every) * every


def extractor(
    settings: ExtractSettings = ExtractSettings(), warn: Callable[[str], None] = warnings.warn
) -> Callable[..., PoseSequence]:
    """`extract` for many videos: models are loaded once, at the first.

    Returns:
        A function of a video and, optionally, `on_frame`.
    """

    @functools.cache
    def models() -> Models:
        return choose_models(settings, warn)

    def run(source: str | Path, on_frame: Callable[[int, int | None], None] | None = None) -> PoseSequence:
        return extract(source, settings, models=models(), on_frame=on_frame, warn=warn)

    return run


def choose_models(
    settings: ExtractSettings, warn: Callable[[str], None] = warnings.warn, *, face: bool = True
) -> Models:
    """The estimator, and the detector if there is to be one.

    Only the default falls back to MediaPipe; what was named is used or is an error.

    Args:
        settings: see there.
        warn: called with one sentence in that case.
        face: whether the face's keypoints are wanted; see `create_estimator`.

    Raises:
        UsageError: an unknown name.
        WeightsError: weights of what was named cannot be had or do not fit.
    """
    common: dict[str, Any] = {
        "device": resolve_device(settings.device), "offline": settings.offline, "backend": settings.backend
    }  # fmt: skip
    finder = create_detector(settings.detector, **common) if settings.detector else None
    try:
        estimator = create_estimator(settings.pose or DEFAULT_POSE, **common, face=face)
        if finder is None and estimator.top_down:
            finder = create_detector(DEFAULT_DETECTOR, **common)
    except WeightsError as error:
        if settings.pose is not None:
            raise
        warn(f"MediaPipe stands in for {DEFAULT_POSE}, with less accurate keypoints{_limit(finder)}: {error}")
        estimator = create_estimator(FALLBACK_POSE, **common, face=face)
    return estimator, finder


def _limit(finder: Detector | None) -> str:
    return "" if finder else " of one person only"
