"""What there is to build: the registry of recognizers by name, as data. Imports no torch, so that listing is fast."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from skelact.errors import UsageError, unknown_name
from skelact.keypoints import TRANSFORMATIONS, get_layout, transformation_groups

BACKBONES = ("stgcnpp", "dgstgcn", "ctrgcn")


@dataclass(frozen=True)
class Stage:
    """One stage of SkeleT: output channels, temporal stride, resolution (0 finest) and number of groups."""

    channels: int
    stride: int
    resolution: int
    groups: int


# Yang et al. 2024, section 3.2.
STAGES = (
    *(Stage(64, 1, 0, 1) for _ in range(4)),
    Stage(128, 2, 1, 2),
    *(Stage(128, 1, 1, 2) for _ in range(2)),
    Stage(256, 2, 2, 4),
    *(Stage(256, 1, 2, 4) for _ in range(2)),
)
CHANNELS = tuple(stage.channels for stage in STAGES)


@dataclass(frozen=True)
class Architecture:
    """Everything that decides the parameters of a recognizer, apart from the number of classes.

    Attributes:
        blocks: one of BACKBONES.
        skelet: with Skeleton Transformation; else the plain backbone.
        layout: the keypoints it takes.
        instance_pooling: a group of persons becomes one skeleton first.
        embedding: of Instance Pooling: None, "V" or "VC".
        in_channels: C, 3 for x, y and score.
        channels: of the stages, ten for SkeleT; see `stage_channels`.
        transformations: how many of SkeleT's two transformations to coarser skeletons there are; without the second
            or both, the stages after it stay at the finer keypoints.
        instances_normalized: how many persons' coordinates the input BatchNorm of a plain backbone takes together,
            which fixes I to its multiples; CTR-GCN as published takes two.
    """

    blocks: str
    skelet: bool
    layout: str
    instance_pooling: bool = False
    embedding: str | None = None
    in_channels: int = 3
    channels: tuple[int, ...] = CHANNELS
    transformations: int = len(TRANSFORMATIONS)
    instances_normalized: int = 1

    def __post_init__(self) -> None:
        """Take the channels from a list too, as JSON holds them, and check all values.

        Raises:
            UsageError: a value that none of the networks has.
        """
        object.__setattr__(self, "channels", tuple(self.channels))
        if self.blocks not in BACKBONES:
            raise unknown_name("backbone", str(self.blocks), BACKBONES)
        get_layout(self.layout)
        if self.embedding not in (None, "V", "VC"):
            raise UsageError(f"embedding {self.embedding!r} is not V or VC")
        if self.embedding and not self.instance_pooling:
            raise UsageError("a positional embedding belongs to Instance Pooling: set instance_pooling too")
        if not self.channels or any(width < 1 for width in (self.in_channels, *self.channels)):
            raise UsageError(f"channels {self.in_channels}, {self.channels} are not all at least 1")
        if self.skelet:
            self._check_skelet()
        else:
            self._check_plain()
        self._check_channels()

    def _check_skelet(self) -> None:
        merges = [groups is not None for groups in transformation_groups(get_layout(self.layout))]
        if self.transformations not in range(len(merges) + 1):
            raise UsageError(f"transformations is {self.transformations!r}: SkeleT has from 0 to {len(merges)}")
        if self.transformations and not merges[self.transformations - 1]:
            raise UsageError(
                f"transformation {self.transformations} merges nothing of layout {self.layout}: "
                f"choose {self.transformations - 1} or {self.transformations + 1} transformations"
            )
        if len(self.channels) != len(STAGES):
            raise UsageError(f"SkeleT has {len(STAGES)} stages, not {len(self.channels)}: give that many channels")
        if self.instances_normalized != 1:
            raise UsageError("SkeleT normalizes each person apart: leave instances_normalized at 1")

    def _check_plain(self) -> None:
        if self.transformations != len(TRANSFORMATIONS):
            raise UsageError("transformations belong to the SkeleT models: choose one whose name begins with skelet-")
        if self.instance_pooling:
            raise UsageError("Instance Pooling belongs to the SkeleT models: choose one whose name begins with skelet-")
        if self.instances_normalized < 1:
            raise UsageError(f"instances_normalized is {self.instances_normalized}: it must be at least 1")

    def _check_channels(self) -> None:
        """The blocks' own bounds: groups and four branches divide evenly, six branches and S subsets are not empty."""
        groups = [stage.groups if self.skelet else 1 for stage in STAGES]
        entering = (self.channels[0], *self.channels)
        for number, (before, width) in enumerate(zip(entering, self.channels, strict=False)):
            k = groups[number] if self.skelet else 1
            step = math.lcm(k, 4) if self.blocks == "ctrgcn" else k
            least = max(6, 8 * k) if self.blocks == "dgstgcn" else 6
            if width % step or width < least or before % k:
                raise UsageError(
                    f"stage {number + 1} of {self.blocks} cannot take {before} channels to {width}: it divides them "
                    f"by {step} and has at least {least} (8, 16 and 32 at the three resolutions suit every block)"
                )


def stage_channels(fine: int, middle: int, coarse: int) -> tuple[int, ...]:
    """The channels of the ten stages from those at the three resolutions, published as 64, 128 and 256.

    8, 16 and 32 are the least that every block can have: one for each of DG-STGCN's 8 subsets in every group.
    """
    return tuple((fine, middle, coarse)[stage.resolution] for stage in STAGES)


MODELS = {
    **{f"skelet-{blocks}": Architecture(blocks, True, "expressive65") for blocks in BACKBONES},
    **{f"skelet-{blocks}-ip": Architecture(blocks, True, "expressive65", True) for blocks in BACKBONES},
    **{blocks: Architecture(blocks, False, "coco17") for blocks in BACKBONES},
}


def list_models() -> list[str]:
    """The names `create_model` knows."""
    return list(MODELS)


def architecture_of(name: str, **options: Any) -> Architecture:
    """The architecture of a name, with changes.

    Args:
        name: one of `list_models()`; an underscore counts as a hyphen, and a plain backbone may name its layout
            as the reference checkpoints do, e.g. "stgcnpp_expressive65".
        options: fields of Architecture to change.

    Raises:
        UsageError: an unknown name or option; names the nearest.
    """
    hyphened = name.replace("_", "-")
    for layout in ("coco17", "expressive65"):
        if hyphened.endswith(f"-{layout}"):
            hyphened = hyphened.removesuffix(f"-{layout}")
            options = {"layout": layout, **options}
    if hyphened not in MODELS:
        raise unknown_name("model", name, MODELS)
    fields = Architecture.__dataclass_fields__
    for option in options:
        if option not in fields:
            raise unknown_name("model option", option, fields)
    return replace(MODELS[hyphened], **options)
