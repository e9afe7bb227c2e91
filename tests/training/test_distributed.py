"""Two processes train as one does with the same batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.errors import UsageError
from skelact.training.distributed import is_main_process, join_processes
from tests.training.gestures import files
from tests.training.processes import CASES, Result, run


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes left what came of all cases, after comparing batch normalisation."""
    folder = tmp_path_factory.mktemp("two")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={free_port()}",
         "-m", "tests.training.processes", str(folder)],
        cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return folder


@pytest.fixture(scope="module")
def two(launched: Path) -> dict[str, Result]:
    return torch.load(launched / "results.pt", weights_only=True)[0]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_as_one(tmp_path: Path, two: dict[str, Result], case: str) -> None:
    tolerance = {"float32": 1e-4, "float64": 1e-8}[CASES[case][0]]
    losses, weights, top1 = run(case, tmp_path / "run")
    assert len(losses) == len(two[case][0]) >= 2
    np.testing.assert_allclose(two[case][0], losses, rtol=tolerance)
    assert two[case][2] == top1
    assert two[case][1].keys() == weights.keys()
    for name, tensor in weights.items():
        off = (two[case][1][name] - tensor).abs().max()
        assert off <= 10 * tolerance * max(1, tensor.abs().max()), f"{name} by {off}"


@pytest.mark.parametrize("case", CASES)
def test_only_the_main_process_writes(launched: Path, case: str) -> None:
    assert files(launched / case) == {"settings.json", "log.csv", "last.pth", "best.safetensors"}
    epochs = torch.load(launched / case / "last.pth", weights_only=True)["epoch"]
    assert len((launched / case / "log.csv").read_text().splitlines()) == 1 + epochs


def test_a_batch_that_two_processes_cannot_share(launched: Path) -> None:
    message = torch.load(launched / "results.pt", weights_only=True)[1]
    assert message.startswith("batch_size 7 cannot be shared by 2 processes in 1 parts each: choose a multiple of 2")


def test_outside_torchrun_nothing_changes() -> None:
    assert is_main_process()
    assert join_processes("cuda:1") == "cuda:1"


def test_one_gpu_for_several_processes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    assert not is_main_process()
    with pytest.raises(UsageError, match="use --device cuda"):
        join_processes("cuda:0")
