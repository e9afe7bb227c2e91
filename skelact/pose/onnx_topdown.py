"""Whole-body pose with RTMPose, RTMW and DWPose as ONNX files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from skelact.errors import WeightsError
from skelact.pose import zoo
from skelact.pose.base import NUM_KEYPOINTS, Poses, View
from skelact.pose.onnx_session import OnnxNetwork, normalised
from skelact.pose.topdown import estimate_crops, peaks


class OnnxTopDown:
    """The counterpart of `skelact.pose.topdown.TopDown`, on the same crops, with the same reading of the outputs.

    Args:
        row: which one; its `full_response` cannot be told from a file.
        file: a network with a SimCC head of 133 keypoints, whose two outputs are the responses over x and over y,
            as in OpenMMLab's archives.
        device: to run on.

    Raises:
        WeightsError: the file cannot be read, or is another network's.
        UsageError: onnxruntime or the device is not there.
    """

    top_down = True

    def __init__(self, row: zoo.EstimatorRow, file: Path, device: str = "cpu") -> None:
        self.name = row.name
        self._full_response = row.full_response
        self._network = OnnxNetwork(file, device)
        width, height = self._network.width, self._network.height
        if width is None or height is None:
            raise WeightsError(f"{file} does not tell the size of its crops: export it with fixed height and width")
        self._size = width, height
        shapes = self._network.probe(height, width)
        self._bins = shapes[0][-1] / width if len(shapes) == 2 and shapes[0] else 0
        wanted = [(NUM_KEYPOINTS, round(self._bins * side)) for side in (width, height)]
        if shapes != wanted or self._bins < 1:
            raise WeightsError(
                f"{file} is no whole-body network: for a crop of {width} x {height} pixels its outputs have the shapes "
                f"{shapes} rather than {NUM_KEYPOINTS} keypoints' responses over x and y"
            )

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        """The keypoints of the persons of each view; each one's do not depend on the others."""
        return estimate_crops(views, self._size, self._full_response, self._locate)

    def close(self) -> None:
        """Nothing to do: the network goes with this object."""

    def _locate(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        outputs = self._network.run(normalised(pixels, rgb=True))
        found = [peaks([torch.from_numpy(axis) for axis in axes], self._bins) for axes in outputs]
        places, responses = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return places, responses
