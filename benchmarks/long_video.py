"""Memory in a long video: python -m benchmarks.long_video [--minutes 60] [--persons 2] [--pose NAME].

Draws a video in which some persons, white boxes, walk up and down, and runs the whole chain on it in a process of its
own: decoding, tracking, assembling, writing, reading back, and asl-words on the windows of the group and of each
person. By default what finds persons and keypoints is a stand-in that costs nothing, so that an hour takes minutes;
with --pose a real estimator is used.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from skelact.formats.npz import load_sequence, save_sequence
from skelact.pipeline import choose_models, extract
from skelact.pose import Detections, Poses, View
from skelact.predictor import Predictor
from skelact.settings import ExtractSettings, PredictSettings

FPS, WIDTH, HEIGHT = 30, 320, 240


def draw(path: Path, minutes: float, persons: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    lane = HEIGHT // persons
    for t in range(round(minutes * 60 * FPS)):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for k in range(persons):
            left = round(140 + 120 * np.sin(t / 60 + k))
            image[k * lane + 2 : (k + 1) * lane - 2, left : left + 30] = 255
        writer.write(image)
    writer.release()


class WhiteBoxes:
    """A detector to which white boxes are persons."""

    name = "white boxes"

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        found = []
        for image in images:
            _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 128).astype(np.uint8))
            stats = stats[1:][stats[1:, 4] > 50]
            boxes = np.concatenate([stats[:, :2], stats[:, :2] + stats[:, 2:4]], axis=1).astype(np.float32)
            found.append(Detections(boxes, np.full(len(boxes), 0.9, np.float32)))
        return found


class Noise:
    """An estimator whose keypoints lie anywhere in the box, as hard to compress as real ones."""

    name = "noise"
    top_down = True

    def __init__(self) -> None:
        self._random = np.random.default_rng(0)

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        poses = []
        for view in views:
            share = self._random.random((len(view.boxes), 133, 2), np.float32)
            keypoints = view.boxes[:, None, :2] * (1 - share) + view.boxes[:, None, 2:] * share
            poses.append(Poses(keypoints.astype(np.float32), 0.1 + 0.9 * share[..., 0]))
        return poses

    def close(self) -> None:
        pass


def peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def measure(video: Path, pose: str | None) -> None:
    settings = ExtractSettings(pose=pose, offline=True)
    models = choose_models(settings) if pose else (Noise(), WhiteBoxes())
    output = video.with_suffix(".npz")
    print(f"before: {peak_mb()} MB", flush=True)
    sequence = told("extract", lambda: extract(video, settings, models=models))
    told("write", lambda: save_sequence(sequence, output))
    del sequence
    sequence = told("read", lambda: load_sequence(output))
    predictor = Predictor(PredictSettings(models=("asl-words",), per_person=True), ExtractSettings(device="cpu"))
    prediction = told("predict", lambda: predictor.predict(sequence))
    print(f"{len(prediction.group.times)} windows, {len(prediction.segments)} segments of the group", flush=True)
    print(
        f"{sequence.num_instances} persons, {sequence.num_frames} frames, {output.stat().st_size >> 20} MB on disk",
        flush=True,
    )


def told(name: str, step: Callable[[], Any]) -> Any:
    """What a step gives, with its time and the peak of memory so far printed."""
    start = time.perf_counter()
    result = step()
    print(f"{name}: {time.perf_counter() - start:.0f} s, peak {peak_mb()} MB so far", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--persons", type=int, default=2)
    parser.add_argument("--pose", help="a real estimator, e.g. mediapipe")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skelact-") as folder:
        video = Path(folder) / "long.mp4"
        draw(video, options.minutes, options.persons)
        process = multiprocessing.get_context("spawn").Process(target=measure, args=(video, options.pose))
        process.start()
        process.join()


if __name__ == "__main__":
    main()
