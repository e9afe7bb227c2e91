"""The video of a prediction, small enough to be inside a page."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from skelact.errors import InputError
from skelact.results import Prediction
from skelact.sequence import PoseSequence
from skelact.sources import Reader, find_video, open_reader
from skelact.video_writer import VideoWriter

OnFrame = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Quality:
    """The longer side at most, pixels, and frames per second at most."""

    side: int
    fps: float


# From the best on; the first that is expected to fit, and does, is taken. 24 MiB are 4 minutes at the best, 15 at the
# next and an hour at the last, at so many bits a pixel; in base64 they are 32 MiB of the page.
QUALITIES = (Quality(640, 30.0), Quality(480, 15.0), Quality(320, 8.0))
MOST_BYTES = 24 << 20
USUAL_BITS_PER_PIXEL = 0.12


def small_video(prediction: Prediction, on_frame: OnFrame | None = None) -> tuple[bytes, str]:
    """The video that was predicted as an .mp4 for browsers.

    Args:
        prediction: its source is decoded again.
        on_frame: called after each frame with those done and those there are.

    Returns:
        The file, and "", or nothing, and a sentence that says why.
    """
    source, sequence = find_video(prediction.source), prediction.sequence
    if source is None:
        return b"", "The video is not in this page, as it was not there when the page was written."
    for quality in QUALITIES:
        if _expected_bytes(sequence, prediction.seconds, quality) > MOST_BYTES:
            continue
        try:
            reader = open_reader(source)
        except InputError:
            return b"", "The video is not in this page, as it could not be read when the page was written."
        with reader:
            if (reader.width, reader.height) != (sequence.width, sequence.height):
                return b"", "The video is not in this page, as its frames have another size than the keypoints'."
            content = _written(reader, sequence, quality, on_frame)
        if len(content) <= MOST_BYTES:
            return content, ""
    return b"", "The video is not in this page, as it is too long to be inside a file."


def _size(sequence: PoseSequence, quality: Quality) -> tuple[int, int]:
    """Width and height, even, pixels."""
    scale = min(1.0, quality.side / max(sequence.width, sequence.height))
    width, height = (max(2, 2 * round(side * scale / 2)) for side in (sequence.width, sequence.height))
    return width, height


def _expected_bytes(sequence: PoseSequence, seconds: float, quality: Quality) -> float:
    width, height = _size(sequence, quality)
    return width * height * min(quality.fps, sequence.fps) * seconds * USUAL_BITS_PER_PIXEL / 8


def _written(reader: Reader, sequence: PoseSequence, quality: Quality, on_frame: OnFrame | None) -> bytes:
    width, height = _size(sequence, quality)
    with tempfile.TemporaryDirectory(prefix="skelact-") as folder:
        path = Path(folder) / "video.mp4"
        with VideoWriter(path, width, height, min(sequence.fps, quality.fps)) as writer:
            for image, time in _thinned(reader, sequence, quality.fps, on_frame):
                writer.write(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), time)
        return path.read_bytes()


def _thinned(
    reader: Reader, sequence: PoseSequence, fps: float, on_frame: OnFrame | None
) -> Iterator[tuple[np.ndarray, float]]:
    """The pictures of the sequence's frames, and seconds since the first: at most so many a second."""
    times = (sequence.timestamps - sequence.timestamps[0]).tolist()
    due = 0.0
    for frame, time in zip(reader, times, strict=False):
        if time >= due - 0.1 / fps:
            yield frame.image, time
            due = max(due, time - 1 / fps) + 1 / fps
        if on_frame:
            on_frame(frame.index + 1, len(times))
