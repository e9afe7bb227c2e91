"""Smoothing of keypoints over time, for showing and measuring; training data stays as it was found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from skelact.errors import unknown_name
from skelact.sequence import PoseSequence

# Chosen on keypoints MediaPipe found in videos of 10, 24 and 30 frames a second, to which trembling was added by 0.25
# to 1 % of the person's height. At 1 % one-euro takes a tenth (fast gymnastics at 10 frames a second) to two fifths
# (drinking) off the error, savgol nothing to two fifths. At 0.25 % both add to it, by up to 0.2 % of the height, where
# the person moves fast.
MIN_CUTOFF = 2.0  # hertz, of a keypoint at rest
BETA = 30.0  # hertz more for each height of the person a second
SPEED_CUTOFF = 1.0  # hertz, as published
WINDOW = 0.2  # seconds
DEGREE = 2  # of the polynomials
LONGEST_STEP = 3.0  # usual steps; a longer one breaks a run of frames
UNEVEN = 0.1  # of the usual step; at such differences frames are set at equal distances first

Filter = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]


def smooth(sequence: PoseSequence, method: str) -> PoseSequence:
    """The same sequence with smoothed keypoints; scores, boxes and what is not seen stay.

    A keypoint is smoothed over each run of frames in which it is seen: where it is missing, smoothing starts afresh.
    Resolution does not matter: speed is measured in heights of the person's box.

    Args:
        sequence: as extracted.
        method: "one-euro", the filter of Casiez, Roussel and Vogel (1 euro filter, CHI 2012), which looks at the past
            only: little at rest, fast in motion, at the cost of some delay; or "savgol", polynomials of degree 2
            fitted to 0.2 s around each frame (Savitzky and Golay, Analytical Chemistry 36, 1964), without delay, where
            that holds 4 frames at least: at 15 frames a second and less nothing changes.

    Raises:
        UsageError: an unknown method.
    """
    if method not in _FILTERS:
        raise unknown_name("smoothing", method, SMOOTHINGS)
    smoothed = sequence.select(np.arange(sequence.num_instances))  # a copy
    for k, there in enumerate(sequence.present):
        frames = np.flatnonzero(there)
        if len(frames):
            span = slice(frames[0], frames[-1] + 1)
            points = sequence.keypoints[k, span].astype(np.float64)
            seen = sequence.scores[k, span] > 0
            points = _FILTERS[method](points, seen, sequence.timestamps[span], _size(sequence, k, frames))
            smoothed.keypoints[k, span] = np.where(seen[..., None], points, sequence.keypoints[k, span])
    return replace(smoothed, notes=(*sequence.notes, f"keypoints are smoothed by {method}"))


def _size(sequence: PoseSequence, k: int, frames: np.ndarray) -> float:
    """Median height of the box in these frames, pixels; that of the frame where there are no boxes."""
    boxes = sequence.boxes[k, frames]
    return float(np.median(boxes[:, 3] - boxes[:, 1])) or float(sequence.height)


def _one_euro(points: np.ndarray, seen: np.ndarray, times: np.ndarray, size: float) -> np.ndarray:
    """The filter over (N, V, 2) points; speed is that in the plane, so that directions are alike."""
    result = points.copy()
    speed = np.zeros_like(points[0])
    for t in range(1, len(points)):
        step = times[t] - times[t - 1]
        going = (seen[t] & seen[t - 1])[:, None]
        now = (points[t] - result[t - 1]) / (size * step)
        speed = np.where(going, speed + _share(SPEED_CUTOFF, step) * (now - speed), 0.0)
        cutoff = MIN_CUTOFF + BETA * np.linalg.norm(speed, axis=1, keepdims=True)
        filtered = result[t - 1] + _share(cutoff, step) * (points[t] - result[t - 1])
        result[t] = np.where(going, filtered, points[t])
    return result


def _share(cutoff: float | np.ndarray, step: float) -> np.ndarray:
    """How much of a new value a low-pass filter of this cut-off (hertz) takes after so many seconds."""
    return 1 / (1 + 1 / (2 * math.pi * np.asarray(cutoff) * step))


def _savgol(points: np.ndarray, seen: np.ndarray, times: np.ndarray, size: float) -> np.ndarray:
    """The filter over (N, V, 2) points; frames at unequal distances are interpolated to equal ones, and back."""
    from scipy.signal import savgol_filter

    result = points.copy()
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    breaks = np.diff(times) > LONGEST_STEP * usual
    window = 2 * round(WINDOW / usual / 2) + 1
    for v in range(points.shape[1]):
        for run in _runs(seen[:, v], breaks):
            odd = min(window, run.stop - run.start - (run.stop - run.start + 1) % 2)
            if odd <= DEGREE + 1:
                continue
            clock, path = times[run], points[run, v]
            if np.ptp(np.diff(clock)) <= UNEVEN * usual:
                result[run, v] = savgol_filter(path, odd, DEGREE, axis=0)
            else:
                even = np.linspace(clock[0], clock[-1], len(clock))
                path = savgol_filter(_interpolate(even, clock, path), odd, DEGREE, axis=0)
                result[run, v] = _interpolate(clock, even, path)
    return result


def _interpolate(at: np.ndarray, times: np.ndarray, path: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(at, times, coordinate) for coordinate in path.T], axis=1)


def _runs(seen: np.ndarray, breaks: np.ndarray) -> list[slice]:
    """The spans of frames in which a keypoint is seen, of a clock that does not break: `breaks` (N - 1,)."""
    runs, start = [], None
    for t, visible in enumerate(seen):
        if start is not None and (not visible or breaks[t - 1]):
            runs.append(slice(start, t))
            start = None
        if visible and start is None:
            start = t
    return runs if start is None else [*runs, slice(start, len(seen))]


_FILTERS: dict[str, Filter] = {"one-euro": _one_euro, "savgol": _savgol}
SMOOTHINGS = tuple(_FILTERS)
