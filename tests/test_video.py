"""Reading videos: every readable file gives its frames, upright and in time; every other one a sentence."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.errors import InputError
from skelact.video import Frame, VideoReader

FRAMES, FPS, WIDTH, HEIGHT = 20, 25.0, 64, 48

# file: frames, (width, height), nominal frames per second, seconds of the last frame
READABLE = {
    "coffee_hands.mp4": (287, (1280, 720), 29.97, 9.543),
    "exercise.avi": (393, (384, 288), 10.0, 39.2),
    "juggle.mp4": (247, (1280, 720), 24.0, 10.25),
    "ntu_drink_water.avi": (103, (1920, 1080), 30.0, 3.4),  # AVI's clock ends two frames early
    "ntu_hugging.avi": (72, (1920, 1080), 30.0, 71 / 30),
    "pancake.mkv": (310, (426, 240), 30.0, 10.3),
    "street.mp4": (5, (960, 540), 5.0, 0.8),
    "odd/corrupted.mp4": (28, (1280, 720), 10.0, 2.7),
    "odd/h265_10bits.mp4": (30, (200, 200), 30.0, 29 / 30),
    "odd/rotate_0.mov": (3, (568, 320), 30.0, 2 / 30),
    "odd/rotate_90.mov": (3, (320, 568), 30.0, 2 / 30),
    "odd/rotate_180.mov": (3, (568, 320), 30.0, 2 / 30),
    "odd/rotate_270.mov": (3, (320, 568), 30.0, 2 / 30),
    "odd/unordered.mov": (4, (50, 50), 32.0, 3 / 32),
    "odd/vfr_hugging.mp4": (72, (1920, 1080), 28.05, 2.533),  # variable frame rate
}
SOUND_ONLY = "odd/nasa_13013.mp4.audio.mp3"
AV1 = "odd/av1_video.mkv"  # decodes in some builds of OpenCV only


def read(path: str | Path, keep: int = FRAMES) -> tuple[VideoReader, list[Frame]]:
    """All frames; only the first `keep` with their pictures, for memory's sake."""
    frames = []
    with VideoReader(path) as reader:
        for frame in reader:
            assert frame.image.shape == (reader.height, reader.width, 3)
            assert frame.image.dtype == np.uint8
            assert frame.index == len(frames) == reader.frames_read - 1
            frames.append(frame if frame.index < keep else replace(frame, image=np.empty(0)))
    assert frames[0].time == 0.0
    assert all(after.time > before.time for before, after in pairwise(frames))
    return reader, frames


def write_video(path: Path, codec: str = "mp4v", frames: int = FRAMES) -> Path:
    """A video whose left half is white and whose right half brightens frame by frame."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), FPS, (WIDTH, HEIGHT))
    for k in range(frames):
        image = np.full((HEIGHT, WIDTH, 3), 5 * k, np.uint8)
        image[:, : WIDTH // 2] = 255
        writer.write(image)
    writer.release()
    return path


def write_stream(path: Path, width: int, height: int, frames: int) -> Path:
    """A bare stream of JPEG pictures, without container."""
    image = np.full((height, width, 3), 90, np.uint8)
    path.write_bytes(cv2.imencode(".jpg", image)[1].tobytes() * frames)
    return path


def with_avi_rate(path: Path, scale: int, rate: int) -> Path:
    """An AVI file that states rate / scale frames per second."""
    content = bytearray(write_video(path, "MJPG").read_bytes())
    struct.pack_into("<II", content, content.index(b"strh") + 28, scale, rate)
    path.write_bytes(content)
    return path


def with_frame_durations(path: Path, entries: list[tuple[int, int]]) -> Path:
    """An MP4 file whose frames last (count, ticks of 1 / 12800 s) each."""
    content = bytearray(write_video(path).read_bytes())
    table = struct.pack(">II", 0, len(entries)) + b"".join(struct.pack(">II", *entry) for entry in entries)
    start = content.index(b"stts") - 4
    (old_size,) = struct.unpack_from(">I", content, start)
    box = struct.pack(">I4s", 8 + len(table), b"stts") + table
    content[start : start + old_size] = box
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
        place = content.index(parent) - 4
        (size,) = struct.unpack_from(">I", content, place)
        struct.pack_into(">I", content, place, size + len(box) - old_size)
    content[:] = content.replace(b"edts", b"free")  # the edit list says how long the whole is
    path.write_bytes(content)
    return path


def with_rotation(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """An MP4 file whose track header asks players to turn the picture."""
    content = bytearray(write_video(path).read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    struct.pack_into(">iiiii", content, content.index(b"tkhd") + 44, a, b, 0, c, d)
    path.write_bytes(content)
    return path


def read_fake(
    milliseconds: list[float], sizes: tuple[tuple[int, int], ...] = ((4, 6),), fps: float = FPS
) -> tuple[VideoReader, list[Frame]]:
    """Read a stream with this clock and these frame sizes, taken in turn, in place of OpenCV's capture."""

    def open_stream(*_: object) -> mock.Mock:
        position = -1

        def grab() -> bool:
            nonlocal position
            position += 1
            return position < len(milliseconds)

        def decode() -> tuple[bool, np.ndarray | None]:
            return (True, np.ones((*sizes[position % len(sizes)], 3), np.uint8)) if grab() else (False, None)

        def get(prop: int) -> float:
            constant = {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_COUNT: float(len(milliseconds))}
            return milliseconds[position] if prop == cv2.CAP_PROP_POS_MSEC else constant.get(prop, 0.0)

        return mock.Mock(grab=grab, read=decode, get=get)

    with mock.patch("cv2.VideoCapture", open_stream):
        return read(__file__)


