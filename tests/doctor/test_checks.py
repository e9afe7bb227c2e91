"""Devices, video, weights and the chain, where something is amiss; where nothing is: tests/cli/test_doctor.py."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from skelact.catalogue import find_entry, list_entries
from skelact.doctor import ABSENT, FAILED, OK, WARNING, Finding, chain, devices, examine, packages, video, weights
from skelact.models.zoo import ZOO
from tests.publishing import publish, serving


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home"


def states(findings: list[Finding]) -> dict[str, str]:
    return {finding.name: finding.state for finding in findings}


# Devices


@pytest.mark.parametrize(
    ("driver", "build", "state", "told"),
    [
        (False, None, ABSENT, "no NVIDIA driver"),
        (True, None, WARNING, "is a CPU build"),
        (True, "13.0", WARNING, "sees no GPU"),
    ],
)
def test_gpus_that_torch_does_not_see(
    monkeypatch: pytest.MonkeyPatch, driver: bool, build: str | None, state: str, told: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", build)
    monkeypatch.setattr(devices, "DRIVER", Path(os.devnull if driver else "/none"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    cpu, gpu = devices.check()
    assert cpu.state == OK
    assert (gpu.name, gpu.state) == ("GPU", state)
    assert told in gpu.told


def test_gpus_that_torch_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda k: f"Card {k}")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (int(60e9), int(80e9)))
    _, *gpus = devices.check()
    assert [(gpu.name, gpu.told) for gpu in gpus] == [
        (f"cuda:{k}", f"Card {k}, 80.0 GB, 60.0 GB free") for k in range(2)
    ]


# Video


def test_a_video_is_written_and_read_back() -> None:
    finding = video.check_round_trip()
    assert finding.state in (OK, WARNING)  # without libx264 it is MPEG-4
    assert "each in its place" in finding.told


def test_frames_that_are_lost_or_swapped_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = video._picture
    for wrong in (lambda number: picture(max(number - 1, 0)), lambda number: picture(number ^ 1)):
        monkeypatch.setattr(video, "_picture", wrong)
        assert video.check_round_trip().state == FAILED


@pytest.mark.parametrize(
    ("build", "display", "state"),
    [("GUI: QT5", ":0", OK), ("GUI: QT5", "", ABSENT), ("GUI: NONE", ":0", ABSENT), ("", ":0", ABSENT)],
)
def test_displays(monkeypatch: pytest.MonkeyPatch, build: str, display: str, state: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: f"General\n  {build}\n")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert video.check_display().state == state


# Weights and space


def test_an_empty_cache(home: Path) -> None:
    findings = {finding.name: finding for finding in weights.check(offline=True)}
    assert findings["cache"].state == OK
    assert findings["recognizers here"].told == "asl-words"
    assert findings["pose estimators here"].told == "mediapipe, mediapipe-lite"
    assert findings["person detectors here"].state == ABSENT
    assert "asl-words and mediapipe would stand in" in findings["predict, offline"].told
    assert "network" not in findings
    assert not home.exists()


def test_a_default_recognizer_that_is_here(home: Path) -> None:
    publish(home / "ntu120" / "j.pth")
    findings = {finding.name: finding for finding in weights.check(offline=True)}
    assert findings["recognizers here"].told == "ntu120, asl-words"
    assert findings["predict, offline"].told.startswith("mediapipe would stand in")


def test_damaged_and_half_files(home: Path) -> None:
    for name, content in (("rtmw-l", b"cut off"), ("rtmw-x", None)):
        (file,) = find_entry(name).choose()
        file.path.parent.mkdir(parents=True, exist_ok=True)
        if content:
            file.path.write_bytes(content)
        else:
            Path(f"{file.path}.part").write_bytes(bytes(2_000_000))
    damaged, half = (finding for entry in list_entries() for finding in weights.check_files(entry))
    assert (damaged.name, damaged.state) == ("rtmw-l (torch)", WARNING)
    assert "damaged" in damaged.told
    assert (half.name, half.state) == ("rtmw-x (torch)", ABSENT)
    assert "2.0 MB" in half.told
    assert "skelact models pull rtmw-x" in half.remedy


def test_an_estimator_without_a_detector(home: Path) -> None:
    (file,) = find_entry("rtmw-l").choose()
    publish(file.path)
    assert states(list(weights.without_network(list_entries())))["detector"] == WARNING


def test_folders_that_do_not_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_text("a file where the folder should be")
    finding = weights.check_folder("cache", home, 1, "set SKELACT_HOME")
    assert (finding.state, finding.remedy) == (WARNING, "set SKELACT_HOME")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5e8))
    finding = weights.check_folder("cache", home.with_name("other"), 1, "set SKELACT_HOME")
    assert (finding.state, finding.remedy) == (WARNING, "make room, or set SKELACT_HOME")
    assert "0.5 GB free" in finding.told


def test_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path / "j.pth")
    with serving(tmp_path) as address:
        monkeypatch.setitem(ZOO, "ntu120", replace(ZOO["ntu120"], addresses=(("j", f"{address}/j.pth"),)))
        assert weights.check_network() == Finding("network", OK, "127.0.0.1 delivers")
        (tmp_path / "j.pth").unlink()
        assert weights.check_network().state == ABSENT
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}/j.pth"
    monkeypatch.setitem(ZOO, "ntu120", replace(ZOO["ntu120"], addresses=(("j", closed),)))
    finding = weights.check_network()
    assert finding.state == ABSENT
    assert "skelact models show" in finding.remedy


# The whole chain


def black(file: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    for _ in range(frames):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda file: None, "decode"),
        (lambda file: file.write_bytes(b"no video"), "decode"),
        (lambda file: black(file, 59), "decode"),
        (lambda file: black(file, 60), "keypoints and tracks"),
    ],
    ids=["missing", "no video", "a frame short", "nobody to be seen"],
)
def test_the_first_stage_that_fails_is_the_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Callable[[Path], None], name: str
) -> None:
    make(tmp_path / "clip.mp4")
    monkeypatch.setattr(chain, "CLIP", tmp_path / "clip.mp4")
    *before, last = chain.check()
    assert (last.name, last.state) == (name, FAILED)
    assert last.remedy
    assert {finding.state for finding in before} <= {OK}


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("of a kind\nnobody thought of")

    for module in (packages, video, weights, chain):
        monkeypatch.setattr(module, "check", lambda *_: iter([Finding("it", OK, "works")]))
    monkeypatch.setattr(devices, "check", broken)
    parts = dict(examine(offline=True))
    assert len(parts) == 5
    (finding,) = parts["Devices"]
    assert finding.state == FAILED
    assert finding.told == "RuntimeError: of a kind nobody thought of"
    assert all(found[0].state == OK for title, found in parts.items() if title != "Devices")
