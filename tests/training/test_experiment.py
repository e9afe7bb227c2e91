"""Splits of clips, and training for one stream or all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.data.clips import ClipSet
from skelact.errors import InputError, UsageError
from skelact.training.experiment import (
    LEAST_STEPS,
    parse_streams,
    split_by_group,
    split_by_name,
    with_enough_steps,
)
from skelact.training.settings import TrainSettings
from tests.data.clips import random_clips


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    """Six clips of two persons with a split of the first four against the rest."""
    first = np.arange(6) < 4
    return replace(
        random_clips(6), splits={"xsub_train": first, "xsub_val": ~first, "leaky_train": first, "leaky_val": first}
    )


def test_a_split_by_name_chooses_and_tests_on_its_second_part(clips: ClipSet) -> None:
    parts = split_by_name(clips, "xsub")
    assert parts.training.names.tolist() == ["clip0", "clip1", "clip2", "clip3"]
    assert parts.validation is parts.test
    assert parts.test.names.tolist() == ["clip4", "clip5"]


def test_groups_are_held_out_whole(clips: ClipSet) -> None:
    parts = split_by_group(clips, ["person1"])
    assert set(parts.training.groups.tolist()) == {"person0"}
    assert set(parts.test.groups.tolist()) == {"person1"}
    assert parts.validation is None
    assert split_by_group(clips).test is None


WRONG = {
    "a split that is not there": (lambda c: split_by_name(c, "xset"), UsageError, "there are leaky, xsub"),
    "a clip on both sides": (lambda c: split_by_name(c, "leaky"), InputError, "4 clips on both sides, e.g. clip0"),
    "a group that is not there": (lambda c: split_by_group(c, ["person9"]), UsageError, "no clips of group person9"),
    "a group for two purposes": (
        lambda c: split_by_group(c, ["person1"], ["person1"]),
        UsageError,
        "cannot both choose the best epoch and be tested",
    ),
    "nothing to train on": (
        lambda c: split_by_group(c, ["person1"], ["person0"]),
        InputError,
        "nothing is left to train on",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=WRONG)
def test_splits_that_cannot_be(clips: ClipSet, call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(clips)


@given(clips=st.integers(1, 5000), epochs=st.integers(1, 50), batch_size=st.integers(2, 64))
def test_small_sets_are_passed_over_more_often(clips: int, epochs: int, batch_size: int) -> None:
    asked = TrainSettings(epochs=epochs, repeat=1, batch_size=batch_size)
    settings = with_enough_steps(asked, clips)
    a_pass = max(clips // batch_size, 1)
    assert settings.epochs * settings.repeat * a_pass >= min(LEAST_STEPS, epochs * a_pass)
    assert replace(settings, repeat=1) == asked
    if epochs * a_pass >= LEAST_STEPS:
        assert settings.repeat == 1


def test_streams_by_name() -> None:
    assert parse_streams("all") == ["j", "b", "jm", "bm"]
    assert parse_streams("b") is None
    with pytest.raises(UsageError, match="unknown stream 'x': choose one of j, b, jm, bm or all"):
        parse_streams("x")
