"""Figures of a test, against their definitions in plain numpy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.training.evaluate import Evaluation
from skelact.training.metrics import (
    FEWEST_GROUPS,
    bootstrap,
    calibration_error,
    confusion_matrix,
    figures,
    negative_log_likelihood,
)
from tests.training.predictions import predictions

MADE = st.builds(
    predictions,
    st.integers(0, 2**32 - 1),
    clips=st.integers(1, 40),
    classes=st.integers(2, 10),
    test_clips=st.integers(1, 3),
    groups=st.integers(1, 12),
    sharpness=st.sampled_from([0.01, 1.0, 20.0]),
)


def by_hand(rows: list[list[float]], labels: list[int]) -> Evaluation:
    """Predictions of clips of one person each."""
    names = np.array([f"clip{k}" for k in range(len(rows))])
    return Evaluation(names, names, np.array(labels), np.array(rows), tuple("abc"))


FIVE = by_hand([[0.9, 0.1, 0], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.4, 0.3, 0.3]], [0, 0, 0, 1, 1])


def test_figures_of_five_clips() -> None:
    figure = figures(FIVE)
    assert (figure.clips, figure.groups) == (5, 5)
    assert figure.top1 == 4 / 5
    assert figure.mean_class_accuracy == (1 + 1 / 2) / 2
    assert figure.top5 is None
    assert figure.nll == pytest.approx(-np.log([0.9, 0.6, 0.5, 0.7, 0.3]).mean())
    # Each clip is alone in its bin: the error is the mean of |right - confidence|.
    assert figure.ece == pytest.approx((0.1 + 0.4 + 0.5 + 0.3 + 0.4) / 5)
    assert json.loads(json.dumps(figure.to_dict()))["classes"] == {
        "a": {"clips": 3, "top1": 1.0},
        "b": {"clips": 2, "top1": 0.5},
    }


def test_a_class_without_clips_does_not_lower_the_mean_though_it_is_predicted() -> None:
    wrong = by_hand([[0.1, 0.1, 0.8], [0.1, 0.8, 0.1]], [1, 1])
    assert figures(wrong).mean_class_accuracy == 1 / 2


def test_probabilities_a_rounding_error_above_1_are_not_taken_for_logits() -> None:
    above = np.nextafter(1, 2)
    sure = by_hand([[above, 0, 0], [0.2, 0.8, 0]], [0, 1])
    assert calibration_error(sure) == pytest.approx(0.1)


def test_a_right_class_of_probability_0_leaves_a_finite_loss() -> None:
    assert 100 < negative_log_likelihood(by_hand([[0, 1, 0]], [0])) < np.inf


@settings(deadline=None, max_examples=60)
@given(MADE)
def test_figures_agree_with_their_definitions(made: Evaluation) -> None:
    figure = figures(made, resamples=10)
    p, labels = made.probabilities, made.labels
    right = p.argmax(axis=1) == labels
    assert figure.top1 == pytest.approx(right.mean())
    assert figure.top1 == made.top1
    assert figure.mean_class_accuracy == pytest.approx(np.mean([right[labels == k].mean() for k in np.unique(labels)]))
    if len(made.class_names) > 5:
        best = np.argsort(-p, axis=1)[:, :5]
        assert figure.top5 == pytest.approx((best == labels[:, None]).any(axis=1).mean())
    else:
        assert figure.top5 is None
    assert figure.nll == pytest.approx(np.mean([-np.log(p[k, labels[k]]) for k in range(len(p))]))
    assert {name: row.clips for name, row in figure.classes.items()} == {
        made.class_names[k]: (labels == k).sum() for k in np.unique(labels)
    }


@settings(deadline=None, max_examples=60)
@given(MADE, st.integers(1, 20))
def test_the_calibration_error_agrees_with_its_definition(made: Evaluation, bins: int) -> None:
    confidence = made.probabilities.max(axis=1).astype(np.float32)
    right = made.predicted == made.labels
    edges = np.linspace(0, 1, bins + 1).astype(np.float32)
    places = np.searchsorted(edges, confidence, side="right")  # the bin of exactly 1 is its own
    expected = sum(
        np.mean(places == k) * abs(right[places == k].mean() - confidence[places == k].mean())
        for k in np.unique(places)
    )
    assert calibration_error(made, bins) == pytest.approx(expected, abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(MADE)
def test_the_confusion_matrix_counts_clips_by_class_and_prediction(made: Evaluation) -> None:
    counts = confusion_matrix(made)
    expected = np.zeros_like(counts)
    for label, predicted in zip(made.labels, made.predicted, strict=True):
        expected[label, predicted] += 1
    np.testing.assert_array_equal(counts, expected)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(40, 200))
def test_intervals_hold_the_figures_they_are_of(seed: int, groups: int, clips: int) -> None:
    made = predictions(seed, clips=clips, classes=4, groups=groups)
    intervals = bootstrap(made, resamples=400, seed=seed)
    figure = figures(made, resamples=2)
    assert 0 <= intervals.top1.low <= figure.top1 <= intervals.top1.high <= 1
    assert intervals.mean_class_accuracy.low <= figure.mean_class_accuracy <= intervals.mean_class_accuracy.high
    assert intervals.resampled == ("groups" if groups >= FEWEST_GROUPS else "clips within groups")


def test_intervals_are_the_same_every_time_and_differ_with_the_seed() -> None:
    made = predictions(clips=61, groups=8)
    assert bootstrap(made, 50, seed=3) == bootstrap(made, 50, seed=3)
    assert bootstrap(made, 50, seed=3) != bootstrap(made, 50, seed=4)


def test_groups_that_differ_make_a_wider_interval_than_clips_that_do() -> None:
    """Half of ten persons are always right and half never: drawn as clips, that would look far more certain."""
    labels = np.zeros(200, dtype=int)
    right = np.arange(200) % 10 < 5
    made = Evaluation(
        np.array([f"clip{k}" for k in range(200)]),
        np.array([f"person{k % 10}" for k in range(200)]),
        labels,
        np.where(right[:, None], [0.9, 0.1], [0.1, 0.9]),
        ("a", "b"),
    )
    by_group = bootstrap(made).top1
    one_group = bootstrap(replace(made, groups=np.full(200, "person0"))).top1
    # The standard error of ten draws of 0 or 1 is 0.16, that of 200 is 0.035.
    assert by_group.high - by_group.low == pytest.approx(2 * 1.96 * 0.158, rel=0.15)
    assert one_group.high - one_group.low == pytest.approx(2 * 1.96 * 0.0354, rel=0.15)


def test_clips_are_drawn_within_their_groups() -> None:
    """Where every group is all right or all wrong, drawing within groups changes nothing."""
    made = predictions(clips=40, classes=2, groups=2)
    right = made.groups == "person0"
    made = replace(made, probabilities=np.where(right[:, None] == (np.arange(2) == made.labels[:, None]), 0.9, 0.1))
    interval = bootstrap(made).top1
    assert (interval.low, interval.high) == (0.5, 0.5)
