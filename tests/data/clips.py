"""Made-up clips for tests."""

from __future__ import annotations

import numpy as np

from skelact.data.clips import Clip, ClipSet
from skelact.keypoints import get_layout


def random_clip(
    seed: int = 0, *, persons: int = 1, frames: int = 6, layout: str = "expressive65", label: int = 0, **options: object
) -> Clip:
    """A clip of keypoints all over a frame of 100 x 50, a fifth of them not seen."""
    random = np.random.default_rng(seed)
    shape = (persons, frames, len(get_layout(layout)))
    scores = random.uniform(0.3, 1, shape).astype(np.float32) * (random.random(shape) < 0.8)
    points = random.uniform(0, 1, (*shape, 2)).astype(np.float32) * np.float32([100, 50])
    values = {"width": 100, "height": 50, "label": label, "name": f"clip{seed}", "group": f"person{seed % 2}"}
    return Clip(points, scores, **{**values, **options})


def random_clips(count: int = 6, *, classes: int = 3, layout: str = "expressive65", **options: object) -> ClipSet:
    """Clips of all classes in turn, by two persons in turn."""
    clips = [random_clip(k, layout=layout, label=k % classes, **options) for k in range(count)]
    return ClipSet.from_clips(clips, tuple("abcdefghij"[:classes]), layout)
