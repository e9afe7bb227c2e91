"""A temperature that makes probabilities mean what they say (Guo et al. 2017, section 4.2), and a threshold."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from skelact.errors import InputError
from skelact.recognition import TrainedRecognizer, mean_probabilities
from skelact.training.evaluate import Evaluation
from skelact.training.metrics import calibration_error, negative_log_likelihood

LOWEST, HIGHEST = 0.05, 20.0
MOST_FOLDS = 10
_BLOCK = 2048  # clips whose float64 logits are in memory at once


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be trusted: nll and ece as in `skelact.training.metrics.Figures`."""

    nll: float
    ece: float


@dataclass(frozen=True)
class Threshold:
    """The probability below which an action is better not told.

    Attributes:
        value: 0..1; 0 tells every action.
        f1: of the actions told, with it.
        f1_without: where all are told.
    """

    value: float
    f1: float
    f1_without: float


@dataclass(frozen=True)
class CalibrationReport:
    """What a temperature does, and the threshold for what comes out at it.

    Attributes:
        temperature: fitted on all clips.
        clips, groups: it was fitted on.
        before: at the recognizer's own temperature.
        after: with the fitted one, on the clips it was fitted on.
        cross_fitted: each group with a temperature fitted on others, in at most 10 folds: what to expect of new
            groups. None where that cannot be had, for the reason in `note`.
        top1_before, top1_after: a temperature leaves the order of classes in one test clip as it is, but can change
            that of the mean over several.
        threshold: chosen at the fitted temperature, on all clips.
        note: one sentence, or "".
    """

    temperature: float
    clips: int
    groups: int
    before: Calibration
    after: Calibration
    cross_fitted: Calibration | None
    top1_before: float
    top1_after: float
    threshold: Threshold
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as printed by `--json`."""
        return asdict(self)


def fit_temperature(evaluation: Evaluation) -> float:
    """The temperature with the least negative log-likelihood of the right classes.

    The likelihood is that of what the recognizer gives out: the temperature divides the logits of each test clip, the
    softmaxes are averaged, and the mean is scored. Fitting it to the logarithm of averaged probabilities instead would
    find the best temperature of another function, which the recognizer never computes.

    Raises:
        InputError: the predictions have no logits or clips of one class only, or nothing between 0.05
            and 20 is better than these two: the clips are all right, or no better than chance.
    """
    from scipy.optimize import minimize_scalar

    if evaluation.logits is None:
        raise InputError(f"{evaluation.source}: there are no logits to calibrate: evaluate the recognizer itself")
    if len(np.unique(evaluation.labels)) < 2:
        only = evaluation.class_names[evaluation.labels[0]]
        raise InputError(f"all clips are of class {only!r}: calibrate on clips of several classes")
    logits, labels = evaluation.logits, evaluation.labels
    grid = np.geomspace(LOWEST, HIGHEST, 13)  # with several test clips there may be more than one minimum
    losses = np.array([_losses(logits, labels, temperature).sum() for temperature in grid])
    best = int(losses.argmin())
    found = minimize_scalar(
        lambda x: _losses(logits, labels, math.exp(x)).sum(),
        bounds=(math.log(grid[max(best - 1, 0)]), math.log(grid[min(best + 1, len(grid) - 1)])),
        method="bounded",
        options={"xatol": 1e-4},
    )
    _check_inside(losses, found.fun, len(evaluation))
    return math.exp(found.x)


def _check_inside(losses: np.ndarray, least: float, clips: int) -> None:
    """Make sure that neither end of a range of temperatures, of these losses, is as good as the best within."""
    if losses[0] <= least:
        raise InputError(
            f"these {clips} clips are all recognised, in one of their test clips at least, so that no temperature is "
            "low enough: calibrate on more clips, which the recognizer was not trained on"
        )
    if losses[-1] <= least:
        raise InputError(
            f"on these {clips} clips the recognizer is no better than chance, so that no temperature is high enough: "
            "check that the classes are the right ones"
        )


def choose_threshold(evaluation: Evaluation, no_action: str = "") -> Threshold:
    """The threshold with the best F1 of actions told, and the lowest of equals.

    An action is told where the most probable class is one, and is as probable as the threshold. It is right where it is
    that of the clip. What is told of a clip without action is wrong, and an action that is not told is missed.

    Args:
        evaluation: of clips that the recognizer was not trained on.
        no_action: the class of clips without action; "" where there is none.
    """
    nothing = evaluation.class_names.index(no_action) if no_action in evaluation.class_names else -1
    best = evaluation.probabilities.argmax(axis=1)
    actions = int((evaluation.labels != nothing).sum())
    order = np.argsort(-evaluation.probabilities.max(axis=1), kind="stable")
    order = order[best[order] != nothing]  # of what may be told, the most probable first
    if not len(order) or not actions:
        return Threshold(0.0, 0.0, 0.0)
    right = np.cumsum(best[order] == evaluation.labels[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + actions)
    last = len(f1) - 1 - int(f1[::-1].argmax())
    shown = evaluation.probabilities.max(axis=1)[order]
    value = 0.0 if last == len(order) - 1 else float(shown[last] + shown[last + 1]) / 2
    return Threshold(value, float(f1[last]), float(f1[-1]))


def calibrated(recognizer: TrainedRecognizer, report: CalibrationReport) -> TrainedRecognizer:
    """The recognizer with the temperature and the threshold of a report, in place of those it has."""
    return replace(recognizer, temperature=report.temperature, threshold=report.threshold.value)


def at_temperature(evaluation: Evaluation, temperature: float) -> Evaluation:
    """What the recognizer would have predicted at another temperature.

    Raises:
        InputError: the predictions have no logits.
    """
    if evaluation.logits is None:
        raise InputError(f"{evaluation.source}: without logits there is no other temperature")
    return replace(
        evaluation, probabilities=mean_probabilities(evaluation.logits, temperature), temperature=temperature
    )


def calibration_report(evaluation: Evaluation, no_action: str = "") -> CalibrationReport:
    """Fit a temperature and tell what it does, also to groups it was not fitted on; choose a threshold.

    Args:
        evaluation: of clips that the recognizer was not trained on.
        no_action: see `choose_threshold`.

    Raises:
        InputError: see `fit_temperature`.
    """
    temperature = fit_temperature(evaluation)
    after = at_temperature(evaluation, temperature)
    note, crossed = "", None
    try:
        crossed = _calibration(cross_fit(evaluation))
    except InputError as error:
        note = f"what the temperature does to other groups is not known: {error}"
    return CalibrationReport(
        temperature,
        len(evaluation),
        len(np.unique(evaluation.groups)),
        _calibration(evaluation),
        _calibration(after),
        crossed,
        evaluation.top1,
        after.top1,
        choose_threshold(after, no_action),
        note,
    )


def cross_fit(evaluation: Evaluation) -> Evaluation:
    """Predictions of each group at the temperature that fits the other groups, in at most `MOST_FOLDS` folds.

    Its `temperature` stays that of the evaluation, as there is one for each fold.

    Raises:
        InputError: there is only one group, or no temperature fits the others of some group; see `fit_temperature`.
    """
    if evaluation.logits is None:
        raise InputError(f"{evaluation.source}: there are no logits to calibrate: evaluate the recognizer itself")
    names, groups = np.unique(evaluation.groups, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"all clips are of group {names[0]}: cross-fitting needs at least two groups")
    folds = groups % MOST_FOLDS
    grid = np.geomspace(LOWEST, HIGHEST, 61)
    # The losses of a fold are computed once, and serve the fits of all others.
    losses = np.array([np.bincount(folds, _losses(evaluation.logits, evaluation.labels, t)) for t in grid])
    probabilities = np.empty_like(evaluation.probabilities)
    for fold in np.unique(folds):
        here = folds == fold
        temperature = _between(grid, losses.sum(axis=1) - losses[:, fold], int((~here).sum()))
        probabilities[here] = mean_probabilities(evaluation.logits[here], temperature)
    return replace(evaluation, probabilities=probabilities, logits=None)


def _between(grid: np.ndarray, losses: np.ndarray, clips: int) -> float:
    """The temperature of the least loss, from the parabola through the best of a grid and its neighbours."""
    best = int(losses.argmin())
    _check_inside(losses, losses[1:-1].min(), clips)
    left, middle, right = losses[best - 1 : best + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend > 0 else 0.0
    return float(grid[best] * (grid[1] / grid[0]) ** shift)


def _calibration(evaluation: Evaluation) -> Calibration:
    return Calibration(negative_log_likelihood(evaluation), calibration_error(evaluation))


def _losses(logits: np.ndarray, labels: np.ndarray, temperature: float) -> np.ndarray:
    """(N,) negative log-likelihood of labels (N,) for logits (N, K, C).

    In logarithms throughout: at a low temperature a probability may be below what a float holds.
    """
    from scipy.special import log_softmax, logsumexp

    parts = []
    for start in range(0, len(labels), _BLOCK):
        block = logits[start : start + _BLOCK].astype(np.float64) / temperature
        of_label = labels[start : start + _BLOCK, None, None]
        right = np.take_along_axis(log_softmax(block, axis=-1), of_label, axis=-1)[..., 0]
        parts.append(math.log(block.shape[1]) - logsumexp(right, axis=-1))
    return np.concatenate(parts)
