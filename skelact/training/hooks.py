"""What happens at each step and epoch of training, as hooks of mmengine's Runner."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skelact.errors import SkelactError
from skelact.formats.writing import write_error
from skelact.models.recognizer import folded
from skelact.recognition import TrainedRecognizer, save_recognizer
from skelact.training import registry
from skelact.training.batch_norm import restore, settle, statistics
from skelact.training.checkpoint import BEST, State, save_state
from skelact.training.distributed import rank
from skelact.training.runner import ClipRunner

from mmengine.dist import all_reduce  # isort: skip (after the registry, which prepares mmengine)
from mmengine.hooks import EarlyStoppingHook, Hook  # isort: skip

# The averages of batch normalisation move by a tenth a step: after 50, what they started with counts for 0.5 %.
SETTLED_AFTER = 50
# Clips from which the averages are made anew; more of them change little.
SETTLING_CLIPS = 1024
NOT_FINITE = "train again with a smaller lr, a longer warmup or precision float32"


@registry.HOOKS.register_module()
class Progress(Hook):
    """Tells of every step, notes every epoch, and stops training when the loss is no longer a number.

    Args:
        on_step: called with (step, steps, loss) in the main process.
        tensorboard: where to write events for TensorBoard, or None.
    """

    priority = "ABOVE_NORMAL"

    def __init__(self, on_step: Callable[[int, int, float], None] | None, tensorboard: Path | None):
        self.on_step = on_step if rank() == 0 else None
        self.log: list[dict[str, Any]] = []
        self.folder = tensorboard
        self.writer = _tensorboard(tensorboard) if tensorboard and rank() == 0 else None
        self.losses: list[float] = []
        self.lr = 0.0
        self.start = time.monotonic()

    def before_train(self, runner: ClipRunner) -> None:
        """Start the clock where a run that is resumed had stopped."""
        self.start = time.monotonic() - (self.log[-1]["seconds"] if self.log else 0)

    def after_train_iter(
        self, runner: ClipRunner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Tensor] | None = None
    ) -> None:
        """Look at the loss over all processes, so that all of them stop together."""
        if outputs is None:
            return
        loss = outputs["loss"]
        all_reduce(loss, "mean")
        self.losses.append(float(loss))
        self.lr = runner.optim_wrapper.param_groups[0]["lr"]
        if not math.isfinite(self.losses[-1]):
            raise SkelactError(
                f"the loss became {self.losses[-1]} at step {runner.iter + 1} of {runner.max_iters}: {NOT_FINITE}"
            )
        if self.on_step:
            self.on_step(runner.iter + 1, runner.max_iters, self.losses[-1])

    def after_train_epoch(self, runner: ClipRunner) -> None:
        """Note the epoch."""
        row = {
            "epoch": runner.epoch + 1,
            "step": runner.iter,
            "lr": self.lr,
            "loss": sum(self.losses) / len(self.losses),
            "seconds": round(time.monotonic() - self.start, 2),
        }
        self.losses = []
        self.log.append(row)
        self._draw(row, ("lr", "loss"))

    def after_val_epoch(self, runner: ClipRunner, metrics: dict[str, float] | None = None) -> None:
        """Note the result of validation."""
        if metrics:
            self.log[-1].update(metrics)
            self.log[-1]["seconds"] = round(time.monotonic() - self.start, 2)
            self._draw(self.log[-1], ("top1",))

    def before_save_checkpoint(self, runner: ClipRunner, checkpoint: State) -> None:
        """Save the notes."""
        checkpoint["log"] = self.log

    def after_load_checkpoint(self, runner: ClipRunner, checkpoint: State) -> None:
        """Take up the notes."""
        self.log = [dict(row) for row in checkpoint["log"]]

    def after_run(self, runner: ClipRunner) -> None:
        """Finish the events."""
        if self.writer:
            with self._told():
                self.writer.close()

    def _draw(self, row: dict[str, Any], names: tuple[str, ...]) -> None:
        if self.writer:
            with self._told():
                for name in names:
                    self.writer.add_scalar(name, row[name], row["step"])

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            assert self.folder is not None
            raise write_error(self.folder, error) from None


def _tensorboard(folder: Path) -> Any:
    from mmengine.visualization import TensorboardVisBackend

    return TensorboardVisBackend(str(folder))


@registry.HOOKS.register_module()
class SettleBatchNorm(Hook):
    """Gives batch normalisation the averages that belong to the weights, before they are tested or kept.

    Two cases need it. In the first steps, the running averages still hold much of what they started with. And a
    moving average of the weights has other activations than the weights it averages, on which the running averages
    were taken. Training goes on with its own averages afterwards.
    """

    priority = "LOW"  # after EMAHook has put the averaged weights in place

    def __init__(self, always: bool):
        self.always = always
        self.kept: dict[str, Tensor] = {}

    def before_val_epoch(self, runner: ClipRunner) -> None:
        """Put the new averages in place."""
        if not self.always and runner.iter * runner.optim_wrapper.parts >= SETTLED_AFTER:
            return
        self.kept = statistics(runner.recognizer)
        batches = runner.train_dataloader
        count = min(len(batches), -(-SETTLING_CLIPS // (batches.batch_size * runner.world_size)))
        clips = (batch["clips"].to(runner.device).squeeze(1) for batch in islice(batches, count))
        settle(runner.recognizer, clips)

    def after_val_epoch(self, runner: ClipRunner, metrics: dict[str, float] | None = None) -> None:
        """Put the old ones back."""
        restore(runner.recognizer, self.kept)
        self.kept = {}


@registry.HOOKS.register_module()
class KeepBest(Hook):
    """Keeps the weights of the best top-1, the first of equals; without validation those of the last epoch."""

    priority = "HIGH"  # before EMAHook takes the averaged weights out again

    def __init__(self) -> None:
        self.best: State = {}

    def after_val_epoch(self, runner: ClipRunner, metrics: dict[str, float] | None = None) -> None:
        """Compare with the best so far."""
        if metrics and ("top1" not in self.best or metrics["top1"] > self.best["top1"]):
            self._keep(runner, metrics)

    def after_train(self, runner: ClipRunner) -> None:
        """Take the last, where nothing was validated."""
        if not self.best:
            with runner.tested_weights():
                self._keep(runner, {})

    def _keep(self, runner: ClipRunner, metrics: dict[str, float]) -> None:
        weights = {
            name: tensor.detach().cpu().clone() for name, tensor in folded(runner.recognizer.state_dict()).items()
        }
        self.best = {"epoch": runner.epoch, **metrics, "weights": weights}

    def before_save_checkpoint(self, runner: ClipRunner, checkpoint: State) -> None:
        """Save it."""
        checkpoint["best"] = self.best

    def after_load_checkpoint(self, runner: ClipRunner, checkpoint: State) -> None:
        """Take it up."""
        self.best = checkpoint["best"]


@registry.HOOKS.register_module()
class StopEarly(EarlyStoppingHook):
    """mmengine's, with its count in the state; a top-1 that equals the best is not better."""

    def __init__(self, validations: int):
        super().__init__("top1", rule="greater", min_delta=1e-9, strict=False, patience=validations)

    def before_save_checkpoint(self, runner: ClipRunner, checkpoint: State) -> None:
        """Save the count."""
        checkpoint["early_stopping"] = [self.wait_count, self.best_score]

    def after_load_checkpoint(self, runner: ClipRunner, checkpoint: State) -> None:
        """Take it up."""
        self.wait_count, self.best_score = checkpoint["early_stopping"]


