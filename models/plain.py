"""The plain backbones SkeleT is compared with: ST-GCN++, DG-STGCN (Duan et al. 2022) and CTR-GCN (Chen et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from skelact.errors import UsageError
from skelact.models.architecture import CHANNELS
from skelact.models.skelet import GraphConvolutionBuilder, ResidualStage, TemporalBuilder
from skelact.models.temporal import TemporalConvolution


class Plain(nn.Module):
    """(N, I, T, V, C) to features (N, I, C', T', V).

    Args:
        graph: (S, V, V), where every stage's graph starts.
        graph_convolution, temporal: builders of the two blocks of a stage.
        in_channels: C.
        channels: output channels stage by stage; the temporal stride is 2 where they grow.
        instances_normalized: how many persons' coordinates the input BatchNorm takes together, which
            fixes I to its multiples.
    """

    def __init__(
        self,
        graph: Tensor,
        graph_convolution: GraphConvolutionBuilder,
        temporal: TemporalBuilder,
        in_channels: int = 3,
        channels: Sequence[int] = CHANNELS,
        instances_normalized: int = 1,
    ):
        super().__init__()
        num_keypoints = graph.shape[-1]
        self.together = instances_normalized
        self.data_bn = nn.BatchNorm1d(instances_normalized * in_channels * num_keypoints)
        self.gcn = nn.ModuleList()
        for number, width in enumerate(channels):
            stride = 2 if number > 0 and width > in_channels else 1
            residual = None if number == 0 else _shortcut(in_channels, width, stride)
            gcn = graph_convolution(in_channels, width, graph)
            self.gcn.append(ResidualStage(gcn, temporal(width, stride, num_keypoints), residual))
            in_channels = width

    def forward(self, x: Tensor) -> Tensor:
        """(N, I, T, V, C) to (N, I, C', T', V)."""
        n, i, t, v, c = x.shape
        if i % self.together:
            raise UsageError(f"this network takes persons {self.together} at a time, not {i}: pad with zeros")
        x = x.reshape(-1, self.together, t, v, c).transpose(1, 2)
        x = self.data_bn(x.reshape(-1, self.together * v * c)).view(-1, t, self.together, v, c)
        x = x.transpose(1, 2).reshape(n * i, t, v, c).permute(0, 3, 1, 2)
        for stage in self.gcn:
            x = stage(x)
        return x.view(n, i, *x.shape[1:])


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return TemporalConvolution(in_channels, out_channels, 1, stride, 1, norm=True)
