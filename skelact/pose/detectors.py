"""Person detection with mmdet's RTMDet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from skelact.devices import resolve_device
from skelact.errors import WeightsError
from skelact.pose import networks, zoo
from skelact.pose.base import Detections

# Low, so that the tracker's second stage sees weak boxes; it does not begin tracks with them.
MIN_SCORE = 0.1
MIN_SIDE = 1.0  # pixels of the frame
PERSON = 0
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
        self._network.to(self._device).eval()

        from mmcv.transforms import Compose
        from mmpose.utils import adapt_mmdet_pipeline

        _, *steps = adapt_mmdet_pipeline(config).test_dataloader.dataset.pipeline
        self._pipeline = Compose([{"type": "mmdet.LoadImageFromNDArray"}, *steps])

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """The persons in each image, after non-maximum suppression, in order of falling score.

        Args:
            images: (H, W, 3) uint8, BGR, of one size.
        """
        from mmengine.dataset import pseudo_collate

        if not images:
            return []
        batch = pseudo_collate([self._pipeline({"img": image, "img_id": k}) for k, image in enumerate(images)])
        with networks.precision(self._device):
            results = self._network.test_step(batch)
        return [_persons(result, image) for result, image in zip(results, images, strict=True)]


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
