"""Files of labelled clips, what is wrong with them, and choosing among their clips."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from skelact.data.dataset import ClipSet, join, load_clips
from skelact.errors import InputError, UsageError

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
    return load_clips(write(tmp_path / "clips.npz"))


def test_a_file_of_clips(clips: ClipSet) -> None:
    assert len(clips) == CLIPS
    assert clips.class_names == ("yes", "no", "please")
    assert clips.labels.tolist() == [0, 1, 2, 1]
    assert clips.groups.tolist() == [0, 0, 7, 7]
    assert clips.lengths.tolist() == [FRAMES] * CLIPS
    np.testing.assert_array_equal(clips.keypoints, arrays()["keypoints"])


def test_groups_go_before_persons_and_lengths_are_read(tmp_path: Path) -> None:
    clips = load_clips(write(tmp_path / "a.npz", group=np.array([3, 4, 5, 6]), length=np.array([1, 2, 6, 6])))
    assert clips.groups.tolist() == [3, 4, 5, 6]
    assert clips.lengths.tolist() == [1, 2, 6, 6]


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
    "too few labels": ({"label": np.array([0, 1])}, r"4 clips but labels of shape \(2,\)"),
    "one label for all": ({"label": np.array(1)}, r"label has shape \(\), expected 1 axes"),
    "too many persons": ({"person": np.arange(5)}, r"4 clips but groups of shape \(5,\)"),
    "a coordinate that is no number": ({"keypoints": np.full((4, 6, 133, 3), np.nan)}, "not finite numbers"),
    "an infinite coordinate": ({"keypoints": np.full((4, 6, 133, 3), np.inf)}, "not finite numbers"),
    "another number of keypoints": ({"keypoints": np.zeros((4, 6, 17, 3))}, r"are \(4, 6, 17, 3\), expected"),
    "no scores": ({"keypoints": np.zeros((4, 6, 133, 2))}, r"expected \(clips, frames, 133, 3\)"),
    "flattened keypoints": ({"keypoints": np.zeros((4, 6, 399))}, r"keypoints has shape .*, expected 4 axes"),
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
        load_clips(write(tmp_path / "odd.npz", **changes))
    assert "odd.npz" in str(raised.value)


ODD_TYPES = {
    "keypoints of no axes": {"keypoints": np.float32(1)},
    "keypoints of one axis": {"keypoints": np.ones(4, np.float32)},
    "keypoints as text": {"keypoints": np.full((4, 6, 133, 3), "x")},
    "labels as text": {"label": np.array(["yes", "no", "please", "no"])},
    "labels with fractions": {"label": np.array([0, 1, 0.5, 1])},
    "persons as text": {"person": np.array(["ann", "ann", "bob", "bob"])},
    "a single name": {"class_names": np.array("yes")},
}


@pytest.mark.parametrize("case", ODD_TYPES)
def test_arrays_of_another_type_are_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(InputError, match=r"odd\.npz"):
        load_clips(write(tmp_path / "odd.npz", **ODD_TYPES[case]))


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
        load_clips(tmp_path / "odd.npz")
    assert "odd.npz" in str(raised.value)


def test_clips_are_chosen_by_mask_or_number(clips: ClipSet) -> None:
    for chosen in (clips.groups == 7, np.array([2, 3])):
        part = clips.subset(chosen)
        assert part.labels.tolist() == [2, 1]
        assert part.groups.tolist() == [7, 7]
        np.testing.assert_array_equal(part.keypoints, clips.keypoints[2:])
        assert part.class_names == clips.class_names


def test_classes_are_chosen_and_ordered_by_name(clips: ClipSet) -> None:
    part = clips.with_classes(("please", "no"))
    assert part.class_names == ("please", "no")
    assert part.labels.tolist() == [1, 0, 1]
    np.testing.assert_array_equal(part.keypoints, clips.keypoints[1:])


def test_a_class_may_be_one_that_no_clip_has(clips: ClipSet) -> None:
    assert clips.with_classes(("maybe", "yes")).labels.tolist() == [1]
    with pytest.raises(UsageError, match="no clip of any of the classes maybe: there are yes, no, please"):
        clips.with_classes(("maybe",))


def test_first_frames_are_skipped(clips: ClipSet) -> None:
    later = clips.skip_frames(2)
    np.testing.assert_array_equal(later.keypoints, clips.keypoints[:, 2:])
    assert later.lengths.tolist() == [FRAMES - 2] * CLIPS


def test_no_clip_is_skipped_as_a_whole(tmp_path: Path) -> None:
    clips = load_clips(write(tmp_path / "a.npz", length=np.array([6, 3, 6, 6])))
    assert clips.skip_frames(2).lengths.tolist() == [4, 1, 4, 4]
    with pytest.raises(UsageError, match="cannot skip 3 frames: the shortest clip has 3"):
        clips.skip_frames(3)


def test_files_are_joined_by_the_names_of_classes(tmp_path: Path, clips: ClipSet) -> None:
    shorter = load_clips(
        write(
            tmp_path / "b.npz",
            keypoints=arrays()["keypoints"][:2, :4],
            label=np.array([1, 0]),
            class_names=np.array(["no", "tea"]),
            person=np.array([7, 8]),
        )
    )
    both = join([clips, shorter])
    assert both.class_names == ("yes", "no", "please", "tea")
    assert [both.class_names[k] for k in both.labels] == ["yes", "no", "please", "no", "tea", "no"]
    assert both.groups.tolist() == [0, 0, 7, 7, 7, 8]
    assert both.lengths.tolist() == [6, 6, 6, 6, 4, 4]
    np.testing.assert_array_equal(both.keypoints[4:, :4], shorter.keypoints)
    assert not both.keypoints[4:, 4:].any()


def test_one_file_joined_is_the_same(clips: ClipSet) -> None:
    alone = join([clips])
    assert alone.class_names == clips.class_names
    for name in ("keypoints", "labels", "groups", "lengths"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(clips, name))


def test_the_development_clips_are_read(shared: Path) -> None:
    clips = load_clips(shared / "data" / "asl10_words.npz")
    assert len(clips) == 900
    assert sorted(set(clips.groups.tolist())) == [0, 1, 2]
    assert len(clips.class_names) == 10
