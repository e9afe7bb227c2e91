"""MediaPipe Holistic's landmarks as COCO-WholeBody keypoints. Left is the person's own left in both.

Body and feet come from BlazePose's 33 landmarks (Bazarevsky et al., 2020), the face's 68 points from the face
mesh's 468 (Kartynnik et al., 2019), the hands' 21 are the same in both. Small toes have no landmark.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from skelact.keypoints import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND
from skelact.pose.base import NUM_KEYPOINTS

# Nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; left before right.
BLAZEPOSE_BODY = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
# Big toe, small toe (none), heel; left before right.
BLAZEPOSE_FEET = (31, None, 29, 32, None, 30)
# 300-W's order, from the person's right to their left: jaw, brows, nose, eyes, outer and inner lips.
MESH_FACE = (
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
HAND = tuple(range(21))
# Holistic gives no confidence for points of hands and face: it returns them only where its own presence
# score passes, so that they count as surely seen.
PRESENT = 1.0


def to_wholebody(result: Any) -> tuple[np.ndarray, np.ndarray]:
    """The keypoints in a result of Holistic.

    Args:
        result: has `pose_landmarks`, `face_landmarks`, `left_hand_landmarks` and `right_hand_landmarks`,
            each with a list `landmark` of points with `x`, `y` and `visibility`, or None.

    Returns:
        points (133, 2), fractions of the image's width and height, and scores (133,): BlazePose's visibility for
        body and feet, `PRESENT` for hands and face. Both 0 for what was not found, or lies outside of the image.
    """
    found = np.zeros((NUM_KEYPOINTS, 3), np.float32)
    if result.pose_landmarks is None:
        return found[:, :2], found[:, 2]
    body = result.pose_landmarks.landmark
    for place, source in zip((*BODY, *FEET), (*BLAZEPOSE_BODY, *BLAZEPOSE_FEET), strict=True):
        if source is not None:
            found[place] = body[source].x, body[source].y, body[source].visibility
    parts = (
        (FACE, MESH_FACE, result.face_landmarks),
        (LEFT_HAND, HAND, result.left_hand_landmarks),
        (RIGHT_HAND, HAND, result.right_hand_landmarks),
    )
    for places, sources, part in parts:
        if part is not None:
            points = part.landmark
            found[places.start : places.stop] = [(points[k].x, points[k].y, PRESENT) for k in sources]
    outside = ((found[:, :2] < 0) | (found[:, :2] > 1)).any(axis=1)
    found[outside | (found[:, 2] <= 0)] = 0
    return found[:, :2], np.minimum(found[:, 2], 1)
