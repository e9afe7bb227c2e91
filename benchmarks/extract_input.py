"""What `benchmarks.extract` gives to those it compares: videos with their frames and persons, and weights."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

TILE, ACROSS = (256, 360), 5  # of a person, pixels; in a row
CERTAIN = 0.5  # score of the boxes that `pose` is given


@dataclass(frozen=True)
class Job:
    """What to work with.

    Attributes:
        pose: the pose network's name.
        device: to run on.
        material: folder of the development material.
        folder: for files that are made on the way.
    """

    pose: str
    device: str
    material: str
    folder: str

    @property
    def detector(self) -> str:
        """The checkpoint of RTMDet-nano."""
        return f"{self.material}/weights/rtmdet_nano_person.pth"

    @property
    def detector_onnx(self) -> str:
        """The same network as an ONNX file."""
        return f"{self.material}/weights/rtmdet_nano_person_320_nms.onnx"


@dataclass(frozen=True)
class Input:
    """A video as the stages want it.

    Attributes:
        job: what to work with.
        video: file.
    """

    job: Job
    video: str

    @functools.cached_property
    def frames(self) -> list[np.ndarray]:
        """Its frames."""
        return list(read(self.video))

    @functools.cached_property
    def views(self) -> list[Any]:
        """Its frames with the persons that RTMDet-nano is certain of, numbered by their tile."""
        from skelact.pose import View, create_detector

        views = []
        for image, found in zip(self.frames, create_detector(self.job.detector).detect(self.frames), strict=True):
            boxes = found.boxes[found.scores >= CERTAIN]
            columns, rows = ((boxes[:, :2] + boxes[:, 2:]) / 2 // TILE).astype(int).T
            views.append(View(image, boxes, columns + ACROSS * rows))
        return views


def read(video: str) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(video)
    while True:
        decoded, image = capture.read()
        if not decoded:
            return
        yield image


def network_of(job: Job) -> Any:
    from skelact.pose import zoo

    return zoo.ESTIMATORS[job.pose].network


def random_weights(job: Job) -> Path:
    """A checkpoint of the pose network with random parameters, the same for everybody."""
    from benchmarks.random_pose import write_checkpoint
    from skelact.pose import zoo

    file = Path(job.folder) / "pose.pth"
    return file if file.exists() else write_checkpoint(zoo.ESTIMATORS[job.pose], file)


def random_onnx(job: Job) -> Path:
    """The same network as an ONNX file."""
    from benchmarks.random_pose import write_onnx
    from skelact.pose import zoo

    file = Path(job.folder) / "pose.onnx"
    return file if file.exists() else write_onnx(zoo.ESTIMATORS[job.pose], random_weights(job), file)
