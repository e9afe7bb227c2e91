"""Which frames a clip takes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.data.sampling import sample_frames

lengths = st.integers(1, 400)
clip_lengths = st.integers(1, 120)
seeds = st.none() | st.integers(0, 2**32 - 1)
examples = settings(max_examples=60, deadline=None)


def sample(num_frames: int, clip_len: int, num_clips: int, seed: int | None) -> np.ndarray:
    return sample_frames(num_frames, clip_len, num_clips, None if seed is None else np.random.RandomState(seed))


@examples
@given(num_frames=lengths, clip_len=clip_lengths, num_clips=st.integers(1, 4), seed=seeds)
def test_indices_are_frames_of_the_sequence(num_frames: int, clip_len: int, num_clips: int, seed: int | None) -> None:
    frames = sample(num_frames, clip_len, num_clips, seed)
    assert frames.shape == (num_clips, clip_len)
    assert frames.dtype == np.int64
    assert frames.min() >= 0
    assert frames.max() < num_frames


@examples
@given(clip_len=clip_lengths, extra=st.integers(0, 400), seed=seeds)
def test_time_runs_forwards_and_the_whole_sequence_is_covered(clip_len: int, extra: int, seed: int | None) -> None:
    num_frames = clip_len + extra
    frames = sample(num_frames, clip_len, 1, seed)[0]
    assert (np.diff(frames) >= 1).all()
    if num_frames >= 2 * clip_len:
        edges = np.arange(clip_len + 1) * num_frames // clip_len
        assert ((frames >= edges[:-1]) & (frames < edges[1:])).all()


@examples
@given(num_frames=lengths, extra=st.integers(1, 100), seed=seeds)
def test_a_short_sequence_loops(num_frames: int, extra: int, seed: int | None) -> None:
    frames = sample(num_frames, num_frames + extra, 3, seed)
    assert ((np.diff(frames, axis=1) % num_frames) == 1 % num_frames).all()


@examples
@given(num_frames=lengths, clip_len=clip_lengths)
def test_testing_is_not_random(num_frames: int, clip_len: int) -> None:
    np.random.seed(num_frames)
    first = sample_frames(num_frames, clip_len, 3)
    np.random.seed(clip_len)
    np.testing.assert_array_equal(sample_frames(num_frames, clip_len, 3), first)


@pytest.mark.parametrize("num_frames", [30, 150, 500])
def test_training_draws_anew(num_frames: int) -> None:
    random = np.random.RandomState(0)
    draws = {sample_frames(num_frames, 100, 1, random).tobytes() for _ in range(10)}
    assert len(draws) > 1
    again = np.random.RandomState(0)
    assert sample_frames(num_frames, 100, 1, again).tobytes() in draws


def test_a_sequence_as_long_as_a_clip_is_taken_as_it_is() -> None:
    np.testing.assert_array_equal(sample_frames(16, 16, 2), [range(16), range(16)])


def test_looping_test_clips_start_evenly_spread() -> None:
    assert sample_frames(20, 100, 4)[:, 0].tolist() == [0, 5, 10, 15]
