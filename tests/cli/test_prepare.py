"""Preparing a public data set from the command line."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skelact.data.prepare import open_prepared
from skelact.formats.pyskl import read_pyskl
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings

NAMES = ("S001C001P001R001A001", "S001C002P003R001A002", "S002C003P008R002A055")


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files with the names of NTU videos, and in the place of extraction one that looks at the names only."""

    def extractor(settings: ExtractSettings, warn: Callable[[str], None]) -> Callable[[Path], PoseSequence]:
        def extract(video: Path) -> PoseSequence:
            scores = np.full((1, 4, 133), 0 if "A055" in video.name else 0.5, np.float32)
            return PoseSequence(
                np.full((1, 4, 133, 2), 50, np.float32),
                scores,
                np.tile(np.array([0, 0, 50, 90], np.float32), (1, 4, 1)),
                np.ones(1, np.int64),
                np.arange(4) / 30,
                640,
                480,
                30.0,
                estimator=str(settings.pose),
            )

        return extract

    monkeypatch.setattr("skelact.pipeline.extractor", extractor)
    monkeypatch.setattr(
        "skelact.batch.run.settle", lambda settings, warn: replace(settings, pose=settings.pose or "rtmw-l")
    )
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in (*NAMES, "holiday", "S001C002P005R002A008"):
        (folder / f"{name}.avi").write_bytes(b"video")
    return folder


def test_videos_to_a_prepared_data_set(skelact, videos):
    done = skelact("prepare", "ntu60", "--videos", videos)
    assert done.status == 0
    for told in ("academic research only", "holiday", "1 videos or samples gave no clip", "nobody was seen in its 4"):
        assert told in done.stderr
    for told in ("56880", "56578", "302", "xsub_train", "xview_val"):
        assert told in done.stdout
    assert len(open_prepared("ntu60")) == 2  # in the folder where training looks for it


def test_json_and_a_pickle(skelact, videos, tmp_path):
    done = skelact(
        "prepare", "ntu60", "--videos", videos, "-o", "here", "--pickle", "a.pkl", "--layout", "coco17",
        "--pose", "mediapipe", "--json",
    )  # fmt: skip
    assert done.status == 0
    told = json.loads(done.stdout)
    assert told["found"]["videos"] == 3
    assert told["found"]["expected_videos"] == 56880
    assert told["found"]["left_out"] == 1
    assert told["found"]["unknown"] == [str(videos / "holiday.avi")]
    assert told["clips"] == 2
    assert told["parts"] == {"xsub_train": 1, "xsub_val": 1, "xview_train": 1, "xview_val": 1}
    assert told["failures"] == {NAMES[2]: "nobody was seen in its 4 frames"}
    assert told["estimators"] == {"mediapipe": 2}
    assert Path(told["clips_folder"]) == Path("here/clips")
    assert read_pyskl(tmp_path / "a.pkl").names.tolist() == list(NAMES[:2])
    assert "no clips are in" not in done.stderr


def test_empty_parts_are_warned_of(skelact, videos):
    for name in NAMES[1:]:
        (videos / f"{name}.avi").unlink()
    done = skelact("prepare", "ntu60", "--videos", videos, "--json")
    assert done.status == 0
    assert "no clips are in xsub_val, xview_train" in done.stderr


def test_keypoints_of_different_estimators_are_refused(skelact, videos):
    skelact("prepare", "ntu60", "--videos", videos, "--pose", "mediapipe")
    (videos / "S003C001P001R001A009.avi").write_bytes(b"video")
    done = skelact("prepare", "ntu60", "--videos", videos, "--pose", "rtmw-m", "--overwrite")
    assert done.status == 6
    assert "was made by other settings (pose mediapipe, not rtmw-m): delete" in done.stderr


def test_a_pickle_to_a_prepared_data_set(skelact, tmp_path):
    entry = {
        "frame_dir": "v_Archery_g08_c01",
        "label": 2,
        "img_shape": (240, 320),
        "total_frames": 4,
        "keypoint": np.full((1, 4, 17, 2), 100, np.float16),
        "keypoint_score": np.ones((1, 4, 17), np.float16),
    }
    content = {"split": {"train1": [entry["frame_dir"]], "test1": []}, "annotations": [entry]}
    (tmp_path / "ucf101.pkl").write_bytes(pickle.dumps(content))
    done = skelact("prepare", "ucf101", "--annotations", "ucf101.pkl")
    assert done.status == 0
    assert "no clips are in split1_val" in done.stderr
    clips = open_prepared("ucf101")
    assert clips.part("split1_train").names.tolist() == ["v_Archery_g08_c01"]
    assert clips.class_names[2] == "Archery"


WRONG = {
    "an unknown data set": (["ntu61", "--videos", "videos"], 2, "did you mean 'ntu60'"),
    "neither videos nor annotations": (["ntu60"], 2, "give either --videos FOLDER, the videos of NTU RGB+D, or"),
    "both": (["ntu60", "--videos", "videos", "--annotations", "a.pkl"], 2, "give either --videos"),
    "an unknown engine": (["ntu60", "--videos", "videos", "--engine", "rays"], 2, "did you mean 'ray'"),
    "an unknown layout": (["ntu60", "--videos", "videos", "--layout", "coco18"], 2, "did you mean 'coco17'"),
    "a layout of hands": (["ntu60", "--videos", "videos", "--layout", "hand21"], 2, "no part of a whole body"),
    "a folder that is not there": (["ntu60", "--videos", "missing"], 3, "there is no folder 'missing'"),
    "a folder of other videos": (["n-ucla", "--videos", "videos"], 3, "which holds 5 videos with other names"),
    "lists that are not there": (["ucf101", "--videos", "videos"], 3, "owners' list trainlist01.txt is not in"),
    "a pickle that is not there": (["ntu60", "--annotations", "a.pkl"], 3, "there is no file 'a.pkl'"),
}


@pytest.mark.parametrize(("arguments", "status", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_sentence(skelact, videos, arguments, status, told):
    done = skelact("prepare", *arguments)
    assert done.status == status
    assert told in done.stderr
    assert done.stdout == ""


def test_what_is_there_stays_unless_overwritten(skelact, videos, tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"mine")
    done = skelact("prepare", "ntu60", "--videos", videos, "--pickle", "a.pkl")
    assert done.status == 6
    assert not (tmp_path / "cache" / "datasets").exists()
    assert skelact("prepare", "ntu60", "--videos", videos).status == 0
    again = skelact("prepare", "ntu60", "--videos", videos)
    assert again.status == 6
    assert "--overwrite to write the clips anew (sequences that are there are kept and used)" in again.stderr
    assert skelact("prepare", "ntu60", "--videos", videos, "--overwrite").status == 0


def test_another_folder_in_the_place_of_the_clips_is_not_replaced(skelact, videos, tmp_path):
    (tmp_path / "out" / "clips" / "mine").mkdir(parents=True)
    done = skelact("prepare", "ntu60", "--videos", videos, "-o", "out", "--overwrite")
    assert done.status == 6
    assert not (tmp_path / "out" / "sequences").exists()
    assert (tmp_path / "out" / "clips" / "mine").is_dir()
