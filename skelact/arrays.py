"""What is too large for the memory, in temporary files that go with what uses them."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from skelact.errors import OutputError

LARGE = 1 << 28  # bytes; smaller arrays are in memory
WAIT_IN_MEMORY = 1 << 26  # bytes of `Waiting`; an hour of one person is 180 MB


def zeros(shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """An array of zeros; a large one mapped from a temporary file, in which only what is not zero takes space.

    Raises:
        OutputError: that folder cannot be written to.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size <= LARGE:
        return np.zeros(shape, dtype)
    try:
        with tempfile.TemporaryFile(prefix="skelact-") as file:
            file.truncate(size)
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        raise _no_place(f"{size >> 20} MB of keypoints", error) from None


class Waiting:
    """Bytes that are written, and later read from the beginning; many wait in a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=WAIT_IN_MEMORY, prefix="skelact-")  # noqa: SIM115 (close)

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            OutputError: the folder for temporary files is full.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise _no_place("the keypoints", error) from None

    def blocks(self, size: int) -> Iterator[bytes]:
        """All of it, so many bytes at a time; nothing may be written meanwhile."""
        self._file.seek(0)
        while block := self._file.read(size):
            yield block

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


def _no_place(what: str, error: OSError) -> OutputError:
    return OutputError(
        f"{tempfile.gettempdir()!r} has no place for {what} ({error.strerror}): make room or name another folder by "
        "the variable TMPDIR"
    )
