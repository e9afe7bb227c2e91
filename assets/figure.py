"""The drawn person of assets/make_sample.py: backdrop, trunk, head and face, arms and hands."""

from __future__ import annotations

import cv2
import numpy as np
from relief import FACTOR, HEIGHT, SIZE, WIDTH, Relief, both_sides, curve, light, stain

SKIN, SHIRT, HAIR = (138, 168, 219), (120, 82, 46), (34, 42, 58)  # blue, green, red
SHOULDER = np.array([-0.5, 0.03, 0.0])  # the person's right one, on the left of the image

# Right halves, in the image, of outlines; from top to bottom.
HEAD = [
    (0.0, -1.21), (0.18, -1.20), (0.31, -1.10), (0.345, -0.90), (0.33, -0.70), (0.26, -0.50), (0.14, -0.40),
    (0.0, -0.385),
]  # fmt: skip
HAIR_BACK = [(0.0, -1.31), (0.22, -1.29), (0.37, -1.14), (0.39, -0.90), (0.37, -0.74), (0.0, -0.70)]
FRINGE = [
    (0.0, -1.32), (0.22, -1.30), (0.37, -1.14), (0.39, -0.92), (0.36, -0.76), (0.325, -0.93), (0.25, -1.06),
    (0.02, -1.08),
]  # fmt: skip
TRUNK = [
    (0.0, -0.36), (0.19, -0.35), (0.26, -0.22), (0.48, -0.15), (0.64, -0.08), (0.68, 0.10), (0.60, 0.45), (0.57, 0.9),
    (0.58, 1.6), (0.0, 1.6),
]  # fmt: skip
NECKLINE = np.array([(-0.24, -0.42), (0.24, -0.42), (0.15, -0.16), (0.0, -0.01), (-0.15, -0.16)])

# A right hand with its palm to the viewer and its fingers up, one hand length from wrist to middle tip:
# root of each finger, direction (degrees to the right of straight up), lengths of its bones, radius at the root.
FINGERS = (
    ((0.12, -0.10, 0.05), 38, (0.21, 0.17, 0.13), 0.070),  # thumb
    ((0.135, -0.49, 0.0), 6, (0.22, 0.13, 0.10), 0.056),
    ((0.030, -0.51, 0.0), 1, (0.245, 0.15, 0.105), 0.058),
    ((-0.075, -0.48, 0.0), -5, (0.225, 0.14, 0.10), 0.054),
    ((-0.165, -0.42, 0.0), -12, (0.175, 0.10, 0.09), 0.047),
)
BEND_SHARES = ((0.15, 0.45, 0.40), *((0.38, 0.38, 0.24),) * 4)  # of a finger's bend, over its joints
HAND_LENGTH = 0.74


