"""A made-up task and small runs on it: the right wrist goes sideways or down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from skelact.data.clips import Clip, ClipSet
from skelact.keypoints import get_layout
from skelact.recognition import TrainedRecognizer
from skelact.training.settings import TrainSettings

FRAMES = 6
# The smallest network there is: most tests are about the run, not about what it learns.
TINY = TrainSettings(
    model="stgcnpp", layout="coco17", channels="8,16,32", clip_len=4, test_clips=1, max_instances=1, epochs=2, repeat=1,
    batch_size=4, lr=0.05, seed=3,
)  # fmt: skip


def gestures(count: int = 12, *, layout: str = "coco17", seed: int = 0, **options: object) -> ClipSet:
    """Clips of both classes in turn, the first half by one person, the rest by another."""
    random = np.random.default_rng(seed)
    index = get_layout(layout).index
    body = random.uniform(30, 70, (len(index), 2))
    body[index["left_shoulder"]], body[index["right_shoulder"]] = (60, 50), (40, 50)
    hand = [k for name, k in index.items() if name == "right_wrist" or "right_hand" in name]
    clips = []
    for k in range(count):
        points = np.tile(body + random.normal(0, 1, 2), (1, FRAMES, 1, 1))
        points[0, :, hand, k % 2] += np.linspace(0, 30, FRAMES)
        # No two values alike: where a network meets exact zeros, rounding alone decides on which side of a ReLU.
        points += random.normal(0, 0.5, points.shape)
        scores = random.uniform(0.5, 1, points.shape[:3]).astype(np.float32)
        clips.append(Clip(points.astype(np.float32), scores, 100, 100, k % 2, f"clip{k}", f"person{k * 2 // count}"))
    made = ClipSet.from_clips(clips, ("sideways", "down"), layout)
    return replace(made, **options)  # type: ignore[arg-type]


def weights(recognizer: TrainedRecognizer) -> dict[str, torch.Tensor]:
    return recognizer.model.state_dict()


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Bit by bit."""
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def files(folder: Path) -> set[str]:
    """What a run left, without TensorBoard's events, which an extra writes."""
    return {path.name for path in folder.iterdir() if "tfevents" not in path.name}
