"""How well a recognizer does on clips it was not trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skelact.data.dataset import ClipDataset, ClipSet
from skelact.recognition import TrainedRecognizer, class_probabilities


@dataclass(frozen=True)
class Evaluation:
    """Predictions on a test set.

    Attributes:
        probabilities: (N, num_classes).
        labels: (N,).
        class_names: one a class.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]

    @property
    def predicted(self) -> np.ndarray:
        """(N,) the most probable class."""
        return self.probabilities.argmax(axis=1)

    @property
    def top1(self) -> float:
        """Share of clips whose most probable class is right."""
        return float((self.predicted == self.labels).mean())

    @property
    def mean_class_accuracy(self) -> float:
        """Mean over the classes that occur of the share of their clips that are right."""
        right = self.predicted == self.labels
        return float(np.mean([right[self.labels == k].mean() for k in np.unique(self.labels)]))

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        right = self.predicted == self.labels
        per_class = {
            self.class_names[k]: {"clips": int((self.labels == k).sum()), "top1": float(right[self.labels == k].mean())}
            for k in np.unique(self.labels)
        }
        return {
            "clips": len(self.labels),
            "top1": self.top1,
            "mean_class_accuracy": self.mean_class_accuracy,
            "classes": per_class,
        }


def evaluate(
    recognizer: TrainedRecognizer,
    clips: ClipSet,
    device: str = "cpu",
    batch_size: int = 32,
    on_clip: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Predict every clip; probabilities are averaged over the recognizer's test clips.

    Args:
        recognizer: what to test.
        clips: its classes are matched to the recognizer's by name.
        device: resolved.
        batch_size: samples at a time.
        on_clip: called with (done, all).
    """
    clips = clips.with_classes(recognizer.class_names)
    dataset = ClipDataset(clips, recognizer.preprocessing, training=False)
    model = recognizer.model.to(device).eval()
    out = []
    for start in range(0, len(dataset), batch_size):
        batch = np.stack([dataset[k][0] for k in range(start, min(start + batch_size, len(dataset)))])
        several = class_probabilities(model, batch.reshape(-1, *batch.shape[2:]), device)
        out.append(several.reshape(*batch.shape[:2], -1).mean(axis=1))
        if on_clip:
            on_clip(start + len(batch), len(dataset))
    return Evaluation(np.concatenate(out), clips.labels, clips.class_names)
