"""Everything that OpenMMLab's packages need mended, in one place: call `prepare` before importing them.

mmcv-lite has no compiled operators, and mmdet and mmpose fail at import without them; a stand-in takes their
place whose `nms` is real and whose other operators say that they are missing. A compiled mmcv is used as it is.
torchvision's CUDA build fails to import beside a CPU build of torch; mmpose wants one class of it for drawing,
and torchmetrics the names of some networks.
"""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import importlib.util
import logging
import re
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from skelact.errors import WeightsError

OPERATORS = "mmcv._ext"
# What these packages say while they are imported and built; none of it is for someone who wants keypoints.
# Pairs of a warning's beginning and the module it is shown for, as regular expressions.
NOISE = (
    ("pkg_resources is deprecated as an API", ""),
    ("torch.meshgrid", ""),
    ("", r"(mmengine|mmcv|mmdet|mmpose)(\.|$)"),
)


@functools.cache
def prepare() -> None:
    """Make mmcv, mmdet and mmpose importable, safe to load checkpoints with, and quiet. Calling it again is free.

    A checkpoint that mmengine loads from now on, by whatever call, goes through `load_checkpoint`.
    """
    _mend_operators()
    _mend_torchvision()
    for message, module in NOISE:
        warnings.filterwarnings("ignore", message=message, module=module)
    _mend_mmengine()


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float, offset: int = 0) -> torch.Tensor:
    """Greedy non-maximum suppression with the meaning of mmcv's operator of that name.

    The best box is kept, every box that overlaps it by more than the threshold falls away, and so on.

    Args:
        boxes: (N, 4), x1 y1 x2 y2.
        scores: (N,), higher is better; of equal scores the earlier box wins.
        iou_threshold: boxes with a larger intersection over union fall away.
        offset: 1 where a box includes its last pixel (x2 - x1 + 1 wide), else 0.

    Returns:
        (K,) int64: the kept boxes, best first.
    """
    order = torch.argsort(scores, descending=True, stable=True).cpu().numpy()
    corners = boxes.detach().cpu().numpy().astype(np.float32)
    areas = np.prod(corners[:, 2:] - corners[:, :2] + offset, axis=1)
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        top_left = np.maximum(corners[best, :2], corners[rest, :2])
        bottom_right = np.minimum(corners[best, 2:], corners[rest, 2:])
        inter = np.prod(np.clip(bottom_right - top_left + offset, 0, None), axis=1)
        # Multiplied out, so that two boxes without area do not divide by 0 (neither suppresses the other).
        order = rest[~(inter > np.float32(iou_threshold) * (areas[best] + areas[rest] - inter))]
    return torch.as_tensor(np.asarray(kept, dtype=np.int64), device=boxes.device)


def load_checkpoint(path: str | Path, map_location: Any = "cpu") -> dict[str, Any]:
    """What a checkpoint file holds, read so that nothing in it can run.

    Tensors and plain values are read, NumPy's numbers as Python's. NumPy arrays (the keypoints' sigmas, say) and
    the training history of mmengine's Runner are left out, with a `LeftOut` in their place: to read them, torch
    would have to be allowed NumPy's constructors, which a forged file can crash the process with, and `getattr`.

    Args:
        path: a file written by `torch.save`.
        map_location: as of `torch.load`.

    Raises:
        WeightsError: there is no such file, it is no checkpoint, or it holds anything else.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise WeightsError(f"no checkpoint at {file}: give the path of a .pth file")
    try:
        with torch.serialization.safe_globals(list(STAND_INS)):
            loaded = torch.load(file, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged file can break the reader anywhere
        raise WeightsError(
            f"{file} is not read, because it is damaged or holds more than weights ({_reason(error)}): "
            "give a checkpoint from its publisher"
        ) from None
    if not isinstance(loaded, dict):
        raise WeightsError(f"{file} holds a {type(loaded).__name__}, not a checkpoint: give another file")
    return loaded


def _reason(error: Exception) -> str:
    """The telling part of an error of torch, whose text runs over many lines."""
    text = str(error)
    named = re.search(r"GLOBAL (\S+)", text)
    if named:
        return f"it names {named[1]}"
    lines = text.partition("WeightsUnpickler error:")[2].splitlines() or text.splitlines()
    first = next((line.strip() for line in lines if line.strip()), type(error).__name__)
    return first.partition(". ")[0][:120]


class LeftOut:
    """Stands for something in a checkpoint that is not read."""

    def __init__(self, *content: object) -> None:
        """Forget the content."""

    def __setstate__(self, state: object) -> None:
        """Forget the state."""


class _NumberType:
    """Stands for NumPy's dtype: its code, such as f8."""

    def __init__(self, code: str = "", *_: object) -> None:
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Forget the state, which for numbers only tells the byte order."""


def _number(kind: _NumberType, content: bytes) -> int | float | bool:
    """Stands for NumPy's constructor of numbers."""
    if not re.fullmatch(r"[fiu][1248]|b1", kind.code):
        raise ValueError(f"a number of unknown type {kind.code}")
    return np.frombuffer(content, np.dtype(kind.code), count=1)[0].item()


