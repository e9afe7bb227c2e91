"""Made-up predictions for tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skelact.recognition import mean_probabilities
from skelact.training.evaluate import Evaluation

NAMES = ("walk", "jump", "größer als", "sit", "wave", "clap", "bow", "kick", "throw", "read")


def predictions(
    seed: int = 0,
    *,
    clips: int = 60,
    classes: int = 7,
    test_clips: int = 2,
    groups: int = 6,
    sharpness: float = 2.0,
    **changes: object,
) -> Evaluation:
    """Predictions that are mostly right, of clips by several persons; the higher the sharpness the surer they are."""
    random = np.random.default_rng(seed)
    labels = np.arange(clips) % classes
    logits = random.normal(size=(clips, test_clips, classes)) + 2 * np.eye(classes)[labels][:, None]
    logits = (sharpness * logits).astype(np.float32)
    made = Evaluation(
        names=np.array([f"clip{k}" for k in range(clips)]),
        groups=np.array([f"person{k % groups}" for k in range(clips)]),
        labels=labels,
        probabilities=mean_probabilities(logits),
        class_names=NAMES[:classes],
        stream="j",
        source=f"recognizer{seed}",
        logits=logits,
    )
    return replace(made, **changes)


def shuffled(evaluation: Evaluation, seed: int) -> Evaluation:
    """The same predictions with clips and classes in another order."""
    random = np.random.default_rng(seed)
    rows = random.permutation(len(evaluation))
    columns = random.permutation(len(evaluation.class_names))
    return replace(
        evaluation,
        names=evaluation.names[rows],
        groups=evaluation.groups[rows],
        labels=np.argsort(columns)[evaluation.labels[rows]],
        probabilities=evaluation.probabilities[rows][:, columns],
        class_names=tuple(evaluation.class_names[k] for k in columns),
        logits=None,
    )
