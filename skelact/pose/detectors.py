"""Person detection with mmdet's RTMDet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from skelact.devices import resolve_device
from skelact.errors import WeightsError
from skelact.pose import networks, zoo
from skelact.pose.base import Detections

if TYPE_CHECKING:
    from mmengine import Config

# Low, so that the tracker's second stage sees weak boxes; it does not begin tracks with them.
MIN_SCORE = 0.1
MIN_SIDE = 1.0  # pixels of the frame
PERSON = 0
CANVAS = 114  # grey beside the image, as in RTMDet's configurations
STEM = "backbone.stem.0.conv.weight"


class RTMDet:
    """RTMDet (Lyu et al., 2022) trained on persons.

    Args:
        row: which one.
        state: its parameters.
        file: where they came from, for messages.
        device: to run on.

    Raises:
        WeightsError: the parameters are another network's.
        UsageError: the device is not there.
    """

    def __init__(self, row: zoo.DetectorRow, state: networks.State, file: Path, device: str = "cpu") -> None:
        self.name = row.name
        self._device = torch.device(resolve_device(device))
        config = networks.read_config(row.network)
        config.model.test_cfg.score_thr = MIN_SCORE
        self._network = networks.build(config, "mmdet")
        networks.fill(self._network, state, row.name, file)
        networks.ready(self._network, self._device)
        self._width, self._height = _canvas(config)

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """The persons in each image, after non-maximum suppression, in order of falling score.

        Args:
            images: (H, W, 3) uint8, BGR, of one size.
        """
        from mmdet.structures import DetDataSample

        if not images:
            return []
        canvases = np.stack([letterbox(image, self._width, self._height) for image in images])
        samples = [DetDataSample(metainfo=self._geometry(image)) for image in images]
        with networks.precision(self._device):
            inputs = networks.upload(canvases, self._device)
            results = self._network.test_step({"inputs": inputs, "data_samples": samples})
        return [_persons(result, image) for result, image in zip(results, images, strict=True)]

    def _geometry(self, image: np.ndarray) -> dict[str, tuple[float, float]]:
        """How the image lies in its canvas, by mmdet's names."""
        height, width = image.shape[:2]
        resized = resized_to(width, height, self._width, self._height)
        return {
            "ori_shape": (height, width),
            "img_shape": (self._height, self._width),
            "scale_factor": (resized[0] / width, resized[1] / height),
        }


def _canvas(config: Config) -> tuple[int, int]:
    """Width and height of the images that the network was trained on, pixels."""
    steps = config.test_dataloader.dataset.pipeline
    width, height = next(step["scale"] for step in steps if step["type"].endswith("Resize"))
    return width, height


def resized_to(width: int, height: int, canvas_width: int, canvas_height: int) -> tuple[int, int]:
    """Width and height of an image resized, with its proportions, to just fit into a canvas; all in pixels."""
    scale = min(canvas_width / width, canvas_height / height)
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))


def letterbox(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """An image resized to fit, at the top left of a canvas: the pixels of mmdet's Resize and Pad.

    Args:
        image: (H, W, 3) uint8.
        width: of the canvas, pixels.
        height: of the canvas, pixels.

    Returns:
        (height, width, 3) uint8.
    """
    canvas = np.full((height, width, 3), CANVAS, np.uint8)
    size = resized_to(image.shape[1], image.shape[0], width, height)
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return canvas


def _persons(result: Any, image: np.ndarray) -> Detections:
    found = result.pred_instances
    persons = found[(found.labels == PERSON) & (found.scores >= MIN_SCORE)]
    boxes, scores = (part.float().cpu().numpy() for part in (persons.bboxes, persons.scores))
    return clipped(boxes, scores, image)


def clipped(boxes: np.ndarray, scores: np.ndarray, image: np.ndarray) -> Detections:
    """Boxes clipped to the image, without those that leave less than `MIN_SIDE` pixels of it.

    mmdet clips them to the padded image, ONNX files not at all: some reach into the padding, or lie there altogether.
    """
    height, width = image.shape[:2]
    boxes = boxes.clip(0, np.array([width, height, width, height], np.float32))
    inside = (boxes[:, 2:] - boxes[:, :2] >= MIN_SIDE).all(axis=1)
    return Detections(boxes[inside], scores[inside])


def recognise(state: networks.State, file: Path) -> zoo.DetectorRow:
    """Which detector of the zoo a checkpoint's parameters belong to, told by its first convolution.

    Raises:
        WeightsError: to none of them.
    """
    known = ", ".join(f"{row.name} ({row.stem} channels)" for row in zoo.DETECTORS.values())
    if STEM not in state:
        raise WeightsError(f"{file} is no checkpoint of a detector: it has no parameter {STEM}; known: {known}")
    channels = state[STEM].shape[0]
    for row in zoo.DETECTORS.values():
        if row.stem == channels:
            return row
    raise WeightsError(f"{file} is no checkpoint of a known detector: {STEM} has {channels} channels; known: {known}")
