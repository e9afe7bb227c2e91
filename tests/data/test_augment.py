"""Random changes to training clips, and the dataset that makes them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.data.augment import (
    augment,
    mirror,
    random_camera,
    random_limbs,
    random_loss,
    random_speed,
    transition,
)
from skelact.keypoints import LAYOUTS, Layout, get_layout
from skelact.training.settings import RECIPES

EXPRESSIVE = get_layout("expressive65")
ALL = RECIPES["signs"].augment
seeds = st.integers(0, 2**32 - 1)
examples = settings(max_examples=40, deadline=None)


def person(seed: int, layout: Layout, frames: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Normalised points (1, T, V, 2), at the origin where not seen, and scores (1, T, V) of 0 or 1."""
    random = np.random.default_rng(seed)
    scores = (random.random((1, frames, len(layout))) < 0.8).astype(np.float32)
    points = random.normal(size=(*scores.shape, 2)).astype(np.float32)
    return points * scores[..., None], scores


@examples
@given(seed=seeds, layout=st.sampled_from(list(LAYOUTS.values())))
def test_a_mirror_in_a_mirror_shows_the_person(seed: int, layout: Layout) -> None:
    points, scores = person(seed, layout)
    for array, twice in zip((points, scores), mirror(*mirror(points, scores, layout), layout), strict=True):
        np.testing.assert_array_equal(twice, array)


def test_a_mirror_swaps_left_and_right() -> None:
    points, scores = person(0, EXPRESSIVE)
    mirrored, mirrored_scores = mirror(points, scores, EXPRESSIVE)
    for side, other in (("left", "right"), ("right", "left")):
        for part in ("wrist", "big_toe", "index4"):
            here, there = EXPRESSIVE.index[f"{side}_{part}"], EXPRESSIVE.index[f"{other}_{part}"]
            np.testing.assert_array_equal(mirrored[:, :, here], points[:, :, there] * [-1, 1])
            np.testing.assert_array_equal(mirrored_scores[:, :, here], scores[:, :, there])
    nose = EXPRESSIVE.index["nose"]
    np.testing.assert_array_equal(mirrored[:, :, nose], points[:, :, nose] * [-1, 1])


@examples
@given(seed=seeds)
def test_a_camera_is_linear_and_mild(seed: int) -> None:
    points, _ = person(seed, EXPRESSIVE)
    seen = random_camera(points, np.random.RandomState(seed), ALL)
    doubled = random_camera(2 * points, np.random.RandomState(seed), ALL)
    np.testing.assert_allclose(doubled, 2 * seen, rtol=1e-4, atol=1e-5)
    before, after = np.linalg.norm(points, axis=-1), np.linalg.norm(seen, axis=-1)
    assert (after <= 1.6 * before + 1e-6).all()
    assert (after >= before / 1.6 - 1e-6).all()


@examples
@given(seed=seeds)
def test_other_limbs_leave_head_and_legs(seed: int) -> None:
    points, _ = person(seed, EXPRESSIVE)
    before = points.copy()
    changed = random_limbs(points, np.random.RandomState(seed), EXPRESSIVE, ALL)
    np.testing.assert_array_equal(points, before)
    arms_and_hands = np.r_[7:11, 23:65]
    rest = np.setdiff1d(np.arange(65), arms_and_hands)
    np.testing.assert_array_equal(changed[:, :, rest], points[:, :, rest])
    # Wrist and hand move together.
    shift = changed[:, :, 9] - points[:, :, 9]
    np.testing.assert_allclose(changed[:, :, 23] - points[:, :, 23], shift, atol=1e-5)
    assert np.abs(shift).max() > 0


def test_limbs_without_hands() -> None:
    points, _ = person(0, get_layout("coco17"))
    np.testing.assert_array_equal(random_limbs(points, np.random.RandomState(0), get_layout("coco17"), ALL), points)


@examples
@given(seed=seeds, frames=st.integers(1, 40))
def test_speed_keeps_the_order_of_frames(seed: int, frames: int) -> None:
    numbers = np.broadcast_to(np.arange(frames, dtype=np.float32)[None, :, None, None], (1, frames, 17, 2))
    points, scores = random_speed(numbers, numbers[..., 0], np.random.RandomState(seed), ALL)
    chosen = points[0, :, 0, 0]
    assert points.shape == numbers.shape
    np.testing.assert_array_equal(scores, points[..., 0])
    assert (np.diff(chosen) >= 0).all()
    assert chosen[-1] - chosen[0] >= np.floor(0.7 * (frames - 1)) - 1


@examples
@given(seed=seeds)
def test_keypoints_are_lost_and_none_is_found(seed: int) -> None:
    _, scores = person(seed, EXPRESSIVE, frames=20)
    lost = random_loss(scores, np.random.RandomState(seed), EXPRESSIVE, ALL)
    assert ((lost == scores) | (lost == 0)).all()
    assert (lost < scores).any()
    assert lost.sum() > 0.4 * scores.sum()


@examples
@given(seed=seeds, layout=st.sampled_from([EXPRESSIVE, get_layout("coco17")]), frames=st.sampled_from([1, 2, 20]))
def test_changed_clips_keep_shape_type_and_origin(seed: int, layout: Layout, frames: int) -> None:
    points, scores = person(seed, layout, frames)
    changed, changed_scores = augment(points, scores, layout, np.random.RandomState(seed), ALL)
    assert changed.shape == points.shape
    assert changed_scores.shape == scores.shape
    assert changed.dtype == changed_scores.dtype == np.float32
    assert np.isfinite(changed).all()
    assert not changed[changed_scores == 0].any()


@examples
@given(seed=seeds, layout=st.sampled_from(list(LAYOUTS.values())))
def test_a_transition_goes_from_one_clip_to_the_other(seed: int, layout: Layout) -> None:
    first, second = person(seed, layout, frames=8), person(seed + 1, layout, frames=5)
    for clip, side in ((first, -1), (second, 1)):
        clip[0][...], clip[1][...] = side, 1
    points, scores = transition(first, second, np.random.RandomState(seed % 2**32))
    assert points.shape == first[0].shape
    assert scores.shape == first[1].shape
    assert points.dtype == scores.dtype == np.float32
    travelled = points[0, :, 0, 0]
    assert (np.diff(travelled) >= 0).all()
    assert travelled[0] < 0 < travelled[-1]


def test_a_transition_shows_what_either_clip_shows() -> None:
    first, second = person(0, EXPRESSIVE), person(1, EXPRESSIVE)
    first[1][:, :, :40] = 0
    second[1][:, :, 20:] = 0
    points, scores = transition(first, second, np.random.RandomState(0))
    assert not points[scores == 0].any()
    assert not scores[0, 0, :40].any()
    assert not scores[0, -1, 20:].any()
