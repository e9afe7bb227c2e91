"""SkeleT (Yang et al. 2024): a backbone whose stages work on ever coarser skeletons, e.g. 65 -> 27 -> 11 keypoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from skelact.keypoints import Layout
from skelact.models.architecture import Stage
from skelact.models.graph import resolution_graphs, skeleton_transformation
from skelact.models.graph_convolution import projection
from skelact.models.instance_pooling import InstancePooling
from skelact.models.layers import map_keypoints

GraphConvolutionBuilder = Callable[[int, int, Tensor], nn.Module]
TemporalBuilder = Callable[[int, int, int], nn.Module]


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
        return self.down(map_keypoints(x, self.M) if hasattr(self, "M") else x)


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
        # The product with a diagonal mapping is a multiplication; other buffers than the identity can be loaded.
        self.diagonal = hasattr(self, "WM")
        self.register_load_state_dict_post_hook(_note_diagonal)
        self.conv_post = nn.Conv2d(out_channels, out_channels, 1)
        self.bn = nn.BatchNorm2d(out_channels)
        self.down = MappedResidual(in_channels, out_channels, mapping, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, T, V_in) to (N, C_out, T, V_out)."""
        ys = [block(part) for block, part in zip(self.basic_gcn_blocks, self._mapped(x), strict=True)]
        y = torch.cat(ys, dim=1) if self.groups > 1 else ys[0]
        return (self.bn(self.conv_post(y)) + self.down(x)).relu()

    def _mapped(self, x: Tensor) -> tuple[Tensor, ...]:
        if not hasattr(self, "M"):
            return x.chunk(self.groups, dim=1)
        mappings = self.M * self.WM if hasattr(self, "WM") else self.M
        if self.diagonal:
            weights = mappings.diagonal(dim1=1, dim2=2).repeat_interleave(x.shape[1] // self.groups, dim=0)
            return (x * weights.unsqueeze(1)).chunk(self.groups, dim=1)
        parts = zip(x.chunk(self.groups, dim=1), mappings, strict=True)
        return tuple(map_keypoints(part, mapping) for part, mapping in parts)


def _note_diagonal(block: GroupedMapping, _: object) -> None:
    if hasattr(block, "WM"):
        block.diagonal = torch.equal(block.M, torch.eye(block.M.shape[-1]).expand_as(block.M))


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
    """(N, I, T, V, C) to features (N, I, C', T', V'), or (N, 1, C', T', V') with Instance Pooling.

    Args:
        layout: the keypoints it takes.
        graph_convolution, temporal: builders of the two blocks of a stage.
        num_subsets: S.
        stages: the table of stages.
        in_channels: C.
        instance_pooling: whether a group of persons is pooled to one skeleton first.
        embedding: of the Instance Pooling, see there.
    """

    def __init__(
        self,
        layout: Layout,
        graph_convolution: GraphConvolutionBuilder,
        temporal: TemporalBuilder,
        num_subsets: int,
        stages: Sequence[Stage],
        in_channels: int = 3,
        instance_pooling: bool = False,
        embedding: str | None = None,
    ):
        super().__init__()
        mappings = skeleton_transformation(layout)
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
        x = self.data_bn(x.reshape(n * i * t, v * c)).view(n, i, t, v, c)
        if hasattr(self, "instance_pooling_block"):
            x, i = self.instance_pooling_block(x), 1
        else:
            x = x.flatten(0, 1).permute(0, 3, 1, 2)
        for stage in self.gcn:
            x = stage(x)
        return x.view(n, i, *x.shape[1:])
