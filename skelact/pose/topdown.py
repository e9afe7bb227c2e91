"""Top-down whole-body pose with mmpose's RTMPose, RTMW and DWPose: the crops of several frames in one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from skelact.devices import resolve_device
from skelact.pose import networks, zoo
from skelact.pose.base import Poses, View

PADDING = 1.25  # of a person's box, as the networks were trained
MAX_BATCH = 32  # crops in one forward pass; bounds memory in crowds
CPU_BATCH = 8  # the same on a CPU, where more are not faster and take more memory (RTMPose-m: 290 MB for 32, 70 for 8)
MIN_SIDE = 1.0  # pixels; a box without extent has no crop

# From crops (P, height, width, 3), uint8, BGR, to places (P, 133, 2) in their pixels, and raw responses (P, 133).
Locate = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Crops:
    """Persons cut out of a frame.

    Attributes:
        pixels: (P, height, width, 3) uint8, BGR.
        centers: (P, 2) pixels of the frame, the crops' middles.
        scales: (P,) pixels of the crop for one pixel of the frame.
    """

    pixels: np.ndarray
    centers: np.ndarray
    scales: np.ndarray


def crop(image: np.ndarray, boxes: np.ndarray, width: int, height: int) -> Crops:
    """Cut boxes out of an image, enlarged by `PADDING` and then to the crop's aspect ratio, black outside.

    The same pixels as mmpose's GetBBoxCenterScale and TopdownAffine give.

    Args:
        image: (H, W, 3) uint8.
        boxes: (P, 4), x1 y1 x2 y2 in pixels.
        width: of the crops, pixels.
        height: of the crops, pixels.
    """
    corners = np.asarray(boxes, np.float32).reshape(-1, 2, 2)
    centers = corners.mean(axis=1)
    extents = np.maximum(corners[:, 1] - corners[:, 0], MIN_SIDE) * PADDING
    sides = np.maximum(extents[:, 0], extents[:, 1] * (width / height))  # the crops' widths in the frame
    pixels = np.empty((len(corners), height, width, 3), np.uint8)
    # Middle, left, and below left by half a width, in numbers as coarse as mmpose's, or some pixels would differ.
    target = np.array([[width, height], [0, height], [0, height + width]], np.float32) / 2
    for k, (side, (x, y)) in enumerate(zip(sides, centers, strict=True)):
        left = x - side / np.float32(2)
        source = np.array([[x, y], [left, y], [left, y + (x - left)]], np.float32)
        affine = cv2.getAffineTransform(source, target)
        cv2.warpAffine(image, affine, (width, height), dst=pixels[k], flags=cv2.INTER_LINEAR)
    return Crops(pixels, centers, width / sides)


def estimate_crops(
    views: Sequence[View],
    size: tuple[int, int],
    full_response: float,
    locate: Locate,
    at_once: int | None = None,
) -> list[Poses]:
    """The keypoints of the persons of each view, the crops of all views together.

    Args:
        views: frames and their persons.
        size: width and height of the crops, pixels.
        full_response: the raw response that becomes score 1.
        locate: the network.
        at_once: how many crops it is given at a time; `MAX_BATCH` by default.
    """
    width, height = size
    step = at_once or MAX_BATCH
    crops = [crop(view.image, view.boxes, width, height) for view in views]
    if not any(len(part.pixels) for part in crops):
        return [Poses.unseen(0) for _ in views]
    pixels = np.concatenate([part.pixels for part in crops])
    chunks = [locate(pixels[k : k + step]) for k in range(0, len(pixels), step)]
    places, responses = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    ends = np.cumsum([len(part.pixels) for part in crops])[:-1]
    found = zip(crops, np.split(places, ends), np.split(responses, ends), strict=True)
    return [_poses(*each, size, full_response) for each in found]


def peaks(logits: Sequence[torch.Tensor], bins: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a SimCC head answers most, and how much.

    Args:
        logits: two (P, 133, .), the responses over x and over y.
        bins: of an axis for one pixel of the crop.

    Returns:
        places (P, 133, 2) in pixels of the crops, and raw responses (P, 133), the weaker one of the two axes.
    """
    found = [axis.float().max(dim=-1) for axis in logits]
    places = torch.stack([peak.indices for peak in found], dim=-1).float() / bins
    responses = torch.minimum(*(peak.values for peak in found))
    return places.cpu().numpy(), responses.cpu().numpy()


def _poses(
    crops: Crops, places: np.ndarray, responses: np.ndarray, size: tuple[int, int], full_response: float
) -> Poses:
    keypoints = (places - np.array(size, np.float32) / 2) / crops.scales[:, None, None] + crops.centers[:, None]
    scores = np.clip(responses / full_response, 0, 1)
    keypoints[scores == 0] = 0
    return Poses(keypoints.astype(np.float32), scores.astype(np.float32))


class TopDown:
    """A pose estimator of mmpose with a SimCC head (RTMPose, Jiang et al. 2023; RTMW, Jiang et al. 2024).

    Each crop is seen once: without the mirrored second pass that mmpose's evaluation averages with, at half
    the cost.

    Args:
        row: which one.
        network: its network.
        file: its checkpoint.
        device: to run on.

    Raises:
        WeightsError: the checkpoint cannot be read, or is another network's.
        UsageError: the device is not there.
    """

    top_down = True

    def __init__(self, row: zoo.EstimatorRow, network: zoo.Network, file: Path, device: str = "cpu") -> None:
        self.name = row.name
        self._full_response = row.full_response
        self._device = torch.device(resolve_device(device))
        config = networks.read_config(network)
        self._width, self._height = config.codec.input_size
        self._bins = config.codec.simcc_split_ratio
        self._network = networks.build(config, "mmpose")
        networks.fill(self._network, networks.read_state(file), row.name, file)
        networks.ready(self._network, self._device)

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        """The keypoints of the persons of each view; each one's do not depend on the others.

        The crops of all views go through the network together.
        """
        at_once = CPU_BATCH if self._device.type == "cpu" else MAX_BATCH
        return estimate_crops(views, (self._width, self._height), self._full_response, self._locate, at_once)

    def close(self) -> None:
        """Nothing to do: the network goes with this object."""

    def _locate(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places (P, 133, 2) in pixels of the crops, and raw responses (P, 133)."""
        inputs = self._network.data_preprocessor
        batch = networks.upload(pixels, self._device).flip(1)
        with networks.precision(self._device):
            logits = self._network((batch.float() - inputs.mean) / inputs.std, None, mode="tensor")
            return peaks(logits, self._bins)
