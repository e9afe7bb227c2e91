"""The sample clip: an estimator with real weights finds the drawn person, and the sign is the one that was drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from skelact.keypoints import BODY, RIGHT_HAND
from skelact.pose import View, create_estimator
from skelact.video import VideoReader

ASSETS = Path(__file__).resolve().parents[1] / "assets"
SAMPLE = ASSETS / "sample.mp4"
RIGHT_ARM = [6, 8, 10]
TORSO_AND_ARM = [5, *RIGHT_ARM]


@pytest.fixture(scope="module")
def make_sample() -> ModuleType:
    """The script that draws the clip; it lies outside the package, beside what it imports."""
    sys.path.insert(0, str(ASSETS))
    try:
        import make_sample
    finally:
        sys.path.remove(str(ASSETS))
    return make_sample


@pytest.fixture(scope="module")
def found() -> tuple[np.ndarray, np.ndarray]:
    """Keypoints (T, 133, 2), pixels, and scores (T, 133) that MediaPipe finds in the clip."""
    estimator = create_estimator("mediapipe")
    try:
        with VideoReader(SAMPLE) as reader:
            box = np.array([[0, 0, reader.width, reader.height]], np.float32)
            poses = [estimator.estimate([View(frame.image, box, np.array([0]))])[0] for frame in reader]
    finally:
        estimator.close()
    return np.stack([pose.keypoints[0] for pose in poses]), np.stack([pose.scores[0] for pose in poses])


@pytest.fixture(scope="module")
def meant(make_sample: ModuleType) -> np.ndarray:
    """The right arm and hand as drawn, (T, 24, 2), pixels."""
    sign = make_sample.SIGNS[make_sample.DEFAULT_SIGN]()
    times = np.arange(round(sign.seconds * make_sample.FPS)) / make_sample.FPS
    return np.stack([make_sample.keypoints_at(sign, "right", time) for time in times])


def test_is_a_small_file_of_the_stated_length(meant: np.ndarray) -> None:
    with VideoReader(SAMPLE) as reader:
        frames = sum(1 for _ in reader)
        assert (reader.width, reader.height, reader.fps) == (640, 480, 25)
        assert reader.notes() == ()
    assert frames == len(meant)
    assert SAMPLE.stat().st_size < 600_000


def test_body_and_signing_hand_are_found(found: tuple[np.ndarray, np.ndarray]) -> None:
    _, scores = found
    assert (scores[:, BODY].max(axis=1) > 0).mean() >= 0.95
    assert (scores[:, TORSO_AND_ARM] > 0.5).all(axis=1).mean() >= 0.9
    assert (scores[:, RIGHT_HAND] > 0).all(axis=1).mean() >= 0.9


def test_found_keypoints_follow_the_drawn_sign(found: tuple[np.ndarray, np.ndarray], meant: np.ndarray) -> None:
    points, scores = found
    seen = (scores[:, RIGHT_HAND] > 0).all(axis=1)
    hand = np.linalg.norm(points[:, RIGHT_HAND] - meant[:, 3:], axis=-1)[seen]
    arm = np.linalg.norm(points[:, RIGHT_ARM] - meant[:, :3], axis=-1)[seen]
    hand_length = np.linalg.norm(meant[0, 3 + 12] - meant[0, 3])
    assert np.median(hand) < 0.1 * hand_length
    assert np.median(arm) < 0.2 * hand_length


def test_a_frame_is_drawn_the_same_each_time(make_sample: ModuleType) -> None:
    sign = make_sample.SIGNS[make_sample.DEFAULT_SIGN]()
    first, again = (next(make_sample.draw_frames(sign)) for _ in range(2))
    assert np.array_equal(first, again)
    with VideoReader(SAMPLE) as reader:
        stored = next(iter(reader)).image
    assert np.abs(stored.astype(float) - first).mean() < 5  # what the codec loses
