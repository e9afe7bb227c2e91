"""Figures of a test."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skelact.training.evaluate import Evaluation

RIGHT = [0.9, 0.1, 0], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1]
EVALUATION = Evaluation(
    np.array([*RIGHT, [0.2, 0.7, 0.1], [0.4, 0.3, 0.3]]), np.array([0, 0, 0, 1, 1]), ("a", "b", "c")
)


def test_accuracy_over_clips_and_over_classes() -> None:
    assert EVALUATION.predicted.tolist() == [0, 0, 0, 1, 0]
    assert EVALUATION.top1 == pytest.approx(4 / 5)
    assert EVALUATION.mean_class_accuracy == pytest.approx((1 + 1 / 2) / 2)


def test_figures_as_plain_values_name_the_classes_that_occur() -> None:
    figures = EVALUATION.to_dict()
    assert json.loads(json.dumps(figures)) == {
        "clips": 5,
        "top1": pytest.approx(0.8),
        "mean_class_accuracy": pytest.approx(0.75),
        "classes": {"a": {"clips": 3, "top1": 1.0}, "b": {"clips": 2, "top1": 0.5}},
    }
