"""Which processor to compute on."""

from __future__ import annotations

import re

from skelact.errors import UsageError


def resolve_device(name: str) -> str:
    """The device that a name on the command line stands for.

    Args:
        name: auto (a GPU where there is one), cpu, cuda or cuda:N.

    Returns:
        cpu, cuda or cuda:N, a device that is there.

    Raises:
        UsageError: it is none of these, or not there; names those that are.
    """
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return "cuda" if gpus else "cpu"
    if name == "cpu" or (name == "cuda" and gpus):
        return name
    numbered = re.fullmatch(r"cuda:([0-9]+)", name)
    if numbered and int(numbered[1]) < gpus:
        return f"cuda:{int(numbered[1])}"
    there = ", ".join(["auto", "cpu", *(["cuda"] if gpus else []), *(f"cuda:{k}" for k in range(gpus))])
    if numbered or name == "cuda":
        raise UsageError(f"device {name!r} is not there: choose from {there}")
    raise UsageError(f"unknown device {name!r}: choose from {there}")
