"""Folders that are there as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from skelact.errors import OutputError
from skelact.formats.writing import draft_path, write_error


def check_folder(path: Path, ending: str, overwrite: bool = False) -> None:
    """Make sure that a folder may be written; one that is empty may always.

    Args:
        path: the folder.
        ending: of the files that it may hold and that are replaced with it; nothing else is ever removed.
        overwrite: whether a folder may be replaced.

    Raises:
        OutputError: it may not; says why.
    """
    if not os.path.lexists(path):
        return
    if not path.is_dir() or path.is_symlink():
        raise OutputError(f"{str(path)!r} is no folder: give the name of a folder to write")
    other = next((file for file in path.rglob("*") if not file.is_dir() and not file.name.endswith(ending)), None)
    if other is not None:
        raise OutputError(
            f"{str(path)!r} holds {other.name!r}, which is no {ending} file, and is not replaced: give another name"
        )
    if any(path.iterdir()) and not overwrite:
        raise OutputError(f"{str(path)!r} exists: give another name, or --overwrite to replace it")


@contextmanager
def atomic_folder(path: Path, ending: str, overwrite: bool = False) -> Iterator[Path]:
    """A folder to write into, which takes its place at the end; after a failure, what was there before stays.

    Between taking the old folder away and putting the new one there, neither is there for a moment.

    Args:
        path, ending, overwrite: as of `check_folder`.

    Raises:
        OutputError: as of `check_folder`, or it cannot be written.
    """
    check_folder(path, ending, overwrite)
    draft = draft_path(path)
    try:
        try:
            draft.mkdir(parents=True)
            yield draft
            check_folder(path, ending, overwrite)
            _replace(draft, path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise write_error(path, error) from None
    except OutputError as error:
        raise OutputError(str(error).replace(str(draft), str(path))) from None


def _replace(draft: Path, path: Path) -> None:
    former = draft_path(path)
    if path.exists():
        path.rename(former)
    try:
        draft.rename(path)
    except OSError:
        if former.exists():
            former.rename(path)
        raise
    shutil.rmtree(former, ignore_errors=True)
