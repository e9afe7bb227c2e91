"""Renders assets/sample.mp4: a drawn person, seen from the waist up, who makes one sign of the model `asl-words`.

    python assets/make_sample.py [SIGN] [OUT.mp4]

Everything is drawn here; no photograph and no recording is used. The figure is made of tubes (chains of spheres) and
inflated outlines, lit by one lamp, at twice the size of the video. The key poses are numbers written by hand after
reading the median positions of the same sign in github.com/traduttore/traduttore-model (MIT licence).
Lengths are in shoulder widths, from the midpoint of the shoulders: x to the right of the image, y down, z to the viewer.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, FPS = 640, 480, 25
FACTOR = 2  # rendered this many times larger, then averaged
UNIT = 168.0 * FACTOR  # one shoulder width
ORIGIN = np.array([320.0, 262.0]) * FACTOR  # the midpoint of the shoulders
LAMP = np.array([-0.45, -0.60, 0.66])
SKIN, SHIRT, HAIR = (138, 168, 219), (120, 82, 46), (34, 42, 58)  # BGR

# A right hand with its palm to the viewer and its fingers up, one hand length from wrist to middle tip:
# root of each finger, direction (degrees to the right of straight up), lengths of its bones, radius at the root.
FINGERS = (
    ((0.12, -0.10, 0.05), 38, (0.21, 0.17, 0.13), 0.070),  # thumb
    ((0.135, -0.49, 0.0), 6, (0.22, 0.13, 0.10), 0.056),
    ((0.030, -0.51, 0.0), 1, (0.245, 0.15, 0.105), 0.058),
    ((-0.075, -0.48, 0.0), -5, (0.225, 0.14, 0.10), 0.054),
    ((-0.165, -0.42, 0.0), -12, (0.175, 0.10, 0.09), 0.047),
)
HAND_LENGTH = 0.70


@dataclass(frozen=True)
class Key:
    """A key pose of one arm: when (seconds), where, and how the hand is turned and bent.

    Attributes:
        elbow, wrist: (x, y, z).
        turn: degrees: about the hand's long axis (0 palm to the viewer, 180 back to the viewer), of the fingertips
            towards the viewer, and clockwise in the image.
        bend: degrees of thumb, index, middle, ring and little finger, shared out over their joints.
        spread: factor on the angles between the fingers.
    """

    time: float
    elbow: tuple[float, float, float]
    wrist: tuple[float, float, float]
    turn: tuple[float, float, float]
    bend: tuple[float, float, float, float, float] = (10, 8, 8, 10, 12)
    spread: float = 1.0

    def vector(self) -> np.ndarray:
        return np.array([*self.elbow, *self.wrist, *self.turn, *self.bend, self.spread])


@dataclass(frozen=True)
class Sign:
    """The key poses of the right arm, and of the left one mirrored (None: it hangs)."""

    seconds: float
    right: tuple[Key, ...]
    left: tuple[Key, ...] | None = None


FLAT = (42, 8, 6, 8, 12)
FIST = (75, 235, 240, 240, 240)
SIGNS = {
    "hello": Sign(2.4, (
        Key(0.0, (-0.95, 0.80, 0.1), (-0.95, 0.10, 0.4), (0, 5, 5), FLAT, 0.7),
        Key(0.4, (-1.08, 0.45, 0.1), (-0.58, -0.42, 0.4), (20, 10, 28), FLAT, 0.6),
        Key(0.9, (-1.08, 0.45, 0.1), (-0.58, -0.43, 0.4), (20, 10, 28), FLAT, 0.6),
        Key(1.45, (-1.10, 0.50, 0.1), (-1.34, -0.32, 0.4), (0, 0, -8), FLAT, 0.9),
        Key(2.4, (-1.10, 0.55, 0.1), (-1.38, -0.28, 0.4), (0, 0, -10), FLAT, 0.9),
    )),
    "thank-you": Sign(2.4, (
        Key(0.0, (-0.66, 1.10, 0.1), (-0.20, 0.35, 0.4), (175, 10, 4), FLAT, 0.5),
        Key(0.4, (-0.62, 1.10, 0.1), (-0.14, 0.16, 0.4), (175, 10, 6), FLAT, 0.5),
        Key(0.9, (-0.62, 1.10, 0.1), (-0.14, 0.16, 0.4), (175, 10, 6), FLAT, 0.5),
        Key(1.5, (-0.62, 1.12, 0.1), (-0.14, 0.78, 0.8), (175, 52, 14), FLAT, 0.7),
        Key(2.4, (-0.62, 1.12, 0.1), (-0.14, 0.80, 0.8), (175, 52, 14), FLAT, 0.7),
    )),
    "please": Sign(2.4, tuple(
        Key(0.2 * k, (-0.88, 1.02, 0.1),
            (-0.36 + 0.06 * np.cos(k * np.pi / 2), 0.60 + 0.08 * np.sin(k * np.pi / 2), 0.45),
            (180, 0, 84), FLAT, 0.7)
        for k in range(13)
    )),
    "yes": Sign(2.4, tuple(
        Key(0.3 * k, (-1.08, 0.72, 0.1), (-1.06, -0.16, 0.45), (0, 4 + 50 * (k % 2), 2), FIST, 0.3)
        for k in range(9)
    )),
    "no": Sign(2.4, tuple(
        Key(0.3 * k, (-1.10, 0.70, 0.1), (-1.10, -0.06, 0.45), (-15, 8, 6),
            (40 + 15 * (k % 2), 12 + 90 * (k % 2), 12 + 90 * (k % 2), 235, 235), 0.8)
        for k in range(9)
    )),
}  # fmt: skip


@dataclass
class Relief:
    """What is in front at each pixel: height, direction of the surface and colour."""

    height: np.ndarray = field(default_factory=lambda: np.full((HEIGHT * FACTOR, WIDTH * FACTOR), -np.inf, np.float32))
    normal: np.ndarray = field(default_factory=lambda: np.zeros((HEIGHT * FACTOR, WIDTH * FACTOR, 3), np.float32))
    colour: np.ndarray = field(default_factory=lambda: np.zeros((HEIGHT * FACTOR, WIDTH * FACTOR, 3), np.float32))

    def ball(self, centre: np.ndarray, radius: float, colour: tuple[float, float, float]) -> None:
        """Adds the visible half of a ball; pixels."""
        x0, y0 = np.maximum(np.floor(centre[:2] - radius).astype(int), 0)
        x1, y1 = np.ceil(centre[:2] + radius).astype(int) + 1
        tile = np.s_[y0:y1, x0:x1]
        height = self.height[tile]
        if not height.size:
            return
        dx = np.arange(x0, x0 + height.shape[1], dtype=np.float32)[None] - centre[0]
        dy = np.arange(y0, y0 + height.shape[0], dtype=np.float32)[:, None] - centre[1]
        dz = np.sqrt(np.maximum(radius**2 - dx**2 - dy**2, 0))
        front = (dz > 0) & (centre[2] + dz > height)
        height[front] = (centre[2] + dz)[front]
        normal = np.stack(np.broadcast_arrays(dx, dy, dz), -1) / radius
        self.normal[tile][front] = normal[front]
        self.colour[tile][front] = colour

    def tube(self, points: np.ndarray, radii: np.ndarray, colour: tuple[float, float, float]) -> None:
        """Adds a chain of balls through points (K, 3) with radii (K,); shoulder widths."""
        for a, b, r, s in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
            steps = max(2, int(np.linalg.norm(b - a) / (0.12 * min(r, s))))
            for t in np.linspace(0, 1, steps):
                centre = (a + (b - a) * t) * UNIT
                centre[:2] += ORIGIN
                self.ball(centre, (r + (s - r) * t) * UNIT, colour)

    def outline(self, points: np.ndarray, bulge: float, colour: tuple[float, float, float]) -> None:
        """Adds an outline (K, 2) inflated to a round edge of width `bulge`; shoulder widths."""
        mask = np.zeros(self.height.shape, np.uint8)
        cv2.fillPoly(mask, [to_pixels(points)], 255)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.02 * UNIT)
        edge = bulge * UNIT
        depth = np.minimum(cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 5), edge)
        height = cv2.GaussianBlur(np.sqrt(np.maximum(edge**2 - (edge - depth) ** 2, 0)), (0, 0), 0.02 * UNIT)
        slope_x, slope_y = cv2.Sobel(height, -1, 1, 0, scale=1 / 8), cv2.Sobel(height, -1, 0, 1, scale=1 / 8)
        normal = np.dstack([-slope_x, -slope_y, np.ones_like(height)])
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        inside = (mask > 127) & (height > self.height)
        self.height[inside], self.normal[inside], self.colour[inside] = height[inside], normal[inside], colour


def to_pixels(points: np.ndarray) -> np.ndarray:
    """Points (..., 2 or 3) in shoulder widths as whole pixels of the enlarged image (..., 2)."""
    return np.rint(np.asarray(points)[..., :2] * UNIT + ORIGIN).astype(np.int32)


def blend(image: np.ndarray, colour: np.ndarray, mask: np.ndarray) -> None:
    image[:] = image + (colour - image) * mask[..., None]


def light(image: np.ndarray, relief: Relief, smooth: float = 0.008) -> None:
    """Paints a relief over the image: its soft shadow first, then the lit surface, darker in folds and at the rim."""
    margin = int(0.25 * UNIT)
    x, y, w, h = cv2.boundingRect(np.isfinite(relief.height).astype(np.uint8))
    tile = np.s_[max(y - margin, 0) : y + h + margin, max(x - margin, 0) : x + w + margin]
    image, solid = image[tile], np.isfinite(relief.height[tile])
    mask = solid.astype(np.float32)
    moved = cv2.warpAffine(mask, np.float32([[1, 0, 0.04 * UNIT], [0, 1, 0.05 * UNIT]]), mask.shape[::-1])
    image *= (1 - 0.35 * cv2.GaussianBlur(moved, (0, 0), 0.05 * UNIT))[..., None]
    normal = cv2.GaussianBlur(relief.normal[tile], (0, 0), smooth * UNIT)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-6
    height = np.where(solid, relief.height[tile], 0).astype(np.float32)
    hollow = cv2.GaussianBlur(height, (0, 0), 0.02 * UNIT) / (cv2.GaussianBlur(mask, (0, 0), 0.02 * UNIT) + 1e-6)
    fold = np.clip((hollow - height) / (0.06 * UNIT), 0, 1)
    shade = 0.58 + 0.50 * np.clip(normal @ LAMP.astype(np.float32), 0, 1)
    shade *= (1 - 0.45 * fold) * (0.70 + 0.30 * np.clip(normal[..., 2] * 1.6, 0, 1))
    blend(image, relief.colour[tile] * shade[..., None], cv2.GaussianBlur(mask, (0, 0), 0.8) * mask)


def rotation(turn: np.ndarray) -> np.ndarray:
    """The matrix (3, 3) of `Key.turn`."""
    a, b, c = np.radians(turn)
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def hand_joints(wrist: np.ndarray, turn: np.ndarray, bend: np.ndarray, spread: float) -> np.ndarray:
    """The 21 joints (21, 3) of a right hand, in the order of COCO-WholeBody."""
    joints = [np.zeros(3)]
    for k, (root, direction, bones, _) in enumerate(FINGERS):
        side = np.radians(direction * (spread if k else 1))
        joint = np.array(root)
        joints.append(joint)
        angle = 0.0
        for length, share in zip(bones, (0.15, 0.45, 0.40) if k == 0 else (0.38, 0.38, 0.24), strict=True):
            angle += np.radians(bend[k] * share)
            if k == 0:  # the thumb closes across the palm
                step = np.array([np.sin(side - angle * 1.1), -np.cos(side - angle * 1.1), 0.35 * np.sin(angle)])
            else:
                step = np.array([np.sin(side) * np.cos(angle), -np.cos(side) * np.cos(angle), np.sin(angle)])
            joint = joint + length * step
            joints.append(joint)
    return np.array(joints) @ rotation(turn).T * HAND_LENGTH + wrist


def draw_hand(relief: Relief, joints: np.ndarray, palm_seen: bool) -> None:
    """Adds the palm and the fingers of joints (21, 3)."""
    skin = np.array(SKIN) * (1.03 if palm_seen else 0.97)
    roots, widths = joints[[5, 9, 13, 17]], np.array([finger[3] for finger in FINGERS[1:]])
    for t in np.linspace(0, 3, 13):  # thirteen rays from the wrist to the knuckles make the palm
        root = np.array([np.interp(t, range(4), roots[:, axis]) for axis in range(3)])
        start = joints[0] + (root - joints[0]) * 0.12 + (roots[0] - roots[3]) * 0.05 * (1.5 - t)
        relief.tube(np.array([start, root]), HAND_LENGTH * np.array([0.085, np.interp(t, range(4), widths)]), skin)
    relief.tube(joints[:3], HAND_LENGTH * np.array([0.09, 0.100, 0.066]), skin)
    web = joints[0] + (joints[5] - joints[0]) * 0.7
    relief.tube(np.array([joints[2], web]), HAND_LENGTH * np.array([0.05, 0.05]), skin)
    for k, finger in enumerate(FINGERS):
        radii = finger[3] * HAND_LENGTH * np.array([0.92, 0.97, 0.84, 0.70])
        relief.tube(joints[1 + 4 * k : 5 + 4 * k], radii, skin)


def draw_arm(relief: Relief, shoulder: np.ndarray, elbow: np.ndarray, wrist: np.ndarray) -> None:
    """Adds a short sleeve and the bare forearm."""
    half = (shoulder + elbow) / 2
    relief.tube(np.array([half, elbow]), np.array([0.125, 0.115]), SKIN)
    relief.tube(np.array([elbow, elbow * 0.7 + wrist * 0.3, wrist]), np.array([0.115, 0.118, 0.068]), SKIN)
    sleeve = shoulder + (elbow - shoulder) * 0.72
    relief.tube(np.array([shoulder, sleeve]), np.array([0.175, 0.165]), SHIRT)


def mirrored(points: np.ndarray) -> np.ndarray:
    return np.asarray(points) * np.array([-1.0, 1.0, 1.0])[: np.shape(points)[-1]]


def both_sides(half: list[tuple[float, float]]) -> np.ndarray:
    """A closed outline from its right half in the image, from top to bottom."""
    points = np.array(half)
    return np.concatenate([points, mirrored(points)[::-1]])


def curve(points: np.ndarray) -> np.ndarray:
    """A closed outline with its corners cut four times (Chaikin)."""
    for _ in range(4):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], 1).reshape(-1, 2)
    return points


# Right halves, in the image, of outlines; from top to bottom.
HEAD = [(0.0, -1.21), (0.18, -1.20), (0.31, -1.10), (0.345, -0.90), (0.33, -0.70), (0.26, -0.50), (0.14, -0.40),
        (0.0, -0.385)]  # fmt: skip
HAIR_BACK = [(0.0, -1.31), (0.22, -1.29), (0.37, -1.14), (0.39, -0.90), (0.37, -0.74), (0.0, -0.70)]
FRINGE = [(0.0, -1.32), (0.22, -1.30), (0.37, -1.14), (0.39, -0.92), (0.36, -0.76), (0.325, -0.93), (0.25, -1.06),
          (0.02, -1.08)]  # fmt: skip
TORSO = [(0.0, -0.36), (0.19, -0.35), (0.26, -0.22), (0.48, -0.15), (0.64, -0.08), (0.68, 0.10), (0.60, 0.45),
         (0.57, 0.9), (0.58, 1.6), (0.0, 1.6)]  # fmt: skip
NECKLINE = [(-0.24, -0.42), (0.24, -0.42), (0.15, -0.16), (0.0, -0.01), (-0.15, -0.16)]


def draw_body(image: np.ndarray) -> None:
    """Paints all that stands still: hair, neck, torso, head."""
    back, neck, torso, head, hair = (Relief() for _ in range(5))
    back.outline(curve(both_sides(HAIR_BACK)), 0.2, HAIR)
    light(image, back)
    neck.tube(np.array([[0, -0.62, 0], [0, -0.12, 0]]), np.array([0.165, 0.19]), np.array(SKIN) * 0.92)
    neck.tube(np.array([[-0.20, -0.06, -0.1], [0.20, -0.06, -0.1]]), np.array([0.12, 0.12]), np.array(SKIN) * 0.95)
    light(image, neck)
    torso.outline(curve(both_sides(TORSO)), 0.30, SHIRT)
    inside = np.zeros(torso.height.shape, np.uint8)
    cv2.fillPoly(inside, [to_pixels(curve(np.array(NECKLINE)))], 1)
    torso.height[inside > 0] = -np.inf
    light(image, torso, 0.02)
    collar = Relief()
    for side in (-1, 1):
        rim = np.array([[0.185 * side, -0.30, 0.1], [0.12 * side, -0.14, 0.14], [0.0, -0.055, 0.16]])
        collar.tube(rim, np.array([0.022, 0.026, 0.024]), np.array(SHIRT) * 0.8)
    light(image, collar)
    for side in (-1, 1):
        head.tube(np.array([[0.345 * side, -0.86, -0.1], [0.335 * side, -0.74, -0.1]]), np.array([0.05, 0.04]), SKIN)
    head.outline(curve(both_sides(HEAD)), 0.27, SKIN)
    nose = np.array([[0, -0.86, 0.25], [0, -0.74, 0.30], [0, -0.725, 0.30]])
    head.tube(nose, np.array([0.028, 0.045, 0.047]), SKIN)
    for side in (-1, 1):
        head.ball(np.array([0.045 * side * UNIT, -0.715 * UNIT, 0.285 * UNIT]) + [*ORIGIN, 0], 0.03 * UNIT, SKIN)
    light(image, head, 0.016)
    draw_face(image)
    hair.outline(curve(both_sides(FRINGE)), 0.10, HAIR)
    light(image, hair)


def stain(image: np.ndarray, centre: tuple[float, float], axes: tuple[float, float], colour: tuple[float, float, float],
          strength: float = 1.0, soft: float = 0.006, arc: tuple[int, int] = (0, 360)) -> None:  # fmt: skip
    """Blends a soft-edged ellipse, or a part of one, over the image."""
    mask = np.zeros(image.shape[:2], np.uint8)
    x, y = to_pixels(np.array(centre)).tolist()
    size = (round(axes[0] * UNIT), round(axes[1] * UNIT))
    cv2.ellipse(mask, (x, y), size, 0, *arc, 255, -1, cv2.LINE_AA)
    soft_mask = cv2.GaussianBlur(mask, (0, 0), soft * UNIT).astype(np.float32) / 255
    blend(image, np.array(colour, np.float32), strength * soft_mask)


def draw_face(image: np.ndarray) -> None:
    """Paints eyes, brows, nostrils, mouth and cheeks."""
    lips, dark, shade = (92, 88, 178), (30, 30, 42), (88, 112, 165)
    for side in (-1, 1):
        x = 0.118 * side
        stain(image, (x, -0.885), (0.085, 0.055), shade, 0.45, 0.02)
        stain(image, (x, -0.875), (0.060, 0.029), (228, 232, 236), 1.0, 0.005)
        stain(image, (x, -0.877), (0.029, 0.029), (52, 78, 104))
        stain(image, (x, -0.877), (0.013, 0.013), (14, 14, 18), 1, 0.003)
        stain(image, (x - 0.01, -0.888), (0.007, 0.007), (245, 245, 245), 1, 0.003)
        stain(image, (x, -0.892), (0.068, 0.024), dark, 0.85, 0.004, (180, 360))
        stain(image, (x, -0.848), (0.055, 0.006), shade, 0.6)
        stain(image, (x * 1.03, -0.965), (0.088, 0.020), HAIR, 0.85, 0.006, (170, 370))
        stain(image, (0.030 * side, -0.690), (0.017, 0.010), (50, 60, 110), 0.8)
        stain(image, (0.170 * side, -0.72), (0.08, 0.07), (120, 130, 215), 0.28, 0.04)
    stain(image, (0, -0.668), (0.05, 0.012), shade, 0.45, 0.01)
    stain(image, (-0.035, -0.603), (0.055, 0.018), lips, 0.85)
    stain(image, (0.035, -0.603), (0.055, 0.018), lips, 0.85)
    stain(image, (0, -0.588), (0.075, 0.028), lips, 0.9, 0.006, (0, 180))
    stain(image, (0, -0.596), (0.092, 0.006), (48, 44, 96), 0.9, 0.004)
    stain(image, (0, -0.535), (0.05, 0.010), shade, 0.5, 0.012)


def backdrop(random: np.random.Generator) -> np.ndarray:
    """A wall lit from the left, softly mottled."""
    y, x = np.mgrid[0 : HEIGHT * FACTOR, 0 : WIDTH * FACTOR].astype(np.float32) / (WIDTH * FACTOR)
    glow = 1.05 - 0.25 * np.hypot(x - 0.35, y - 0.2)
    mottle = cv2.resize(random.normal(0, 1, (12, 16)).astype(np.float32), glow.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return (glow + 0.012 * mottle)[..., None] * np.array([196, 200, 198], np.float32)


def pose_at(keys: tuple[Key, ...], time: float) -> np.ndarray:
    """The interpolated `Key.vector` at a time; at rest at each key."""
    times = [key.time for key in keys]
    k = int(np.clip(np.searchsorted(times, time, side="right") - 1, 0, len(keys) - 2))
    t = np.clip((time - times[k]) / (times[k + 1] - times[k]), 0, 1)
    return keys[k].vector() + (keys[k + 1].vector() - keys[k].vector()) * (t * t * (3 - 2 * t))


REST = Key(0, (0.66, 0.98, 0.0), (0.62, 1.75, 0.1), (0, 0, 180))


def draw_frame(still: np.ndarray, sign: Sign, time: float, random: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """One frame (HEIGHT, WIDTH, 3) uint8 and the keypoints meant, (K, 2) pixels each: arm and hand by side."""
    image = still.copy()
    meant = {}
    for side, keys in (("left", sign.left), ("right", sign.right)):
        pose = pose_at(keys, time) if keys else REST.vector() * np.array([-1, 1, 1] * 2 + [1] * 9)
        flip = mirrored if side == "left" else np.asarray
        arm, joints = pose[:6].reshape(2, 3), hand_joints(pose[3:6], pose[6:9], pose[9:14], pose[14])
        shoulder = np.array([-0.5, 0.03, 0.0])
        upper, hand = Relief(), Relief()
        draw_arm(upper, flip(shoulder), flip(arm[0]), flip(arm[1]))
        light(image, upper)
        palm_seen = abs((pose[6] + 180) % 360 - 180) < 90
        draw_hand(hand, flip(joints), palm_seen)
        light(image, hand)
        points = (flip(np.concatenate([shoulder[None], arm, joints]))[:, :2] * UNIT + ORIGIN) / FACTOR
        meant[f"{side}_arm"], meant[f"{side}_hand"] = points[:3], points[3:]
    small = cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.6) + random.normal(0, 1.5, small.shape)
    return np.clip(small, 0, 255).astype(np.uint8), meant


def render(name: str, path: Path) -> list[dict[str, np.ndarray]]:
    """Writes the video of a sign; returns the keypoints meant, frame by frame."""
    random = np.random.default_rng(0)
    still = backdrop(random)
    draw_body(still)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    meant = []
    for index in range(round(SIGNS[name].seconds * FPS)):
        frame, points = draw_frame(still, SIGNS[name], index / FPS, random)
        writer.write(frame)
        meant.append(points)
    writer.release()
    return meant


if __name__ == "__main__":
    cv2.setNumThreads(1)
    wanted = sys.argv[1] if len(sys.argv) > 1 else "hello"
    render(wanted, Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).with_name("sample.mp4"))
