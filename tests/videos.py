"""Small videos to test with, and readers of them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from unittest import mock

import cv2
import numpy as np

from skelact.video import Frame, VideoReader

FRAMES, FPS, WIDTH, HEIGHT = 20, 25.0, 64, 48


def read(path: str | Path, keep: int = FRAMES) -> tuple[VideoReader, list[Frame]]:
    """All frames; only the first `keep` with their pictures, for memory's sake."""
    frames = []
    with VideoReader(path) as reader:
        for frame in reader:
            assert frame.image.shape == (reader.height, reader.width, 3)
            assert frame.image.dtype == np.uint8
            assert frame.index == len(frames) == reader.frames_read - 1
            frames.append(frame if frame.index < keep else replace(frame, image=np.empty(0)))
    assert frames[0].time == 0.0
    assert all(after.time > before.time for before, after in pairwise(frames))
    return reader, frames


def write_video(path: Path, codec: str = "mp4v", frames: int = FRAMES) -> Path:
    """A video whose left half is white and whose right half brightens frame by frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FPS, (WIDTH, HEIGHT))
    for k in range(frames):
        image = np.full((HEIGHT, WIDTH, 3), 5 * k, np.uint8)
        image[:, : WIDTH // 2] = 255
        writer.write(image)
    writer.release()
    return path


def write_stream(path: Path, width: int, height: int, frames: int) -> Path:
    """A bare stream of JPEG pictures, without container."""
    image = np.full((height, width, 3), 90, np.uint8)
    path.write_bytes(cv2.imencode(".jpg", image)[1].tobytes() * frames)
    return path


def with_avi_rate(path: Path, scale: int, rate: int) -> Path:
    """An AVI file that states rate / scale frames per second."""
    content = bytearray(write_video(path, "MJPG").read_bytes())
    struct.pack_into("<II", content, content.index(b"strh") + 28, scale, rate)
    path.write_bytes(content)
    return path


def with_frame_durations(path: Path, entries: list[tuple[int, int]]) -> Path:
    """An MP4 file whose frames last (count, ticks of 1 / 12800 s) each."""
    content = bytearray(write_video(path).read_bytes())
    table = struct.pack(">II", 0, len(entries)) + b"".join(struct.pack(">II", *entry) for entry in entries)
    start = content.index(b"stts") - 4
    (old_size,) = struct.unpack_from(">I", content, start)
    box = struct.pack(">I4s", 8 + len(table), b"stts") + table
    content[start : start + old_size] = box
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = content.index(parent) - 4
        (size,) = struct.unpack_from(">I", content, place)
        struct.pack_into(">I", content, place, size + len(box) - old_size)
    content[:] = content.replace(b"edts", b"free")  # the edit list says how long the whole is
    path.write_bytes(content)
    return path


def with_rotation(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """An MP4 file whose track header asks players to turn the picture."""
    content = bytearray(write_video(path).read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    struct.pack_into(">iiiii", content, content.index(b"tkhd") + 44, a, b, 0, c, d)
    path.write_bytes(content)
    return path


def read_fake(
    milliseconds: list[float], sizes: tuple[tuple[int, int], ...] = ((4, 6),), fps: float = FPS
) -> tuple[VideoReader, list[Frame]]:
    """Read a stream with this clock and these frame sizes, taken in turn, in place of OpenCV's capture."""

    def open_stream(*_: object) -> mock.Mock:
        position = -1

        def grab() -> bool:
            nonlocal position
            position += 1
            return position < len(milliseconds)

        def decode() -> tuple[bool, np.ndarray | None]:
            return (True, np.ones((*sizes[position % len(sizes)], 3), np.uint8)) if grab() else (False, None)

        def get(prop: int) -> float:
            constant = {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_COUNT: float(len(milliseconds))}
            return milliseconds[position] if prop == cv2.CAP_PROP_POS_MSEC else constant.get(prop, 0.0)

        return mock.Mock(grab=grab, read=decode, get=get)

    with mock.patch("cv2.VideoCapture", open_stream):
        return read(__file__)


def stating(codec: str, width: int, height: int) -> Callable[[Path], Path]:
    """An AVI file of small frames whose header states another size, with a codec that believes it."""

    def make(tmp_path: Path) -> Path:
        content = bytearray(write_video(tmp_path / "clip.avi", codec).read_bytes())
        struct.pack_into("<ii", content, content.index(b"strf") + 12, width, height)
        (tmp_path / "clip.avi").write_bytes(content)
        return tmp_path / "clip.avi"

    return make
