"""What mmengine's Runner is given to train a recognizer: model, sampler, optimizer, metric, and the Runner itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from skelact.data.dataset import ClipDataset
from skelact.errors import WeightsError
from skelact.models.recognizer import Recognizer
from skelact.training import registry
from skelact.training.checkpoint import State, random_state, set_random_state
from skelact.training.distributed import rank, synchronize_batch_norm, world_size
from skelact.training.settings import TrainSettings

from mmengine.dist import all_reduce  # isort: skip (after the registry, which prepares mmengine)
from mmengine.evaluator import BaseMetric  # isort: skip
from mmengine.logging import MMLogger  # isort: skip
from mmengine.model import BaseDataPreprocessor, BaseModel, MMDistributedDataParallel  # isort: skip
from mmengine.optim import OptimWrapper  # isort: skip
from mmengine.runner import Runner  # isort: skip

Batch = dict[str, Tensor]


def collate(samples: Iterable[tuple[np.ndarray, int]]) -> Batch:
    """Samples to clips (N, 1, I, T, V, C) and labels (N,)."""
    clips, labels = zip(*samples, strict=True)
    return {"clips": torch.from_numpy(np.stack(clips)), "labels": torch.tensor(labels)}


@registry.DATA_SAMPLERS.register_module()
class BatchedSampler(Sampler[int]):
    """Every process's share of whole batches, in an order that depends on seed and epoch alone.

    The shares of a batch are those of the one batch that a single process would draw, so the number of processes
    changes nothing. Clips beyond the last whole batch wait for another epoch. Each time that a clip comes again it
    has another number, by which a dataset draws it anew, even in worker processes that live through all epochs.

    Args:
        dataset: what to draw from.
        batch_size: of all processes together.
        seed: of the order.
        balanced: draw every class equally often; else every clip once a pass.
    """

    def __init__(self, dataset: ClipDataset, batch_size: int, seed: int, balanced: bool = False):
        self.clips = len(dataset.clips)
        self.passes = dataset.repeat
        self.length = len(dataset) // batch_size * batch_size
        self.seed = seed
        self.classes = []
        if balanced:
            labels = dataset.clips.labels
            self.classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
            fewest = min(len(clips) for clips in self.classes)
            self.passes = -(-(self.length // len(self.classes) + 1) // fewest)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Draw another order from now on; called by mmengine's DistSamplerSeedHook."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length // world_size()

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = self._balanced(random) if self.classes else random.permutation(self.clips * self.passes)
        numbers = order[: self.length] + self.epoch * self.passes * self.clips
        # Numbers seed draws, which take 32 bits; far beyond any training, they come again.
        return iter((numbers % (2**32 // self.clips * self.clips))[rank() :: world_size()].tolist())

    def _balanced(self, random: np.random.Generator) -> np.ndarray:
        """Equally many of each class, all of its clips before any comes again, in random order."""
        counts = np.full(len(self.classes), self.length // len(self.classes))
        counts[random.permutation(len(counts))[: self.length % len(counts)]] += 1
        drawn = []
        for clips, count in zip(self.classes, counts, strict=True):
            rounds = [random.permutation(clips) + k * self.clips for k in range(-(-count // len(clips)))]
            drawn.append(np.concatenate([clips[:0], *rounds])[:count])
        return random.permutation(np.concatenate(drawn))


class _InParts:
    """A training step of mmengine in several parts, whose gradients the optimizer sees as one."""

    def train_step(self, data: Batch, optim_wrapper: PreciseOptimWrapper) -> dict[str, Tensor]:
        """One step of the optimizer; returns its loss."""
        parts = optim_wrapper.parts
        losses = []
        for clips, labels in zip(data["clips"].chunk(parts), data["labels"].chunk(parts), strict=True):
            part = super().train_step({"clips": clips, "labels": labels}, optim_wrapper)  # type: ignore[misc]
            losses.append(part["loss"].detach())
        return {"loss": torch.stack(losses).mean()}


@registry.MODELS.register_module()
class TrainingModel(_InParts, BaseModel):
    """A recognizer under mmengine's training step."""

    def __init__(self, recognizer: Recognizer, label_smoothing: float):
        super().__init__(BaseDataPreprocessor(non_blocking=True))
        self.recognizer = recognizer
        self.loss = nn.CrossEntropyLoss(label_smoothing=label_smoothing)

    def forward(self, clips: Tensor, labels: Tensor, mode: str = "tensor") -> dict[str, Tensor] | list[Tensor]:
        """Clips (N, 1, I, T, V, C) to the loss for mode "loss", else to which of them are recognized, (N,) bool."""
        logits = self.recognizer(clips.squeeze(1))
        if mode == "loss":
            return {"loss": self.loss(logits, labels)}
        return [logits.argmax(dim=1) == labels]


@registry.MODEL_WRAPPERS.register_module()
class DistributedTrainingModel(_InParts, MMDistributedDataParallel):
    """The same on several processes."""


@registry.METRICS.register_module()
class Top1(BaseMetric):
    """The share of clips recognized, over all processes."""

    default_prefix = ""

    def process(self, data_batch: Batch, data_samples: Sequence[Tensor]) -> None:
        """Count a batch."""
        self.results.append(data_samples[0])

    def compute_metrics(self, results: list[Tensor]) -> dict[str, float]:
        """From (N,) bool for each batch of this process; of several, some may have had none."""
        right = torch.cat(results) if results else torch.zeros(0, dtype=torch.bool)
        counts = torch.tensor([int(right.sum()), len(right)], device=right.device)
        all_reduce(counts)
        return {"top1": int(counts[0]) / int(counts[1])}

    def evaluate(self, size: int) -> dict[str, float]:
        """Only counts cross the processes; mmengine would pickle all results into files."""
        metrics = self.compute_metrics(self.results)
        self.results.clear()
        return metrics


