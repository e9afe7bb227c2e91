"""Reading videos: every readable file gives its frames, upright and in time."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.video import VideoReader
from tests.videos import (
    FPS,
    FRAMES,
    HEIGHT,
    WIDTH,
    read,
    read_fake,
    stating,
    with_avi_rate,
    with_frame_durations,
    with_rotation,
    write_stream,
    write_video,
)


@pytest.mark.parametrize(("name", "codec"), [("clip.mp4", "mp4v"), ("clip.avi", "MJPG"), ("clip.mkv", "mp4v")])
def test_a_plain_video_gives_every_frame(tmp_path: Path, name: str, codec: str) -> None:
    reader, frames = read(write_video(tmp_path / name, codec))
    assert len(frames) == FRAMES
    assert (reader.width, reader.height, reader.fps) == (WIDTH, HEIGHT, FPS)
    assert reader.stated_frames == FRAMES
    assert reader.source == str(tmp_path / name)
    assert reader.notes() == ()
    brightness = [frame.image[:, 40:].mean() for frame in frames]
    np.testing.assert_allclose(brightness, 5 * np.arange(FRAMES), atol=4)
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(FRAMES) / FPS, atol=1e-3)


def test_one_frame_is_a_video(tmp_path: Path) -> None:
    assert len(read(write_video(tmp_path / "clip.mp4", frames=1))[1]) == 1


def test_times_are_the_containers(tmp_path: Path) -> None:
    path = with_frame_durations(tmp_path / "clip.mp4", [(10, 512), (10, 2560)])
    _, frames = read(path)
    expected = np.concatenate([np.arange(10) * 0.04, 0.4 + np.arange(10) * 0.2])
    np.testing.assert_allclose([frame.time for frame in frames], expected, atol=1e-3)


@pytest.mark.parametrize(
    ("matrix", "white"),
    [
        ((1, 0, 0, 1), np.s_[:, : WIDTH // 2]),
        ((0, 1, -1, 0), np.s_[: WIDTH // 2, :]),
        ((-1, 0, 0, -1), np.s_[:, WIDTH // 2 :]),
        ((0, -1, 1, 0), np.s_[WIDTH // 2 :, :]),
    ],
    ids=["upright", "90 clockwise", "180", "90 counter-clockwise"],
)
def test_rotation_is_applied(tmp_path: Path, matrix: tuple[int, int, int, int], white: tuple[slice, slice]) -> None:
    reader, frames = read(with_rotation(tmp_path / "clip.mp4", matrix))
    assert (reader.height, reader.width) == ((HEIGHT, WIDTH) if matrix[0] else (WIDTH, HEIGHT))
    expected = np.zeros((reader.height, reader.width))
    expected[white] = 255
    assert np.abs(frames[0].image.mean(axis=2) - expected).mean() < 10


@pytest.mark.parametrize(
    ("scale", "rate", "fps"),
    [(1, 100_000, 30.0), (1000, 1, 30.0), (1, 0, 25.0), (1, 1, 1.0), (1, 500, 500.0), (20, 1, 0.05)],
    ids=["absurdly fast", "absurdly slow", "zero", "one", "high speed", "time lapse"],
)
def test_a_rate_that_cannot_be_is_replaced(tmp_path: Path, scale: int, rate: int, fps: float) -> None:
    reader, frames = read(with_avi_rate(tmp_path / "clip.avi", scale, rate))
    assert len(frames) == FRAMES
    assert reader.fps == pytest.approx(fps)
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(FRAMES) / fps, rtol=1e-6)
    assert bool(reader.notes()) == (fps == 30.0)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 64), (64, 1)])
def test_the_smallest_frames(tmp_path: Path, size: tuple[int, int]) -> None:
    reader, frames = read(write_stream(tmp_path / "clip.mjpeg", *size, 7))
    assert (reader.width, reader.height) == size
    assert len(frames) == 7


def test_a_header_that_states_too_large_a_size_does_not_matter_where_the_pictures_tell(tmp_path: Path) -> None:
    reader, frames = read(stating("MJPG", 30_000, 30_000)(tmp_path))
    assert (reader.width, reader.height, len(frames)) == (WIDTH, HEIGHT, FRAMES)


def test_a_stream_without_clock_or_count(tmp_path: Path) -> None:
    reader, frames = read(write_stream(tmp_path / "clip.mjpeg", WIDTH, HEIGHT, 7))
    assert reader.stated_frames is None
    assert reader.notes() == ()
    np.testing.assert_allclose([frame.time for frame in frames], np.arange(7) / reader.fps)


def test_a_file_that_is_cut_short_gives_what_is_left(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", "MJPG")
    path.write_bytes(path.read_bytes()[:-4000])
    reader, frames = read(path)
    assert 0 < len(frames) < FRAMES - 2
    (note,) = reader.notes()
    assert note.startswith(f"{len(frames)} of {FRAMES} stated frames decode")


def test_stopping_early_is_no_loss(tmp_path: Path) -> None:
    with VideoReader(write_video(tmp_path / "clip.mp4")) as reader:
        next(reader)
    assert list(reader) == []
    assert reader.frames_read == 1
    assert reader.notes() == ()


def test_names_that_decoders_trip_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("take 1: %03d 100%.avi", "file:clip.avi", "日本 ñ.avi"):
        assert len(read(write_video(tmp_path / "clip.avi", "MJPG").rename(name).name)[1]) == FRAMES


# Clocks and sizes that no encoder at hand writes


@given(st.lists(st.floats(), min_size=1, max_size=30), st.sampled_from([FPS, 0.0, float("nan"), 1e5, -1.0]))
def test_times_increase_whatever_the_clock_says(milliseconds: list[float], fps: float) -> None:
    reader, frames = read_fake(milliseconds, fps=fps)
    assert len(frames) == len(milliseconds)
    assert 1 / 600 <= reader.fps <= 2000
    steps = np.diff([frame.time for frame in frames])
    assert (steps <= 600.1).all()


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        ([0, 0, 0, 0], [0, 0.04, 0.08, 0.12]),
        ([80, 120, 160, 0, 0], [0, 0.04, 0.08, 0.12, 0.16]),
        ([0, 50, 40, 120], [0, 0.05, 0.09, 0.12]),
        ([0, 40, 1e8, 1e8 + 40], [0, 0.04, 0.08, 0.12]),
        ([0, float("nan"), 80, 100], [0, 0.04, 0.08, 0.1]),
        ([-7.7e15, -7.7e15 + 40], [0, 0.04]),
    ],
    ids=["stands still", "ends early", "goes back", "leaps", "not a number", "no clock"],
)
def test_a_broken_clock_is_counted_on(milliseconds: list[float], expected: list[float]) -> None:
    _, frames = read_fake(milliseconds)
    np.testing.assert_allclose([frame.time for frame in frames], expected)


def test_an_impossible_rate_is_measured_by_the_clock() -> None:
    reader, frames = read_fake([0, 33, 67, 100, 133], fps=1000.0)
    assert reader.fps == pytest.approx(30, rel=0.05)
    np.testing.assert_allclose([frame.time for frame in frames], [0, 0.033, 0.067, 0.1, 0.133])


def test_frames_of_another_size_are_scaled() -> None:
    reader, frames = read_fake([0, 40, 80, 120], ((4, 6), (8, 12)))
    assert len(frames) == 4
    assert reader.notes() == ("2 frames of another size are scaled to 6 x 4",)


# Files that change meanwhile


def growing(path: Path) -> tuple[VideoReader, bytes]:
    """A reader at the first frame of a file that is copied so far as to 12 of its frames, and what is to come."""
    content = write_video(path, "MJPG").read_bytes()
    places = [place for place in range(len(content) - 4) if content[place : place + 4] == b"00dc"]
    path.write_bytes(content[: places[12]])
    reader = VideoReader(path)
    next(reader)
    return reader, content[places[12] :]


def test_a_file_that_is_still_being_copied(tmp_path: Path) -> None:
    reader, rest = growing(tmp_path / "clip.avi")
    with (tmp_path / "clip.avi").open("ab") as file:
        file.write(rest)
    left = list(reader)
    assert 11 <= len(left) <= FRAMES - 1
    assert any("bytes while it was read: read it again when it is complete" in note for note in reader.notes())


def test_a_copy_that_stopped(tmp_path: Path) -> None:
    reader, _ = growing(tmp_path / "clip.avi")
    assert 9 <= len(list(reader)) <= 11
    (note,) = reader.notes()
    assert "stated frames decode" in note


def test_a_file_that_is_removed_meanwhile(tmp_path: Path) -> None:
    with VideoReader(write_video(tmp_path / "clip.mp4")) as reader:
        next(reader)
        (tmp_path / "clip.mp4").unlink()
        list(reader)
    assert reader.notes()[-1] == "the file was removed while it was read: frames may be missing at the end"


def test_a_file_that_is_cut_meanwhile(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.avi", "MJPG", frames=400)  # more than FFmpeg reads ahead
    with VideoReader(path) as reader:
        next(reader)
        os.truncate(path, path.stat().st_size // 2)
        assert 100 < len(list(reader)) < 300
    assert any("bytes while it was read" in note for note in reader.notes())
    assert any("of 400 stated frames decode" in note for note in reader.notes())


def test_a_file_whose_place_fails_meanwhile(tmp_path: Path) -> None:
    reader = VideoReader(write_video(tmp_path / "clip.mp4"))
    with reader, mock.patch.object(Path, "stat", side_effect=OSError(5, "Input/output error")):
        list(reader)
    assert reader.notes() == ("the file can no longer be read (Input/output error): frames may be missing at the end",)


# What cannot be read
