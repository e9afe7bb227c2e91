"""Boxes of every frame from a detector that looks into some: with white boxes that move as told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.detection import Found, FrameDetector, interpolate
from skelact.pose import Detections

Box = tuple[float, float, float, float]
CERTAIN, WEAK = 0.9, 0.2


def found(*boxes: Box, score: float = CERTAIN) -> Detections:
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), score, np.float32))


class Told:
    """A detector that is told what is in each frame; the frames are their numbers."""

    name = "told"

    def __init__(self, frames: Sequence[Detections]) -> None:
        self.frames = frames
        self.looked: list[int] = []

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        places = [int(image.flat[0]) for image in images]
        self.looked += places
        return [self.frames[t] for t in places]


def run(
    frames: Sequence[Detections], every: int, batch: int, cuts: Sequence[int] = ()
) -> tuple[list[Found], list[int]]:
    """What is found in all frames, given batch by batch, and into which frames the detector looked."""
    told = Told(frames)
    finder = FrameDetector(told, every)
    result = []
    for start in range(0, len(frames), batch):
        places = range(start, min(start + batch, len(frames)))
        result += finder.detect([np.full((2, 2, 3), t, np.uint8) for t in places], [t in cuts for t in places])
    return result, sorted(told.looked)


def walk(length: int, step: float = 2.0) -> list[Detections]:
    return [found((10 + step * t, 20, 60 + step * t, 120)) for t in range(length)]


def test_every_frame_is_looked_into_by_default() -> None:
    frames = walk(10)
    result, looked = run(frames, every=1, batch=4)
    assert looked == list(range(10))
    assert all(each.looked for each in result)
    assert [each.detections for each in result] == frames


@pytest.mark.parametrize("batch", [4, 8, 16])
def test_between_looks_a_walker_is_where_a_straight_way_leads(batch: int) -> None:
    frames = walk(16)
    result, looked = run(frames, every=4, batch=batch)
    assert looked == [0, 3, 7, 11, 15], "the first, and the last of each four"
    assert [t for t, each in enumerate(result) if each.looked] == looked
    for each, true in zip(result, frames, strict=True):
        assert each.detections.boxes == pytest.approx(true.boxes, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "looked"),
    [
        pytest.param(lambda t: found() if t < 6 else walk(16)[t], [0, 3, 4, 5, 6, 7, 11, 15], id="a person comes"),
        pytest.param(lambda t: found() if t >= 9 else walk(16)[t], [0, 3, 7, 8, 9, 10, 11, 15], id="a person goes"),
        pytest.param(
            lambda t: found((10, 20, 60, 120) if t < 5 else (200, 20, 250, 120)),
            [0, 3, 4, 5, 6, 7, 11, 15],
            id="a person leaps",
        ),
        pytest.param(
            lambda t: found((10, 20, 60, 120), score=CERTAIN if t < 4 else WEAK), [0, 3, 7, 11, 15], id="one fades"
        ),
        pytest.param(lambda t: found((50.0 * t, 0, 50.0 * t + 9, 9), score=WEAK), [0, 3, 7, 11, 15], id="weak ones"),
        pytest.param(lambda t: found(), [0, 3, 7, 11, 15], id="nobody"),
    ],
)
def test_frames_between_are_looked_into_where_persons_change(change, looked: list[int]) -> None:
    frames = [change(t) for t in range(16)]
    result, places = run(frames, every=4, batch=8)
    assert places == looked
    for t in places:
        assert result[t].detections is frames[t]


def test_no_box_is_interpolated_over_a_cut() -> None:
    result, looked = run(walk(12), every=4, batch=12, cuts=[6])
    assert looked == [0, 3, 4, 5, 6, 7, 11]
    assert [each.looked for each in result] == [t in looked for t in range(12)]


def test_a_cut_at_the_beginning_of_a_batch_counts() -> None:
    assert run(walk(12), every=4, batch=4, cuts=[4])[1] == [0, 3, 4, 5, 6, 7, 11]


def test_two_who_cross_are_not_mixed_up() -> None:
    first, second = found((0, 0, 40, 100), (100, 0, 140, 100)), found((104, 0, 144, 100), (4, 0, 44, 100))
    middle = interpolate(first, second, 0.5)
    assert sorted(middle.boxes[:, 0].tolist()) == [2, 102]


lengths = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(lengths, st.integers(1, 6), st.lists(st.booleans(), min_size=60, max_size=60), st.data())
def test_every_frame_has_its_boxes_whatever_the_batches(
    batches: list[int], every: int, cuts: list[bool], data: st.DataObject
) -> None:
    total = sum(batches)
    presence = data.draw(st.lists(st.booleans(), min_size=total, max_size=total))
    frames = [walk(total)[t] if presence[t] else found() for t in range(total)]
    told, result, start = Told(frames), [], 0
    finder = FrameDetector(told, every)
    for length in batches:
        places = range(start, start + length)
        result += finder.detect([np.full((2, 2, 3), t, np.uint8) for t in places], cuts[start : start + length])
        start += length
    assert len(result) == total
    assert sorted(told.looked) == [t for t, each in enumerate(result) if each.looked], "no frame twice"
    assert all(each.detections is frames[t] for t, each in enumerate(result) if each.looked)
