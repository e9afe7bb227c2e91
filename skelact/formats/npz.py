"""A PoseSequence as one .npz file: every field under its name, and the version of the format. No pickles.

Everything is kept as it is in memory. A member `origin` may tell how the sequence was made; it is no part of it.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from skelact.errors import InputError, SkelactError
from skelact.formats.archive import read_arrays, write_arrays
from skelact.sequence import PoseSequence

VERSION = 1
MAKER = "skelact extract"
ORIGIN = "origin"  # an optional text, which is no part of the sequence
# Field to the type it has in memory, the kinds of numpy types a file may hold it as, and its axes.
_NUMBER, _WHOLE, _TEXT = "fiu", "iu", "U"
_FIELDS: dict[str, tuple[Any, str, int]] = {
    "keypoints": (np.float32, _NUMBER, 4),
    "scores": (np.float32, _NUMBER, 3),
    "boxes": (np.float32, _NUMBER, 3),
    "track_ids": (np.int64, _WHOLE, 1),
    "timestamps": (np.float64, _NUMBER, 1),
    "width": (np.int64, _WHOLE, 0),
    "height": (np.int64, _WHOLE, 0),
    "fps": (np.float64, _NUMBER, 0),
    "source": (np.str_, _TEXT, 0),
    "estimator": (np.str_, _TEXT, 0),
    "layout": (np.str_, _TEXT, 0),
    "notes": (np.str_, _TEXT, 1),
}
_WANTED = ("version", *_FIELDS)


def save_sequence(sequence: PoseSequence, path: str | Path, overwrite: bool = False, origin: str = "") -> None:
    """Write a sequence to a file, whole or not at all; missing folders are created.

    Args:
        sequence: the sequence; no copy of it is made.
        path: the file.
        overwrite: whether it may replace a file.
        origin: how the sequence was made, e.g. settings as JSON, for `load_origin`; left out where empty.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    arrays = {field.name: np.asarray(getattr(sequence, field.name)) for field in fields(sequence)}
    arrays["notes"] = np.array(sequence.notes, dtype=np.str_)
    arrays["version"] = np.array(VERSION)
    if origin:
        arrays[ORIGIN] = np.array(origin, dtype=np.str_)
    write_arrays(arrays, Path(path), overwrite)


def load_sequence(path: str | Path) -> PoseSequence:
    """The sequence in a file that `save_sequence` wrote; absent persons take next to no memory.

    Raises:
        InputError: the file is missing, unreadable, damaged, no sequence, or holds impossible numbers.
    """
    path = Path(path)
    arrays, names = read_arrays(path, _WANTED, MAKER)
    _check_members(names, path)
    _check_version(arrays["version"], path)
    return _sequence(arrays, path)


def load_origin(path: Path) -> str:
    """The `origin` that a sequence was saved with, "" if with none; nothing else is read.

    Raises:
        InputError: the file is missing, unreadable, damaged or no .npz, or its origin is no text.
    """
    arrays, _ = read_arrays(path, (ORIGIN,), MAKER)
    origin = arrays.get(ORIGIN, np.array(""))
    if origin.ndim or origin.dtype.kind not in _TEXT:
        raise InputError(f"{str(path)!r}: its origin is {origin.dtype} with {origin.ndim} axes, not a text")
    return str(origin)


def _check_members(names: set[str], path: Path) -> None:
    missing = [name for name in _WANTED if name not in names]
    if missing and "label" in names:
        raise InputError(
            f"{str(path)!r} holds labelled clips for training, not a pose sequence: give it to `skelact train`"
        )
    if missing:
        raise InputError(
            f"{str(path)!r} is no pose sequence, it lacks {', '.join(missing)}: give a file that `skelact extract` "
            "wrote"
        )


def _check_version(version: np.ndarray, path: Path) -> None:
    if version.ndim or version.dtype.kind not in _WHOLE or version < 1:
        raise InputError(f"{str(path)!r} is no pose sequence: its version is {version!r}, not a number from 1")
    if version > VERSION:
        raise InputError(f"{str(path)!r} has format {version}, and this skelact reads {VERSION}: update skelact")


def _sequence(arrays: dict[str, np.ndarray], path: Path) -> PoseSequence:
    values: dict[str, Any] = {}
    for name, (dtype, kinds, axes) in _FIELDS.items():
        array = arrays[name]
        if array.ndim != axes or array.dtype.kind not in kinds:
            raise InputError(
                f"{str(path)!r} is no pose sequence: {name} is {array.dtype} with {array.ndim} axes, expected "
                f"{np.dtype(dtype).name} with {axes}"
            )
        values[name] = array.astype(dtype, copy=False) if axes else array.item()
    values["notes"] = tuple(values["notes"].tolist())
    fault = _impossible(values)
    if fault:
        raise InputError(f"{str(path)!r} holds impossible numbers: {fault}; run `skelact extract` again")
    try:
        return PoseSequence(**values)
    except SkelactError as error:
        raise InputError(f"{str(path)!r} holds {error}") from None


def _impossible(values: dict[str, Any]) -> str | None:
    """What cannot be in these values, or None; person by person, as what is made of an array may be as large as it."""
    for name in ("keypoints", "scores", "boxes"):
        if not all(np.isfinite(person).all() for person in values[name]):
            return f"{name} has values that are not finite"
    for name in ("timestamps", "fps"):
        if not np.isfinite(values[name]).all():
            return f"{name} has values that are not finite"
    for name in ("width", "height", "fps"):
        if values[name] <= 0:
            return f"{name} is {values[name]}"
    if any((scores < 0).any() for scores in values["scores"]):
        return "scores below 0"
    if (np.diff(values["timestamps"]) <= 0).any():
        return "timestamps that do not increase"
    return None
