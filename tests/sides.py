"""A recognizer that anybody can follow: it tells whether persons are in the left or the right half of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from skelact.ensemble import Ensemble
from skelact.models import Architecture
from skelact.models.preprocessing import Preprocessing
from skelact.recognition import TrainedRecognizer
from skelact.sequence import PoseSequence

NAMES = ("left", "right", "nothing")
FPS, WIDTH, HEIGHT = 10.0, 640, 480


class Sides(torch.nn.Module):
    """Logits -10 x, 10 x and 1 of the mean x in -1..1 of those who are there: in the middle it is nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.architecture = Architecture("stgcnpp", skelet=False, layout="coco17")
        self.num_classes = len(NAMES)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(N, I, T, V, 3) to (N, 3)."""
        seen = (clips[..., 2] > 0).float()
        x = (clips[..., 0] * seen).sum(dim=(1, 2, 3)) / seen.sum(dim=(1, 2, 3)).clamp(min=1)
        return torch.stack([-10 * x, 10 * x, torch.ones_like(x)], dim=1)


def sides(persons: int = 2, clip_seconds: float = 1.0, threshold: float = 0.0) -> Ensemble:
    """The recognizer, which looks at so many persons at once."""
    settings = Preprocessing("coco17", clip_len=8, test_clips=2, max_instances=persons)
    model: torch.nn.Module = Sides()
    return Ensemble.of(
        [TrainedRecognizer(model, settings, NAMES, "sides", {}, 1.0, clip_seconds, "nothing", threshold)]  # type: ignore[arg-type]
    )


def places(*persons: Sequence[str | None], seconds: float = 1.0, source: str = "clip.mp4") -> PoseSequence:
    """Persons who stand in one place after another, each for so many seconds.

    Args:
        persons: of each person the places: left, right, middle, or None where they are away; numbered 7, 8, ...
        seconds: at each place.
        source: of the sequence.
    """
    x = {"left": 0.2, "right": 0.8, "middle": 0.5, None: 0.0}
    each = round(seconds * FPS)
    where = np.array([[x[place] for place in person for _ in range(each)] for person in persons], np.float32)
    keypoints = np.zeros((*where.shape, 133, 2), np.float32)
    keypoints[..., 0], keypoints[..., 1] = where[..., None] * WIDTH, HEIGHT / 2
    keypoints += np.linspace(-20, 20, 133 * 2, dtype=np.float32).reshape(133, 2)
    scores = np.repeat((where > 0).astype(np.float32)[..., None], 133, axis=-1)
    keypoints *= scores[..., None]
    boxes = np.concatenate([keypoints.min(axis=2), keypoints.max(axis=2)], axis=-1)
    return PoseSequence(
        keypoints,
        scores,
        boxes,
        track_ids=np.arange(len(persons)) + 7,
        timestamps=np.arange(where.shape[1]) / FPS,
        width=WIDTH,
        height=HEIGHT,
        fps=FPS,
        source=source,
        estimator="made up",
    )
