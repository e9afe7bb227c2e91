"""The commands on real frames: the project's sample clip, through MediaPipe, to an action."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pytest

from skelact.formats.npz import load_sequence
from skelact.settings import ExtractSettings
from tests.cli.conftest import SAMPLE

SIGN = "thank-you"


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """The sample's keypoints, extracted once."""
    from skelact.formats.npz import save_sequence
    from skelact.pipeline import extract

    path = tmp_path_factory.mktemp("extracted") / "sample.npz"
    save_sequence(extract(SAMPLE, ExtractSettings(pose="mediapipe", offline=True)), path)
    return path


def test_extract_writes_a_sequence_and_tells_what_was_seen(skelact, tmp_path):
    done = skelact("extract", SAMPLE, "--pose", "mediapipe", "--offline")
    assert done.status == 0
    assert "1 person" in done.stdout
    assert "right hand seen" in done.stdout
    sequence = load_sequence(tmp_path / "sample.npz")
    assert (sequence.width, sequence.height, sequence.num_instances) == (640, 480, 1)
    assert sequence.present.mean() > 0.9
    assert (sequence.scores[0, :, 112:133] > 0).all(axis=1).mean() > 0.9  # the signing hand


def test_extract_as_json_is_only_json_on_stdout(skelact, tmp_path):
    done = skelact("extract", SAMPLE, "-o", "out/keys.npz", "--pose", "mediapipe", "--offline", "--json")
    found = json.loads(done.stdout)
    assert found["frames"] == load_sequence(tmp_path / "out" / "keys.npz").num_frames
    assert found["persons"][0]["right_hand"] > 0.9
    assert found["persons"][0]["feet"] == 0  # below the picture


def test_predict_names_the_sign_of_the_sample_video(skelact):
    done = skelact("predict", SAMPLE, "--model", "asl-words", "--pose", "mediapipe", "--offline", "--json")
    assert done.status == 0
    (prediction,) = json.loads(done.stdout)
    assert prediction["actions"][0]["name"] == SIGN
    assert prediction["persons"] == [0]
    assert (prediction["model"], prediction["estimator"]) == ("asl-words", "mediapipe")


def test_predict_takes_a_sequence_without_its_video(skelact, extracted):
    done = skelact("predict", extracted, "--model", "asl-words", "--top-k", 2)
    assert done.status == 0
    assert SIGN in done.stdout
    assert "asl-words" in done.stdout
    assert "mediapipe" in done.stdout


def test_top_k_is_how_many_actions_are_told_and_they_are_ordered(skelact, extracted):
    (prediction,) = json.loads(skelact("predict", extracted, "--model", "asl-words", "--top-k", 17, "--json").stdout)
    probabilities = [action["probability"] for action in prediction["actions"]]
    assert len(probabilities) == 17
    assert probabilities == sorted(probabilities, reverse=True)
    assert sum(probabilities) == pytest.approx(1)


def test_offline_defaults_fall_back_and_say_so(skelact, extracted):
    done = skelact("predict", extracted, "--offline")
    assert done.status == 0
    assert "asl-words" in done.stderr
    assert "ntu120 cannot be had" in done.stderr


def test_a_named_model_never_falls_back(skelact, extracted):
    done = skelact("predict", extracted, "--offline", "--model", "ntu120")
    assert done.status == 5
    assert "j.pth" in done.stderr


def test_one_bad_input_does_not_stop_the_rest(skelact, extracted, tmp_path):
    copy = tmp_path / "again.npz"
    shutil.copy(extracted, copy)
    done = skelact("predict", extracted, "missing.mp4", copy, "--model", "asl-words", "--json")
    assert done.status == 3
    assert [p["source"] for p in json.loads(done.stdout)] == [str(SAMPLE)] * 2
    assert "missing.mp4" in done.stderr


def test_a_clip_without_persons_is_not_labelled(skelact, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "grey.mp4"), cv2.VideoWriter_fourcc(*"mp4v"), 25, (320, 240))
    for _ in range(10):
        writer.write(np.full((240, 320, 3), 127, np.uint8))
    writer.release()
    for command in (["extract", "grey.mp4"], ["predict", "grey.mp4", "--model", "asl-words"]):
        done = skelact(*command, "--pose", "mediapipe", "--offline")
        assert done.status == 4
        assert "nobody was seen" in done.stderr
        assert done.stdout == ""
    assert not (tmp_path / "grey.npz").exists()


def test_an_output_that_exists_is_kept_unless_told(skelact, tmp_path):
    (tmp_path / "sample.npz").write_text("precious")
    done = skelact("extract", SAMPLE, "--pose", "mediapipe", "--offline")
    assert done.status == 6
    assert "--overwrite" in done.stderr
    assert (tmp_path / "sample.npz").read_text() == "precious"
    assert skelact("extract", SAMPLE, "--pose", "mediapipe", "--offline", "--overwrite").status == 0
    assert load_sequence(tmp_path / "sample.npz").num_frames > 40
