"""`skelact convert`: formats told, many sequences, what is lost, and what is missing told in one sentence."""

from __future__ import annotations

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skelact.formats import load_sequence, save_sequence
from tests.formats.sequences import walkers

# Format to the file or folder that it is written to, and what --size and --fps it needs to be read again.
OUTPUTS = {
    "pyskl": ("walk.pkl", ["--fps", "25"]),
    "mmpose": ("walk.json", ["--size", "800x480", "--fps", "25"]),
    "coco": ("walk.json", ["--fps", "25"]),
    "openpose": ("walk", ["--size", "800x480", "--fps", "25"]),
    "csv": ("walk.csv", ["--size", "800x480"]),
}


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A sequence in the folder that commands run in."""
    save_sequence(walkers(), tmp_path / "walk.npz")
    return tmp_path / "walk.npz"


@pytest.mark.parametrize(("name", "output"), OUTPUTS.items(), ids=OUTPUTS)
def test_to_each_format_and_back_without_naming_it(skelact, tmp_path, walk, name, output):
    file, options = output
    there = skelact("convert", "walk.npz", file, "--to", name, "--json")
    assert there.status == 0, there.stderr
    told = json.loads(there.stdout)
    assert (told["from"], told["to"], told["persons"], told["frames"]) == ("npz", name, 2, 6)
    assert f"warning: {file} does not hold the" in there.stderr
    assert all(fact in there.stderr for fact in told["lost"])
    back = skelact("convert", file, "back.npz", *options)
    assert back.status == 0, back.stderr
    assert f"({name}) -> back.npz (npz): 2 persons, 6 frames, layout wholebody133" in back.stdout
    found = load_sequence(tmp_path / "back.npz")
    np.testing.assert_allclose(found.keypoints, walkers().keypoints, atol=2e-3)
    assert (found.width, found.height, found.fps) == (800, 480, 25)


def test_boxes_alone(skelact, tmp_path, walk):
    assert skelact("convert", "walk.npz", "walk.txt").status == 0
    done = skelact("convert", "walk.txt", "boxes.csv", "--size", "800x480", "--fps", "25")
    assert done.status == 0
    assert "warning: the file holds boxes only: no keypoint was seen" in done.stderr
    assert (tmp_path / "boxes.csv").read_text().count("box_top_left") == 12


def many(folder: Path, names: list[str]) -> None:
    for k, name in enumerate(names):
        save_sequence(replace(walkers("coco17", seed=k), track_ids=np.arange(2)), folder / f"{name}.npz")


def test_a_folder_of_classes_becomes_a_pickle_and_a_folder_again(skelact, tmp_path):
    many(tmp_path / "clips", ["run/anna_1", "run/ben_1", "walk/anna_1"])
    done = skelact("convert", "clips", "clips.pkl", "--json")
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout)["classes"] == ["run", "walk"]
    assert "the names of classes, which by label are run, walk" in done.stderr
    content = pickle.loads((tmp_path / "clips.pkl").read_bytes())
    assert [(found["frame_dir"], found["label"]) for found in content] == [
        ("run/anna_1", 0), ("run/ben_1", 0), ("walk/anna_1", 1),
    ]  # fmt: skip
    assert skelact("convert", "clips.pkl", "again", "--fps", "25").status == 0
    assert sorted(os.listdir(tmp_path / "again")) == ["0", "1"]
    np.testing.assert_array_equal(
        load_sequence(tmp_path / "again" / "1" / "walk" / "anna_1.npz").keypoints, walkers("coco17", seed=2).keypoints
    )
    assert skelact("convert", "again", "again.pkl").status == 0
    twice = pickle.loads((tmp_path / "again.pkl").read_bytes())
    for one, other in zip(content, twice, strict=True):
        assert one.keys() == other.keys()
        assert all(np.array_equal(one[key], other[key]) for key in one)


def test_sequences_without_classes_have_no_labels(skelact, tmp_path):
    many(tmp_path / "clips", ["a", "b"])
    assert skelact("convert", "clips", "clips.pkl").status == 0
    assert [found["label"] for found in pickle.loads((tmp_path / "clips.pkl").read_bytes())] == [-1, -1]
    assert skelact("convert", "clips.pkl", "again", "--fps", "25").status == 0
    assert sorted(os.listdir(tmp_path / "again")) == ["a.npz", "b.npz"]


@pytest.mark.parametrize("name", ["csv", "openpose"])
def test_a_folder_becomes_a_folder_of_another_format(skelact, tmp_path, name):
    many(tmp_path / "clips", ["run/a", "walk/b"])
    done = skelact("convert", "clips", "out", "--to", name)
    assert done.status == 0, done.stderr
    assert "2 sequences, 4 persons, 12 frames" in done.stdout
    assert (tmp_path / "out" / "walk" / ("b.csv" if name == "csv" else "b/b_000000000000_keypoints.json")).is_file()
    assert skelact("convert", "clips", "out", "--to", name).status == 6
    assert skelact("convert", "clips", "out", "--to", name, "--overwrite").status == 0
    assert sorted(os.listdir(tmp_path)) == ["clips", "out"]


def test_a_failure_midway_leaves_nothing(skelact, tmp_path):
    many(tmp_path / "clips", ["a", "b", "c"])
    (tmp_path / "clips" / "c.npz").write_bytes((tmp_path / "clips" / "c.npz").read_bytes()[:-50])
    for output in ("out", "out.pkl"):
        done = skelact("convert", "clips", output)
        assert done.status == 3
        assert "c.npz' is damaged or cut short" in done.stderr
    assert os.listdir(tmp_path) == ["clips"]


def test_a_name_that_would_leave_the_folder(skelact, tmp_path):
    entry = {"label": -1, "keypoint": np.ones((1, 2, 17, 2)), "keypoint_score": np.ones((1, 2, 17))}
    for name in ("../out", "/tmp/out", "..", ".hidden", "a/../../b", "a\\b"):
        content = [entry | {"frame_dir": name}, entry | {"frame_dir": "b"}]
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content))
        done = skelact("convert", "a.pkl", "inside", "--fps", "25")
        assert done.status == 3
        assert "cannot be the name of a file in a folder" in done.stderr
        assert os.listdir(tmp_path) == ["a.pkl"]


def test_formats_without_an_ending_are_told_by_what_is_in_them(skelact, tmp_path, walk):
    for name, (file, _) in OUTPUTS.items():
        if name not in ("openpose",):
            assert skelact("convert", "walk.npz", file, "--to", name, "--overwrite").status == 0
            (tmp_path / file).rename(tmp_path / f"{name}.unknown")
    (tmp_path / "npz.unknown").write_bytes(walk.read_bytes())
    for name in ("npz", "pyskl", "mmpose", "coco", "csv"):
        options = [] if name == "npz" else OUTPUTS[name][1]
        done = skelact("convert", f"{name}.unknown", "a.npz", "--overwrite", *options)
        assert f"({name}) -> a.npz" in done.stdout, done.stderr


CASES = {
    "a missing file": (["none.csv", "a.npz", "--size", "8x8"], 3, "there is no file 'none.csv'"),
    "a missing file of json": (["none.json", "a.npz"], 3, "there is no file 'none.json'"),
    "an unknown format": (["walk.npz", "a", "--to", "openpos"], 2, "did you mean 'openpose'"),
    "an unknown format to read": (["walk.npz", "a.csv", "--from", "numpy"], 2, "unknown format 'numpy'"),
    "an ending of several formats": (["walk.npz", "a.json"], 2, "choose --to mmpose or coco"),
    "an ending of none": (["walk.npz", "a.xml"], 2, "'a.xml' does not tell a format: choose one with --to"),
    "no ending": (["walk.npz", "a"], 2, "does not tell a format"),
    "json of no format": (["other.json", "a.npz"], 2, "name it with --from mmpose or coco"),
    "a text of no format": (["text.unknown", "a.npz"], 2, "name it with --from"),
    "no size": (["walk.csv", "a.npz"], 2, "does not state the size of the frames: give --size WIDTHxHEIGHT"),
    "no rate": (["walk.json", "a.npz", "--size", "800x480"], 2, "does not state the frames per second: give --fps"),
    "another size than stated": (["walk.npz", "a.csv", "--size", "8x8"], 2, "states frames of 800x480, not 8x8"),
    "another rate than stated": (["walk.npz", "a.csv", "--fps", "30"], 2, "states 25 frames per second, not 30"),
    "a size in words": (["walk.csv", "a.npz", "--size", "large"], 2, "--size is 'large'"),
    "a size of nothing": (["walk.csv", "a.npz", "--size", "0x480"], 2, "--size is '0x480'"),
    "a rate of nothing": (["walk.csv", "a.npz", "--fps", "0"], 2, "--fps is 0"),
    "a rate that is no number": (["walk.csv", "a.npz", "--fps", "nan"], 2, "--fps is nan"),
    "an output that exists": (["walk.npz", "walk.csv"], 6, "'walk.csv' exists"),
    "a folder where a file goes": (["walk.npz", "folder", "--to", "csv"], 6, "'folder' is not a file"),
    "a folder of other files": (
        ["walk.npz", "folder", "--to", "openpose", "--overwrite"],
        6,
        "which is no _keypoints.json file",
    ),
    "many into one file": (["folder", "a.csv"], 2, "many sequences do not fit into 'a.csv'"),
    "an output around the input": (
        ["folder/a.npz", "folder", "--to", "openpose", "--overwrite"],
        2,
        "is inside 'folder'",
    ),
    "an empty folder": (["empty", "a.pkl"], 3, "holds no files of sequences"),
    "a folder of several formats": (["mixed", "a.pkl"], 2, "choose --from csv or npz"),
    "a folder without that format": (["folder", "a.pkl", "--from", "csv"], 3, "holds no .csv files"),
    "the wrong format named": (["walk.npz", "a.csv", "--from", "pyskl", "--fps", "25"], 3, "is no pickle"),
    "a hand for openpose": (["hand.npz", "a", "--to", "openpose"], 2, "does not hold layout hand21: choose one of"),
}


@pytest.mark.parametrize(("arguments", "status", "told"), CASES.values(), ids=CASES)
def test_what_is_missing_or_wrong_is_one_sentence(skelact, tmp_path, walk, arguments, status, told):
    (tmp_path / "walk.csv").write_text("frame,time,track,keypoint,x,y,score\n0,0,1,nose,5,6,1\n")
    (tmp_path / "walk.json").write_text('[{"frame_id": 0, "instances": []}]')
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "text.unknown").write_text("a text")
    (tmp_path / "empty").mkdir()
    many(tmp_path / "folder", ["a", "b"])
    many(tmp_path / "mixed", ["a"])
    (tmp_path / "mixed" / "b.csv").touch()
    save_sequence(walkers("hand21"), tmp_path / "hand.npz")
    before = sorted(tmp_path.rglob("*"))
    done = skelact("convert", *arguments)
    assert done.status == status, done.stderr
    assert told in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
