"""SkeleT (Yang et al. 2024): a backbone whose stages work on ever coarser skeletons, 65 -> 27 -> 11 keypoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from skelact.keypoints import Layout
from skelact.models.graph import resolution_graphs, skeleton_transformation
from skelact.models.graph_convolution import projection
from skelact.models.instance_pooling import InstancePooling

GraphConvolutionBuilder = Callable[[int, int, Tensor], nn.Module]
TemporalBuilder = Callable[[int, int, int], nn.Module]


@dataclass(frozen=True)
class Stage:
    """One stage: output channels, temporal stride, resolution (0 finest) and number of groups."""

    channels: int
    stride: int
    resolution: int
    groups: int


STAGES = (
    *(Stage(64, 1, 0, 1) for _ in range(4)),
    Stage(128, 2, 1, 2),
    *(Stage(128, 1, 1, 2) for _ in range(2)),
    Stage(256, 2, 2, 4),
    *(Stage(256, 1, 2, 4) for _ in range(2)),
)


class MappedResidual(nn.Module):
    """A shortcut: a learned mapping where keypoints change, a projection where channels or frames change."""

    def __init__(self, in_channels: int, out_channels: int, mapping: Tensor | None, stride: int):
        super().__init__()
        if mapping is not None:
            self.M = nn.Parameter(mapping.clone())
        changes = in_channels != out_channels or stride != 1
        self.down = projection(in_channels, out_channels, stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, T, V_in) to (N, C_out, T', V_out)."""
        return self.down(x @ self.M if hasattr(self, "M") else x)


class GroupedMapping(nn.Module):
    """Channels in K groups, each with its own mapping of keypoints and its own graph convolution (section 3.2).

    Args:
        in_channels, out_channels: C_in and C_out.
        groups: K.
        graph: (S, V_out, V_out).
        mapping: (V_in, V_out) where the keypoints change, else None.
        weigh_keypoints: where they do not, whether a learned importance weighs each keypoint.
        graph_convolution: builds one from (in_channels, out_channels, graph).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        groups: int,
        graph: Tensor,
        mapping: Tensor | None,
        weigh_keypoints: bool,
        graph_convolution: GraphConvolutionBuilder,
    ):
        super().__init__()
        self.groups = groups
        self.basic_gcn_blocks = nn.ModuleList(
            graph_convolution(in_channels // groups, out_channels // groups, graph) for _ in range(groups)
        )
        if mapping is not None:
            self.M = nn.Parameter(mapping.repeat(groups, 1, 1))
        elif weigh_keypoints:
            identity = torch.eye(graph.shape[-1]).repeat(groups, 1, 1)
            self.register_buffer("M", identity)
            self.WM = nn.Parameter(torch.ones_like(identity))
        self.conv_post = nn.Conv2d(out_channels, out_channels, 1)
        self.bn = nn.BatchNorm2d(out_channels)
        self.down = MappedResidual(in_channels, out_channels, mapping, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, T, V_in) to (N, C_out, T, V_out)."""
        parts = x.chunk(self.groups, dim=1)
        if hasattr(self, "M"):
            mappings = self.M * self.WM if hasattr(self, "WM") else self.M
            parts = tuple(part @ mapping for part, mapping in zip(parts, mappings, strict=True))
        blocks = zip(self.basic_gcn_blocks, parts, strict=True)
        y = torch.cat([block(part) for block, part in blocks], dim=1)
        return (self.bn(self.conv_post(y)) + self.down(x)).relu()


class ResidualStage(nn.Module):
    """A graph convolution, then a temporal block, and a shortcut round both where there is one."""

    def __init__(self, gcn: nn.Module, tcn: nn.Module, residual: nn.Module | None):
        super().__init__()
        self.gcn = gcn
        self.tcn = tcn
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, T, V_in) to (N, C_out, T', V_out)."""
        y = self.tcn(self.gcn(x))
        return (y if self.residual is None else y + self.residual(x)).relu()


class Skelet(nn.Module):
    """(N, I, T, 65, C) to features (N, I, 256, T', 11), or (N, 1, 256, T', 11) with Instance Pooling.

    Args:
        layout: must be Expressive Keypoints.
        graph_convolution, temporal: builders of the two blocks of a stage.
        num_subsets: S.
        in_channels: C.
        instance_pooling: whether a group of persons is pooled to one skeleton first.
        embedding: of the Instance Pooling, see there.
        stages: the table of stages.
    """

    def __init__(
        self,
        layout: Layout,
        graph_convolution: GraphConvolutionBuilder,
        temporal: TemporalBuilder,
        num_subsets: int,
        in_channels: int = 3,
        instance_pooling: bool = False,
        embedding: str | None = None,
        stages: Sequence[Stage] = STAGES,
    ):
        super().__init__()
        mappings = skeleton_transformation()
        graphs = [graph.repeat(num_subsets, 1, 1).contiguous() for graph in resolution_graphs(layout, mappings)]
        self.data_bn = nn.BatchNorm1d(in_channels * len(layout))
        if instance_pooling:
            self.instance_pooling_block = InstancePooling(in_channels, stages[0].channels, len(layout), embedding)
            in_channels = stages[0].channels
        self.gcn = nn.ModuleList()
        previous = Stage(in_channels, 1, 0, 1)
        for number, stage in enumerate(stages):
            mapping = mappings[previous.resolution] if stage.resolution != previous.resolution else None
            first = number == 0 and not instance_pooling
            graph = graphs[stage.resolution]
            block = GroupedMapping(
                previous.channels, stage.channels, stage.groups, graph, mapping, not first, graph_convolution
            )
            shortcut = MappedResidual(previous.channels, stage.channels, mapping, stage.stride)
            temporal_block = temporal(stage.channels, stage.stride, graph.shape[-1])
            self.gcn.append(ResidualStage(block, temporal_block, None if first else shortcut))
            previous = stage

    def forward(self, x: Tensor) -> Tensor:
        """(N, I, T, V, C) to (N, I or 1, C', T', V')."""
        n, i, t, v, c = x.shape
        x = self.data_bn(x.permute(0, 1, 3, 4, 2).reshape(n * i, v * c, t)).view(n, i, v, c, t)
        if hasattr(self, "instance_pooling_block"):
            x, i = self.instance_pooling_block(x.permute(0, 1, 4, 2, 3)), 1
        else:
            x = x.permute(0, 1, 3, 4, 2).reshape(n * i, c, t, v)
        for stage in self.gcn:
            x = stage(x)
        return x.view(n, i, *x.shape[1:])
