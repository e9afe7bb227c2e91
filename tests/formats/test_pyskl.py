"""PYSKL's annotation files: read, converted to a folder and written; what cannot be right in them is told."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skelact.data.clips import Clip, ClipSet
from skelact.data.storage import open_clips
from skelact.errors import InputError, OutputError
from skelact.formats.pyskl import LAYOUTS, convert_pyskl, read_pyskl, write_pyskl
from skelact.keypoints import get_layout

CLASSES = ("walk", "run", "jump")


def annotation(name: str = "a", label: int = 0, persons: int = 2, frames: int = 3, v: int = 17) -> dict[str, Any]:
    random = np.random.default_rng(len(name) + label)
    return {
        "frame_dir": name,
        "label": label,
        "img_shape": (480, 640),
        "original_shape": (480, 640),
        "total_frames": frames,
        "keypoint": (random.random((persons, frames, v, 2)) * 400).astype(np.float16),
        "keypoint_score": random.random((persons, frames, v)).astype(np.float16),
    }


def saved(path: Path, content: Any, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


def content() -> dict[str, Any]:
    return {
        "split": {"xsub_train": ["a", "b"], "xsub_val": ["c"]},
        "annotations": [annotation("a", 0), annotation("b", 2, persons=1, frames=5), annotation("c", 1)],
    }


def converted(path: Path, **options: Any) -> ClipSet:
    folder = path.with_suffix("")
    convert_pyskl(path, folder, **options)
    return open_clips(folder)


# Reading and converting have to tell the same.
READERS = {"read": read_pyskl, "converted": converted}
each_reader = pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
Reader = Callable[..., ClipSet]


@each_reader
@pytest.mark.parametrize("protocol", range(6))
def test_a_file_of_pyskl(tmp_path: Path, reader: Reader, protocol: int) -> None:
    clips = reader(saved(tmp_path / "a.pkl", content(), protocol), class_names=CLASSES, group_of=str.upper)
    assert clips.names.tolist() == ["a", "b", "c"]
    assert clips.groups.tolist() == ["A", "B", "C"]
    assert clips.labels.tolist() == [0, 2, 1]
    assert clips.class_names == CLASSES
    assert clips.layout == "coco17"
    assert {part: mask.tolist() for part, mask in clips.splits.items()} == {
        "xsub_train": [True, True, False],
        "xsub_val": [False, False, True],
    }
    for k, wanted in enumerate(content()["annotations"]):
        clip = clips.clip(k)
        np.testing.assert_array_equal(clip.keypoints, wanted["keypoint"])
        np.testing.assert_array_equal(clip.scores, wanted["keypoint_score"])
        assert (clip.height, clip.width) == (480, 640)


@each_reader
def test_a_list_of_annotations_without_splits_and_class_names(tmp_path: Path, reader: Reader) -> None:
    clips = reader(saved(tmp_path / "a.pkl", [annotation("a", 2), annotation("b", 0)]))
    assert clips.class_names == ("class 0", "class 1", "class 2")
    assert clips.groups.tolist() == ["", ""]
    assert not clips.splits


@each_reader
@pytest.mark.parametrize(("v", "layout"), LAYOUTS.items())
def test_the_number_of_keypoints_tells_the_layout(tmp_path: Path, reader: Reader, v: int, layout: str) -> None:
    assert reader(saved(tmp_path / "a.pkl", [annotation(v=v)])).layout == layout


@each_reader
def test_parts_are_renamed(tmp_path: Path, reader: Reader) -> None:
    file = saved(tmp_path / "a.pkl", {"split": {"train1": ["a"], "own": []}, "annotations": [annotation("a")]})
    assert set(reader(file, parts={"train1": "split1_train", "test1": "split1_val"}).splits) == {"split1_train", "own"}


def test_parts_are_told_by_the_names_where_there_is_no_split(tmp_path: Path) -> None:
    parts = {"a": ("xsub_train", "xview_val"), "b": ("xsub_val",), "c": ()}
    clips = converted(saved(tmp_path / "a.pkl", content()["annotations"]), parts_of=parts.__getitem__)
    assert {part: mask.tolist() for part, mask in clips.splits.items()} == {
        "xsub_train": [True, False, False],
        "xsub_val": [False, True, False],
        "xview_val": [True, False, False],
    }
    with_split = saved(tmp_path / "b.pkl", content())
    assert set(converted(with_split, parts_of=parts.__getitem__).splits) == {"xsub_train", "xsub_val"}


@each_reader
def test_what_pyskl_takes_is_taken(tmp_path: Path, reader: Reader) -> None:
    later = annotation("later") | {"total_frames": 2}
    nobody = annotation("nobody", persons=0)
    plain = annotation("plain")
    for field in ("img_shape", "original_shape", "total_frames"):
        del plain[field]
    unseen = annotation("unseen")
    unseen["keypoint"][0, 0, 3] = np.nan
    unseen["keypoint_score"][0, 0, 3] = 0.005
    wide = annotation("wide") | {"keypoint": annotation("wide")["keypoint"].astype(np.float64), "label": np.int64(0)}
    clips = reader(saved(tmp_path / "a.pkl", [later, nobody, plain, unseen, wide]))
    assert clips.frames.tolist() == [2, 3, 3, 3, 3]
    assert clips.instances.tolist() == [2, 1, 2, 2, 2]
    np.testing.assert_array_equal(clips.clip(0).keypoints, later["keypoint"][:, :2])
    assert not clips.clip(1).scores.any()
    assert clips.sizes[2].tolist() == [1920, 1080]
    assert clips.clip(3).keypoints[0, 0, 3].tolist() == [0, 0]
    np.testing.assert_array_equal(clips.clip(4).keypoints, wide["keypoint"])


def changed(**changes: Any) -> dict[str, Any]:
    """The content with the second annotation changed; None leaves a field out."""
    whole = content()
    entry = whole["annotations"][1] | changes
    whole["annotations"][1] = {field: value for field, value in entry.items() if value is not None}
    return whole


NAN = np.full((1, 5, 17, 2), np.nan, np.float16)
FAULTS = {
    "no label": (changed(label=None), "'b' has the label 'None'"),
    "a label in words": (changed(label="run"), "'b' has the label 'run'"),
    "a negative label": (changed(label=-1), "'b' has the label '-1'"),
    "a label beyond the classes": (changed(label=3), "'b' has label 3, beyond the 3 classes"),
    "no name": (changed(frame_dir=None), "annotation 1 has no name"),
    "an empty name": (changed(frame_dir=""), "annotation 1 has no name"),
    "a name twice": (changed(frame_dir="a"), "two annotations are called 'a'"),
    "another number of keypoints": (changed(keypoint=np.zeros((1, 5, 18, 2))), r"'b' has keypoints \(1, 5, 18, 2\)"),
    "fewer scores than keypoints": (changed(keypoint_score=np.zeros((1, 4, 17))), r"'b' .*scores \(1, 4, 17\)"),
    "no scores": (changed(keypoint_score=None), "'b' needs an array 'keypoint_score' of 3 axes, and has none"),
    "no keypoints": (changed(keypoint=None), "'b' needs an array 'keypoint' of 4 axes, and has none"),
    "keypoints of one person without its axis": (changed(keypoint=np.zeros((5, 17, 2))), r"of 4 axes, and has one of"),
    "no frames": (
        changed(keypoint=np.zeros((1, 0, 17, 2)), keypoint_score=np.zeros((1, 0, 17)), total_frames=0),
        "'b' has keypoints",
    ),
    "more frames stated than there are": (changed(total_frames=6), "'b' states 6 frames, and its keypoints have 5"),
    "coordinates that are no numbers": (changed(keypoint=NAN), "'b' has coordinates or scores that are no finite"),
    "scores that are no numbers": (changed(keypoint_score=NAN[..., 0]), "'b' has coordinates or scores that are no"),
    "infinite coordinates": (changed(keypoint=NAN + np.inf, keypoint_score=np.ones((1, 5, 17))), "'b' has coordinates"),
    "coordinates beyond half precision": (
        changed(keypoint=np.full((1, 5, 17, 2), 1e6), keypoint_score=np.ones((1, 5, 17))), "beyond 65504",
    ),
    "no size": (changed(img_shape=(0, 640)), r"'b' has img_shape \(0, 640\)"),
    "a size of one number": (changed(img_shape=(640,)), r"'b' has img_shape \(640,\)"),
    "a size in words": (changed(img_shape="640x480"), "'b' has img_shape 640x480"),
    "keypoints in other files": (changed(keypoint=None, raw_file="x.pkl"), "as in PYSKL's file for Kinetics-400"),
    "a part that names what is not there": (
        content() | {"split": {"xsub_val": ["a", "zz"]}}, "part 'xsub_val' of its split names 'zz'",
    ),
    "a part of numbers": (content() | {"split": {"xsub_val": [0]}}, "part 'xsub_val' of its split names '0'"),
    "a part that is no list": (content() | {"split": {"xsub_val": "a"}}, "part 'xsub_val' of its split is no list"),
    "a split that is a list": (content() | {"split": ["a"]}, "'split' must be a dictionary"),
    "3D keypoints": ([annotation() | {"keypoint": np.zeros((1, 3, 25, 3))}], "25 keypoints of 3 coordinates: only 2D"),
    "OpenPose's keypoints": ([annotation(v=18)], "18 keypoints of 2 coordinates: only 2D .* 17, 21, 65, 133"),
    "no annotations": ({"split": {}, "annotations": []}, "is no PYSKL pickle"),
    "other annotations": ([1, 2], "is no PYSKL pickle"),
    "another dictionary": ({"state_dict": {}}, "is no PYSKL pickle"),
    "a single array": (np.zeros(3), "is no PYSKL pickle"),
}  # fmt: skip


@each_reader
@pytest.mark.parametrize(("whole", "message"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_right_is_told(tmp_path: Path, reader: Reader, whole: Any, message: str) -> None:
    file = saved(tmp_path / "odd.pkl", whole)
    with pytest.raises(InputError, match=message) as raised:
        reader(file, class_names=CLASSES)
    assert "odd.pkl" in str(raised.value)
    assert os.listdir(tmp_path) == ["odd.pkl"]


@each_reader
@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"", "damaged or cut short"), (b"hello", "damaged"), (pickle.dumps(content())[:-200], "damaged or cut short")],
    ids=["empty", "text", "cut short"],
)
def test_other_files_are_refused(tmp_path: Path, reader: Reader, raw: bytes, message: str) -> None:
    (tmp_path / "odd.pkl").write_bytes(raw)
    with pytest.raises(InputError, match=message):
        reader(tmp_path / "odd.pkl")
    with pytest.raises(InputError, match="there is no file"):
        reader(tmp_path / "missing.pkl")
    assert os.listdir(tmp_path) == ["odd.pkl"]


def test_a_folder_is_replaced_only_if_so_wanted(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.pkl", content())
    done = []
    convert_pyskl(file, tmp_path / "new" / "clips", on_clip=lambda count, total: done.append((count, total)))
    assert done == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(OutputError, match="--overwrite"):
        convert_pyskl(file, tmp_path / "new" / "clips")
    convert_pyskl(saved(file, [annotation("z")]), tmp_path / "new" / "clips", overwrite=True)
    assert open_clips(tmp_path / "new" / "clips").names.tolist() == ["z"]
    assert os.listdir(tmp_path / "new") == ["clips"]


# Writing ------------------------------------------------------------------------------------------------------------

HALF = st.floats(-2000, 2000, width=16)


@st.composite
def clip_sets(draw: st.DrawFn) -> ClipSet:
    layout = draw(st.sampled_from(sorted(LAYOUTS.values())))
    v = len(get_layout(layout))
    names = draw(
        st.lists(st.text(min_size=1, max_size=8).map(lambda name: f"n{name}n"), min_size=1, unique=True, max_size=4)
    )
    clips = []
    for name in names:
        shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)), v)
        clips.append(
            Clip(
                draw(npst.arrays(np.float16, (*shape, 2), elements=HALF)).astype(np.float32),
                draw(npst.arrays(np.float16, shape, elements=st.floats(0, 1, width=16))).astype(np.float32),
                draw(st.integers(1, 4000)),
                draw(st.integers(1, 4000)),
                draw(st.integers(0, 2)),
                name,
                "",
            )
        )
    masks = st.lists(st.booleans(), min_size=len(names), max_size=len(names)).map(np.array)
    splits = draw(st.dictionaries(st.sampled_from(["xsub_train", "split1_train", "own"]), masks))
    return ClipSet.from_clips(clips, CLASSES, layout, splits)


@settings(max_examples=60, deadline=None)
@given(clips=clip_sets())
def test_what_is_written_is_read(clips: ClipSet, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("trip") / "a.pkl"
    parts = {"train1": "split1_train"}
    write_pyskl(clips, path, parts=parts)
    for again in (read_pyskl(path, CLASSES, parts), converted(path, class_names=CLASSES, parts=parts)):
        for name in ("sizes", "labels", "names", "groups", "frames", "instances"):
            assert getattr(again, name).tolist() == getattr(clips, name).tolist(), name
        assert (again.class_names, again.layout) == (clips.class_names, clips.layout)
        assert {part: mask.tolist() for part, mask in again.splits.items()} == {
            part: mask.tolist() for part, mask in clips.splits.items()
        }
        for k in range(len(clips)):
            np.testing.assert_array_equal(again.clip(k).keypoints, clips.clip(k).keypoints)
            np.testing.assert_array_equal(again.clip(k).scores, clips.clip(k).scores)


def test_a_written_file_is_what_pyskl_expects(tmp_path: Path) -> None:
    clips = read_pyskl(saved(tmp_path / "a.pkl", content()))
    write_pyskl(clips, tmp_path / "b.pkl", parts={"train1": "xsub_train"})
    whole = pickle.loads((tmp_path / "b.pkl").read_bytes())
    assert whole["split"] == {"train1": ["a", "b"], "xsub_val": ["c"]}
    assert type(whole["annotations"]) is list
    for found, wanted in zip(whole["annotations"], content()["annotations"], strict=True):
        assert set(found) == set(wanted)
        for field, value in wanted.items():
            assert type(found[field]) is type(value), field
            if isinstance(value, np.ndarray):
                assert found[field].dtype == np.float16
                np.testing.assert_array_equal(found[field], value)
            else:
                assert found[field] == value


def test_keypoints_relative_to_the_frame_are_written_in_pixels(tmp_path: Path) -> None:
    clips = ClipSet(
        np.full((1, 17, 2), 0.5, np.float32), np.ones((1, 17), np.float32), np.zeros(1, np.int64),
        np.ones(1, np.int64), np.ones(1, np.int64), np.array([[640, 480]]), np.zeros(1, np.int64),
        np.array(["a"]), np.array(["p"]), ("walk",), "coco17", relative=True,
    )  # fmt: skip
    write_pyskl(clips, tmp_path / "a.pkl")
    assert read_pyskl(tmp_path / "a.pkl").clip(0).keypoints[0, 0, 0].tolist() == [320, 240]


def test_a_file_is_replaced_only_if_so_wanted(tmp_path: Path) -> None:
    clips = read_pyskl(saved(tmp_path / "a.pkl", content()))
    with pytest.raises(OutputError, match="--overwrite"):
        write_pyskl(clips, tmp_path / "a.pkl")
    write_pyskl(clips.subset(np.array([1])), tmp_path / "a.pkl", overwrite=True)
    assert read_pyskl(tmp_path / "a.pkl").names.tolist() == ["b"]
