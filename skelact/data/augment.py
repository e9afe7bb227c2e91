"""Random changes to normalised keypoints, to carry over to people and cameras not seen in training.

All take and return points (I, T, V, 2) and scores (I, T, V), and draw from a NumPy RandomState.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skelact.keypoints import LEFT_HAND, RIGHT_HAND, Layout

Random = np.random.RandomState
Keypoints = tuple[np.ndarray, np.ndarray]
HANDS = (LEFT_HAND, RIGHT_HAND)
LEFT_ARM, RIGHT_ARM = (7, 9), (8, 10)  # elbow and wrist, in every layout that has a body


def mirror(points: np.ndarray, scores: np.ndarray, layout: Layout) -> Keypoints:
    """The person in a looking glass: x negated, left and right keypoints swapped."""
    order: Sequence[int] = layout.mirror
    return points[:, :, list(order)] * np.array([-1, 1], dtype=np.float32), scores[:, :, list(order)]


def random_camera(points: np.ndarray, random: Random) -> np.ndarray:
    """A rotation up to 15 degrees, a shear up to 0.15 and a scale of each axis up to 25 %.

    The scales differ, which also stands for aspect ratios unknown and for persons turned a little to the side.
    """
    angle = np.deg2rad(random.uniform(-15, 15))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape = np.array(
        [[np.exp(random.uniform(-0.25, 0.25)), random.uniform(-0.15, 0.15)], [0, np.exp(random.uniform(-0.25, 0.25))]]
    )
    return points @ (rotation @ shape).T.astype(np.float32)


def random_limbs(points: np.ndarray, random: Random, layout: Layout) -> np.ndarray:
    """Another body: each hand larger or smaller by up to 25 %, each arm with its hand shifted a little."""
    points = points.copy()
    for hand, arm in zip(HANDS, (LEFT_ARM, RIGHT_ARM), strict=True):
        places = layout.places(hand)
        if len(places) == 0:
            continue
        root = points[:, :, places[:1]]
        scale = np.exp(random.uniform(-0.25, 0.25, size=2)).astype(np.float32)
        shift = random.normal(0, 0.1, size=2).astype(np.float32)
        points[:, :, places] = root + (points[:, :, places] - root) * scale + shift
        points[:, :, arm[1]] += shift
        points[:, :, arm[0]] += shift / 2
    return points


def random_speed(points: np.ndarray, scores: np.ndarray, random: Random) -> Keypoints:
    """A part of the clip, at least 70 % of it, at an uneven speed."""
    frames = points.shape[1]
    length = random.uniform(0.7, 1)
    start = random.uniform(0, 1 - length)
    pace = np.cumsum(random.uniform(0.6, 1.4, size=frames))
    time = start + length * (pace - pace[0]) / max(pace[-1] - pace[0], 1e-6)
    chosen = np.rint(time * (frames - 1)).astype(np.int64)
    return points[:, chosen], scores[:, chosen]


def random_loss(scores: np.ndarray, random: Random, layout: Layout) -> np.ndarray:
    """What estimators miss: a hand for a run of frames (with probability 0.3 each), single keypoints (5 %)."""
    scores = scores * (random.rand(*scores.shape) >= 0.05)
    for hand in HANDS:
        places = layout.places(hand)
        if len(places) and random.rand() < 0.3:
            frames = scores.shape[1]
            start, length = random.randint(frames), random.randint(1, max(frames // 2, 2))
            scores[:, start : start + length, places] = 0
    return scores.astype(np.float32)


def augment(points: np.ndarray, scores: np.ndarray, layout: Layout, random: Random) -> Keypoints:
    """All of the above and a jitter of 1.5 % of the unit length, in the order in which a camera would see them."""
    if random.rand() < 0.5:
        points, scores = mirror(points, scores, layout)
    points, scores = random_speed(points, scores, random)
    points = random_camera(random_limbs(points, random, layout), random)
    points = points + random.normal(0, 0.015, size=points.shape).astype(np.float32)
    scores = random_loss(scores, random, layout)
    return np.where(scores[..., None] > 0, points, np.float32(0)), scores
