"""What there is to build: the registry of recognizers by name, as data. Imports no torch, so that listing is fast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from skelact.errors import UsageError, unknown_name
from skelact.keypoints import get_layout

BACKBONES = ("stgcnpp", "dgstgcn", "ctrgcn")
CHANNELS = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)


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
        channels: of the stages of a plain backbone.
    """

    blocks: str
    skelet: bool
    layout: str
    instance_pooling: bool = False
    embedding: str | None = None
    in_channels: int = 3
    channels: tuple[int, ...] = CHANNELS

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
