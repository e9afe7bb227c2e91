"""What an extraction and a prediction are to be like, as one value each."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skelact.errors import UsageError, unknown_name

BACKENDS = ("torch", "onnx")


@dataclass(frozen=True)
class ExtractSettings:
    """How to find the keypoints of a video's persons.

    Attributes:
        pose: the estimator's name; None for rtmw-l, or MediaPipe where weights for it cannot be had.
        detector: the person detector's name or file; None for rtmdet-m where the estimator needs one.
        backend: what runs the networks, one of `BACKENDS`.
        device: auto, cpu, cuda or cuda:N.
        offline: never try the network.
        detect_every: look for persons in every so manieth frame, and between them only where persons come, go or
            are lost; 1 looks in every frame; None in one each `skelact.pipeline.DETECT_SECONDS`.
        persons: keep only so many main persons (see `skelact.grouping.main_persons`); None for all.
        merge: join the tracks of one person who was lost for a while.
        drop_still: leave out pictures of persons, which never move.
        smooth: one-euro or savgol, see `skelact.smoothing`; None for keypoints as they were found.

    Raises:
        UsageError: a value that is none of these.
    """

    pose: str | None = None
    detector: str | None = None
    backend: str = BACKENDS[0]
    device: str = "auto"
    offline: bool = False
    detect_every: int | None = None
    persons: int | None = None
    merge: bool = True
    drop_still: bool = False
    smooth: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without loading anything."""
        if self.backend not in BACKENDS:
            raise unknown_name("backend", self.backend, BACKENDS)
        if self.detect_every is not None and self.detect_every < 1:
            raise UsageError(f"detect-every is {self.detect_every}: give 1 for every frame, or more")
        if self.persons is not None and self.persons < 1:
            raise UsageError(f"persons is {self.persons}: keep at least 1")
        if self.smooth is not None:
            from skelact.smoothing import SMOOTHINGS  # only now, as it needs numpy

            if self.smooth not in SMOOTHINGS:
                raise unknown_name("smoothing", self.smooth, SMOOTHINGS)


@dataclass(frozen=True)
class PredictSettings:
    """What of a video is to be predicted, and how.

    Attributes:
        models: names of the zoo or .safetensors files; the probabilities of several are averaged. None for ntu120, in
            whose place asl-words stands where it cannot be had.
        streams: of one model of the zoo, of j, b, jm and bm; their probabilities are averaged by the published weights.
            None for the joints.
        window: seconds that the recognizer looks at at once. None for 0.7 times the length of the clips it was trained
            on, and the whole of a video of up to twice that length.
        stride: seconds from one look to the next; None for a fifth of the window.
        threshold: an action less probable is not told; None for the recognizer's own.
        per_person: whether each person gets a timeline, beside the group.
        top_k: how many of the most probable actions to tell.

    Raises:
        UsageError: a value that cannot be.
    """

    models: tuple[str, ...] | None = None
    streams: tuple[str, ...] | None = None
    window: float | None = None
    stride: float | None = None
    threshold: float | None = None
    per_person: bool = False
    top_k: int = 5

    def __post_init__(self) -> None:
        """Check what can be checked without loading anything."""
        if self.top_k < 1:
            raise UsageError(f"top-k is {self.top_k}: ask for at least 1 action")
        for name in ("window", "stride"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} is {value}: give seconds, more than 0")
        if self.window and self.stride and self.stride > self.window:
            raise UsageError(
                f"the stride of {self.stride:g} s is longer than the window of {self.window:g} s, so that nobody would "
                "look at what is between: give a shorter one"
            )
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"threshold is {self.threshold}: give a probability of 0 to 1")
        if self.streams is not None and self.models is not None and len(self.models) > 1:
            raise UsageError("--streams are those of one model: give one --model, or several of them without --streams")
