"""Frames of a video file, upright and with true times."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from skelact.errors import InputError

# Decoders complain on stderr about every damaged packet; the user gets one sentence of ours instead.
# The variable is read when the first video is opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
cv2.setLogLevel(0)

BELIEVABLE_FPS = (1.0, 240.0)  # as a container states them; outside, its timestamps are asked
ASSUMED_FPS = 30.0
SHORTEST_STEP, LONGEST_STEP = 0.5e-3, 600.0  # seconds between two frames; others mean a damaged clock
LATEST_TIME = 1e6  # seconds; what raw streams without a clock report is far beyond

# Of a frame: 8192 x 8192, twice 8K video, 200 MB each; and no stripes, which vanish when scaled down.
MAX_PIXELS = 1 << 26
MAX_RATIO = 64

# Where a file starts with these bytes (offset, bytes), it is sound, even if a cover picture is in it.
_SOUND = (
    (0, b"ID3"), (0, b"fLaC"), (8, b"WAVE"), (4, b"ftypM4A"),
    *((0, bytes((0xFF, second))) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xF1, 0xF9)),
)  # fmt: skip
# Lists of videos, by which a file could have others opened that its sender should not see.
_LISTS = (b"#EXTM3U", b"\xef\xbb\xbf#EXTM3U", b"ffconcat")
_SIDES = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
# What FFmpeg names the codec of a text file, which it would draw on a terminal and film.
_TEXT_CODEC = "ansi"
# Containers that hold pictures or sound; one that does not open was cut short or has no picture.
_CONTAINERS = (
    (4, b"ftyp", "MP4 or MOV"), (8, b"AVI ", "AVI"), (0, b"\x1a\x45\xdf\xa3", "MKV or WebM"),
    (0, b"OggS", "Ogg"), (0, b"FLV", "FLV"), (0, b"\x00\x00\x01\xba", "MPEG"),
)  # fmt: skip


@dataclass(frozen=True)
class Frame:
    """One picture of a video.

    Attributes:
        image: (H, W, 3) uint8, BGR, rotation applied.
        index: 0 for the first frame.
        time: seconds since the first frame, strictly increasing.
    """

    image: np.ndarray
    index: int
    time: float


class VideoReader:
    """The frames of a video file, once, in order; a context manager and an iterator.

    Rotation metadata is applied. A frame's time is the container's where it goes on from the one before;
    otherwise (no clock, a clock that stands still, goes back or leaps by ten minutes) time is counted on at
    the nominal rate. Reading ends at the first frame that does not decode: what follows is built on it.
    A frame of another size is scaled to the first one's, where OpenCV tells of it: the 4.11 wheels do not,
    and give pictures mixed of both sizes. A file that grows, shrinks or vanishes meanwhile gives the frames that can be
    read, and a note.

    Attributes:
        source: the file as it was given.
        width, height: of the upright frame, pixels.
        fps: nominal frames per second: what the container states; where that cannot be, what its timestamps
            show, and failing that 30.
        stated_frames: how many frames the container claims; None if it claims none.
        frames_read: how many frames were handed out so far.
    """

    def __init__(self, source: str | Path) -> None:
        """Open the file and decode its first frame.

        Raises:
            InputError: the file is missing, a folder, unreadable, empty, not a video, holds sound only, is
                cut off too early to open, none of its frames decodes, or they are too large (`MAX_PIXELS`) or too
                narrow (`MAX_RATIO`).
        """
        self.source = str(source)
        path, self._bytes, head = _checked(self.source)
        self._path = path
        self._capture = _open(path)
        if not self._capture.isOpened() or _codec(self._capture) == _TEXT_CODEC:
            _checked(self.source)  # it may have gone just now
            raise InputError(_why_not_opened(self.source, head))
        check_size(self.source, *(int(self._capture.get(side)) for side in _SIDES))  # before memory is taken
        decoded, image = self._capture.read()
        if not decoded:
            raise InputError(
                f"{self.source!r} opens but no frame of it decodes: its codec {_codec(self._capture)} is not "
                "supported here or the file is damaged; convert it: ffmpeg -i INPUT -c:v libx264 OUTPUT.mp4"
            )
        self.height, self.width = image.shape[:2]
        check_size(self.source, self.width, self.height)
        self.stated_frames = _stated_frames(self._capture)
        self.frames_read = 0
        self._stated_fps = self._capture.get(cv2.CAP_PROP_FPS)
        fps = _nominal_fps(self._stated_fps, path)
        self.fps = fps or ASSUMED_FPS
        self._fps_assumed = fps is None
        self._clock_start = _clock(self._capture)
        self._waiting: Frame | None = Frame(image, 0, 0.0)
        self._time = 0.0
        self._ended = False
        self._change: str | None = None
        self._resized = 0

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        # A decoder may go on after a failure, with smeared pictures: the end is the end.
        if self._ended or not self._capture.isOpened():
            raise StopIteration
        frame, self._waiting = self._waiting or self._decode(), None
        if frame is None:
            self._ended = True
            self._change = _change(self._path, self._bytes)
            raise StopIteration
        self.frames_read += 1
        self._time = frame.time
        return frame

    def close(self) -> None:
        """Release the file; iteration ends."""
        self._capture.release()

    def notes(self) -> tuple[str, ...]:
        """What a reader of the results should know, one sentence each; complete once iteration has ended."""
        notes = []
        missing = (self.stated_frames or 0) - self.frames_read
        # Containers miscount by a frame or two; that is no loss.
        if self._ended and missing > max(2, 0.01 * self.frames_read):
            notes.append(
                f"{self.frames_read} of {self.stated_frames} stated frames decode: the file is cut short or "
                "damaged there"
            )
        if self._change:
            notes.append(self._change)
        if self._fps_assumed:
            notes.append(f"the file states {self._stated_fps:g} frames per second: {self.fps:g} is assumed")
        if self._resized:
            notes.append(f"{self._resized} frames of another size are scaled to {self.width} x {self.height}")
        return tuple(notes)

    def _decode(self) -> Frame | None:
        """The frame after the ones handed out, or None at the end."""
        decoded, image = self._capture.read()
        if not decoded:
            return None
        if image.shape[:2] != (self.height, self.width):
            image = cv2.resize(image, (self.width, self.height))
            self._resized += 1
        time = _clock(self._capture) - self._clock_start
        if not SHORTEST_STEP <= time - self._time <= LONGEST_STEP:
            time = self._time + 1 / self.fps
        return Frame(image, self.frames_read, time)


def _checked(source: str) -> tuple[Path, int, bytes]:
    """The absolute path of a readable, non-empty file, its size and its first bytes."""
    # Absolute, because FFmpeg takes "a:b.mp4" for an address of protocol "a".
    path = Path(os.path.abspath(source))
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise InputError(f"{source!r} is a folder: give one video file")
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{source!r} is a device or a pipe: save the video to a file first")
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        raise InputError(f"there is no file {source!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{source!r} cannot be read: {error.strerror}") from None
    if not head:
        raise InputError(f"{source!r} is empty (0 bytes): copy or record it again")
    if any(head.startswith(magic, offset) for offset, magic in _SOUND):
        raise InputError(f"{source!r} holds sound only: give a video with a picture")
    if head.startswith(_LISTS):
        raise InputError(f"{source!r} is a list of other files, not a video: give one of those")
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InputError(f"{source!r} has a name that is not valid UTF-8: rename it") from None
    return path, found.st_size, head


def check_size(source: str, width: int, height: int) -> None:
    """Make sure that frames are of a size that can be worked on.

    Raises:
        InputError: they are too large (`MAX_PIXELS`) or too narrow (`MAX_RATIO`).
    """
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{source!r} has frames of {width} x {height} pixels, more than {MAX_PIXELS >> 20} million: scale it down, "
            "or record it again if that is no size of yours"
        )
    if max(width, height) > MAX_RATIO * max(1, min(width, height)):
        raise InputError(
            f"{source!r} has frames of {width} x {height} pixels, one side more than {MAX_RATIO} times the other: "
            "nobody can be seen in it"
        )


def _change(path: Path, size: int) -> str | None:
    """What has become of a file of so many bytes since it was opened, as a sentence; None if nothing has."""
    try:
        now = path.stat().st_size
    except FileNotFoundError:
        return "the file was removed while it was read: frames may be missing at the end"
    except OSError as error:
        return f"the file can no longer be read ({error.strerror}): frames may be missing at the end"
    if now == size:
        return None
    return f"the file changed from {size} to {now} bytes while it was read: read it again when it is complete"


def _open(path: Path) -> cv2.VideoCapture:
    # FFmpeg alone, on every system: only it applies rotation, and other backends guess at image sequences.
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return capture


def _why_not_opened(source: str, head: bytes) -> str:
    for offset, magic, name in _CONTAINERS:
        if head.startswith(magic, offset):
            return (
                f"{source!r} is {name}, but no picture in it can be opened: it holds sound only or was cut "
                "short; copy, record or convert it again"
            )
    return f"{source!r} is not a video: give a file that video players open"


def _codec(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
    return code.decode("ascii", "replace") if code.strip(b"\0") else "(unnamed)"


def _stated_frames(capture: cv2.VideoCapture) -> int | None:
    stated = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(stated) if 0 < stated < 1e9 else None


def _clock(capture: cv2.VideoCapture) -> float:
    """The container's time of the frame just read, seconds; nan where it has none."""
    time = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
    return time if abs(time) < LATEST_TIME else math.nan


def _nominal_fps(stated: float, path: Path) -> float | None:
    """Frames per second as stated or, where that cannot be, the median of the first 32 frames' timestamps."""
    if BELIEVABLE_FPS[0] <= stated <= BELIEVABLE_FPS[1]:
        return stated
    capture = _open(path)
    times: list[float] = []
    while len(times) < 32 and capture.grab():
        times.append(_clock(capture))
    capture.release()
    steps = np.diff(times)
    steps = steps[(steps >= SHORTEST_STEP) & (steps <= LONGEST_STEP)]
    return float(1 / np.median(steps)) if len(steps) else None
