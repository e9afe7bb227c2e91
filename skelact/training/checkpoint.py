"""The folder of a training run, and all that a run needs to go on as if it had never stopped.

    settings.json      the settings, readable by `load_settings`
    log.csv            a row an epoch
    last.pth           the state at the end of the last epoch
    best.safetensors   the recognizer with the best top-1 so far; without validation, that of the last epoch

`last.pth` is what counts: the log and the best recognizer are in it too, and are written anew from it, so that all
files are of the same epoch whenever a run is killed. It holds tensors and plain values only.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from skelact.data.clips import ClipSet
from skelact.errors import InputError, OutputError, UsageError, WeightsError
from skelact.formats.writing import atomic_write
from skelact.training.settings import TrainSettings, load_settings

FORMAT = "skelact run 1"
SETTINGS, LOG, LAST, BEST = "settings.json", "log.csv", "last.pth", "best.safetensors"
COLUMNS = ("epoch", "step", "lr", "loss", "top1", "seconds")
State = dict[str, Any]
# Settings that change nothing but speed.
_FREE = ("workers",)


def open_run(folder: Path, settings: TrainSettings, data: str, resume: bool) -> State | None:
    """Make sure that a run may be written to a folder, and read what it goes on from.

    Args:
        folder: of the run; made where it is missing.
        settings: of the run, saved where it is new.
        data: see `fingerprint`.
        resume: go on with a run that is there. One that was stopped before the end of its first epoch starts anew.

    Returns:
        What `save_state` last wrote, or None for a run that starts from the beginning.

    Raises:
        OutputError: the folder holds a run and `resume` is not set, or it cannot be written.
        InputError: there is no run to resume.
        UsageError: the run had other settings or clips; says which settings.
        WeightsError: its state is damaged.
    """
    there = [name for name in (SETTINGS, LAST, BEST) if (folder / name).exists()]
    if resume:
        if SETTINGS not in there:
            raise InputError(f"there is no run to resume in {str(folder)!r}: give its folder, or start it anew")
        _check_settings(folder, settings)
        for draft in folder.glob(".skelact-*.part"):  # left by a process that was killed while it wrote
            draft.unlink()
        return _load_state(folder / LAST, data) if LAST in there else None
    if there:
        raise OutputError(f"{str(folder)!r} holds a run already: resume it (--resume) or give another name")
    with atomic_write(folder / SETTINGS) as file:
        file.write(json.dumps(asdict(settings), indent=2).encode())
    return None


def _check_settings(folder: Path, settings: TrainSettings) -> None:
    before, now = asdict(load_settings(folder / SETTINGS)), asdict(settings)
    for values in (before, now):
        values.update({f"augment.{key}": value for key, value in values.pop("augment").items()})
    other = [f"{key} {before[key]} (now {now[key]})" for key in now if key not in _FREE and before[key] != now[key]]
    if other:
        raise UsageError(
            f"the run in {str(folder)!r} has other settings: {', '.join(other)}: resume it with the same ones, or "
            "start another run"
        )


def fingerprint(*parts: ClipSet | None) -> str:
    """A digest of which clips there are, by name, length, label and class names, to tell sets of clips apart."""
    digest = hashlib.sha256()
    for clips in parts:
        values = (
            [clips.names.tolist(), clips.class_names, clips.labels.tolist(), clips.frames.tolist()] if clips else []
        )
        digest.update(json.dumps(values).encode())
    return digest.hexdigest()


def _load_state(path: Path, data: str) -> State:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a damaged file can break the reader anywhere, and what it says is of no use here
        raise WeightsError(f"the state of the run, {str(path)!r}, is damaged: start another run") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise WeightsError(f"{str(path)!r} is not the state of a run of this version of skelact: start another run")
    if state["data"] != data:
        raise UsageError(f"the run in {str(path.parent)!r} had other clips: resume it with the same, or start another")
    return state


def save_state(folder: Path, state: State) -> None:
    """Write the state and the log that is in it.

    Raises:
        OutputError: it cannot be written; what was there before stays.
    """
    content = io.BytesIO()  # torch hides what is wrong with a disk, so it does not write to it
    torch.save({"format": FORMAT, **state}, content)
    with atomic_write(folder / LAST, overwrite=True) as file:
        file.write(content.getbuffer())
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(state["log"])
    with atomic_write(folder / LOG, overwrite=True) as file:
        file.write(text.getvalue().encode())


def random_state() -> State:
    """Where all random numbers stand, as plain values and tensors."""
    kind, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)
    state: State = {
        "torch": torch.get_rng_state(),
        "numpy": [str(kind), [int(key) for key in keys], int(place), int(has_gauss), float(gauss)],
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: State) -> None:
    """Bring all random numbers to where `random_state` saw them."""
    torch.set_rng_state(state["torch"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
