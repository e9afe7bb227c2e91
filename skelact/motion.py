"""Where tracked boxes will be in the next frame: a Kalman filter of constant velocity for all tracks at once.

It is mmdet's KalmanFilter (DeepSORT's: Wojke et al., ICIP 2017) with its noise, which keeps the four measures of a box
apart: centre x, centre y, width / height, height. So each has a state of its own, value and velocity, its covariance is
three numbers, and one expression moves all tracks.
"""

from __future__ import annotations

import numpy as np

from skelact.boxes import match

# Noise in shares of a box's height, as published: of its place a frame, and of its velocity.
PLACE_NOISE = 1 / 20
VELOCITY_NOISE = 1 / 160
# The shape's, width / height, is absolute: of the shape, of its velocity, and of a measured shape.
SHAPE_NOISE, SHAPE_VELOCITY_NOISE, SHAPE_MEASURE_NOISE = 1e-2, 1e-5, 1e-1
MIN_SIDE = 1.0  # pixels; the filter divides by a box's height

# The camera is taken to move where so many tracks say it; and a track says it by a box that overlaps it by so much.
CAMERA_TRACKS = 4
CAMERA_OVERLAP = 0.3


def measure(boxes: np.ndarray) -> np.ndarray:
    """Boxes (P, 4), x1 y1 x2 y2, as the filter takes them: (P, 4), centre x, centre y, width / height, height."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    return np.stack([boxes[:, ::2].mean(axis=1), boxes[:, 1::2].mean(axis=1), width / height, height], axis=1)


def expected_boxes(means: np.ndarray) -> np.ndarray:
    """The boxes (T, 4), x1 y1 x2 y2, of states (T, 8)."""
    half = np.stack([means[:, 2] * means[:, 3], means[:, 3]], axis=1) / 2
    return np.concatenate([means[:, :2] - half, means[:, :2] + half], axis=1)


def begin(measures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states of new tracks, at rest, from their first boxes' (P, 4) measures.

    Returns:
        means (P, 8), the four measures and their velocities in a frame; covariances (P, 4, 3), of each measure
        the variance, its covariance with its velocity, and the velocity's variance.
    """
    place, velocity = _noise(measures[:, 3], 2 * PLACE_NOISE, SHAPE_NOISE), _velocity_noise(measures[:, 3], 10)
    covariances = np.stack([place**2, np.zeros_like(place), velocity**2], axis=2)
    return np.concatenate([measures, np.zeros_like(measures)], axis=1), covariances


def predict(means: np.ndarray, covariances: np.ndarray, lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states one frame later.

    Args:
        means, covariances: as `begin` gives them.
        lost: (T,) bool, tracks not seen in the last frame: they keep their height (as in ByteTrack).
    """
    means = means.copy()
    means[lost, 7] = 0
    place, velocity = _noise(means[:, 3], PLACE_NOISE, SHAPE_NOISE), _velocity_noise(means[:, 3], 1)
    means[:, :4] += means[:, 4:]
    means[:, 3] = means[:, 3].clip(MIN_SIDE)
    value, both, speed = np.moveaxis(covariances, 2, 0)
    return means, np.stack([value + 2 * both + speed + place**2, both + speed, speed + velocity**2], axis=2)


def correct(means: np.ndarray, covariances: np.ndarray, measures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states after the (T, 4) measures of their boxes in this frame are known."""
    value, both, speed = np.moveaxis(covariances, 2, 0)
    total = value + _noise(means[:, 3], PLACE_NOISE, SHAPE_MEASURE_NOISE) ** 2
    gain, speed_gain = value / total, both / total
    surprise = measures - means[:, :4]
    means = np.concatenate([means[:, :4] + gain * surprise, means[:, 4:] + speed_gain * surprise], axis=1)
    means[:, 3] = means[:, 3].clip(MIN_SIDE)
    return means, np.stack([value * (1 - gain), both * (1 - gain), speed - speed_gain * both], axis=2)


def camera_shift(expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """By how much the whole picture moved, where the tracks' velocities did not foresee it.

    Images are not needed: it is the median of how far the found boxes lie from the expected ones, over those that
    overlap each other most. So a camera that pans steadily is no shift, being in the tracks' velocities.

    Args:
        expected: (T, 4) boxes where the persons seen in the last frame should be.
        found: (P, 4) boxes in this frame.

    Returns:
        (2,) pixels in x and y; 0 with fewer than `CAMERA_TRACKS` such boxes.
    """
    before, after = match(expected, found, CAMERA_OVERLAP)
    if len(before) < CAMERA_TRACKS:
        return np.zeros(2)
    moved = found[after] - expected[before]
    return np.median((moved[:, :2] + moved[:, 2:]) / 2, axis=0)


def _noise(heights: np.ndarray, place: float, shape: float) -> np.ndarray:
    """(T, 4) standard deviations of the measures of boxes of these heights."""
    share = place * heights
    return np.stack([share, share, np.full_like(share, shape), share], axis=1)


def _velocity_noise(heights: np.ndarray, factor: float) -> np.ndarray:
    return _noise(heights, factor * VELOCITY_NOISE, SHAPE_VELOCITY_NOISE)
