"""Processors, and whether torch can use them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from skelact.doctor.finding import ABSENT, OK, WARNING, Finding

DRIVER = Path("/proc/driver/nvidia/version")
INSTALL_TORCH = "install a CUDA build of torch that fits the driver, see https://pytorch.org/get-started"


def check() -> Iterator[Finding]:
    """The CPU, and each GPU."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("CPU", OK, f"{cores} cores, {torch.get_num_threads()} threads a network")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    for k in range(count):
        free, total = torch.cuda.mem_get_info(k)
        name = torch.cuda.get_device_name(k)
        yield Finding(f"cuda:{k}", OK, f"{name}, {total / 1e9:.1f} GB, {free / 1e9:.1f} GB free")
    if count:
        return
    if not (DRIVER.exists() or shutil.which("nvidia-smi")):
        yield Finding("GPU", ABSENT, "no NVIDIA driver: networks run on the CPU")
    elif torch.version.cuda is None:
        yield Finding("GPU", WARNING, f"a driver is there, but torch {torch.__version__} is a CPU build", INSTALL_TORCH)
    else:
        told = f"a driver is there, but torch {torch.__version__} for CUDA {torch.version.cuda} sees no GPU with it"
        yield Finding("GPU", WARNING, told, f"unset CUDA_VISIBLE_DEVICES if it hides the GPU, or {INSTALL_TORCH}")
