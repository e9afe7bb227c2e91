"""What `test_distributed` runs alone and, with torchrun, in two processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from torch import distributed, nn

from skelact.errors import UsageError
from skelact.training import runner
from skelact.training.distributed import is_main_process, join_processes, synchronize_batch_norm
from skelact.training.train import train
from tests.training.gestures import TINY, gestures

# Precision and changes of settings.
CASES = {
    "float32": ("float32", ["lr=0.0001"]),
    "in parts, averaged and balanced": (
        "float64",
        ["accumulate=2", "balance_classes=true", "ema=0.1", "normalize_features=true"],
    ),
    "SkeleT with Instance Pooling": (
        "float64",
        ["model=skelet-stgcnpp", "layout=expressive65", "instance_pooling=true", "epochs=1"],
    ),
}
Result = tuple[list[float], dict[str, torch.Tensor], float]


@contextmanager
def double_precision(wanted: bool) -> Iterator[None]:
    """Train in float64, which only tests do."""
    collate = runner.collate

    def doubled(samples: object) -> runner.Batch:
        batch = collate(samples)  # type: ignore[arg-type]
        return {**batch, "clips": batch["clips"].double()}

    if not wanted:
        yield
        return
    torch.set_default_dtype(torch.float64)
    runner.collate = doubled  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)
        runner.collate = collate


def run(case: str, folder: Path) -> Result:
    """Losses, weights and best top-1 of a case."""
    precision, changes = CASES[case]
    settings = replace(TINY, lr=1e-3, batch_size=8).change(changes)
    clips, others = (gestures(count, layout=settings.layout, seed=seed) for count, seed in ((18, 0), (5, 1)))
    losses: list[float] = []
    with double_precision(precision == "float64"):
        recognizer = train(
            clips,
            settings,
            validation=others,
            run_dir=folder,
            on_step=lambda step, steps, loss: losses.append(loss),
        )
    assert bool(losses) == is_main_process()
    return losses, recognizer.model.state_dict(), recognizer.training["best_top1"]


def network() -> nn.Module:
    """With both kinds of batch normalisation."""
    torch.manual_seed(1)
    norms = nn.BatchNorm1d(3), nn.BatchNorm2d(3)
    return nn.Sequential(nn.Linear(4, 3), norms[0], nn.Unflatten(1, (3, 1, 1)), nn.GELU(), norms[1]).double()


def compare_batch_norm() -> None:
    """Outputs, gradients and averages of shares of a batch with those of the whole batch."""
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    whole, shared = network(), synchronize_batch_norm(network(), "cpu")
    assert whole.state_dict().keys() == shared.state_dict().keys()
    mine = slice(0, 2) if is_main_process() else slice(2, 5)  # not equally many
    for _ in range(2):
        expected, found = whole(x), shared(x[mine])
        torch.testing.assert_close(found, expected[mine], rtol=1e-12, atol=1e-12)
        (expected**3).sum().backward()
        (found**3).sum().backward()
    for own, reference in zip(shared.parameters(), whole.parameters(), strict=True):
        distributed.all_reduce(own.grad)
        torch.testing.assert_close(own.grad, reference.grad, rtol=1e-10, atol=1e-10)
    for one, other in zip(whole.buffers(), shared.buffers(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(shared.eval()(x[mine]), whole.eval()(x)[mine], rtol=1e-12, atol=1e-12)


def main(folder: Path) -> None:
    """All cases one after another; the main process saves what came of them."""
    torch.set_num_threads(1)
    assert join_processes("cpu") == "cpu"
    compare_batch_norm()
    results = {case: list(run(case, folder / case)) for case in CASES}
    try:
        train(gestures(), replace(TINY, batch_size=7))
        message = ""
    except UsageError as error:
        message = str(error)
    if is_main_process():
        torch.save([results, message], folder / "results.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
