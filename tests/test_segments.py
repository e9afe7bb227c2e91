"""Probabilities step by step to segments."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.results import Segment
from skelact.segments import REACH, SHORTEST, Segmenter, Step

NAMES = ("wave", "nod", "nothing")
SIGNS = {"w": 0, "n": 1, "-": 2}


def step(sign: str, sure: float = 1.0, persons: tuple[int, ...] = (1,)) -> Step:
    """A step in which a class is so probable, the others equally less; or, for a dot, nobody was seen."""
    if sign == ".":
        return Step(np.zeros(3), ())
    probabilities = np.full(3, (1 - sure) / 2)
    probabilities[SIGNS[sign]] = sure
    return Step(probabilities, persons)


def segments(
    steps: list[Step], *, window: float = 1.0, stride: float = 0.2, end: float | None = None, **options: object
) -> list[Segment]:
    segmenter = Segmenter(NAMES, no_action="nothing", window=window, stride=stride, **options)  # type: ignore[arg-type]
    found = [segment for one in steps for segment in segmenter.add(one)]
    return found + segmenter.finish(len(steps) * stride if end is None else end)


def told(text: str, **options: object) -> list[tuple[str, int, int]]:
    """Segments as action, first step and the one after the last."""
    found = segments([step(sign) for sign in text], **options)  # type: ignore[arg-type]
    return [(one.action, round(one.start / 0.2), round(one.end / 0.2)) for one in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wwwwwwwwww", [("wave", 0, 10)]),
        ("----------", []),
        ("..........", []),
        ("---wwwwww---", [("wave", 3, 9)]),
        ("wwwwwwnnnnnn", [("wave", 0, 6), ("nod", 6, 12)]),
        ("wwwwww...wwwwww", [("wave", 0, 6), ("wave", 9, 15)]),
        ("-----w-----", []),
        ("wwwww-wwwww", [("wave", 0, 11)]),
        ("wwwwwnwwwww", [("wave", 0, 11)]),
        ("wwwwww-----wwwwww", [("wave", 0, 6), ("wave", 11, 17)]),
        ("w", []),
        ("", []),
    ],
    ids=[
        "one action all the time",
        "no action",
        "nobody",
        "an action between two pauses",
        "two actions without a pause",
        "an action, nobody, the same again",
        "a single step is noise",
        "a pause of a single step is noise",
        "another action for a single step is noise",
        "a pause divides",
        "too short to be told",
        "no steps",
    ],
)
def test_runs_of_steps_are_segments(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert told(text) == expected


def test_where_nobody_is_seen_the_neighbours_do_not_reach() -> None:
    segmenter = Segmenter(NAMES, window=1.0, stride=0.2)
    rows = []
    for sign in "www..www":
        segmenter.add(step(sign))
        rows += segmenter.smoothed
    segmenter.finish(1.6)
    rows += segmenter.smoothed
    assert [round(float(row.sum()), 6) for row in rows] == [1, 1, 1, 0, 0, 1, 1, 1]
    assert rows[2].tolist() == [1, 0, 0]


def test_an_action_less_probable_than_the_threshold_is_not_told() -> None:
    steps = [step("w", 0.6) for _ in range(8)] + [step("n", 0.8) for _ in range(8)]
    assert [one.action for one in segments(steps, threshold=0.5)] == ["wave", "nod"]
    assert [one.action for one in segments(steps, threshold=0.7)] == ["nod"]
    assert segments(steps, threshold=0.9) == []


def test_a_segment_has_the_mean_probability_and_all_persons() -> None:
    steps = [step("w", 0.8, (3,)) for _ in range(5)] + [step("w", 0.8, (1, 3)) for _ in range(5)]
    (segment,) = segments(steps)
    assert segment.probability == pytest.approx(0.8)
    assert segment.persons == (1, 3)


def test_a_video_of_one_step_is_told_as_it_is() -> None:
    (segment,) = segments([step("w", 0.7)], window=2.4, stride=2.4)
    assert (segment.start, segment.end, segment.probability) == (0, 2.4, pytest.approx(0.7))


def test_the_last_segment_ends_with_the_video() -> None:
    (segment,) = segments([step("w")] * 8, end=1.5)
    assert segment.end == 1.5


def test_steps_may_begin_later() -> None:
    (segment,) = segments([step("w")] * 5, first=10, end=3.0)
    assert (segment.start, segment.end) == pytest.approx((2.0, 3.0))


def test_a_segment_is_told_as_soon_as_it_has_ended_for_certain() -> None:
    segmenter = Segmenter(NAMES, no_action="nothing", window=1.0, stride=0.2)
    counts = [len(segmenter.add(step(sign))) for sign in "wwwwwww------"]
    reach = round(REACH * 5)
    assert counts.index(1) <= 7 + 2 * reach
    assert sum(counts) == 1
    assert segmenter.finish(2.6) == []


def all_at_once(steps: list[Step], threshold: float, window: float, stride: float) -> tuple[np.ndarray, list[int]]:
    """What each step becomes when all are known: smoothed probabilities (S, 3), and the class told or -1."""
    reach = round(REACH * window / stride)
    rows = np.array([one.probabilities for one in steps]).reshape(-1, 3)
    seen = np.array([bool(one.persons) for one in steps], dtype=bool)
    places = np.arange(len(steps))
    weights = np.maximum(0, 1 - np.abs(places[:, None] - places) / (reach + 1)) * seen * seen[:, None]
    smoothed = weights @ rows / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    best = smoothed.argmax(axis=1) if len(steps) else np.zeros(0, int)
    told = seen & (best != SIGNS["-"]) & (smoothed.max(axis=1, initial=0) >= threshold)
    return smoothed, np.where(told, best, -1).tolist()


@given(
    st.lists(st.booleans(), max_size=60),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.5, 0.7]),
    st.sampled_from([(1.0, 0.2), (1.0, 0.5), (2.0, 0.3), (1.0, 1.0)]),
)
def test_step_by_step_is_the_same_as_all_at_once(
    seen: list[bool], seed: int, threshold: float, sizes: tuple[float, float]
) -> None:
    window, stride = sizes
    random = np.random.default_rng(seed)  # without ties, which rounding would decide
    favoured = np.repeat(random.integers(0, 3, 8), 8)
    steps = [
        Step(random.dirichlet(0.3 + 3 * (np.arange(3) == favoured[k])), (1,)) if here else step(".")
        for k, here in enumerate(seen)
    ]
    segmenter = Segmenter(NAMES, no_action="nothing", threshold=threshold, window=window, stride=stride)
    found: list[Segment] = []
    rows: list[np.ndarray] = []
    for one in steps:
        found += segmenter.add(one)
        rows += segmenter.smoothed
    found += segmenter.finish(len(steps) * stride)
    rows += segmenter.smoothed
    smoothed, classes = all_at_once(steps, threshold, window, stride)
    np.testing.assert_allclose(np.array(rows).reshape(-1, 3), smoothed, atol=1e-6)
    runs = [(label, len(list(run))) for label, run in groupby(classes)]
    starts = np.cumsum([0, *(length for _, length in runs)])
    least = max(1, round(SHORTEST * window / stride))
    expected = [
        (NAMES[label], int(start), int(start) + length)
        for (label, length), start in zip(runs, starts[:-1], strict=True)
        if label >= 0 and length >= least
    ]
    assert [(one.action, round(one.start / stride), round(one.end / stride)) for one in found] == expected


@given(
    st.text("wn-.", max_size=40),
    st.floats(0.34, 1),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([(1.0, 0.2), (1.0, 0.5), (2.0, 0.3), (1.0, 1.0)]),
)
def test_segments_are_in_order_apart_and_long_enough(
    text: str, sure: float, threshold: float, sizes: tuple[float, float]
) -> None:
    window, stride = sizes
    found = segments([step(sign, sure) for sign in text], window=window, stride=stride, threshold=threshold)
    edges = [time for one in found for time in (one.start, one.end)]
    assert edges == sorted(edges)
    least = max(1, round(SHORTEST * window / stride)) * stride
    for one in found:
        assert one.end - one.start >= least - 1e-9
        assert one.end <= len(text) * stride + 1e-9
        assert one.action in ("wave", "nod")
        assert threshold - 1e-9 <= one.probability <= 1 + 1e-9
