"""A folder of pictures as a video."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.errors import InputError
from skelact.images import PictureReader, is_picture_folder, natural_order
from skelact.pipeline import extract
from skelact.settings import ExtractSettings
from skelact.sources import open_reader
from skelact.video import VideoReader
from tests.cli.conftest import SAMPLE


def picture(path: Path, grey: int, width: int = 32, height: int = 24) -> None:
    cv2.imwrite(str(path), np.full((height, width, 3), grey, np.uint8))


def greys(folder: Path) -> list[int]:
    with PictureReader(folder) as reader:
        return [int(frame.image[0, 0, 0]) for frame in reader]


def test_numbers_in_names_count_as_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 100, 1):
        picture(tmp_path / f"frame{number}.png", number)
    assert greys(tmp_path) == [1, 9, 10, 100]


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1))
def test_any_numbers_are_in_order(numbers: list[int]) -> None:
    names = sorted((f"a{number}.jpg" for number in numbers), key=natural_order)
    assert names == [f"a{number}.jpg" for number in sorted(numbers)]


@given(st.lists(st.text(max_size=8), min_size=2))
def test_any_names_have_an_order(names: list[str]) -> None:
    assert sorted(names, key=natural_order) == sorted(sorted(names, reverse=True), key=natural_order)


def test_frames_have_times_by_the_rate(tmp_path: Path) -> None:
    for number in range(4):
        picture(tmp_path / f"{number}.png", number)
    with PictureReader(tmp_path, fps=10) as reader:
        assert (reader.width, reader.height, reader.fps, reader.stated_frames) == (32, 24, 10, 4)
        frames = list(reader)
        assert [frame.index for frame in frames] == [0, 1, 2, 3]
        assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])
        assert reader.frames_read == 4
        assert reader.notes() == ("the folder of pictures states no rate: 10 frames per second are assumed",)


def test_pictures_that_cannot_be_read_or_have_another_size_are_noted(tmp_path: Path) -> None:
    picture(tmp_path / "1.png", 1)
    (tmp_path / "2.png").write_text("no picture")
    picture(tmp_path / "3.png", 3, width=64)
    picture(tmp_path / "4.png", 4)
    with PictureReader(tmp_path, fps=10) as reader:
        frames = list(reader)
        notes = reader.notes()
    assert [(frame.index, round(frame.time, 2)) for frame in frames] == [(0, 0.0), (1, 0.2), (2, 0.3)]
    assert all(frame.image.shape == (24, 32, 3) for frame in frames)
    assert "1 of 4 pictures cannot be read, and are left out" in notes
    assert "1 pictures of another size are scaled to 32 x 24" in notes


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ([], "no pictures in folder"),
        (["a.txt"], "no pictures in folder"),
        (["a.png", "b.jpg"], "none of the 2 pictures"),
    ],
)
def test_folders_without_pictures(tmp_path: Path, files: list[str], why: str) -> None:
    for name in files:
        (tmp_path / name).write_text("nothing")
    with pytest.raises(InputError, match=why):
        PictureReader(tmp_path)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        PictureReader(tmp_path / "none")


@pytest.mark.parametrize(
    ("names", "is_one"),
    [
        (["a.jpg", "b.PNG"], True),
        (["a.jpg", ".hidden.mp4", "times.txt"], True),
        (["a.jpg", "b.mp4"], False),
        (["a.jpg", "sub/"], False),
        (["a.txt"], False),
        ([], False),
    ],
    ids=["pictures", "and other files", "beside a video", "beside a folder", "no pictures", "empty"],
)
def test_which_folders_are_one_video(tmp_path: Path, names: list[str], is_one: bool) -> None:
    for name in names:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    assert is_picture_folder(tmp_path) == is_one
    assert not is_picture_folder(tmp_path / "none")


def test_pictures_of_a_video_give_its_keypoints(tmp_path: Path) -> None:
    with VideoReader(SAMPLE) as video:
        for frame in video:
            if frame.index < 12:
                cv2.imwrite(str(tmp_path / f"{frame.index}.png"), frame.image)
    settings = ExtractSettings(pose="mediapipe", offline=True)
    found = extract(tmp_path, settings)
    whole = extract(SAMPLE, settings).frames(0, 12)
    np.testing.assert_array_equal(found.keypoints, whole.keypoints)
    assert (found.fps, found.num_frames) == (30, 12)
    with open_reader(tmp_path) as reader:
        assert isinstance(reader, PictureReader)
