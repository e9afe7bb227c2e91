"""Arrays too large for the memory: in a temporary file, mapped, of which only what is not zero takes space."""

from __future__ import annotations

import math
import tempfile
from typing import Any

import numpy as np

from skelact.errors import OutputError

LARGE = 1 << 28  # bytes; smaller arrays are in memory


def zeros(shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """An array of zeros; a large one in a file that goes with it, in the system's folder for temporary files.

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
        raise OutputError(
            f"{tempfile.gettempdir()!r} has no place for {size >> 20} MB of keypoints ({error.strerror}): make room "
            "or name another folder by the variable TMPDIR"
        ) from None
