"""Training on several processes, as torchrun starts them: who is who, and batch normalisation over all of them."""

from __future__ import annotations

import atexit
import os
from typing import TYPE_CHECKING, Any

from skelact.errors import UsageError

if TYPE_CHECKING:
    from torch import nn


def launched() -> bool:
    """Whether torchrun started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and {"RANK", "LOCAL_RANK", "MASTER_ADDR"} <= os.environ.keys()


def is_main_process() -> bool:
    """Whether this process is the one that writes and prints. Imports no torch."""
    return not launched() or os.environ["RANK"] == "0"


def join_processes(device: str) -> str:
    """Bring all processes that torchrun started in touch, for as long as they live; alone, do nothing.

    Args:
        device: resolved; "cuda" gives each process of a machine a GPU of its own.

    Returns:
        The device of this process.

    Raises:
        UsageError: there are fewer GPUs than processes, or one is named for all of them.
    """
    import torch
    from torch import distributed

    if not launched():
        return device
    backend = "gloo"
    if device.startswith("cuda"):
        backend, device = "nccl", _own_gpu(device)
        torch.cuda.set_device(device)
    if not distributed.is_initialized():
        distributed.init_process_group(backend)
        atexit.register(distributed.destroy_process_group)
    return device


def _own_gpu(device: str) -> str:
    import torch

    number = int(os.environ["LOCAL_RANK"])
    if device != "cuda":
        raise UsageError(f"device {device!r} is one GPU, and torchrun gives each process its own: use --device cuda")
    if number >= torch.cuda.device_count():
        raise UsageError(
            f"process {number} of this machine has no GPU, there are {torch.cuda.device_count()}: start torchrun with "
            "--nproc-per-node of at most that"
        )
    return f"cuda:{number}"


def world_size() -> int:
    """The number of processes in touch, 1 alone."""
    from torch import distributed

    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """The number of this process among those in touch, from 0."""
    from torch import distributed

    return distributed.get_rank() if distributed.is_initialized() else 0


def from_main(value: Any) -> Any:
    """The value that the main process has, on all of them."""
    from torch import distributed

    if world_size() == 1:
        return value
    box = [value]
    distributed.broadcast_object_list(box, src=0)
    return box[0]


def synchronize_batch_norm(model: nn.Module, device: str) -> nn.Module:
    """The model with batch normalisation over the clips of all processes; parameters keep their names.

    Without it, every process would normalise by its own share of a batch, and several small shares train
    differently from one large batch. torch's own is for GPUs only; on CPUs, `SyncedBatchNorm` takes its place.
    """
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm

    if device.startswith("cuda"):
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    from skelact.training.batch_norm import SyncedBatchNorm

    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.__class__ = SyncedBatchNorm
    return model
