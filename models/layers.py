"""Operations that several blocks share, on (N, C, T, V) stored with the channels last.

Channels last, a 1x1 convolution is one matrix product, BatchNorm and pooling run along contiguous channels, and a
mapping of keypoints is a product with (V, C) slices: on a CPU twice as fast as with the keypoints last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Layers = Sequence[Any]  # of one kind; torch's types do not say what is inside a ModuleList or a Sequential


def map_keypoints(x: Tensor, mapping: Tensor) -> Tensor:
    """Features (N, C, T, V) and a mapping (V, W) to x @ mapping, (N, C, T, W) with the channels last."""
    n, c, t, v = x.shape
    frames = x.permute(0, 2, 3, 1).reshape(n * t, v, c)
    mapped = torch.bmm(mapping.t().expand(n * t, -1, -1), frames)
    return mapped.view(n, t, -1, c).permute(0, 3, 1, 2)


def keypoints_last(convs: Layers, x: Tensor) -> Tensor:
    """1x1 convolutions of one input, their outputs concatenated: (N, C, T, V) to contiguous (N, C', T, V)."""
    weight, bias = _joint_parameters(convs)
    y = torch.baddbmm(bias.unsqueeze(1), weight.flatten(1).expand(len(x), -1, -1), x.flatten(2))
    return y.view(len(x), -1, *x.shape[2:])


def channels_last(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """A 1x1 convolution of contiguous (N, C, T, V) to (N, C', T, V) with the channels last."""
    n, _, t, v = x.shape
    weight, bias = _joint_parameters([conv])
    y = torch.baddbmm(bias, x.flatten(2).transpose(1, 2), weight.flatten(1).t().expand(n, -1, -1))
    return y.view(n, t, v, -1).permute(0, 3, 1, 2)


def joint_convolution(convs: Layers, x: Tensor) -> Tensor:
    """1x1 convolutions of one input as one, their outputs concatenated: (N, C, T, V) to (N, sum of C', T, V)."""
    return functional.conv2d(x, *_joint_parameters(convs))


def _joint_parameters(convs: Layers) -> tuple[Tensor, Tensor]:
    if len(convs) == 1:
        return convs[0].weight, convs[0].bias
    return torch.cat([conv.weight for conv in convs]), torch.cat([conv.bias for conv in convs])


def joint_batch_norm(norms: Layers, x: Tensor) -> Tensor:
    """BatchNorms of consecutive channels as one: (N, sum of their channels, T, V) to the same shape."""
    first = norms[0]
    if type(first) is not nn.BatchNorm2d or first.momentum is None:  # synchronised over processes, or being settled
        parts = x.split([norm.num_features for norm in norms], dim=1)
        return torch.cat([norm(part) for norm, part in zip(norms, parts, strict=True)], dim=1)
    mean, var = torch.cat([norm.running_mean for norm in norms]), torch.cat([norm.running_var for norm in norms])
    weight, bias = torch.cat([norm.weight for norm in norms]), torch.cat([norm.bias for norm in norms])
    y = functional.batch_norm(x, mean, var, weight, bias, first.training, first.momentum, first.eps)
    if first.training:
        sizes = [norm.num_features for norm in norms]
        for norm, new_mean, new_var in zip(norms, mean.split(sizes), var.split(sizes), strict=True):
            norm.running_mean.copy_(new_mean)
            norm.running_var.copy_(new_var)
            norm.num_batches_tracked.add_(1)
    return y
