"""`skelact predict` on keypoints of the sample clip, put together as longer videos."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skelact.formats.npz import save_sequence
from skelact.pipeline import extract
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings
from tests.cli.conftest import SAMPLE

SIGN = "thank-you"


@pytest.fixture(scope="module")
def sample() -> PoseSequence:
    """The keypoints of somebody who signs "thank you" in 2.4 seconds."""
    return extract(SAMPLE, ExtractSettings(pose="mediapipe", offline=True))


def in_a_row(*parts: PoseSequence) -> PoseSequence:
    """Sequences of the same persons, one after another."""
    frames = sum(part.num_frames for part in parts)
    return replace(
        parts[0],
        keypoints=np.concatenate([part.keypoints for part in parts], axis=1),
        scores=np.concatenate([part.scores for part in parts], axis=1),
        boxes=np.concatenate([part.boxes for part in parts], axis=1),
        timestamps=np.arange(frames) / parts[0].fps,
        source="",
    )


def side_by_side(*parts: PoseSequence) -> PoseSequence:
    """Persons of several sequences of the same length in one."""
    return replace(
        parts[0],
        keypoints=np.concatenate([part.keypoints for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        boxes=np.concatenate([part.boxes for part in parts]),
        track_ids=np.arange(len(parts)),
    )


def empty(like: PoseSequence) -> PoseSequence:
    return replace(like, **{name: np.zeros_like(getattr(like, name)) for name in ("keypoints", "scores", "boxes")})


@pytest.fixture(scope="module")
def twice(sample: PoseSequence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sign, nobody for as long, and the sign again."""
    path = tmp_path_factory.mktemp("twice") / "twice.npz"
    save_sequence(in_a_row(sample, empty(sample), sample), path)
    return path


def test_a_long_video_is_told_in_segments(skelact, twice):
    done = skelact("predict", twice, "--model", "asl-words", "--json")
    (found,) = json.loads(done.stdout)
    signs = [segment for segment in found["segments"] if segment["action"] == SIGN]
    assert len(signs) == 2
    assert signs[0]["end"] <= 3.2
    assert signs[1]["start"] >= 4.0
    assert signs[0]["persons"] == [0]
    assert found["seconds"] == pytest.approx(7.2)
    assert found["window"] < found["seconds"]


def test_the_table_has_times_and_the_threshold(skelact, twice):
    done = skelact("predict", twice, "--model", "asl-words", "--threshold", "0.3")
    assert done.stdout.count(SIGN) == 2
    assert "no action below 0.30" in done.stdout
    assert "start" in done.stdout
    assert "0:0" in done.stdout


def test_a_clip_below_the_threshold_has_no_action(skelact, sample, tmp_path):
    save_sequence(sample, tmp_path / "sample.npz")
    done = skelact("predict", "sample.npz", "--model", "asl-words", "--threshold", "1")
    assert done.status == 0
    assert "No action is told: none is as probable as 1.00" in done.stdout


def test_each_person_has_a_line(skelact, sample, tmp_path):
    save_sequence(side_by_side(in_a_row(sample, sample), in_a_row(empty(sample), sample)), tmp_path / "two.npz")
    found = skelact("predict", "two.npz", "--model", "asl-words", "--per-person", "--csv", "two.csv")
    assert "person 1" in found.stdout
    rows = list(csv.DictReader(io.StringIO((tmp_path / "two.csv").read_text())))
    assert SIGN in [row["action"] for row in rows if row["person"] == "0"]
    late = [float(row["start"]) for row in rows if row["person"] == "1"]
    assert late
    assert min(late) >= 1.6


def test_all_outputs_at_once(skelact, twice, tmp_path):
    outputs = {"--csv": "a.csv", "--srt": "a.srt", "--vtt": "a.vtt", "--render": "a.mp4", "--report": "a.html"}
    done = skelact(
        "predict", twice, "--model", "asl-words", "--json", *(word for pair in outputs.items() for word in pair)
    )
    assert done.status == 0, done.stderr
    assert json.loads(done.stdout)[0]["segments"]
    for name in outputs.values():
        assert (tmp_path / name).stat().st_size > 0, name
    assert (tmp_path / "a.srt").read_text().count(SIGN) == 2


def test_an_output_that_exists_is_told_before_the_work(skelact, tmp_path):
    (tmp_path / "a.srt").write_text("mine")
    done = skelact("predict", SAMPLE, "--pose", "no such pose", "--srt", "a.srt")
    assert (done.status, done.stdout) == (6, "")
    assert "a.srt" in done.stderr
    assert (tmp_path / "a.srt").read_text() == "mine"


def test_a_list_on_stdin(skelact, twice, sample, tmp_path, monkeypatch):
    save_sequence(sample, tmp_path / "sample.npz")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{twice}\n\nsample.npz\n".encode())))
    found = json.loads(skelact("predict", "-", "--model", "asl-words", "--json").stdout)
    assert [one["seconds"] for one in found] == pytest.approx([7.2, 2.4])


def test_several_inputs_keep_their_order_and_share_a_table(skelact, twice, sample, tmp_path):
    save_sequence(sample, tmp_path / "a.npz")
    done = skelact("predict", twice, "missing.mp4", "a.npz", "--model", "asl-words", "--json", "--csv", "all.csv")
    assert done.status == 3
    assert "missing.mp4" in done.stderr
    assert [one["seconds"] for one in json.loads(done.stdout)] == pytest.approx([7.2, 2.4])
    assert (tmp_path / "all.csv").read_text().count(SIGN) == 3


def test_a_folder_of_pictures_is_one_video(skelact, tmp_path):
    import cv2

    from skelact.video import VideoReader

    (tmp_path / "frames").mkdir()
    with VideoReader(SAMPLE) as video:
        for frame in video:
            cv2.imwrite(str(tmp_path / "frames" / f"{frame.index}.jpg"), frame.image)
    done = skelact("predict", "frames", "--model", "asl-words", "--pose", "mediapipe", "--offline", "--json")
    (found,) = json.loads(done.stdout)
    assert (found["frames"], found["actions"][0]["name"]) == (60, SIGN)
    done = skelact("extract", "frames", "--pose", "mediapipe", "--offline", "--json")
    assert (json.loads(done.stdout)["output"], json.loads(done.stdout)["frames"]) == ("frames.npz", 60)


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["--window", "0"], 2, "window is 0.0"),
        (["--window", "1", "--stride", "2"], 2, "shorter one"),
        (["--threshold", "7"], 2, "threshold is 7.0"),
        (["--streams", "j,b"], 2, "unknown stream of asl-words 'b'"),
        (["--srt", "a.txt"], 2, "ends with .srt"),
        (["--show"], 2, "--show is for a camera"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(skelact, twice, arguments, status, why):
    done = skelact("predict", twice, "--model", "asl-words", *arguments)
    assert (done.status, done.stdout) == (status, "")
    assert why in done.stderr


def test_a_camera_is_watched_alone(skelact, twice):
    done = skelact("predict", "0", twice, "--model", "asl-words")
    assert done.status == 2
    assert "a camera is watched alone" in done.stderr


def test_a_window_longer_than_the_video_is_the_video(skelact, twice):
    done = skelact("predict", twice, "--model", "asl-words", "--window", "60")
    assert done.status == 0
    assert "the window of 60 s is longer than the video" in done.stderr


def test_a_folder_whose_name_is_a_number_is_no_camera(skelact, tmp_path):
    (tmp_path / "7").mkdir()
    done = skelact("predict", "7", "--model", "asl-words")
    assert done.status == 3
    assert "no videos in folder '7'" in done.stderr
