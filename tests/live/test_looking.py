"""Frames that come one by one are looked at as those of a video are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.assemble import FramePersons
from skelact.live.looking import Ended, Looking
from skelact.live.recent import Facts, Recent
from skelact.pose import Poses
from skelact.recognition import TrainedRecognizer
from skelact.sequence import PoseSequence
from skelact.timelines import Look, look
from tests.sides import FPS, HEIGHT, WIDTH, places, sides

WHERE = st.sampled_from(["left", "right", "middle", None])


def persons_of(sequence: PoseSequence, start: float = 0.0) -> Iterator[FramePersons]:
    """The persons of each frame, whose first one is captured at `start`."""
    for t, time in enumerate(sequence.timestamps):
        there = np.flatnonzero(sequence.present[:, t])
        poses = Poses(sequence.keypoints[there, t], sequence.scores[there, t])
        yield FramePersons(time + start, sequence.boxes[there, t], sequence.track_ids[there], poses)


def begin(how: Look, start: float = 0.0, persons: int = 2) -> Looking:
    return Looking(sides(persons), how, Recent(Facts(WIDTH, HEIGHT, FPS, "", "")), start)


def how_to_look(window: float = 1.0, stride: float = 0.25, per_person: bool = False, threshold: float = 0.0) -> Look:
    return Look(window, stride, threshold, per_person, 5, "cpu")


def live(sequence: PoseSequence, how: Look, start: float = 0.0) -> Ended:
    """All that a sequence's frames give, one by one."""
    looking = begin(how, start)
    return [one for frame in persons_of(sequence, start) for one in looking.add(frame)] + looking.finish(FPS)


def offline(sequence: PoseSequence, how: Look) -> Ended:
    group, individuals = look(sequence, sides(), how, float(sequence.timestamps[-1] + 1 / FPS))
    return [(each.person, segment) for each in (group, *individuals) for segment in each.segments]


def alike(told: Ended) -> list[tuple[object, ...]]:
    """For comparison: in the order of persons and starts, numbers rounded."""
    rows = [
        (-1 if person is None else person, round(one.start, 6), round(one.end, 6), one.action, one.persons)
        for person, one in told
    ]
    return sorted(rows)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(WHERE, WHERE), min_size=4, max_size=8),
    st.sampled_from([0.5, 1.0, 1.5]),
    st.sampled_from([0.2, 0.25, 0.5]),
    st.sampled_from([0.0, 0.6]),
    st.sampled_from([0.0, 12.5]),
)
def test_without_late_frames_the_segments_are_those_of_a_video(
    where: list[tuple[str | None, str | None]], window: float, stride: float, threshold: float, start: float
) -> None:
    sequence = places(*zip(*where, strict=True), seconds=0.7)
    how = how_to_look(window, stride, True, threshold)
    found = live(sequence, how, start)
    moved = [(who, replace(one, start=one.start - start, end=one.end - start)) for who, one in found]
    expected = offline(sequence, how)
    assert alike(moved) == alike(expected)
    key = {(who, round(one.start, 6)): one.probability for who, one in expected}
    for who, one in moved:
        assert one.probability == pytest.approx(key[who, round(one.start, 6)], abs=1e-5)


def test_a_segment_is_told_soon_after_its_action_has_ended() -> None:
    looking = begin(how_to_look())
    ended = {
        frame.time: found for frame in persons_of(places(["left"] * 3 + ["right"] * 3)) if (found := looking.add(frame))
    }
    ((time, [(who, segment)]),) = ended.items()
    assert (who, segment.action) == (None, "left")
    assert segment.end == pytest.approx(3, abs=0.3)
    assert segment.end < time < segment.end + 1.5  # half a window and the steps that are smoothed over


def test_what_is_done_now_is_what_the_latest_window_says() -> None:
    looking = begin(how_to_look(per_person=True))
    said = {}
    for frame in persons_of(places(["left"] * 3 + ["middle"] * 3, ["right"] * 4 + [None] * 2)):
        looking.add(frame)
        said[round(frame.time, 1)] = {who: action and action.name for who, action in looking.actions.items()}
    assert said[0.3] == {None: None}  # before the first window is over
    assert said[2.9] == {None: None, 7: "left", 8: "right"}  # together they are in the middle
    assert said[5.9] == {None: None, 7: None}


def test_an_action_less_probable_than_the_threshold_is_none() -> None:
    looking = begin(how_to_look(threshold=1.0))
    for frame in persons_of(places(["left"] * 3)):
        looking.add(frame)
    assert looking.actions == {None: None}


def test_steps_for_which_there_is_no_time_share_the_latest_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames 0.6 s apart and steps a quarter: each frame costs at most one look, however many steps are due."""
    looks = []
    look_at = TrainedRecognizer.probabilities
    monkeypatch.setattr(
        TrainedRecognizer, "probabilities", lambda *given, **named: looks.append(1) or look_at(*given, **named)
    )
    looking = begin(how_to_look())
    frames = list(persons_of(places(["left"] * 12)))[::6]
    told = [one for frame in frames for one in looking.add(frame)]
    assert len(looks) < len(frames) < 12 / 0.25
    ((_, segment),) = told + looking.finish(FPS)
    assert (segment.action, segment.start) == ("left", 0)
    assert segment.end == pytest.approx(12, abs=0.7)


def test_memory_does_not_grow_with_time() -> None:
    looking = begin(how_to_look(per_person=True))
    visitors = [[None] * k + ["left"] + [None] * (29 - k) for k in range(30)]
    for frame in persons_of(places(*visitors)):
        looking.add(frame)
        assert looking.recent.before(np.inf).num_frames <= 1.5 * FPS
        assert len(looking.actions) <= 3
    assert len(looking.finish(FPS)) <= 4  # of the last visitors, the others were let go
