"""Overlap of boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from skelact.boxes import match, overlaps

corners = st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        pytest.param((0, 0, 10, 10), (0, 0, 10, 10), 1.0, id="the same"),
        pytest.param((0, 0, 10, 10), (5, 0, 15, 10), 1 / 3, id="half beside"),
        pytest.param((0, 0, 10, 10), (0, 0, 5, 5), 0.25, id="one in the other"),
        pytest.param((0, 0, 10, 10), (10, 0, 20, 10), 0.0, id="side by side"),
        pytest.param((0, 0, 10, 10), (20, 20, 30, 30), 0.0, id="apart"),
        pytest.param((3, 3, 3, 3), (3, 3, 3, 3), 0.0, id="empty"),
        pytest.param((5, 5, 0, 0), (0, 0, 10, 10), 0.0, id="upside down"),
    ],
)
def test_overlaps(first: tuple[int, ...], second: tuple[int, ...], share: float) -> None:
    found = overlaps(np.array([first], np.float32), np.array([second], np.float32))
    assert found.tolist() == [[pytest.approx(share)]]


@given(st.lists(corners, min_size=0, max_size=5), st.lists(corners, min_size=0, max_size=5))
def test_an_overlap_is_a_share_counted_pixel_by_pixel(
    first: list[tuple[int, ...]], second: list[tuple[int, ...]]
) -> None:
    def pixels(box: tuple[int, ...]) -> np.ndarray:
        image = np.zeros((50, 50), bool)
        image[box[1] : max(box[1], box[3]), box[0] : max(box[0], box[2])] = True
        return image

    found = overlaps(*(np.array(boxes, np.float32).reshape(-1, 4) for boxes in (first, second)))
    assert found.shape == (len(first), len(second))
    for a, box in enumerate(first):
        for b, other in enumerate(second):
            union = (pixels(box) | pixels(other)).sum()
            wanted = (pixels(box) & pixels(other)).sum() / union if union else 0
            assert found[a, b] == pytest.approx(wanted)


@given(arrays.arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=16)))
def test_overlap_is_symmetric(boxes: np.ndarray) -> None:
    assert np.array_equal(overlaps(boxes, boxes), overlaps(boxes, boxes).T)


def test_a_match_is_mutual_and_close() -> None:
    first = np.array([(0, 0, 10, 10), (3, 0, 13, 10), (50, 50, 60, 60)], np.float32)
    second = np.array([(1, 0, 11, 10), (56, 50, 66, 60)], np.float32)
    here, there = match(first, second, 0.5)
    assert (here.tolist(), there.tolist()) == ([0], [0]), "the second is nearer to nobody, the third too far"
