"""Persons keep their numbers: who crosses, hides, leaves and comes back; on made-up walks, boxes only."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skelact.pose import Detections
from skelact.tracking import Tracker

SIZE = np.array([60.0, 180.0])


def person(x: float, y: float = 200, scale: float = 1) -> np.ndarray:
    """The box of a person around a place."""
    half = SIZE * scale / 2
    return np.array([x - half[0], y - half[1], x + half[0], y + half[1]], np.float32)


def seen(*boxes: np.ndarray, score: float = 0.9) -> Detections:
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), score, np.float32))


def ids_of(tracker: Tracker, detections: Detections) -> list[int]:
    """The ids of the detections in their order; -1 for those that are not tracked."""
    boxes, ids = tracker.update(detections)
    by_box = {tuple(box): int(track_id) for box, track_id in zip(boxes, ids, strict=True)}
    return [by_box.get(tuple(box), -1) for box in detections.boxes]


def test_two_persons_who_cross_keep_their_ids() -> None:
    tracker = Tracker(fps=30)
    # Different heights on the screen, as when one walks past behind the other.
    frames = [ids_of(tracker, seen(person(100 + 8 * t), person(600 - 8 * t, 215, 1.1))) for t in range(60)]
    assert set(map(tuple, frames)) == {tuple(frames[0])}
    assert frames[0][0] != frames[0][1]


def test_one_hidden_behind_another_while_crossing_keeps_their_id() -> None:
    tracker = Tracker(fps=30)
    first = ids_of(tracker, seen(person(100), person(600, 215, 1.1)))
    for t in range(1, 60):
        left, right = person(100 + 8 * t), person(600 - 8 * t, 215, 1.1)
        hidden = abs(left[0] - right[0]) < 30
        if hidden:
            assert ids_of(tracker, seen(right)) == first[1:]
        else:
            assert ids_of(tracker, seen(left, right)) == first


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_away_for_half_a_second_and_back_with_the_same_id(fps: int) -> None:
    tracker = Tracker(fps=fps)
    speed = 300 / fps  # pixels a frame: more than a body's width in the time away
    walk = [person(100 + speed * t) for t in range(3 * fps)]
    away = range(fps, fps + fps // 2)
    found = [ids_of(tracker, seen(*([] if t in away else [box]))) for t, box in enumerate(walk)]
    assert all(found[t] == [] for t in away)
    assert {ids[0] for t, ids in enumerate(found) if t not in away} == {found[0][0]}


def test_away_while_somebody_else_stays() -> None:
    tracker = Tracker(fps=30)
    first = ids_of(tracker, seen(person(100), person(500)))
    for _ in range(15):
        assert ids_of(tracker, seen(person(500))) == first[1:]
    assert ids_of(tracker, seen(person(100), person(500))) == first


def test_away_for_long_is_forgotten() -> None:
    tracker = Tracker(fps=30)
    first = [ids_of(tracker, seen(person(100))) for _ in range(10)][-1]
    for _ in range(90):
        assert ids_of(tracker, seen()) == []
    back = [ids_of(tracker, seen(person(100))) for _ in range(10)][-1]
    assert back != first
    assert back != [-1]


def test_weak_detections_within_a_track_are_kept() -> None:
    tracker = Tracker(fps=30)
    scores = [0.9] * 10 + [0.2] * 10 + [0.9] * 10
    found = [ids_of(tracker, seen(person(100 + 2 * t), score=score)) for t, score in enumerate(scores)]
    assert set(map(tuple, found)) == {tuple(found[0])}
    assert found[0] != [-1]


def test_weak_detections_alone_are_nobody() -> None:
    tracker = Tracker(fps=30)
    assert {tuple(ids_of(tracker, seen(person(100), score=0.3))) for _ in range(20)} == {(-1,)}


def test_who_joins_later_gets_an_id_of_their_own() -> None:
    tracker = Tracker(fps=30)
    first = [ids_of(tracker, seen(person(100))) for _ in range(5)][-1]
    both = [ids_of(tracker, seen(person(100), person(500))) for _ in range(5)]
    assert {ids[0] for ids in both} == set(first)
    assert len({ids[1] for ids in both}) == 1
    assert both[0][1] not in (-1, first[0])


def test_memory_does_not_grow_with_the_length_of_a_track() -> None:
    tracker = Tracker(fps=30)
    sizes = []
    for _ in range(3):
        for t in range(50):
            tracker.update(seen(person(100 + t % 3), person(400)))
        sizes.append(len(pickle.dumps(tracker)))
    assert sizes[2] <= sizes[0] * 1.05


def _detections() -> st.SearchStrategy[Detections]:
    """Any boxes, also empty, inside-out and infinite ones."""
    number = st.floats(-500, 2000, width=32) | st.sampled_from([np.nan, np.inf, -np.inf, 2.0**100])
    return st.integers(0, 5).flatmap(
        lambda persons: st.builds(
            Detections,
            npst.arrays(np.float32, (persons, 4), elements=number),
            npst.arrays(np.float32, (persons,), elements=st.floats(0, 1, width=32)),
        )
    )


def _walks() -> st.SearchStrategy[list[Detections]]:
    """Persons of any size who jump about a little, with any scores."""
    place = st.tuples(st.floats(0, 400), st.floats(0, 400), st.floats(0.05, 3), st.floats(0, 1, width=32))
    frame = st.lists(place, max_size=5).map(
        lambda places: Detections(
            np.array([person(x, y, scale) for x, y, scale, _ in places], np.float32).reshape(-1, 4),
            np.array([score for *_, score in places], np.float32),
        )
    )
    return st.lists(frame, max_size=12)


@settings(max_examples=60, deadline=None)
@given(frames=st.lists(_detections(), max_size=12) | _walks(), fps=st.sampled_from([1.0, 12.5, 30.0, 240.0]))
def test_ids_are_unique_in_a_frame_and_boxes_are_among_those_given(frames: list[Detections], fps: float) -> None:
    tracker = Tracker(fps=fps)
    for detections in frames:
        boxes, ids = tracker.update(detections)
        assert boxes.shape == (len(ids), 4)
        assert boxes.dtype == np.float32
        assert ids.dtype == np.int64
        assert len(set(ids.tolist())) == len(ids)
        given_boxes = detections.boxes.tolist()
        assert all(box in given_boxes for box in boxes.tolist())


def test_a_cut_ends_all_tracks_and_numbers_go_on_upwards() -> None:
    tracker = Tracker(fps=30)
    before = [ids_of(tracker, seen(person(100), person(500))) for _ in range(5)][-1]
    tracker.cut()
    after = [ids_of(tracker, seen(person(100), person(500))) for _ in range(5)]
    assert set(map(tuple, after)) == {tuple(after[0])}
    assert min(after[0]) > max(before)


def test_a_cut_before_the_first_frame_changes_nothing() -> None:
    tracker, cut = Tracker(fps=30), Tracker(fps=30)
    cut.cut()
    assert ids_of(tracker, seen(person(100))) == ids_of(cut, seen(person(100)))


def test_a_camera_that_jerks_takes_nobodys_number_away() -> None:
    tracker = Tracker(fps=30)
    # Neighbours stand half a body's width apart, so that after the jerk everybody is where the next one was.
    places = 100 + 70.0 * np.arange(6)
    first = [ids_of(tracker, seen(*map(person, places))) for _ in range(5)][-1]
    for jerk in (25, 50, 50, 25, 0):
        assert ids_of(tracker, seen(*map(person, places + jerk))) == first


def test_after_hiding_the_one_of_the_same_height_is_the_same_person() -> None:
    tracker = Tracker(fps=30)
    # By overlap alone the small one is the better partner: 0.36 against 0.26.
    tall, small = person(135), person(100, scale=0.6)
    first = [ids_of(tracker, seen(person(100))) for _ in range(5)][-1]
    for _ in range(5):
        ids_of(tracker, seen())
    assert ids_of(tracker, seen(small, tall))[1] == first[0]


@pytest.mark.parametrize("missed", [0, 1])
def test_a_weak_box_goes_on_with_a_track_missed_once(missed: int) -> None:
    tracker = Tracker(fps=30)
    first = [ids_of(tracker, seen(person(100))) for _ in range(5)][-1]
    for _ in range(missed):
        ids_of(tracker, seen())
    assert ids_of(tracker, seen(person(100), score=0.2)) == first


def test_a_weak_box_does_not_bring_back_who_is_long_away() -> None:
    tracker = Tracker(fps=30)
    for _ in range(5):
        ids_of(tracker, seen(person(100)))
    for _ in range(5):
        ids_of(tracker, seen())
    assert ids_of(tracker, seen(person(100), score=0.2)) == [-1]


@pytest.mark.parametrize(
    "box",
    [[2.0**100] * 4, [10, 10, 10, 90], [50, 50, 40, 40], [np.nan, 0, 9, 9], [0, 0, np.inf, 9]],
    ids=["empty, and far beyond where pixels are told apart", "no width", "inside out", "not a number", "endless"],
)
def test_a_box_that_holds_nothing_is_nobody(box: list[float]) -> None:
    tracker = Tracker(fps=30)
    for _ in range(3):
        assert tracker.update(seen(np.array(box), person(100)))[1].tolist() == [0]
