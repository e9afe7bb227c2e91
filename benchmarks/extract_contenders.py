"""Those whom `benchmarks.extract` compares: for each stage and name a function that gets ready to be measured."""

from __future__ import annotations

import contextlib
import functools
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.extract_input import CERTAIN, Input, Job, network_of, random_onnx, random_weights, read

EVERY = 5  # frames, of `skelact-every-5`
BATCH = 8  # frames at a time in `detect` and `pose`, as in extraction on a CPU


# What comes out of a round: for `pose` the keypoints (P, 133, 2) of each frame, for others the number of persons.
Run = Callable[[Input], list[Any]]


@dataclass(frozen=True)
class Outcome:
    """What a round took: wall and processor seconds, the process' peak memory so far, the machine's load before.

    And what was found: persons in all frames together, and their keypoints (P, 133, 2) for `pose`.
    """

    seconds: float
    cpu: float
    peak_mb: int
    load: float
    found: int
    keypoints: np.ndarray | None


def prepare(threads: int) -> None:
    """Set up a process."""
    import torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(threads)


def measure(stage: str, name: str, job: Job, video: str) -> Outcome:
    """Do it once, getting ready before the clock starts."""
    run, given = _ready(stage, name, job), _input(stage, job, video)
    load = os.getloadavg()[0]
    start, cpu = time.perf_counter(), time.process_time()
    result = run(given)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
    keypoints = np.concatenate(result) if stage == "pose" else None
    persons = sum(result) if keypoints is None else len(keypoints)
    return Outcome(seconds, cpu, peak, load, int(persons), keypoints)


@functools.cache
def _ready(stage: str, name: str, job: Job) -> Run:
    return CONTENDERS[stage, name](job)


@functools.cache
def _input(stage: str, job: Job, video: str) -> Input:
    given = Input(job, video)
    if stage == "detect":
        _ = given.frames
    elif stage in ("pose", "track", "write"):
        _ = given.views
    return given


def _batches(items: list[Any]) -> Iterator[list[Any]]:
    return (items[k : k + BATCH] for k in range(0, len(items), BATCH))


def _our_pose(job: Job, kind: str) -> Any:
    from skelact.pose import create_estimator

    if kind == "mediapipe":
        return create_estimator("mediapipe")
    weights = random_onnx(job) if kind == "onnx" else random_weights(job)
    return create_estimator(job.pose, device=job.device, weights=weights)


def _our_detector(job: Job, kind: str) -> Any:
    from skelact.pose import create_detector

    return create_detector(job.detector_onnx if kind == "onnx" else job.detector, device=job.device)


def extract(job: Job, kind: str, detect: bool = True, every: int = 1) -> Run:
    """The whole of skelact, but for writing."""
    from skelact import pipeline
    from skelact.settings import ExtractSettings

    models = _our_pose(job, kind), _our_detector(job, kind) if detect else None
    settings = ExtractSettings(device=job.device, detect_every=every)
    return lambda given: [(pipeline.extract(given.video, settings, models=models).scores > 0).any(axis=2).sum()]


def decode(job: Job) -> Run:
    from skelact.video import VideoReader

    def run(given: Input) -> list[int]:
        with VideoReader(given.video) as video:
            return [0 for _ in video]

    return run


def detect(job: Job, kind: str) -> Run:
    detector = _our_detector(job, kind)
    return lambda given: [
        int((found.scores >= CERTAIN).sum())
        for images in _batches(given.frames)
        for found in detector.detect(images)
    ]  # fmt: skip


def pose(job: Job, kind: str) -> Run:
    estimator = _our_pose(job, kind)

    def run(given: Input) -> list[np.ndarray]:
        with contextlib.closing(estimator):
            return [poses.keypoints for views in _batches(given.views) for poses in estimator.estimate(views)]

    return run


def pose_in_turn(job: Job) -> Run:
    """MediaPipe on one person after another."""
    from skelact.pose import View

    estimator = _our_pose(job, "mediapipe")

    def one(view: View, k: int) -> np.ndarray:
        alone = View(view.image, view.boxes[k : k + 1], view.track_ids[k : k + 1])
        return estimator.estimate([alone])[0].keypoints

    def run(given: Input) -> list[np.ndarray]:
        with contextlib.closing(estimator):
            return [one(view, k) for view in given.views for k in range(len(view.boxes))]

    return run


def track(job: Job) -> Run:
    from skelact.pose import Detections
    from skelact.tracking import Tracker

    def run(given: Input) -> list[int]:
        tracker = Tracker(25.0)
        found = [Detections(view.boxes, np.full(len(view.boxes), 0.9, np.float32)) for view in given.views]
        return [len(tracker.update(each)[1]) for each in found]

    return run


def write(job: Job) -> Run:
    from skelact.assemble import Assembly, FramePersons
    from skelact.formats.npz import save_sequence
    from skelact.pose import Poses

    def run(given: Input) -> list[int]:
        with contextlib.closing(Assembly()) as assembly:
            for t, view in enumerate(given.views):
                random = np.random.default_rng(t).random((len(view.boxes), 133, 3), np.float32)
                poses = Poses(random[..., :2] * 700, random[..., 2])
                assembly.add(FramePersons(t / 25, view.boxes, view.track_ids, poses))
            sequence = assembly.sequence(width=1280, height=720, fps=25.0)
        save_sequence(sequence, Path(job.folder) / "written.npz", overwrite=True)
        return [len(view.boxes) for view in given.views]

    return run


