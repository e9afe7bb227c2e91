"""JSON read item by item: brackets in texts, pieces of any size, and memory that does not grow with the file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.errors import InputError
from skelact.formats.json_text import DEEPEST, _Shallow, pixels, read_items, shares

TEXTS = st.text(st.sampled_from('[]{}"\\ä,:'), max_size=8)
VALUES = st.recursive(TEXTS | st.integers(-9, 9) | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=10)


@given(values=st.lists(VALUES, max_size=5), escape=st.booleans())
def test_items_are_those_of_the_standard_library(values: list, escape: bool, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(values, ensure_ascii=escape), encoding="utf-8")
    assert list(read_items(path, "item")) == values


@settings(max_examples=50)
@given(texts=st.lists(TEXTS, min_size=1, max_size=6), size=st.integers(1, 7))
def test_brackets_within_texts_do_not_count_wherever_pieces_end(texts: list[str], size: int) -> None:
    brackets = json.dumps([text * 10 for text in texts]).encode()
    shallow = _Shallow(io.BytesIO(brackets))
    pieces = b"".join(iter(lambda: shallow.read(size), b""))
    assert pieces == brackets


@settings(max_examples=30)
@given(depth=st.integers(1, 3 * DEEPEST), size=st.integers(1, 50), text=TEXTS)
def test_brackets_outside_of_texts_count_wherever_pieces_end(depth: int, size: int, text: str) -> None:
    content = b"[" + json.dumps(text * 9).encode() + b"," + b"[" * (depth - 1) + b"]" * depth
    shallow = _Shallow(io.BytesIO(content))
    try:
        while shallow.read(size):
            pass
        deepest = False
    except InputError:
        deepest = True
    assert deepest == (depth > DEEPEST)


@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_told(cut: float, tmp_path_factory) -> None:
    content = json.dumps([{"frame_id": 1, "name": "\u00e4", "x": [1.5, -2e3]}] * 3, ensure_ascii=False).encode()
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(InputError, match="cut short or empty: copy it again") as raised:
        list(read_items(path, "item"))
    assert "a.json" in str(raised.value)


def test_numbers_are_short_and_what_was_seen_stays_seen() -> None:
    assert json.dumps(pixels(np.array([[0.1, 33.33333]], np.float32))) == "[[0.1, 33.333]]"
    assert shares(np.array([0, 1e-9, 0.37, 1], np.float32)) == [0, 1e-4, 0.37, 1]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    # 15 MB of JSON, which would be 150 MB as lists.
    instance = json.dumps({"keypoints": [[1.25, 2.5]] * 133, "keypoint_scores": [0.5] * 133, "track_id": 0})
    path = tmp_path / "long.json"
    frames = (f'{{"frame_id": {k}, "instances": [{instance}]}}' for k in range(6_000))
    path.write_text(f"[{','.join(frames)}]")
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from skelact.formats.gathering import Given\n"
        "from skelact.formats.mmpose import read_mmpose\n"
        "def peak():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before = peak()\n"
        "sequence = read_mmpose(Path(sys.argv[1]), Given((640, 480), 25.0))\n"
        "arrays = sum(a.nbytes for a in (sequence.keypoints, sequence.scores, sequence.boxes)) / 2**20\n"
        "assert sequence.present.all()\n"
        "print(peak() - before - arrays)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 70, "megabytes beside the arrays themselves"
