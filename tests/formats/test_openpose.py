"""OpenPose's folders: the order of its keypoints, its numbers of frames, folders replaced as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelact.errors import InputError, OutputError, UsageError
from skelact.formats.gathering import Given
from skelact.formats.openpose import read_openpose, write_openpose
from skelact.keypoints import get_layout
from tests.formats.sequences import walkers

TOLD = Given((800, 480), 25.0)
# As in OpenPose's documentation, "Pose Output Format (BODY_25)".
BODY_25 = {
    0: "nose", 2: "right_shoulder", 3: "right_elbow", 4: "right_wrist", 5: "left_shoulder", 6: "left_elbow",
    7: "left_wrist", 9: "right_hip", 10: "right_knee", 11: "right_ankle", 12: "left_hip", 13: "left_knee",
    14: "left_ankle", 15: "right_eye", 16: "left_eye", 17: "right_ear", 18: "left_ear", 19: "left_big_toe",
    20: "left_small_toe", 21: "left_heel", 22: "right_big_toe", 23: "right_small_toe", 24: "right_heel",
}  # fmt: skip


def triples(count: int, start: float = 0) -> list[float]:
    return [value for k in range(count) for value in (start + k, start + k + 0.5, 0.9)]


def person(**changes: Any) -> dict[str, Any]:
    whole = {
        "person_id": [-1],
        "pose_keypoints_2d": triples(25, 100),
        "face_keypoints_2d": triples(70, 300),
        "hand_left_keypoints_2d": triples(21, 400),
        "hand_right_keypoints_2d": triples(21, 500),
        "pose_keypoints_3d": [],
    }
    return whole | changes


def folder(path: Path, files: dict[str, Any]) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_text(
            content if isinstance(content, str) else json.dumps({"version": 1.3, "people": content})
        )
    return path


def name(frame: int, video: str = "clip") -> str:
    return f"{video}_{frame:012d}_keypoints.json"


def test_the_order_of_keypoints_is_openposes(tmp_path: Path) -> None:
    sequence = read_openpose(folder(tmp_path / "o", {name(0): [person(person_id=[2])]}), TOLD)
    index, x = get_layout("wholebody133").index, sequence.keypoints[0, 0, :, 0]
    for k, keypoint in BODY_25.items():
        assert x[index[keypoint]] == 100 + k, keypoint
    assert x[index["face_0"]] == 300
    assert x[index["face_67"]] == 367
    assert x[index["left_hand_root"]] == 400
    assert x[index["left_little4"]] == 420
    assert x[index["right_thumb1"]] == 501
    assert sequence.track_ids.tolist() == [2]
    assert np.allclose(sequence.scores, 0.9)


def test_what_is_written_is_in_openposes_order_with_a_neck_and_hips(tmp_path: Path) -> None:
    sequence = walkers(frames=1, persons=1)
    write_openpose(sequence, tmp_path / "walk")
    content = json.loads((tmp_path / "walk" / name(0, "walk")).read_text())
    index, points = get_layout("wholebody133").index, sequence.keypoints[0, 0]
    found = content["people"][0]
    body = np.array(found["pose_keypoints_2d"]).reshape(25, 3)
    for k, keypoint in BODY_25.items():
        np.testing.assert_allclose(body[k, :2], points[index[keypoint]], atol=1e-3)
    for k, part in {1: "shoulder", 8: "hip"}.items():
        sides = [index[f"{side}_{part}"] for side in ("left", "right")]
        np.testing.assert_allclose(body[k, :2], points[sides].mean(axis=0), atol=1e-3)
        np.testing.assert_allclose(body[k, 2], sequence.scores[0, 0, sides].min(), atol=1e-4)
    assert len(found["face_keypoints_2d"]) == 210
    assert found["face_keypoints_2d"][-6:] == [0] * 6
    assert content["version"] == 1.3


def test_without_both_shoulders_there_is_no_neck(tmp_path: Path) -> None:
    sequence = walkers("coco17", frames=1, persons=1)
    sequence.scores[0, 0, 5] = 0
    write_openpose(sequence, tmp_path / "walk")
    found = json.loads((tmp_path / "walk" / name(0, "walk")).read_text())["people"][0]
    assert found["pose_keypoints_2d"][3:6] == [0, 0, 0]
    assert found["hand_left_keypoints_2d"] == found["face_keypoints_2d"] == []


def test_persons_without_ids_are_tracked(tmp_path: Path) -> None:
    sequence = walkers()
    write_openpose(sequence, tmp_path / "walk")
    for file in (tmp_path / "walk").iterdir():
        content = json.loads(file.read_text())
        content["people"] = [
            found | {"person_id": [-1]} for found in content["people"][:: 1 if "2" in file.name else -1]
        ]
        file.write_text(json.dumps(content))
    found = read_openpose(tmp_path / "walk", TOLD)
    order = np.argsort(found.keypoints[:, 0, 0, 0])
    np.testing.assert_allclose(found.keypoints[order], sequence.keypoints, atol=1e-3)


def test_frames_left_out_and_a_first_number_above_0(tmp_path: Path) -> None:
    sequence = read_openpose(folder(tmp_path / "o", {name(t): [person(person_id=[1])] for t in (12, 10, 15)}), TOLD)
    assert sequence.present.tolist() == [[True, False, True, False, False, True]]


def test_one_file_is_one_frame(tmp_path: Path) -> None:
    path = folder(tmp_path / "o", {name(3): [person(person_id=[1])], name(4): []})
    assert read_openpose(path / name(3), TOLD).num_frames == 1


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no files": ({}, "holds none of OpenPose's files"),
    "frames of two videos": ({name(0): [], name(1, "other"): []}, "frames of several videos"),
    "a frame twice": ({name(0): [], "clip_0_keypoints.json": []}, "frame 0 is there twice"),
    "no number of a frame": ({"clip_keypoints.json": []}, "has no number of a frame"),
    "a frame beyond belief": ({"clip_999999999999_keypoints.json": []}, "the number of a frame is '999999999999'"),
    "no people": ({name(0): "{}"}, "has no list of people"),
    "a list": ({name(0): "[]"}, "has no list of people"),
    "cut short": ({name(0): '{"people": ['}, "is cut short or empty"),
    "empty": ({name(0): ""}, "is cut short or empty"),
    "NaN": ({name(0): '{"people": [NaN]}'}, "NaN is no number"),
    "deep brackets": ({name(0): "[" * 100_000}, "is no JSON"),
    "a person who is a number": ({name(0): [3]}, "person 0: it is no object"),
    "no body": ({name(0): [person(pose_keypoints_2d=[])]}, "pose_keypoints_2d has 0 numbers, where 75"),
    "COCO's 18": ({name(0): [person(pose_keypoints_2d=triples(18))]}, "pose_keypoints_2d has 54 numbers, where 75"),
    "half a hand": ({name(0): [person(hand_left_keypoints_2d=triples(10))]}, "hand_left_keypoints_2d has 30 numbers"),
    "words": ({name(0): [person(face_keypoints_2d=["a"])]}, "face_keypoints_2d must be numbers"),
    "null": ({name(0): [person(face_keypoints_2d=[None] * 210)]}, "face_keypoints_2d has values that are not finite"),
    "a person's number in words": ({name(0): [person(person_id=["x"])]}, "person 0: person_id is 'x'"),
    "two of one number": ({name(0): [person(person_id=[1])] * 2}, "frame 0: track 1 is there twice"),
    "ids for some": ({name(0): [person(person_id=[1]), person()]}, "1 of 2 persons in frames have a track id"),
    "shares in place of pixels": (
        {name(0): [{"person_id": [0], "pose_keypoints_2d": [0.3, 0.6, 0.9] * 25}]}, "shares and not pixels",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_told_in_one_sentence(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read_openpose(folder(tmp_path / "o", files), TOLD)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_size_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give --size"):
        read_openpose(folder(tmp_path / "o", {name(0): []}), Given(fps=25))


def test_a_file_too_large_for_a_frame(tmp_path: Path) -> None:
    path = folder(tmp_path / "o", {name(0): []})
    with (path / name(0)).open("r+b") as file:
        file.truncate(1 << 40)  # a hole: a terabyte that takes no space
    with pytest.raises(InputError, match="more than 64 MB"):
        read_openpose(path, TOLD)


def test_a_folder_that_exists_stays_unless_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "o"
    write_openpose(walkers(frames=6), path)
    with pytest.raises(OutputError, match="--overwrite"):
        write_openpose(walkers(frames=2), path)
    assert len(os.listdir(path)) == 6
    write_openpose(walkers(frames=2), path, overwrite=True)
    assert len(os.listdir(path)) == 2
    assert os.listdir(tmp_path) == ["o"]


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    path = folder(tmp_path / "o", {"thesis.txt": "ten years"})
    with pytest.raises(OutputError, match=r"holds 'thesis\.txt'"):
        write_openpose(walkers(), path, overwrite=True)
    assert (path / "thesis.txt").read_text() == "ten years"


@pytest.mark.parametrize("kind", ["a file", "a link to a folder"])
def test_what_is_no_folder_is_never_replaced(tmp_path: Path, kind: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "o").symlink_to("real") if "link" in kind else (tmp_path / "o").touch()
    with pytest.raises(OutputError, match="is no folder"):
        write_openpose(walkers(), tmp_path / "o", overwrite=True)


def test_a_failure_leaves_nothing_new_and_all_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "o"
    write_openpose(walkers(frames=2), path)
    broken = walkers(frames=4)
    broken.keypoints[0, 3] = np.nan  # cannot be written as JSON
    with pytest.raises(ValueError, match="JSON compliant"):
        write_openpose(broken, path, overwrite=True)
    assert len(os.listdir(path)) == 2
    assert os.listdir(tmp_path) == ["o"]


def test_no_space_left_keeps_what_was_there(tmp_path: Path) -> None:
    write_openpose(walkers(frames=2), tmp_path / "o")
    # A limit on the size of files fails in the same place as a full disk; it holds for a process and its life.
    script = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from skelact.errors import OutputError\n"
        "from skelact.formats.openpose import write_openpose\n"
        "from tests.formats.sequences import walkers\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "try:\n"
        "    write_openpose(walkers(frames=4), Path(sys.argv[1]), overwrite=True)\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "o")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2])
    assert run.stdout.startswith("no space is left"), run.stderr
    assert len(os.listdir(tmp_path / "o")) == 2
    assert os.listdir(tmp_path) == ["o"]


def test_hands_alone_have_no_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not layout hand21"):
        write_openpose(walkers("hand21"), tmp_path / "o")
