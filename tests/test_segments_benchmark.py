"""The figures of segments, on cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.segment_figures import Told, average_precision, f1, labels, overlap
from benchmarks.segments import FOLDS, NOTHING, compose

TWO: list[Told] = [(0, 10, "wave"), (20, 30, "nod")]


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ((0, 10), (0, 10), 1),
        ((0, 10), (5, 15), 1 / 3),
        ((0, 10), (2, 7), 0.5),
        ((0, 1), (2, 3), 0),
        ((0, 1), (1, 2), 0),
    ],
)
def test_overlap(one: tuple[float, float], other: tuple[float, float], share: float) -> None:
    assert overlap((*one, "a"), (*other, "b")) == pytest.approx(share)


@pytest.mark.parametrize(
    ("told", "score"),
    [
        (TWO, 1.0),
        ([], 0.0),
        ([(0, 10, "wave")], 2 / 3),
        ([(0, 10, "nod"), (20, 30, "wave")], 0.0),
        ([(0, 4, "wave"), (20, 30, "nod")], 0.5),
        ([(0, 6, "wave"), (6, 10, "wave"), (20, 30, "nod")], 0.8),
        ([*TWO, (40, 50, "wave")], 0.8),
    ],
    ids=["all", "nothing", "one of two", "wrong actions", "too short", "one in two pieces", "a false alarm"],
)
def test_f1(told: list[Told], score: float) -> None:
    assert f1([TWO], [told], 0.5) == pytest.approx(score)


def test_f1_is_over_all_sequences() -> None:
    assert f1([TWO, TWO], [TWO, []], 0.5) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("told", "score"),
    [
        ([(0, 10, "wave", 0.9), (20, 30, "nod", 0.1)], 1.0),
        ([(0, 10, "wave", 0.9)], 0.5),
        ([(0, 10, "wave", 0.4), (40, 50, "wave", 0.8), (20, 30, "nod", 0.1)], 0.75),
        ([(0, 10, "wave", 0.8), (40, 50, "wave", 0.4), (20, 30, "nod", 0.1)], 1.0),
        ([(0, 10, "wave", 0.8), (0, 10, "wave", 0.9), (20, 30, "nod", 0.1)], 1.0),
        ([], 0.0),
    ],
    ids=["all", "one of two", "a false alarm before", "a false alarm behind", "told twice", "nothing"],
)
def test_average_precision(told: list[tuple[float, float, str, float]], score: float) -> None:
    assert average_precision([TWO], [told], 0.5) == pytest.approx(score)


def test_frames_between_segments_are_nothing() -> None:
    found = labels([(1, 2, "wave")], np.arange(0, 3, 0.5), NOTHING)
    assert found.tolist() == [NOTHING, NOTHING, "wave", "wave", NOTHING, NOTHING]


def test_sequences_are_of_the_person_held_out_and_always_the_same(shared) -> None:
    data, fold = shared / "data", FOLDS["asl10_without2"]
    (first,) = compose(data, fold, sequences=1)
    (again,) = compose(data, fold, sequences=1)
    np.testing.assert_array_equal(first.sequence.keypoints, again.sequence.keypoints)
    assert first.segments == again.segments
    assert len(first.segments) == 12
    assert NOTHING not in {name for _, _, name in first.segments}
    edges = [time for start, end, _ in first.segments for time in (start, end)]
    assert edges == sorted(edges)
    (blended,) = compose(data, fold, blend=4, sequences=1)
    assert blended.sequence.num_frames == first.sequence.num_frames + 4 * 24
    assert [name for *_, name in blended.segments] == [name for *_, name in first.segments]
