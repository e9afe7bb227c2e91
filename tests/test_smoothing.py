"""Smoothed keypoints tremble less, and else do as they did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.errors import UsageError
from skelact.keypoints import get_layout
from skelact.sequence import PoseSequence
from skelact.smoothing import SMOOTHINGS, smooth

V = len(get_layout("coco17"))
FPS = 30.0


def sequence(path: np.ndarray, seen: np.ndarray | None = None, times: np.ndarray | None = None) -> PoseSequence:
    """One person, 200 pixels tall, whose keypoints all take this path (T, 2), or (T, V, 2)."""
    frames = len(path)
    path = np.broadcast_to(path if path.ndim == 3 else path[:, None], (frames, V, 2))
    seen = np.ones((frames, V), bool) if seen is None else seen
    return PoseSequence(
        np.where(seen[..., None], path, 0)[None].astype(np.float32),
        0.8 * seen[None].astype(np.float32),
        np.tile(np.array([0, 0, 100, 200], np.float32), (1, frames, 1)),
        np.ones(1, np.int64),
        np.arange(frames) / FPS if times is None else times,
        640,
        480,
        FPS,
        layout="coco17",
    )


def uneven(frames: int, seed: int = 0) -> np.ndarray:
    return np.cumsum(np.random.default_rng(seed).uniform(0.02, 0.05, frames))


def wild(seed: int, frames: int = 40) -> PoseSequence:
    """Keypoints that wander, a quarter of them missing."""
    random = np.random.default_rng(seed)
    path = 200 + np.cumsum(random.normal(0, 3, (frames, V, 2)), axis=0)
    return sequence(path, random.random((frames, V)) > 0.25, uneven(frames, seed))


@pytest.mark.parametrize("method", SMOOTHINGS)
def test_trembling_at_rest_is_reduced(method: str) -> None:
    random = np.random.default_rng(0)
    before = sequence(100 + random.normal(0, 2, (60, V, 2)))
    after = smooth(before, method)
    assert (after.keypoints - 100).std() < 0.75 * (before.keypoints - 100).std()
    assert after.notes == (f"keypoints are smoothed by {method}",)


@pytest.mark.parametrize("method", SMOOTHINGS)
@given(x=st.floats(-100, 2000), y=st.floats(-100, 2000), frames=st.integers(1, 30))
@settings(max_examples=30)
def test_what_stands_still_stays(method: str, x: float, y: float, frames: int) -> None:
    before = sequence(np.tile([x, y], (frames, 1)), times=uneven(frames))
    np.testing.assert_allclose(smooth(before, method).keypoints, before.keypoints, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("even", [True, False], ids=["even times", "uneven times"])
@given(velocity=st.tuples(st.floats(-500, 500), st.floats(-500, 500)), frames=st.integers(1, 40))
@settings(max_examples=30)
def test_savgol_keeps_straight_motion(even: bool, velocity: tuple[float, float], frames: int) -> None:
    times = np.arange(frames) / FPS if even else uneven(frames)
    before = sequence(300 + times[:, None] * velocity, times=times)
    np.testing.assert_allclose(smooth(before, "savgol").keypoints, before.keypoints, atol=2e-2)


def test_one_euro_follows_straight_motion_with_a_small_delay() -> None:
    times = np.arange(60) / FPS
    path = 100 + times[:, None] * np.array([200.0, 0.0])  # a height a second
    lag = (path - smooth(sequence(path), "one-euro").keypoints[0, :, 0])[30:, 0] / 200
    assert (lag > 0).all()
    assert (lag < 0.02).all()  # seconds


@pytest.mark.parametrize("method", SMOOTHINGS)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([0.25, 0.5, 3.0]), shift=st.integers(-300, 300))
@settings(max_examples=25)
def test_place_and_resolution_do_not_matter(method: str, seed: int, scale: float, shift: int) -> None:
    before = wild(seed)
    seen = before.scores[..., None] > 0
    moved = replace(
        before,
        keypoints=np.where(seen, scale * before.keypoints + shift, 0).astype(np.float32),
        boxes=(scale * before.boxes + shift).astype(np.float32),
    )
    expected = np.where(seen, scale * smooth(before, method).keypoints + shift, 0)
    np.testing.assert_allclose(smooth(moved, method).keypoints, expected, atol=5e-3)


@pytest.mark.parametrize("method", SMOOTHINGS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_all_else_stays(method: str, seed: int) -> None:
    before = wild(seed)
    after = smooth(before, method)
    assert np.isfinite(after.keypoints).all()
    assert not after.keypoints[before.scores == 0].any()
    for name in ("scores", "boxes", "track_ids", "timestamps"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


@pytest.mark.parametrize("method", SMOOTHINGS)
def test_a_missing_keypoint_breaks_the_filter(method: str) -> None:
    """What is seen before and after is smoothed as if it were alone."""
    random = np.random.default_rng(3)
    path = 200 + random.normal(0, 5, (41, V, 2))
    seen = np.ones((41, V), bool)
    seen[20] = False
    whole = smooth(sequence(path, seen), method).keypoints[0]
    for part in (slice(0, 20), slice(21, 41)):
        alone = smooth(sequence(path[part]), method).keypoints[0]
        np.testing.assert_allclose(whole[part], alone, atol=1e-2)


@pytest.mark.parametrize("method", SMOOTHINGS)
def test_an_unlike_keypoint_does_not_matter(method: str) -> None:
    before = wild(5)
    other = before.keypoints.copy()
    other[:, :, 3] += 50
    after = smooth(replace(before, keypoints=other), method).keypoints
    np.testing.assert_array_equal(np.delete(after, 3, 2), np.delete(smooth(before, method).keypoints, 3, 2))


def test_savgol_changes_nothing_where_frames_are_few() -> None:
    before = sequence(100 + np.random.default_rng(0).normal(0, 2, (60, V, 2)), times=np.arange(60) / 10)
    np.testing.assert_array_equal(smooth(before, "savgol").keypoints, before.keypoints)


def test_nobody_and_nothing_seen() -> None:
    before = sequence(np.zeros((10, 2)), np.zeros((10, V), bool))
    for method in SMOOTHINGS:
        assert not smooth(before, method).keypoints.any()
        assert smooth(before.select([]), method).num_instances == 0


def test_an_unknown_method() -> None:
    with pytest.raises(UsageError, match="unknown smoothing 'savgoal': did you mean 'savgol'"):
        smooth(sequence(np.zeros((3, 2))), "savgoal")