# Files written here


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
    reader, frames = read(_stated("MJPG", 30_000, 30_000)(tmp_path))
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


def _folder(tmp_path: Path) -> Path:
    return tmp_path


def _pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe.mp4")
    return tmp_path / "pipe.mp4"


def _file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(tmp_path: Path) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return make


def _without_pictures(tmp_path: Path) -> Path:
    path = write_video(tmp_path / "clip.mp4")
    content = path.read_bytes()
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    path.write_bytes(content[:start] + bytes(end - start) + content[end:])
    return path


def _without_index(tmp_path: Path) -> Path:
    path = write_video(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes()[:600])
    return path


def _undecodable_name(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.avi", "MJPG").rename(tmp_path / os.fsdecode(b"\xff\xe9.avi"))


TEXT = b"these are words, and words are no film\n" * 200


def _pictures(width: int, height: int) -> Callable[[Path], Path]:
    """A stream of two pictures of that size."""
    return lambda folder: write_stream(folder / "clip.mjpeg", width, height, 2)


def _stated(codec: str, width: int, height: int) -> Callable[[Path], Path]:
    """An AVI file of small frames whose header states another size, with a codec that believes it."""

    def make(tmp_path: Path) -> Path:
        content = bytearray(write_video(tmp_path / "clip.avi", codec).read_bytes())
        struct.pack_into("<ii", content, content.index(b"strf") + 12, width, height)
        (tmp_path / "clip.avi").write_bytes(content)
        return tmp_path / "clip.avi"

    return make


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "absent.mp4", "there is no file"),
        (_folder, "is a folder"),
        (_pipe, "is a device or a pipe"),
        (_file("empty.mp4", b""), "is empty"),
        (_file("words.mp4", TEXT), "is not a video"),
        (_file("words.txt", TEXT), "is not a video"),
        (_file("noise.mp4", np.random.default_rng(0).bytes(5000)), "is not a video"),
        (_file("song.mp3", b"ID3\x04" + bytes(400)), "holds sound only"),
        (_file("song.wav", b"RIFF\x00\x01\x00\x00WAVEfmt " + bytes(400)), "holds sound only"),
        (_pictures(65000, 1100), "frames of 65000 x 1100 pixels, more than 64 million: scale it down"),
        (_pictures(65000, 2), "one side more than 64 times the other"),
        (_pictures(2, 65000), "one side more than 64 times the other"),
        (_stated("FFV1", 100_000, 2), "one side more than 64 times the other"),
        (_stated("FFV1", 30_000, 30_000), "is AVI, but no picture in it can be opened"),
        (_without_pictures, "no frame of it decodes"),
        (_without_index, "was cut short"),
        (_undecodable_name, "not valid UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        VideoReader(path)
    assert repr(str(path)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4")
    path.chmod(0)
    root = os.geteuid() == 0  # whom no permission binds
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(InputError, match="cannot be read: Permission denied"):
            VideoReader(path)
    finally:
        if root:
            os.seteuid(0)


# Files that others made


@pytest.mark.parametrize("name", READABLE)
def test_known_videos(shared: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    reader, frames = read(shared / "videos" / name, keep=1)
    count, size, fps, last = READABLE[name]
    assert len(frames) == count
    assert (reader.width, reader.height) == size
    assert reader.fps == pytest.approx(fps, abs=0.01)
    assert frames[-1].time == pytest.approx(last, abs=2e-3)
    assert frames[0].image.any()
    expected = "28 of 50 stated frames decode: the file is cut short or damaged there"
    assert reader.notes() == ((expected,) if name.endswith("corrupted.mp4") else ())
    assert capfd.readouterr() == ("", "")


def test_variable_frame_rate_keeps_its_gap(shared: Path) -> None:
    _, frames = read(shared / "videos/odd/vfr_hugging.mp4", keep=1)
    steps = np.diff([frame.time for frame in frames])
    assert steps.max() == pytest.approx(0.2, abs=1e-3)
    assert np.median(steps) == pytest.approx(1 / 30, abs=1e-3)


def test_the_end_is_the_end(shared: Path) -> None:
    with VideoReader(shared / "videos/odd/corrupted.mp4") as reader:  # OpenCV would go on with smeared pictures
        count = sum(1 for _ in reader)
        assert next(reader, None) is None
    assert reader.frames_read == count


@pytest.mark.parametrize(
    ("degrees", "turn"),
    [(90, cv2.ROTATE_90_CLOCKWISE), (180, cv2.ROTATE_180), (270, cv2.ROTATE_90_COUNTERCLOCKWISE)],
)
def test_recordings_of_a_turned_phone_are_upright(shared: Path, degrees: int, turn: int) -> None:
    path = shared / f"videos/odd/rotate_{degrees}.mov"
    stored = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    stored.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
    np.testing.assert_array_equal(read(path)[1][0].image, cv2.rotate(stored.read()[1], turn))


def test_sound_without_a_picture(shared: Path) -> None:
    with pytest.raises(InputError, match="holds sound only"):
        VideoReader(shared / "videos" / SOUND_ONLY)


def test_a_codec_that_may_be_missing(shared: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = shared / "videos" / AV1
    if cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()[0]:
        assert len(read(path)[1]) == 125
    else:
        with pytest.raises(InputError, match="no frame of it decodes: its codec AV01 is not supported here"):
            VideoReader(path)
    assert capfd.readouterr() == ("", "")


def test_no_known_video_is_forgotten(shared: Path) -> None:
    folder = shared / "videos"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {*READABLE, SOUND_ONLY, AV1}
