"""Person detection with RTMDet as an ONNX file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelact.errors import WeightsError
from skelact.pose.base import Detections
from skelact.pose.detectors import MIN_SCORE, PERSON, clipped, letterbox, resized_to
from skelact.pose.onnx_session import OnnxNetwork, normalised

# Files for any size do not tell which one the network was trained at; RTMDet-nano (4 MB) is the only one at 320.
SMALL, LARGE = 320, 640
SMALL_FILE = 10 << 20  # bytes


class OnnxRTMDet:
    """RTMDet (Lyu et al., 2022) with non-maximum suppression inside the file, as in OpenMMLab's archives.

    The suppression is the file's: mmdet's clips boxes to the canvas before, so that a box that reaches out of it may
    be suppressed in one and not in the other.

    Args:
        name: to be known by.
        file: with the outputs boxes and scores (N, P, 5) in pixels of the canvas, and labels (N, P).
        device: to run on.

    Raises:
        WeightsError: the file cannot be read, or is another network's.
        UsageError: onnxruntime or the device is not there.
    """

    def __init__(self, name: str, file: Path, device: str = "cpu") -> None:
        self.name = name
        self._network = OnnxNetwork(file, device)
        usual = SMALL if file.stat().st_size < SMALL_FILE else LARGE
        self._width, self._height = self._network.width or usual, self._network.height or usual
        shapes = self._network.probe(self._height, self._width)
        if len(shapes) != 2 or shapes[0] != (*shapes[1], 5):
            raise WeightsError(
                f"{file} is no detector with non-maximum suppression inside: its outputs have the shapes {shapes} "
                "rather than (P, 5) and (P); give the end2end.onnx of an RTMDet"
            )

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """The persons in each image, after non-maximum suppression, in order of falling score.

        Args:
            images: (H, W, 3) uint8, BGR.
        """
        if not images:
            return []
        canvases = np.stack([letterbox(image, self._width, self._height) for image in images])
        outputs = self._network.run(normalised(canvases, rgb=False))
        found = [pair for dets, labels in outputs for pair in zip(dets, labels, strict=True)]
        return [self._persons(*pair, image) for pair, image in zip(found, images, strict=True)]

    def _persons(self, dets: np.ndarray, labels: np.ndarray, image: np.ndarray) -> Detections:
        # Where images have different numbers of boxes, the rest of a row is filled with score 0.
        persons = dets[(labels == PERSON) & (dets[:, 4] >= MIN_SCORE)]
        height, width = image.shape[:2]
        resized = np.array(resized_to(width, height, self._width, self._height), np.float32)
        boxes = persons[:, :4] / np.tile(resized / np.array([width, height], np.float32), 2)
        return clipped(boxes, persons[:, 4], image)
