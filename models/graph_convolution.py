"""Graph convolutions of the three backbones.

Each takes (N, C_in, T, V) and returns (N, C_out, T, V). Attribute names are those of PYSKL's checkpoints, which
are the import format. `residual` adds the input (through a 1x1 convolution where channels change); CTR-GCN's always
does, inside SkeleT's groups too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def projection(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """A 1x1 convolution and BatchNorm, with a temporal stride."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride=(stride, 1)), nn.BatchNorm2d(out_channels))


class LearnedGraphConvolution(nn.Module):
    """A 1x1 convolution to S subsets, each multiplied by a learned graph, summed (ST-GCN++, Duan et al. 2022).

    Args:
        in_channels, out_channels: C_in and C_out.
        graph: (S, V, V), the graphs to start from.
        residual: whether the input is added before the activation.
    """

    def __init__(self, in_channels: int, out_channels: int, graph: Tensor, residual: bool):
        super().__init__()
        self.A = nn.Parameter(graph.clone())
        self.conv = nn.Conv2d(in_channels, out_channels * len(graph), 1)
        self.bn = nn.BatchNorm2d(out_channels)
        self.residual = residual
        if residual and in_channels != out_channels:
            self.down = projection(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, T, V) to (N, C_out, T, V)."""
        n, _, t, v = x.shape
        y = self.conv(x).view(n, len(self.A), -1, t, v)
        y = self.bn(torch.einsum("nkctv,kvw->nctw", y, self.A))
        if self.residual:
            y = y + (self.down(x) if hasattr(self, "down") else x)
        return y.relu()


class DynamicGraphConvolution(nn.Module):
    """Learned plus input-dependent channel-wise graphs in S subsets (DG-GCN of DG-STGCN, Duan et al. 2022).

    The dynamic parts, tanh of pairwise differences and softmax of pairwise products of temporally averaged
    features, are gated by learned scalars that start at 0. Arguments as in LearnedGraphConvolution.
    """

    def __init__(self, in_channels: int, out_channels: int, graph: Tensor, residual: bool):
        super().__init__()
        subsets = len(graph)
        hidden = out_channels // subsets * subsets
        self.A = nn.Parameter(graph.clone())
        # One gate a subset is stored; as in the authors' networks all subsets share the first.
        self.alpha = nn.Parameter(torch.zeros(subsets))
        self.beta = nn.Parameter(torch.zeros(subsets))
        self.pre = nn.Sequential(nn.Conv2d(in_channels, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU())
        self.post = nn.Conv2d(hidden, out_channels, 1)
        self.conv1 = nn.Conv2d(in_channels, hidden, 1)
        self.conv2 = nn.Conv2d(in_channels, hidden, 1)
        self.residual = residual
        if residual and in_channels != out_channels:
            self.down = projection(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, T, V) to (N, C_out, T, V)."""
        n, _, t, v = x.shape
        mean = x.mean(dim=2, keepdim=True)
        left = self.conv1(mean).view(n, len(self.A), -1, v)
        right = self.conv2(mean).view(n, len(self.A), -1, v)
        y = self.pre(x).view(n, len(self.A), -1, t, v)
        # The graph of a subset is shared by its channels and those of the differences are not. Multiplying by them
        # apart, with the gate last, keeps the large (N, S, C, V, V) tensor down to a sum and a tanh.
        shared = torch.einsum("nkcv,nkcw->nkvw", left, right).softmax(dim=-2) * self.beta[0] + self.A
        channelwise = (left.unsqueeze(-1) + (-right).unsqueeze(-2)).tanh()
        y = (y.flatten(2, 3) @ shared).view_as(y) + (y @ channelwise) * self.alpha[0]
        y = self.bn(self.post(y.reshape(n, -1, t, v)))
        if self.residual:
            y = y + (self.down(x) if hasattr(self, "down") else x)
        return y.relu()


class TopologyRefinement(nn.Module):
    """One subset of CTR-GC: a shared graph refined channel by channel (Chen et al. 2021, section 3.2)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        relation = 8 if in_channels <= 16 else in_channels // 8
        self.conv1 = nn.Conv2d(in_channels, relation, 1)
        self.conv2 = nn.Conv2d(in_channels, relation, 1)
        self.conv3 = nn.Conv2d(in_channels, out_channels, 1)
        self.conv4 = nn.Conv2d(relation, out_channels, 1)

    def forward(self, x: Tensor, graph: Tensor, alpha: Tensor) -> Tensor:
        """Features (N, C_in, T, V) and graph (V, V) to (N, C_out, T, V)."""
        mean = x.mean(dim=2, keepdim=True)
        left, right = self.conv1(mean).squeeze(2), self.conv2(mean).squeeze(2)
        relation = self.conv4((left.unsqueeze(-1) - right.unsqueeze(-2)).tanh())
        return self.conv3(x) @ (relation * alpha + graph)


class RefinedGraphConvolution(nn.Module):
    """S channel-wise topology refinement units, summed, and the input (CTR-GCN, Chen et al. 2021, section 3.3)."""

    def __init__(self, in_channels: int, out_channels: int, graph: Tensor):
        super().__init__()
        self.A = nn.Parameter(graph.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        self.convs = nn.ModuleList(TopologyRefinement(in_channels, out_channels) for _ in graph)
        if in_channels != out_channels:
            self.down = projection(in_channels, out_channels)
        self.bn = nn.BatchNorm2d(out_channels)
        # As published: the sum starts almost as the residual alone.
        nn.init.constant_(self.bn.weight, 1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, T, V) to (N, C_out, T, V)."""
        y = sum(conv(x, graph, self.alpha) for conv, graph in zip(self.convs, self.A, strict=True))
        return (self.bn(y) + (self.down(x) if hasattr(self, "down") else x)).relu()
