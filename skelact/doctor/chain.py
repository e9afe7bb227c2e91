"""From a video to its action, with a known result: decoding, keypoints, tracks, recognition.

The clip is assets/sample.mp4, a drawn person who signs "thank you", made small and encoded as H.264, like most videos:

    ffmpeg -i assets/sample.mp4 -vf scale=320:-2 -c:v libx264 -preset veryslow -crf 28 -pix_fmt yuv420p \
        -threads 1 -fflags +bitexact -flags:v +bitexact -movflags +faststart skelact/doctor/thank-you.mp4
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from skelact.doctor.finding import FAILED, OK, WARNING, Finding
from skelact.errors import SkelactError

CLIP = Path(__file__).with_name("thank-you.mp4")
FRAMES, FPS = 60, 25.0
ACTION, LEAST = "thank-you", 0.8  # and its probability, which was 1.00
SEEN_SHARE = 0.9  # of the frames in which the person must be seen


def check() -> Iterator[Finding]:
    """Each stage, with its seconds; the first one that fails is the last one."""
    from skelact.predictor import Predictor
    from skelact.settings import ExtractSettings, PredictSettings
    from skelact.video import VideoReader

    start = time.perf_counter()
    try:
        with VideoReader(CLIP) as video:
            times = [frame.time for frame in video]
    except SkelactError as error:
        yield Finding("decode", FAILED, str(error), "install opencv-python from PyPI's wheels, which decode H.264")
        return
    if not (len(times) == FRAMES and np.allclose(times, np.arange(FRAMES) / FPS, atol=1e-3)):
        told = f"{len(times)} of {FRAMES} frames of H.264 decode, or not at their times"
        yield Finding("decode", FAILED, told, "install opencv-python from PyPI's wheels, which decode H.264")
        return
    yield Finding("decode", OK, f"{FRAMES} frames of H.264 at their times, {_since(start)}")

    extraction = ExtractSettings(pose="mediapipe", offline=True)
    predictor = Predictor(PredictSettings(models=("asl-words",)), extraction)
    start = time.perf_counter()
    sequence = predictor.extract(CLIP)
    seen = sequence.present.sum(axis=1).max() if sequence.num_instances else 0
    persons = "1 person" if sequence.num_instances == 1 else f"{sequence.num_instances} persons"
    told = f"{persons} in {seen} of {FRAMES} frames by {sequence.estimator}, {_since(start)}"
    if sequence.num_instances != 1 or seen < SEEN_SHARE * FRAMES:
        yield Finding("keypoints and tracks", FAILED, told, "install mediapipe 0.10.21 again")
        return
    yield Finding("keypoints and tracks", OK, told)

    start = time.perf_counter()
    action = predictor.predict(sequence).actions[0]
    told = f"{action.name!r} {action.probability:.2f} by asl-words on {predictor.device}, {_since(start)}"
    if action.name != ACTION or action.probability < LEAST:
        told = f"{told}, and not {ACTION!r}"
        yield Finding("recognise", WARNING, told, "install the tested versions: pip install -c constraints.txt .")
        return
    yield Finding("recognise", OK, told)


def _since(start: float) -> str:
    return f"{time.perf_counter() - start:.1f} s"
