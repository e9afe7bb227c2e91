"""Videos that others made, sound and damaged ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from skelact.errors import InputError
from skelact.video import VideoReader
from tests.videos import read

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
