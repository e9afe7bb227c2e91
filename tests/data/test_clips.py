"""Sets of labelled clips: choosing among them, joining them, and keeping them in a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.data.clips import Clip, ClipSet, join
from skelact.data.storage import ClipWriter, is_clip_folder, open_clips, save_clips
from skelact.errors import InputError, OutputError, UsageError
from tests.data.clips import random_clip, random_clips


def same(one: Clip, other: Clip, tolerance: float = 0) -> bool:
    return np.allclose(one.keypoints, other.keypoints, atol=tolerance) and np.allclose(
        one.scores, other.scores, atol=tolerance
    )


@pytest.fixture
def ragged() -> ClipSet:
    """Four clips that differ in persons and frames."""
    clips = [random_clip(k, persons=1 + k % 2, frames=3 + k, label=k % 2, group="ab"[k // 2]) for k in range(4)]
    mask = np.array([True, False, True, False])
    return ClipSet.from_clips(clips, ("wave", "nod"), "expressive65", {"even_train": mask, "even_val": ~mask})


@settings(max_examples=30, deadline=None)
@given(
    shapes=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), min_size=1, max_size=5),
    layout=st.sampled_from(["coco17", "expressive65", "wholebody133", "hand21"]),
)
def test_what_goes_in_comes_out(shapes: list[tuple[int, int]], layout: str) -> None:
    clips = [random_clip(k, persons=i, frames=t, layout=layout) for k, (i, t) in enumerate(shapes)]
    together = ClipSet.from_clips(clips, ("wave",), layout)
    for k, clip in enumerate(clips):
        assert same(together.clip(k), clip)
        assert (together.clip(k).name, together.clip(k).group) == (clip.name, clip.group)


def test_clips_are_chosen_by_mask_or_number_without_a_copy(ragged: ClipSet) -> None:
    for chosen in (ragged.groups == "b", np.array([2, 3])):
        part = ragged.subset(chosen)
        assert part.keypoints is ragged.keypoints
        assert part.names.tolist() == ["clip2", "clip3"]
        assert part.splits["even_train"].tolist() == [True, False]
        assert same(part.clip(1), ragged.clip(3))


def test_parts_of_splits(ragged: ClipSet) -> None:
    assert ragged.part("even_val").names.tolist() == ["clip1", "clip3"]
    with pytest.raises(UsageError, match="no split part 'odd_val': there are even_train, even_val"):
        ragged.part("odd_val")
    empty = replace(ragged, splits={"even_val": np.zeros(4, bool)})
    with pytest.raises(InputError, match="'even_val' has no clips"):
        empty.part("even_val")


def test_groups_that_are_not_there_are_told(ragged: ClipSet) -> None:
    assert ragged.of_groups(["b"]).tolist() == [False, False, True, True]
    with pytest.raises(UsageError, match="no clips of group c: there are a, b"):
        ragged.of_groups(["a", "c"])


def test_classes_are_chosen_and_ordered_by_name(ragged: ClipSet) -> None:
    part = ragged.with_classes(("bow", "nod"))
    assert part.labels.tolist() == [1, 1]
    assert part.names.tolist() == ["clip1", "clip3"]
    with pytest.raises(UsageError, match="no clip of any of the classes bow: there are wave, nod"):
        ragged.with_classes(("bow",))


def test_first_frames_are_skipped_for_every_person(ragged: ClipSet) -> None:
    later = ragged.skip_frames(2)
    for k in range(4):
        np.testing.assert_array_equal(later.clip(k).keypoints, ragged.clip(k).keypoints[:, 2:])
    with pytest.raises(UsageError, match="cannot skip 3 frames: the shortest clip has 3"):
        ragged.skip_frames(3)


def test_sets_are_joined_by_the_names_of_classes(ragged: ClipSet) -> None:
    other = ClipSet.from_clips([random_clip(9, label=0), random_clip(2, label=1)], ("nod", "bow"), "expressive65")
    both = join([ragged, other])
    assert both.class_names == ("wave", "nod", "bow")
    assert both.labels.tolist() == [0, 1, 0, 1, 1, 2]
    assert len(set(both.names.tolist())) == 6
    assert same(both.clip(3), ragged.clip(3))
    assert same(both.clip(4), other.clip(0))
    assert join([ragged]) is ragged


def test_the_usual_length_of_joined_clips_is_the_mean_of_those_known(ragged: ClipSet) -> None:
    one = ClipSet.from_clips([random_clip(9)], ("wave",), "expressive65")
    known, other = replace(ragged, clip_seconds=2.0), replace(one, clip_seconds=4.5)
    assert join([known, other]).clip_seconds == pytest.approx((4 * 2.0 + 4.5) / 5)
    assert join([known, one]).clip_seconds == 2.0
    assert join([ragged, one]).clip_seconds is None


def test_shares_of_the_frame_are_joined_with_pixels(ragged: ClipSet) -> None:
    shares = replace(ragged, keypoints=ragged.keypoints / np.float32([100, 50]), relative=True)
    both = join([shares, ragged])
    for k in range(4):
        assert same(both.clip(k), ragged.clip(k), tolerance=1e-4)
        assert same(both.clip(k + 4), ragged.clip(k))


def test_other_layouts_are_not_joined(ragged: ClipSet) -> None:
    with pytest.raises(InputError, match="different layouts: expressive65, coco17"):
        join([ragged, random_clips(layout="coco17")])


BROKEN = {
    "a label beyond the classes": ({"labels": np.array([0, 1, 2, 0])}, "labels run from 0 to 2, but there are 2"),
    "keypoints cut short": ({"offsets": np.array([0, 0, 0, 10**6])}, "beyond the keypoints there are"),
    "a clip without frames": ({"frames": np.array([0, 1, 1, 1])}, "no frames"),
    "too few names": ({"names": np.array(["a"])}, r"names is \(1,\), not \(4,\)"),
    "a split of other clips": ({"splits": {"x_train": np.ones(3, bool)}}, "each of the 4 clips"),
    "another layout": ({"layout": "coco17"}, r"keypoints is .*65, 2\), not .*17, 2"),
}


@pytest.mark.parametrize(("changes", "message"), BROKEN.values(), ids=BROKEN)
def test_parts_that_do_not_fit_are_refused(ragged: ClipSet, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(ragged, **changes)


def test_coordinates_that_are_no_numbers_are_told_by_name() -> None:
    bad = random_clip(3)
    bad.keypoints[0, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="'clip3' has coordinates that are not finite"):
        ClipSet.from_clips([random_clip(1), bad], ("wave",), "expressive65")


def test_names_must_differ() -> None:
    with pytest.raises(InputError, match="two clips are called 'clip1'"):
        ClipSet.from_clips([random_clip(1), random_clip(1)], ("wave",), "expressive65")


def test_a_folder_holds_the_same_clips_mapped(tmp_path: Path, ragged: ClipSet) -> None:
    save_clips(ragged, tmp_path / "clips")
    again = open_clips(tmp_path / "clips")
    assert isinstance(again.keypoints.base, np.memmap)
    assert (again.class_names, again.layout) == (ragged.class_names, ragged.layout)
    for name in ("labels", "names", "groups", "frames", "instances", "sizes"):
        np.testing.assert_array_equal(getattr(again, name), getattr(ragged, name))
    np.testing.assert_array_equal(again.splits["even_train"], ragged.splits["even_train"])
    for k in range(4):  # stored in half precision
        assert same(again.clip(k), ragged.clip(k), tolerance=0.05)


@pytest.mark.parametrize("seconds", [None, 1.25])
def test_a_folder_tells_the_usual_length_of_its_clips_if_known(
    tmp_path: Path, ragged: ClipSet, seconds: float | None
) -> None:
    save_clips(replace(ragged, clip_seconds=seconds), tmp_path / "clips")
    assert open_clips(tmp_path / "clips").clip_seconds == seconds


def test_an_unfinished_folder_is_none(tmp_path: Path) -> None:
    def write_one_and_stop() -> None:
        with ClipWriter(tmp_path / "clips", ("wave",), "expressive65") as writer:
            writer.add(random_clip())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_one_and_stop()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path, ragged: ClipSet) -> None:
    with ClipWriter(tmp_path / "clips", ragged.class_names, ragged.layout) as writer:
        (living,) = tmp_path.glob(".skelact-*.part")
        dead = living.with_name(f".skelact-{living.name.split('-')[1]}-{2**22 + 1}-00000000.part")
        dead.mkdir()
        (dead / "keypoints.bin").write_bytes(b"half")
        save_clips(ragged, tmp_path / "others")
        assert living.exists()
        writer.add(ragged.clip(0))
    assert {file.name for file in tmp_path.iterdir()} == {"clips", "others"}


def test_a_folder_is_replaced_only_if_asked(tmp_path: Path, ragged: ClipSet) -> None:
    save_clips(ragged, tmp_path / "clips")
    with pytest.raises(OutputError, match="exists: give another name, or --overwrite"):
        save_clips(ragged, tmp_path / "clips")
    save_clips(ragged.subset(np.array([1])), tmp_path / "clips", overwrite=True)
    assert len(open_clips(tmp_path / "clips")) == 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(OutputError, match="exists"):  # never a folder of something else
        save_clips(ragged, tmp_path / "mine", overwrite=True)
    assert not is_clip_folder(tmp_path / "mine")


DAMAGE = {
    "no index": lambda folder: (folder / "index.npz").unlink(),
    "keypoints cut short": lambda folder: (folder / "keypoints.bin").write_bytes(b"\0" * 260),
    "half a number": lambda folder: (folder / "scores.bin").write_bytes(b"\0" * 7),
    "a description of something else": lambda folder: (folder / "clips.json").write_text("[]"),
    "another version": lambda folder: (folder / "clips.json").write_text(
        '{"version": 9, "layout": "expressive65", "class_names": ["wave", "nod"]}'
    ),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_folder_is_told(tmp_path: Path, ragged: ClipSet, damage) -> None:
    save_clips(ragged, tmp_path / "clips")
    damage(tmp_path / "clips")
    with pytest.raises(InputError):
        open_clips(tmp_path / "clips")
