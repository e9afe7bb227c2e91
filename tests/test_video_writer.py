"""Videos that are written: size, times, codec, and that they are there as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from skelact.ahead import ahead
from skelact.errors import OutputError, UsageError
from skelact.video import VideoReader
from skelact.video_writer import LONGEST_SIDE, VideoWriter

SAMPLE = Path(__file__).parents[1] / "assets" / "sample.mp4"
# As a slow camera gives them: a rate that drops, and a gap.
UNEVEN = [0.0, 0.033, 0.067, 0.1, 0.2, 0.3, 0.4, 2.5, 2.533]


def grey(brightness: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), brightness, np.uint8)


def write(path: Path, count: int = 9, fps: float = 30.0, times: list[float] | None = None, **how: bool) -> str:
    with VideoWriter(path, 64, 48, fps, **how) as writer:
        for k in range(count):
            writer.write(grey(20 * k), times[k] if times else None)
    return writer.codec


def decoded(path: Path) -> tuple[str, float, list[av.VideoFrame]]:
    """Codec, stated seconds and frames, by another reader than ours."""
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        assert stream.duration is not None
        return stream.codec.name, float(stream.duration * stream.time_base), list(file.decode(stream))


def test_browsers_can_play_it_while_it_loads(tmp_path: Path) -> None:
    assert write(tmp_path / "x.mp4") == "libx264"
    codec, _, frames = decoded(tmp_path / "x.mp4")
    assert codec == "h264"
    assert {frame.format.name for frame in frames} == {"yuv420p"}
    content = (tmp_path / "x.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_pictures_come_back_in_order(tmp_path: Path) -> None:
    write(tmp_path / "x.mp4")
    with VideoReader(tmp_path / "x.mp4") as video:
        assert [frame.image.mean() for frame in video] == pytest.approx([20 * k for k in range(9)], abs=6)


@pytest.mark.parametrize("fps", [1.0, 12.5, 30000 / 1001, 240.0])
def test_frames_without_times_come_at_the_rate(tmp_path: Path, fps: float) -> None:
    write(tmp_path / "x.mp4", fps=fps)
    _, seconds, frames = decoded(tmp_path / "x.mp4")
    assert [frame.time for frame in frames] == pytest.approx([k / fps for k in range(9)], abs=1e-4)
    assert seconds == pytest.approx(9 / fps, abs=1e-3)


def test_uneven_times_are_kept_and_the_last_frame_is_shown(tmp_path: Path) -> None:
    write(tmp_path / "x.mp4", fps=30, times=UNEVEN)
    _, seconds, frames = decoded(tmp_path / "x.mp4")
    assert [frame.time for frame in frames] == pytest.approx(UNEVEN, abs=1e-4)
    assert seconds == pytest.approx(UNEVEN[-1] + 1 / 30, abs=1e-3)
    with VideoReader(tmp_path / "x.mp4") as video:
        assert [frame.time for frame in video] == pytest.approx(UNEVEN, abs=2e-3)


def test_times_that_do_not_increase_do_not_stop_it(tmp_path: Path) -> None:
    write(tmp_path / "x.mp4", count=4, times=[0.0, 0.1, 0.1, 0.05])
    assert len(decoded(tmp_path / "x.mp4")[2]) == 4


@pytest.mark.parametrize(
    ("size", "written"),
    [
        ((65, 49), (64, 48)),
        ((1, 1), (2, 2)),
        ((3, 640), (2, 640)),
        ((LONGEST_SIDE * 2, 200), (LONGEST_SIDE, 100)),
    ],
)
def test_any_size_can_be_written(tmp_path: Path, size: tuple[int, int], written: tuple[int, int]) -> None:
    with VideoWriter(tmp_path / "x.mp4", *size, 25) as writer:
        writer.write(grey(90, *size))
    (frame,) = decoded(tmp_path / "x.mp4")[2]
    assert (frame.width, frame.height) == written
    assert frame.to_ndarray(format="gray").mean() == pytest.approx(90, abs=3)


def test_a_picture_of_another_size_is_scaled(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "x.mp4", 64, 48, 25) as writer:
        writer.write(grey(0))
        writer.write(grey(200, 320, 200))
    first, second = decoded(tmp_path / "x.mp4")[2]
    assert (second.width, second.height) == (first.width, first.height) == (64, 48)
    assert second.to_ndarray(format="gray").mean() == pytest.approx(200, abs=3)


@pytest.mark.parametrize("colour", [(0, 0, 255), (0, 255, 0), (255, 0, 0), (200, 120, 40), (255, 255, 255)])
def test_colours_come_back(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    with VideoWriter(tmp_path / "x.mp4", 64, 48, 25) as writer:
        writer.write(np.full((48, 64, 3), colour, np.uint8))
    with VideoReader(tmp_path / "x.mp4") as video:
        assert next(video).image[24, 32] == pytest.approx(colour, abs=6)


def test_without_an_encoder_of_h264_another_one_is_taken_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(av, "codecs_available", {"mpeg4", "png"})
    assert write(tmp_path / "x.mp4", times=UNEVEN) == "mpeg4"
    codec, _, frames = decoded(tmp_path / "x.mp4")
    assert (codec, len(frames)) == ("mpeg4", 9)
    assert [frame.time for frame in frames] == pytest.approx(UNEVEN, abs=1e-4)


def test_a_video_is_read_by_opencv_in_a_thread_while_it_is_written_by_pyav(tmp_path: Path) -> None:
    with (
        VideoReader(SAMPLE) as video,
        closing(ahead(video, depth=4)) as frames,
        VideoWriter(tmp_path / "x.mp4", video.width, video.height, video.fps) as writer,
    ):
        for frame in frames:
            writer.write(frame.image, frame.time)
    with VideoReader(SAMPLE) as one, VideoReader(tmp_path / "x.mp4") as other:
        for before, after in zip(one, other, strict=True):
            assert after.time == pytest.approx(before.time, abs=1e-3)
            assert np.abs(after.image.astype(int) - before.image).mean() < 3


@pytest.mark.parametrize("name", ["x.avi", "x", "x.mp4.part", "x.webm"])
def test_another_ending_is_refused_by_naming_the_one_there_is(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"end it with \.mp4"):
        VideoWriter(tmp_path / name, 64, 48, 25)


def test_an_output_that_cannot_be_written_is_told_before_a_picture_is_made(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").write_bytes(b"mine")
    for path, why in (
        (tmp_path / "there.mp4", "exists: give another name, or --overwrite"),
        (tmp_path / "there.mp4" / "x.mp4", "cannot be written"),
        (tmp_path, "end it with"),
    ):
        with pytest.raises((OutputError, UsageError), match=why):
            VideoWriter(path, 64, 48, 25)
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"
    write(tmp_path / "there.mp4", overwrite=True)
    assert len(decoded(tmp_path / "there.mp4")[2]) == 9


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_after_a_failure_there_is_what_was_there_before(tmp_path: Path, stop: type[BaseException]) -> None:
    (tmp_path / "x.mp4").write_bytes(b"mine")

    def fail() -> None:
        with VideoWriter(tmp_path / "x.mp4", 64, 48, 25, overwrite=True) as writer:
            writer.write(grey(0))
            assert (tmp_path / "x.mp4").read_bytes() == b"mine"
            raise stop

    with pytest.raises(stop):
        fail()
    assert os.listdir(tmp_path) == ["x.mp4"]
    assert (tmp_path / "x.mp4").read_bytes() == b"mine"


def test_a_video_without_pictures_is_none(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="without pictures"), VideoWriter(tmp_path / "x.mp4", 64, 48, 25):
        pass
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits the size of files, which only Unix can")
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        with VideoWriter(tmp_path / "x.mp4", 320, 240, 25) as writer:
            for k in range(100):
                writer.write(np.roll(noise, 7 * k))

    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="no space is left"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == []


def test_a_folder_that_vanishes_meanwhile_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    def lose() -> None:
        with VideoWriter(folder / "x.mp4", 64, 48, 25) as writer:
            writer.write(grey(0))
            shutil.rmtree(folder)

    with pytest.raises(OutputError, match="cannot be written"):
        lose()
    assert os.listdir(tmp_path) == []
