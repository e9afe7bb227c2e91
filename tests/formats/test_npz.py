"""Sequences to .npz files and back; files that are no sequences, and places that cannot be written."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skelact.errors import InputError, OutputError
from skelact.formats import load_sequence, save_sequence
from skelact.formats.npz import load_origin
from skelact.keypoints import LAYOUTS, get_layout
from skelact.sequence import PoseSequence

FINITE = st.floats(-1e5, 1e5, width=32)
# numpy's text drops zeros at the end, and no file name has any.
TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)


@st.composite
def sequences(draw: st.DrawFn) -> PoseSequence:
    layout = draw(st.sampled_from(sorted(LAYOUTS)))
    instances, frames, points = draw(st.integers(0, 3)), draw(st.integers(0, 3)), len(get_layout(layout))
    steps = draw(st.lists(st.floats(1e-3, 10), min_size=frames, max_size=frames))
    ids = draw(st.lists(st.integers(0, 2**62), min_size=instances, max_size=instances, unique=True))
    return PoseSequence(
        keypoints=draw(npst.arrays(np.float32, (instances, frames, points, 2), elements=FINITE)),
        scores=draw(npst.arrays(np.float32, (instances, frames, points), elements=st.floats(0, 1, width=32))),
        boxes=draw(npst.arrays(np.float32, (instances, frames, 4), elements=FINITE)),
        track_ids=np.array(ids, np.int64),
        timestamps=np.cumsum(np.array(steps, np.float64)),
        width=draw(st.integers(1, 10000)),
        height=draw(st.integers(1, 10000)),
        fps=draw(st.floats(0.1, 1000)),
        source=draw(TEXT),
        estimator=draw(TEXT),
        layout=layout,
        notes=tuple(draw(st.lists(TEXT, max_size=3))),
    )


def example() -> PoseSequence:
    random = np.random.default_rng(0)
    return PoseSequence(
        keypoints=random.uniform(0, 300, (2, 4, 133, 2)).astype(np.float32),
        scores=random.uniform(0.1, 1, (2, 4, 133)).astype(np.float32),
        boxes=random.uniform(0, 300, (2, 4, 4)).astype(np.float32),
        track_ids=np.array([5, 3]),
        timestamps=np.arange(4) / 25,
        width=640,
        height=480,
        fps=25.0,
        source="clip.mp4",
        estimator="mediapipe",
    )


def assert_equal(found: PoseSequence, wanted: PoseSequence) -> None:
    for field in fields(PoseSequence):
        a, b = getattr(found, field.name), getattr(wanted, field.name)
        assert type(a) is type(b), field.name
        if isinstance(b, np.ndarray):
            assert a.dtype == b.dtype, field.name
            assert np.array_equal(a, b), field.name
        else:
            assert a == b, field.name


@settings(max_examples=60, deadline=None)
@given(sequence=sequences())
def test_what_is_saved_is_loaded(sequence: PoseSequence, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("trip") / "sequence.npz"
    save_sequence(sequence, path)
    assert_equal(load_sequence(path), sequence)


def test_a_saved_file_holds_no_pickles(tmp_path: Path) -> None:
    save_sequence(example(), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert {field.name for field in fields(PoseSequence)} < set(archive.files)
        assert all(archive[name].dtype.kind in "fiuU" for name in archive.files)


def test_an_output_that_exists_stays_unless_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_sequence(example(), path)
    with pytest.raises(OutputError, match="--overwrite"):
        save_sequence(example().select([0]), path)
    assert load_sequence(path).num_instances == 2
    save_sequence(example().select([0]), path, overwrite=True)
    assert load_sequence(path).num_instances == 1
    assert os.listdir(tmp_path) == ["a.npz"]


def test_missing_folders_are_created_and_the_name_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "without_suffix"
    save_sequence(example(), path)
    assert_equal(load_sequence(path), example())


def test_a_folder_in_the_place_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="not a file"):
        save_sequence(example(), tmp_path, overwrite=True)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        save_sequence(example(), tmp_path / "file" / "a.npz")


def test_no_space_left_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_sequence(example(), path)
    # A limit on the size of files fails in the same place as a full disk; it holds for a process and its life.
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from skelact.errors import OutputError\n"
        "from skelact.formats import load_sequence, save_sequence\n"
        "sequence = load_sequence(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n"
        "    save_sequence(sequence, Path(sys.argv[1]), overwrite=True)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=120)
    assert run.stdout.startswith("no space is left"), run.stderr
    assert run.stderr == ""
    assert os.listdir(tmp_path) == ["a.npz"]
    assert_equal(load_sequence(path), example())


@settings(max_examples=30, deadline=None)
@given(origin=TEXT)
def test_an_origin_is_kept_beside_the_sequence(origin: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("origin") / "a.npz"
    save_sequence(example(), path, origin=origin)
    assert load_origin(path) == origin
    assert_equal(load_sequence(path), example())


def test_only_the_origin_is_read_for_it(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_sequence(example(), path, origin="settings")
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["keypoints.npy"] = b"none"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    assert load_origin(path) == "settings"


@pytest.mark.parametrize(
    ("origin", "message"),
    [
        (np.array(3), "its origin is int64 with 0 axes, not a text"),
        (np.array(["a", "b"]), "its origin is <U1 with 1 axes"),
        (np.array({"a": 1}, dtype=object), "origin is object"),
    ],
    ids=["a number", "two texts", "a pickle"],
)
def test_an_origin_that_is_no_text(tmp_path: Path, origin: np.ndarray, message: str) -> None:
    path = _changed(tmp_path, origin=origin)
    with pytest.raises(InputError, match=message):
        load_origin(path)
    assert_equal(load_sequence(path), example())


@pytest.mark.parametrize("content", [None, b"", b"text", b"PK\3\4abc"], ids=["no file", "empty", "text", "cut short"])
def test_no_origin_can_be_read_of_what_is_no_archive(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.npz"):
        load_origin(tmp_path / "a.npz")


def test_memory_follows_what_was_seen_and_not_the_size_of_the_arrays(tmp_path: Path) -> None:
    # 10 persons of 20,000 frames, each seen in 500 of them: 335 MB of arrays, of which 8 MB are not zero.
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from skelact.formats import load_sequence, save_sequence\n"
        "from skelact.sequence import PoseSequence\n"
        "def peak():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before = peak()\n"
        "persons, frames = 10, 20_000\n"
        "points, scores = np.zeros((persons, frames, 133, 2), 'f4'), np.zeros((persons, frames, 133), 'f4')\n"
        "for k in range(persons):\n"
        "    points[k, 500 * k : 500 * k + 500] = 7\n"
        "    scores[k, 500 * k : 500 * k + 500] = 1\n"
        "sequence = PoseSequence(points, scores, np.zeros((persons, frames, 4), 'f4'), np.arange(persons),\n"
        "    np.arange(frames) / 25, 640, 480, 25.0)\n"
        "save_sequence(sequence, Path(sys.argv[1]))\n"
        "loaded = load_sequence(Path(sys.argv[1]))\n"
        "assert (loaded.present == sequence.present).all()\n"
        "assert loaded.present.sum(axis=1).tolist() == [500] * persons\n"
        "print(peak() - before)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "long.npz")], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 200, "megabytes"


def _members(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return dict(archive)


def _changed(tmp_path: Path, **changes: object) -> Path:
    """A file of the example with some of its arrays replaced, or removed where None."""
    path = tmp_path / "changed.npz"
    save_sequence(example(), path, overwrite=True)
    members = {**_members(path), **changes}
    np.savez(path, **{name: array for name, array in members.items() if array is not None})
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": None, "fps": None}, "is no pose sequence, it lacks scores, fps"),
        ({"version": None}, "lacks version"),
        ({"version": 99}, "format 99, .* update skelact"),
        ({"version": np.array("one")}, "its version is"),
        ({"version": np.zeros(3, int)}, "its version is"),
        ({"keypoints": np.zeros((2, 4, 133, 3))}, "keypoints is .* expected"),
        ({"keypoints": np.zeros((2, 4, 133))}, "keypoints is float64 with 3 axes, expected float32 with 4"),
        ({"keypoints": np.full((2, 4, 133, 2), "x")}, "keypoints is <U1"),
        ({"scores": np.full((2, 4, 133), -1.0)}, "scores below 0"),
        ({"track_ids": np.array([1, 1])}, "track ids repeat"),
        ({"track_ids": np.array([1, 2, 3])}, r"track_ids is \(3,\)"),
        ({"timestamps": np.array([0, 1, 1, 2.0])}, "do not increase"),
        ({"timestamps": np.array([0, 1, np.inf, 2.0])}, "timestamps has values that are not finite"),
        ({"width": 0}, "width is 0"),
        ({"width": "wide"}, "width is <U4"),
        ({"fps": np.nan}, "fps has values that are not finite"),
        ({"layout": "openpose"}, "unknown layout 'openpose'"),
        ({"source": np.array(3)}, "source is int64"),
    ],
)
def test_files_that_are_no_sequence_say_why(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = _changed(tmp_path, **changes)
    with pytest.raises(InputError, match=message) as raised:
        load_sequence(path)
    assert "changed.npz" in str(raised.value)


def test_coordinates_that_are_not_numbers(tmp_path: Path) -> None:
    keypoints = example().keypoints
    keypoints[1, 2, 3] = np.nan
    with pytest.raises(InputError, match="keypoints has values that are not finite"):
        load_sequence(_changed(tmp_path, keypoints=keypoints))


def test_keypoints_of_half_precision_are_read(tmp_path: Path) -> None:
    path = _changed(tmp_path, keypoints=example().keypoints.astype(np.float16))
    assert load_sequence(path).keypoints.dtype == np.float32


def test_pickles_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="notes is object, which is none of numbers or text"):
        load_sequence(_changed(tmp_path, notes=np.array([{"a": 1}], dtype=object)))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (100000000000000,)}",
        "{'descr': ('<f4',), 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 1: 2}",
        "{((((",
    ],
)
def test_forged_arrays_are_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "forged.npz"
    save_sequence(example(), path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents["keypoints.npy"] = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match=r"forged\.npz' is damaged or cut short"):
        load_sequence(path)


def test_a_training_file_is_recognised(shared: Path) -> None:
    with pytest.raises(InputError, match="labelled clips for training"):
        load_sequence(shared / "data" / "asl10_words.npz")


def test_other_archives_are_refused(shared: Path) -> None:
    with pytest.raises(InputError, match="is no pose sequence, it lacks version, keypoints"):
        load_sequence(shared / "reference" / "graphs.npz")


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "not an .npz file"), (b"\x93NUMPY", "not an .npz file"), (b"PK\3\4abc", "damaged")]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_sequence(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        load_sequence(tmp_path / "missing.npz")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_sequence(tmp_path)


@settings(max_examples=100, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_files_are_refused(share: float, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.npz"
    save_sequence(example(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"damaged or cut short|not an .npz file"):
        load_sequence(path)


@settings(max_examples=200, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), compressed=st.booleans())
def test_damaged_files_are_refused_or_read_right(
    share: float, flip: int, compressed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damage") / "a.npz"
    save_sequence(example(), path)
    if not compressed:
        np.savez(path, **_members(path))
    content = bytearray(path.read_bytes())
    content[int(share * len(content))] ^= flip
    path.write_bytes(content)
    try:
        found = load_sequence(path)
    except InputError:
        return
    assert_equal(found, example())
