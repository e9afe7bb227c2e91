"""Who does what, when, and how sure that is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skelact
from skelact.errors import InputError, NobodySeenError, UsageError
from skelact.formats import save_sequence
from skelact.predictor import Predictor, choose_window
from skelact.results import Prediction
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings, PredictSettings
from tests.sides import NAMES, places, sides

LEFT_THEN_RIGHT = ["left"] * 3 + ["right"] * 3


def predict(sequence: PoseSequence | Path, persons: int = 2, **settings: object) -> Prediction:
    """Predict by the recognizer that tells sides, whose clips are usually of one second."""
    return Predictor(
        PredictSettings(**settings),  # type: ignore[arg-type]
        ExtractSettings(device="cpu"),
        recognizer=sides(persons),
    ).predict(sequence)


def told(prediction: Prediction) -> list[str]:
    return [segment.action for segment in prediction.segments]


def test_a_short_video_is_one_clip() -> None:
    prediction = predict(places(["left", "left"]))
    assert prediction.is_one_clip
    assert (prediction.window, prediction.stride) == (2.0, 2.0)
    (segment,) = prediction.segments
    assert (segment.start, segment.end, segment.action, segment.persons) == (0, 2, "left", (7,))
    assert prediction.actions[0].name == "left"
    assert prediction.actions[0].probability == pytest.approx(segment.probability)


def test_a_longer_video_has_segments_where_actions_change() -> None:
    prediction = predict(places(LEFT_THEN_RIGHT))
    assert not prediction.is_one_clip
    assert told(prediction) == ["left", "right"]
    first, second = prediction.segments
    assert first.start == 0
    assert second.end == pytest.approx(6)
    assert first.end == pytest.approx(3, abs=0.5)
    assert second.start == pytest.approx(3, abs=0.5)
    assert first.probability > 0.8


def test_the_class_of_no_action_is_told_by_saying_nothing() -> None:
    prediction = predict(places(["left"] * 3 + ["middle"] * 3 + ["left"] * 3))
    assert told(prediction) == ["left", "left"]
    first, second = prediction.segments
    assert first.end == pytest.approx(3, abs=0.5)
    assert second.start == pytest.approx(6, abs=0.5)


def test_what_is_less_probable_than_the_threshold_is_not_told() -> None:
    assert told(predict(places(LEFT_THEN_RIGHT), threshold=0.5)) == ["left", "right"]
    assert told(predict(places(LEFT_THEN_RIGHT), threshold=1.0)) == []


def test_a_given_threshold_counts_instead_of_the_recognizers() -> None:
    recognizer = sides(threshold=1.0)
    sequence = places(LEFT_THEN_RIGHT)
    own = Predictor(PredictSettings(), recognizer=recognizer).predict(sequence)
    given_one = Predictor(PredictSettings(threshold=0.2), recognizer=recognizer).predict(sequence)
    assert (own.threshold, told(own)) == (1.0, [])
    assert (given_one.threshold, told(given_one)) == (0.2, ["left", "right"])


def test_each_person_has_a_timeline_beside_that_of_the_group() -> None:
    prediction = predict(places(["left"] * 6, ["right"] * 6), per_person=True)
    assert [(each.person, [s.action for s in each.segments]) for each in prediction.individuals] == [
        (7, ["left"]),
        (8, ["right"]),
    ]
    assert told(prediction) == []  # both together are in the middle
    assert prediction.persons == (7, 8)


def test_the_group_is_who_is_there_at_the_time() -> None:
    comes_and_goes = places(["left"] * 3 + [None] * 3, [None] * 3 + ["right"] * 3)
    prediction = predict(comes_and_goes, persons=1, per_person=True)
    assert [(s.action, s.persons) for s in prediction.segments] == [("left", (7,)), ("right", (8,))]
    second = prediction.individuals[1]
    assert second.segments[0].start >= 2.5
    assert not second.probabilities[second.times < 2].any()


def test_a_person_has_a_timeline_from_where_they_come_to_where_they_go() -> None:
    prediction = predict(places(["left"] * 8, [None] * 3 + ["right"] * 2 + [None] * 3), per_person=True)
    stays, visits = prediction.individuals
    np.testing.assert_array_equal(stays.times, prediction.group.times)
    assert visits.times[0] == pytest.approx(3, abs=0.5)
    assert visits.times[-1] == pytest.approx(5, abs=0.5)
    assert len(visits.probabilities) == len(visits.times)
    (segment,) = visits.segments
    assert (segment.action, segment.start, segment.end) == (
        "right",
        pytest.approx(3, abs=0.5),
        pytest.approx(5, abs=0.5),
    )


def test_a_passer_by_who_was_hardly_seen_has_a_timeline_without_steps() -> None:
    sequence = places(["left"] * 60, [None] * 30 + ["right"] + [None] * 29, seconds=0.1)
    prediction = predict(sequence, per_person=True)
    assert [len(each.times) for each in prediction.individuals] == [len(prediction.group.times), 0]
    assert (prediction.individuals[1].actions, prediction.individuals[1].segments) == ((), ())


def test_while_nobody_is_there_nothing_is_told() -> None:
    prediction = predict(places(["left"] * 2 + [None] * 3 + ["left"] * 2))
    assert told(prediction) == ["left", "left"]
    gap = (prediction.group.times > 2.6) & (prediction.group.times < 4.4)
    assert not prediction.group.probabilities[gap].any()
    assert prediction.group.at(3.5) is None
    assert prediction.group.at(1.0) == prediction.segments[0]


def test_persons_not_looked_at_are_noted() -> None:
    crowd = places(["left"], ["left"], ["right"])
    assert "sides looks at 2 of the 3 persons at a time" in predict(crowd).notes[-1]
    assert predict(crowd, per_person=True).notes == ()


@pytest.mark.parametrize(
    ("settings", "seconds", "window", "stride"),
    [
        ({}, 1.5, 1.5, 1.5),
        ({}, 2.0, 2.0, 2.0),
        ({}, 10.0, 0.7, 0.14),
        ({"window": 1.5}, 1.8, 1.5, 0.3),
        ({"window": 1.5, "stride": 1.0}, 1.8, 1.5, 1.0),
        ({"window": 5.0}, 3.0, 3.0, 3.0),
        ({"stride": 0.5}, 1.5, 0.7, 0.5),
        ({"stride": 4.0}, 10.0, 0.7, 0.7),
    ],
    ids=[
        "a usual clip is one clip",
        "also of twice the length",
        "a longer video is looked at by windows of 0.7 of the usual clip, a fifth apart",
        "a window asked for counts also for a short video",
        "with its stride",
        "a window longer than the video is the video",
        "a stride asked for means windows",
        "no stride leaves frames between windows out",
    ],
)
def test_window_and_stride(settings: dict[str, float], seconds: float, window: float, stride: float) -> None:
    found = choose_window(PredictSettings(**settings), 1.0, seconds)  # type: ignore[arg-type]
    assert found == pytest.approx((window, stride))


def test_a_window_longer_than_the_video_is_noted() -> None:
    prediction = predict(places(["left"] * 3), window=5.0)
    assert prediction.is_one_clip
    assert prediction.notes == ("the window of 5 s is longer than the video: its 3.0 s are one clip",)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"window": 0.0}, "window is 0.0"),
        ({"window": float("nan")}, "window is nan"),
        ({"stride": -1.0}, "stride is -1.0"),
        ({"window": 1.0, "stride": 2.0}, "stride of 2 s is longer than the window of 1 s"),
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"top_k": 0}, "top-k is 0"),
        ({"streams": ("j", "b"), "models": ("a", "b")}, "streams are those of one model"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, object], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        PredictSettings(**settings)  # type: ignore[arg-type]


@given(
    st.lists(st.sampled_from(["left", "right", "middle", None]), min_size=1, max_size=8),
    st.sampled_from([0.3, 0.7, 1.0, 2.0]),
    st.sampled_from([0.2, 0.3]),
)
def test_segments_are_in_order_and_within_the_video(where: list[str | None], window: float, stride: float) -> None:
    sequence = places(where, seconds=0.7)
    if not sequence.present.any():
        with pytest.raises(NobodySeenError):
            predict(sequence, window=window, stride=stride)
        return
    prediction = predict(sequence, window=window, stride=stride)
    edges = [time for segment in prediction.segments for time in (segment.start, segment.end)]
    assert edges == sorted(edges)
    assert all(0 <= time <= prediction.seconds + 1e-9 for time in edges)
    group = prediction.group
    assert group.probabilities.shape == (len(group.times), len(NAMES))
    sums = group.probabilities.sum(axis=1)
    assert np.all(np.isclose(sums, 1, atol=1e-5) | (sums == 0))


@pytest.mark.parametrize(("persons", "frames"), [(0, 20), (1, 0), (0, 0)])
def test_an_empty_sequence_is_not_labelled(persons: int, frames: int) -> None:
    with pytest.raises(NobodySeenError, match=r"nobody was seen in clip\.mp4"):
        predict(places(["left", "left"]).select(list(range(persons))).frames(0, frames))


def test_keypoints_that_the_recognizer_does_not_look_at_are_not_labelled() -> None:
    sequence = places(["left", "left"])
    scores = sequence.scores.copy()
    scores[:, :, :23] = 0  # only face and hands
    with pytest.raises(NobodySeenError, match="no keypoint that sides looks at was seen"):
        predict(replace(sequence, scores=scores))


def test_a_sequence_of_one_frame() -> None:
    prediction = predict(places(["left"]).frames(0, 1), top_k=1)
    assert prediction.seconds == pytest.approx(0.1)
    assert len(prediction.actions) == 1
    assert told(prediction) == ["left"]


def test_progress_is_told_in_frames() -> None:
    told: list[tuple[int, int | None]] = []
    Predictor(recognizer=sides()).predict(places(LEFT_THEN_RIGHT), lambda done, total: told.append((done, total)))
    assert told[-1] == (60, 60)
    assert told == sorted(told)


def test_a_saved_sequence_gives_the_same(tmp_path: Path) -> None:
    save_sequence(places(LEFT_THEN_RIGHT), tmp_path / "clip.npz")
    assert predict(tmp_path / "clip.npz").to_dict() == predict(places(LEFT_THEN_RIGHT)).to_dict()


def test_a_prediction_is_plain_values() -> None:
    prediction = predict(places(LEFT_THEN_RIGHT, ["right"] * 6), per_person=True)
    plain = json.loads(json.dumps(prediction.to_dict()))
    assert (plain["source"], plain["model"], plain["estimator"]) == ("clip.mp4", "sides", "made up")
    assert (plain["frames"], plain["seconds"], plain["persons"]) == (60, pytest.approx(6), [7, 8])
    assert plain["individuals"][0]["person"] == 7
    assert plain["individuals"][0]["segments"][0]["action"] == "left"
    assert {"start", "end", "action", "probability", "persons"} == set(plain["individuals"][0]["segments"][0])


def test_a_source_that_is_missing_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*none\.npz"):
        Predictor(PredictSettings(models=("no such model",))).predict(tmp_path / "none.npz")


def test_a_recognizer_is_loaded_once_and_only_when_needed() -> None:
    predictor = Predictor(PredictSettings(models=("asl-words",)), ExtractSettings(offline=True))
    assert predictor.recognizer is predictor.recognizer
    assert predictor.recognizer.name == "asl-words"


def test_the_package_offers_what_its_documentation_names() -> None:
    for name in skelact.__all__:
        assert getattr(skelact, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'guess'"):
        skelact.guess  # noqa: B018
