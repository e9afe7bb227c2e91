"""Renders assets/sample.mp4: a drawn person, seen from the waist up, who makes one sign of the model `asl-words`.

    python assets/make_sample.py [SIGN] [OUT.mp4]

Everything is drawn here, without any photograph or recording. The key poses were written by hand after reading the
median positions of the same sign in the keypoints of github.com/traduttore/traduttore-model (MIT licence).
Points are in shoulder widths from the midpoint of the shoulders: x to the right of the image, y down, z to the viewer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from figure import SHOULDER, draw_arm, draw_backdrop, draw_body, draw_hand, hand_joints
from relief import FACTOR, HEIGHT, ORIGIN, UNIT, WIDTH

DEFAULT_SIGN = "thank-you"
FPS = 25
Triple = tuple[float, float, float]
FLAT = (50, 8, 6, 8, 12)  # the fingers' bend: an open hand
FIST = (38, 235, 240, 240, 240)
FRONT, BACK = 0, 180  # which side of the hand the viewer sees


@dataclass(frozen=True)
class Key:
    """A key pose of a right arm: when (seconds), where its joints are, how the hand is turned and bent.

    `turn`, `bend` and `spread` are those of `figure.hand_joints`.
    """

    time: float
    elbow: Triple
    wrist: Triple
    turn: Triple
    bend: tuple[float, ...] = FLAT
    spread: float = 0.7

    def numbers(self) -> np.ndarray:
        """The pose as (15,), to be interpolated."""
        return np.array([*self.elbow, *self.wrist, *self.turn, *self.bend, self.spread])


@dataclass(frozen=True)
class Sign:
    """The key poses of the right arm, and of the left one as if it were a right one; without any it hangs."""

    seconds: float
    right: tuple[Key, ...]
    left: tuple[Key, ...] = (Key(0, (-0.66, 0.98, 0.0), (-0.62, 1.75, 0.1), (BACK, 0, 180)),)


def hello() -> Sign:
    """The flat hand leaves the forehead outwards."""
    salute = ((-1.10, 0.30, 0.1), (-0.56, -0.60, 0.4), (20, 15, 35))
    away = ((-1.11, 0.20, 0.1), (-1.38, -0.62, 0.4), (FRONT, 0, -13))
    low = ((-1.06, 0.50, 0.1), (-0.70, -0.30, 0.4), (15, 10, 22))
    return Sign(2.4, (Key(0.0, *low), Key(0.3, *salute), Key(0.9, *salute), Key(1.45, *away), Key(2.4, *away)))


def thank_you() -> Sign:
    """The flat hand leaves the chin forwards and down."""
    chin = ((-0.64, 1.12, 0.1), (-0.17, 0.14, 0.4), (175, 10, 8))
    down = ((-0.66, 1.16, 0.1), (-0.24, 0.82, 0.8), (175, 52, 20))
    low = ((-0.66, 1.12, 0.1), (-0.22, 0.30, 0.4), (175, 10, 8))
    return Sign(2.4, (Key(0.0, *low), Key(0.3, *chin), Key(0.9, *chin), Key(1.5, *down), Key(2.4, *down)))


def please() -> Sign:
    """The flat hand circles on the chest."""
    angles = np.arange(19) * np.pi / 4
    places = zip(-0.37 + 0.06 * np.cos(angles), 0.58 + 0.08 * np.sin(angles), strict=True)
    return Sign(
        2.4, tuple(Key(0.133 * k, (-0.88, 1.02, 0.1), (x, y, 0.45), (BACK, 0, 82)) for k, (x, y) in enumerate(places))
    )


def yes() -> Sign:
    """The fist nods."""
    nods = ((FRONT, 5, 4), (FRONT, 42, 2))
    place = ((-1.09, 0.74, 0.1), (-1.05, -0.20, 0.45))
    return Sign(2.4, tuple(Key(0.3 * k, *place, nods[k % 2], FIST, 0.3) for k in range(9)))


def no() -> Sign:
    """Index and middle finger snap to the thumb."""
    beaks = ((40, 12, 12, 235, 235), (55, 102, 102, 235, 235))
    place = ((-1.10, 0.70, 0.1), (-1.10, -0.06, 0.45), (-15, 8, 6))
    return Sign(2.4, tuple(Key(0.3 * k, *place, beaks[k % 2], 0.8) for k in range(9)))


def small() -> Sign:
    """Both flat hands approach each other."""
    wide = ((-0.70, 1.08, 0.1), (-0.84, 0.76, 0.6), (40, 40, -48))
    near = ((-0.74, 1.08, 0.1), (-0.38, 0.86, 0.6), (62, 48, 16))
    keys = (Key(0.0, *wide), Key(0.9, *wide), Key(1.5, *near), Key(2.4, *near))
    return Sign(2.4, keys, keys)


SIGNS = {"hello": hello, "thank-you": thank_you, "please": please, "yes": yes, "no": no, "small": small}


def pose_at(keys: tuple[Key, ...], time: float) -> np.ndarray:
    """The interpolated `Key.numbers` at a time, at rest at each key."""
    times = [key.time for key in keys]
    after = min(int(np.searchsorted(times, time, side="right")), len(keys) - 1)
    a, b = keys[max(after - 1, 0)], keys[after]
    t = np.clip((time - a.time) / (b.time - a.time), 0, 1) if b.time > a.time else 0.0
    return a.numbers() + (b.numbers() - a.numbers()) * (t * t * (3 - 2 * t))


def arm_at(sign: Sign, side: str, time: float) -> np.ndarray:
    """Shoulder, elbow, wrist and the 21 joints of the hand of the person's right or left side, (24, 3)."""
    pose = pose_at(sign.right if side == "right" else sign.left, time)
    joints = hand_joints(pose[3:6], pose[6:9], pose[9:14], pose[14])
    points = np.concatenate([SHOULDER[None], pose[:6].reshape(2, 3), joints])
    return points * ([-1, 1, 1] if side == "left" else 1)


def keypoints_at(sign: Sign, side: str, time: float) -> np.ndarray:
    """Where the points of `arm_at` are meant to be seen in the video, (24, 2), pixels."""
    return (arm_at(sign, side, time)[:, :2] * UNIT + ORIGIN) / FACTOR


def draw_frames(sign: Sign) -> Iterator[np.ndarray]:
    """Yields the frames (HEIGHT, WIDTH, 3) uint8."""
    random = np.random.default_rng(0)
    still = draw_backdrop(random)
    draw_body(still)
    for index in range(round(sign.seconds * FPS)):
        image = still.copy()
        for side, keys in (("left", sign.left), ("right", sign.right)):
            points = arm_at(sign, side, index / FPS)
            draw_arm(image, *points[:3])
            palm_seen = np.cos(np.radians(pose_at(keys, index / FPS)[6])) > 0
            draw_hand(image, points[3:], bool(palm_seen))
        image = cv2.GaussianBlur(cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), (0, 0), 0.6)
        yield np.clip(image + random.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8)


def render(name: str, path: Path) -> None:
    """Writes the video of a sign, whole or not at all."""
    part = path.with_suffix(".part.mp4")
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    for frame in draw_frames(SIGNS[name]()):
        writer.write(frame)
    writer.release()
    os.replace(part, path)


def main() -> None:
    """Renders the sign named on the command line."""
    name = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_SIGN
    if name not in SIGNS:
        raise SystemExit(f"there is no sign {name}; choose one of {', '.join(SIGNS)}")
    render(name, Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("sample.mp4"))


if __name__ == "__main__":
    main()
