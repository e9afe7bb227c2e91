"""The filter of all tracks at once does what mmdet's does for each; the camera's motion is what most boxes say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.motion import begin, camera_shift, correct, expected_boxes, measure, predict
from skelact.openmmlab import prepare

sides = st.floats(20, 400)
places = st.floats(-100, 2000)
box = st.tuples(places, places, sides, sides).map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])


@pytest.fixture(scope="module")
def reference() -> Any:
    prepare()
    from mmdet.models.task_modules.tracking import KalmanFilter

    return KalmanFilter()


@given(st.lists(box, min_size=1, max_size=6))
def test_boxes_come_back_from_their_measures(boxes: list[list[float]]) -> None:
    given_boxes = np.array(boxes)
    means, _ = begin(measure(given_boxes))
    np.testing.assert_allclose(expected_boxes(means), given_boxes, atol=1e-6)


@settings(max_examples=40)
@given(tracks=st.lists(st.lists(box, min_size=4, max_size=4), min_size=1, max_size=4), lost=st.booleans())
def test_each_track_moves_as_in_mmdet(reference: Any, tracks: list[list[list[float]]], lost: bool) -> None:
    measures = np.array([measure(np.array(boxes)) for boxes in tracks])  # tracks, frames, 4
    means, covariances = begin(measures[:, 0])
    single = [reference.initiate(row) for row in measures[:, 0]]
    for t in range(1, measures.shape[1]):
        for k, (mean, _) in enumerate(single):
            mean[7] = 0 if lost else mean[7]
            single[k] = reference.predict(*single[k])
        means, covariances = predict(means, covariances, np.full(len(means), lost))
        if min(mean[3] for mean, _ in single) < 1:
            return  # mmdet's heights may become negative, ours stay a pixel
        single = [reference.update(*state, row) for state, row in zip(single, measures[:, t], strict=True)]
        means, covariances = correct(means, covariances, measures[:, t])
    np.testing.assert_allclose(means, [mean for mean, _ in single], rtol=1e-6, atol=1e-6)
    for k, (_, matrix) in enumerate(single):
        value, both, speed = covariances[k].T
        np.testing.assert_allclose(np.diag(matrix), [*value, *speed], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(np.diag(matrix[:4, 4:]), both, rtol=1e-6, atol=1e-9)


def crowd(persons: int) -> np.ndarray:
    left = 150.0 * np.arange(persons)
    return np.stack([left, np.full(persons, 100.0), left + 60, np.full(persons, 280.0)], axis=1)


@given(persons=st.integers(4, 8), x=st.floats(-15, 15), y=st.floats(-30, 30))
def test_the_camera_moved_as_all_boxes_did(persons: int, x: float, y: float) -> None:
    boxes = crowd(persons)
    np.testing.assert_allclose(camera_shift(boxes, boxes + np.array([x, y, x, y])), [x, y], atol=1e-9)


def test_one_who_walks_does_not_move_the_camera() -> None:
    boxes = crowd(5)
    found = boxes.copy()
    found[2, ::2] += 12
    assert camera_shift(boxes, found).tolist() == [0, 0]


@pytest.mark.parametrize("persons", [0, 1, 3])
def test_few_persons_say_nothing_of_the_camera(persons: int) -> None:
    boxes = crowd(persons)
    assert camera_shift(boxes, boxes + 5).tolist() == [0, 0]
    assert camera_shift(crowd(6), boxes + 5).tolist() == [0, 0]