@registry.OPTIM_WRAPPERS.register_module()
class PreciseOptimWrapper(OptimWrapper):
    """mmengine's OptimWrapper with mixed precision on any device; its AmpOptimWrapper wants a GPU.

    Args:
        optimizer: what to wrap.
        parts: of a step.
        precision: float32, bfloat16 or float16; the weights are float32 always.
        device: where the network is.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parts: int, precision: str, device: str):
        super().__init__(optimizer, accumulative_counts=parts)
        self.parts = parts
        self.device_type = torch.device(device).type
        self.dtype = getattr(torch, precision)
        # Gradients below what float16 can hold are lost unless the loss is scaled up first.
        self.scaler = torch.amp.GradScaler(self.device_type, enabled=precision == "float16")

    def initialize_count_status(self, model: nn.Module, init_counts: int, max_counts: int) -> None:
        """Count parts, where the Runner counts steps."""
        super().initialize_count_status(model, init_counts * self.parts, max_counts * self.parts)

    def backward(self, loss: Tensor, **options: Any) -> None:
        """Add up the gradients of a part."""
        super().backward(self.scaler.scale(loss), **options)

    def step(self, **options: Any) -> None:
        """One step, but for one whose scaled gradients overflowed."""
        self.scaler.step(self.optimizer, **options)
        self.scaler.update()

    def state_dict(self) -> State:
        """That of the optimizer and of the scale."""
        return {**super().state_dict(), "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state_dict: State) -> None:
        """Put both back."""
        state = dict(state_dict)
        scale = state.pop("scaler")
        if scale:
            self.scaler.load_state_dict(scale)
        super().load_state_dict(state)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Compute in mixed precision, and let gradients meet other processes' in the last part only."""
        mixed = torch.autocast(self.device_type, self.dtype, enabled=self.dtype != torch.float32)
        with super().optim_context(model), mixed:
            yield


class ClipRunner(Runner):
    """mmengine's Runner on the device it is told, writing nothing by itself, with a state of tensors and plain values.

    Args:
        device: of this process.
        state: what `state` gave at the end of an epoch, to go on from there.
        options: of the Runner.
    """

    def __init__(self, *, device: str, state: State | None, **options: Any):
        self.device = device
        self._state = state
        super().__init__(**options, default_scope=None, experiment_name="skelact")

    def setup_env(self, env_cfg: dict[str, Any]) -> None:
        """The processes are in touch already; nothing else of the environment is a library's to change."""
        self._rank, self._world_size, self._timestamp = rank(), world_size(), "run"
        self._distributed = self._world_size > 1

    def build_logger(self, *_: Any, **__: Any) -> MMLogger:
        """The quiet one there is: a new one would open a file."""
        return MMLogger.get_current_instance()

    def build_visualizer(self, *_: Any, **__: Any) -> None:
        """None: it would import matplotlib, and draws nothing here."""

    def dump_config(self) -> None:
        """Write nothing: settings.json holds what there is to know."""

    def _log_env(self, env_cfg: dict[str, Any]) -> None:
        """Ask no compilers for their versions."""

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> nn.Module:
        """The model on its device, and in touch with its copies on others."""
        model = model.to(self.device)
        if not self.distributed:
            return model
        model = synchronize_batch_norm(model, self.device)
        ids = [torch.device(self.device).index] if self.device.startswith("cuda") else None
        return DistributedTrainingModel(model, device_ids=ids, broadcast_buffers=False)

    @property
    def training_model(self) -> TrainingModel:
        """The model without its wrapper."""
        return self.model.module if self.distributed else self.model

    @property
    def recognizer(self) -> Recognizer:
        """What is trained."""
        return self.training_model.recognizer

    def state(self) -> State:
        """All that training depends on, at the end of an epoch; hooks add theirs."""
        state: State = {
            "epoch": self.epoch,
            "step": self.iter,
            "state_dict": self.training_model.state_dict(),
            "optimizer": self.optim_wrapper.state_dict(),
            "schedulers": [scheduler.state_dict() for scheduler in self.param_schedulers],
            "random": random_state(),
        }
        self.call_hook("before_save_checkpoint", checkpoint=state)
        return state

    def load_or_resume(self) -> None:
        """Go on from the state given, where there is one; called by `train`.

        Raises:
            WeightsError: it does not fit the network or the optimizer.
        """
        if self._state is None:
            return
        state, self._resume = dict(self._state), True
        try:
            self.call_hook("after_load_checkpoint", checkpoint=state)
            self.training_model.load_state_dict(state["state_dict"])
            self.optim_wrapper.load_state_dict(state["optimizer"])
            for scheduler, values in zip(self.param_schedulers, state["schedulers"], strict=True):
                scheduler.load_state_dict(values)
            self.train_loop._epoch, self.train_loop._iter = state["epoch"], state["step"]
            set_random_state(state["random"])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise WeightsError("the state of the run is of another version of skelact: start another run") from error

    @contextmanager
    def tested_weights(self) -> Iterator[None]:
        """The model as validation sees it, also without one: hooks put averages in place and take them out again."""
        self.call_hook("before_val_epoch")
        yield
        self.call_hook("after_val_epoch", metrics=None)


def loader(
    dataset: ClipDataset, sampler: Sampler[int], batch_size: int, settings: TrainSettings, device: str
) -> DataLoader[Any]:
    """A torch loader of batches for one process."""
    items: Any = dataset  # torch's Dataset adds nothing to __getitem__ and __len__
    return DataLoader(
        items,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
        pin_memory=device.startswith("cuda"),
        collate_fn=collate,
        # Of its own, or the seed of its workers would be drawn from the numbers that training goes on with.
        generator=torch.Generator().manual_seed(settings.seed),
    )
