"""Names of devices to devices that are there."""

from __future__ import annotations

import pytest
import torch

from skelact.devices import resolve_device
from skelact.errors import UsageError


@pytest.fixture
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many GPUs as the test is parametrised with."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: request.param > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: request.param)


@pytest.mark.parametrize(
    ("gpus", "name", "device"),
    [
        (0, "auto", "cpu"),
        (2, "auto", "cuda"),
        (2, "cpu", "cpu"),
        (1, "cuda", "cuda"),
        (2, "cuda:1", "cuda:1"),
        (2, "cuda:01", "cuda:1"),
    ],
    indirect=["gpus"],
)
@pytest.mark.usefixtures("gpus")
def test_a_device_that_is_there(name: str, device: str) -> None:
    assert resolve_device(name) == device


@pytest.mark.parametrize(
    ("gpus", "name", "message"),
    [
        (0, "cuda", "device 'cuda' is not there: choose from auto, cpu$"),
        (1, "cuda:1", "device 'cuda:1' is not there: choose from auto, cpu, cuda, cuda:0$"),
        (1, "gpu", "unknown device 'gpu': choose from auto, cpu, cuda, cuda:0$"),
        (0, "", "unknown device '': choose from auto, cpu$"),
        (0, "cuda:-1", "unknown device 'cuda:-1'"),
        (1, "CUDA", "unknown device"),
    ],
    indirect=["gpus"],
)
@pytest.mark.usefixtures("gpus")
def test_a_device_that_is_not_there(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve_device(name)
