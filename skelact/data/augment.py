"""Random changes to normalised keypoints, to carry over to people and cameras not seen in training.

All take and return points (I, T, V, 2) and scores (I, T, V), and draw from a NumPy RandomState. None of this is in
the published recipe (Yang et al. 2024), which trains on the keypoints as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skelact.data.transforms import fill_gaps
from skelact.keypoints import LEFT_HAND, RIGHT_HAND, Layout

Random = np.random.RandomState
Keypoints = tuple[np.ndarray, np.ndarray]
HANDS = (LEFT_HAND, RIGHT_HAND)
LEFT_ARM, RIGHT_ARM = (7, 9), (8, 10)  # elbow and wrist, in every layout that has a body


@dataclass(frozen=True)
class Augmentation:
    """How much of each change there is; 0 is none.

    Attributes:
        mirror: probability of seeing the person in a looking glass.
        rotation: largest angle, degrees.
        scale: largest change of each axis, as a logarithm: 0.25 is up to 28 % larger.
        shear: largest shear, as a share of the height.
        hand_scale: largest change of a hand's size, as a logarithm.
        limb_shift: standard deviation of an arm's displacement, in the unit of the normalised keypoints.
        crop: largest share of the frames left out at the ends.
        speed: largest change of pace from frame to frame, as a share.
        jitter: standard deviation of each keypoint's noise, in the unit of the normalised keypoints.
        keypoint_dropout: probability of a keypoint to be missed in a frame.
        hand_dropout: probability of each hand to be missed for a run of up to half of the frames.
        score_noise: standard deviation of noise on the scores.
    """

    mirror: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    hand_scale: float = 0.0
    limb_shift: float = 0.0
    crop: float = 0.0
    speed: float = 0.0
    jitter: float = 0.0
    keypoint_dropout: float = 0.0
    hand_dropout: float = 0.0
    score_noise: float = 0.0


def mirror(points: np.ndarray, scores: np.ndarray, layout: Layout) -> Keypoints:
    """The person in a looking glass: x negated, left and right keypoints swapped."""
    order: Sequence[int] = layout.mirror
    return points[:, :, list(order)] * np.array([-1, 1], dtype=np.float32), scores[:, :, list(order)]


def random_camera(points: np.ndarray, random: Random, amount: Augmentation) -> np.ndarray:
    """A rotation, a shear and a scale of each axis.

    The scales differ, which also stands for aspect ratios unknown and for persons turned a little to the side.
    """
    angle = np.deg2rad(random.uniform(-amount.rotation, amount.rotation))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wide, high = np.exp(random.uniform(-amount.scale, amount.scale, size=2))
    shape = np.array([[wide, random.uniform(-amount.shear, amount.shear)], [0, high]])
    return points @ (rotation @ shape).T.astype(np.float32)


def random_limbs(points: np.ndarray, random: Random, layout: Layout, amount: Augmentation) -> np.ndarray:
    """Another body: each hand larger or smaller, each arm with its hand shifted a little."""
    points = points.copy()
    for hand, arm in zip(HANDS, (LEFT_ARM, RIGHT_ARM), strict=True):
        places = layout.places(hand)
        if len(places) == 0:
            continue
        root = points[:, :, places[:1]]
        scale = np.exp(random.uniform(-amount.hand_scale, amount.hand_scale, size=2)).astype(np.float32)
        shift = random.normal(0, amount.limb_shift, size=2).astype(np.float32)
        points[:, :, places] = root + (points[:, :, places] - root) * scale + shift
        points[:, :, arm[1]] += shift
        points[:, :, arm[0]] += shift / 2
    return points


def random_speed(points: np.ndarray, scores: np.ndarray, random: Random, amount: Augmentation) -> Keypoints:
    """A part of the clip at an uneven speed."""
    frames = points.shape[1]
    length = random.uniform(1 - amount.crop, 1)
    start = random.uniform(0, 1 - length)
    pace = np.cumsum(random.uniform(1 - amount.speed, 1 + amount.speed, size=frames))
    time = start + length * (pace - pace[0]) / max(pace[-1] - pace[0], 1e-6)
    chosen = np.rint(time * (frames - 1)).astype(np.int64)
    return points[:, chosen], scores[:, chosen]


def random_loss(scores: np.ndarray, random: Random, layout: Layout, amount: Augmentation) -> np.ndarray:
    """What estimators miss, a hand for a run of frames or single keypoints, and how unsure they are of the rest."""
    kept = random.rand(*scores.shape) >= amount.keypoint_dropout
    noisy = scores + random.normal(0, amount.score_noise, size=scores.shape) if amount.score_noise else scores
    scores = np.where(kept & (scores > 0), np.clip(noisy, 0, None), 0)
    for hand in HANDS:
        places = layout.places(hand)
        if len(places) and random.rand() < amount.hand_dropout:
            frames = scores.shape[1]
            start, length = random.randint(frames), random.randint(1, max(frames // 2, 2))
            scores[:, start : start + length, places] = 0
    return scores.astype(np.float32)


def augment(points: np.ndarray, scores: np.ndarray, layout: Layout, random: Random, amount: Augmentation) -> Keypoints:
    """All of the above and a jitter, in the order in which a camera would see them; not seen is (0, 0) again."""
    if random.rand() < amount.mirror:
        points, scores = mirror(points, scores, layout)
    points, scores = random_speed(points, scores, random, amount)
    points = random_camera(random_limbs(points, random, layout, amount), random, amount)
    points = points + random.normal(0, amount.jitter, size=points.shape).astype(np.float32)
    scores = random_loss(scores, random, layout, amount)
    return np.where(scores[..., None] > 0, points, np.float32(0)), scores


def transition(first: Keypoints, second: Keypoints, random: Random) -> Keypoints:
    """What lies between two signs: the person goes from a moment of one clip to a moment of another.

    A made-up clip of no sign, for recordings in which "no sign" is only hands at rest. The change takes
    15 to 60 % of the frames; before and after it, each clip moves on at a random pace of at most its own. Keypoints
    that one clip never shows are where the other has them.

    Args:
        first, second: normalised points (I, T, V, 2) and scores (I, T, V); lengths may differ.

    Returns:
        Points and scores with as many frames as `first`.
    """
    frames = first[0].shape[1]
    centre, width = random.uniform(0.2, 0.8), random.uniform(0.15, 0.6)
    time = np.linspace(0, 1, frames)
    share = np.clip((time - centre) / width + 0.5, 0, 1)
    share = (share * share * (3 - 2 * share)).astype(np.float32)  # sets off and arrives gently
    moments = random.uniform(0.3, 1), random.uniform(0, 0.7)  # late in the first, early in the second
    places, scores, shown = [], [], []
    for (clip, found), moment in zip((first, second), moments, strict=True):
        at = np.clip(moment + (time - centre) * random.uniform(0, 1), 0, 1)
        frame = np.rint(at * (clip.shape[1] - 1)).astype(np.int64)
        places.append(fill_gaps(clip, found)[:, frame])
        scores.append(found[:, frame])
        shown.append((found > 0).any(axis=1)[:, None, :, None])
    start = np.where(shown[0], places[0], places[1])
    end = np.where(shown[1], places[1], start)
    points = start + (end - start) * share[:, None, None]
    seen = np.where(share[:, None] < 0.5, scores[0], scores[1])
    return np.where(seen[..., None] > 0, points, np.float32(0)), seen
