"""What the reference logits were computed with: names, parameters and inputs, made from the names alone."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skelact.keypoints import get_layout
from skelact.models import Architecture, create_model
from skelact.models.architecture import architecture_of

DATA_FILES = Path(__file__).resolve().parents[1] / "data_files"
CLASSES = 120
# Each reference network, and what its checkpoint has beyond the model of that name.
REFERENCE_MODELS: dict[str, dict[str, Any]] = {
    "skelet_stgcnpp": {},
    "skelet_dgstgcn": {},
    "skelet_ctrgcn": {},
    "skelet_stgcnpp_ip": {},
    "skelet_dgstgcn_ip": {"embedding": "VC"},
    "skelet_ctrgcn_ip": {},
    "stgcnpp_coco17": {},
    "dgstgcn_coco17": {},
    "ctrgcn_coco17": {"instances_normalized": 2},
    "stgcnpp_expressive65": {},
}
Shapes = dict[str, tuple[int, ...]]


def reference_architecture(name: str) -> Architecture:
    return architecture_of(name, **REFERENCE_MODELS[name])


def checkpoint_shapes(name: str) -> Shapes:
    """Every parameter of the published checkpoint: our own names, but for plain CTR-GCN, where PYSKL's differ."""
    state = create_model(name, CLASSES, **REFERENCE_MODELS[name]).state_dict()
    shapes = {parameter: tuple(tensor.shape) for parameter, tensor in state.items()}
    if not name.startswith("ctrgcn"):
        return shapes
    keypoints = len(get_layout(reference_architecture(name).layout))
    pyskl = re.compile(r"^backbone\.gcn\.(\d+)\.(?:(gcn|tcn)\.)?")
    renamed = {
        pyskl.sub(lambda found: f"backbone.net.{found[1]}." + (f"{found[2]}1." if found[2] else ""), parameter): shape
        for parameter, shape in shapes.items()
    }
    return {**renamed, "backbone.A": (3, keypoints, keypoints)}


def filled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Parameters drawn from their own names, all different from what training starts with."""
    return {name: torch.from_numpy(_draw(name, shape)) for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    leaf = name.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, dtype=np.int64)
    n = np.random.default_rng([1, zlib.crc32(name.encode())]).standard_normal(shape)
    if leaf == "running_var":
        values = 1 + 0.2 * np.abs(n)
    elif leaf == "weight" and len(shape) == 1:
        values = 1 + 0.1 * n
    elif leaf == "running_mean" or len(shape) < 2:
        values = 0.1 * n
    else:
        values = n / np.sqrt(np.prod(shape[1:]) if leaf == "weight" else shape[-2])
    return np.asarray(values, dtype=np.float32)


def reference_input(name: str) -> Tensor:
    """(2, I, 100, V, 3)."""
    architecture = reference_architecture(name)
    instances = 5 if architecture.instance_pooling else 2
    shape = (2, instances, 100, len(get_layout(architecture.layout)), 3)
    return torch.from_numpy(np.random.default_rng([1, 99]).standard_normal(shape).astype(np.float32))
