"""Late fusion: joined by name, weighted as published, given or found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.ensemble import PUBLISHED_WEIGHTS, published_weights
from skelact.errors import InputError, UsageError
from skelact.models.preprocessing import STREAMS
from skelact.training.evaluate import Evaluation
from skelact.training.fuse import Weights, find_weights, fuse
from tests.training.predictions import predictions, shuffled


def test_the_fusion_is_the_weighted_mean_of_probabilities() -> None:
    one, two = predictions(0), predictions(1, stream="b")
    fused = fuse([one, two], [3, 1])
    np.testing.assert_allclose(fused.probabilities, 0.75 * one.probabilities + 0.25 * two.probabilities)
    assert (fused.stream, fused.class_names) == ("j+b", one.class_names)
    np.testing.assert_array_equal(fused.labels, one.labels)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=5, unique=True),
    st.data(),
)
def test_the_order_of_clips_and_classes_does_not_matter(seeds: list[int], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(0.1, 10), min_size=len(seeds), max_size=len(seeds)))
    made = [predictions(seed, clips=12) for seed in seeds]
    straight = fuse(made, weights)
    mixed = fuse([shuffled(one, seed) for one, seed in zip(made, seeds, strict=True)], weights)
    rows = [mixed.names.tolist().index(name) for name in straight.names.tolist()]
    columns = [mixed.class_names.index(name) for name in straight.class_names]
    np.testing.assert_allclose(mixed.probabilities[rows][:, columns], straight.probabilities)
    assert [mixed.class_names[k] for k in mixed.labels[rows]] == [straight.class_names[k] for k in straight.labels]
    assert mixed.top1 == straight.top1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100), st.permutations(range(3)))
def test_only_ratios_of_weights_count_and_streams_may_change_places(seed: int, factor: float, order: list[int]) -> None:
    made = [predictions(seed + k, clips=10) for k in range(3)]
    weights = [1.0, 2.0, 5.0]
    once = fuse(made, weights)
    again = fuse([made[k] for k in order], [factor * weights[k] for k in order])
    np.testing.assert_allclose(again.probabilities, once.probabilities)


def test_a_weight_of_0_leaves_a_stream_out() -> None:
    one, two = predictions(0), predictions(1)
    np.testing.assert_allclose(fuse([one, two], [0, 1]).probabilities, two.probabilities)


def without_one(evaluation: Evaluation) -> Evaluation:
    fields = ("names", "groups", "labels", "probabilities")
    return replace(evaluation, **{name: getattr(evaluation, name)[1:] for name in fields}, logits=None)


def renamed(evaluation: Evaluation) -> Evaluation:
    return replace(evaluation, names=np.char.add(evaluation.names, ".avi"))


BAD_PAIRS = {
    "a clip missing": (
        without_one,
        "the clips of recognizer0 and recognizer1 differ, with 1 only in the first, e.g. 'clip0'",
    ),
    "other names": (renamed, "with 60 only in the first, e.g. 'clip0' and 60 only in the second, e.g. 'clip0.avi'"),
    "other labels": (
        lambda e: replace(e, labels=(e.labels + 1) % 7),
        "clip 'clip0' has another label in recognizer1 than in recognizer0",
    ),
    "other groups": (
        lambda e: replace(e, groups=np.full(60, "someone")),
        "clip 'clip0' has another group in recognizer1 than in recognizer0",
    ),
    "another class": (
        lambda e: replace(e, class_names=("run", *e.class_names[1:])),
        "the classes of recognizer0 and recognizer1 differ, with 1 only in the first, e.g. 'walk' and 1 only in the",
    ),
}


@pytest.mark.parametrize(("change", "message"), BAD_PAIRS.values(), ids=BAD_PAIRS)
def test_predictions_of_other_clips_are_refused(change, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        fuse([predictions(0), change(predictions(1))], [1, 1])
    assert "\n" not in str(raised.value)


BAD_WEIGHTS = {
    "too few": ([1.0], "there are 1 weights for the predictions of 2"),
    "negative": ([1.0, -1.0], "must be at least 0"),
    "all 0": ([0.0, 0.0], "must be at least 0, and one above 0"),
    "no number": ([1.0, float("nan")], "must be at least 0"),
    "without end": ([1.0, float("inf")], "must be at least 0"),
}


@pytest.mark.parametrize(("weights", "message"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_weights_that_cannot_be(weights: list[float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fuse([predictions(0), predictions(1)], weights)


@pytest.mark.parametrize("call", [lambda e: fuse([e], [1]), lambda e: find_weights([e])], ids=["fused", "weighted"])
def test_one_stream_alone(call) -> None:
    with pytest.raises(UsageError, match="nothing to fuse"):
        call(predictions())


PUBLISHED = {
    "all four": (STREAMS, (3, 3, 2, 2)),
    "all four in another order": (("jm", "j", "bm", "b"), (2, 3, 2, 3)),
    "joints and bones": (("j", "b"), (1, 1)),
    "motions": (("bm", "jm"), (1, 1)),
}


@pytest.mark.parametrize(("streams", "weights"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_weights_go_by_stream(streams: tuple[str, ...], weights: tuple[float, ...]) -> None:
    assert published_weights(streams) == weights


def test_the_four_streams_have_published_weights_in_their_order() -> None:
    assert PUBLISHED_WEIGHTS[STREAMS] == (3, 3, 2, 2)


@pytest.mark.parametrize("streams", [("j", "j"), ("j", "b", "jm"), ("", "")], ids=["twice", "three", "not known"])
def test_other_streams_have_none(streams: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="no weights are published for streams"):
        published_weights(streams)


def test_a_stream_that_is_always_right_gets_all_the_weight() -> None:
    wrong = predictions(0, clips=30)
    right = replace(wrong, probabilities=np.eye(7)[wrong.labels], logits=None)
    assert find_weights([wrong, right]) == Weights((0.0, 1.0), 1.0, 0.0)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_found_weights_are_no_worse_than_any_stream_or_the_plain_mean(seed: int, count: int) -> None:
    made = [predictions(seed + k, clips=40, sharpness=1 + k) for k in range(count)]
    found = find_weights(made)
    assert sum(found.weights) == pytest.approx(1)
    assert found.top1 == fuse(made, found.weights).top1
    assert found.top1 >= max(one.top1 for one in made)
    if count == 2:  # equal weights are among those tried
        assert found.top1 >= fuse(made, [1, 1]).top1


def test_among_equals_the_less_surprised_wins() -> None:
    """Both streams are right everywhere, one of them more surely."""
    labels = np.arange(10) % 2
    made = predictions(clips=10, classes=2)
    faint, sure = (
        replace(made, labels=labels, probabilities=np.where(np.eye(2)[labels] > 0, p, 1 - p), logits=None)
        for p in (0.6, 0.9)
    )
    assert find_weights([faint, sure]).weights == (0.0, 1.0)


def test_many_streams_are_searched_in_few_steps() -> None:
    assert len(find_weights([predictions(k, clips=8) for k in range(9)]).weights) == 9
