"""Pickles of plain values and arrays of numbers, read so that nothing in them can run.

Python's own unpickler (the one written in Python, whose operations are a table) is given only the operations that
such pickles are made of, and stand-ins for the few names they may use: nothing is imported, no constructor of
NumPy's is called, and an array is built only once its type, shape and number of bytes fit together. The bytes of
arrays go to a file or buffer as they come, so that memory does not grow with them.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal, cast

import numpy as np

from skelact.errors import InputError

MOST_AXES = 8
LARGE = 1 << 10  # bytes; longer ones are an array's, which nothing else in the pickle refers to
_NUMBERS = re.compile(r"[iu][1248]|f[248]|b1")
# The operations left out run constructors (INST, OBJ, NEWOBJ), refer to what lies outside (PERSID, EXT) or to
# buffers beside the file.
_OPERATIONS = (
    "MARK",
    "STOP",
    "POP",
    "POP_MARK",
    "DUP",
    "FLOAT",
    "INT",
    "BININT",
    "BININT1",
    "LONG",
    "BININT2",
    "NONE",
    "REDUCE",
    "STRING",
    "BINSTRING",
    "SHORT_BINSTRING",
    "UNICODE",
    "BINUNICODE",
    "APPEND",
    "BUILD",
    "GLOBAL",
    "DICT",
    "EMPTY_DICT",
    "APPENDS",
    "GET",
    "BINGET",
    "LONG_BINGET",
    "LIST",
    "EMPTY_LIST",
    "PUT",
    "BINPUT",
    "LONG_BINPUT",
    "SETITEM",
    "TUPLE",
    "EMPTY_TUPLE",
    "SETITEMS",
    "BINFLOAT",
    "PROTO",
    "TUPLE1",
    "TUPLE2",
    "TUPLE3",
    "NEWTRUE",
    "NEWFALSE",
    "LONG1",
    "LONG4",
    "BINBYTES",
    "SHORT_BINBYTES",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINBYTES8",
    "EMPTY_SET",
    "ADDITEMS",
    "FROZENSET",
    "STACK_GLOBAL",
    "MEMOIZE",
    "FRAME",
    "BYTEARRAY8",
)


class _RefusedError(Exception):
    """What a pickle holds that is not read."""


class StoredArray:
    """An array of numbers whose bytes have been put aside; `read` builds it."""

    __slots__ = ("_dtype", "_offset", "_order", "_store", "shape")

    def __init__(self, store: BinaryIO):
        self._store = store
        self._dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._order: Literal["C", "F"] = "C"
        self._offset = 0
        self.shape: tuple[int, ...] = (0,)

    def keep(self, dtype: object, shape: object, order: object, content: object) -> None:
        """Check that these make an array, and put its bytes aside."""
        if not isinstance(dtype, _Type):
            raise _RefusedError(f"an array of {type(dtype).__name__}")
        known = dtype.resolve()
        if not isinstance(shape, tuple) or len(shape) > MOST_AXES or not isinstance(order, str):
            raise _RefusedError("an array without a shape")
        if not all(type(length) is int and length >= 0 for length in shape):
            raise _RefusedError("an array of impossible shape")
        content = content.encode("latin1") if isinstance(content, str) else content
        if not isinstance(content, (bytes, bytearray)) or math.prod(shape) * known.itemsize != len(content):
            raise _RefusedError(f"an array whose bytes do not fill its shape {shape}")
        self.shape, self._dtype, self._order = shape, known, "F" if order == "F" else "C"
        self._offset = self._store.tell()
        self._store.write(content)

    def read(self, whole: Any) -> np.ndarray:
        """The array, a view of the buffer that holds all that was put aside."""
        count = math.prod(self.shape)
        if count == 0:
            return np.zeros(self.shape, self._dtype)
        flat = np.frombuffer(whole, self._dtype, count, self._offset)
        return flat.reshape(self.shape, order=self._order)


class _Type:
    """Stands for numpy.dtype: a code such as f2 and, once its state is set, a byte order."""

    def __init__(self, code: object, *_: object):
        self._code = code
        self._order: object = "="

    def set(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 7 or any(part is not None for part in state[2:5]):
            raise _RefusedError("an array that is not of plain numbers")
        self._order = state[1]

    def resolve(self) -> np.dtype[Any]:
        known = isinstance(self._code, str) and _NUMBERS.fullmatch(self._code)
        if not known or self._order not in ("<", ">", "|", "="):
            raise _RefusedError(f"an array of type {self._code!r}, which is none of numbers")
        return np.dtype(f"{self._order}{self._code}")


@dataclass(frozen=True)
class _StandIn:
    """What stands for a name; nothing in a pickle can change it."""

    call: Callable[..., Any]


class _Memo(dict[int, Any]):
    """What later parts of a pickle refer to, without the bytes of arrays: nothing does, and they would add up."""

    def __setitem__(self, key: int, value: Any) -> None:
        parts = value if isinstance(value, tuple) else (value,)
        large = any(isinstance(part, (bytes, str, bytearray)) and len(part) > LARGE for part in parts)
        super().__setitem__(key, None if large else value)


class _Unpickler(pickle._Unpickler):
    stack: list[Any]
    dispatch: ClassVar[dict[int, Callable[[pickle.Unpickler], None]]] = {
        operation: pickle._Unpickler.dispatch[operation]
        for operation in (getattr(pickle, name)[0] for name in _OPERATIONS)
    }

    def __init__(self, file: BinaryIO, store: BinaryIO):
        super().__init__(file, encoding="latin1")  # as Python 2's arrays need
        self.memo = _Memo()
        self._store = store
        names: dict[str, Callable[..., Any]] = {
            "numpy.dtype": _Type,
            "numpy.ndarray": lambda: None,
            "_codecs.encode": _encoded,
            "builtins.bytes": lambda: b"",
            "builtins.list": lambda: [],
            "builtins.set": lambda items=(): set(items),
            "collections.OrderedDict": lambda: {},
            "collections.defaultdict": lambda *_: {},
        }
        for core in ("numpy.core", "numpy._core"):
            names[f"{core}.multiarray._reconstruct"] = lambda *_: StoredArray(store)
            names[f"{core}.multiarray.scalar"] = self._number
            names[f"{core}.numeric._frombuffer"] = self._array
        self._names = {name: _StandIn(call) for name, call in names.items()}

    def find_class(self, module: str, name: str) -> Any:
        # Python 2 has another name for the module of what is built in, and protocols up to 2 keep to it.
        full = f"{'builtins' if module == '__builtin__' else module}.{name}"
        if not full.replace(".", "").isidentifier():
            raise ValueError("no name")
        if full not in self._names:
            raise _RefusedError(full)
        return self._names[full]

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        stand_in = self.stack[-1]
        if not isinstance(stand_in, _StandIn) or not isinstance(arguments, tuple):
            raise _RefusedError("a call")
        self.stack[-1] = stand_in.call(*arguments)

    dispatch[pickle.REDUCE[0]] = cast(Any, load_reduce)

    def load_build(self) -> None:
        state = self.stack.pop()
        built = self.stack[-1]
        if isinstance(built, _Type):
            built.set(state)
        elif isinstance(built, StoredArray) and isinstance(state, tuple) and len(state) == 5:
            _, shape, dtype, fortran, content = state
            built.keep(dtype, shape, "F" if fortran else "C", content)
        else:
            raise _RefusedError("an object with a state")

    dispatch[pickle.BUILD[0]] = cast(Any, load_build)

    def _array(self, content: object, dtype: object, shape: object, order: object) -> StoredArray:
        array = StoredArray(self._store)
        array.keep(dtype, shape, order, content)
        return array

    def _number(self, dtype: object, content: object) -> int | float | bool:
        if not isinstance(dtype, _Type):
            raise _RefusedError("a number without a type")
        known = dtype.resolve()
        content = content.encode("latin1") if isinstance(content, str) else content
        if not isinstance(content, bytes) or len(content) != known.itemsize:
            raise _RefusedError("a number of another length than its type's")
        return np.frombuffer(content, known)[0].item()


def _encoded(text: object, encoding: object = "latin1", *_: object) -> bytes:
    if not isinstance(text, str) or encoding != "latin1":
        raise _RefusedError("a text in an unusual encoding")
    return text.encode("latin1")


def load_guarded(path: Path, store: BinaryIO) -> Any:
    """What a pickle of plain values and arrays holds, each array as a `StoredArray`.

    Args:
        path: the file.
        store: where the bytes of the arrays are put, an empty file or buffer.

    Raises:
        InputError: there is no such file, it is no pickle, it is damaged, or it holds anything else.
        OSError: the store cannot be written.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    with file:
        try:
            return _Unpickler(file, store).load()
        except _RefusedError as refused:
            raise InputError(
                f"{str(path)!r} is not read, because it holds {refused}: only plain values and arrays of numbers are "
                "read from a pickle, as anything else could run programs"
            ) from None
        except OSError:
            raise
        except Exception as error:  # a damaged or forged file can break the reader anywhere
            raise InputError(
                f"{str(path)!r} is no pickle of plain values and arrays, or is damaged or cut short "
                f"({type(error).__name__}): copy it again"
            ) from None
