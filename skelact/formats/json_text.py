"""JSON read item by item, so that memory does not grow with a file, and keypoints written in few digits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from skelact.errors import InputError
from skelact.sequence import PoseSequence

DEEPEST = 64  # brackets within brackets; the parser's time and memory grow with the square of it
PIXEL_DIGITS, SCORE_DIGITS = 3, 4
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STEPS = np.zeros(256, np.int64)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1


class _Shallow:
    """A file that is refused where its brackets go too deep."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.ended = False  # whether it was read to its end
        self._depth = 0
        self._quoted = False
        self._escaped = False  # whether what was read ends in the middle of an escape
        if file.read(len(_BYTE_ORDER_MARK)) != _BYTE_ORDER_MARK:
            file.seek(0)

    def read(self, size: int) -> bytes:
        """The next bytes, as of a file."""
        content = self._file.read(size)
        if content:
            self._check(content)
        self.ended = size > 0 and not content
        return content

    def _check(self, content: bytes) -> None:
        plain = content if not self._escaped else b" " + content[1:]
        self._escaped = False
        if b"\\" in plain:
            plain = re.sub(rb"\\[\s\S]", b"  ", plain)
            self._escaped = plain.endswith(b"\\")
        codes = np.frombuffer(plain, np.uint8)
        quoted = (np.cumsum(codes == ord('"')) + self._quoted) % 2 == 1
        depth = self._depth + np.cumsum(np.where(quoted, 0, _STEPS[codes]))
        if depth.max() > DEEPEST:
            raise InputError(f"its brackets are more than {DEEPEST} deep, as no keypoints are")
        self._depth, self._quoted = int(depth[-1]), bool(quoted[-1])


def read_items(path: Path, prefix: str) -> Iterator[Any]:
    """The items of a list in a JSON file, one by one.

    Args:
        path: the file, in UTF-8.
        prefix: where the list is, as ijson has it: "item" at the top, "images.item" under a key.

    Raises:
        InputError: the file is missing, unreadable, no JSON, cut short or not in UTF-8.
    """
    import ijson

    ended = False
    try:
        with path.open("rb") as file:
            shallow = _Shallow(file)
            try:
                yield from ijson.items(shallow, prefix, use_float=True)
            finally:
                ended = shallow.ended
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except InputError as error:
        raise InputError(f"{str(path)!r} is not read: {error}") from None
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise InputError(f"{str(path)!r} is {_fault(str(error), ended)}") from None


def _fault(message: str, ended: bool) -> str:
    if ended or "premature EOF" in message:
        return "cut short or empty: copy it again"
    if "UTF8" in message or "codec" in message:
        return "not in UTF-8: write it again in that encoding"
    found = re.search(r"(?:lexical|parse) error: ([^.\n\\]*)", message)
    return f"no JSON ({found[1] if found else 'damaged'}; NaN and Infinity are none either): write it again"


def read_json(path: Path, most: int) -> Any:
    """What a small JSON file holds.

    Args:
        path: the file, in UTF-8.
        most: its largest size, bytes.

    Raises:
        InputError: as of `read_items`, or it is larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise InputError(f"{str(path)!r} has more than {most >> 20} MB, too much for one frame")
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError:
        raise InputError(f"{str(path)!r} is not in UTF-8: write it again in that encoding") from None
    except (ValueError, RecursionError) as error:
        cut = isinstance(error, json.JSONDecodeError) and error.pos >= len(error.doc.rstrip())
        fault = "cut short or empty: copy it again" if cut else f"no JSON ({str(error)[:60]}): write it again"
        raise InputError(f"{str(path)!r} is {fault}") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def first_character(path: Path) -> str:
    """The first character of a JSON file that is not blank, "" if there is none.

    Raises:
        InputError: the file is missing or unreadable.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16).removeprefix(_BYTE_ORDER_MARK).lstrip()
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    return head[:1].decode("latin1")


def dump(value: Any) -> bytes:
    """A value as JSON, close and in ASCII."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def pixels(values: np.ndarray | list[Any]) -> list[Any]:
    """Coordinates to a thousandth of a pixel."""
    return np.round(np.asarray(values, np.float64), PIXEL_DIGITS).tolist()


def shares(scores: np.ndarray) -> list[Any]:
    """Scores to a ten-thousandth; what was seen, by however little, keeps a score above 0."""
    exact = np.asarray(scores, np.float64)
    return np.where(exact > 0, np.maximum(np.round(exact, SCORE_DIGITS), 10.0**-SCORE_DIGITS), 0).tolist()


def attendance(sequence: PoseSequence) -> np.ndarray:
    """(I, T) bool: where a person has a keypoint that was seen, or a box."""
    return sequence.present | (sequence.boxes != 0).any(axis=-1)
