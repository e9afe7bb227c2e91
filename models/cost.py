"""What a network costs: its parameters and the multiply-accumulates of a forward pass."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from skelact.keypoints import get_layout

if TYPE_CHECKING:
    from skelact.models.recognizer import Recognizer


def count_parameters(model: nn.Module) -> int:
    """The number of learned numbers."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_macs(model: Recognizer, instances: int, frames: int) -> int:
    """The multiply-accumulates of one sample's forward pass, in convolutions and matrix products.

    Computes on shapes alone, so that it costs no more time for a large network.

    Args:
        model: the network.
        instances: I.
        frames: T.
    """
    architecture = model.architecture
    shape = (1, instances, frames, len(get_layout(architecture.layout)), architecture.in_channels)
    network = copy.deepcopy(model).to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(shape, device="meta"))
    return counter.get_total_flops() // 2
