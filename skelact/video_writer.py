"""Pictures to a video file that browsers and players open."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from skelact.errors import OutputError, UsageError
from skelact.formats.writing import check_output, draft_path, write_error

if TYPE_CHECKING:
    from av import VideoStream

ENDING = ".mp4"
# Ticks a second of the frames' times: fine enough for any camera, and not more than MPEG-4's 65535.
TICKS = 60_000
# What every browser plays, where the encoder is there; else what every player does. No frame is built on a later one
# (bf), as MP4 would then state a wrong length where frames do not come at a constant rate. MPEG-4's quantizer is 4, in
# FFmpeg's units of 1/118.
CODECS = (
    ("libx264", {"crf": "23", "preset": "veryfast", "bf": "0"}),
    ("mpeg4", {"global_quality": str(4 * 118), "flags": "+qscale"}),
)
ENCODER_THREADS = 2
LONGEST_SIDE = 7680  # pixels, of 8K video, which is near the limit of both
HIGHEST_FPS = 1000.0


class VideoWriter:
    """Writes pictures into an .mp4, H.264 where an encoder for it is there; a context manager.

    The file is in place once the context has been left without an exception; after one, what was there before stays.
    Colours are stored as OpenCV reads them, by BT.601 and without saying so, so that a frame that was read and is
    written again has the colours it had.

    Attributes:
        codec: the name of the encoder, as FFmpeg has it.
    """

    def __init__(self, path: str | Path, width: int, height: int, fps: float, *, overwrite: bool = False) -> None:
        """Check what can be checked; the file is begun when the context is entered.

        Args:
            path: the .mp4.
            width, height: of the pictures, pixels; of odd sides the last column or row is left out, and what is
                longer than `LONGEST_SIDE` is scaled down.
            fps: their rate, where no times are given, and how long the last one is shown.
            overwrite: whether it may replace a file.

        Raises:
            UsageError: another ending.
            OutputError: the file exists and `overwrite` is not set, or it cannot be written.
        """
        import av

        self._path = Path(path)
        if self._path.suffix.lower() != ENDING:
            raise UsageError(f"{str(path)!r} is no name for a video to write: end it with {ENDING}")
        check_output(self._path, overwrite)
        self._draft = draft_path(self._path)
        self._fps = min(fps, HIGHEST_FPS)
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        self._size = _even(width * scale), _even(height * scale)
        self._frames = 0
        self._last = -1
        self.codec, self._options = next(row for row in CODECS if row[0] in av.codecs_available)

    def __enter__(self) -> VideoWriter:
        import av

        try:
            self._file = av.open(str(self._draft), "w", format="mp4", options={"movflags": "+faststart"})
            rate = Fraction(self._fps).limit_denominator(1001)
            self._stream = cast("VideoStream", self._file.add_stream(self.codec, rate=rate, options=self._options))
            self._stream.width, self._stream.height = self._size
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = Fraction(1, TICKS)
            self._stream.codec_context.thread_count = ENCODER_THREADS
        except OSError as error:
            raise write_error(self._path, error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            with suppress(OSError):  # whatever it was, it has been told
                self._file.close()
            self._draft.unlink(missing_ok=True)

    def write(self, image: np.ndarray, time: float | None = None) -> None:
        """Add a picture.

        Args:
            image: (H, W, 3) uint8, BGR, of the size given; of another it is scaled.
            time: seconds since the first picture, increasing; None for the next at the constant rate.

        Raises:
            OutputError: there is no space left.
        """
        import av

        width, height = self._size
        if image.shape[0] - height not in (0, 1) or image.shape[1] - width not in (0, 1):
            image = cv2.resize(image, self._size, interpolation=cv2.INTER_AREA)
        # By OpenCV, which is twice as fast at it as FFmpeg.
        planes = np.asarray(cv2.cvtColor(image[:height, :width], cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        seconds = self._frames / self._fps if time is None else time
        frame.pts = self._last = max(self._last + 1, round(seconds * TICKS))
        frame.time_base = Fraction(1, TICKS)
        self._encode(frame)
        self._frames += 1

    def _encode(self, frame: Any) -> None:
        try:
            for packet in self._stream.encode(frame):
                packet.duration = round(TICKS / self._fps)  # counts for the last; of the others their times tell
                self._file.mux(packet)
        except OSError as error:
            raise write_error(self._path, error) from None

    def _finish(self) -> None:
        if not self._frames:
            raise OutputError(f"{str(self._path)!r} would be a video without pictures: nothing is written")
        self._encode(None)
        try:
            self._file.close()
            self._draft.replace(self._path)
        except OSError as error:
            raise write_error(self._path, error) from None


def _even(side: float) -> int:
    """The even number of pixels that fits, of which yuv420p's halved colours need at least 2."""
    return max(2, int(side) // 2 * 2)
