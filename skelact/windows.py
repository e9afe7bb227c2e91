"""The windows of a sequence that a recognizer looks at, and whom it sees in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

# Who is seen in less than this share of a window's frames is not looked at in it.
SEEN_SHARE = 0.5


@dataclass(frozen=True)
class Window:
    """The frames `start` to `stop` - 1 of a sequence, around the middle of one step."""

    start: int
    stop: int


def step_times(seconds: float, stride: float) -> np.ndarray:
    """(S,) the middles of the steps that a video of this length is cut into; the last may reach beyond its end."""
    steps = max(1, int(np.ceil(seconds / stride - 1e-6)))
    return (np.arange(steps) + 0.5) * stride


def windows_around(times: np.ndarray, timestamps: np.ndarray, window: float) -> Iterator[Window]:
    """The window around each step, of at least one frame; those at the ends of the video are cut off there.

    Args:
        times: (S,) seconds from the first frame, as of `step_times`.
        timestamps: (T,) of the frames, seconds, increasing, at least one.
        window: seconds.
    """
    since = timestamps - timestamps[0]
    starts = np.searchsorted(since, times - window / 2 - 1e-6)
    stops = np.searchsorted(since, times + window / 2 - 1e-6)
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        start = min(start, len(since) - 1)
        yield Window(start, max(stop, start + 1))


def seen_in(present: np.ndarray, window: Window) -> np.ndarray:
    """The places of the persons seen in a window, the one seen in most of its frames first.

    Args:
        present: (I, T) bool.
        window: of it.

    Returns:
        (P,) int64; equals in the order of the sequence.
    """
    shares = present[:, window.start : window.stop].mean(axis=1)
    seen = np.flatnonzero(shares >= SEEN_SHARE)
    return seen[np.argsort(-shares[seen], kind="stable")]
