"""Runs that are killed, interrupted or out of disk, and go on as if nothing had happened."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.errors import InputError, OutputError, SkelactError, UsageError, WeightsError
from skelact.recognition import TrainedRecognizer, load_recognizer
from skelact.training import checkpoint
from skelact.training.settings import TrainSettings
from skelact.training.train import train
from tests.training.gestures import TINY, files, gestures, same, weights

RUN_FILES = {"settings.json", "log.csv", "last.pth", "best.safetensors"}
EVERYTHING = replace(
    TINY, epochs=4, optimizer="adamw", lr=2e-3, warmup=0.2, ema=0.1, early_stopping=9, balance_classes=True,
    precision="float16", accumulate=2, normalize_features=True,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Sums come out the same only if they are always split the same way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def go(settings: TrainSettings, folder: Path | None, resume: bool = False, **options: object) -> TrainedRecognizer:
    """A run on 8 clips, validated on 4 others: two steps an epoch."""
    return train(
        gestures(8), settings, validation=gestures(4, seed=1), run_dir=folder, resume=resume,
        **options,  # type: ignore[arg-type]
    )  # fmt: skip


def stop_at(step: int, how: Callable[[], None]) -> Callable[[int, int, float], None]:
    def on_step(now: int, steps: int, loss: float) -> None:
        if now == step:
            how()

    return on_step


def interrupt() -> None:
    raise KeyboardInterrupt


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.training.test_resume import EVERYTHING, go, stop_at
go(EVERYTHING, Path(sys.argv[1]), on_step=stop_at(int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL)))
"""


@pytest.fixture(scope="module")
def whole() -> TrainedRecognizer:
    """A run that nothing stopped."""
    return go(EVERYTHING, None)


def test_a_run_killed_at_any_step_gives_the_same_weights_bit_by_bit(tmp_path: Path, whole: TrainedRecognizer) -> None:
    step = int(np.random.default_rng().integers(1, 9))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(step)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    steps: list[int] = []
    resumed = go(EVERYTHING, tmp_path, resume=True, on_step=lambda step, *_: steps.append(step))
    assert steps == list(range(1 + (step - 1) // 2 * 2, 9)), f"killed at step {step}"
    assert same(weights(whole), weights(resumed)), f"killed at step {step}"
    assert resumed.training["best_epoch"] == whole.training["best_epoch"]
    assert files(tmp_path) == RUN_FILES


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="sgd"),
        pytest.param({"ema": 0.2, "precision": "bfloat16"}, id="average and bfloat16"),
        pytest.param({"workers": 1, "batch_size": 4}, id="worker processes"),
        pytest.param(
            {"model": "skelet-stgcnpp", "layout": "expressive65", "instance_pooling": True, "max_instances": 2},
            id="instance pooling, which drops at random",
        ),
    ],
)
def test_a_run_interrupted_gives_the_same_weights(tmp_path: Path, changes: dict[str, object]) -> None:
    settings = replace(TINY, epochs=2, **changes)  # type: ignore[arg-type]
    clips = gestures(8, layout=settings.layout)
    whole = train(clips, settings)
    with pytest.raises(KeyboardInterrupt):
        train(clips, settings, run_dir=tmp_path, on_step=stop_at(3, interrupt))
    assert torch.load(tmp_path / "last.pth", weights_only=True)["epoch"] == 1
    resumed = train(clips, settings, run_dir=tmp_path, resume=True)
    assert same(weights(whole), weights(resumed))


def test_early_stopping_goes_on_counting(tmp_path: Path) -> None:
    settings = replace(TINY, lr=0, weight_decay=0, epochs=6, early_stopping=3)
    with pytest.raises(KeyboardInterrupt):
        go(settings, tmp_path, on_step=stop_at(5, interrupt))
    assert go(settings, tmp_path, resume=True).training["epochs_run"] == 4
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 1 + 4


def test_a_finished_run_gives_its_result_at_once(tmp_path: Path) -> None:
    settings = replace(TINY, epochs=1)
    first = go(settings, tmp_path)
    (tmp_path / "best.safetensors").unlink()  # as if killed before it was written
    steps: list[int] = []
    again = go(settings, tmp_path, resume=True, on_step=lambda step, *_: steps.append(step))
    assert steps == []
    assert same(weights(first), weights(again))
    assert again.training == first.training
    assert same(weights(load_recognizer(tmp_path / "best.safetensors")), weights(first))


