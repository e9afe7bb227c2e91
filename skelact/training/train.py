"""Training of a recognizer with mmengine's Runner."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skelact.data.dataset import ClipDataset, ClipSet
from skelact.errors import InputError, SkelactError
from skelact.models.architecture import architecture_of
from skelact.models.preprocessing import Preprocessing
from skelact.models.recognizer import Recognizer
from skelact.openmmlab import prepare
from skelact.recognition import TrainedRecognizer

prepare()

from mmengine.hooks import Hook  # noqa: E402 (needs prepare)
from mmengine.model import BaseModel  # noqa: E402
from mmengine.optim import OptimWrapper  # noqa: E402
from mmengine.runner import Runner  # noqa: E402


@dataclass(frozen=True)
class TrainSettings:
    """What a training run can be told.

    Attributes:
        model: a name of `skelact.models.list_models`.
        epochs: passes over the training clips.
        batch_size: clips a step.
        lr: peak learning rate of AdamW, after a warm-up of 5 % of the steps; then a cosine to 0.
        weight_decay: of AdamW.
        label_smoothing: share of the target spread over all classes.
        augmented: random changes to the clips, see `skelact.data.augment`.
        seed: of the initial weights and of all draws.
    """

    model: str = "skelet-dgstgcn"
    epochs: int = 15
    batch_size: int = 16
    lr: float = 1.5e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    augmented: bool = True
    seed: int = 0


# For clips of signs by single persons: see the model card of asl-words for what each choice is worth.
SIGN_PREPROCESSING = Preprocessing(normalize="person", clip_len=16, test_clips=4, max_instances=1, upper_body=True)


class TrainingModel(BaseModel):
    """A recognizer under mmengine's training step: batches of (clips (N, 1, I, T, V, C), labels (N,))."""

    def __init__(self, recognizer: Recognizer, label_smoothing: float):
        super().__init__()
        self.recognizer = recognizer
        self.loss = nn.CrossEntropyLoss(label_smoothing=label_smoothing)

    def forward(self, clips: Tensor, labels: Tensor, mode: str = "tensor") -> dict[str, Tensor] | Tensor:
        """The loss for mode "loss", else logits (N, num_classes)."""
        logits = self.recognizer(clips.squeeze(1))
        return {"loss": self.loss(logits, labels)} if mode == "loss" else logits


class ProgressHook(Hook):
    """Tells how far training is, and stops it when the loss is no longer a number."""

    def __init__(self, on_step: Callable[[int, int, float], None] | None):
        self.on_step = on_step

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Tensor] | None = None
    ) -> None:
        """Called by the Runner after each step."""
        loss = float(outputs["loss"].detach()) if outputs else 0.0
        if not np.isfinite(loss):
            raise SkelactError(f"the loss became {loss} at step {runner.iter + 1}: train again with a smaller --lr")
        if self.on_step:
            self.on_step(runner.iter + 1, runner.max_iters, loss)


class EpochHook(Hook):
    """Makes the dataset draw anew in every epoch."""

    def before_train_epoch(self, runner: Runner) -> None:
        """Called by the Runner before each epoch."""
        runner.train_dataloader.dataset.set_epoch(runner.epoch)


def collate(samples: Iterable[tuple[np.ndarray, int]]) -> dict[str, Tensor]:
    """Samples to a batch."""
    clips, labels = zip(*samples, strict=True)
    return {"clips": torch.from_numpy(np.stack(clips)), "labels": torch.tensor(labels)}


def train(
    clips: ClipSet,
    settings: TrainSettings,
    preprocessing: Preprocessing,
    device: str = "cpu",
    name: str = "recognizer",
    on_step: Callable[[int, int, float], None] | None = None,
) -> TrainedRecognizer:
    """Train a recognizer on all of these clips.

    Args:
        clips: the training set.
        settings: of the run.
        preprocessing: of the recognizer; its layout and channels decide those of the network.
        device: resolved, e.g. "cpu" or "cuda".
        name: of the result.
        on_step: called with (step, steps, loss) after every step.

    Raises:
        InputError: fewer than two classes have clips.
        SkelactError: the loss stopped being a number.
    """
    if len(np.unique(clips.labels)) < 2:
        raise InputError("training needs clips of at least two classes")
    architecture = architecture_of(settings.model, layout=preprocessing.layout, in_channels=preprocessing.channels)
    torch.manual_seed(settings.seed)
    model = TrainingModel(Recognizer(architecture, len(clips.class_names)), settings.label_smoothing)
    dataset = ClipDataset(clips, preprocessing, training=True, augmented=settings.augmented, seed=settings.seed)
    with tempfile.TemporaryDirectory(prefix="skelact-") as work_dir:
        _runner(model.to(device), dataset, settings, work_dir, on_step).train()
    training = {**asdict(settings), "clips": len(clips)}
    return TrainedRecognizer(model.recognizer.cpu().eval(), preprocessing, clips.class_names, name, training)


def _runner(
    model: TrainingModel,
    dataset: ClipDataset,
    settings: TrainSettings,
    work_dir: str,
    on_step: Callable[[int, int, float], None] | None,
) -> Runner:
    steps = max(len(dataset) // settings.batch_size, 1) * settings.epochs
    warm_up = max(steps // 20, 2)  # a ramp of one step would never leave its start
    loader = {
        "dataset": dataset,
        "batch_size": min(settings.batch_size, len(dataset)),
        "sampler": {"type": "DefaultSampler", "shuffle": True},
        "drop_last": True,  # a batch of one would have no variance to normalise by
        "num_workers": 0,
        "collate_fn": collate,
    }
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
    schedule = [
        {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "end": warm_up},
        {
            "type": "CosineAnnealingLR",
            "by_epoch": False,
            "begin": warm_up,
            "end": max(steps, warm_up + 1),
            "eta_min": 0,
        },
    ]
    return Runner(
        model=model,
        work_dir=work_dir,
        train_dataloader=loader,
        train_cfg={"by_epoch": True, "max_epochs": settings.epochs},
        optim_wrapper=OptimWrapper(optimizer),
        param_scheduler=schedule,
        default_hooks={"checkpoint": None, "logger": None, "timer": None},
        custom_hooks=[EpochHook(), ProgressHook(on_step)],
        log_level="ERROR",
        randomness={"seed": settings.seed},
        experiment_name=f"skelact-{id(model)}",
    )