@registry.HOOKS.register_module()
class SaveState(Hook):
    """Writes the state, the log and the best recognizer at the end of every epoch, in the main process.

    Args:
        folder: of the run; None writes nothing, and only looks at the weights.
        data: see `skelact.training.checkpoint.fingerprint`.
        finish: what makes a recognizer of a state.
    """

    priority = "LOWEST"

    def __init__(self, folder: Path | None, data: str, finish: Callable[[State], TrainedRecognizer]):
        self.folder = folder
        self.data = data
        self.finish = finish
        self.state: State = {}
        self.saved = 0
        self.written = 0

    def before_train(self, runner: ClipRunner) -> None:
        """Know from which epoch on there is something to save."""
        self.saved = runner.epoch

    def before_train_epoch(self, runner: ClipRunner) -> None:
        """Save the epoch before, with its validation."""
        if runner.epoch > self.saved:
            self._save(runner, finished=False)

    def after_train(self, runner: ClipRunner) -> None:
        """Save the last."""
        self._save(runner, finished=True)

    def _save(self, runner: ClipRunner, finished: bool) -> None:
        self.state = {**runner.state(), "data": self.data, "finished": finished}
        self.saved = runner.epoch
        if not all(torch.isfinite(tensor).all() for tensor in self.state["state_dict"].values()):
            raise SkelactError(f"the weights were no longer finite after step {runner.iter}: {NOT_FINITE}")
        if self.folder and rank() == 0:
            save_state(self.folder, self.state)
            best = self.state["best"]
            if best and best["epoch"] != self.written:
                save_recognizer(self.finish(self.state), self.folder / BEST)
                self.written = best["epoch"]
