"""Small networks as ONNX files, made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="makes ONNX files with the package onnx, which is not installed")

FLOAT = onnx.TensorProto.FLOAT
INT64 = onnx.TensorProto.INT64


def write(file: Path, nodes: Sequence, constants: dict[str, np.ndarray], *, takes: tuple, gives: dict, kind=FLOAT):
    """A file with one input `input` of that shape; `gives` maps outputs to their kind and shape."""
    graph = onnx.helper.make_graph(
        nodes,
        "small",
        [onnx.helper.make_tensor_value_info("input", kind, takes)],
        [onnx.helper.make_tensor_value_info(name, *each) for name, each in gives.items()],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 13), onnx.helper.make_opsetid("elsewhere", 1)]
    file.write_bytes(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return file


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes):
    return onnx.helper.make_node(operator, inputs, outputs, **attributes)


def brightest(file: Path, width: int, height: int, *, batch: str | int = "batch", keypoints: int = 133) -> Path:
    """A pose network that finds every keypoint at the brightest pixel, one bin a pixel."""
    nodes = [
        node("ReduceMax", ["input"], ["columns"], axes=[1, 2], keepdims=0),
        node("ReduceMax", ["input"], ["rows"], axes=[1, 3], keepdims=0),
        node("Unsqueeze", ["columns", "one"], ["x"]),
        node("Unsqueeze", ["rows", "one"], ["y"]),
        node("Tile", ["x", "repeats"], ["simcc_x"]),
        node("Tile", ["y", "repeats"], ["simcc_y"]),
    ]
    constants = {"one": np.array([1]), "repeats": np.array([1, keypoints, 1])}
    gives = {"simcc_x": (FLOAT, [batch, keypoints, width]), "simcc_y": (FLOAT, [batch, keypoints, height])}
    return write(file, nodes, constants, takes=(batch, 3, height, width), gives=gives)


def detector(file: Path, width: int, height: int, dets: Sequence[Sequence[float]], labels: Sequence[int]) -> Path:
    """A detector of one image that always finds the same."""
    constants = {"found": np.array([dets], np.float32), "kinds": np.array([labels])}
    nodes = [
        node("ReduceMax", ["input"], ["most"], keepdims=0),
        node("Mul", ["most", "nothing"], ["zero"]),
        node("Add", ["found", "zero"], ["dets"]),
        node("Identity", ["kinds"], ["labels"]),
    ]
    constants["nothing"] = np.array(0, np.float32)
    gives = {"dets": (FLOAT, [1, len(dets), 5]), "labels": (INT64, [1, len(dets)])}
    return write(file, nodes, constants, takes=(1, 3, height, width), gives=gives)
