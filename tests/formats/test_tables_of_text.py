"""CSV tables of keypoints and MOTChallenge's files of boxes: forms that are read, and faults told by line."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from skelact.errors import InputError, UsageError
from skelact.formats.csv_table import read_csv, write_csv
from skelact.formats.gathering import Given
from skelact.formats.mot import read_mot, write_mot
from tests.formats.sequences import walkers

TOLD = Given((800, 480))
HEADER = "frame,time,track,keypoint,x,y,score\n"


def saved(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_table_has_a_row_for_each_keypoint(tmp_path: Path) -> None:
    sequence = walkers("coco17", frames=2)
    sequence.scores[1, 1] = 0
    sequence.boxes[1, 1] = 0
    write_csv(sequence, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * (17 + 2)
    nose = next(row for row in rows if row["frame"] == "1" and row["keypoint"] == "nose")
    assert (nose["track"], nose["time"]) == ("3", "0.04")
    assert float(nose["x"]) == pytest.approx(sequence.keypoints[0, 1, 0, 0], abs=1e-3)


FORMS = {
    "keypoints left out were not seen": (HEADER + "0,0,1,nose,5,6,1\n1,0.1,1,left_eye,7,8,1\n", "coco17", (1, 2)),
    "a foot makes it expressive": (HEADER + "0,0,1,left_heel,5,6,1\n1,0.1,,,,,\n", "expressive65", (1, 2)),
    "a face makes it whole": (HEADER + "0,0,1,face_3,5,6,1\n1,0.1,,,,,\n", "wholebody133", (1, 2)),
    "a hand alone": (HEADER + "0,0,1,hand_root,5,6,1\n0,0,1,thumb1,5,7,1\n1,0.1,,,,,\n", "hand21", (1, 2)),
    "frames in any order": (HEADER + "1,0.1,1,nose,5,6,1\n0,0.0,1,nose,5,6,1\n", "coco17", (1, 2)),
    "a frame left out": (HEADER + "0,0,1,nose,5,6,1\n3,0.3,1,nose,5,6,1\n", "coco17", (1, 4)),
    "the first frames left out": (HEADER + "2,0.2,1,nose,5,6,1\n3,0.3,1,nose,5,6,1\n", "coco17", (1, 4)),
    "columns in another order and one more": (
        "score,y,x,who,keypoint,track,time,frame\n1,6,5,anna,nose,1,0,0\n1,6,5,anna,nose,1,0.1,1\n", "coco17", (1, 2),
    ),
    "Windows' line ends, and quotes": (
        HEADER.replace("\n", "\r\n") + '"0","0","1","nose",5,6,1\r\n1,1,,,,,\r\n', "coco17", (1, 2)),
    "a byte order mark": ("\ufeff" + HEADER + "0,0,1,nose,5,6,1\n1,0.1,,,,,\n", "coco17", (1, 2)),
}  # fmt: skip


@pytest.mark.parametrize(("content", "layout", "shape"), FORMS.values(), ids=FORMS)
def test_forms_of_tables(tmp_path: Path, content: str, layout: str, shape: tuple[int, int]) -> None:
    sequence = read_csv(saved(tmp_path / "a.csv", content), TOLD)
    assert sequence.layout == layout
    assert (sequence.num_instances, sequence.num_frames) == shape
    assert np.isfinite(sequence.timestamps).all()
    assert (np.diff(sequence.timestamps) > 0).all()


def test_times_of_frames_left_out_and_the_rate(tmp_path: Path) -> None:
    rows = "".join(f"{t},{t / 10},1,nose,5,6,1\n" for t in (2, 3, 6))
    sequence = read_csv(saved(tmp_path / "a.csv", HEADER + rows), TOLD)
    np.testing.assert_allclose(sequence.timestamps, np.arange(7) / 10, atol=1e-12)
    assert sequence.fps == 10
    assert read_csv(tmp_path / "a.csv", Given((800, 480), 12.0)).fps == 12


def test_a_box_is_read_or_drawn(tmp_path: Path) -> None:
    rows = "0,0,1,box_top_left,1,2,1\n0,0,1,box_bottom_right,30,40,1\n0,0,1,nose,5,6,1\n1,0.1,1,nose,7,8,0.5\n"
    assert read_csv(saved(tmp_path / "a.csv", HEADER + rows), TOLD).boxes.tolist() == [[[1, 2, 30, 40], [7, 8, 7, 8]]]


FAULTS = {
    "empty": ("", "its first line needs one column 'frame'"),
    "no header": ("0,0,1,nose,5,6,1\n", "its first line needs one column 'frame'"),
    "a column twice": (HEADER.replace("score", "x"), "needs one column 'x'"),
    "a header alone": (HEADER, "holds no frames"),
    "a row cut short": (HEADER + "0,0,1,no", "line 2: it has 4 columns, where the first line has 7"),
    "a coordinate in words": (HEADER + "0,0,1,nose,left,6,1\n", "line 2: x is 'left'"),
    "NaN": (HEADER + "0,0,1,nose,5,nan,1\n", "line 2: y is 'nan'"),
    "infinity": (HEADER + "0,0,1,nose,5,6,inf\n", "line 2: score is 'inf'"),
    "a half frame": (HEADER + "0.5,0,1,nose,5,6,1\n", "line 2: frame is '0.5'"),
    "a frame below 0": (HEADER + "-1,0,1,nose,5,6,1\n", "line 2: frame is '-1'"),
    "a frame beyond belief": (HEADER + f"{10**15},0,1,nose,5,6,1\n", "line 2: frame is '1000000000000000'"),
    "a track in words": (HEADER + "0,0,anna,nose,5,6,1\n", "line 2: track is 'anna'"),
    "a track without keypoint": (HEADER + "0,0,1,,5,6,1\n", "there is no keypoint ''"),
    "an unknown keypoint": (HEADER + "0,0,1,noze,5,6,1\n", "frame 0: there is no keypoint 'noze'"),
    "a keypoint twice": (
        HEADER + "0,0,1,nose,5,6,1\n0,0,1,nose,5,6,1\n", "line 3: keypoint 'nose' of track 1 is in frame 0 twice"),
    "rows that stand apart": (
        HEADER + "0,0,1,nose,5,6,1\n0,0,2,nose,5,6,1\n0,0,1,left_eye,5,6,1\n", "frame 0: track 1 is there twice",
    ),
    "half a box": (HEADER + "0,0,1,box_top_left,5,6,1\n", "has one corner of its box"),
    "two times of a frame": (HEADER + "0,0,1,nose,5,6,1\n0,1,2,nose,5,6,1\n", "line 3: frame 0 has two times, 0 and 1"),
    "times that go back": (HEADER + "0,1,1,nose,5,6,1\n1,0,1,nose,5,6,1\n", "the time of frame 1 is not after"),
    "a hand and a body": (HEADER + "0,0,1,thumb1,5,6,1\n0,0,1,nose,5,6,1\n", "there is no keypoint 'nose'"),
    "a NUL": (HEADER + "0,0,1,nose\0,5,6,1\n", "there is no keypoint|no table with commas"),
    "a quote without end": (HEADER + '0,0,1,"nose,5,6,1\n', "is no table with commas"),
    "not UTF-8": ((HEADER + "0,0,1,n\xe4se,5,6,1\n").encode("latin1"), "is not in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_of_tables_are_told_in_one_sentence(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read_csv(saved(tmp_path / "a.csv", content), Given((800, 480), 25.0))
    assert "a.csv" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_has_to_be_given_for_a_table(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", HEADER + "0,0,1,nose,5,6,1\n")
    with pytest.raises(UsageError, match="give --size"):
        read_csv(path)
    with pytest.raises(UsageError, match="has one frame, which tells no frames per second: give --fps"):
        read_csv(path, TOLD)


BOXES = "1,4,10,20,30.5,40,0.9,-1,-1,-1\n2,4,12,20,30.5,40,0.9,-1,-1,-1\n"
SEQUENCE = "[Sequence]\nname=A\nframeRate=30\nseqLength=5\nimWidth=1920\nimHeight=1080\n"


def test_boxes_without_keypoints(tmp_path: Path) -> None:
    sequence = read_mot(saved(tmp_path / "a.txt", BOXES), Given((800, 480), 25))
    assert sequence.boxes.tolist() == [[[10, 20, 40.5, 60], [12, 20, 42.5, 60]]]
    assert sequence.track_ids.tolist() == [4]
    assert not sequence.present.any()
    assert "boxes only" in sequence.notes[0]


@pytest.mark.parametrize("folder", [".", "gt"])
def test_the_sequence_of_a_file_is_found_beside_it(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / "seqinfo.ini").write_text(SEQUENCE)
    sequence = read_mot(saved(tmp_path / folder / "gt.txt", BOXES))
    assert (sequence.width, sequence.height, sequence.fps, sequence.num_frames) == (1920, 1080, 30, 5)


def test_rows_that_do_not_count_in_truth_are_left_out(tmp_path: Path) -> None:
    rows = "1,1,5,5,9,9,1,1,0.8\n1,2,5,5,9,9,0,1,0.8\n1,3,5,5,9,9,1,7,0.8\n"
    assert read_mot(saved(tmp_path / "a.txt", rows), Given((800, 480), 25)).track_ids.tolist() == [1]


def test_boxes_without_ids_are_tracked(tmp_path: Path) -> None:
    rows = "".join(f"{t},-1,{x + t},20,60,160,0.9,-1,-1,-1\n" for t in range(1, 6) for x in (10, 300))
    sequence = read_mot(saved(tmp_path / "a.txt", rows), Given((800, 480), 25))
    assert sequence.num_instances == 2
    assert sorted(sequence.boxes[:, 4, 0].tolist()) == [15, 305]


def test_the_truth_of_motchallenge(shared: Path, tmp_path: Path) -> None:
    path = shared / "tracking" / "MOT17-09" / "gt.txt"
    rows = np.loadtxt(path, delimiter=",")
    rows = rows[(rows[:, 6] == 1) & (rows[:, 7] == 1)]
    sequence = read_mot(path)
    assert set(sequence.track_ids.tolist()) == set(rows[:, 1].astype(int))
    assert (sequence.boxes != 0).any(axis=-1).sum() == len(rows)
    write_mot(sequence, tmp_path / "gt.txt")
    again = np.loadtxt(tmp_path / "gt.txt", delimiter=",")
    order = [np.lexsort((found[:, 1], found[:, 0])) for found in (rows, again)]
    np.testing.assert_allclose(again[order[1], :6], rows[order[0], :6], atol=0.01)


MOT_FAULTS = {
    "empty": ("", "holds no frames"),
    "a text": ("boxes of a street\n", "line 1: it has 1 columns"),
    "a header": ("frame,id,x,y,w,h\n", "line 1: the frame is 'frame'"),
    "a row cut short": (BOXES + "3,4,1", "line 3: it has 3 columns"),
    "frame 0": ("0,1,1,1,1,1,1\n", "line 1: the frame is '0'"),
    "an id in words": ("1,anna,1,1,1,1,1\n", "line 1: the id is 'anna'"),
    "NaN": ("1,1,nan,1,1,1,1\n", "line 1: a box is 'nan'"),
    "an id twice in a frame": (BOXES + "1,4,10,20,30,40,1\n", "frame 1: track 4 is there twice"),
    "not UTF-8": (b"1,1,1,1,1,1,1,\xe4\n", "is not in UTF-8"),
}


@pytest.mark.parametrize(("content", "message"), MOT_FAULTS.values(), ids=MOT_FAULTS)
def test_faults_of_boxes_are_told_in_one_sentence(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read_mot(saved(tmp_path / "a.txt", content), Given((800, 480), 25))
    assert "a.txt" in str(raised.value)


@pytest.mark.parametrize("change", ["frameRate=0", "seqLength=-1", "imWidth=wide", "imHeight="])
def test_a_seqinfo_that_cannot_be_right(tmp_path: Path, change: str) -> None:
    key = change.partition("=")[0]
    lines = [change if line.startswith(key) else line for line in SEQUENCE.splitlines()]
    (tmp_path / "seqinfo.ini").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"seqinfo\.ini"):
        read_mot(saved(tmp_path / "a.txt", BOXES))
