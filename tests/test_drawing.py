"""Persons drawn into pictures."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.drawing import COLOURS, HAND_COLOURS, SEEN, colour_of, draw_persons
from skelact.keypoints import FACE, LAYOUTS, LEFT_HAND, RIGHT_HAND, get_layout
from skelact.sequence import PoseSequence

GREY = 100
BODY = {
    "nose": (0, -90), "left_eye": (8, -98), "right_eye": (-8, -98), "left_ear": (18, -94), "right_ear": (-18, -94),
    "left_shoulder": (35, -60), "right_shoulder": (-35, -60), "left_elbow": (60, -20), "right_elbow": (-60, -20),
    "left_wrist": (75, 20), "right_wrist": (-75, 20), "left_hip": (22, 30), "right_hip": (-22, 30),
    "left_knee": (24, 85), "right_knee": (-24, 85), "left_ankle": (25, 140), "right_ankle": (-25, 140),
    "left_big_toe": (38, 150), "left_small_toe": (44, 148), "left_heel": (22, 148), "right_big_toe": (-38, 150),
    "right_small_toe": (-44, 148), "right_heel": (-22, 148),
}  # fmt: skip


def figure(layout: str = "wholebody133", centres: tuple[tuple[float, float], ...] = ((320, 240),)) -> PoseSequence:
    """Persons who stand at these places of a picture of 640 x 480, one frame long, numbered 0, 1, ..."""
    found = get_layout(layout)
    points = np.zeros((len(found), 2), np.float32)
    for name, place in found.index.items():
        side = -1 if name.startswith("right") else 1
        finger, joint = divmod(max(0, place - found.index.get(f"{name.split('_')[0]}_hand_root", 0) - 1), 4)
        if name in BODY:
            points[place] = BODY[name]
        elif name.startswith("face"):
            points[place] = 25 * np.cos(place), -92 + 30 * np.sin(place)
        elif name.endswith("hand_root"):
            points[place] = 75 * side, 22
        else:
            points[place] = (68 + 6 * finger) * side, 30 + 8 * joint
    keypoints = (points + np.array(centres, np.float32)[:, None, None])[:, :1]
    count = len(centres)
    return PoseSequence(
        keypoints,
        np.ones((count, 1, len(found)), np.float32),
        np.concatenate([keypoints.min(axis=2) - 5, keypoints.max(axis=2) + 5], axis=-1),
        np.arange(count),
        np.zeros(1),
        640,
        480,
        25.0,
        layout=layout,
    )


def drawn(
    sequence: PoseSequence, captions: dict[int, str] | None = None, size: tuple[int, int] = (640, 480)
) -> np.ndarray:
    image = np.full((size[1], size[0], 3), GREY, np.uint8)
    draw_persons(image, sequence, 0, captions or {})
    return image


def changed(image: np.ndarray) -> np.ndarray:
    return (image != GREY).any(axis=2)


def seen_only(sequence: PoseSequence, places: range) -> PoseSequence:
    scores = np.zeros_like(sequence.scores)
    scores[:, :, list(places)] = 1
    return replace(sequence, scores=scores)


def near(image: np.ndarray, colour: tuple[int, int, int]) -> int:
    """How many pixels have a colour."""
    return int((np.abs(image.astype(int) - colour).max(axis=2) < 12).sum())


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_keypoints_are_marked_in_each_layout(layout: str) -> None:
    sequence = figure(layout)
    marks = changed(drawn(sequence))
    x, y = np.round(sequence.keypoints[0, 0]).astype(int).T
    assert marks[y, x].all()


def test_links_of_body_feet_and_hands_are_drawn() -> None:
    sequence = figure()
    marks = changed(drawn(sequence))
    links = [link for link in get_layout("wholebody133").links if not set(link) & set(FACE)]
    for child, parent in links:
        x, y = np.round(sequence.keypoints[0, 0, [child, parent]].mean(axis=0)).astype(int)
        assert marks[y, x]


def test_pixels_change_where_persons_are_and_nowhere_else() -> None:
    sequence = figure(centres=((160, 240), (480, 240)))
    marks = changed(drawn(sequence))
    for left, top, right, bottom in sequence.boxes[:, 0].astype(int):
        assert 0.02 < marks[top:bottom, left:right].mean() < 0.3
        marks[top - 25 : bottom + 5, left - 5 : right + 5] = False  # and a tag with the number
    assert not marks.any()


def test_who_is_absent_or_unsure_is_not_drawn() -> None:
    sequence = figure(centres=((160, 240), (480, 240)))
    sequence.scores[0] = 0
    sequence.scores[1] = SEEN
    assert not changed(drawn(sequence, {0: "wave", 1: "wave"})).any()


def test_an_unsure_keypoint_takes_its_links_with_it() -> None:
    sequence = figure("coco17")
    knee = get_layout("coco17").index["left_knee"]
    sequence.scores[0, 0, knee] = 0
    marks = changed(drawn(sequence))
    x, y = sequence.keypoints[0, 0, knee].astype(int)
    assert not marks[y - 15 : y + 15, x - 15 : x + 15].any()


def test_left_and_right_hands_have_colours_of_their_own() -> None:
    for places, own, other in ((LEFT_HAND, "left", "right"), (RIGHT_HAND, "right", "left")):
        image = drawn(seen_only(figure(), places))
        assert near(image, HAND_COLOURS[own]) > 100
        assert near(image, HAND_COLOURS[other]) == 0


def test_a_face_is_drawn_where_it_is_large_enough() -> None:
    face = seen_only(figure(), FACE)
    assert near(drawn(face), (245, 245, 245)) > 50
    assert near(drawn(face, size=(160, 120)), (245, 245, 245)) == 0


def test_persons_keep_their_colours_and_can_be_told_apart() -> None:
    assert [colour_of(k) for k in range(7)] == list(COLOURS)
    assert colour_of(7 * 10**9 + 3) == colour_of(3)
    everything = [*COLOURS, *HAND_COLOURS.values()]
    for one, other in combinations(everything, 2):
        assert np.abs(np.subtract(one, other)).max() > 45
    image = drawn(figure(centres=((160, 240), (480, 240))))
    for k, half in enumerate((image[:, :320], image[:, 320:])):
        assert near(half, colour_of(k)) > 300
        assert near(half, colour_of(1 - k)) == 0


def test_a_caption_stands_beside_its_person_only() -> None:
    sequence = figure(centres=((160, 240), (480, 240)))
    with_caption, without = drawn(sequence, {1: "wave 93%", 5: "is not there"}), drawn(sequence)
    differs = (with_caption != without).any(axis=2)
    left, top, *_ = sequence.boxes[1, 0]
    assert differs.sum() > 200
    y, x = np.nonzero(differs)
    assert x.min() >= left
    assert top - 30 <= y.min() <= y.max() < top


def test_tags_of_persons_side_by_side_do_not_cover_each_other() -> None:
    sequence = figure(centres=((300, 240), (320, 250), (340, 245)))
    text = "hugging other person 93%"
    image = drawn(sequence, dict.fromkeys(range(3), text))
    alone = [drawn(sequence.select([k]), {k: text}) for k in range(3)]
    for k in range(3):
        assert near(image, colour_of(k)) > 0.8 * near(alone[k], colour_of(k)) - 500


def test_no_tag_is_where_none_should_be() -> None:
    low = figure(centres=((320, 640),))
    sequence = replace(low, boxes=np.zeros_like(low.boxes))
    image = np.full((480, 640, 3), GREY, np.uint8)
    draw_persons(image, sequence, 0, {0: "wave"}, taken=((0, 440, 640, 480),))
    tag = near(image[400:440], COLOURS[0])
    assert tag > 300


@pytest.mark.parametrize(("width", "height"), [(320, 240), (854, 480), (480, 854), (1920, 1080), (3840, 2160)])
def test_what_is_drawn_grows_with_the_picture(width: int, height: int) -> None:
    share = changed(drawn(figure(), {0: "wave 93%"}, (width, height))).mean()
    usual = changed(drawn(figure(), {0: "wave 93%"})).mean()
    assert 0.4 * usual < share < 2.5 * usual


def test_lines_of_small_persons_are_thin() -> None:
    """A person of a tenth of the size takes much less than a tenth of the paint, but is there."""
    small = figure()
    small = replace(small, keypoints=small.keypoints / 10 + 200, boxes=small.boxes / 10 + 200)
    count, usual = (near(drawn(sequence), colour_of(0)) for sequence in (small, figure()))
    assert 20 < count < usual / 3


values = st.floats(allow_nan=True, allow_infinity=True, width=32) | st.floats(-700, 700, width=32)


@given(st.data(), st.sampled_from(sorted(LAYOUTS)), st.integers(1, 90), st.integers(1, 90))
def test_any_keypoints_and_boxes_in_any_picture(data: st.DataObject, layout: str, width: int, height: int) -> None:
    sequence = figure(layout, ((100, 50), (300, 200)))
    for array in (sequence.keypoints, sequence.boxes, sequence.scores):
        flat = array.reshape(-1)
        for place in data.draw(st.lists(st.integers(0, flat.size - 1), max_size=20)):
            flat[place] = data.draw(values)
    image = drawn(sequence, {0: "wave", 1: "hug"}, (width, height))
    assert image.shape == (height, width, 3)


def test_persons_outside_of_the_picture_get_their_tags_inside() -> None:
    for centre in ((-500, 240), (2000, 240), (320, -600), (320, 1500)):
        marks = changed(drawn(figure(centres=(centre,)), {0: "wave"}))
        assert 300 < marks.sum() < 3000
