"""The cost of a forward pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from skelact.models import Recognizer, create_model
from skelact.models.architecture import Architecture, stage_channels
from skelact.models.cost import count_macs, count_parameters


def test_running_statistics_are_not_counted_as_parameters() -> None:
    assert count_parameters(nn.BatchNorm2d(4)) == 8


def test_a_network_of_one_stage_by_hand() -> None:
    model = Recognizer(Architecture("ctrgcn", skelet=False, layout="coco17", channels=(8,)), 5)
    n, c, o, t, v, s, relation = 1, 3, 8, 10, 17, 3, 8
    graphs = s * (2 * c * relation * v + o * (relation + 2) * v * v)
    graph_convolution = n * t * v * s * (c * o + o * v) + graphs + n * t * v * c * o
    temporal = n * t * v * (o * o + 2 * 5 * 2 * 2)
    assert count_macs(model, n, t) == graph_convolution + temporal + 5 * o


# GMAC of 100 frames, measured with the authors' implementation. Ours multiplies by the learned importances without
# the zeros of their matrix, applies graphs on the narrow side of the first stage (both less), and keeps the shared
# graphs of DG-STGCN apart from those of each channel (more): a tenth covers these, and no forgotten operation does.
@pytest.mark.parametrize(
    ("name", "instances", "published"),
    [
        ("skelet-stgcnpp", 2, 3.60),
        ("skelet-dgstgcn", 2, 2.95),
        ("skelet-ctrgcn", 2, 3.54),
        ("stgcnpp_expressive65", 2, 8.80),
        ("skelet-stgcnpp-ip", 2, 2.06),
        ("skelet-stgcnpp-ip", 5, 2.23),
        ("skelet-stgcnpp-ip", 10, 2.50),
    ],
)
def test_the_cost_is_near_the_authors(name: str, instances: int, published: float) -> None:
    assert count_macs(create_model(name, 120), instances, 100) / 1e9 == pytest.approx(published, rel=0.1)


def test_counting_leaves_the_network_as_it_is() -> None:
    model = create_model("skelet-dgstgcn", 3, channels=stage_channels(8, 16, 32))
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    assert count_macs(model, 2, 20) == 2 * count_macs(model, 1, 20) - 3 * 32
    assert model.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
