"""Files that are there as a whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from skelact.errors import OutputError


def check_output(path: Path, overwrite: bool = False) -> None:
    """Make sure that an output may be written, before the work that it is to hold.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or something else than a file is in its place.
    """
    if path.exists() and not path.is_file():
        raise OutputError(f"{str(path)!r} is not a file: give the name of a file to write")
    if path.exists() and not overwrite:
        raise OutputError(f"{str(path)!r} exists: give another name, or --overwrite to replace it")


@contextmanager
def atomic_write(path: Path, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place at the end; after a failure, what was there before stays.

    Missing folders are created.

    Args:
        path: the file's name in the end.
        overwrite: whether it may replace a file.

    Raises:
        OutputError: as of `check_output`, or the file cannot be written, e.g. for want of space.
    """
    check_output(path, overwrite)
    draft = path.parent / f".skelact-{secrets.token_hex(8)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("xb") as file:
                yield file
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, error) from None


def write_error(path: Path, error: OSError) -> OutputError:
    """The sentence for an output that the system does not let be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(f"no space is left for {str(path)!r}: make room or write to another disk")
    return OutputError(f"{str(path)!r} cannot be written ({error.strerror or error}): write to another folder")
