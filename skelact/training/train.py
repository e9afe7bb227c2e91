"""Training of a recognizer: mmengine's Runner, set up from `TrainSettings`."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from skelact.data.clips import ClipSet
from skelact.data.dataset import ClipDataset
from skelact.errors import InputError, SkelactError, UsageError
from skelact.formats.writing import write_error
from skelact.models.checkpoints import fill
from skelact.models.cost import count_parameters
from skelact.models.recognizer import Recognizer
from skelact.recognition import USUAL_CLIP_SECONDS, TrainedRecognizer, save_recognizer
from skelact.training import registry
from skelact.training.checkpoint import BEST, State, fingerprint, open_run
from skelact.training.distributed import from_main, join_processes, rank, world_size
from skelact.training.fine_tune import copy_weights
from skelact.training.hooks import Progress, SaveState
from skelact.training.runner import ClipRunner, TrainingModel, loader
from skelact.training.settings import TrainSettings

OnStep = Callable[[int, int, float], None]


def train(
    training: ClipSet,
    settings: TrainSettings,
    *,
    validation: ClipSet | None = None,
    device: str = "cpu",
    name: str = "recognizer",
    run_dir: Path | None = None,
    resume: bool = False,
    init: TrainedRecognizer | None = None,
    on_step: OnStep | None = None,
) -> TrainedRecognizer:
    """Train a recognizer; under torchrun, together with the other processes.

    Args:
        training: the clips to learn from; their classes are the recognizer's.
        settings: of the run.
        validation: clips to choose the best epoch on by top-1, their classes matched by name; without them, the
            last epoch is the result.
        device: resolved, e.g. "cpu" or "cuda"; under torchrun, "cuda" is a GPU for each process.
        name: of the result.
        run_dir: a folder for settings, log and checkpoints, see `skelact.training.checkpoint`; None keeps nothing.
        resume: go on from the last checkpoint in `run_dir`; on a CPU the result is that of a run never stopped, bit
            by bit. A finished run gives its result at once.
        init: what to start from instead of random weights: its network with the rows of its head whose classes
            have the same names. A run that is resumed goes on from its own weights.
        on_step: called with (step, steps, loss) after every step, in the main process.

    Returns:
        The recognizer, on the CPU. Its `training` tells settings, clips, epochs_run, best_epoch and best_top1 (with
        validation), seconds and parameters.

    Raises:
        InputError: fewer than two classes have clips, there are too few, or there is no run to resume.
        UsageError: settings that do not fit one another, the clips, `init` or the run to resume.
        OutputError: `run_dir` holds a run already or cannot be written.
        SkelactError: the loss or the weights stopped being numbers.
    """
    if resume and run_dir is None:
        raise UsageError("to resume a run, its folder is needed: give run_dir")
    training, validation = _checked(training, validation)
    device = join_processes(device)
    with _deterministic(settings.deterministic):
        job = _Job(training, validation, settings, device, name, run_dir, on_step)
        return job.run(resume, init)


def _checked(training: ClipSet, validation: ClipSet | None) -> tuple[ClipSet, ClipSet | None]:
    """Both with the classes of the first.

    Raises:
        InputError: fewer than two classes, or nothing to validate on.
    """
    if len(np.unique(training.labels)) < 2:
        raise InputError("training needs clips of at least two classes")
    if validation is None:
        return training, None
    if len(validation) == 0:
        raise InputError("there are no clips to validate on: leave validation out, or give it clips")
    return training, validation.with_classes(training.class_names)


def _scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for what mmengine insists on making, gone at the end."""
    try:
        return tempfile.TemporaryDirectory(prefix="skelact-")
    except OSError as error:
        raise write_error(Path(tempfile.gettempdir()), error) from None


@contextmanager
def _deterministic(wanted: bool) -> Iterator[None]:
    """Only deterministic kernels, if wanted; what the process had set before comes back."""
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, CUDA refuses
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


