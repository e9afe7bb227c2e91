"""The windows of a video, and who is seen in them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.windows import Window, seen_in, step_times, windows_around


@st.composite
def clocks(draw: st.DrawFn) -> np.ndarray:
    """Times of frames, of constant and of uneven rate, from any start."""
    steps = draw(st.lists(st.sampled_from([0.02, 0.04, 0.1, 0.5]), min_size=0, max_size=60))
    return draw(st.floats(0, 100)) + np.concatenate([[0.0], np.cumsum(steps)])


@given(clocks(), st.floats(0.05, 5), st.floats(0.05, 5))
def test_every_step_has_a_window_of_frames_around_it(clock: np.ndarray, window: float, stride: float) -> None:
    seconds = float(clock[-1] - clock[0]) + 0.04
    times = step_times(seconds, stride)
    windows = list(windows_around(times, clock, window))
    assert len(windows) == len(times)
    assert times[0] == pytest.approx(stride / 2)
    assert times[-1] + stride / 2 >= seconds - 1e-5
    assert times[-1] - stride / 2 < seconds
    for time, one in zip(times, windows, strict=True):
        assert 0 <= one.start < one.stop <= len(clock)
        since = clock[one.start : one.stop] - clock[0]
        if one.stop - one.start > 1:
            assert np.all(np.abs(since - time) <= window / 2 + 1e-4)
    starts = [one.start for one in windows]
    assert starts == sorted(starts)


@given(clocks(), st.floats(0.1, 5))
def test_strides_up_to_the_window_leave_no_frame_out(clock: np.ndarray, window: float) -> None:
    times = step_times(float(clock[-1] - clock[0]) + 0.04, window)
    covered = {k for one in windows_around(times, clock, window) for k in range(one.start, one.stop)}
    assert covered == set(range(len(clock)))


def test_uneven_times_count_not_frames() -> None:
    clock = np.array([0.0, 0.1, 0.2, 1.0, 1.9, 2.0])
    windows = list(windows_around(np.array([0.5, 1.5]), clock, 1.0))
    assert windows == [Window(0, 3), Window(3, 5)]


@pytest.mark.parametrize(
    ("present", "seen"),
    [
        ([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]], [0, 1]),
        ([[1, 1, 0, 0], [1, 1, 1, 1]], [1, 0]),
        ([[1, 1, 1, 0], [0, 1, 1, 1]], [0, 1]),
        ([[0, 0, 0, 0]], []),
    ],
    ids=["who is seen in less than half is left out", "most first", "equals in their order", "nobody"],
)
def test_who_is_seen_in_a_window(present: list[list[int]], seen: list[int]) -> None:
    whole = np.pad(np.array(present, bool), ((0, 0), (3, 3)))
    assert seen_in(whole, Window(3, 7)).tolist() == seen
