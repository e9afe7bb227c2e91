"""Writing and reading of videos, and windows on a screen."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skelact.doctor.finding import ABSENT, FAILED, OK, WARNING, Finding

FRAMES, FPS, BITS, CELL = 16, 25.0, 4, 32  # frames a second; pixels


def check() -> Iterator[Finding]:
    """A video is written and read back; a display is looked for."""
    yield check_round_trip()
    yield check_display()


def check_round_trip() -> Finding:
    """Whether each frame that is written comes back at its time."""
    from skelact.video import VideoReader
    from skelact.video_writer import VideoWriter

    with tempfile.TemporaryDirectory(prefix="skelact-") as folder:
        file = Path(folder) / "numbers.mp4"
        with VideoWriter(file, BITS * CELL, CELL, FPS) as writer:
            for number in range(FRAMES):
                writer.write(_picture(number))
        with VideoReader(file) as video:
            read = [(_number(frame.image), round(frame.time * FPS)) for frame in video]
    wanted = [(number, number) for number in range(FRAMES)]
    if read != wanted:
        told = f"of {FRAMES} frames written by {writer.codec}, {len(read)} are read, as {read}"
        return Finding("write and read", FAILED, told, "install opencv-python and av again, both from PyPI's wheels")
    told = f"{FRAMES} frames written by {writer.codec} and read back, each in its place"
    if "264" not in writer.codec:
        remedy = "install av from PyPI's wheels, which have libx264: browsers play no other video of ours"
        return Finding("write and read", WARNING, told, remedy)
    return Finding("write and read", OK, told)


def check_display() -> Finding:
    """Whether OpenCV could open a window."""
    import cv2

    found = re.search(r"GUI:\s*(\w+)", cv2.getBuildInformation())
    if found is None or found[1] == "NONE":
        remedy = "install opencv-python instead of opencv-python-headless for `--show`; `--render` needs none"
        return Finding("display", ABSENT, "this OpenCV is built without windows", remedy)
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Finding(
            "display", ABSENT, "none: `--show` has no window to draw in", "use `--render` for a video instead"
        )
    return Finding("display", OK, f"there, windows by {found[1]}")


def _picture(number: int) -> np.ndarray:
    """The number in black and white, the highest bit on the left, (CELL, BITS * CELL, 3) uint8."""
    bits = [number >> (BITS - 1 - k) & 1 for k in range(BITS)]
    row = np.repeat(np.array(bits, np.uint8) * 255, CELL)
    return np.broadcast_to(row[None, :, None], (CELL, BITS * CELL, 3)).copy()


def _number(image: np.ndarray) -> int:
    bits = image.reshape(CELL, BITS, CELL, 3).mean(axis=(0, 2, 3)) > 128
    return int(sum(bit << (BITS - 1 - k) for k, bit in enumerate(bits.tolist())))
