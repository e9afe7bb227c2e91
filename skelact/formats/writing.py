"""Files that are there as a whole or not at all."""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from skelact.errors import OutputError

# Where a file is written until it is whole: of which machine and process, and a name of its own.
_DRAFT = re.compile(r"\.skelact-([0-9a-f]{8})-([0-9]+)-[0-9a-f]{8}\.part")
_ABANDONED_SECONDS = 24 * 3600.0  # without a byte written, wherever the writer may be


def check_output(path: Path, overwrite: bool = False) -> None:
    """Make sure that an output can be written, before the work that it is to hold; missing folders are created.

    Raises:
        OutputError: the file exists and `overwrite` is not set, something else than a file is in its place, or its
            folder cannot be written to.
    """
    _check_place(path, overwrite)
    draft = draft_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(exist_ok=False)
        draft.unlink()
    except OSError as error:
        raise write_error(path, error) from None


def _check_place(path: Path, overwrite: bool) -> None:
    if path.exists() and not path.is_file():
        raise OutputError(f"{str(path)!r} is not a file: give the name of a file to write")
    if path.exists() and not overwrite:
        raise OutputError(f"{str(path)!r} exists: give another name, or --overwrite to replace it")


@contextmanager
def atomic_write(path: Path, overwrite: bool = False) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place at the end; after a failure, what was there before stays.

    Missing folders are created. What a killed process leaves behind is hidden, see `sweep_drafts`.

    Args:
        path: the file's name in the end.
        overwrite: whether it may replace a file.

    Raises:
        OutputError: as of `check_output`, or the file cannot be written, e.g. for want of space.
    """
    _check_place(path, overwrite)
    draft = draft_path(path)
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


def draft_path(path: Path) -> Path:
    """A new name beside a file or folder, under which it is written until it is whole."""
    return path.parent / f".skelact-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.part"


def sweep_drafts(folder: Path) -> None:
    """Delete the drafts in a folder whose process was killed; what others are writing stays."""
    with suppress(OSError):
        for draft in folder.glob(".skelact-*.part"):
            with suppress(OSError):
                if not _is_abandoned(draft):
                    continue
                if draft.is_dir():
                    shutil.rmtree(draft)
                else:
                    draft.unlink()


def _is_abandoned(draft: Path) -> bool:
    name = _DRAFT.fullmatch(draft.name)
    if name and name[1] == _machine():
        return not _is_alive(int(name[2]))
    # The time of a folder stands still while its files grow.
    newest = max(file.stat().st_mtime for file in (draft, *(draft.iterdir() if draft.is_dir() else ())))
    return time.time() - newest > _ABANDONED_SECONDS


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@functools.cache
def _machine() -> str:
    """Tells this machine's, or container's, processes from others'."""
    try:
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def write_error(path: Path, error: OSError) -> OutputError:
    """The sentence for an output that the system does not let be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return OutputError(f"no space is left for {str(path)!r}: make room or write to another disk")
    return OutputError(f"{str(path)!r} cannot be written ({error.strerror or error}): write to another folder")
