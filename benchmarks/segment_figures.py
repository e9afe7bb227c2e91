"""Figures of segments against the true ones: F1, average precision, and the action of each frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Told = tuple[float, float, str]  # start and end, seconds, and action


def overlap(one: Told, other: Told) -> float:
    """Intersection over union in time."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    return max(0.0, both) / (max(one[1], other[1]) - min(one[0], other[0]))


def f1(truths: Sequence[Sequence[Told]], tolds: Sequence[Sequence[Told]], least: float) -> float:
    """Segmental F1 (Lea et al. 2017): a segment told is right if it overlaps an untaken true one of its action."""
    right = wrong = missed = 0
    for truth, told in zip(truths, tolds, strict=True):
        taken: set[int] = set()
        for segment in told:
            shares = [overlap(segment, other) if other[2] == segment[2] else 0.0 for other in truth]
            best = int(np.argmax(shares)) if shares else -1
            if best >= 0 and shares[best] >= least and best not in taken:
                taken.add(best)
                right += 1
            else:
                wrong += 1
        missed += len(truth) - len(taken)
    return 2 * right / max(1, 2 * right + wrong + missed)


def average_precision(
    truths: Sequence[Sequence[Told]], tolds: Sequence[Sequence[tuple[float, float, str, float]]], least: float
) -> float:
    """Mean over actions of the average precision of segments ranked by probability (as of ActivityNet)."""
    names = sorted({segment[2] for truth in truths for segment in truth})
    values = []
    for name in names:
        count = sum(segment[2] == name for truth in truths for segment in truth)
        ranked = sorted(
            ((segment[3], k, segment) for k, told in enumerate(tolds) for segment in told if segment[2] == name),
            key=lambda entry: -entry[0],
        )
        taken: set[tuple[int, int]] = set()
        hits = []
        for _, k, segment in ranked:
            shares = [
                overlap(segment[:3], other) if other[2] == name and (k, j) not in taken else 0.0
                for j, other in enumerate(truths[k])
            ]
            best = int(np.argmax(shares)) if shares else -1
            hit = best >= 0 and shares[best] >= least
            if hit:
                taken.add((k, best))
            hits.append(hit)
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1) if hits else np.zeros(0)
        # At each recall the best precision at that or a higher one.
        envelope = np.maximum.accumulate(precision[::-1])[::-1] if hits else precision
        values.append(float((envelope * np.array(hits)).sum() / count) if hits else 0.0)
    return float(np.mean(values))


def labels(segments: Sequence[Told], times: np.ndarray, nothing: str) -> np.ndarray:
    """The action of each frame, or `nothing` between segments."""
    found = np.full(len(times), nothing, dtype=object)
    for start, end, name in (segment[:3] for segment in segments):
        found[(times >= start - 1e-6) & (times < end - 1e-6)] = name
    return found