def rotation(turn: np.ndarray) -> np.ndarray:
    """The matrix (3, 3) of three angles, degrees.

    About the hand's long axis (0 palm to the viewer, 180 back to the viewer), of the fingertips towards the viewer,
    and clockwise in the image; applied in this order.
    """
    (a, b, c), (sa, sb, sc) = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    about_y = np.array([[a, 0, sa], [0, 1, 0], [-sa, 0, a]])
    about_x = np.array([[1, 0, 0], [0, b, sb], [0, -sb, b]])
    about_z = np.array([[c, -sc, 0], [sc, c, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def hand_joints(wrist: np.ndarray, turn: np.ndarray, bend: np.ndarray, spread: float) -> np.ndarray:
    """The 21 joints (21, 3) of a right hand, in the order of COCO-WholeBody.

    Args:
        wrist: (3,).
        turn: the angles of `rotation`.
        bend: degrees of thumb, index, middle, ring and little finger.
        spread: factor on the angles between the four fingers.
    """
    joints = [np.zeros(3)]
    for k, (root, direction, bones, _) in enumerate(FINGERS):
        joint, angle = np.array(root), 0.0
        joints.append(joint)
        for length, share in zip(bones, BEND_SHARES[k], strict=True):
            angle += np.radians(bend[k] * share)
            if k == 0:  # the thumb closes across the palm
                side, ahead, rise = np.radians(direction) - 1.1 * angle, 1.0, 0.35 * np.sin(angle)
            else:
                side, ahead, rise = np.radians(direction) * spread, np.cos(angle), np.sin(angle)
            joint = joint + length * np.array([np.sin(side) * ahead, -np.cos(side) * ahead, rise])
            joints.append(joint)
    return np.array(joints) @ rotation(turn).T * HAND_LENGTH + wrist


def draw_hand(image: np.ndarray, joints: np.ndarray, palm_seen: bool) -> None:
    """Paints the palm and the fingers of joints (21, 3)."""
    relief, skin = Relief(), np.array(SKIN) * (1.03 if palm_seen else 0.97)
    roots, widths = joints[[5, 9, 13, 17]], np.array([finger[3] for finger in FINGERS[1:]])
    for t in np.linspace(0, 3, 13):  # thirteen rays from the wrist to the knuckles make the palm
        root = np.array([np.interp(t, range(4), roots[:, axis]) for axis in range(3)])
        start = joints[0] + (root - joints[0]) * 0.12 + (roots[0] - roots[3]) * 0.05 * (1.5 - t)
        relief.tube([start, root], HAND_LENGTH * np.array([0.085, np.interp(t, range(4), widths)]), skin)
    relief.tube(joints[:3], HAND_LENGTH * np.array([0.09, 0.100, 0.066]), skin)
    web = joints[0] + (joints[5] - joints[0]) * 0.7
    relief.tube([joints[2], web], HAND_LENGTH * np.array([0.05, 0.05]), skin)
    for k, finger in enumerate(FINGERS):
        radii = finger[3] * HAND_LENGTH * np.array([0.92, 0.97, 0.84, 0.70])
        relief.tube(joints[1 + 4 * k : 5 + 4 * k], radii, skin)
    light(image, relief)


def draw_arm(image: np.ndarray, shoulder: np.ndarray, elbow: np.ndarray, wrist: np.ndarray) -> None:
    """Paints the sleeve, the elbow and the bare forearm."""
    relief = Relief()
    relief.tube([shoulder, shoulder + (elbow - shoulder) * 0.66], [0.168, 0.160], SHIRT)
    relief.tube([shoulder + (elbow - shoulder) * 0.5, elbow], [0.128, 0.118], SKIN)
    relief.tube([elbow, elbow * 0.7 + wrist * 0.3, wrist], [0.118, 0.118, 0.068], SKIN)
    light(image, relief, shadow=0.2)


def draw_body(image: np.ndarray) -> None:
    """Paints what stands still: hair, neck, trunk, head."""
    back, neck, trunk, collar, head, hair = (Relief() for _ in range(6))
    back.outline(both_sides(HAIR_BACK), 0.2, HAIR)
    neck.tube([(0, -0.62, 0), (0, -0.12, 0)], [0.165, 0.19], np.array(SKIN) * 0.92)
    neck.tube([(-0.20, -0.06, -0.1), (0.20, -0.06, -0.1)], [0.12, 0.12], np.array(SKIN) * 0.95)
    trunk.outline(both_sides(TRUNK), 0.30, SHIRT, hole=curve(NECKLINE))
    head.outline(both_sides(HEAD), 0.27, SKIN)
    head.tube([(0, -0.86, 0.25), (0, -0.74, 0.30), (0, -0.725, 0.30)], [0.028, 0.045, 0.047], SKIN)
    for side in (-1, 1):
        rim = [(0.185 * side, -0.30, 0.1), (0.12 * side, -0.14, 0.14), (0.0, -0.055, 0.16)]
        collar.tube(rim, [0.022, 0.026, 0.024], np.array(SHIRT) * 0.8)
        head.tube([(0.345 * side, -0.86, -0.1), (0.335 * side, -0.74, -0.1)], [0.05, 0.04], SKIN)
        head.ball((0.045 * side, -0.715, 0.285), 0.03, SKIN)
    hair.outline(both_sides(FRINGE), 0.10, HAIR)
    for relief, smooth in ((back, 0.008), (neck, 0.008), (trunk, 0.02), (collar, 0.008), (head, 0.016)):
        light(image, relief, smooth)
    draw_face(image)
    light(image, hair)


def draw_face(image: np.ndarray) -> None:
    """Paints eyes, brows, nostrils, mouth and cheeks."""
    lips, dark, shade = (92, 88, 178), (30, 30, 42), (88, 112, 165)
    for side in (-1, 1):
        x = 0.118 * side
        stain(image, (x, -0.885), (0.085, 0.055), shade, 0.45, 0.02)
        stain(image, (x, -0.875), (0.060, 0.029), (228, 232, 236), 1.0, 0.005)
        stain(image, (x, -0.877), (0.029, 0.029), (52, 78, 104))
        stain(image, (x, -0.877), (0.013, 0.013), (14, 14, 18), 1.0, 0.003)
        stain(image, (x - 0.01, -0.888), (0.007, 0.007), (245, 245, 245), 1.0, 0.003)
        stain(image, (x, -0.892), (0.068, 0.024), dark, 0.85, 0.004, (180, 360))
        stain(image, (x, -0.848), (0.055, 0.006), shade, 0.6)
        stain(image, (x * 1.03, -0.965), (0.088, 0.020), HAIR, 0.85, 0.006, (170, 370))
        stain(image, (0.030 * side, -0.690), (0.017, 0.010), (50, 60, 110), 0.8)
        stain(image, (0.170 * side, -0.72), (0.08, 0.07), (120, 130, 215), 0.28, 0.04)
        stain(image, (0.035 * side, -0.603), (0.055, 0.018), lips, 0.85)
    stain(image, (0, -0.668), (0.05, 0.012), shade, 0.45, 0.01)
    stain(image, (0, -0.588), (0.075, 0.028), lips, 0.9, 0.006, (0, 180))
    stain(image, (0, -0.596), (0.092, 0.006), (48, 44, 96), 0.9, 0.004)
    stain(image, (0, -0.535), (0.05, 0.010), shade, 0.5, 0.012)


def draw_backdrop(random: np.random.Generator) -> np.ndarray:
    """A wall lit from the left, softly mottled, (H, W, 3) float32."""
    y, x = np.mgrid[0 : HEIGHT * FACTOR, 0 : WIDTH * FACTOR].astype(np.float32) / (WIDTH * FACTOR)
    spots = random.normal(0, 0.012, (12, 16)).astype(np.float32)
    glow = 1.05 - 0.25 * np.hypot(x - 0.35, y - 0.2)
    glow += cv2.resize(spots, SIZE[::-1], interpolation=cv2.INTER_CUBIC)
    return glow[..., None] * np.array([196, 200, 198], np.float32)
