"""Mixed precision on a CPU: computed in half the bits, with weights of 32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import nn

from skelact.training.runner import PreciseOptimWrapper
from skelact.training.train import train
from tests.training.gestures import TINY, gestures, weights


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def losses() -> dict[str, list[float]]:
    """Of the same run in every precision."""
    out: dict[str, list[float]] = {}
    for precision in ("float32", "bfloat16", "float16"):
        out[precision] = told = []
        settings = replace(TINY, epochs=1, lr=1e-3, batch_size=8, precision=precision)
        recognizer = train(gestures(16), settings, on_step=lambda step, steps, loss, told=told: told.append(loss))
        assert {tensor.dtype for tensor in weights(recognizer).values()} <= {torch.float32, torch.int64}
    return out


@pytest.mark.parametrize(("precision", "tolerance"), [("bfloat16", 0.05), ("float16", 0.01)])
def test_the_loss_is_nearly_that_of_float32(losses: dict[str, list[float]], precision: str, tolerance: float) -> None:
    assert losses[precision] == pytest.approx(losses["float32"], rel=tolerance)
    assert losses[precision] != losses["float32"]


def test_a_step_whose_gradients_overflow_is_left_out_and_the_scale_halved() -> None:
    model = nn.Linear(1, 1)
    wrapper = PreciseOptimWrapper(torch.optim.SGD(model.parameters(), lr=1), 1, "float16", "cpu")
    before = model.weight.detach().clone()
    scale = wrapper.scaler.get_scale()
    wrapper.update_params(model(torch.full((1, 1), 1e38)).sum())
    assert torch.equal(model.weight, before)
    assert wrapper.scaler.get_scale() == scale / 2
    wrapper.update_params(model(torch.ones(1, 1)).sum())
    assert torch.allclose(model.weight, before - 1)


def test_the_scale_is_part_of_the_state() -> None:
    one, other = (
        PreciseOptimWrapper(torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1), 1, "float16", "cpu") for _ in range(2)
    )
    one.update_params(one.param_groups[0]["params"][0].sum() * 1e38)
    other.load_state_dict(one.state_dict())
    assert other.scaler.get_scale() == one.scaler.get_scale() != 2**16
