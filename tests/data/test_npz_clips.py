"""Files of labelled clips, what is wrong with them, and choosing among their clips."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from skelact.data.clips import ClipSet
from skelact.data.npz import read_npz
from skelact.errors import InputError

CLIPS, FRAMES = 4, 6


def arrays() -> dict[str, np.ndarray]:
    keypoints = np.random.default_rng(0).random((CLIPS, FRAMES, 133, 3), dtype=np.float32)
    return {
        "keypoints": keypoints.astype(np.float16),
        "label": np.array([0, 1, 2, 1], np.int8),
        "class_names": np.array(["yes", "no", "please"]),
        "person": np.array([0, 0, 7, 7]),
    }


def write(path: Path, **changes: object) -> Path:
    """The arrays above with some replaced, or left out where None."""
    np.savez(path, **{name: array for name, array in {**arrays(), **changes}.items() if array is not None})
    return path


@pytest.fixture
def clips(tmp_path: Path) -> ClipSet:
    return read_npz(write(tmp_path / "clips.npz"))


def test_a_file_of_clips(clips: ClipSet) -> None:
    assert len(clips) == CLIPS
    assert clips.class_names == ("yes", "no", "please")
    assert clips.labels.tolist() == [0, 1, 2, 1]
    assert clips.groups.tolist() == ["0", "0", "7", "7"]
    assert clips.frames.tolist() == [FRAMES] * CLIPS
    assert clips.layout == "wholebody133"
    for k, array in enumerate(arrays()["keypoints"].astype(np.float32)):
        clip = clips.clip(k)
        np.testing.assert_array_equal(clip.keypoints, array[None, ..., :2] * np.array([640, 480], np.float32))
        np.testing.assert_array_equal(clip.scores, array[None, ..., 2])
        assert (clip.width, clip.height) == (640, 480)


def test_frame_sizes_and_names_are_read(tmp_path: Path) -> None:
    sizes = {"width": np.array([100, 200, 300, 400]), "height": np.full(4, 50)}
    clips = read_npz(write(tmp_path / "a.npz", **sizes, name=np.array(["a", "b", "c", "d"])))
    assert clips.clip(1).name == "b"
    np.testing.assert_allclose(
        clips.clip(3).keypoints, arrays()["keypoints"][3:, ..., :2].astype(np.float32) * np.float32([400, 50])
    )


@pytest.mark.parametrize(("keypoints", "layout"), [(17, "coco17"), (65, "expressive65"), (133, "wholebody133")])
def test_several_persons_and_every_layout(tmp_path: Path, keypoints: int, layout: str) -> None:
    several = np.random.default_rng(1).random((CLIPS, 2, FRAMES, keypoints, 3), dtype=np.float32)
    clips = read_npz(write(tmp_path / "a.npz", keypoints=several))
    assert clips.layout == layout
    clip = clips.clip(2)
    np.testing.assert_allclose(clip.keypoints, several[2, ..., :2] * np.float32([640, 480]), rtol=1e-6)
    np.testing.assert_array_equal(clip.scores, several[2, ..., 2])


def test_clips_are_grouped_by_another_array(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", session=np.array(["mon", "tue", "mon", "wed"]))
    assert read_npz(path, group_by="session").groups.tolist() == ["mon", "tue", "mon", "wed"]
    with pytest.raises(InputError, match=r"it lacks place$"):
        read_npz(path, group_by="place")


def test_groups_go_before_persons_and_lengths_are_read(tmp_path: Path) -> None:
    clips = read_npz(write(tmp_path / "a.npz", group=np.array([3, 4, 5, 6]), length=np.array([1, 2, 6, 6])))
    assert clips.groups.tolist() == ["3", "4", "5", "6"]
    assert clips.frames.tolist() == [1, 2, 6, 6]


BAD_ARRAYS = {
    "no label": ({"label": None}, "it lacks label$"),
    "nothing that is needed": (
        {"label": None, "keypoints": None, "class_names": None},
        "class_names, keypoints, label",
    ),
    "neither person nor group": ({"person": None}, r"it lacks person \(or group\)"),
    "a label beyond the classes": (
        {"label": np.array([0, 1, 3, 1])},
        "labels run from 0 to 3, but there are 3 classes",
    ),
    "a negative label": ({"label": np.array([0, -1, 0, 1])}, "labels run from -1 to 1"),
    "too few labels": ({"label": np.array([0, 1])}, r"4 clips but label of shape \(2,\)"),
    "one label for all": ({"label": np.array(1)}, r"label has shape \(\), expected 1 axes"),
    "too many persons": ({"person": np.arange(5)}, r"4 clips but person of shape \(5,\)"),
    "a coordinate that is no number": ({"keypoints": np.full((4, 6, 133, 3), np.nan)}, "not finite numbers"),
    "an infinite coordinate": ({"keypoints": np.full((4, 6, 133, 3), np.inf)}, "not finite numbers"),
    "another number of keypoints": ({"keypoints": np.zeros((4, 6, 18, 3))}, r"are \(4, 6, 18, 3\), expected"),
    "two clips of one name": ({"name": np.array(["a", "b", "a", "c"])}, "two clips have the same name"),
    "a frame without size": ({"width": np.array([5, 5, 0, 5])}, "a frame without size"),
    "a persons axis that is not there": ({"keypoints": np.zeros((4, 1, 1, 6, 65, 3))}, "expected"),
    "no scores": ({"keypoints": np.zeros((4, 6, 133, 2))}, r"expected \(clips, frames, V, 3\)"),
    "flattened keypoints": ({"keypoints": np.zeros((4, 6, 399))}, r"keypoints are \(4, 6, 399\), expected"),
    "a clip without frames": ({"length": np.array([6, 0, 6, 6])}, "length is not between 1 and 6 frames"),
    "a clip longer than the array": ({"length": np.array([6, 7, 6, 6])}, "length is not between 1 and 6 frames"),
    "no frames at all": ({"keypoints": np.zeros((4, 0, 133, 3))}, "length is not between 1 and 0 frames"),
    "no clips": (
        {"keypoints": np.zeros((0, 6, 133, 3)), "label": np.zeros(0, int), "person": np.zeros(0, int)},
        "holds no clips",
    ),
    "pickled names": ({"class_names": np.array(["yes", None], dtype=object)}, "allow_pickle=False"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_a_file_that_cannot_be_right_says_why(tmp_path: Path, case: str) -> None:
    changes, message = BAD_ARRAYS[case]
    with pytest.raises(InputError, match=message) as raised:
        read_npz(write(tmp_path / "odd.npz", **changes))
    assert "odd.npz" in str(raised.value)


ODD_TYPES = {
    "keypoints of no axes": {"keypoints": np.float32(1)},
    "keypoints of one axis": {"keypoints": np.ones(4, np.float32)},
    "keypoints as text": {"keypoints": np.full((4, 6, 133, 3), "x")},
    "labels as text": {"label": np.array(["yes", "no", "please", "no"])},
    "labels with fractions": {"label": np.array([0, 1, 0.5, 1])},
    "persons as fractions": {"person": np.array([0.5, 0.5, 1, 1])},
    "a single name": {"class_names": np.array("yes")},
}


@pytest.mark.parametrize("case", ODD_TYPES)
def test_arrays_of_another_type_are_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(InputError, match=r"odd\.npz"):
        read_npz(write(tmp_path / "odd.npz", **ODD_TYPES[case]))


def cut_short(path: Path) -> None:
    write(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damaged(path: Path) -> None:
    np.savez_compressed(path, **arrays())
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20] = bytes(20)
    path.write_bytes(content)


def single_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.ones(3))


def other_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")


BAD_FILES = {
    "cut short": (cut_short, "is not a readable .npz file"),
    "damaged": (damaged, "is not a readable .npz file"),
    "a single array": (single_array, "is not a readable .npz file"),
    "empty": (Path.touch, "is not a readable .npz file"),
    "text": (lambda path: path.write_text("clip,label\n"), "is not a readable .npz file"),
    "another archive": (other_archive, "is no file of labelled clips"),
    "a folder": (Path.mkdir, "no file of clips at"),
    "missing": (lambda path: None, "no file of clips at"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_is_none_of_clips_says_so(tmp_path: Path, case: str) -> None:
    make, message = BAD_FILES[case]
    make(tmp_path / "odd.npz")
    with pytest.raises(InputError, match=message) as raised:
        read_npz(tmp_path / "odd.npz")
    assert "odd.npz" in str(raised.value)


def test_the_development_clips_are_read(shared: Path) -> None:
    clips = read_npz(shared / "data" / "asl10_words.npz")
    assert len(clips) == 900
    assert sorted(set(clips.groups.tolist())) == ["0", "1", "2"]
    assert len(clips.class_names) == 10
