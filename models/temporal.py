"""Temporal blocks: (N, C, T, V) to (N, C, ceil(T / stride), V). Attribute names as in PYSKL's checkpoints.

All are built from (channels, stride, num_keypoints), so that a backbone can take any of them; only the dynamic one
has a weight for each keypoint.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from skelact.models.layers import joint_batch_norm, joint_convolution


class TemporalConvolution(nn.Module):
    """A convolution over time, with BatchNorm where `norm`."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, dilation: int, norm: bool):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            (kernel, 1),
            stride=(stride, 1),
            padding=((kernel - 1) * dilation // 2, 0),
            dilation=(dilation, 1),
        )
        self.bn = nn.BatchNorm2d(out_channels) if norm else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Shapes as in the module's docstring."""
        return self.bn(self.conv(x))


def _entry(in_channels: int, channels: int) -> list[nn.Module]:
    return [nn.Conv2d(in_channels, channels, 1), nn.BatchNorm2d(channels), nn.ReLU()]


def _max_pool(stride: int) -> nn.MaxPool2d:
    return nn.MaxPool2d((3, 1), stride=(stride, 1), padding=(1, 0))


class MultiScaleTemporal(nn.Module):
    """Six branches: kernel 3 at dilations 1 to 4, max-pool 3, 1x1 (ST-GCN++, Duan et al. 2022)."""

    def __init__(self, channels: int, stride: int, num_keypoints: int):
        super().__init__()
        width = channels // 6
        first = channels - 5 * width  # the first branch takes what does not divide evenly
        self.branches = nn.ModuleList(
            nn.Sequential(*_entry(channels, c), TemporalConvolution(c, c, 3, stride, dilation, norm=False))
            for dilation, c in ((1, first), (2, width), (3, width), (4, width))
        )
        self.branches.append(nn.Sequential(*_entry(channels, width), _max_pool(stride)))
        self.branches.append(nn.Conv2d(channels, width, 1, stride=(stride, 1)))
        self.transform = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1))
        self.bn = nn.BatchNorm2d(channels)
        self.stride = stride

    def scales(self, x: Tensor) -> Tensor:
        """The concatenated branches; their first 1x1 convolutions run as one."""
        branches: list[Any] = list(self.branches)
        *entered, pointwise = branches
        widths = [branch[0].out_channels for branch in entered]
        y = joint_convolution([*(branch[0] for branch in entered), pointwise], x)
        parts = joint_batch_norm([branch[1] for branch in entered], y[:, : sum(widths)]).relu().split(widths, dim=1)
        outputs = [branch[-1](part) for branch, part in zip(entered, parts, strict=True)]
        return torch.cat([*outputs, y[:, sum(widths) :, :: self.stride]], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Shapes as in the module's docstring."""
        return self.bn(self.transform(self.scales(x)))


class DynamicTemporal(MultiScaleTemporal):
    """The same with a global feature, the mean over keypoints, weighted per keypoint (DG-TCN, Duan et al. 2022)."""

    def __init__(self, channels: int, stride: int, num_keypoints: int):
        super().__init__(channels, stride, num_keypoints)
        self.add_coeff = nn.Parameter(torch.zeros(num_keypoints))

    def forward(self, x: Tensor) -> Tensor:
        """Shapes as in the module's docstring."""
        v = x.shape[-1]
        y = self.scales(torch.cat([x, x.mean(dim=-1, keepdim=True)], dim=-1))
        return self.bn(self.transform(y[..., :v] + y[..., v:] * self.add_coeff[:v]))


class DilatedTemporal(nn.Module):
    """Four branches: kernel 5 at dilations 1 and 2, max-pool 3, 1x1 (CTR-GCN, Chen et al. 2021)."""

    def __init__(self, channels: int, stride: int, num_keypoints: int):
        super().__init__()
        c = channels // 4
        self.branches = nn.ModuleList(
            nn.Sequential(*_entry(channels, c), TemporalConvolution(c, c, 5, stride, dilation, norm=True))
            for dilation in (1, 2)
        )
        self.branches.append(nn.Sequential(*_entry(channels, c), _max_pool(stride), nn.BatchNorm2d(c)))
        self.branches.append(nn.Sequential(nn.Conv2d(channels, c, 1, stride=(stride, 1)), nn.BatchNorm2d(c)))
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Shapes as in the module's docstring; the branches' first convolutions and their last norms run as one."""
        branches: list[Any] = list(self.branches)
        first, second, pooled, pointwise = branches
        y = joint_convolution([branch[0] for branch in branches], x)
        entered, last = y.split([y.shape[1] // 4 * 3, y.shape[1] // 4], dim=1)
        parts = joint_batch_norm([branch[1] for branch in branches[:3]], entered).relu().chunk(3, dim=1)
        outputs = [first[3].conv(parts[0]), second[3].conv(parts[1]), pooled[3](parts[2]), last[:, :, :: self.stride]]
        norms = [first[3].bn, second[3].bn, pooled[4], pointwise[1]]
        return joint_batch_norm(norms, torch.cat(outputs, dim=1)).relu()
