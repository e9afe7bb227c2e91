"""Bad input: one sentence on stderr, nothing on stdout, the documented exit status, no traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import SAMPLE

CASES = {
    "a file that is not there": (["predict", "nothing.mp4", "--model", "asl-words"], 3, "nothing.mp4"),
    "a sequence that is not there": (["predict", "nothing.npz", "--model", "asl-words"], 3, "nothing.npz"),
    "a folder without videos": (["extract", "sub", "-o", "out", "--pose", "mediapipe"], 3, "no videos in folder"),
    "an empty file": (["extract", "empty.mp4", "--pose", "mediapipe"], 3, "empty"),
    "a text called a video": (["predict", "text.mp4", "--pose", "mediapipe", "--model", "asl-words"], 3, "text.mp4"),
    "a text called a sequence": (["predict", "text.npz", "--model", "asl-words"], 3, "text.npz"),
    "an unknown estimator": (["extract", SAMPLE, "--pose", "mediapip"], 2, "did you mean 'mediapipe'"),
    "an unknown detector": (["extract", SAMPLE, "--pose", "mediapipe", "--detector", "rtmdet"], 2, "did you mean"),
    "an unknown model": (["predict", SAMPLE, "--model", "asl-word"], 2, "did you mean 'asl-words'"),
    "an unknown device": (["extract", SAMPLE, "--device", "gpu"], 2, "choose from auto, cpu"),
    "no actions wanted": (["predict", SAMPLE, "--top-k", "0"], 2, "top-k"),
    "weights that cannot be had": (["extract", SAMPLE, "--pose", "rtmw-l", "--offline"], 5, "rtmw"),
    "a model file that is none": (["predict", SAMPLE, "--model", "text.safetensors"], 5, "safetensors"),
    "a checkpoint that is a text": (["models", "import", "note.pth"], 5, "note.pth"),
    "a checkpoint that is not there": (["models", "import", "nothing.pth"], 3, "nothing.pth"),
    "a zoo model that is not there": (["models", "show", "ntu12"], 2, "did you mean 'ntu120'"),
    "clips that are not there": (["train", "--dataset", "nothing.npz"], 3, "nothing.npz"),
    "clips that are a text": (["train", "--dataset", "text.npz"], 3, "text.npz"),
    "an unknown command": (["predikt"], 2, "predict"),
    "no input": (["predict"], 2, "inputs"),
}


@pytest.mark.parametrize(("arguments", "status", "told"), CASES.values(), ids=CASES)
def test_bad_input_is_one_sentence_and_a_status(skelact, tmp_path, arguments, status, told):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "sub").mkdir()
    for name in ("text.mp4", "text.npz", "text.safetensors", "note.pth"):
        (tmp_path / name).write_text("not what its name says")
    done = skelact(*arguments)
    assert done.status == status
    assert told in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


ODD = {
    "audio only": ("nasa_13013.mp4.audio.mp3", 3),
    "a codec that opens and yields nothing": ("av1_video.mkv", 3),
}


@pytest.mark.parametrize(("name", "status"), ODD.values(), ids=ODD)
def test_odd_videos_end_with_one_sentence(skelact, shared, name, status):
    done = skelact("predict", shared / "videos" / "odd" / name, "--pose", "mediapipe", "--model", "asl-words")
    assert done.status == status
    assert name in done.stderr
    assert done.stdout == ""


def test_a_truncated_video_is_used_as_far_as_it_goes(skelact, shared, tmp_path):
    done = skelact("extract", shared / "videos" / "odd" / "corrupted.mp4", "--pose", "mediapipe", "-o", "cut.npz")
    assert "28 of 50" in done.stderr or done.status == 4


def test_debug_shows_the_traceback():
    command = [sys.executable, "-m", "skelact", "predict", "nothing.npz", "--model", "asl-words", "--debug"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "InputError" in done.stderr
