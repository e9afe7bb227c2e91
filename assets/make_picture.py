"""The README's picture: frames of the sample clip with the keypoints that were found in them.

Run: python assets/make_picture.py (after `pip install -e .`)
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from skelact.keypoints import FACE, LEFT_HAND, RIGHT_HAND, get_layout
from skelact.pipeline import extract
from skelact.video import VideoReader

HERE = Path(__file__).parent
FRAMES = (4, 24, 34, 55)
COLOURS = {LEFT_HAND: (60, 200, 255), RIGHT_HAND: (80, 120, 255)}  # BGR; the body is yellow-green
BODY_COLOUR = (120, 230, 160)


def colour_of(keypoint: int) -> tuple[int, int, int]:
    """The colour of a part."""
    return next((colour for part, colour in COLOURS.items() if keypoint in part), BODY_COLOUR)


def draw(image: np.ndarray, points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The frame with links and points of one person; points (133, 2) pixels, scores (133,)."""
    for child, parent in get_layout("wholebody133").links:
        if scores[child] > 0.3 and scores[parent] > 0.3 and child not in FACE:
            ends = [tuple(round(v * 16) for v in points[k]) for k in (child, parent)]
            cv2.line(image, *ends, colour_of(child), 2, cv2.LINE_AA, shift=4)
    for k in np.flatnonzero(scores > 0.3):
        centre = tuple(round(v * 16) for v in points[k])
        cv2.circle(image, centre, 24 if k in FACE else 40, colour_of(int(k)), -1, cv2.LINE_AA, shift=4)
    return image


def main() -> None:
    """Write docs/sample.png."""
    clip = HERE / "sample.mp4"
    sequence = extract(clip, pose="mediapipe", offline=True)
    with VideoReader(clip) as video:
        pictures = [
            draw(frame.image, sequence.keypoints[0, frame.index], sequence.scores[0, frame.index])
            for frame in video
            if frame.index in FRAMES
        ]
    strip = np.concatenate([cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA) for picture in pictures], 1)
    cv2.imwrite(str(HERE.parent / "docs" / "sample.png"), strip)


if __name__ == "__main__":
    main()
