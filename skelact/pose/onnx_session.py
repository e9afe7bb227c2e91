"""ONNX files, run by ONNX Runtime.

What a file can do: compute. Libraries of custom operators are never registered, so that a file that names some is
refused; data outside the file are read by ONNX Runtime from the file's own folder only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from skelact.devices import resolve_device
from skelact.errors import UsageError, WeightsError

if TYPE_CHECKING:
    import onnxruntime

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"
ONLY_FATAL = 4  # onnxruntime's log levels end there; its errors arrive as exceptions

# ImageNet's, in BGR order: those of RTMDet's and RTMPose's configurations. OpenMMLab's files begin behind them.
MEAN = (103.53, 116.28, 123.675)
STD = (57.375, 57.12, 58.395)


class OnnxNetwork:
    """A network of one image input, in a file.

    Args:
        file: with or without a free batch axis.
        device: cpu, cuda or cuda:N.

    Attributes:
        file: it.
        height: of its input, pixels; None where it takes any.
        width: of its input, pixels; None where it takes any.

    Raises:
        UsageError: onnxruntime is not installed, or cannot use that device.
        WeightsError: the file is missing, damaged, or takes something else than images.
    """

    def __init__(self, file: Path, device: str = "cpu") -> None:
        self.file = file
        self._session = _open(file, device)
        inputs = self._session.get_inputs()
        shape = [side if isinstance(side, int) else None for side in inputs[0].shape] if len(inputs) == 1 else []
        if (
            len(shape) != 4
            or inputs[0].type != "tensor(float)"
            or shape[0] not in (None, 1)
            or shape[1] not in (None, 3)
        ):
            found = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs) or "nothing"
            raise WeightsError(
                f"{file} takes {found} rather than float images (batch, 3, height, width): give another file"
            )
        self._input = inputs[0].name
        self._one_by_one = shape[0] == 1
        self.height, self.width = shape[2:]

    def run(self, images: np.ndarray) -> Iterator[list[np.ndarray]]:
        """The file's outputs for images (N, 3, H, W) float32, at once or one by one, see `probe`."""
        step = 1 if self._one_by_one else max(1, len(images))
        for k in range(0, len(images), step):
            yield self._session.run(None, {self._input: images[k : k + step]})

    def probe(self, height: int, width: int) -> list[tuple[int, ...]]:
        """Try the file on black images; from then on it gets several at once if it takes two.

        Files with suppression inside may declare a free batch axis and then fail for more than one image.

        Returns:
            the shapes of the outputs, without their batch axis.

        Raises:
            WeightsError: it does not run.
        """
        for count in [1] if self._one_by_one else [2, 1]:
            self._one_by_one = count == 1
            try:
                outputs = next(self.run(np.zeros((count, 3, height, width), np.float32)))
            except Exception as error:  # onnxruntime's have no common base
                reason = _first(error)
                continue
            shapes = [np.shape(output) for output in outputs]
            if all(shape[:1] == (count,) for shape in shapes):
                return [shape[1:] for shape in shapes]
            reason = f"its outputs for {count} of them have the shapes {shapes}"
        raise WeightsError(f"{self.file} does not run on images of {width} x {height} pixels ({reason})")


def normalised(pixels: np.ndarray, rgb: bool) -> np.ndarray:
    """Images as networks take them.

    Args:
        pixels: (N, H, W, 3) uint8, BGR.
        rgb: whether the network wants the channels in the other order.

    Returns:
        (N, 3, H, W) float32.
    """
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    scaled = (batch.float() - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    return (scaled.flip(1) if rgb else scaled).contiguous().numpy()


def check_runtime(device: str) -> None:
    """Make sure that ONNX files can be run, before one is downloaded.

    Raises:
        UsageError: onnxruntime is not installed, or cannot use that device.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            f"ONNX files need onnxruntime, which cannot be imported ({error}): pip install 'skelact[onnx]', or "
            "choose --backend torch"
        ) from None
    _providers(resolve_device(device), onnxruntime.get_available_providers())


def _open(file: Path, device: str) -> onnxruntime.InferenceSession:
    check_runtime(device)
    import onnxruntime

    if not file.is_file():
        raise WeightsError(f"there is no ONNX file at {file}: give the path of one")
    providers = _providers(resolve_device(device), onnxruntime.get_available_providers())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = ONLY_FATAL
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=providers)
    except Exception as error:  # see above
        raise WeightsError(f"{file} is no ONNX file that onnxruntime can use ({_first(error)})") from None
    if len(providers) != len(session.get_providers()):
        raise UsageError(
            f"onnxruntime could not start on {device}: see that its CUDA libraries are there, or --device cpu"
        )
    return session


def _providers(device: str, available: list[str]) -> list[str | tuple[str, dict[str, int]]]:
    """What onnxruntime is to run on, for a device that torch has."""
    name, _, index = device.partition(":")
    if name == "cpu":
        return [CPU]
    if CUDA not in available:
        raise UsageError(
            f"this onnxruntime has no CUDA, so that it cannot use {device}: install onnxruntime-gpu in its place, or "
            "choose --device cpu or --backend torch"
        )
    return [(CUDA, {"device_id": int(index or 0)}), CPU]


def _first(error: Exception) -> str:
    """The first line of a message, short enough for a sentence."""
    line = str(error).strip().partition("\n")[0]
    return line if len(line) <= 200 else f"{line[:200]}..."
