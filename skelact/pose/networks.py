"""OpenMMLab's networks, built from their configurations and filled from checkpoints, strictly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from skelact.errors import WeightsError
from skelact.openmmlab import load_checkpoint, prepare
from skelact.pose import zoo

if TYPE_CHECKING:
    from mmengine import Config
    from mmengine.model import BaseModel

State = dict[str, torch.Tensor]
# Constants of the input, which older releases of mmengine wrote into checkpoints.
NOT_LEARNED = "data_preprocessor."


@contextmanager
def precision(device: torch.device) -> Iterator[None]:
    """Inference, on a GPU in half precision (not bfloat16: its 8 bits cannot tell neighbouring bins apart)."""
    with torch.inference_mode(), torch.autocast(device.type, torch.float16, enabled=device.type == "cuda"):
        yield


def read_config(network: zoo.Network) -> Config:
    """The network's configuration, without the weights it would start training from."""
    prepare()
    from mmengine import Config

    config = Config.fromfile(zoo.config_file(network))
    config.model.backbone.init_cfg = None
    return config


def build(config: Config, scope: str) -> BaseModel:
    """The network of a configuration, untrained.

    Args:
        config: as from `read_config`.
        scope: the package whose registry its parts are in: "mmpose" or "mmdet".
    """
    from mmengine.model import revert_sync_batchnorm
    from mmengine.registry import MODELS, DefaultScope
    from mmengine.utils import import_modules_from_strings

    import_modules_from_strings([f"{scope}.models"])
    with DefaultScope.overwrite_default_scope(scope):
        return revert_sync_batchnorm(MODELS.build(config.model))


def read_state(file: Path) -> State:
    """The parameters in a checkpoint.

    Raises:
        WeightsError: it cannot be read safely, or holds none.
    """
    prepare()
    checkpoint = load_checkpoint(file)
    state = checkpoint.get("state_dict", checkpoint)
    tensors = isinstance(state, dict) and state and all(isinstance(v, torch.Tensor) for v in state.values())
    if not tensors:
        raise WeightsError(f"{file} holds no parameters of a network: give another checkpoint")
    return {name: value for name, value in state.items() if not name.startswith(NOT_LEARNED)}


def fill(network: nn.Module, state: State, name: str, file: Path) -> None:
    """Put parameters into a network, every one of them.

    Raises:
        WeightsError: they are another network's; names what does not fit.
    """
    own = network.state_dict()
    faults = []
    missing = [key for key in own if key not in state]
    foreign = [key for key in state if key not in own]
    shapes = [key for key in own if key in state and own[key].shape != state[key].shape]
    if missing:
        faults.append(f"{len(missing)} parameters are missing (first {missing[0]})")
    if foreign:
        faults.append(f"{len(foreign)} are not in the network (first {foreign[0]})")
    if shapes:
        found, wanted = tuple(state[shapes[0]].shape), tuple(own[shapes[0]].shape)
        faults.append(f"{len(shapes)} have another shape (first {shapes[0]}: {found} instead of {wanted})")
    if faults:
        raise WeightsError(f"{file} is no checkpoint of {name}: {', '.join(faults)}")
    network.load_state_dict(state)


def ready(network: nn.Module, device: torch.device) -> None:
    """Bring a filled network to where it is used, quick for inference: its parameters are no checkpoint's afterwards.

    Each batch normalisation goes into the convolution before it, and images are laid out with their channels last,
    as convolutions take them fastest on CPUs (oneDNN) and in half precision on GPUs.
    """
    from mmcv.cnn import ConvModule

    network.eval()
    part: Any
    for part in network.modules():
        foldable = isinstance(part, ConvModule) and part.order[:2] == ("conv", "norm")
        if foldable and isinstance(part.norm, nn.modules.batchnorm._BatchNorm):
            # A new convolution: RTMDet's head has one for three levels with a normalisation each.
            part.conv = fuse_conv_bn_eval(part.conv, part.norm)
            setattr(part, part.norm_name, nn.Identity())
    network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def upload(images: np.ndarray, device: torch.device) -> torch.Tensor:
    """Images (N, H, W, C) as a tensor (N, C, H, W) there, as bytes still, its channels last in memory."""
    batch = torch.from_numpy(images)
    if device.type == "cuda":
        batch = batch.pin_memory().to(device, non_blocking=True)
    return batch.permute(0, 3, 1, 2)
