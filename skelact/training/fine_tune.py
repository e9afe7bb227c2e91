"""Starting from a trained recognizer instead of random weights."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch

from skelact.errors import UsageError
from skelact.models.checkpoints import HEAD
from skelact.models.preprocessing import Preprocessing
from skelact.models.recognizer import Recognizer
from skelact.recognition import TrainedRecognizer

# What an input's values mean depends on these; how much of it there is may differ.
_MEANING = ("layout", "stream", "normalize", "score_channel")


def copy_weights(
    source: TrainedRecognizer, target: Recognizer, preprocessing: Preprocessing, class_names: tuple[str, ...]
) -> None:
    """Copy the network, and of its head the rows of classes that both have; other classes keep their random rows.

    Args:
        source: what to copy from.
        target: what to fill.
        preprocessing, class_names: of the target.

    Raises:
        UsageError: network or input differ; says in what.
    """
    networks = [asdict(network.architecture) for network in (source.model, target)]
    inputs = [{name: asdict(one)[name] for name in _MEANING} for one in (source.preprocessing, preprocessing)]
    other = _differences(*inputs) | _differences(*networks)
    if other:
        told = ", ".join(f"{name} is {values[0]}, not {values[1]}" for name, values in other.items())
        raise UsageError(f"training cannot start from {source.name}: its {told}; choose the same settings")
    places = {name: k for k, name in enumerate(source.class_names)}
    pairs = [(k, places[name]) for k, name in enumerate(class_names) if name in places]
    new, old = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).unbind(dim=1)
    state = target.state_dict()
    for name, tensor in source.model.state_dict().items():
        if name in (HEAD, HEAD.replace("weight", "bias")):
            state[name][new] = tensor.cpu()[old]
        else:
            state[name] = tensor.cpu()
    target.load_state_dict(state)


def _differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}
