"""`skelact predict` of a camera."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys

import pytest

from benchmarks.mjpeg import MjpegServer, encoded, paced
from skelact.ensemble import Ensemble
from skelact.live import watch as watch_module
from skelact.predictor import Predictor
from skelact.video import VideoReader
from tests.cli.conftest import SAMPLE
from tests.live.test_watch import Patient, SpotOfLight, in_time
from tests.sides import sides

ADDRESS = "http://camera/"
STAYS_AND_GOES = (("left", 3), ("right", 3), ("nobody", 2))


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody before a camera that waits for who watches it, looked at by the recognizer of sides."""
    monkeypatch.setattr(Patient, "script", in_time(*STAYS_AND_GOES))
    monkeypatch.setattr(watch_module, "Camera", Patient)
    monkeypatch.setattr(watch_module, "live_models", lambda *_: (SpotOfLight(), None))
    recognizer: Ensemble = sides()
    monkeypatch.setattr(Predictor, "recognizer", recognizer)


def test_segments_are_told_in_lines(skelact, camera) -> None:
    done = skelact("predict", ADDRESS, "--device", "cpu")
    assert (done.status, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("0:00.0 to 0:0")
    assert "  left  0." in first
    assert "  right  0." in second


def test_with_json_there_is_an_object_a_line(skelact, camera) -> None:
    done = skelact("predict", ADDRESS, "--device", "cpu", "--json", "--per-person")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.status, done.stderr) == (0, "")
    of_group = [event for event in events if event["person"] is None]
    assert [event["action"] for event in of_group if event["event"] == "action"] == ["left", "right", None]
    segments = [event for event in of_group if event["event"] == "segment"]
    assert [(event["action"], event["persons"]) for event in segments] == [("left", [0]), ("right", [1])]
    assert all(event["start"] < event["end"] <= event["time"] + 1 for event in segments)
    assert {event["person"] for event in events} == {None, 0, 1}


def test_a_window_without_a_screen(skelact, camera, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    done = skelact("predict", ADDRESS, "--show")
    assert (done.status, done.stdout) == (2, "")
    assert "--show needs a screen" in done.stderr


def test_a_camera_that_is_not_there(skelact) -> None:
    done = skelact("predict", "97", "--model", "asl-words", "--offline", "--json")
    assert (done.status, done.stdout) == (3, "")
    assert "camera 97" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_ends_it_cleanly() -> None:
    """The sample in a loop, by MediaPipe in a process of its own, until the first line."""
    with VideoReader(SAMPLE) as video:
        pictures = encoded(frame.image for frame in video)
    command = [sys.executable, "-m", "skelact", "predict", "--model", "asl-words", "--offline", "--device", "cpu"]
    with MjpegServer(lambda: paced(itertools.cycle(pictures), 25)) as server:
        process = subprocess.Popen(
            [*command, "--json", server.address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    events = [json.loads(line) for line in (first + rest).splitlines()]
    assert events[0]["event"] == "action"
    assert events[0]["action"]
