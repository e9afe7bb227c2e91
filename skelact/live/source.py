"""Opening a camera or the address of a stream, and why that fails."""

from __future__ import annotations

import glob
import re
import sys
from collections.abc import Iterator
from typing import Protocol

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from skelact.errors import InputError
from skelact.live import is_index
from skelact.video import BELIEVABLE_FPS

# While a stream is open, one without a picture for so long has gone away.
STALL_SECONDS = 5.0
DEVICE = "/dev/video"  # cameras of Linux, with their numbers
OPTIONS = {"rtsp_transport": "tcp"}  # of FFmpeg: by the other one pictures are lost on their way


def check_index(source: str) -> None:
    """Make sure that a camera of that number is there, before anything is loaded for it.

    Raises:
        InputError: it is not.
    """
    if is_index(source) and sys.platform == "linux" and f"{DEVICE}{int(source)}" not in glob.glob(f"{DEVICE}*"):
        raise InputError(why_silent(source, 0))


def shown(source: str) -> str:
    """A source as it may be printed: an address without the user and password in it."""
    return re.sub(r"//[^/@]*@", "//", source)


class Source(Protocol):
    """Pictures one after another.

    Attributes:
        fps: frames per second as stated; None where that cannot be.
        finite: whether it is a file, which ends.
    """

    fps: float | None
    finite: bool

    def read(self) -> np.ndarray | None:
        """The next picture, (H, W, 3) uint8, BGR; None where there are no more."""

    def close(self) -> None:
        """Give it back."""


def open_source(source: str, seconds: float) -> Source | None:
    """A source, or None where it cannot be opened.

    Args:
        source: the number of a camera, or an address.
        seconds: how long an address may take to answer.
    """
    if is_index(source):
        return Device(int(source))
    try:
        return Stream(source, seconds)
    except (av.FFmpegError, OSError, ValueError):
        return None


class Device:
    """A camera of this machine."""

    finite = False

    def __init__(self, index: int) -> None:
        """Open it; one that is not there gives no picture."""
        self._capture = cv2.VideoCapture(index)
        self.fps = _believable(self._capture.get(cv2.CAP_PROP_FPS))

    def read(self) -> np.ndarray | None:
        """See `Source`."""
        decoded, image = self._capture.read()
        return image if decoded else None

    def close(self) -> None:
        """See `Source`."""
        self._capture.release()


class Stream:
    """An address, by FFmpeg; OpenCV would not tell that pictures change their size, and mix them."""

    def __init__(self, address: str, seconds: float) -> None:
        """Open it.

        Raises:
            av.FFmpegError, OSError, ValueError: it does not answer within so many seconds, or with something else.
        """
        self._container = av.open(address, timeout=(seconds, STALL_SECONDS), options=dict(OPTIONS))
        try:
            stream = self._container.streams.video[0]
        except IndexError:
            self._container.close()
            raise ValueError("no video") from None
        self.fps = _believable(float(stream.average_rate or stream.guessed_rate or 0))
        self.finite = bool(self._container.duration)
        self._frames = self._decode(stream)
        self._to_bgr = VideoReformatter()

    def read(self) -> np.ndarray | None:
        """See `Source`."""
        try:
            frame = next(self._frames, None)
        except (av.FFmpegError, OSError):
            return None
        return None if frame is None else self._to_bgr.reformat(frame, format="bgr24").to_ndarray()

    def close(self) -> None:
        """See `Source`."""
        self._container.close()

    def _decode(self, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
        for packet in self._container.demux(stream):
            try:
                yield from packet.decode()
            except av.InvalidDataError:  # damaged on its way: there will be others
                continue


def _believable(fps: float) -> float | None:
    return fps if BELIEVABLE_FPS[0] <= fps <= BELIEVABLE_FPS[1] else None


def why_silent(source: str, seconds: float) -> str:
    """Why no picture comes from a source that was tried for so long, in a sentence."""
    if not is_index(source):
        return (
            f"no picture came from {shown(source)!r} within {seconds:g} s: check the address, that the camera is on, "
            "and that this machine reaches it"
        )
    cameras = sorted(glob.glob(f"{DEVICE}*")) if sys.platform == "linux" else []
    if sys.platform == "linux" and not cameras:
        return f"camera {source} cannot be opened: this machine has none ({DEVICE}*); plug one in, or give an address"
    there = f"there are {', '.join(cameras)}; " if cameras else ""
    return (
        f"camera {source} gives no picture: {there}check its number, that you may read it (group video on Linux), and "
        "that no other program uses it"
    )
