"""Persons and their keypoints in a frame. Libraries are imported when an estimator of theirs is created."""

from __future__ import annotations

from pathlib import Path

from skelact.errors import unknown_name
from skelact.pose.base import Detections, Detector, PoseEstimator, Poses, View
from skelact.pose.zoo import DETECTORS, ESTIMATORS, onnx_file, weights_file

__all__ = [
    "Detections",
    "Detector",
    "PoseEstimator",
    "Poses",
    "View",
    "create_detector",
    "create_estimator",
    "list_detectors",
    "list_estimators",
]


def list_estimators() -> list[str]:
    """The names of the pose estimators, the default first."""
    return list(ESTIMATORS)


def list_detectors() -> list[str]:
    """The names of the person detectors, the default first."""
    return list(DETECTORS)


def create_estimator(
    name: str,
    *,
    device: str = "cpu",
    offline: bool = False,
    weights: Path | None = None,
    backend: str = "torch",
    face: bool = True,
) -> PoseEstimator:
    """The pose estimator of that name, ready to use; its weights are downloaded on first use.

    Args:
        name: one of `list_estimators`.
        device: cpu, cuda or cuda:N (MediaPipe runs on the CPU whatever it is).
        offline: never try the network.
        weights: a checkpoint or ONNX file of that network to use instead of the published one.
        backend: torch or onnx (MediaPipe runs by itself whatever it is); an ONNX file chooses onnx by itself.
        face: False lets MediaPipe leave out the face's keypoints, which makes it faster; the others find them anyway.

    Raises:
        UsageError: an unknown name, a device that is not there, or no onnxruntime or ONNX file where onnx is wanted.
        WeightsError: the weights cannot be had, or are another network's.
    """
    row = ESTIMATORS.get(name)
    if row is None:
        raise unknown_name("pose estimator", name, ESTIMATORS)
    if row.network is None:
        from skelact.pose.holistic import Holistic

        return Holistic(face=face, lite=name == "mediapipe-lite")
    if backend == "onnx" or _is_onnx(weights):
        from skelact.pose.onnx_session import check_runtime
        from skelact.pose.onnx_topdown import OnnxTopDown

        check_runtime(device)
        return OnnxTopDown(row, weights or onnx_file(name, offline), device)
    file = weights or weights_file(row.network, offline)
    from skelact.pose.topdown import TopDown  # after the weights: who has none is told so at once

    return TopDown(row, row.network, file, device)


def create_detector(
    name_or_file: str, *, device: str = "cpu", offline: bool = False, backend: str = "torch"
) -> Detector:
    """The person detector of that name, or the one that a checkpoint file is of, ready to use.

    Args:
        name_or_file: one of `list_detectors`, or the path of a checkpoint of one of them, or of an ONNX file of an
            RTMDet with non-maximum suppression inside.
        device: cpu, cuda or cuda:N.
        offline: never try the network.
        backend: torch or onnx; an ONNX file chooses onnx by itself.

    Raises:
        UsageError: an unknown name, a device that is not there, or no onnxruntime where onnx is wanted.
        WeightsError: the weights cannot be had, or are another network's.
    """
    row = DETECTORS.get(name_or_file)
    if row is None and not _names_a_file(name_or_file):
        raise unknown_name("person detector", name_or_file, DETECTORS)
    path = None if row else Path(name_or_file)
    if backend == "onnx" or _is_onnx(path):
        from skelact.pose.onnx_detector import OnnxRTMDet
        from skelact.pose.onnx_session import check_runtime

        check_runtime(device)
        onnx = path or onnx_file(name_or_file, offline)
        return OnnxRTMDet(row.name if row else onnx.stem, onnx, device)
    file = weights_file(row.network, offline) if row else Path(name_or_file)
    from skelact.pose.detectors import RTMDet, recognise
    from skelact.pose.networks import read_state

    state = read_state(file)
    return RTMDet(row or recognise(state, file), state, file, device)


def _names_a_file(text: str) -> bool:
    """Whether it is there, or is written like a path: then a missing file is the better message."""
    return Path(text).exists() or Path(text).name != text or Path(text).suffix in (".pth", ".pt", ".onnx")


def _is_onnx(file: Path | None) -> bool:
    return file is not None and file.suffix == ".onnx"
