"""The newest pictures of a camera or stream, whoever comes too late for the others."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing

import cv2
import numpy as np

from skelact.errors import InputError
from skelact.live import is_index
from skelact.live.source import Source, open_source, shown, why_silent
from skelact.video import ASSUMED_FPS, Frame, check_size

ANSWER_SECONDS = 10.0
# How many frames wait: an estimator that takes several at once does not drop those between. Older ones are dropped.
WAITING = 3
SHORTEST_WAIT, LONGEST_WAIT = 0.5, 5.0  # seconds, between two tries to reach a source that went away
_GLANCE = 0.1  # seconds, between two looks at whether to stop


class Camera:
    """A camera or stream, read in a thread of its own so that nobody works on old pictures; a context manager.

    A source that goes away is tried again until it is back. A file at an address is played at its own rate, and ends.

    Attributes:
        source: as given, without a password.
        width, height: of the first picture, pixels; later ones of another size are scaled to it.
        fps: frames per second as stated; 30 where that cannot be.
        dropped: how many frames came too fast to be taken.
    """

    def __init__(
        self,
        source: str,
        *,
        seconds: float = ANSWER_SECONDS,
        stop: threading.Event | None = None,
        warn: Callable[[str], None] = lambda message: None,
    ) -> None:
        """Wait for the first picture.

        Args:
            source: the number of a camera, or an address.
            seconds: how long to wait for the first picture of an address.
            stop: ends the waiting and the frames when it is set.
            warn: called with one sentence where the source goes away, comes back, or changes its size; from a thread.

        Raises:
            InputError: no picture came, or it is too large.
        """
        self.source = shown(source)
        self.width = self.height = 0
        self.fps = ASSUMED_FPS
        self.dropped = 0
        self._address, self._seconds, self._warn = source, seconds, warn
        self._asked = stop or threading.Event()
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._waiting: deque[Frame | None] = deque()  # None, only at the beginning, is a gap
        self._frames = 0
        self._ended = self._resized = False
        self._failure: InputError | None = None
        self._began = self._first = time.monotonic()
        # A daemon, as nothing ends a read that hangs inside a driver.
        self._thread = threading.Thread(target=self._work, daemon=True, name="skelact-camera")
        self._thread.start()
        with self._news:
            while not (self._frames or self._ended or self._stopped()):
                if time.monotonic() - self._began > seconds + _GLANCE:
                    self._failure = InputError(why_silent(source, seconds))
                    break
                self._news.wait(_GLANCE)
        if self._failure:
            self.close()
            raise self._failure

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self) -> list[Frame] | None:
        """The frames that wait, as soon as there is one; none at a gap, where the source went away; None at the end.

        Their times are those of the capture, in seconds since the first picture, and their indices leave out those of
        frames that were dropped.
        """
        with self._news:
            while not self._waiting:
                if self._ended or self._stopped():
                    return None
                self._news.wait(_GLANCE)
            if self._waiting[0] is None:
                self._waiting.popleft()
                return []
            frames = [frame for frame in self._waiting if frame]
            self._waiting.clear()
            return frames

    def age(self, captured: float) -> float:
        """How many seconds ago a frame of this time was captured."""
        return time.monotonic() - self._first - captured

    def close(self) -> None:
        """Stop reading; a read that hangs is left behind."""
        self._stop.set()
        self._thread.join(_GLANCE)

    def _stopped(self) -> bool:
        return self._stop.is_set() or self._asked.is_set()

    def _work(self) -> None:
        try:
            self._reconnect()
        except InputError as error:
            self._failure = error
        finally:
            with self._news:
                self._ended = True
                self._news.notify_all()

    def _reconnect(self) -> None:
        """One connection after another, until the end."""
        wait, gone = SHORTEST_WAIT, False
        while not self._stopped():
            left = self._seconds - (time.monotonic() - self._began)
            source = open_source(self._address, LONGEST_WAIT if self._frames else max(0.1, left))
            if source is not None:
                with closing(source):
                    image = source.read()
                    if image is not None and gone:
                        self._warn(f"{self.source} is back")
                    if image is not None:
                        wait, gone = SHORTEST_WAIT, False
                        self._read(source, image)
                    if image is not None and source.finite:
                        return
            if not self._frames and (is_index(self._address) or left <= wait):
                raise InputError(why_silent(self._address, self._seconds))
            if self._frames and not gone and not self._stopped():
                self._warn(f"{self.source} has gone away: it is tried again until it is back")
                self._leave_gap()
                gone = True
            self._stop.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    def _read(self, source: Source, image: np.ndarray | None) -> None:
        """Hand out the pictures of a connection, this one first, until there are no more."""
        if not self._frames:
            self.fps = source.fps or ASSUMED_FPS
        begun, count = time.monotonic(), 0
        while image is not None and not self._stopped():
            self._hand_out(image)
            count += 1
            if source.finite:  # which comes as fast as it can be read
                self._stop.wait(max(0.0, begun + count / (source.fps or ASSUMED_FPS) - time.monotonic()))
            image = source.read()

    def _hand_out(self, image: np.ndarray) -> None:
        now = time.monotonic()
        height, width = image.shape[:2]
        if not self.width:
            check_size(self.source, width, height)
            self._first, self.width, self.height = now, width, height
        if (width, height) != (self.width, self.height):
            if not self._resized:
                self._warn(
                    f"{self.source} now has pictures of {width} x {height}: they are scaled to {self.width} x "
                    f"{self.height}"
                )
            self._resized = True
            image = cv2.resize(image, (self.width, self.height))
        with self._news:
            gap = len(self._waiting) > 0 and self._waiting[0] is None
            if len(self._waiting) == WAITING + gap:
                del self._waiting[gap]
                self.dropped += 1
            self._waiting.append(Frame(image, self._frames, now - self._first))
            self._frames += 1
            self._news.notify_all()

    def _leave_gap(self) -> None:
        """What waits from before a gap is too late."""
        with self._news:
            self.dropped += sum(frame is not None for frame in self._waiting)
            self._waiting.clear()
            self._waiting.append(None)
            self._news.notify_all()
