"""Tables of text, row by row."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from skelact.errors import InputError


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a file with commas between columns, with their line numbers; empty lines are passed over.

    Raises:
        InputError: the file is missing, unreadable, not in UTF-8, or no such table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                if row:
                    yield reader.line_num, row
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{str(path)!r} is not in UTF-8: write it again in that encoding") from None
    except csv.Error as error:
        raise InputError(f"{str(path)!r} is no table with commas between columns ({error}): write it again") from None


def real(text: str, what: str) -> float:
    """A finite number of float32's range.

    Raises:
        InputError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) < 3e38:  # also where it is no number
        raise InputError(f"{what} is {text[:40]!r}, where a finite number is needed")
    return value


def whole(text: str, what: str, least: int, most: int) -> int:
    """A whole number within bounds.

    Raises:
        InputError: it is none.
    """
    try:
        value = int(text[:40])
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise InputError(f"{what} is {text[:40]!r}, where a whole number from {least} to {most} is needed")
    return value
