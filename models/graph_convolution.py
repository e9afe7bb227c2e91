"""Graph convolutions of the three backbones.

Each takes (N, C_in, T, V) and returns (N, C_out, T, V). Attribute names are those of PYSKL's checkpoints, which
are the import format. `residual` adds the input (through a 1x1 convolution where channels change); CTR-GCN's always
does, inside SkeleT's groups too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skelact.models.layers import channels_last, keypoints_last, map_keypoints


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
        y = self.bn(self._graph_last(x) if x.shape[1] >= self.bn.num_features else self._graph_first(x))
        if self.residual:
            y = y + (self.down(x) if hasattr(self, "down") else x)
        return y.relu()

    def _graph_last(self, x: Tensor) -> Tensor:
        n, _, t, v = x.shape
        s = len(self.A)
        y = self.conv(x).permute(0, 2, 3, 1).reshape(n * t, v, s, -1)
        y = y.transpose(1, 2).reshape(n * t, s * v, -1)
        y = torch.bmm(self.A.view(s * v, v).t().expand(n * t, -1, -1), y)
        return y.view(n, t, v, -1).permute(0, 3, 1, 2)

    def _graph_first(self, x: Tensor) -> Tensor:
        """The same in the cheaper order where channels grow: the graphs are applied to the narrow side."""
        n, c, t, v = x.shape
        s = len(self.A)
        graphs = self.A.transpose(0, 1).reshape(v, s * v)
        y = map_keypoints(x, graphs).permute(0, 2, 3, 1).view(n, t, s, v, c).transpose(2, 3).reshape(n, t, v, s * c)
        conv: Any = self.conv
        weight = conv.weight.view(s, -1, c).transpose(0, 1).reshape(-1, s * c)
        bias = self.A.sum(dim=1).t() @ conv.bias.view(s, -1)
        return (functional.linear(y, weight) + bias).permute(0, 3, 1, 2)


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
        pairs = keypoints_last([self.conv1, self.conv2], x.mean(dim=2, keepdim=True))
        left, right = pairs.view(n, 2, len(self.A), -1, v).unbind(1)
        conv, norm, _ = self.pre
        y = norm(keypoints_last([conv], x)).relu().view(n, len(self.A), -1, t, v)
        # The graph of a subset is shared by its channels and those of the differences are not. Multiplying by them
        # apart, with the gate last, keeps the large (N, S, C, V, V) tensor down to a sum and a tanh.
        shared = torch.einsum("nkcv,nkcw->nkvw", left, right).softmax(dim=-2) * self.beta[0] + self.A
        # Minus on the small side: the gradient of a difference would be negated at full size.
        channelwise = (left.unsqueeze(-1) + (-right).unsqueeze(-2)).tanh()
        y = (y.flatten(2, 3) @ shared).view_as(y) + (y @ channelwise) * self.alpha[0]
        y = self.bn(channels_last(self.post, y.view(n, -1, t, v)))
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
        n, _, t, v = x.shape
        units: list[Any] = list(self.convs)
        s = len(units)
        mean = x.mean(dim=2, keepdim=True)
        pairs = keypoints_last([c for unit in units for c in (unit.conv1, unit.conv2)], mean).view(n, s, 2, -1, v)
        relation = (pairs[:, :, 0].unsqueeze(-1) - pairs[:, :, 1].unsqueeze(-2)).tanh().flatten(3)
        # The graph and the bias join the relation as two more channels, so that one product makes the refined graphs.
        graph = self.A.view(1, s, 1, v * v).expand(n, -1, -1, -1)
        relation = torch.cat([relation, graph, torch.ones_like(graph)], dim=2)
        weight = torch.stack([unit.conv4.weight.flatten(1) for unit in units]) * self.alpha
        bias = torch.stack([unit.conv4.bias for unit in units]).unsqueeze(-1) * self.alpha
        weight = torch.cat([weight, torch.ones_like(bias), bias], dim=2)
        graphs = weight @ relation
        y = keypoints_last([unit.conv3 for unit in units], x).view(-1, t, v) @ graphs.view(-1, v, v)
        y = self.bn(y.view(n, s, -1, t, v).sum(dim=1).contiguous(memory_format=torch.channels_last))
        return (y + (self.down(x) if hasattr(self, "down") else x)).relu()
