"""Arrays in an .npz archive, without pickles: written in pieces, and read so that zeros take no memory.

Keypoints of long videos are mostly those of persons who are absent. What is read is put into memory (or a mapped file,
see `skelact.arrays`) that the system gives zeroed, and pieces of zeros are left out: only what was seen takes room.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Literal

import numpy as np

from skelact.arrays import zeros
from skelact.errors import InputError, SkelactError
from skelact.formats.writing import atomic_write

MAGIC = b"PK"  # how a zip archive starts, which an .npz is
PIECE = 1 << 18  # bytes read at a time
_ENDING = ".npy"


def write_arrays(arrays: Mapping[str, np.ndarray], path: Path, overwrite: bool = False) -> None:
    """Write arrays as a compressed .npz without pickles, whole or not at all; 32 MB of memory beside them.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    # As np.savez_compressed does, which however leaves an archive half closed when the disk is full.
    with atomic_write(path, overwrite) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}{_ENDING}", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def read_arrays(path: Path, wanted: Iterable[str], maker: str) -> tuple[dict[str, np.ndarray], set[str]]:
    """Some arrays of an .npz.

    Args:
        path: the file.
        wanted: the arrays to read; those that the file lacks are left out.
        maker: the command that writes such files, to name in an error.

    Returns:
        Name to array, and the names of all that the file holds.

    Raises:
        InputError: the file is missing, unreadable, damaged or no .npz, or an array has anything but plain values.
    """
    try:
        with path.open("rb") as file:
            is_archive = file.read(len(MAGIC)) == MAGIC
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if not is_archive:
        raise InputError(f"{str(path)!r} is not an .npz file: give one that `{maker}` wrote")
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(_ENDING) for name in archive.namelist()}
            return {name: _array(archive, name) for name in wanted if name in names}, names
    except SkelactError:
        raise
    except Exception as error:  # numpy and zipfile raise nearly anything for what is damaged or forged
        raise InputError(
            f"{str(path)!r} is damaged or cut short ({_first_line(error)}): copy it or run `{maker}` again"
        ) from None


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    info = archive.getinfo(f"{name}{_ENDING}")
    with archive.open(info) as member:
        shape, order, dtype = _header(member)
        if dtype.kind not in "biufU" or not dtype.itemsize:
            raise ValueError(f"{name} is {dtype}, which is none of numbers or text")
        size = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or info.file_size != member.tell() + size:
            raise ValueError(f"{name} has not the bytes of its shape")
        whole = zeros((size,), np.uint8)
        for start in range(0, size, PIECE):
            piece = np.frombuffer(member.read(min(PIECE, size - start)), np.uint8)
            if piece.any():
                whole[start : start + PIECE] = piece  # fails where the file ends too early
        return whole.view(dtype).reshape(shape, order=order) if size else np.zeros(shape, dtype)


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], Literal["C", "F"], np.dtype]:
    """The shape, order ("C" or "F") and type of the array that follows."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(member)
    if version not in readers:
        raise ValueError(f"an array in version {version} of its format")
    shape, fortran, dtype = readers[version](member)
    return shape, "F" if fortran else "C", dtype


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