def test_a_run_killed_in_its_first_epoch_starts_anew(tmp_path: Path) -> None:
    settings = replace(TINY, epochs=1)
    with pytest.raises(KeyboardInterrupt):
        go(settings, tmp_path, on_step=stop_at(1, interrupt))
    assert files(tmp_path) == {"settings.json"}
    (tmp_path / ".skelact-0123456789abcdef.part").write_bytes(b"half")
    assert same(weights(go(settings, tmp_path, resume=True)), weights(go(settings, None)))
    assert files(tmp_path) == RUN_FILES


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one epoch."""
    folder = tmp_path_factory.mktemp("done")
    go(replace(TINY, epochs=1), folder)
    return folder


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 2}, r"other settings: epochs 1 \(now 2\)"),
        ({"lr": 0.5, "seed": 4}, r"other settings: lr 0.05 \(now 0.5\), seed 3 \(now 4\)"),
        ({"augment": replace(TINY.augment, mirror=0.5)}, r"other settings: augment.mirror 0.0 \(now 0.5\)"),
    ],
    ids=["epochs, on which the rate depends", "two of them", "of the augmentation"],
)
def test_other_settings_are_named(done: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        go(replace(TINY, **{"epochs": 1, **changes}), done, resume=True)  # type: ignore[arg-type]


def test_other_clips_are_told(done: Path) -> None:
    with pytest.raises(UsageError, match="had other clips"):
        train(gestures(10), replace(TINY, epochs=1), run_dir=done, resume=True)


def test_the_number_of_workers_may_change(done: Path) -> None:
    assert go(replace(TINY, epochs=1, workers=2), done, resume=True).training["epochs_run"] == 1


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no run to resume in"):
        go(TINY, tmp_path / "wrong", resume=True)
    with pytest.raises(UsageError, match="give run_dir"):
        go(TINY, None, resume=True)


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"PK\x03\x04" + bytes(100), "a list"], ids=["empty", "text", "zip", "other"]
)
def test_a_damaged_state_is_told_in_one_sentence(tmp_path: Path, content: bytes | str) -> None:
    settings = replace(TINY, epochs=1)
    checkpoint.open_run(tmp_path, settings, "", resume=False)
    if isinstance(content, bytes):
        (tmp_path / "last.pth").write_bytes(content)
    else:
        torch.save([1, 2], tmp_path / "last.pth")
    with pytest.raises(WeightsError, match=r"last\.pth'.*: start another run$") as caught:
        go(settings, tmp_path, resume=True)
    assert "\n" not in str(caught.value)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch evil",)


def test_a_state_that_would_run_something_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint.open_run(tmp_path / "run", TINY, "", resume=False)
    torch.save({"format": checkpoint.FORMAT, "evil": Evil()}, tmp_path / "run" / "last.pth")
    with pytest.raises(WeightsError):
        go(TINY, tmp_path / "run", resume=True)
    assert files(tmp_path) == {"run"}


def test_a_full_disk_leaves_the_state_before(tmp_path: Path) -> None:
    settings = replace(TINY, epochs=2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))

    try:
        with pytest.raises(OutputError, match=r"^no space is left for"):
            go(settings, tmp_path, on_step=stop_at(3, fill_disk))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert torch.load(tmp_path / "last.pth", weights_only=True)["epoch"] == 1
    assert files(tmp_path) == RUN_FILES
    assert same(weights(go(settings, tmp_path, resume=True)), weights(go(settings, None)))


def test_a_loss_that_is_no_number_leaves_the_state_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import skelact.training.runner as runner

    real, batches = runner.collate, []

    def poisoned(samples: object) -> runner.Batch:
        batch = real(samples)  # type: ignore[arg-type]
        batches.append(batch)
        # The fourth training batch: validation takes one after two of training, settling its averages two more.
        if float(batch["clips"].sum()) and len(batches) == poison_at:
            batch["clips"][:] = np.inf
        return batch

    poison_at = 6
    monkeypatch.setattr(runner, "collate", poisoned)
    settings = replace(TINY, epochs=3)
    with pytest.raises(
        SkelactError, match=r"^the loss became nan at step 3 of 6: train again with a smaller lr"
    ) as caught:
        go(settings, tmp_path)
    assert "\n" not in str(caught.value)
    state = torch.load(tmp_path / "last.pth", weights_only=True)
    assert state["epoch"] == 1
    assert all(torch.isfinite(tensor).all() for tensor in state["state_dict"].values())


def test_weights_that_are_no_numbers_are_not_saved(tmp_path: Path) -> None:
    # Steps so long that the weights overflow, in the last step of an epoch, whose loss is still a number.
    settings = replace(TINY, epochs=1, optimizer="adamw", lr=3e38, weight_decay=100, batch_size=8)
    with pytest.raises(SkelactError, match=r"^the weights were no longer finite after step 1: train again"):
        train(gestures(8), settings, run_dir=tmp_path)
    assert files(tmp_path) == {"settings.json"}
