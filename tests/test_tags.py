"""Text in pictures: inside them, off each other, and readable."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from skelact.drawing import text_size
from skelact.tags import Box, bar_box, draw_bar, draw_tag, place_tag, text_mask

BLUE = (178, 114, 0)
SIZES = [(160, 120), (854, 480), (480, 854), (3840, 2160)]
LONG = "put on a hat/cap (person 12) 93%"

numbers = st.floats(-1e4, 1e4)
sides = st.integers(1, 400)
box_sizes = st.tuples(sides, sides)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, top, width, height = (draw(st.integers(0, 300)) for _ in range(4))
    return left, top, left + width, top + height


def meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@given(box_sizes, st.tuples(numbers, numbers), box_sizes, st.lists(boxes(), max_size=5))
def test_a_tag_is_inside_the_picture_and_as_large_as_it_can_be(
    size: tuple[int, int], where: tuple[float, float], picture: tuple[int, int], taken: list[Box]
) -> None:
    left, top, right, bottom = place_tag(size, where, picture, taken)
    assert 0 <= left < right <= picture[0]
    assert 0 <= top < bottom <= picture[1]
    assert (right - left, bottom - top) == (min(size[0], picture[0]), min(size[1], picture[1]))


@given(box_sizes, st.tuples(numbers, numbers), box_sizes, st.lists(boxes(), max_size=5))
def test_a_tag_meets_another_only_if_it_would_everywhere_above_and_below(
    size: tuple[int, int], where: tuple[float, float], picture: tuple[int, int], taken: list[Box]
) -> None:
    left, top, right, bottom = place_tag(size, where, picture, taken)
    places = [(left, y, right, y + bottom - top) for y in range(picture[1] - (bottom - top) + 1)]
    free = [place for place in places if not any(meet(place, other) for other in taken)]
    assume(free)
    assert (left, top, right, bottom) in free


@given(st.lists(st.tuples(st.floats(0, 640), st.floats(0, 480)), min_size=1, max_size=12))
def test_a_crowd_gets_tags_off_each_other(wheres: list[tuple[float, float]]) -> None:
    taken: list[Box] = []
    for where in wheres:
        taken.append(place_tag((300, 20), where, (640, 480), taken))
    assert not any(meet(one, other) for k, one in enumerate(taken) for other in taken[:k])


def test_a_tag_with_room_is_right_above_its_place() -> None:
    assert place_tag((100, 20), (50, 200), (640, 480), []) == (50, 180, 150, 200)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", ["7", LONG, "", "x" * 5000, "Händeschütteln 55%", "пить воду 8%"])
def test_tags_and_bars_change_nothing_outside_of_them(size: tuple[int, int], text: str) -> None:
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    box = draw_tag(image, text, (size[0] * 0.9, 5.0), BLUE, text_size(*size))
    changed = (image != 128).any(axis=2)
    assert changed[box[1] : box[3], box[0] : box[2]].mean() > 0.95
    changed[box[1] : box[3], box[0] : box[2]] = False
    assert not changed.any()
    draw_bar(image, text, "1:02.3", text_size(*size))
    _, top, _, bottom = bar_box(*size, text_size(*size))
    assert bottom == size[1]
    assert (image[top] != 128).any(axis=1).all()
    assert (image[box[3] : top] == 128).all()


@given(st.integers(1, 60), st.integers(1, 60), st.text(max_size=30), numbers, numbers, st.integers(8, 40))
def test_any_text_in_the_smallest_picture(width: int, height: int, text: str, x: float, y: float, size: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    left, top, right, bottom = draw_tag(image, text, (x, y), BLUE, size)
    draw_bar(image, text, text, size)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@pytest.mark.parametrize("size", SIZES)
def test_text_grows_with_the_picture(size: tuple[int, int]) -> None:
    """A thirtieth of the shorter side, so that it is as readable on a large screen; and never below 11 pixels."""
    assert text_size(*size) == pytest.approx(max(11, min(size) / 32), abs=1)
    ink = text_mask("jump high", text_size(*size), 10_000) > 128
    rows = np.flatnonzero(ink.any(axis=1))
    assert rows[-1] - rows[0] + 1 == pytest.approx(text_size(*size), rel=0.25)


def test_text_is_light_on_dark_and_dark_on_light() -> None:
    for colour, inked in (((90, 20, 20), 200), ((200, 250, 250), 60)):
        image = np.zeros((100, 300, 3), np.uint8)
        left, top, right, bottom = draw_tag(image, "wave", (10, 90), colour, 20)
        strongest = np.abs(image[top:bottom, left:right].astype(int) - colour).sum(axis=2)
        assert (image[top:bottom, left:right][strongest == strongest.max()].mean() > 128) == (inked > 128)


@pytest.mark.parametrize("widest", [40, 80, 160, 240])
def test_a_long_text_is_cut_before_its_figure(widest: int) -> None:
    mask, figure = text_mask(LONG, 15, widest), text_mask("93%", 15, widest)
    assert mask.shape[1] <= widest < text_mask(LONG, 15, 10_000).shape[1]
    kept = figure.shape[1] + 30 < widest  # where it has room beside a letter and the ellipsis
    ends = [np.abs(mask[:, -figure.shape[1] - k :][:, : figure.shape[1]].astype(int) - figure).mean() for k in (0, 1)]
    assert (min(ends) < 25) == kept


def test_letters_of_several_scripts_are_not_boxes() -> None:
    """The font has a box for each letter that it lacks."""
    letters = [text_mask(letter, 40, 100) for letter in "äßλйשع￿"]
    padded = [np.pad(mask, ((0, 0), (0, 100 - mask.shape[1]))) for mask in letters]
    assert all(np.abs(one.astype(int) - padded[-1]).mean() > 1 for one in padded[:-1])
    assert all((one != other).any() for one, other in pairwise(padded))


def test_line_breaks_do_not_make_a_tag_higher() -> None:
    assert (text_mask("a\nb\t c", 15, 100) == text_mask("a b c", 15, 100)).all()