def _inferencer(job: Job, flip: bool) -> Any:
    from skelact.openmmlab import prepare as mend
    from skelact.pose import zoo

    mend()
    from mmpose.apis import MMPoseInferencer

    made = MMPoseInferencer(
        pose2d=str(zoo.config_file(network_of(job))),
        pose2d_weights=str(random_weights(job)),
        det_model=str(zoo.config_file(zoo.DETECTORS["rtmdet-nano"].network)),
        det_weights=job.detector,
        det_cat_ids=[0],
        device=job.device,
    )
    made.inferencer.model.test_cfg["flip_test"] = flip
    return made


def mmpose(job: Job, flip: bool) -> Run:
    inferencer = _inferencer(job, flip)
    return lambda given: [len(result["predictions"][0]) for result in inferencer(given.video)]


def mmpose_detect(job: Job) -> Run:
    detector = _inferencer(job, False).inferencer.detector

    def run(given: Input) -> list[int]:
        found = (detector(image, return_datasamples=True)["predictions"][0] for image in given.frames)
        return [int((each.pred_instances.scores >= CERTAIN).sum()) for each in found]

    return run


def mmpose_pose(job: Job, flip: bool) -> Run:
    """What the inferencer does with its detector's boxes, which it does not let others give."""
    inner = _inferencer(job, flip).inferencer

    def one(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        given = {"img": image, "img_path": "", **inner.model.dataset_meta}
        samples = [inner.pipeline({**given, "bbox": box[None], "bbox_score": np.ones(1, np.float32)}) for box in boxes]
        return inner.forward(inner.collate_fn(samples))[0].pred_instances.keypoints

    return lambda given: [one(view.image, view.boxes) for view in given.views]


def _rtmlib_detector(job: Job) -> Any:
    from rtmlib import RTMDet

    return RTMDet(job.detector_onnx, model_input_size=(320, 320), device=job.device.partition(":")[0])


def _rtmlib_pose(job: Job) -> Any:
    from rtmlib import RTMPose

    from skelact.pose import networks

    size = tuple(networks.read_config(network_of(job)).codec.input_size)
    return RTMPose(str(random_onnx(job)), model_input_size=size, device=job.device.partition(":")[0])


def rtmlib(job: Job) -> Run:
    detector, estimator = _rtmlib_detector(job), _rtmlib_pose(job)

    def one(image: np.ndarray) -> int:
        boxes = detector(image)
        return len(estimator(image, bboxes=boxes)[0]) if len(boxes) else 0

    return lambda given: [one(image) for image in read(given.video)]


def rtmlib_detect(job: Job) -> Run:
    detector = _rtmlib_detector(job)
    return lambda given: [len(detector(image)) for image in given.frames]


def rtmlib_pose(job: Job) -> Run:
    estimator = _rtmlib_pose(job)
    return lambda given: [estimator(view.image, bboxes=view.boxes)[0] for view in given.views]


def mediapipe_loop(job: Job) -> Run:
    """One person, with nothing round it."""
    from mediapipe.python.solutions.holistic import Holistic

    def run(given: Input) -> list[int]:
        with Holistic(model_complexity=1) as graph:
            found = (graph.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)) for image in read(given.video))
            return [int(result.pose_landmarks is not None) for result in found]

    return run


CONTENDERS: dict[tuple[str, str], Callable[[Job], Run]] = {
    ("all", "skelact"): functools.partial(extract, kind="torch"),
    ("all", "skelact-every-5"): functools.partial(extract, kind="torch", every=EVERY),
    ("all", "mmpose"): functools.partial(mmpose, flip=True),
    ("all", "mmpose-no-flip"): functools.partial(mmpose, flip=False),
    ("all", "skelact-onnx"): functools.partial(extract, kind="onnx"),
    ("all", "rtmlib"): rtmlib,
    ("all", "skelact-mediapipe"): functools.partial(extract, kind="mediapipe", detect=False),
    ("all", "mediapipe-loop"): mediapipe_loop,
    ("all", "skelact-mediapipe-rtmdet"): functools.partial(extract, kind="mediapipe"),
    ("decode", "skelact"): decode,
    ("decode", "opencv"): lambda job: lambda given: [0 for _ in read(given.video)],
    ("detect", "skelact"): functools.partial(detect, kind="torch"),
    ("detect", "mmpose"): mmpose_detect,
    ("detect", "skelact-onnx"): functools.partial(detect, kind="onnx"),
    ("detect", "rtmlib"): rtmlib_detect,
    ("pose", "skelact"): functools.partial(pose, kind="torch"),
    ("pose", "mmpose-no-flip"): functools.partial(mmpose_pose, flip=False),
    ("pose", "mmpose"): functools.partial(mmpose_pose, flip=True),
    ("pose", "skelact-onnx"): functools.partial(pose, kind="onnx"),
    ("pose", "rtmlib"): rtmlib_pose,
    ("pose", "skelact-mediapipe"): functools.partial(pose, kind="mediapipe"),
    ("pose", "skelact-mediapipe-in-turn"): pose_in_turn,
    ("track", "skelact"): track,
    ("write", "skelact"): write,
}
