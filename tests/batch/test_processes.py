"""Many videos in several processes: that die, are interrupted or killed, or run out of room."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from skelact.batch.inputs import expand
from skelact.batch.job import Result
from skelact.batch.local import deal_gpu, run_local
from skelact.batch.run import Means, extract_folder
from skelact.errors import WeightsError
from skelact.formats.npz import load_sequence
from skelact.settings import ExtractSettings
from tests.batch import standin
from tests.batch.commands import assert_same, outputs, start, videos, wait_for

SETTINGS = ExtractSettings(pose="mediapipe", device="cpu")


def results(folder: Path, out: Path, workers: int) -> dict[str, Result]:
    """Name to result."""
    found = run_local(expand([str(folder)], out), SETTINGS, workers, standin.make)
    return {result.item.source.stem: result for result in found}


def test_two_processes_give_what_one_gives(tmp_path: Path) -> None:
    clips = videos(tmp_path / "clips", **{f"v{k}": f"frames={k + 2}" for k in range(5)}, bad="hello")
    one, two = results(clips, tmp_path / "one", 1), results(clips, tmp_path / "two", 2)
    assert {name: result.status for name, result in one.items()} == {n: result.status for n, result in two.items()}
    assert_same(tmp_path / "one", tmp_path / "two")


GPUS = {
    "several": ("auto", 2, ["cuda:0", "cuda:1", "cuda:0"]),
    "several, as CUDA": ("cuda", 2, ["cuda:0", "cuda:1", "cuda:0"]),
    "one": ("auto", 1, ["auto"] * 3),
    "none": ("auto", 0, ["auto"] * 3),
    "a named one": ("cuda:1", 2, ["cuda:1"] * 3),
    "none wanted": ("cpu", 2, ["cpu"] * 3),
}


@pytest.mark.parametrize(("device", "gpus", "expected"), GPUS.values(), ids=GPUS)
def test_gpus_are_dealt_in_turn(monkeypatch: pytest.MonkeyPatch, device: str, gpus: int, expected: list[str]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    assert [deal_gpu(replace(SETTINGS, device=device), k).device for k in range(3)] == expected


def test_a_process_that_dies_costs_only_its_video(tmp_path: Path) -> None:
    clips = videos(
        tmp_path / "clips", a="frames=3", b="frames=3 die=always", c="frames=3 die=once", d="frames=3", e="frames=3"
    )
    found = results(clips, tmp_path / "out", 2)
    assert {name: result.status for name, result in found.items()} == {
        "a": "done", "b": "failed", "c": "done", "d": "done", "e": "done",
    }  # fmt: skip
    assert found["b"].reason == "its process died 3 times (SIGKILL), as for want of memory: try it alone"
    assert found["b"].exit_status == 1
    assert outputs(tmp_path / "out") == ["a.npz", "c.npz", "d.npz", "e.npz"]


def test_what_would_fail_for_all_stops_the_processes(tmp_path: Path) -> None:
    clips = videos(tmp_path / "clips", a="frames=3 seconds=60", b="weights", c="frames=3 seconds=60")
    with pytest.raises(WeightsError, match="there are no weights"):
        results(clips, tmp_path / "out", 2)
    assert multiprocessing.active_children() == []


def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text())


def many(folder: Path) -> Path:
    """Enough videos, slow enough, to be stopped among."""
    return videos(folder, **{f"v{k:02}": f"frames={2 + k % 5} seconds=0.05" for k in range(40)}, bad="hello")


def group_lives(group: int) -> bool:
    """Whether any process of a group does."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_kill_and_resume_gives_what_an_undisturbed_run_gives(tmp_path: Path) -> None:
    clips, out = many(tmp_path / "clips"), tmp_path / "out"
    process = start(clips, "-o", out, "--workers", 2)
    wait_for(lambda: len(outputs(out)) >= 5)
    process.kill()
    process.communicate(timeout=30)
    wait_for(lambda: not group_lives(process.pid))  # its processes end with it
    kept = outputs(out)
    assert 5 <= len(kept) < 40
    for name in kept:
        assert load_sequence(out / name).num_instances == 1, "whole, or not there"
    written = {name: (out / name).stat().st_mtime_ns for name in kept}

    again = extract_folder(expand([str(clips)], out), SETTINGS, out, Means(2), make=standin.make)
    assert again.exit_status == 3  # of "bad"
    assert again.counts == {
        "done": 40 - len(kept), "skipped": len(kept), "nobody": 0, "failed": 1, "left": 0,
    }  # fmt: skip
    assert {name: (out / name).stat().st_mtime_ns for name in kept} == written
    assert list(out.glob(".*")) == []
    results(clips, tmp_path / "undisturbed", 1)
    assert_same(out, tmp_path / "undisturbed")


def test_an_interruption_stops_cleanly(tmp_path: Path) -> None:
    clips, out = many(tmp_path / "clips"), tmp_path / "out"
    videos(clips, v05="frames=3 seconds=100")
    process = start(clips, "-o", out, "--workers", 2)
    # Of each of the two processes one more file may be written than it has told of.
    wait_for(lambda: len(outputs(out)) >= 5 + 2)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all
    out_text, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert out_text == ""
    wait_for(lambda: not group_lives(process.pid))
    told = report(out)
    assert told["stopped"] == "interrupted"
    assert told["counts"]["done"] >= 5
    assert told["counts"]["left"] == 41 - len(told["videos"]) > 0
    assert list(out.glob(".*")) == []


def test_a_full_disk_stops_and_keeps_what_is_finished(tmp_path: Path) -> None:
    clips = videos(tmp_path / "clips", a="frames=3", b="frames=500", c="frames=3")
    out = tmp_path / "out"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # as a disk with so much room for a file
    try:
        process = start(clips, "-o", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 6
    assert f"no space is left for '{out}/b.npz'" in err
    assert outputs(out) == ["a.npz"]
    assert list(out.glob(".*")) == []
    assert report(out)["counts"]["left"] == 2
    again = extract_folder(expand([str(clips)], out), SETTINGS, out, make=standin.make)  # with room
    assert {name: again.counts[name] for name in ("done", "skipped", "left")} == {"done": 2, "skipped": 1, "left": 0}
    assert outputs(out) == ["a.npz", "b.npz", "c.npz"]
