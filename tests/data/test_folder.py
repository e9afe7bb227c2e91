"""Folders of one's own clips: what is in them, which clips belong together, and whom to hold out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.data.clips import ClipSet
from skelact.data.folder import FolderClip, choose_test_groups, load_folder, scan_folder
from skelact.errors import InputError, UsageError
from skelact.sequence import PoseSequence
from tests.data.clips import random_clip


def make(folder: Path, *files: str) -> Path:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    return folder


GROUPED = {
    "the person in front": (
        ["wave/anna_1.mp4", "nod/anna-2.mp4", "wave/bob_1.avi", "nod/bob.2.mkv"],
        "anna anna bob bob",
    ),
    "numbers in front": (["wave/01_a.mp4", "wave/02_a.mp4", "nod/01_b.mp4", "nod/02_b.mp4"], "01 02 01 02"),
    "sequences among videos": (["wave/p1_a.npz", "nod/p1_b.mp4", "wave/p2 a.mp4"], "p1 p1 p2"),
}


@pytest.mark.parametrize(("files", "groups"), GROUPED.values(), ids=GROUPED)
def test_groups_are_read_off_the_file_names(tmp_path: Path, files: list[str], groups: str) -> None:
    folder = scan_folder(make(tmp_path, *files))
    assert folder.class_names == ("nod", "wave")
    assert folder.grouped_by == "by the beginning of the file names"
    assert sorted(clip.group for clip in folder.clips) == sorted(groups.split())


UNGROUPED = {
    "names without a beginning": ["wave/a.mp4", "wave/b.mp4", "nod/c.mp4"],
    "every name begins differently": ["wave/a_1.mp4", "wave/b_1.mp4", "nod/c_1.mp4"],
    "every name begins with its class": ["wave/wave_1.mp4", "wave/wave_2.mp4", "nod/nod_1.mp4"],
    "all begin alike": ["wave/clip_1.mp4", "wave/clip_2.mp4", "nod/clip_3.mp4"],
    "one name without": ["wave/anna_1.mp4", "nod/anna_2.mp4", "nod/bob_1.mp4", "wave/bob.mp4"],
}


@pytest.mark.parametrize("files", UNGROUPED.values(), ids=UNGROUPED)
def test_names_that_tell_no_groups_make_each_clip_its_own(tmp_path: Path, files: list[str]) -> None:
    folder = scan_folder(make(tmp_path, *files))
    assert folder.grouped_by is None
    assert len({clip.group for clip in folder.clips}) == len(files)


def test_groups_from_a_file(tmp_path: Path) -> None:
    make(tmp_path, "wave/a.mp4", "wave/b.mp4", "nod/a.mp4")
    (tmp_path / "groups.csv").write_text("group,file\nanna,wave/a.mp4\nbob, wave/b\nbob,nod/a.mp4\n")
    folder = scan_folder(tmp_path)
    assert folder.grouped_by == "by groups.csv"
    assert {clip.name: clip.group for clip in folder.clips} == {"wave/a": "anna", "wave/b": "bob", "nod/a": "bob"}


BAD_GROUPS = {
    "a clip left out": ("file,group\nwave/a.mp4,anna\n", "names no group for nod/a and 1 more"),
    "other columns": ("video,person\nwave/a.mp4,anna\n", "the columns file and group"),
    "an empty file": ("", "the columns file and group"),
    "a line without a group": ("file,group\nwave/a.mp4,\n", "line 2: the file or its group is missing"),
    "a line cut short": ("file,group\nwave/a.mp4\n", "line 2: the file or its group is missing"),
    "no text": (b"\xff\xfe\x00", "cannot read"),
}


@pytest.mark.parametrize(("content", "message"), BAD_GROUPS.values(), ids=BAD_GROUPS)
def test_a_file_of_groups_that_does_not_fit(tmp_path: Path, content: str | bytes, message: str) -> None:
    make(tmp_path, "wave/a.mp4", "wave/b.mp4", "nod/a.mp4")
    (tmp_path / "groups.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=message):
        scan_folder(tmp_path)


NO_CLIPS = {
    "a missing folder": ([], "no folder at"),
    "videos without a class": (["a.mp4", "b.mp4"], "one subfolder a class"),
    "other files": (["wave/a.txt", "wave/.b.mp4"], "one subfolder a class"),
    "two clips of a name": (["wave/a.mp4", "wave/a.avi"], "have the same name: rename one"),
}


@pytest.mark.parametrize(("files", "message"), NO_CLIPS.values(), ids=NO_CLIPS)
def test_a_folder_without_clips(tmp_path: Path, files: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        scan_folder(make(tmp_path / "mine", *files))


def sequence(seed: int, seen: bool = True) -> PoseSequence:
    clip = random_clip(seed, persons=2, layout="wholebody133")
    frames = clip.scores.shape[1]
    return PoseSequence(
        clip.keypoints,
        clip.scores * seen,
        boxes=np.zeros((2, frames, 4), np.float32),
        track_ids=np.arange(2),
        timestamps=np.arange(frames) / 25.0,
        width=100,
        height=50,
        fps=25.0,
    )


def test_keypoints_are_read_clip_by_clip(tmp_path: Path) -> None:
    folder = scan_folder(make(tmp_path, "wave/anna_1.mp4", "nod/anna_1.mp4", "nod/bob_1.mp4"))
    warned: list[str] = []

    def sequence_of(clip: FolderClip) -> PoseSequence:
        if clip.name == "nod/bob_1":
            raise InputError("cannot be decoded")
        return sequence(1)

    clips = load_folder(folder, sequence_of, "expressive65", warned.append)
    assert clips.names.tolist() == ["nod/anna_1", "wave/anna_1"]
    assert clips.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(
        clips.clip(0).keypoints, sequence(1).to_layout("expressive65").keypoints.astype(np.float32)
    )
    assert clips.clip_seconds == sequence(1).num_frames / 25
    assert warned == ["nod/bob_1 is left out: cannot be decoded"]


def test_a_class_without_usable_clips(tmp_path: Path) -> None:
    folder = scan_folder(make(tmp_path, "wave/a.mp4", "nod/b.mp4"))
    with pytest.raises(InputError, match="no usable clip of class nod"):
        load_folder(folder, lambda clip: sequence(0, seen=clip.label == "wave"), "expressive65", lambda _: None)


def grouped(labels_of_groups: dict[str, list[int]]) -> ClipSet:
    pairs = [(group, label) for group, labels in labels_of_groups.items() for label in labels]
    clips = [
        random_clip(k, frames=1, layout="coco17", label=label, group=group) for k, (group, label) in enumerate(pairs)
    ]
    return ClipSet.from_clips(clips, tuple("abcde"), "coco17")


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("pqrstuvw"), st.lists(st.integers(0, 4), min_size=1, max_size=6), min_size=2))
def test_held_out_groups_leave_every_class_in_training(labels: dict[str, list[int]]) -> None:
    clips = grouped(labels)
    try:
        chosen = choose_test_groups(clips)
    except UsageError:
        # Then every group must be the only one of some class.
        for group in labels:
            others = {label for other, held in labels.items() if other != group for label in held}
            assert not set(labels[group]) <= others
        return
    held_out = clips.of_groups(chosen)
    assert held_out.any()
    assert set(clips.labels[~held_out].tolist()) == set(clips.labels.tolist())
    assert len(chosen) == 1 or held_out.mean() <= 0.25


def test_about_a_quarter_is_held_out() -> None:
    clips = grouped({group: [0, 1, 2] for group in "pqrstuvw"})
    assert len(choose_test_groups(clips)) == 2
