"""What an extraction is to be like, as one value."""

from __future__ import annotations

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
