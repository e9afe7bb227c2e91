"""Large arrays in files: the same as those in memory, and refused in a sentence where there is no place."""

from __future__ import annotations

import errno
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from skelact import arrays
from skelact.errors import OutputError


@pytest.mark.parametrize("large", [True, False], ids=["in a file", "in memory"])
def test_zeros_are_zeros_that_can_be_written_to(monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    monkeypatch.setattr(arrays, "LARGE", 100 if large else 10_000)
    found = arrays.zeros((3, 40, 2))
    assert isinstance(found, np.memmap) == large
    assert (found.shape, found.dtype) == ((3, 40, 2), np.float32)
    assert not found.any()
    found[1] = 7
    assert found.sum() == 7 * 80


def test_no_place_for_them_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "LARGE", 100)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputError, match=r"has no place for 4 MB of keypoints .*TMPDIR"):
        arrays.zeros((1024, 1024))


@pytest.mark.parametrize("in_memory", [4, 10_000], ids=["in a file", "in memory"])
def test_what_waits_is_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch, in_memory: int) -> None:
    monkeypatch.setattr(arrays, "WAIT_IN_MEMORY", in_memory)
    with closing(arrays.Waiting()) as waiting:
        for piece in (b"one", b"", b"two", b"three"):
            waiting.write(piece)
        for _ in range(2):
            assert list(waiting.blocks(4)) == [b"onet", b"woth", b"ree"]


def test_a_full_folder_is_told_of_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with closing(arrays.Waiting()) as waiting:
        monkeypatch.setattr(waiting._file, "write", full)
        with pytest.raises(OutputError, match=r"no place for the keypoints \(No space left on device\): .*TMPDIR"):
            waiting.write(b"keypoints")
