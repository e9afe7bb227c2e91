"""Temperatures: found on what the recognizer gives out, and judged on groups they were not fitted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.errors import InputError
from skelact.recognition import mean_probabilities
from skelact.training.calibrate import (
    HIGHEST,
    LOWEST,
    at_temperature,
    calibrated,
    calibration_report,
    choose_threshold,
    cross_fit,
    fit_temperature,
)
from skelact.training.evaluate import Evaluation
from skelact.training.metrics import calibration_error, negative_log_likelihood
from tests.sides import sides
from tests.training.predictions import predictions


def drawn(temperature: float, *, clips: int = 4000, test_clips: int = 1, groups: int = 5) -> Evaluation:
    """Logits of which those divided by the temperature are right: labels are drawn from their softmax."""
    random = np.random.default_rng(0)
    logits = np.repeat(random.normal(scale=2, size=(clips, 1, 4)), test_clips, axis=1)
    logits += random.normal(scale=0.3, size=logits.shape) * (test_clips > 1)
    true = mean_probabilities(logits)
    labels = (random.random((clips, 1)) > true.cumsum(axis=1)[:, :-1]).sum(axis=1)
    logits = (temperature * logits).astype(np.float32)
    return predictions(
        clips=clips,
        classes=4,
        groups=groups,
        labels=labels,
        logits=logits,
        probabilities=mean_probabilities(logits),
    )


@pytest.mark.parametrize("test_clips", [1, 3])
@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0], ids=["too faint", "right", "too sure"])
def test_the_temperature_that_was_put_in_is_found(temperature: float, test_clips: int) -> None:
    made = drawn(temperature, test_clips=test_clips)
    found = fit_temperature(made)
    assert found == pytest.approx(temperature, rel=0.08)
    assert calibration_error(at_temperature(made, found)) < 0.03


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(1, 2), st.sampled_from([0.3, 1.0, 4.0]))
def test_no_other_temperature_is_likelier(seed: int, test_clips: int, sharpness: float) -> None:
    made = predictions(seed, clips=200, test_clips=test_clips, sharpness=sharpness, classes=5)
    others = [negative_log_likelihood(at_temperature(made, t)) for t in np.geomspace(LOWEST, HIGHEST, 40)]
    try:
        found = fit_temperature(made)
    except InputError:  # refused only where one end of the range is the best
        assert min(others[0], others[-1]) <= min(others) + 1e-6
        return
    assert negative_log_likelihood(at_temperature(made, found)) <= min(others) + 1e-6


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(LOWEST, HIGHEST))
def test_a_temperature_leaves_the_order_of_classes_of_one_test_clip(seed: int, temperature: float) -> None:
    made = predictions(seed, test_clips=1)
    changed = at_temperature(made, temperature)
    np.testing.assert_array_equal(changed.predicted, made.predicted)
    assert changed.top1 == made.top1


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(LOWEST, HIGHEST), st.integers(1, 5))
def test_probabilities_at_any_temperature_are_probabilities(seed: int, temperature: float, test_clips: int) -> None:
    logits = np.random.default_rng(seed).normal(scale=100, size=(6, test_clips, 5)).astype(np.float32)
    p = mean_probabilities(logits, temperature)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(mean_probabilities(logits + 1000, temperature), p, atol=1e-3)


def test_the_recognizers_own_temperature_is_replaced() -> None:
    made = drawn(3.0)
    again = at_temperature(made, 7.0)
    assert again.temperature == 7.0
    assert fit_temperature(again) == pytest.approx(fit_temperature(made))


def test_a_report_tells_before_after_and_what_to_expect_of_others() -> None:
    report = calibration_report(drawn(3.0))
    assert report.temperature == pytest.approx(3, rel=0.08)
    assert (report.clips, report.groups, report.note) == (4000, 5, "")
    assert report.cross_fitted is not None
    assert report.after.ece < report.before.ece / 3
    assert report.cross_fitted.ece < report.before.ece / 3
    assert report.after.nll <= report.cross_fitted.nll < report.before.nll
    assert report.top1_after == report.top1_before


def test_each_group_is_judged_with_the_temperature_of_the_others() -> None:
    """Two persons, of one of whom the recognizer is far too sure: each gets what fits the other."""
    sure, right = drawn(4.0, clips=2000), drawn(1.0, clips=2000)
    both = Evaluation(
        np.array([f"clip{k}" for k in range(4000)]),
        np.repeat(["sure", "right"], 2000),
        np.concatenate([sure.labels, right.labels]),
        np.concatenate([sure.probabilities, right.probabilities]),
        sure.class_names,
        logits=np.concatenate([sure.logits, right.logits]),
    )
    crossed = cross_fit(both)
    for mine, made, other in ((crossed.probabilities[:2000], sure, right), (crossed.probabilities[2000:], right, sure)):
        expected = mean_probabilities(made.logits, fit_temperature(other))
        np.testing.assert_allclose(mine, expected, atol=1e-3)


@pytest.mark.parametrize("groups", [2, 25])
def test_all_groups_are_in_a_fold(groups: int) -> None:
    made = drawn(2.0, clips=1000, groups=groups)
    crossed = cross_fit(made)
    assert (crossed.probabilities != made.probabilities).any(axis=1).all()
    assert crossed.logits is None


def test_one_group_has_no_others_to_be_judged_with() -> None:
    report = calibration_report(drawn(2.0, groups=1))
    assert report.cross_fitted is None
    assert report.note.endswith("all clips are of group person0: cross-fitting needs at least two groups")


def test_a_group_whose_others_are_all_right() -> None:
    made = predictions(groups=2, sharpness=3)
    logits = np.where((made.groups == "person0")[:, None, None], made.logits, 30 * np.eye(7)[made.labels][:, None])
    report = calibration_report(replace(made, logits=logits.astype(np.float32)))
    assert report.cross_fitted is None
    assert "no temperature is low enough" in report.note


def all_right() -> Evaluation:
    made = predictions()
    return replace(made, logits=np.repeat(5 * np.eye(7, dtype=np.float32)[made.labels][:, None], 2, axis=1))


def chance() -> Evaluation:
    made = predictions(clips=700)
    return replace(made, labels=(made.labels + np.arange(700) // 7) % 7)


BAD = {
    "all clips right": (all_right(), "these 60 clips are all recognised, in one of their test clips at least"),
    "no better than chance": (chance(), "on these 700 clips the recognizer is no better than chance"),
    "one class": (predictions(labels=np.zeros(60, int)), "all clips are of class 'walk'"),
    "no logits": (predictions(logits=None), "recognizer0: there are no logits to calibrate"),
}


@pytest.mark.parametrize(("made", "message"), BAD.values(), ids=BAD)
def test_clips_that_no_temperature_fits(made: Evaluation, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_temperature(made)


def test_without_logits_there_is_no_other_temperature() -> None:
    with pytest.raises(InputError, match="without logits"):
        at_temperature(predictions(logits=None), 2.0)


def told(*clips: tuple[str, str, float]) -> Evaluation:
    """Predictions given as the clip's class, the most probable one, and its probability."""
    names = ("wave", "nod", "nothing")
    probabilities = np.empty((len(clips), 3))
    for row, (_, best, probability) in zip(probabilities, clips, strict=True):
        row[:] = (1 - probability) / 2
        row[names.index(best)] = probability
    labels = np.array([names.index(label) for label, *_ in clips])
    return predictions(clips=len(clips), classes=3, labels=labels, probabilities=probabilities, class_names=names)


