"""What a person detector and a pose estimator are: the interfaces behind which each library is one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

# Keypoints of COCO-WholeBody (skelact.keypoints, layout "wholebody133"), which every estimator returns.
NUM_KEYPOINTS = 133


@dataclass(frozen=True)
class Detections:
    """The persons found in one frame.

    Attributes:
        boxes: (P, 4) float32, x1 y1 x2 y2 in pixels of the frame.
        scores: (P,) float32, confidence in 0..1.
    """

    boxes: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Poses:
    """The keypoints of the persons of one frame.

    Attributes:
        keypoints: (P, 133, 2) float32, pixels of the whole frame; 0 where not seen.
        scores: (P, 133) float32, confidence in 0..1; 0 = not seen.
    """

    keypoints: np.ndarray
    scores: np.ndarray

    @classmethod
    def unseen(cls, persons: int) -> Poses:
        """So many persons without any keypoint seen."""
        return cls(np.zeros((persons, NUM_KEYPOINTS, 2), np.float32), np.zeros((persons, NUM_KEYPOINTS), np.float32))


@dataclass(frozen=True)
class View:
    """A frame, and the persons in it whose keypoints are wanted.

    Attributes:
        image: (H, W, 3) uint8, BGR.
        boxes: (P, 4), x1 y1 x2 y2 in pixels; the whole frame's box where there is no detector.
        track_ids: (P,) one number a person, the same from frame to frame, no two the same.
    """

    image: np.ndarray
    boxes: np.ndarray
    track_ids: np.ndarray


class Detector(Protocol):
    """Finds persons in images.

    Attributes:
        name: as in the zoo.
    """

    name: str

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """The persons in each image (H, W, 3), uint8, BGR; weak ones too, in order of falling score.

        What is found in an image does not depend on the others, which have its size.
        """


class PoseEstimator(Protocol):
    """Finds the keypoints of persons.

    Attributes:
        name: as in the zoo.
        top_down: True where it must be given persons' boxes; False where it finds one person in the frame itself.
    """

    name: str
    top_down: bool

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        """The keypoints of the persons of each view: of the frames of one video, in their order."""

    def close(self) -> None:
        """Give back what is held for a video; another one may follow."""
