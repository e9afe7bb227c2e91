"""Pickles of plain values and arrays are read as pickle reads them; nothing in any pickle is run."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skelact.errors import InputError
from skelact.formats.guarded_pickle import StoredArray, load_guarded


def read(content: bytes, folder: Path) -> Any:
    """What the file holds, its arrays built."""
    path = folder / "a.pkl"
    path.write_bytes(content)
    store = io.BytesIO()
    return built(load_guarded(path, store), store.getbuffer())


def built(value: Any, whole: memoryview) -> Any:
    if isinstance(value, StoredArray):
        return value.read(whole)
    if isinstance(value, dict):
        return {key: built(entry, whole) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(built(entry, whole) for entry in value)
    return value


def same(a: Any, b: Any) -> bool:
    if isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(b, dict):
        return isinstance(a, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in b)
    if isinstance(b, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b and type(a) is type(b)


NUMBERS = st.sampled_from(["<f2", "<f4", ">f4", "<f8", "|u1", "<i8", "<i4", "<u2", "|b1"]).map(np.dtype)
ARRAYS = NUMBERS.flatmap(
    lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(max_size=9), ARRAYS,
    ARRAYS.map(np.asfortranarray),
)  # fmt: skip
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4), st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(value=VALUES, protocol=st.integers(0, 5))
def test_plain_values_and_arrays_are_read(value: Any, protocol: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert same(read(pickle.dumps(value, protocol), tmp_path_factory.mktemp("trip")), value)


@pytest.mark.parametrize("protocol", range(6))
def test_other_containers_and_numbers_of_numpy(tmp_path: Path, protocol: int) -> None:
    value = {
        "numbers": [np.float32(1.5), np.int64(-3), np.bool_(True)],
        "set": {"a", "b"},
        "ordered": OrderedDict(a=1),
        "lists": defaultdict(list, {"train": ["x"]}),
    }
    wanted = {"numbers": [1.5, -3, True], "set": {"a", "b"}, "ordered": {"a": 1}, "lists": {"train": ["x"]}}
    assert read(pickle.dumps(value, protocol), tmp_path) == wanted


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_that_are_referred_to_twice(tmp_path: Path, protocol: int) -> None:
    shared = np.arange(5000, dtype=np.float32)
    first, second, others = read(pickle.dumps([shared, shared, [shared + 1]], protocol), tmp_path)
    assert np.array_equal(first, shared)
    assert np.array_equal(second, shared)
    assert np.array_equal(others[0], shared + 1)


def test_files_of_python_2(tmp_path: Path) -> None:
    """Protocol 2 as Python 2 writes it: texts of bytes, and the bytes of an array as one of them."""
    values = struct.pack("<3h", 1, -2, 255)

    def text(content: bytes) -> bytes:
        return pickle.SHORT_BINSTRING + bytes([len(content)]) + content

    number_type = (
        b"cnumpy\ndtype\n("
        + text(b"i2")
        + b"K\x00K\x01tR(K\x03"
        + text(b"<")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR(K\x01(K\x03t"
        + number_type + b"I00\n" + text(values) + b"tb"
    )  # fmt: skip
    content = b"\x80\x02}(" + text(b"name") + text(b"caf\xe9") + text(b"data") + array + b"u."
    assert same(read(content, tmp_path), {"name": "café", "data": np.array([1, -2, 255], "<i2")})
    assert same(pickle.loads(content, encoding="latin1")["data"], np.array([1, -2, 255], "<i2"))  # it is such a file


class Runs:
    """An object whose pickle calls something."""

    def __init__(self, call: Any, *arguments: Any):
        self.call = call
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.arguments


class Plain:
    """An object with a state."""

    def __init__(self) -> None:
        self.value = 1


DANGEROUS = {
    "a command": (lambda marker: Runs(os.system, f"touch {marker}"), "posix.system"),
    "an evaluation": (lambda marker: Runs(eval, f"open({str(marker)!r}, 'w')"), "builtins.eval"),
    "a file opened": (lambda marker: Runs(open, str(marker), "w"), "io.open"),
    "an attribute": (lambda marker: Runs(getattr, [], "append"), "builtins.getattr"),
    "an import": (lambda marker: Runs(__import__, "antigravity"), "builtins.__import__"),
    "a process": (lambda marker: Runs(subprocess.Popen, ["touch", str(marker)]), "Popen"),
    "a nested pickle": (lambda marker: Runs(pickle.loads, b"N."), r"pickle\.loads"),
    "an object of a class": (lambda marker: Plain(), r"copy_?reg\._reconstructor|\(KeyError\)|test_guarded_pickle"),
    "objects in an array": (lambda marker: np.array([{}, None]), "'O8', which is none of numbers"),
    "texts in an array": (lambda marker: np.array(["abc"]), "'U3', which is none of numbers"),
    "fields in an array": (lambda marker: np.zeros(2, [("a", "f4")]), "'V4', which is none of numbers|not of plain"),
    "dates in an array": (lambda marker: np.array(["2020-01-01"], "M8[D]"), "none of numbers|not of plain|damaged"),
    "a text of NumPy": (lambda marker: np.str_("abc"), "'U3', which is none of numbers"),
    "a function of NumPy": (lambda marker: Runs(np.load, str(marker)), r"numpy.*load"),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(("make", "message"), DANGEROUS.values(), ids=DANGEROUS)
def test_nothing_is_run(tmp_path: Path, make: Any, message: str, protocol: int) -> None:
    marker = tmp_path / "ran"
    content = pickle.dumps({"annotations": [make(marker)]}, protocol)
    with pytest.raises(InputError, match=message):
        read(content, tmp_path)
    assert not marker.exists()
    assert "antigravity" not in sys.modules


def array_pickle(
    shape: tuple[int, ...] = (3,), code: str = "f4", order: str = "<", content: bytes = bytes(12)
) -> bytes:
    """A pickle of one array, written by hand."""
    lengths = b"".join(b"I%d\n" % length for length in shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR(I1\n("
        + lengths
        + b"tcnumpy\ndtype\n(V%s\nI0\nI1\ntR(I3\nV%s\nNNNI-1\nI-1\nI0\ntbI00\nB" % (code.encode(), order.encode())
        + struct.pack("<I", len(content))
        + content
        + b"tb."
    )


def test_the_hand_written_array_is_one(tmp_path: Path) -> None:
    assert same(pickle.loads(array_pickle()), np.zeros(3, np.float32))
    assert same(read(array_pickle(), tmp_path), np.zeros(3, np.float32))


FORGED = {
    "fewer bytes than its shape": (array_pickle(content=bytes(11)), "bytes do not fill its shape"),
    "more bytes than its shape": (array_pickle(content=bytes(13)), "bytes do not fill its shape"),
    "a huge shape": (array_pickle(shape=(4611686018427387904, 4)), "bytes do not fill its shape"),
    "a shape that overflows to the right size": (
        array_pickle(shape=(4611686018427387907, 4), content=bytes(48)), "bytes do not fill its shape",
    ),
    "a negative shape": (array_pickle(shape=(-3, -1)), "impossible shape"),
    "too many axes": (array_pickle(shape=(1,1,1,1,1,1,1,1,1,1), content=bytes(4)), "without a shape"),
    "objects, and addresses as their bytes": (array_pickle(code="O8", content=bytes(24)), "none of numbers"),
    "a type that runs into the next": (array_pickle(code="f4,f4", content=bytes(24)), "none of numbers"),
    "an unknown byte order": (array_pickle(order="?"), "none of numbers"),
    "the state of an array on a name": (b"cnumpy\nndarray\n(I1\nI2\ntb.", "an object with a state"),
    "an attribute set on a name": (b"cnumpy\ndtype\n}V__init__\nNsb.", "an object with a state"),
    "a call of what was read": (b"(lp0\n(tR.", "a call"),
    "a number too short": (
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(Vf8\nI0\nI1\ntRB\x04\0\0\0abcdtR.", "another length",
    ),
    "a constructor without a call": (b"\x80\x02cnumpy\ndtype\n)\x81.", "KeyError"),
    "a buffer from outside": (b"\x80\x05\x97.", "KeyError"),
    "an object from outside": (b"Pos\n.", "KeyError"),
    "a registered extension": (b"\x80\x02\x82\x01.", "KeyError"),
    "bytes that are not there": (b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"abc.", "damaged or cut short"),
    "a buffer too large for any memory": (b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"abc.", "damaged"),
    "a place in the memo that is not there": (b"j\xff\xff\xff\x7f.", "damaged or cut short"),
    "nothing": (b"", "damaged or cut short"),
    "text": (b"clip,label\nwalk,1\n", "damaged or cut short"),
    "an archive": (b"PK\3\4" + bytes(100), "damaged or cut short"),
    "a stop at once": (b".", "damaged or cut short"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), FORGED.values(), ids=FORGED)
def test_forged_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read(content, tmp_path)
    assert "a.pkl" in str(raised.value)


EXAMPLE = pickle.dumps({"split": {"a": ["x"]}, "annotations": [{"keypoint": np.ones((2, 3, 17, 2), "f2")}]}, 4)


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_files_cut_short_are_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(InputError):
        read(EXAMPLE[: int(share * len(EXAMPLE))], tmp_path_factory.mktemp("cut"))


@settings(max_examples=200, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, len(EXAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_files_are_read_or_refused(
    changes: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(EXAMPLE)
    for place, value in changes:
        content[place] = value
    with suppress(InputError):  # anything else would be a crash
        read(bytes(content), tmp_path_factory.mktemp("damaged"))


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        load_guarded(tmp_path / "missing.pkl", io.BytesIO())
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_guarded(tmp_path, io.BytesIO())


def test_the_bytes_of_arrays_are_not_kept_in_memory(tmp_path: Path) -> None:
    """120 MB of arrays are read by a process whose memory grows by less than half of that."""
    path = tmp_path / "large.pkl"
    with path.open("wb") as file:
        pickle.dump([np.full(2_000_000, k, np.uint8) for k in range(60)], file, protocol=4)
    script = (
        "import resource, sys, tempfile\n"
        "from pathlib import Path\n"
        "from skelact.formats.guarded_pickle import load_guarded\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with tempfile.TemporaryFile() as store:\n"
        "    assert len(load_guarded(Path(sys.argv[1]), store)) == 60\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120)
    assert float(run.stdout) < 60, run.stderr
