"""PoseSequence: shapes that must fit, and its views; and sequences assembled from frames."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.assemble import LONG_VIDEO, MIN_FRAMES, Assembly, FramePersons
from skelact.errors import InputError
from skelact.keypoints import get_layout
from skelact.pose import Poses
from skelact.sequence import PoseSequence


def sequence(instances: int = 2, frames: int = 5, layout: str = "wholebody133") -> PoseSequence:
    """Random persons who are all seen all the time."""
    random = np.random.default_rng(0)
    points = len(get_layout(layout))
    return PoseSequence(
        keypoints=random.uniform(0, 300, (instances, frames, points, 2)).astype(np.float32),
        scores=random.uniform(0.1, 1, (instances, frames, points)).astype(np.float32),
        boxes=random.uniform(0, 300, (instances, frames, 4)).astype(np.float32),
        track_ids=np.arange(instances) + 7,
        timestamps=np.arange(frames) / 25,
        width=640,
        height=480,
        fps=25.0,
        layout=layout,
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("keypoints", np.zeros((2, 5, 133, 3), np.float32)),
        ("keypoints", np.zeros((2, 5, 65, 2), np.float32)),
        ("scores", np.zeros((2, 4, 133), np.float32)),
        ("scores", np.zeros((2, 5), np.float32)),
        ("boxes", np.zeros((1, 5, 4), np.float32)),
        ("track_ids", np.arange(3)),
        ("timestamps", np.arange(6)),
        ("layout", "coco17"),
    ],
)
def test_shapes_that_do_not_fit_are_an_error(field: str, value: object) -> None:
    with pytest.raises(InputError, match=r"is \(.*\), expected \("):
        replace(sequence(), **{field: value})


def test_repeated_track_ids_are_an_error() -> None:
    with pytest.raises(InputError, match="track ids repeat"):
        replace(sequence(), track_ids=np.array([3, 3]))


def test_select_takes_persons_in_the_order_given() -> None:
    whole = sequence(instances=3)
    chosen = whole.select([2, 0])
    assert chosen.track_ids.tolist() == [9, 7]
    assert np.array_equal(chosen.keypoints, whole.keypoints[[2, 0]])
    assert np.array_equal(chosen.boxes, whole.boxes[[2, 0]])
    assert whole.select([]).num_instances == 0


@given(start=st.integers(0, 5), stop=st.integers(0, 5))
def test_frames_cuts_all_that_runs_over_time(start: int, stop: int) -> None:
    cut = sequence().frames(start, stop)
    assert cut.num_frames == len(cut.timestamps) == max(0, stop - start)
    assert np.array_equal(cut.scores, sequence().scores[:, start:stop])


def test_to_layout_picks_keypoints_by_name() -> None:
    whole = sequence()
    for name in ("coco17", "expressive65", "wholebody133"):
        view, have, want = whole.to_layout(name), get_layout("wholebody133"), get_layout(name)
        assert view.layout == name
        for k, keypoint in enumerate(want.keypoint_names):
            assert np.array_equal(view.keypoints[:, :, k], whole.keypoints[:, :, have.index[keypoint]])


@pytest.mark.parametrize(("have", "want"), [("coco17", "expressive65"), ("wholebody133", "hand21")])
def test_to_layout_cannot_invent_keypoints(have: str, want: str) -> None:
    with pytest.raises(InputError, match=f"layout {have} has no keypoints for layout {want}"):
        sequence(layout=have).to_layout(want)


def frame_of(time: float, *persons: tuple[int, float, bool]) -> FramePersons:
    """A frame of persons given by track id, side of the box in pixels, and whether any keypoint is seen."""
    poses = Poses.unseen(len(persons))
    for p, (track_id, _, visible) in enumerate(persons):
        if visible:
            poses.keypoints[p, :10] = track_id + np.arange(20).reshape(10, 2)
            poses.scores[p, :10] = 0.5
    boxes = np.array([(0, 0, side, side) for _, side, _ in persons], np.float32).reshape(-1, 4)
    return FramePersons(time, boxes, np.array([track_id for track_id, *_ in persons], np.int64), poses)


def together(frames: list[FramePersons]) -> PoseSequence:
    with closing(Assembly()) as assembly:
        for frame in frames:
            assembly.add(frame)
        return assembly.sequence(width=320, height=240, fps=10.0, source="a.mp4", estimator="fake", notes=("cut",))


def test_persons_come_by_presence_then_by_size() -> None:
    small, large, rare = (1, 20.0, True), (2, 80.0, True), (3, 300.0, True)
    result = together([frame_of(0.0, small, large), frame_of(0.1, large, rare, small)])
    assert result.track_ids.tolist() == [2, 1, 3]
    assert result.present.tolist() == [[True, True], [True, True], [False, True]]
    assert (result.source, result.estimator, result.notes) == ("a.mp4", "fake", ("cut",))
    assert (result.width, result.height, result.fps, result.layout) == (320, 240, 10.0, "wholebody133")


def test_who_is_absent_is_zero_and_who_is_present_is_as_estimated() -> None:
    result = together([frame_of(0.0, (4, 50, True)), frame_of(0.5), frame_of(0.7, (4, 60, True))])
    assert result.timestamps.tolist() == [0.0, 0.5, 0.7]
    for array in (result.keypoints, result.scores, result.boxes):
        assert not array[0, 1].any()
    assert result.keypoints[0, 2, :10].ravel().tolist() == [4 + k for k in range(20)]
    assert result.boxes[0, :, 2].tolist() == [50, 0, 60]


def test_keypoints_that_were_not_seen_are_zero() -> None:
    frame = frame_of(0.0, (1, 50, True))
    frame.poses.keypoints[0, 10:] = np.nan
    assert not together([frame]).keypoints[0, 0, 10:].any()


def test_nobody_seen_gives_a_sequence_without_persons() -> None:
    result = together([frame_of(0.0), frame_of(0.1)])
    assert (result.num_instances, result.num_frames) == (0, 2)
    assert result.notes == ("cut",)


def test_who_has_no_keypoints_is_left_out_with_a_note() -> None:
    result = together([frame_of(0.0, (1, 50, False), (2, 20, True))])
    assert result.track_ids.tolist() == [2]
    assert result.notes[-1] == "1 person is left out, whose keypoints were never seen"


@pytest.mark.parametrize(("length", "kept"), [(LONG_VIDEO, [1, 2, 3]), (LONG_VIDEO + 1, [1, 2])])
def test_the_fleeting_are_left_out_of_long_videos_only(length: int, kept: list[int]) -> None:
    frames = []
    for t in range(length):
        persons = [(1, 50.0, True)]
        persons += [(2, 50.0, True)] if t < MIN_FRAMES else []
        persons += [(3, 50.0, True)] if t < MIN_FRAMES - 1 else []
        frames.append(frame_of(t / 10, *persons))
    result = together(frames)
    assert result.track_ids.tolist() == kept
    assert len(result.notes) == (2 if len(kept) == 2 else 1)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 4), st.floats(1, 200), st.booleans()),
            max_size=4,
            unique_by=lambda person: person[0],
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_person_is_where_they_were_seen(persons: list[list[tuple[int, float, bool]]]) -> None:
    result = together([frame_of(t / 10, *found) for t, found in enumerate(persons)])
    seen = {(track_id, t) for t, found in enumerate(persons) for track_id, _, visible in found if visible}
    present = {(result.track_ids[i], t) for i, t in zip(*np.nonzero(result.present), strict=True)}
    assert present == seen
    presence = result.present.sum(axis=1).tolist()
    assert presence == sorted(presence, reverse=True)
    assert all(presence)
