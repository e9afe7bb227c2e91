"""A PoseSequence as one .npz file: every field under its name, and the version of the format. No pickles."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from skelact.errors import InputError, SkelactError
from skelact.formats.writing import atomic_write
from skelact.sequence import PoseSequence

VERSION = 1
MAGIC = b"PK"  # how a zip archive starts, which an .npz is
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


def save_sequence(sequence: PoseSequence, path: Path, overwrite: bool = False) -> None:
    """Write a sequence to a file, whole or not at all; missing folders are created.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    arrays = {field.name: np.asarray(getattr(sequence, field.name)) for field in fields(sequence)}
    arrays["notes"] = np.array(sequence.notes, dtype=np.str_)
    arrays["version"] = np.array(VERSION)
    write_arrays(arrays, path, overwrite)


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path, overwrite: bool = False) -> None:
    """Write arrays as a compressed .npz without pickles, whole or not at all.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    # As np.savez_compressed does, which however leaves an archive half closed when the disk is full.
    with atomic_write(path, overwrite) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def load_sequence(path: Path) -> PoseSequence:
    """The sequence in a file that `save_sequence` wrote.

    Raises:
        InputError: the file is missing, unreadable, damaged, no sequence, or holds impossible numbers.
    """
    return _sequence(_read(path), path)


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of `_WANTED` in the file."""
    try:
        with path.open("rb") as file:
            is_archive = file.read(len(MAGIC)) == MAGIC
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if not is_archive:
        raise InputError(f"{str(path)!r} is not an .npz file: give one that `skelact extract` wrote")
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = set(archive.files)
            arrays = {name: archive[name] for name in _WANTED} if names.issuperset(_WANTED) else {}
    except Exception as error:  # numpy and zipfile raise nearly anything for what is damaged or forged
        raise InputError(
            f"{str(path)!r} is damaged or cut short ({_first_line(error)}): copy it or run `skelact extract` again"
        ) from None
    _check_members(names, path)
    _check_version(arrays["version"], path)
    return arrays


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
    """What cannot be in these values, or None."""
    for name in ("keypoints", "scores", "boxes", "timestamps", "fps"):
        if not np.isfinite(values[name]).all():
            return f"{name} has values that are not finite"
    for name in ("width", "height", "fps"):
        if values[name] <= 0:
            return f"{name} is {values[name]}"
    if (values["scores"] < 0).any():
        return "scores below 0"
    if (np.diff(values["timestamps"]) <= 0).any():
        return "timestamps that do not increase"
    return None


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
