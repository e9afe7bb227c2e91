"""SkeleT-STGCN++ without the keypoints of the hands, for training where there are none, two to three times as fast.

Its graph is learned but static, so that a network on the 23 keypoints of body and feet is the same function as one on
all 65 whose hands have no edges to the body. The dynamic graphs of the other backbones cannot be cut like that.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skelact.models import Recognizer

# What stays of 65 keypoints and of the 27 that follow from them: everything before the first finger.
KEPT = {65: 23, 27: 17}


def _cut(tensor: Tensor) -> Tensor:
    """The part of a graph or mapping (..., V_in, V_out) without hands."""
    rows, columns = tensor.shape[-2:]
    return tensor[..., : KEPT.get(rows, rows), : KEPT.get(columns, columns)].clone()


def without_hands(model: Recognizer) -> Recognizer:
    """The model itself, cut to (N, I, T, 23, C)."""
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if name in ("A", "M", "WM"):
                setattr(module, name, nn.Parameter(_cut(parameter.data)))
        for name, buffer in list(module.named_buffers(recurse=False)):
            if name == "M":
                module.register_buffer(name, _cut(buffer))
    norm = nn.BatchNorm1d(KEPT[65] * model.architecture.in_channels)
    whole = model.backbone.get_submodule("data_bn").state_dict()
    norm.load_state_dict({name: value[: norm.num_features] if value.ndim else value for name, value in whole.items()})
    model.backbone.data_bn = norm
    return model


def with_hands(trained: Recognizer, model: Recognizer) -> Recognizer:
    """A fresh model (N, I, T, 65, C), filled from one that was cut and trained; its hands are without effect."""
    state = trained.state_dict()
    with torch.no_grad():
        for name, own in model.state_dict().items():
            value = state[name]
            if own.shape == value.shape:
                own.copy_(value)
            elif own.ndim == 1:  # of data_bn, keypoint by keypoint
                own[: len(value)] = value
            else:
                if not name.endswith("WM") and not _is_identity(own):
                    own.zero_()
                own[..., : value.shape[-2], : value.shape[-1]] = value
    return model.eval()


def _is_identity(tensor: Tensor) -> bool:
    size = tensor.shape[-1]
    return tensor.shape[-2] == size and bool((tensor == torch.eye(size)).all())
