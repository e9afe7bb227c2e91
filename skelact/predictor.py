"""From a video, or the keypoints of one, to the actions in it: who does what, when."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skelact.devices import resolve_device
from skelact.ensemble import Ensemble
from skelact.errors import InputError, NobodySeenError
from skelact.formats.npz import load_sequence
from skelact.pipeline import extractor
from skelact.recognizers import find_ensemble
from skelact.results import Prediction
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings, PredictSettings
from skelact.timelines import Look, look

if TYPE_CHECKING:
    from skelact.live.update import LiveUpdate

# Where nothing is said, a video of up to so many times the usual clip is taken as one clip.
ONE_CLIP = 2.0
# Windows shorter than the clips find the edges of actions better, and see enough (benchmarks/segments.py).
WINDOW_SHARE = 0.7
STRIDES_A_WINDOW = 5


class Predictor:
    """Predicts one video after another with the same models, which are loaded when they are first needed."""

    def __init__(
        self,
        settings: PredictSettings = PredictSettings(),
        extraction: ExtractSettings = ExtractSettings(),
        *,
        recognizer: Ensemble | None = None,
        warn: Callable[[str], None] = warnings.warn,
    ) -> None:
        """Decide how to predict; nothing is loaded yet.

        Args:
            settings: what to predict.
            extraction: how keypoints are found; its device and `offline` are the recognizer's too.
            recognizer: one already loaded, in place of the models that the settings name.
            warn: called with one sentence where something stands in for a default that cannot be had.
        """
        self.settings = settings
        self.extraction = extraction
        self._given = recognizer
        self._warn = warn

    @cached_property
    def recognizer(self) -> Ensemble:
        """What names the actions.

        Raises:
            SkelactError: see `skelact.recognizers.find_ensemble`.
        """
        if self._given is not None:
            return self._given
        settings = self.settings
        return find_ensemble(settings.models, settings.streams, offline=self.extraction.offline, warn=self._warn)

    @cached_property
    def device(self) -> str:
        """Where the recognizer runs."""
        return resolve_device(self.extraction.device)

    @cached_property
    def extract(self) -> Callable[..., PoseSequence]:
        """The keypoints of a video: a function of it and, optionally, `on_frame`; see `skelact.pipeline.extract`."""
        return extractor(self.extraction, self._warn)

    def predict(
        self, source: str | Path | PoseSequence, on_frame: Callable[[int, int | None], None] | None = None
    ) -> Prediction:
        """The actions in a video.

        Args:
            source: a video, a folder of its pictures, a .npz sequence, or a sequence.
            on_frame: called after some frames with those done and those the file states, if it does: while keypoints
                are found, and again from the first on while actions are.

        Raises:
            NobodySeenError: nobody was seen.
            SkelactError: see `find_ensemble` and `skelact.pipeline.extract`.
        """
        if not isinstance(source, PoseSequence):
            check_source(source)
        recognizer = self.recognizer  # before the keypoints, which take long
        if isinstance(source, PoseSequence):
            sequence = source
        elif Path(source).suffix == ".npz":
            sequence = load_sequence(Path(source))
        else:
            sequence = self.extract(source, on_frame)
        return _predict(sequence, recognizer, self.settings, self.device, on_frame)

    def live(self, source: str, **options: Any) -> Generator[LiveUpdate, None, None]:
        """What happens before a camera, frame by frame; see `skelact.live.watch.watch`, whose options these are."""
        from skelact.live.watch import watch

        return watch(self, source, **options)


def check_source(source: str | Path) -> None:
    """Make sure that an input is there, before anything is loaded or downloaded for it.

    Raises:
        InputError: it is not.
    """
    if not Path(source).exists():
        raise InputError(f"there is no file {str(source)!r}: give a video or a .npz sequence")


def predict(
    source: str | Path | PoseSequence,
    *,
    settings: PredictSettings = PredictSettings(),
    extraction: ExtractSettings = ExtractSettings(),
    on_frame: Callable[[int, int | None], None] | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> Prediction:
    """The actions in one video; for several, a `Predictor` loads the models only once. See there."""
    return Predictor(settings, extraction, warn=warn).predict(source, on_frame)


def choose_window(settings: PredictSettings, clip_seconds: float, seconds: float) -> tuple[float, float]:
    """Window and stride, seconds, for a video of this length.

    Args:
        settings: see `PredictSettings.window` and `stride`.
        clip_seconds: usual length of the clips that the recognizer was trained on.
        seconds: of the video; of a shorter one than the window all is looked at at once.
    """
    if settings.window is None and settings.stride is None and seconds <= ONE_CLIP * clip_seconds:
        return seconds, seconds
    window = settings.window or WINDOW_SHARE * clip_seconds
    if window >= seconds:
        return seconds, seconds
    return window, min(settings.stride or window / STRIDES_A_WINDOW, window)


def _predict(
    sequence: PoseSequence,
    recognizer: Ensemble,
    settings: PredictSettings,
    device: str,
    on_frame: Callable[[int, int | None], None] | None,
) -> Prediction:
    present = sequence.present
    if not present.any():
        raise NobodySeenError(f"nobody was seen in {sequence.source or 'the sequence'}: there is no action to name")
    times = sequence.timestamps
    seconds = float(times[-1] - times[0] + 1 / sequence.fps)
    window, stride = choose_window(settings, recognizer.main.clip_seconds, seconds)
    threshold = recognizer.main.threshold if settings.threshold is None else settings.threshold
    seen = np.flatnonzero(present.any(axis=1)).tolist()
    how = Look(window, stride, threshold, settings.per_person, settings.top_k, device)
    group, individuals = look(sequence, recognizer, how, seconds, on_frame)
    if len(group.times) == 1 and not group.probabilities.any():
        raise NobodySeenError(
            f"no keypoint that {recognizer.name} looks at was seen in {sequence.source or 'the sequence'}: there is no "
            "action to name"
        )
    notes = sequence.notes
    if settings.window and settings.window > seconds:
        notes += (f"the window of {settings.window:g} s is longer than the video: its {seconds:.1f} s are one clip",)
    if len(seen) > recognizer.max_instances and not settings.per_person:
        notes += (
            f"{recognizer.name} looks at {recognizer.max_instances} of the {len(seen)} persons at a time: those seen "
            "longest",
        )
    return Prediction(
        source=sequence.source,
        model=recognizer.name,
        estimator=sequence.estimator,
        class_names=recognizer.class_names,
        no_action=recognizer.main.no_action,
        frames=sequence.num_frames,
        seconds=seconds,
        persons=tuple(int(sequence.track_ids[k]) for k in seen),
        window=window,
        stride=stride,
        threshold=threshold,
        group=group,
        individuals=tuple(individuals),
        notes=notes,
        sequence=sequence,
    )
