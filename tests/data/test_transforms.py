"""From pixels to the recognizer's input: what must hold whatever the keypoints."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.data.transforms import (
    UNSEEN,
    USUAL_PALM,
    body_middle,
    fill_gaps,
    hide_hands,
    hide_lower_body,
    make_stream,
    normalize,
    normalize_by_body,
    normalize_by_image,
    normalize_by_person,
    palm_lengths,
    relative_to_hand,
    seen_or_not,
    to_clips,
)
from skelact.errors import InputError, UsageError
from skelact.keypoints import LAYOUTS, LEFT_HAND, RIGHT_HAND, Layout, get_layout
from skelact.models.preprocessing import Preprocessing

EXPRESSIVE, COCO = get_layout("expressive65"), get_layout("coco17")
layouts = st.sampled_from(list(LAYOUTS.values()))
seeds = st.integers(0, 2**32 - 1)
examples = settings(max_examples=40, deadline=None)


def person(seed: int, layout: Layout, instances: int = 1, frames: int = 6, seen: float = 0.8) -> tuple[np.ndarray, ...]:
    """Points (I, T, V, 2) in a picture of 640 x 480 and scores (I, T, V); a share `seen` is not 0."""
    random = np.random.default_rng(seed)
    points = random.uniform((0, 0), (640, 480), (instances, frames, len(layout), 2)).astype(np.float32)
    scores = random.uniform(0.5, 1, points.shape[:3]) * (random.random(points.shape[:3]) < seen)
    return points, scores.astype(np.float32)


@examples
@given(seed=seeds, layout=layouts, seen=st.sampled_from([0.0, 0.1, 0.8, 1.0]))
def test_place_and_size_of_a_person_do_not_matter(seed: int, layout: Layout, seen: float) -> None:
    points, scores = person(seed, layout, seen=seen)
    random = np.random.default_rng(seed)
    moved = points * np.float32(random.uniform(0.3, 3)) + random.uniform(-500, 500, 2).astype(np.float32)
    wanted = normalize_by_person(points, scores, layout)
    np.testing.assert_allclose(
        normalize_by_person(moved, scores, layout), wanted, atol=2e-3 * (1 + np.abs(wanted).max())
    )


def test_swaying_does_not_matter() -> None:
    points, scores = person(0, COCO, frames=1, seen=1)
    points, scores = points.repeat(5, axis=1), scores.repeat(5, axis=1)
    still = normalize_by_person(points, scores, COCO)
    points += np.linspace(0, 80, 5, dtype=np.float32)[:, None, None]
    np.testing.assert_allclose(normalize_by_person(points, scores, COCO), still, atol=1e-3)


def test_shoulders_are_one_unit_apart_around_the_origin() -> None:
    points, scores = person(1, COCO, frames=1, seen=1)
    left, right = normalize_by_person(points, scores, COCO)[0, 0, [5, 6]]
    np.testing.assert_allclose(left, -right, atol=1e-5)
    assert np.linalg.norm(left - right) == pytest.approx(1, abs=1e-5)


def test_frames_without_shoulders_take_the_place_from_their_neighbours() -> None:
    points, scores = person(2, COCO, frames=3, seen=1)
    points[:] = points[:, :1]
    points[:, 2] += 100
    scores[:, 1, 5] = 0
    normalized = normalize_by_person(points, scores, COCO)
    width = np.linalg.norm(points[0, 0, 5] - points[0, 0, 6])
    np.testing.assert_allclose(normalized[0, 1, 0], normalized[0, 0, 0] - 50 / width, rtol=1e-3, atol=1e-3)


bodies = st.sampled_from([layout for layout in LAYOUTS.values() if "left_hip" in layout.index])


@examples
@given(seed=seeds, layout=bodies, seen=st.sampled_from([0.0, 0.1, 0.8, 1.0]))
def test_place_and_size_of_a_body_do_not_matter(seed: int, layout: Layout, seen: float) -> None:
    points, scores = person(seed, layout, seen=seen)
    random = np.random.default_rng(seed)
    moved = points * np.float32(random.uniform(0.3, 3)) + random.uniform(-500, 500, 2).astype(np.float32)
    wanted = normalize_by_body(points, scores, layout)
    assert np.isfinite(wanted).all()
    assert (wanted[scores <= UNSEEN] == 0).all()
    np.testing.assert_allclose(normalize_by_body(moved, scores, layout), wanted, atol=2e-3 * (1 + np.abs(wanted).max()))


def test_the_path_of_a_body_is_apart_from_its_pose() -> None:
    points, scores = person(0, EXPRESSIVE, frames=1, seen=1)
    points, scores = points.repeat(5, axis=1), scores.repeat(5, axis=1)
    settings = Preprocessing(normalize="body", clip_len=5, test_clips=1, max_instances=1)
    still = to_clips(normalize_by_body(points, scores, EXPRESSIVE), scores, settings)[0, 0]
    points += np.linspace(0, 80, 5, dtype=np.float32)[:, None, None]
    moving = to_clips(normalize_by_body(points, scores, EXPRESSIVE), scores, settings)[0, 0]
    np.testing.assert_allclose(moving[..., :3], still[..., :3], atol=1e-3)
    assert (np.diff(moving[:, 0, 3]) > 0).all()
    np.testing.assert_allclose(still[..., 3:], 0, atol=1e-5)


def test_a_short_clip_of_a_body_is_stretched() -> None:
    points, scores = person(6, COCO, frames=3, seen=1)
    settings = Preprocessing(layout="coco17", normalize="body", clip_len=6, test_clips=2, max_instances=1)
    clips = to_clips(normalize_by_body(points, scores, COCO), scores, settings, num_clips=2)
    np.testing.assert_array_equal(clips[:, :, 0::2], clips[:, :, 1::2])
    assert not np.array_equal(clips[:, :, 0], clips[:, :, 2])


def test_a_body_without_hips_is_placed_by_its_shoulders() -> None:
    points, scores = person(4, COCO, seen=1)
    scores[..., 11:13] = 0
    np.testing.assert_allclose(body_middle(points, scores, COCO), points[:, :, 5:7].mean(axis=2), rtol=1e-6)


def test_hidden_hands_are_not_seen() -> None:
    _, scores = person(5, EXPRESSIVE, seen=1)
    hidden = hide_hands(scores, EXPRESSIVE)
    assert (hidden[..., 23:] == 0).all()
    assert (hidden[..., :23] == scores[..., :23]).all()


def test_a_layout_without_hips_cannot_be_normalized_by_body() -> None:
    with pytest.raises(UsageError, match="hips"):
        Preprocessing(layout="hand21", normalize="body")


def test_persons_are_normalized_apart() -> None:
    points, scores = person(3, COCO, instances=3)
    together = normalize_by_person(points, scores, COCO)
    for k in range(3):
        np.testing.assert_array_equal(together[k], normalize_by_person(points[k : k + 1], scores[k : k + 1], COCO)[0])


@pytest.mark.parametrize("keypoint", [5, 9])
def test_a_single_keypoint_that_stays_where_it_is_is_the_origin(keypoint: int) -> None:
    points, scores = np.zeros((1, 7, 17, 2), np.float32), np.zeros((1, 7, 17), np.float32)
    for x in np.linspace(0, 640, 50):
        points[:, :, keypoint], scores[:, :, keypoint] = x, 1
        assert np.abs(normalize_by_person(points, scores, COCO)).max() < 0.01


@examples
@given(seed=seeds, layout=layouts, by=st.sampled_from(["image", "person"]))
def test_what_is_not_seen_is_at_the_origin(seed: int, layout: Layout, by: str) -> None:
    points, scores = person(seed, layout, instances=2, seen=0.5)
    settings = Preprocessing(layout.name, normalize=by)
    normalized, scores = normalize(points, scores, 640, 480, settings)
    assert not normalized[scores == 0].any()
    assert np.isfinite(normalized).all()
    assert normalized.dtype == scores.dtype == np.float32


def test_the_frame_runs_from_minus_one_to_one() -> None:
    points = np.array([[0, 0], [320, 240], [640, 480], [640, 0]], np.float32)[None, None]
    normalized = normalize_by_image(points, np.ones((1, 1, 4), np.float32), 640, 480)
    assert normalized[0, 0].tolist() == [[-1, -1], [0, 0], [1, 1], [1, -1]]


def test_low_scores_are_kept_while_their_points_are_not() -> None:
    points, scores = person(4, COCO, seen=1)
    scores[0, :, 3] = 0.01
    normalized, kept = normalize(points, scores, 640, 480, Preprocessing("coco17"))
    assert not normalized[0, :, 3].any()
    np.testing.assert_array_equal(kept, scores)


@examples
@given(seed=seeds, layout=layouts)
def test_filling_gaps_leaves_what_was_seen(seed: int, layout: Layout) -> None:
    points, scores = person(seed, layout, instances=2, seen=0.5)
    before = points.copy()
    filled = fill_gaps(points, scores)
    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(filled[scores > 0], points[scores > 0])
    # In between, no coordinate leaves the range of those seen.
    seen = (scores > 0)[..., None]
    low = np.where(seen, points, np.inf).min(axis=1, keepdims=True)
    high = np.where(seen, points, -np.inf).max(axis=1, keepdims=True)
    ever = np.broadcast_to(seen.any(axis=1, keepdims=True), points.shape)
    assert ((filled >= low - 1e-3) & (filled <= high + 1e-3))[ever].all()
    np.testing.assert_array_equal(filled[~ever], points[~ever])


def test_gaps_are_filled_by_straight_lines() -> None:
    points = np.zeros((1, 6, 17, 2), np.float32)
    scores = np.zeros((1, 6, 17), np.float32)
    points[0, [1, 4], 9] = [[10, 100], [40, 70]]
    scores[0, [1, 4], 9] = 1
    filled = fill_gaps(points, scores)[0, :, 9]
    np.testing.assert_allclose(filled, [[10, 100], [10, 100], [20, 90], [30, 80], [40, 70], [40, 70]], atol=1e-4)


@examples
@given(seed=seeds, layout=st.sampled_from([EXPRESSIVE, get_layout("wholebody133")]))
def test_hands_are_told_relative_to_their_own_root(seed: int, layout: Layout) -> None:
    points, scores = person(seed, layout)
    relative = relative_to_hand(points, scores, layout)
    root, tip = layout.index["right_hand_root"], layout.index["right_index4"]
    assert not relative[:, :, root].any()
    assert not relative[:, :, layout.index["nose"]].any()
    away = points[:, :, tip] - points[:, :, root]
    ratio = relative[:, :, tip] / away
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-3)
    np.testing.assert_allclose(relative_to_hand(points + 50, scores, layout), relative, atol=1e-2)


def test_the_size_of_a_hand_does_not_matter() -> None:
    points, scores = person(0, EXPRESSIVE, seen=1)
    larger = points.copy()
    places = EXPRESSIVE.places(LEFT_HAND)
    root = points[:, :, places[:1]]
    larger[:, :, places] = root + (points[:, :, places] - root) * 1.5
    one, other = relative_to_hand(points, scores, EXPRESSIVE), relative_to_hand(larger, scores, EXPRESSIVE)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_a_hand_never_seen_counts_as_long_as_the_other() -> None:
    points, scores = person(0, EXPRESSIVE, seen=1)
    hands = [EXPRESSIVE.places(hand) for hand in (LEFT_HAND, RIGHT_HAND)]
    left = palm_lengths(points, scores, hands)[0, 0]
    scores[:, :, hands[1]] = 0
    np.testing.assert_allclose(palm_lengths(points, scores, hands), [[left, left]])
    scores[:, :, hands[0]] = 0
    np.testing.assert_allclose(palm_lengths(points, scores, hands), [[USUAL_PALM, USUAL_PALM]])


@pytest.mark.parametrize(
    ("x", "y", "score", "told"),
    [(5, 5, 0.9, 1), (5, 5, 0.3, 0), (-1, 5, 0.9, 0), (5, 481, 0.9, 0), (641, 5, 0.9, 0), (640, 480, 0.31, 1)],
)
def test_seen_means_confident_and_inside_the_frame(x: float, y: float, score: float, told: float) -> None:
    points, scores = np.array([[[[x, y]]]], np.float32), np.array([[[score]]], np.float32)
    assert seen_or_not(points, scores, 640, 480).tolist() == [[[told]]]


def test_the_upper_body_goes_without_hips_legs_and_feet() -> None:
    _, scores = person(5, EXPRESSIVE, seen=1)
    hidden = hide_lower_body(scores, EXPRESSIVE)
    lower = [k for k, name in enumerate(EXPRESSIVE.keypoint_names) if any(part in name for part in LOWER)]
    assert len(lower) == 12
    assert not hidden[:, :, lower].any()
    upper = np.setdiff1d(np.arange(65), lower)
    np.testing.assert_array_equal(hidden[:, :, upper], scores[:, :, upper])
    assert scores.all()


LOWER = ("hip", "knee", "ankle", "toe", "heel")


@examples
@given(seed=seeds, layout=layouts)
def test_the_bone_of_the_root_is_nothing_and_bones_add_up(seed: int, layout: Layout) -> None:
    data = np.concatenate([part.reshape(1, 6, len(layout), -1) for part in person(seed, layout)], axis=-1)
    bones = make_stream(data, layout, "b")
    root = layout.parents.index(layout.center)
    assert root == layout.center
    assert not bones[:, :, root, :2].any()
    tip = len(layout) - 1
    chain, total = tip, np.zeros_like(data[:, :, 0, :2])
    while chain != root:
        total, chain = total + bones[:, :, chain, :2], layout.parents[chain]
    np.testing.assert_allclose(total, data[:, :, tip, :2] - data[:, :, root, :2], atol=1e-3)


@examples
@given(seed=seeds, layout=layouts, stream=st.sampled_from(["jm", "bm"]))
def test_who_stands_still_has_no_motion(seed: int, layout: Layout, stream: str) -> None:
    data = np.concatenate([part.reshape(1, 1, len(layout), -1) for part in person(seed, layout, frames=1)], axis=-1)
    motion = make_stream(data.repeat(4, axis=1), layout, stream)
    assert not motion[..., :2].any()


@examples
@given(seed=seeds, layout=layouts, stream=st.sampled_from(["j", "b"]))
def test_motion_is_the_step_to_the_next_frame(seed: int, layout: Layout, stream: str) -> None:
    data = np.concatenate([part.reshape(1, 6, len(layout), -1) for part in person(seed, layout)], axis=-1)
    before = data.copy()
    still, motion = make_stream(data, layout, stream), make_stream(data, layout, f"{stream}m")
    np.testing.assert_array_equal(data, before)
    np.testing.assert_allclose(motion[:, :-1, :, :2], np.diff(still[..., :2], axis=1), atol=1e-3)
    assert not motion[:, -1].any()


@pytest.mark.parametrize(
    ("layout", "score"), [(EXPRESSIVE, 0.25 - 0.75), (COCO, (0.25 + 0.75) / 2)], ids=lambda v: str(v)[:9]
)
def test_scores_of_bones_are_those_of_the_published_weights(layout: Layout, score: float) -> None:
    data = np.zeros((1, 2, len(layout), 3), np.float32)
    data[..., 2] = 0.75
    data[:, :, layout.index["left_elbow"], 2] = 0.25
    assert (make_stream(data, layout, "b")[:, :, layout.index["left_elbow"], 2] == score).all()


@pytest.mark.parametrize("instances", [1, 2, 3])
def test_clips_are_padded_with_zeros_or_cut_to_the_persons_wanted(instances: int) -> None:
    points, scores = person(6, EXPRESSIVE, instances=instances, seen=1)
    clips = to_clips(points, scores, Preprocessing(clip_len=6), num_clips=2)
    assert clips.shape == (2, 2, 6, 65, 3)
    assert clips.dtype == np.float32
    np.testing.assert_array_equal(clips[0, 0, ..., :2], points[0])
    np.testing.assert_array_equal(clips[0, 0, ..., 2], scores[0])
    if instances == 1:
        assert not clips[:, 1].any()
    else:
        np.testing.assert_array_equal(clips[0, 1, ..., :2], points[1])


@pytest.mark.parametrize(
    ("settings", "channels"),
    [
        (Preprocessing(), 3),
        (Preprocessing(score_channel=False), 2),
        (Preprocessing(normalize="person"), 5),
        (Preprocessing(normalize="person", score_channel=False), 4),
    ],
)
def test_the_channels_are_those_the_settings_promise(settings: Preprocessing, channels: int) -> None:
    points, scores = normalize(*person(7, EXPRESSIVE), 640, 480, settings)
    clips = to_clips(points, scores, settings)
    assert clips.shape == (1, 2, 100, 65, channels)
    assert settings.channels == channels


def test_lost_keypoints_of_signers_are_filled_and_marked() -> None:
    points, scores = person(8, EXPRESSIVE, frames=3, seen=1)
    scores[0, 1, 64] = 0
    settings = Preprocessing(normalize="person", clip_len=3, max_instances=1)
    clip = to_clips(*normalize(points, scores, 640, 480, settings), settings)[0, 0]
    np.testing.assert_allclose(clip[1, 64, :2], (clip[0, 64, :2] + clip[2, 64, :2]) / 2, atol=1e-4)
    assert clip[:, 64, 2].tolist() == [1, 0, 1]


@pytest.mark.parametrize("by", ["image", "person"])
def test_another_number_of_keypoints_is_refused(by: str) -> None:
    with pytest.raises(InputError, match="17 keypoints where layout expressive65 has 65"):
        normalize(*person(9, COCO), 640, 480, Preprocessing(normalize=by))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stream": "joints"}, "unknown stream 'joints': choose one of j, b, jm, bm"),
        ({"normalize": "none"}, "unknown normalization 'none'"),
        ({"layout": "coco-17"}, "unknown layout 'coco-17': did you mean 'coco17'"),
    ],
)
def test_settings_there_are_none_of(settings: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Preprocessing(**settings)