RIGHT = (("wave", "wave", 0.9), ("nod", "nod", 0.8))


@pytest.mark.parametrize(
    ("clips", "value", "f1", "f1_without"),
    [
        (RIGHT, 0.0, 1.0, 1.0),
        ((*RIGHT, ("nothing", "wave", 0.6)), 0.7, 1.0, 0.8),
        ((*RIGHT, ("nothing", "nothing", 0.6)), 0.0, 1.0, 1.0),
        ((*RIGHT, ("wave", "nod", 0.5)), 0.65, 0.8, 2 / 3),
        ((("nothing", "wave", 0.95), *RIGHT), 0.0, 0.8, 0.8),
        ((("nothing", "nothing", 0.9),), 0.0, 0.0, 0.0),
    ],
    ids=[
        "all right",
        "a false alarm that is less sure",
        "silence that is right",
        "a mistake that is less sure",
        "a false alarm that is surer than all",
        "no actions",
    ],
)
def test_the_threshold_has_the_best_f1(
    clips: tuple[tuple[str, str, float], ...], value: float, f1: float, f1_without: float
) -> None:
    found = choose_threshold(told(*clips), "nothing")
    assert (found.value, found.f1, found.f1_without) == pytest.approx((value, f1, f1_without))


@given(st.integers(0, 2**32 - 1), st.sampled_from(["", "wave"]))
def test_no_other_threshold_is_better(seed: int, no_action: str) -> None:
    made = predictions(seed, clips=40, classes=4)
    nothing = made.class_names.index(no_action) if no_action in made.class_names else -1
    best, shown = made.probabilities.argmax(axis=1), made.probabilities.max(axis=1)

    def f1(threshold: float) -> float:
        says = (best != nothing) & (shown >= threshold)
        right = int((says & (best == made.labels)).sum())
        return 2 * right / max(1, int(says.sum()) + int((made.labels != nothing).sum()))

    found = choose_threshold(made, no_action)
    assert found.f1 == pytest.approx(f1(found.value))
    assert all(f1(other) <= found.f1 + 1e-12 for other in np.linspace(0, 1, 101))


def test_a_recognizer_gets_what_the_report_found() -> None:
    report = calibration_report(drawn(3.0), "")
    found = calibrated(sides().main, report)
    assert (found.temperature, found.threshold) == (report.temperature, report.threshold.value)
