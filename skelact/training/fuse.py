"""Late fusion: the weighted mean of what recognizers of several streams predict for the same clips."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skelact.errors import InputError, UsageError
from skelact.training.evaluate import Evaluation
from skelact.training.metrics import negative_log_likelihood

# Parts that a search deals out to the weights: the finest of these with no more than MOST_TRIES ways to do so.
_PARTS = (20, 10, 5, 4, 3, 2, 1)
MOST_TRIES = 1000


@dataclass(frozen=True)
class Weights:
    """Weights found on validation clips.

    Attributes:
        weights: one for each recognizer, adding up to 1.
        top1, nll: of the fusion with them, on the clips they were found on.
    """

    weights: tuple[float, ...]
    top1: float
    nll: float


def fuse(evaluations: Sequence[Evaluation], weights: Sequence[float]) -> Evaluation:
    """The weighted mean of probabilities, as published (PYSKL fuses scores after softmax and mean over test clips).

    Args:
        evaluations: of the same clips, in any order of clips and classes: both are joined by name.
        weights: one each; only their ratios count.

    Returns:
        Predictions in the order of the first.

    Raises:
        UsageError: the weights do not fit.
        InputError: the predictions are of other clips, labels, groups or classes than the first.
    """
    _check_weights(weights, len(evaluations))
    aligned = align(evaluations)
    shares = np.asarray(weights, dtype=np.float64) / sum(weights)
    first = aligned[0]
    return Evaluation(
        first.names,
        first.groups,
        first.labels,
        np.tensordot(shares, np.stack([one.probabilities for one in aligned]), axes=1),
        first.class_names,
        "+".join(one.stream or "?" for one in aligned),
        "fusion",
    )


def find_weights(evaluations: Sequence[Evaluation]) -> Weights:
    """The weights with the highest top-1 on these clips; among equals those with the least negative log-likelihood.

    All weights are tried that share out a number of equal parts: 20 to two or three recognizers, 10 to four. What is
    found is fitted to these clips: its worth shows on others.

    Raises:
        InputError: see `fuse`.
    """
    _check_weights([1] * len(evaluations), len(evaluations))
    aligned = align(evaluations)
    stacked = np.stack([one.probabilities for one in aligned])
    labels = aligned[0].labels
    of_label = stacked[:, np.arange(len(labels)), labels]
    best: tuple[float, float, tuple[float, ...]] | None = None
    for weights in _simplex(len(aligned)):
        top1 = float((np.tensordot(weights, stacked, axes=1).argmax(axis=1) == labels).mean())
        nll = float(-np.log(np.maximum(weights @ of_label, np.finfo(np.float64).tiny)).mean())
        if best is None or (top1, -nll) > best[:2]:
            best = top1, -nll, tuple(weights.tolist())
    assert best is not None  # there is at least one way to deal out the parts
    fused = fuse(evaluations, best[2])
    return Weights(best[2], fused.top1, negative_log_likelihood(fused))


def _check_weights(weights: Sequence[float], count: int) -> None:
    if count < 2:
        raise UsageError("there is nothing to fuse: give the predictions of at least two recognizers")
    if len(weights) != count:
        raise UsageError(f"there are {len(weights)} weights for the predictions of {count} recognizers: give one each")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or sum(weights) <= 0:
        raise UsageError(f"weights {', '.join(map(str, weights))}: they must be at least 0, and one above 0")


def _simplex(count: int) -> Iterator[np.ndarray]:
    """Weights (count,) that add up to 1, in equal steps."""
    parts = next((n for n in _PARTS if math.comb(n + count - 1, count - 1) <= MOST_TRIES), 1)

    def deal(left: int, places: int) -> Iterator[tuple[int, ...]]:
        if places == 1:
            yield (left,)
            return
        for here in range(left, -1, -1):
            for rest in deal(left - here, places - 1):
                yield (here, *rest)

    for dealt in deal(parts, count):
        yield np.array(dealt) / parts


def align(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """The evaluations with clips and classes in the order of the first, and without logits.

    Raises:
        InputError: they are not of the same clips, labels, groups and classes; says where they differ.
    """
    return [_in_order_of(evaluations[0], one) for one in evaluations]


def _in_order_of(first: Evaluation, other: Evaluation) -> Evaluation:
    between = f"{first.source} and {other.source}"
    _check_same(set(first.class_names), set(other.class_names), f"the classes of {between} differ")
    _check_same(set(first.names.tolist()), set(other.names.tolist()), f"the clips of {between} differ")
    place = {name: k for k, name in enumerate(other.names.tolist())}
    rows = np.array([place[name] for name in first.names.tolist()])
    columns = np.array([other.class_names.index(name) for name in first.class_names])
    labels = np.argsort(columns)[other.labels[rows]]
    for what, mine, theirs in (("label", first.labels, labels), ("group", first.groups, other.groups[rows])):
        different = np.flatnonzero(mine != theirs)
        if len(different):
            raise InputError(
                f"clip {str(first.names[different[0]])!r} has another {what} in {other.source} than in {first.source}: "
                "test the recognizers on the same data"
            )
    return Evaluation(
        first.names,
        first.groups,
        first.labels,
        other.probabilities[rows][:, columns],
        first.class_names,
        other.stream,
        other.source,
    )


def _check_same(mine: set[str], theirs: set[str], what: str) -> None:
    if mine == theirs:
        return
    told = [
        f"{len(only)} only in the {which}, e.g. {min(only)!r}"
        for only, which in ((mine - theirs, "first"), (theirs - mine, "second"))
        if only
    ]
    raise InputError(f"{what}, with {' and '.join(told)}: test the recognizers on the same data")
