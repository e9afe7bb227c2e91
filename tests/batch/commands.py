"""Running `skelact extract` on stand-in videos, in a process that can be stopped."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from skelact.formats.npz import load_sequence

ROOT = Path(__file__).resolve().parents[2]


def start(*arguments: object) -> subprocess.Popen[str]:
    """`skelact extract ARGUMENTS`, as the head of a group of processes like those of a terminal."""
    command = [sys.executable, "-m", "tests.batch.standin", "extract", *map(str, arguments), "--pose", "mediapipe"]
    return subprocess.Popen(
        [*command, "--device", "cpu"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def videos(folder: Path, **texts: str) -> Path:
    """A folder of stand-in videos: name to what it tells; a name may hold folders, with __ for each /."""
    for name, text in texts.items():
        file = folder / f"{name.replace('__', '/')}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


def outputs(folder: Path) -> list[str]:
    """The outputs there, in any subfolders."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.npz"))


def assert_same(one: Path, other: Path) -> None:
    """Make sure that two folders hold the same sequences."""
    assert outputs(one) == outputs(other)
    for name in outputs(one):
        a, b = load_sequence(one / name), load_sequence(other / name)
        for field in ("keypoints", "scores", "boxes", "track_ids", "timestamps"):
            assert np.array_equal(getattr(a, field), getattr(b, field)), (name, field)