def _no_attribute(*_: object) -> None:
    """Stands for `getattr`, with which a file could reach anything."""


# What stands for which name while a checkpoint is read; the names themselves are never resolved.
STAND_INS: tuple[tuple[Any, str], ...] = (
    (LeftOut, "mmengine.logging.history_buffer.HistoryBuffer"),
    (_no_attribute, "builtins.getattr"),
    (LeftOut, "numpy.ndarray"),
    (_NumberType, "numpy.dtype"),
    *(
        (stand_in, f"numpy.{core}.multiarray.{name}")
        for core in ("core", "_core")
        for name, stand_in in (("_reconstruct", LeftOut), ("scalar", _number))
    ),
)


def _stub(name: str, **members: object) -> types.ModuleType:
    """A module of that name in `sys.modules` with these members, part of its parent where it has one."""
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, loader=None, is_package=True)
    module.__dict__["__path__"] = []
    module.__dict__.update(members)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)
    return module


def _missing_operator(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)

    def operator(*_: object, **__: object) -> None:
        raise NotImplementedError(f"mmcv's operator {name!r} needs a compiled mmcv, and mmcv-lite is installed")

    return operator


def _mend_operators() -> None:
    if OPERATORS in sys.modules or importlib.util.find_spec(OPERATORS) is not None:
        return
    _stub(OPERATORS, nms=nms, __getattr__=_missing_operator)


def _mend_torchvision() -> None:
    try:
        importlib.import_module("torchvision.transforms")
    except Exception:  # a build for another torch fails with whatever its first broken line raises
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        _stub("torchvision", __version__="0.0.0")
        _stub("torchvision.transforms", ToPILImage=ToPILImage)
        _stub("torchvision.models", __getattr__=_missing_network)


def _missing_network(name: str) -> None:
    """Nothing, under the names of the networks that torchmetrics imports for its measures of images."""
    if name.startswith("__"):
        raise AttributeError(name)


class ToPILImage:
    """The part of torchvision's class of that name which mmpose's drawing uses: float tensors to RGB images."""

    def __call__(self, image: torch.Tensor) -> Any:
        """The PIL image of a tensor (3, H, W) of floats in 0..1 or of bytes."""
        from PIL import Image

        pixels = image.mul(255).byte() if image.is_floating_point() else image.byte()
        return Image.fromarray(pixels.permute(1, 2, 0).cpu().numpy())


def _mend_mmengine() -> None:
    runner = importlib.import_module("mmengine.runner.checkpoint")
    runner.CheckpointLoader.register_scheme(prefixes="", loader=load_checkpoint, force=True)
    # mmengine's default logger writes to stdout, which belongs to results.
    log = importlib.import_module("mmengine.logging").MMLogger.get_current_instance()
    log.setLevel(logging.ERROR)
    for handler in log.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.setStream(sys.stderr)
