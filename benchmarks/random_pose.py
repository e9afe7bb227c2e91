"""Pose networks with random parameters, as a checkpoint and as an ONNX file: for speed and for agreement."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from skelact.pose import networks, zoo


class Logits(torch.nn.Module):
    """The part of an mmpose network that OpenMMLab's ONNX files hold."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.network(images, None, mode="tensor")


def write_checkpoint(row: zoo.EstimatorRow, file: Path) -> Path:
    """A checkpoint, always the same one."""
    torch.manual_seed(0)
    network, width, height = _network(row)
    # Normalised from noise: with untrained norms hardly anything of an image reaches the keypoints.
    for part in network.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            part.momentum = None  # plain averages
    network.train()
    with torch.no_grad():
        for _ in range(2):
            Logits(network)(torch.nn.functional.interpolate(torch.randn(4, 3, 16, 12), (height, width)))
    torch.save({"state_dict": network.state_dict(), "meta": {}}, file)
    return file


def write_onnx(row: zoo.EstimatorRow, checkpoint: Path, file: Path, free_batch: bool = True) -> Path:
    """The network of a checkpoint as an ONNX file.

    Args:
        row: whose network it is.
        checkpoint: its parameters.
        file: to write.
        free_batch: whether it takes any number of crops at a time, or one.
    """
    network, width, height = _network(row)
    network.load_state_dict(networks.read_state(checkpoint))
    names = ["input", "simcc_x", "simcc_y"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Logits(network).eval(),
            (torch.zeros(1, 3, height, width),),
            str(file),
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes={name: {0: "batch"} for name in names} if free_batch else None,
            dynamo=False,
        )
    return file


def _network(row: zoo.EstimatorRow) -> tuple[torch.nn.Module, int, int]:
    """An untrained network, and width and height of its crops."""
    if row.network is None:
        raise ValueError(f"{row.name} is no network of mmpose")
    config = networks.read_config(row.network)
    return networks.build(config, "mmpose"), *config.codec.input_size
