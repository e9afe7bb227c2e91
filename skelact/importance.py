"""Which keypoints mattered for an action, by the network's learned weights and by the gradients at its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from skelact.ensemble import Ensemble
from skelact.errors import NobodySeenError, unknown_name
from skelact.keypoints import get_layout
from skelact.recognition import TrainedRecognizer
from skelact.sequence import PoseSequence

if TYPE_CHECKING:
    from torch import Tensor

WAY_POINTS = 4  # at which the gradients are taken


@dataclass(frozen=True)
class Importance:
    """How much each of V keypoints mattered for an action. All shares add up to 1.

    Attributes:
        action: its name.
        names: of the keypoints.
        gradients: (V,) float64, the share of each in what spoke for the action in this sequence, see
            `input_gradients`. 0 for a keypoint that was not seen.
        weights: (V,) float64, the share of each in what the network's learned weights let through: its own, the same
            for every action and sequence. None where no network has such weights.
        shares: (V,) float64, of both: the product of the two, or the gradients alone where there are no weights.
    """

    action: str
    names: tuple[str, ...]
    gradients: np.ndarray
    weights: np.ndarray | None
    shares: np.ndarray

    @property
    def ranking(self) -> tuple[int, ...]:
        """The places of the keypoints that mattered at all, the most important first."""
        order = np.argsort(-self.shares, kind="stable")
        return tuple(int(k) for k in order if self.shares[k] > 0)


def explain(
    recognizer: Ensemble, sequence: PoseSequence, class_name: str, device: str = "cpu", test_clips: int | None = None
) -> Importance:
    """Which keypoints mattered for an action in a sequence that is taken as one clip.

    Args:
        recognizer: what predicted; of several members the shares are averaged with their weights.
        sequence: of any length and persons; those who come first are looked at.
        class_name: of the recognizer.
        device: resolved, e.g. "cpu" or "cuda".
        test_clips: how many clips to draw, see `TrainedRecognizer.probabilities`.

    Raises:
        UsageError: the recognizer does not know the action.
        NobodySeenError: no keypoint that the recognizer looks at was seen.
        InputError: the sequence lacks keypoints of the recognizer's layout.
    """
    if class_name not in recognizer.class_names:
        raise unknown_name("action", class_name, recognizer.class_names)
    layouts = [get_layout(member.preprocessing.layout) for member in recognizer.members]
    names = tuple(dict.fromkeys(name for layout in layouts for name in layout.keypoint_names))
    gradients, weights = np.zeros(len(names)), np.zeros(len(names))
    for member, share, layout in zip(recognizer.members, recognizer.weights, layouts, strict=True):
        places = [names.index(name) for name in layout.keypoint_names]
        gradients[places] += share * input_gradients(member, sequence, class_name, device, test_clips)
        if member.model.architecture.skelet:
            weights[places] += share * learned_weights(member)
    found = _shares(weights) if weights.any() else None
    both = gradients if found is None else gradients * found
    return Importance(class_name, names, gradients, found, _shares(both))


def input_gradients(
    member: TrainedRecognizer,
    sequence: PoseSequence,
    class_name: str,
    device: str = "cpu",
    test_clips: int | None = None,
) -> np.ndarray:
    """The share of each keypoint in what speaks for an action in the network's input, (V,) float64.

    Integrated gradients (Sundararajan et al. 2017): the gradient of the action's logit times the input, averaged on the
    straight way from an input of zeros, which is nobody, to this one. Summed over clips, persons, frames and channels;
    a keypoint that speaks against the action has 0, as has one that was never seen, whatever the input holds in its
    place. On clips of persons not seen in training, the network without the five keypoints that this ranks first loses
    three times as much as without the five that the plain gradient does (benchmarks/importance.py).

    Raises:
        NobodySeenError: no keypoint that the network looks at was seen.
    """
    import torch

    prepared = member.clips(sequence, test_clips or member.preprocessing.test_clips)
    if prepared is None:
        raise NobodySeenError(f"nobody was seen in {sequence.source or 'the sequence'}: there is no action to explain")
    clips, seen = prepared
    inputs = torch.from_numpy(clips).to(device)
    way = (torch.arange(WAY_POINTS, device=inputs.device) + 0.5) / WAY_POINTS
    points = (way.view(-1, 1, 1, 1, 1, 1) * inputs).flatten(0, 1).requires_grad_()
    logits = member.model.to(device)(points)[:, member.class_names.index(class_name)]
    (gradient,) = torch.autograd.grad(logits.sum(), points)
    mean = gradient.unflatten(0, (WAY_POINTS, -1)).mean(dim=0)
    effect = (mean * inputs).sum(dim=(0, 1, 2, 4)).double().cpu().numpy()
    return _shares(np.where(seen, np.maximum(effect, 0.0), 0.0))


def learned_weights(member: TrainedRecognizer) -> np.ndarray:
    """The share of each keypoint in what a network with Skeleton Transformation lets through, (V,) float64.

    Its stages weigh each keypoint, and merge groups of them to coarser skeletons by learned mappings (Yang et al. 2024,
    section 3.2), with shortcuts round both. In the manner of attention rollout (Abnar and Zuidema 2020) a stage is the
    mean of the absolute mappings of its ways, where a shortcut without a mapping is the identity, and the product over
    all stages tells how much of each keypoint reaches the coarsest skeleton. Convolutions in between are left out.
    """
    import torch

    stages = [cast(Any, stage) for stage in cast(Any, member.model).backbone.gcn]
    through = torch.eye(len(get_layout(member.preprocessing.layout)))
    with torch.no_grad():
        for stage in stages:
            if hasattr(stage.gcn, "M"):
                through = through @ _stage_mapping(stage).cpu()
    return _shares(through.sum(dim=1).double().numpy())


def _stage_mapping(stage: Any) -> Tensor:
    """The mean of the absolute mappings (V_in, V_out) of the ways through a stage."""
    import torch

    block = stage.gcn
    mapping = (block.M * block.WM if hasattr(block, "WM") else block.M).abs().mean(dim=0)
    ways = [mapping]
    for shortcut in (block.down, stage.residual):
        ways.append(shortcut.M.abs() if hasattr(shortcut, "M") else torch.eye(len(mapping)).to(mapping))
    return torch.stack(ways).mean(dim=0)


def _shares(values: np.ndarray) -> np.ndarray:
    total = values.sum()
    return values / total if total > 0 else np.zeros_like(values, dtype=np.float64)
