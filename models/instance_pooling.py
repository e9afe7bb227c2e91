"""Instance Pooling (Yang et al. 2024, section 3.3): a group of persons becomes one skeleton before the backbone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class InstancePooling(nn.Module):
    """(N, I, T, V, C) to (N, D, T, V), for any number I of instances.

    Args:
        in_channels: C.
        channels: D.
        num_keypoints: V.
        embedding: a learned positional embedding added to each point: "V" one number a keypoint, "VC" one a
            keypoint and channel, or None.
        drop_residual: the probability, in training, that the residual of a whole batch is dropped.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_keypoints: int,
        embedding: str | None = None,
        drop_residual: float = 0.1,
    ):
        super().__init__()
        self.point_encoder = nn.Sequential(nn.Linear(in_channels, channels), nn.BatchNorm1d(channels), nn.ReLU())
        self.concat_pool_fc = nn.Sequential(nn.Linear(2 * channels, channels), nn.BatchNorm1d(channels))
        self.group_pool_fc = nn.Sequential(nn.Linear(2 * channels, channels), nn.BatchNorm1d(channels), nn.GELU())
        if embedding is not None:
            width = {"V": 1, "VC": channels}[embedding]
            self.pos_embedding = nn.Parameter(torch.randn(1, num_keypoints, width))
        self.drop_residual = drop_residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, I, T, V, C) to (N, D, T, V); absent instances are zeros and take part in the maxima, as published."""
        points = _per_point(self.point_encoder, x)
        if hasattr(self, "pos_embedding"):
            points = points + self.pos_embedding
        over_instances = points.amax(dim=1, keepdim=True).expand_as(points)
        y = _per_point(self.concat_pool_fc, torch.cat([points, over_instances], dim=-1))
        if not (self.training and torch.rand(()) < self.drop_residual):
            y = y + points
        y = functional.gelu(y)
        over_instances = y.amax(dim=1)
        over_all = over_instances.amax(dim=(1, 2), keepdim=True).expand_as(over_instances)
        return _per_point(self.group_pool_fc, torch.cat([over_all, over_instances], dim=-1)).permute(0, 3, 1, 2)


def _per_point(layers: nn.Sequential, x: Tensor) -> Tensor:
    """Apply layers that know (points, channels) to (..., channels)."""
    return layers(x.reshape(-1, x.shape[-1])).view(*x.shape[:-1], -1)
