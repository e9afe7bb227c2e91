"""ONNX Runtime against torch with the same weights, agreement and speed: `python -m benchmarks.onnx_agreement`.

Boxes of RTMDet-nano, from its ONNX file and from a checkpoint with the same weights, on images and on every so manieth
frame of videos. A box of one is paired with the one of the other that overlaps it most, by 0.9 or more; what has no
partner is counted, with the highest score among it. Keypoints of RTMPose-m are those of random weights (no published
ones are needed), exported here; its speed does not depend on them. Times are medians of several passes, in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from benchmarks.random_pose import write_checkpoint, write_onnx
from skelact.boxes import overlaps
from skelact.pose import Detector, PoseEstimator, View, create_detector, zoo
from skelact.pose.onnx_topdown import OnnxTopDown
from skelact.pose.topdown import TopDown
from skelact.video import VideoReader

SAME = 0.9  # overlap from which two boxes are one
RESPONSE = 1000.0  # random weights answer with large numbers
PASSES = 7


def pictures(file: Path, every: int) -> Iterator[np.ndarray]:
    """An image, or every so manieth frame of a video."""
    image = cv2.imread(str(file))
    if image is not None:
        yield image
        return
    with VideoReader(file) as reader:
        yield from (frame.image for frame in reader if frame.index % every == 0)


def compare(onnx: Detector, other: Detector, files: list[Path], every: int) -> dict[str, object]:
    distances, differences, alone, frames = [], [], [], 0
    for file in files:
        for image in pictures(file, every):
            first, second = onnx.detect([image])[0], other.detect([image])[0]
            shared = overlaps(first.boxes, second.boxes)
            pairs = [(i, j) for i, j in zip(*linear_sum_assignment(-shared), strict=True) if shared[i, j] >= SAME]
            ours, theirs = [i for i, _ in pairs], [j for _, j in pairs]
            distances.append(np.abs(first.boxes[ours] - second.boxes[theirs]).max(axis=1))
            differences.append(np.abs(first.scores[ours] - second.scores[theirs]))
            alone.append(np.delete(first.scores, ours))
            alone.append(np.delete(second.scores, theirs))
            frames += 1
    boxes, scores, unpaired = (np.concatenate(each) for each in (distances, differences, alone))
    return {
        "images": frames,
        "pairs": len(boxes),
        "box_difference_px": {"mean": float(boxes.mean()), "max": float(boxes.max())},
        "pairs_over_0.1_px": int((boxes > 0.1).sum()),
        "score_difference": {"mean": float(scores.mean()), "max": float(scores.max())},
        "only_onnx": sum(map(len, alone[::2])),
        "only_torch": sum(map(len, alone[1::2])),
        "highest_score_without_partner": float(unpaired.max(initial=0)),
    }


def random_pose(name: str, folder: Path) -> tuple[PoseEstimator, PoseEstimator]:
    """An estimator with random weights as ONNX file, and in torch."""
    row = replace(zoo.ESTIMATORS[name], full_response=RESPONSE)
    assert row.network is not None
    checkpoint = write_checkpoint(row, folder / "random.pth")
    file = write_onnx(row, checkpoint, folder / "random.onnx")
    return OnnxTopDown(row, file), TopDown(row, row.network, checkpoint)


def milliseconds(*calls: Callable[[], object]) -> list[float]:
    """Of each call, the median over passes in which they take turns."""
    for call in calls:
        call()
    passes: list[list[float]] = []
    for _ in range(PASSES):
        passes.append([])
        for call in calls:
            start = time.perf_counter()
            call()
            passes[-1].append(1000 * (time.perf_counter() - start))
    return [round(float(each), 1) for each in np.median(passes, axis=0)]


def main() -> None:
    parser = argparse.ArgumentParser(description="ONNX Runtime against torch: agreement and speed.")
    parser.add_argument("onnx", help="RTMDet-nano as ONNX file")
    parser.add_argument("checkpoint", help="the same weights as a checkpoint")
    parser.add_argument("files", nargs="+", type=Path, help="images and videos; the first frame of the first is timed")
    parser.add_argument("--every", type=int, default=10, help="take every so manieth frame")
    arguments = parser.parse_args()
    detectors = create_detector(arguments.onnx), create_detector(arguments.checkpoint)
    found: dict[str, object] = {"detector": compare(*detectors, arguments.files, arguments.every)}
    frame = next(pictures(arguments.files[0], 1))
    for count in (1, 4):
        frames = [frame] * count
        times = milliseconds(*(partial(each.detect, frames) for each in detectors))
        found[f"rtmdet_nano_batch_{count}_ms"] = dict(zip(("onnx", "torch"), times, strict=True))
    height, width = frame.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        estimators = random_pose("rtmpose-m", Path(folder))
        for count in (1, 4, 16):
            corners = np.random.default_rng(count).uniform(0, 0.5, (count, 2)) * (width, height)
            boxes = np.hstack([corners, corners + np.array([width / 3, height / 2])]).astype(np.float32)
            view = View(frame, boxes, np.arange(count))
            ours, theirs = (each.estimate([view])[0] for each in estimators)
            times = milliseconds(*(partial(each.estimate, [view]) for each in estimators))
            found[f"rtmpose_m_{count}_crops"] = {
                **dict(zip(("onnx_ms", "torch_ms"), times, strict=True)),
                "keypoint_difference_px": float(np.abs(ours.keypoints - theirs.keypoints).max()),
                "keypoints_over_0.01_px": int((np.abs(ours.keypoints - theirs.keypoints).max(axis=2) > 0.01).sum()),
                "score_difference": float(np.abs(ours.scores - theirs.scores).max()),
            }
    versions = {name: version(name) for name in ("onnxruntime", "torch", "mmdet", "mmpose")}
    load = [round(value, 1) for value in os.getloadavg()]
    print(json.dumps({**found, "threads": torch.get_num_threads(), "load": load, "versions": versions}, indent=1))


if __name__ == "__main__":
    main()
