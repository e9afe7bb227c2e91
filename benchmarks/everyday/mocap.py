"""Motion capture as one kind of body: windows of an action from clips of many sources, on a skeleton drawn at random.

Joints are (T, 33, 3) metres, y up, in the order of `everyday_mocap.npz`. The sources differ in where they put hips,
neck and feet, and most classes come from one source: only the directions of bones are taken over, and every window
gets bone lengths from one distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FPS = 30
CLASSES = ("walk", "run", "jump", "punch", "kick", "dance", "idle", "other")
SAME_AS = {"backfist": "punch", "elbow_strike": "punch", "soccer_kick": "kick"}
# Too near to one of the classes, or a mixture of them, to be called anything else.
UNUSED = ("karate_block", "karate_kata", "run_jump_over", "run_leap", "duck", "dive_roll")
MIXED = "mixed"
NEVER_IDLE = (MIXED, "dance", "balance_one_leg", "animal_mime", "climb_playground", "climb_ladder", "climb_stairs")
POSED = "precog"  # persons whose recordings are cut to single actions, rests among them
STRIKES = ("punch", "kick", "jump")  # over in a moment: windows are centred on it
SHORTEST = 16  # frames of a stretch that is worth a window
BLEND = 5  # frames over which two clips flow into each other

# Joints of the mocap file used here.
(NECK, HEAD, NOSE, L_EAR, R_EAR) = (2, 3, 28, 31, 32)
ARMS = ((4, 5, 6), (8, 9, 10))  # shoulder, elbow, wrist; left, right
LEGS = ((12, 13, 14, 16, 26), (17, 18, 19, 21, 27))  # hip, knee, ankle, toe, heel
SHOULDERS, HIPS = (4, 8), (12, 17)
WRISTS, ANKLES, SOLES = (6, 10), (14, 19), (14, 16, 19, 21)
BODY_JOINTS = (4, 5, 6, 8, 9, 10, 12, 13, 14, 17, 18, 19, 3)


@dataclass(frozen=True)
class Motion:
    """One clip of motion capture.

    Attributes:
        joints: (T, 33, 3) float32.
        label: the class in the file, or `MIXED`.
        person: a name.
        description: in words.
    """

    joints: np.ndarray
    label: str
    person: str
    description: str


@dataclass(frozen=True)
class Stretch:
    """Where windows of a class may lie in a motion.

    Attributes:
        centres: frames that they may be centred on.
        first, last: the frames that they may reach; the last exclusive.
    """

    centres: np.ndarray
    first: int
    last: int


def load_motions(path: Path) -> list[Motion]:
    """All clips of the file."""
    with np.load(path, allow_pickle=False) as data:
        content = {name: data[name] for name in data.files}
    offsets, names, labels = content["offsets"], content["class_names"], content["label"]
    motions = [
        Motion(
            content["joints"][offsets[k] : offsets[k + 1]].astype(np.float32),
            str(names[label]) if label >= 0 else MIXED,
            str(content["person_names"][content["person"][k]]),
            str(content["description"][k]),
        )
        for k, label in enumerate(labels)
    ]
    # Twelve clips of precog10 have both hips, knees and ankles in one point.
    return [motion for motion in motions if np.ptp(motion.joints[:, LEGS[0][:3]], axis=1).max(axis=-1).min() > 0.2]


def _speed(points: np.ndarray) -> np.ndarray:
    """(T, J) metres a second of (T, J, 3), over about 0.13 s."""
    ahead, behind = np.roll(points, -2, axis=0), np.roll(points, 2, axis=0)
    speed = np.linalg.norm(ahead - behind, axis=-1) * FPS / 4
    if len(points) > 4:
        speed[:2], speed[-2:] = speed[2], speed[-3]
    return speed


def _mean_filter(values: np.ndarray, width: int) -> np.ndarray:
    kernel = np.ones(min(width, len(values)))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")


def _max_filter(values: np.ndarray, width: int) -> np.ndarray:
    padded = np.pad(values, width // 2, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, width // 2 * 2 + 1).max(axis=-1)


def stretches(motion: Motion) -> dict[str, list[Stretch]]:
    """Class to where windows of it may lie; by what the body does, not by the name alone."""
    whole = (0, len(motion.joints))
    found: dict[str, list[Stretch]] = {}
    for name, centres in _centres(motion).items():
        if name in STRIKES:
            found[name] = [Stretch(centres, *whole)] if len(centres) else []
            continue
        runs = np.split(centres, np.flatnonzero(np.diff(centres) > 1) + 1)
        reach = FPS // 2 if name == "idle" and motion.label != "idle" else 0
        parts = [Stretch(r, max(int(r[0]) - reach, 0), min(int(r[-1]) + 1 + reach, whole[1])) for r in runs if len(r)]
        found[name] = [part for part in parts if part.last - part.first >= SHORTEST]
    return {name: parts for name, parts in found.items() if parts}


def _centres(motion: Motion) -> dict[str, np.ndarray]:
    """Class to the frames on which a window of it may be centred."""
    joints, frames = motion.joints, np.arange(len(motion.joints))
    label = SAME_AS.get(motion.label, motion.label)
    if label == "idle":
        return {"idle": frames}
    middle = joints[:, HIPS].mean(axis=1)
    speed = _speed(joints[:, BODY_JOINTS]).mean(axis=1)
    moving, travel = _mean_filter(speed, FPS), _mean_filter(_speed(middle[:, None] * (1, 0, 1))[:, 0], FPS)
    found: dict[str, np.ndarray] = {}
    if not motion.person.startswith(POSED) and label not in NEVER_IDLE:
        trunk = _unit(joints[:, SHOULDERS].mean(axis=1) - middle)
        found["idle"] = frames[(_max_filter(speed, FPS) < 0.12) & (travel < 0.1) & (trunk[:, 1] > 0.93)]
    if label == "walk":
        found["walk"] = frames[travel > 0.35]
    elif label == "run":
        found["run"] = frames[travel > 1.2]
    elif label == "jump" or (label == MIXED and "jump" in motion.description):
        found["jump"] = frames[_airborne_within(joints, 9) & (travel < 2.5)]
    elif label in ("punch", "kick"):
        limb = _speed((joints - middle[:, None])[:, WRISTS if label == "punch" else ANKLES]).max(axis=1)
        # Long recordings have rests between the strikes.
        threshold = np.percentile(limb, 80) if len(frames) > 2.5 * FPS else 0.8 * limb.max()
        found[label] = frames[limb >= threshold]
    elif label == "dance":
        found["dance"] = frames[moving > 0.1]
    elif label not in (*UNUSED, MIXED):
        found["other"] = frames[(moving > 0.15) & ~_airborne_within(joints, FPS)]
    return found


def _airborne_within(joints: np.ndarray, frames: int) -> np.ndarray:
    """(T,) bool: whether both feet are off the ground at some time within so many frames around each."""
    lowest = joints[:, SOLES, 1].min(axis=1)
    floor = -_max_filter(-lowest, 3 * FPS)
    airborne = (lowest - np.percentile(lowest, 10) > 0.08) & (lowest - floor > 0.06)
    return _max_filter(airborne.astype(np.float32), frames) > 0


def _heading(joints: np.ndarray) -> np.ndarray:
    """(T,) the angle of the hips about the vertical."""
    across = joints[:, HIPS[0]] - joints[:, HIPS[1]] + joints[:, SHOULDERS[0]] - joints[:, SHOULDERS[1]]
    return np.arctan2(across[:, 2], across[:, 0])


def turn(points: np.ndarray, angle: float) -> np.ndarray:
    """Points (..., 3) turned about the vertical, so that headings grow by the angle."""
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def join(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two motions as one, cut where the poses agree best; the second continues where the first stands and faces.

    At most three tenths of the second's length are cut off from either, so that the whole is always longer.
    """
    most = max(len(second) * 3 // 10, 1)
    tail = np.arange(max(len(first) - most, 1), len(first))
    lead = np.arange(most)
    cost = ((_features(first)[tail, None] - _features(second)[None, lead]) ** 2).sum(axis=-1)
    i, j = np.unravel_index(cost.argmin(), cost.shape)
    end, start = int(tail[i]), int(lead[j])
    angle = float(_heading(first[end : end + 1])[0] - _heading(second[start : start + 1])[0])
    moved = turn(second[start:], angle)
    shift = first[end, HIPS].mean(axis=0) - moved[0, HIPS].mean(axis=0)
    moved = moved + shift * np.array([1, 0, 1], np.float32)
    steps = min(BLEND, len(moved))
    weight = (np.arange(1, steps + 1) / (steps + 1))[:, None, None].astype(np.float32)
    moved[:steps] = first[end] * (1 - weight) + moved[:steps] * weight
    return np.concatenate([first[:end], moved])


def _features(joints: np.ndarray) -> np.ndarray:
    """(T, F): pose relative to the hips and facing one way, and how it changes."""
    relative = joints[:, BODY_JOINTS] - joints[:, HIPS].mean(axis=1, keepdims=True)
    angles = -_heading(joints)
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, z = relative[..., 0] * c - relative[..., 2] * s, relative[..., 0] * s + relative[..., 2] * c
    pose = np.stack([x, relative[..., 1], z], axis=-1).reshape(len(joints), -1)
    change = np.gradient(pose, axis=0) * 5 if len(pose) > 1 else pose * 0
    return np.concatenate([pose, change], axis=1)


def smooth(joints: np.ndarray, hertz: float) -> np.ndarray:
    """A Gaussian low-pass over time, so that a sensor's own noise tells nothing."""
    sigma = FPS / (2 * np.pi * hertz) * 1.18  # half power at that frequency
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    padded = np.pad(joints, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    return sum(weight * padded[k : k + len(joints)] for k, weight in enumerate(kernel))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def retarget(joints: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """The motion on a body drawn at random: (T, 23, 3), COCO-WholeBody's body and feet.

    The bones keep their directions, up to a slip of a few degrees that stays the same over the window, and the path
    of the hips is scaled as the legs are.
    """

    def length(mean: float, spread: float = 0.07) -> float:
        return mean * size * float(np.exp(random.normal(0, spread)))

    def direction(of: np.ndarray) -> np.ndarray:
        return _unit(_unit(of) + random.normal(0, 0.05, 3).astype(np.float32))

    size = float(np.exp(random.normal(0, 0.07)))
    upper_arm, forearm, thigh, shank = length(0.27), length(0.24), length(0.42), length(0.4)
    foot, heel = length(0.17, 0.1), length(0.07, 0.1)
    foot_pitch = float(random.normal(0, 0.1)) + _foot_pitch(joints)
    own_leg = sum(
        np.linalg.norm(np.diff(joints[:, leg[:3]], axis=1), axis=-1).sum(axis=1).mean() for leg in LEGS
    ) / len(LEGS)
    out = np.zeros((len(joints), 23, 3), np.float32)
    hips = joints[:, HIPS].mean(axis=1)
    chest = joints[:, SHOULDERS].mean(axis=1)
    middle = hips * ((thigh + shank) / own_leg)
    hip_axis = direction(joints[:, HIPS[0]] - joints[:, HIPS[1]]) * length(0.095, 0.15)
    shoulder_axis = direction(joints[:, SHOULDERS[0]] - joints[:, SHOULDERS[1]]) * length(0.17, 0.1)
    top = middle + direction(chest - hips) * length(0.54)
    for side, (arm, leg, sign) in enumerate(zip(ARMS, LEGS, (1, -1), strict=True)):
        out[:, 5 + side] = top + sign * shoulder_axis
        out[:, 7 + side] = out[:, 5 + side] + direction(joints[:, arm[1]] - joints[:, arm[0]]) * upper_arm
        out[:, 9 + side] = out[:, 7 + side] + direction(joints[:, arm[2]] - joints[:, arm[1]]) * forearm
        out[:, 11 + side] = middle + sign * hip_axis
        out[:, 13 + side] = out[:, 11 + side] + direction(joints[:, leg[1]] - joints[:, leg[0]]) * thigh
        out[:, 15 + side] = out[:, 13 + side] + direction(joints[:, leg[2]] - joints[:, leg[1]]) * shank
        up_shank = _unit(joints[:, leg[1]] - joints[:, leg[2]])
        ahead = direction(joints[:, leg[3]] - joints[:, leg[2]])
        ahead = _turn_towards(ahead, up_shank, foot_pitch)
        outward = sign * _unit(hip_axis)
        out[:, 17 + 3 * side] = out[:, 15 + side] + ahead * foot
        out[:, 18 + 3 * side] = out[:, 15 + side] + ahead * (0.85 * foot) + outward * 0.05
        out[:, 19 + 3 * side] = out[:, 15 + side] - _unit(0.75 * up_shank + 0.65 * ahead) * heel
    out[:, :5] = _face(joints, top, shoulder_axis, size, random)
    return out


def _turn_towards(vectors: np.ndarray, target: np.ndarray, angle: float) -> np.ndarray:
    """Unit vectors turned by an angle towards others."""
    aside = _unit(target - (target * vectors).sum(axis=-1, keepdims=True) * vectors)
    return np.cos(angle) * vectors + np.sin(angle) * aside


def _foot_pitch(joints: np.ndarray) -> float:
    """By how much a source's feet must be turned up for a sole on the ground to point 15 degrees down."""
    pitches = []
    for leg in LEGS:
        foot = _unit(joints[:, leg[3]] - joints[:, leg[2]])
        low = joints[:, leg[2], 1] <= np.percentile(joints[:, leg[2], 1], 40)
        pitches.append(np.median(np.arcsin(np.clip(foot[low, 1], -1, 1))))
    return float(np.clip(np.deg2rad(-15) - np.mean(pitches), 0, 0.6))


def _face(
    joints: np.ndarray, chest: np.ndarray, across: np.ndarray, size: float, random: np.random.RandomState
) -> np.ndarray:
    """(T, 5, 3): nose, eyes and ears on a head that looks ahead of the chest, turned slowly now and then."""
    frames = len(joints)
    neck = _unit(_unit(joints[:, HEAD] - joints[:, NECK]) + random.normal(0, 0.12, 3).astype(np.float32))
    ahead = np.cross(across, neck)
    yaw, pitch = _drift(frames, 0.35, random)[:, None], _drift(frames, 0.25, random)[:, None]
    ahead = _unit(ahead) + _unit(across) * yaw + neck * (pitch - 0.1)
    ahead = _unit(ahead)
    left = _unit(np.cross(neck, ahead))
    up = np.cross(ahead, left)
    ears = chest + neck * (0.22 * size)
    places = ((0.1, 0.0, -0.03), (0.08, 0.032, 0.01), (0.08, -0.032, 0.01), (0.0, 0.075, 0.0), (0.0, -0.075, 0.0))
    return np.stack([ears + (ahead * a + left * b + up * c) * size for a, b, c in places], axis=1)


def _drift(frames: int, most: float, random: np.random.RandomState) -> np.ndarray:
    """(T,) a constant and a slow wave."""
    phase, period = random.uniform(0, 2 * np.pi), random.uniform(1, 5) * FPS
    wave = np.sin(phase + 2 * np.pi * np.arange(frames) / period)
    return (random.normal(0, most) + random.normal(0, most / 2) * wave).astype(np.float32)
