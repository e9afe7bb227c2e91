"""From videos named as their owners name them, or a pickle, to clips with labels and splits."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelact.batch.run import Means
from skelact.data.datasets import get_dataset
from skelact.data.datasets.survey import Survey, survey
from skelact.data.prepare import (
    Prepared,
    Progress,
    default_folder,
    extract_videos,
    open_prepared,
    prepare_annotations,
    write_clips,
)
from skelact.data.storage import is_clip_folder, open_clips
from skelact.errors import InputError, OutputError, UsageError, WeightsError
from skelact.formats.npz import load_sequence, save_sequence
from skelact.keypoints import get_layout
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings
from skelact.video import VideoReader
from tests.batch import standin

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample.mp4"
NAMES = ("S001C001P001R001A001", "S001C002P003R001A002", "S002C003P008R002A055")


def sequence(persons: int = 3, frames: int = 12, seed: int = 0, estimator: str = "fake") -> PoseSequence:
    return standin.sequence(frames, persons, seed, estimator)


class Extractor:
    """Stands for extraction: what it was asked for, and what happens to each name."""

    def __init__(self, **outcomes: PoseSequence | BaseException):
        self.outcomes = outcomes
        self.asked: list[str] = []

    def make(self, settings: ExtractSettings, warn: Callable[[str], None]) -> Extractor:
        return self

    def __call__(self, video: Path) -> PoseSequence:
        self.asked.append(video.stem)
        outcome = self.outcomes.get(video.stem, sequence(seed=len(self.asked)))
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


@pytest.fixture
def found(tmp_path: Path) -> Survey:
    folder = tmp_path / "videos"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.avi").write_bytes(b"video")
    return survey(get_dataset("ntu60"), folder)


SETTINGS = ExtractSettings(pose="mediapipe")


def extract_by(run: Extractor, found: Survey, folder: Path, on_video: Progress | None = None) -> dict[str, str]:
    return extract_videos(found, folder, SETTINGS, on_video=on_video, make=run.make)


def prepare(found: Survey, folder: Path, run: Extractor, **options: Any) -> Prepared:
    return write_clips(found, folder, extract_by(run, found, folder), **options)


def test_videos_become_clips_with_labels_groups_and_splits(tmp_path: Path, found: Survey) -> None:
    prepared = prepare(found, tmp_path / "out", Extractor())
    clips = open_prepared("ntu60", tmp_path / "out")
    assert clips.names.tolist() == list(NAMES)
    assert [clips.class_names[label] for label in clips.labels] == [
        "drink water",
        "eat meal/snack",
        "hugging other person",
    ]
    assert clips.groups.tolist() == ["P001", "P003", "P008"]
    assert clips.layout == "expressive65"
    assert clips.instances.tolist() == [2, 2, 2]  # of the three in each video
    assert {part: mask.tolist() for part, mask in clips.splits.items()} == {
        "xsub_train": [True, False, True],
        "xsub_val": [False, True, False],
        "xview_train": [False, True, True],
        "xview_val": [True, False, False],
    }
    assert prepared.clips == 3
    assert prepared.parts == {"xsub_train": 2, "xsub_val": 1, "xview_train": 2, "xview_val": 1}
    assert prepared.failures == {}
    assert prepared.estimators == {"fake": 3}
    assert not (tmp_path / "out" / "failed.txt").exists()


def test_the_keypoints_are_those_of_the_sequence(tmp_path: Path, found: Survey) -> None:
    whole = sequence(persons=1)
    prepare(found, tmp_path / "out", Extractor(**{NAMES[0]: whole}), layout="wholebody133")
    clip = open_prepared("ntu60", tmp_path / "out").clip(0)
    np.testing.assert_allclose(clip.keypoints, whole.keypoints, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(clip.scores, whole.scores, rtol=1e-3, atol=1e-3)
    assert (clip.width, clip.height) == (640, 480)


def test_the_usual_length_of_a_clip_is_that_of_most(tmp_path: Path, found: Survey) -> None:
    lengths = dict(zip(NAMES, (6, 24, 300), strict=True))
    prepare(found, tmp_path / "out", Extractor(**{name: sequence(frames=frames) for name, frames in lengths.items()}))
    assert open_prepared("ntu60", tmp_path / "out").clip_seconds == 24 / sequence().fps


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path, found: Survey) -> None:
    stopped = Extractor(**{NAMES[1]: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        extract_by(stopped, found, tmp_path / "out")
    assert os.listdir(tmp_path / "out" / "sequences") == [f"{NAMES[0]}.npz"]
    again = Extractor()
    done: list[tuple[int, int | None]] = []
    failures = extract_by(again, found, tmp_path / "out", lambda count, total: done.append((count, total)))
    assert again.asked == list(NAMES[1:])
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert write_clips(found, tmp_path / "out", failures).clips == 3


def test_several_processes(tmp_path: Path, found: Survey) -> None:
    for place, entry in enumerate(found.found):
        entry.path.write_text(f"frames={place + 4}" if place else "no video")
    failures = extract_videos(found, tmp_path / "out", SETTINGS, Means(2), make=standin.make)
    assert failures == {NAMES[0]: f"'{found.found[0].path}' is not a video"}
    assert write_clips(found, tmp_path / "out", failures).clips == 2


def test_a_damaged_sequence_is_extracted_again(tmp_path: Path, found: Survey) -> None:
    prepare(found, tmp_path / "out", Extractor())
    path = tmp_path / "out" / "sequences" / f"{NAMES[1]}.npz"
    path.write_bytes(path.read_bytes()[:-100])
    again = Extractor()
    extract_by(again, found, tmp_path / "out")
    assert again.asked == [NAMES[1]]
    assert load_sequence(path).num_instances == 3


def test_videos_that_fail_are_told_and_tried_again(tmp_path: Path, found: Survey) -> None:
    nobody = sequence(persons=0)
    bad = Extractor(**{NAMES[0]: InputError("'a' is no video:\ncopy it"), NAMES[2]: nobody})
    prepared = prepare(found, tmp_path / "out", bad)
    reasons = {NAMES[0]: "'a' is no video:\ncopy it", NAMES[2]: "nobody was seen in its 12 frames"}
    assert prepared.failures == reasons
    assert prepared.clips == 1
    assert prepared.parts == {"xsub_train": 0, "xsub_val": 1, "xview_train": 1, "xview_val": 0}
    told = (tmp_path / "out" / "failed.txt").read_text().splitlines()
    assert told == [f"{NAMES[0]}\t'a' is no video: copy it", f"{NAMES[2]}\tnobody was seen in its 12 frames"]
    again = Extractor()
    assert prepare(found, tmp_path / "out", again, overwrite=True).clips == 2
    assert again.asked == [NAMES[0]], "in the last one nobody is seen however often one looks"
    assert (tmp_path / "out" / "failed.txt").read_text() == f"{NAMES[2]}\tnobody was seen in its 12 frames\n"
    (tmp_path / "out" / "sequences" / f"{NAMES[2]}.npz").unlink()
    assert prepare(found, tmp_path / "out", Extractor(), overwrite=True).clips == 3
    assert not (tmp_path / "out" / "failed.txt").exists()


def test_sequences_of_former_releases_are_used_and_those_of_other_settings_refused(
    tmp_path: Path, found: Survey
) -> None:
    old = tmp_path / "out" / "sequences" / f"{NAMES[0]}.npz"
    save_sequence(sequence(estimator="old"), old)
    run = Extractor()
    assert prepare(found, tmp_path / "out", run).estimators == {"old": 1, "fake": 2}
    assert run.asked == list(NAMES[1:])
    with pytest.raises(OutputError, match=r"pose mediapipe, not rtmw-m\): delete '.*sequences' to extract everything"):
        extract_videos(found, tmp_path / "out", ExtractSettings(pose="rtmw-m"), make=run.make)


def test_any_error_of_one_video_leaves_the_others(tmp_path: Path, found: Survey) -> None:
    prepared = prepare(found, tmp_path / "out", Extractor(**{NAMES[1]: RuntimeError("odd frame")}))
    assert prepared.failures == {NAMES[1]: "RuntimeError: odd frame"}
    assert prepared.clips == 2


@pytest.mark.parametrize("error", [WeightsError("no weights"), UsageError("no such estimator")])
def test_what_would_fail_for_every_video_stops_at_once(tmp_path: Path, found: Survey, error: Exception) -> None:
    run = Extractor(**{NAMES[0]: error})
    with pytest.raises(type(error), match=str(error)):
        extract_by(run, found, tmp_path / "out")
    assert run.asked == [NAMES[0]]


def test_no_clip_at_all_is_an_error(tmp_path: Path, found: Survey) -> None:
    run = Extractor(**dict.fromkeys(NAMES, sequence(persons=0)))
    with pytest.raises(InputError, match=r"no clip came out of the 3 videos of NTU RGB\+D: S001.*nobody was seen"):
        prepare(found, tmp_path / "out", run)
    assert not is_clip_folder(tmp_path / "out" / "clips")
    assert len((tmp_path / "out" / "failed.txt").read_text().splitlines()) == 3


def test_clips_that_are_there_stay_unless_overwritten(tmp_path: Path, found: Survey) -> None:
    prepare(found, tmp_path / "out", Extractor())
    with pytest.raises(OutputError, match="--overwrite"):
        prepare(found, tmp_path / "out", Extractor())
    prepare(found, tmp_path / "out", Extractor(), layout="coco17", overwrite=True)
    assert open_prepared("ntu60", tmp_path / "out").layout == "coco17"


def test_segments_are_cut_out_of_long_videos(tmp_path: Path) -> None:
    (tmp_path / "Label").mkdir()
    (tmp_path / "0002-L.avi").write_bytes(b"video")
    (tmp_path / "Label" / "0002-L.txt").write_text("1,2,6,2\n51,8,40,2\n3,40,50,1\n7,0,1,1\n")
    for name in ("cross-subject", "cross-view"):
        (tmp_path / f"{name}.txt").write_text("Training videos:\n0002-L\nValidataion videos:\n0003-L\n")
    whole = sequence(persons=2)
    whole.scores[:, 0] = 0
    prepared = prepare(survey(get_dataset("pku-mmd"), tmp_path), tmp_path / "out", Extractor(**{"0002-L": whole}))
    clips = open_prepared("pku-mmd", tmp_path / "out")
    assert clips.names.tolist() == ["0002-L_002_A001", "0002-L_003_A051"]
    assert clips.frames.tolist() == [4, 4]
    np.testing.assert_allclose(
        clips.clip(0).keypoints, whole.to_layout("expressive65").keypoints[:, 2:6], rtol=1e-3, atol=1e-3
    )
    assert clips.groups.tolist() == ["0002", "0002"]
    assert prepared.failures == {
        "0002-L_001_A007": "nobody was seen in its 1 frames",
        "0002-L_004_A003": "it starts at frame 40, and the video has 12 frames",
    }


# Finding it again ---------------------------------------------------------------------------------------------------


def test_a_prepared_set_is_found_by_its_name(tmp_path: Path, found: Survey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "home"))
    assert default_folder("ntu60") == tmp_path / "home" / "datasets" / "ntu60"
    prepare(found, default_folder("ntu60"), Extractor())
    assert len(open_prepared("ntu60")) == 3
    monkeypatch.delenv("SKELACT_HOME")
    assert default_folder("ntu60").parts[-2:] == ("datasets", "ntu60")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("ntu120", "`skelact prepare ntu120 --videos FOLDER`"),
        ("pku-mmd", "`skelact prepare pku-mmd --videos FOLDER --lists FOLDER`"),
    ],
)
def test_a_set_that_is_not_prepared_tells_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, command: str
) -> None:
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path))
    with pytest.raises(InputError, match=f"is not prepared in .*{name}.*: run {command}"):
        open_prepared(name)
    with pytest.raises(InputError, match=f"{command[:-1]} -o {tmp_path}"):
        open_prepared(name, tmp_path)
    with pytest.raises(UsageError, match="did you mean"):
        open_prepared(name + "x")


# Annotations --------------------------------------------------------------------------------------------------------


def annotations(
    path: Path, names: tuple[str, ...], labels: tuple[int, ...], split: dict[str, list[str]] | None
) -> Path:
    entries = [
        {
            "frame_dir": name,
            "label": label,
            "img_shape": (1080, 1920),
            "total_frames": 4,
            "keypoint": np.full((1, 4, 17, 2), 100, np.float16),
            "keypoint_score": np.ones((1, 4, 17), np.float16),
        }
        for name, label in zip(names, labels, strict=True)
    ]
    path.write_bytes(pickle.dumps(entries if split is None else {"split": split, "annotations": entries}))
    return path


def test_a_pickle_becomes_clips_with_names(tmp_path: Path) -> None:
    file = annotations(tmp_path / "a.pkl", NAMES, (0, 1, 54), {"xsub_train": [NAMES[0]], "xsub_val": list(NAMES[1:])})
    prepared = prepare_annotations(get_dataset("ntu60"), file, tmp_path / "out")
    clips = open_prepared("ntu60", tmp_path / "out")
    assert clips.class_names == get_dataset("ntu60").class_names
    assert clips.groups.tolist() == ["P001", "P003", "P008"]
    assert prepared.parts == {"xsub_train": 1, "xsub_val": 2, "xview_train": 0, "xview_val": 0}
    assert clips.part("xsub_val").names.tolist() == list(NAMES[1:])


def test_a_pickle_without_splits_gets_those_of_its_names(tmp_path: Path) -> None:
    prepared = prepare_annotations(
        get_dataset("ntu60"), annotations(tmp_path / "a.pkl", NAMES, (0, 1, 54), None), tmp_path / "out"
    )
    assert prepared.parts == {"xsub_train": 2, "xsub_val": 1, "xview_train": 2, "xview_val": 1}


def test_the_parts_of_ucf101_have_the_names_used_here(tmp_path: Path) -> None:
    names = ("v_Archery_g08_c01", "v_Archery_g01_c02")
    file = annotations(tmp_path / "a.pkl", names, (2, 2), {"train1": [names[0]], "test1": [names[1]]})
    prepared = prepare_annotations(get_dataset("ucf101"), file, tmp_path / "out")
    assert (prepared.parts["split1_train"], prepared.parts["split1_val"]) == (1, 1)
    assert open_prepared("ucf101", tmp_path / "out").groups.tolist() == ["Archery_g08", "Archery_g01"]


def test_a_pickle_of_another_data_set(tmp_path: Path) -> None:
    file = annotations(tmp_path / "a.pkl", ("S018C001P008R001A061",), (60,), None)
    with pytest.raises(InputError, match="label 60, beyond the 60 classes"):
        prepare_annotations(get_dataset("ntu60"), file, tmp_path / "out")


# With real keypoints ------------------------------------------------------------------------------------------------


def excerpt(path: Path, first: int, count: int) -> None:
    """Some frames of the sample video as a video of their own."""
    with VideoReader(SAMPLE) as video:
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), video.fps, (video.width, video.height))
        for frame in video:
            if first <= frame.index < first + count:
                writer.write(frame.image)
        writer.release()


def test_real_videos_by_mediapipe(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    excerpt(folder / f"{NAMES[0]}_rgb.avi", 20, 4)
    (folder / f"{NAMES[1]}_rgb.avi").write_bytes(b"no video")

    found = survey(get_dataset("ntu60"), folder)
    settings = ExtractSettings(pose="mediapipe", device="cpu", offline=True)
    prepared = write_clips(found, tmp_path / "out", extract_videos(found, tmp_path / "out", settings))
    assert list(prepared.failures) == [NAMES[1]]
    assert "is not a video" in prepared.failures[NAMES[1]]
    assert prepared.estimators == {"mediapipe": 1}
    clip = open_clips(tmp_path / "out" / "clips").clip(0)
    assert clip.scores.shape == (1, 4, 65)
    seen = clip.scores > 0
    assert seen[:, :, get_layout("expressive65").places(range(91, 133))].any()
    assert (clip.keypoints[seen] > -clip.width).all()
    assert (clip.keypoints[seen] < 2 * clip.width).all()
