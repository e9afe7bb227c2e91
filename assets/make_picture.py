"""The README's picture: frames of the sample clip with the keypoints and the action that were found in it.

Run: python assets/make_picture.py (after `pip install -e .`)
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from skelact.drawing import draw_persons
from skelact.predictor import predict
from skelact.render import captions
from skelact.settings import ExtractSettings, PredictSettings
from skelact.video import VideoReader

HERE = Path(__file__).parent
FRAMES = (4, 24, 34, 55)
COLUMNS = slice(120, 520)  # in which the person is
SIZE = (300, 360)


def main() -> None:
    """Write docs/sample.png."""
    clip = HERE / "sample.mp4"
    prediction = predict(
        clip,
        settings=PredictSettings(models=("asl-words",)),
        extraction=ExtractSettings(pose="mediapipe", device="cpu", offline=True),
    )
    pictures = []
    with VideoReader(clip) as video:
        for frame in video:
            if frame.index in FRAMES:
                draw_persons(frame.image, prediction.sequence, frame.index, captions(prediction, frame.time))
                pictures.append(cv2.resize(frame.image[:, COLUMNS], SIZE, interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(HERE.parent / "docs" / "sample.png"), np.concatenate(pictures, axis=1))


if __name__ == "__main__":
    main()