def batch_size(settings: TrainSettings, samples: int, processes: int) -> int:
    """Clips of a step over all processes: those of the settings, or fewer where an epoch has fewer.

    Args:
        settings: of the run.
        samples: of an epoch.
        processes: among which a batch is shared.

    Raises:
        UsageError: the batch cannot be shared equally, or leaves a part with one clip, which has no variance over
            clips for batch normalisation.
        InputError: there are too few clips for that.
    """
    parts = processes * settings.accumulate
    if settings.batch_size % parts:
        raise UsageError(
            f"batch_size {settings.batch_size} cannot be shared by {processes} processes in {settings.accumulate} "
            f"parts each: choose a multiple of {parts}"
        )
    least = 2 * settings.accumulate if processes == 1 else max(2 * settings.accumulate, parts)
    if settings.batch_size < least:
        raise UsageError(f"batch_size {settings.batch_size} leaves one clip to normalise by: choose at least {least}")
    size = min(settings.batch_size, samples // parts * parts)
    if size < least:
        raise InputError(f"{samples} clips an epoch are too few to train on: at least {least} are needed")
    return size


def optimizer(model: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum and weight decay on everything, as published; or AdamW.

    AdamW decays the weights of convolutions and linear layers only: biases, normalisations, graphs, mappings and
    gates have a meaning at their size, and its decay does not shrink with their gradients.
    """
    # Fused is three times as fast on a CPU, but there it takes the steps that float16's scaler means to leave out.
    fused = settings.precision != "float16"
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            model.parameters(),
            lr=settings.lr,
            momentum=settings.momentum,
            nesterov=settings.momentum > 0,
            weight_decay=settings.weight_decay,
            fused=fused,
        )
    layers = [module for module in model.modules() if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)]
    decayed = {id(layer.weight) for layer in layers}
    groups = [
        {
            "params": [tensor for tensor in model.parameters() if (id(tensor) in decayed) == decay],
            "weight_decay": settings.weight_decay * decay,
        }
        for decay in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=settings.lr, fused=fused)


def schedule(settings: TrainSettings, steps: int) -> list[dict[str, Any]]:
    """The rate step by step: a climb from a hundredth of the peak, then a cosine to 0."""
    climb = round(settings.warmup * steps)
    if climb < 2:  # a climb of one step would never leave its start
        climb = 0
    first = {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "end": climb}
    then = {"type": "CosineAnnealingLR", "by_epoch": False, "begin": climb, "end": steps, "eta_min": 0}
    return [first, then] if climb else [then]


@dataclass
class _Job:
    """One call of `train`."""

    training: ClipSet
    validation: ClipSet | None
    settings: TrainSettings
    device: str
    name: str
    run_dir: Path | None
    on_step: OnStep | None

    def run(self, resume: bool, init: TrainedRecognizer | None) -> TrainedRecognizer:
        """Train, or go on, or give what came of a run that is done."""
        samples = len(self.training) * self.settings.repeat
        self.batch = batch_size(self.settings, samples, world_size())
        self.data = fingerprint(self.training, self.validation)
        # Before a folder is made for it, so that an impossible network leaves nothing behind.
        recognizer = self._fresh(init)
        state = self._open(resume)
        if state:
            # Whether the head is normalised depends on `init`, which a run that is resumed may be given or not.
            recognizer.feature_norm = nn.Identity()
            if any("feature_norm" in name for name in state["state_dict"]):
                recognizer.normalize_features()
            if self.run_dir and state["best"] and rank() == 0:
                save_recognizer(self.finish(state), self.run_dir / BEST)
        if not (state and state["finished"]):
            state = self._train(recognizer, state)
        return self.finish(state)

    def _fresh(self, init: TrainedRecognizer | None) -> Recognizer:
        torch.manual_seed(self.settings.seed)
        recognizer = Recognizer(self.settings.architecture(), len(self.training.class_names))
        if self.settings.zero_init_residual:
            recognizer.zero_init_residuals()
        if self.settings.normalize_features and init is None:
            recognizer.normalize_features()
        if init is not None:
            copy_weights(init, recognizer, self.settings.preprocessing(), self.training.class_names)
        return recognizer

    def _open(self, resume: bool) -> State | None:
        """The state to go on from; the main process reads it, and all fail together if it cannot."""
        if self.run_dir is None:
            return None
        found: State | Exception | None = None
        if rank() == 0:
            try:
                found = open_run(self.run_dir, self.settings, self.data, resume)
            except Exception as error:
                found = error
        found = from_main(found)
        if isinstance(found, Exception):
            raise found
        return found

    def finish(self, state: State) -> TrainedRecognizer:
        """The recognizer that a state has as its best."""
        best, log = state["best"], state["log"]
        recognizer = fill(self.settings.architecture(), best["weights"], self.name)
        record = {
            **asdict(self.settings),
            "clips": len(self.training),
            "epochs_run": state["epoch"],
            "best_epoch": best["epoch"],
            **({"best_top1": best["top1"]} if "top1" in best else {}),
            "seconds": log[-1]["seconds"],
            "parameters": count_parameters(recognizer),
        }
        return TrainedRecognizer(
            recognizer,
            self.settings.preprocessing(),
            self.training.class_names,
            self.name,
            record,
            clip_seconds=self.training.clip_seconds or USUAL_CLIP_SECONDS,
            no_action=self.settings.no_action,
        )

    def _train(self, recognizer: Recognizer, state: State | None) -> State:
        events = self.run_dir if importlib.util.find_spec("tensorboard") else None
        save = SaveState(self.run_dir, self.data, self.finish)
        hooks = [Progress(self.on_step, events), *self._hooks(), save]
        with _scratch() as scratch:
            try:
                self._runner(recognizer, state, hooks, scratch).train()
            except SkelactError as error:
                # What a worker process raises comes with its traceback before the sentence.
                sentence = str(error).strip().splitlines()[-1]
                raise type(error)(sentence.partition("Error: ")[2] or sentence) from None
        return save.state

    def _hooks(self) -> list[dict[str, Any]]:
        settings = self.settings
        hooks: list[dict[str, Any]] = [
            {"type": "skelact.SettleBatchNorm", "always": settings.ema > 0},
            {"type": "skelact.KeepBest"},
        ]
        if settings.ema:
            hooks.append({"type": "EMAHook", "momentum": settings.ema, "strict_load": True})
        if settings.early_stopping and self.validation is not None:
            hooks.append({"type": "skelact.StopEarly", "validations": settings.early_stopping})
        return hooks

    def _runner(self, recognizer: Recognizer, state: State | None, hooks: list[Any], scratch: str) -> ClipRunner:
        settings = self.settings
        model = TrainingModel(recognizer, settings.label_smoothing)
        loaders = self._loaders()
        steps = len(loaders["train_dataloader"]) * settings.epochs
        wrapper = {
            "type": "skelact.PreciseOptimWrapper",
            "optimizer": optimizer(model.to(self.device), settings),
            "parts": settings.accumulate,
            "precision": settings.precision,
            "device": self.device,
        }
        return ClipRunner(
            device=self.device,
            state=state,
            model=model,
            work_dir=scratch,
            train_cfg={"by_epoch": True, "max_epochs": settings.epochs, "val_interval": settings.validate_every},
            optim_wrapper=registry.OPTIM_WRAPPERS.build(wrapper),
            param_scheduler=schedule(settings, steps),
            # The rest of mmengine's write logs and checkpoints of their own, or slow each step down.
            default_hooks={"runtime_info": None, "timer": None, "logger": None, "checkpoint": None},
            custom_hooks=hooks,
            randomness={"seed": settings.seed},
            **loaders,
        )

    def _loaders(self) -> dict[str, Any]:
        settings, preprocessing = self.settings, self.settings.preprocessing()
        share = self.batch // world_size()
        dataset = ClipDataset(
            self.training,
            preprocessing,
            training=True,
            augmentation=settings.augment,
            seed=settings.seed,
            repeat=settings.repeat,
            no_action=settings.no_action,
            transitions=settings.transitions,
        )
        sampler = {
            "type": "skelact.BatchedSampler",
            "dataset": dataset,
            "batch_size": self.batch,
            "seed": settings.seed,
            "balanced": settings.balance_classes,
        }
        out: dict[str, Any] = {
            "train_dataloader": loader(dataset, registry.DATA_SAMPLERS.build(sampler), share, settings, self.device)
        }
        if self.validation is not None:
            # One clip of each sample in validation, as published.
            dataset = ClipDataset(self.validation, replace(preprocessing, test_clips=1), training=False)
            sampler = {"type": "DefaultSampler", "dataset": dataset, "shuffle": False, "round_up": False, "seed": 0}
            out["val_dataloader"] = loader(dataset, registry.DATA_SAMPLERS.build(sampler), share, settings, self.device)
            out |= {"val_cfg": {}, "val_evaluator": [{"type": "skelact.Top1"}]}
        return out
