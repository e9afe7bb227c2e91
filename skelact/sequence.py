"""PoseSequence, the one value that flows from extraction to recognition."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from skelact.arrays import zeros
from skelact.errors import InputError
from skelact.keypoints import get_layout


@dataclass(frozen=True)
class PoseSequence:
    """The keypoints of the persons of one video.

    Attributes:
        keypoints: (I, T, V, 2) float32, pixels, x to the right and y down; 0 where a person is absent.
        scores: (I, T, V) float32, confidence of each keypoint; 0 = not seen.
        boxes: (I, T, 4) float32, x1 y1 x2 y2 in pixels; 0 where a person is absent.
        track_ids: (I,) int64, one number a person, unique.
        timestamps: (T,) float64, seconds from the start of the video, increasing.
        width, height: of the frame after rotation, pixels.
        fps: nominal frames per second.
        source: the file or address the frames came from.
        estimator: what found the keypoints, e.g. "rtmw-l + rtmdet-m".
        layout: the order of the V keypoints, a name of `skelact.keypoints.LAYOUTS`.
        notes: what a reader should know, one sentence each, e.g. that a file was cut short.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    track_ids: np.ndarray
    timestamps: np.ndarray
    width: int
    height: int
    fps: float
    source: str = ""
    estimator: str = ""
    layout: str = "wholebody133"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the shapes fit together.

        Raises:
            InputError: they do not; says which.
        """
        instances, frames = self.scores.shape[:2] if self.scores.ndim == 3 else (-1, -1)
        shapes = {
            "keypoints": (instances, frames, len(get_layout(self.layout)), 2),
            "scores": (instances, frames, len(get_layout(self.layout))),
            "boxes": (instances, frames, 4),
            "track_ids": (instances,),
            "timestamps": (frames,),
        }
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise InputError(f"a sequence in layout {self.layout}: {name} is {found}, expected {shape}")
        if len(set(self.track_ids.tolist())) != instances:
            raise InputError(f"a sequence: track ids repeat: {self.track_ids.tolist()}")

    @property
    def num_instances(self) -> int:
        """I, the number of persons."""
        return self.scores.shape[0]

    @property
    def num_frames(self) -> int:
        """T, the number of frames."""
        return self.scores.shape[1]

    @property
    def present(self) -> np.ndarray:
        """(I, T) bool: the frames in which any keypoint of a person was seen."""
        present = np.empty(self.scores.shape[:2], dtype=bool)
        for k, scores in enumerate(self.scores):  # one by one, as the comparison takes a quarter of the scores' memory
            present[k] = (scores > 0).any(axis=-1)
        return present

    def select(self, instances: np.ndarray | list[int]) -> PoseSequence:
        """The same sequence with only these persons, in this order."""
        chosen = np.asarray(instances, dtype=np.int64)
        spans = [self._span(k) for k in chosen]

        def picked(array: np.ndarray) -> np.ndarray:
            result = zeros((len(chosen), *array.shape[1:]), array.dtype)
            for k, (source, span) in enumerate(zip(chosen, spans, strict=True)):
                result[k, span] = array[source, span]
            return result

        return replace(
            self,
            keypoints=picked(self.keypoints),
            scores=picked(self.scores),
            boxes=picked(self.boxes),
            track_ids=self.track_ids[chosen],
        )

    def _span(self, instance: int) -> slice:
        """The frames from where a person is first there to where they last are: the rest is zero, and stays so."""
        there = np.flatnonzero(self.boxes[instance].any(axis=1) | (self.scores[instance] > 0).any(axis=1))
        return slice(there[0], there[-1] + 1) if len(there) else slice(0)

    def frames(self, start: int, stop: int) -> PoseSequence:
        """The frames start to stop - 1 of the sequence."""
        return replace(
            self,
            keypoints=self.keypoints[:, start:stop],
            scores=self.scores[:, start:stop],
            boxes=self.boxes[:, start:stop],
            timestamps=self.timestamps[start:stop],
        )

    def to_layout(self, name: str) -> PoseSequence:
        """The same persons in a layout whose keypoints this one has.

        Raises:
            InputError: this sequence lacks keypoints of that layout.
        """
        have, want = get_layout(self.layout), get_layout(name)
        if have is want:
            return self
        missing = set(want.wholebody) - set(have.wholebody)
        if missing or not want.wholebody:
            raise InputError(f"a sequence in layout {self.layout} has no keypoints for layout {name}")
        places = [have.wholebody.index(k) for k in want.wholebody]
        return replace(self, keypoints=self.keypoints[:, :, places], scores=self.scores[:, :, places], layout=name)
