"""The recognizer: a backbone and a linear head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from torch import Tensor, nn

from skelact.keypoints import get_layout
from skelact.models.architecture import STAGES, Architecture, architecture_of
from skelact.models.graph import random_graph, spatial_graph
from skelact.models.graph_convolution import (
    DynamicGraphConvolution,
    LearnedGraphConvolution,
    RefinedGraphConvolution,
)
from skelact.models.plain import Plain
from skelact.models.skelet import GraphConvolutionBuilder, ResidualStage, Skelet, TemporalBuilder
from skelact.models.temporal import DilatedTemporal, DynamicTemporal, MultiScaleTemporal

__all__ = ["Blocks", "Recognizer", "create_model"]


@dataclass(frozen=True)
class Blocks:
    """What the backbones differ in: the blocks within SkeleT and on their own, and S."""

    grouped: GraphConvolutionBuilder
    plain: GraphConvolutionBuilder
    temporal: TemporalBuilder
    num_subsets: int


BLOCKS = {
    "stgcnpp": Blocks(
        partial(LearnedGraphConvolution, residual=False),
        partial(LearnedGraphConvolution, residual=True),
        MultiScaleTemporal,
        3,
    ),
    "dgstgcn": Blocks(
        partial(DynamicGraphConvolution, residual=False),
        partial(DynamicGraphConvolution, residual=True),
        DynamicTemporal,
        8,
    ),
    "ctrgcn": Blocks(RefinedGraphConvolution, RefinedGraphConvolution, DilatedTemporal, 3),
}


NORMALIZED_HEAD = 0.05  # standard deviation of fresh weights, for features of unit variance


class Head(nn.Module):
    """A linear layer over the pooled features, under the authors' name."""

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.fc_cls = nn.Linear(channels, num_classes)
        nn.init.normal_(self.fc_cls.weight, std=0.01)
        nn.init.zeros_(self.fc_cls.bias)


class Recognizer(nn.Module):
    """(N, I, T, V, C) to logits (N, num_classes): mean over time and keypoints, then over persons, then linear.

    Attributes:
        architecture: what it was built from.
        num_classes: length of the last dimension.
    """

    def __init__(self, architecture: Architecture, num_classes: int):
        super().__init__()
        self.architecture = architecture
        self.num_classes = num_classes
        self.backbone = _backbone(architecture)
        self.cls_head = Head(architecture.channels[-1], num_classes)
        self.feature_norm: nn.Module = nn.Identity()

    def normalize_features(self) -> None:
        """Train the head on features normalised over the batch; `folded` makes that part of its weights again.

        The features of a fresh network are alike for all clips, and a head on them learns slowly. On few clips this
        saves half of the epochs. Not part of the published networks, which it leaves as they are.
        """
        self.feature_norm = nn.BatchNorm1d(self.architecture.channels[-1], affine=False)
        nn.init.normal_(self.cls_head.fc_cls.weight, std=NORMALIZED_HEAD)

    def zero_init_residuals(self) -> None:
        """Let every stage but the first start as its shortcut: the last BatchNorm of what is added starts at weight 0.

        As Goyal et al. 2017 (section 5.1) start a ResNet. Not published for SkeleT, whose ten stages of averaging over
        neighbours otherwise take many epochs before they tell clips apart. CTR-GCN's temporal block ends in an
        activation, behind which a weight of 0 would stay 0: it keeps its own start.
        """
        for stage in cast(Iterable[ResidualStage], list(cast(nn.ModuleList, self.backbone.gcn))[1:]):
            for block in (stage.gcn, stage.tcn):
                if isinstance(norm := getattr(block, "bn", None), nn.BatchNorm2d):
                    nn.init.zeros_(norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(N, I, T, V, C), zeros where a person is absent, to (N, num_classes)."""
        return self.cls_head.fc_cls(self.feature_norm(self.backbone(x).mean(dim=(3, 4)).mean(dim=1)))


def folded(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict in which the head does what it did after the normalisation of its features, if there was one."""
    state = dict(state)
    if "feature_norm.running_var" not in state:
        return state
    mean, var = state.pop("feature_norm.running_mean"), state.pop("feature_norm.running_var")
    del state["feature_norm.num_batches_tracked"]
    weight = state["cls_head.fc_cls.weight"] / (var + nn.BatchNorm1d(1).eps).sqrt()
    state["cls_head.fc_cls.bias"] = state["cls_head.fc_cls.bias"] - weight @ mean
    state["cls_head.fc_cls.weight"] = weight
    return state


def _backbone(architecture: Architecture) -> nn.Module:
    blocks, layout = BLOCKS[architecture.blocks], get_layout(architecture.layout)
    if architecture.skelet:
        stages = [
            replace(stage, channels=width, resolution=min(stage.resolution, architecture.transformations))
            for stage, width in zip(STAGES, architecture.channels, strict=True)
        ]
        return Skelet(
            layout,
            blocks.grouped,
            blocks.temporal,
            blocks.num_subsets,
            stages,
            architecture.in_channels,
            architecture.instance_pooling,
            architecture.embedding,
        )
    if architecture.blocks == "dgstgcn":
        graph = random_graph(blocks.num_subsets, len(layout))
    else:
        graph = spatial_graph(layout)
    return Plain(
        graph,
        blocks.plain,
        _plain_temporal(architecture.blocks),
        architecture.in_channels,
        architecture.channels,
        architecture.instances_normalized,
    )


def _plain_temporal(blocks: str) -> TemporalBuilder:
    """The temporal block on its own; PYSKL's dynamic one keeps at least 25 weights, of which the first V serve."""
    if blocks != "dgstgcn":
        return BLOCKS[blocks].temporal
    return lambda channels, stride, keypoints: DynamicTemporal(channels, stride, max(25, keypoints))


def create_model(name: str, num_classes: int, **options: Any) -> Recognizer:
    """A recognizer with fresh weights.

    Args:
        name: see `architecture_of`.
        num_classes: length of the logits.
        options: fields of Architecture, e.g. layout="expressive65", instance_pooling=True, embedding="VC".

    Raises:
        UsageError: an unknown name, option, or combination.
    """
    return Recognizer(architecture_of(name, **options), num_classes)
