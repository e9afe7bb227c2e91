"""Predictions and sequences as videos."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from skelact.drawing import colour_of
from skelact.errors import InputError, OutputError, UsageError
from skelact.predictor import Predictor
from skelact.render import captions, draw_picture, draw_video, group_caption, render
from skelact.results import Prediction
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings, PredictSettings
from skelact.tags import DARK
from skelact.video import VideoReader
from skelact.video_writer import VideoWriter
from tests.sides import FPS, HEIGHT, WIDTH, places, sides

GREY = 128


def predict(sequence: PoseSequence, **settings: object) -> Prediction:
    """By the recognizer that tells sides, whose clips are usually of one second."""
    return Predictor(
        PredictSettings(**settings),  # type: ignore[arg-type]
        ExtractSettings(device="cpu"),
        recognizer=sides(),
    ).predict(sequence)


def grey_video(path: Path, frames: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    with VideoWriter(path, *size, FPS) as writer:
        for _ in range(frames):
            writer.write(np.full((size[1], size[0], 3), GREY, np.uint8))
    return path


def read(path: Path) -> list[tuple[float, np.ndarray]]:
    with VideoReader(path) as video:
        return [(frame.time, frame.image) for frame in video]


def differs(image: np.ndarray, ground: int) -> np.ndarray:
    """Where a picture is not as it was, but for what encoding does."""
    return np.abs(image.astype(int) - ground).max(axis=2) > 40


ONE = ["left"] * 2 + ["right"] * 2
APART = (ONE, ["right"] * 4)


def test_a_video_has_the_frames_times_and_size_of_the_one_predicted(tmp_path: Path) -> None:
    prediction = predict(places(ONE))
    video = grey_video(tmp_path / "clip.mp4", 40)
    told: list[tuple[int, int | None]] = []
    render(prediction, tmp_path / "x.mp4", video=video, on_frame=lambda done, total: told.append((done, total)))
    assert told == [(k + 1, 40) for k in range(40)]
    with av.open(str(tmp_path / "x.mp4")) as file:
        stream = file.streams.video[0]
        assert (stream.codec.name, stream.width, stream.height) == ("h264", WIDTH, HEIGHT)
        assert [frame.time for frame in file.decode(stream)] == pytest.approx([k / FPS for k in range(40)], abs=1e-3)
    assert sorted(os.listdir(tmp_path)) == ["clip.mp4", "x.mp4"]


def test_persons_are_drawn_where_they_are_over_the_pictures_of_the_video(tmp_path: Path) -> None:
    render(predict(places(ONE)), tmp_path / "x.mp4", video=grey_video(tmp_path / "clip.mp4", 40))
    for k, (_, image) in enumerate(read(tmp_path / "x.mp4")):
        marks = differs(image[: HEIGHT - 40], GREY)  # above the bar
        half = marks[:, : WIDTH // 2] if k < 20 else marks[:, WIDTH // 2 :]
        assert marks.sum() == half.sum() > 200
        assert not marks[: HEIGHT // 4].any()
        assert image[-10:].mean() < 100


@pytest.mark.parametrize("times", [[0, 0.1, 0.2, 0.9, 1.0, 1.1], [5, 5.033, 5.5, 6, 6.1, 7]])
def test_uneven_times_are_those_of_the_sequence_from_its_first_frame(tmp_path: Path, times: Sequence[float]) -> None:
    sequence = replace(places(["left"]).frames(0, 6), timestamps=np.array(times, float))
    render(predict(sequence), tmp_path / "x.mp4", video=None)
    assert [time for time, _ in read(tmp_path / "x.mp4")] == pytest.approx(np.array(times) - times[0], abs=2e-3)


def test_without_its_video_a_dark_ground_of_the_size_of_the_sequence_is_drawn_on(tmp_path: Path) -> None:
    render(predict(places(["left"])), tmp_path / "x.mp4", video=None)
    frames = read(tmp_path / "x.mp4")
    assert len(frames) == 10
    assert frames[0][1].shape == (HEIGHT, WIDTH, 3)
    assert not differs(frames[5][1][:, WIDTH // 2 :][: HEIGHT - 40], DARK[0]).any()
    assert differs(frames[5][1][:, : WIDTH // 2], DARK[0]).sum() > 200


def test_a_scaled_copy_of_the_video_is_drawn_in_its_own_size(tmp_path: Path) -> None:
    small = grey_video(tmp_path / "small.mp4", 10, (WIDTH // 2, HEIGHT // 2))
    render(predict(places(["right"])), tmp_path / "x.mp4", video=small)
    image = read(tmp_path / "x.mp4")[5][1]
    assert image.shape == (HEIGHT // 2, WIDTH // 2, 3)
    marks = differs(image[: HEIGHT // 2 - 30], GREY)
    assert marks[:, WIDTH // 4 :].sum() == marks.sum() > 50


def test_a_folder_of_pictures_is_drawn_over_as_well(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    for k in range(10):
        cv2.imwrite(str(tmp_path / "frames" / f"{k}.png"), np.full((HEIGHT, WIDTH, 3), GREY, np.uint8))
    render(predict(places(["right"])), tmp_path / "x.mp4", video=tmp_path / "frames")
    assert len(read(tmp_path / "x.mp4")) == 10


def test_the_action_of_the_group_stands_beside_those_looked_at() -> None:
    prediction = predict(places(*APART, [None] * 4))
    first, last = prediction.segments[0], prediction.segments[-1]
    text = captions(prediction, first.start + 0.01)
    assert set(text) == set(first.persons)
    assert all(caption.startswith(first.action) for caption in text.values())
    assert set(captions(prediction, last.end - 0.01)) == set(last.persons)


def test_the_action_of_each_person_stands_beside_them_with_its_probability_then() -> None:
    prediction = predict(places(*APART), per_person=True)
    early, late = captions(prediction, 0.5), captions(prediction, 3.5)
    assert [early[k].split()[0] for k in (7, 8)] == ["left", "right"]
    assert [late[k].split()[0] for k in (7, 8)] == ["right", "right"]
    timeline = prediction.individuals[0]
    step = np.abs(timeline.times - 0.5).argmin()
    assert early[7].split()[1] == f"{timeline.probabilities[step].max():.0%}"


def test_where_nothing_is_told_there_is_only_the_number() -> None:
    prediction = predict(places(["left"] * 2 + ["middle"] * 3 + ["left"] * 2))
    assert captions(prediction, 3.5) == {}
    assert group_caption(prediction, 3.5) == "no action"
    assert captions(prediction, 1e6) == {}


def test_names_of_actions_are_drawn_whatever_they_are(tmp_path: Path) -> None:
    names = ("手を振る <b>", "put on a hat/cap (person 12)\n" * 9, "")
    prediction = predict(places(["left"] * 2))
    group = replace(
        prediction.group, segments=tuple(replace(one, action=names[0]) for one in prediction.group.segments)
    )
    render(replace(prediction, class_names=names, group=group), tmp_path / "x.mp4", video=None)
    assert len(read(tmp_path / "x.mp4")) == 20


def test_two_persons_have_two_colours(tmp_path: Path) -> None:
    render(predict(places(["left"] * 2, ["right"] * 2), per_person=True), tmp_path / "x.mp4", video=None)
    image = read(tmp_path / "x.mp4")[10][1].astype(int)
    halves = image[: HEIGHT - 40, : WIDTH // 2], image[: HEIGHT - 40, WIDTH // 2 :]
    counts = [[(np.abs(half - colour_of(k)).max(axis=2) < 25).sum() for k in (7, 8)] for half in halves]
    assert counts[0][0] > 300 > 20 > counts[0][1]
    assert counts[1][1] > 300 > 20 > counts[1][0]


@pytest.mark.parametrize(
    ("frames", "why"),
    [(None, "there is no file"), (0, "is not a video"), (6, "has 6 frames, and the keypoints are of 10")],
)
def test_a_video_that_is_not_as_it_was_is_told_and_nothing_is_written(
    tmp_path: Path, frames: int | None, why: str
) -> None:
    video = tmp_path / "clip.mp4"
    if frames:
        grey_video(video, frames)
    elif frames == 0:
        video.write_text("no longer a video")
    (tmp_path / "x.mp4").write_bytes(b"mine")
    with pytest.raises(InputError, match=why):
        render(predict(places(["left"])), tmp_path / "x.mp4", video=video, overwrite=True)
    assert (tmp_path / "x.mp4").read_bytes() == b"mine"
    assert set(os.listdir(tmp_path)) <= {"x.mp4", "clip.mp4"}


def test_an_output_that_cannot_be_written_is_told_before_a_frame_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"mine")
    done: list[int] = []
    for path, error in (("x.mp4", OutputError), ("x.mp4/y.mp4", OutputError), ("x.avi", UsageError)):
        with pytest.raises(error):
            render(predict(places(["left"])), tmp_path / path, video=None, on_frame=lambda k, _: done.append(k))
    assert not done
    assert os.listdir(tmp_path) == ["x.mp4"]


def test_an_interrupted_video_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, _: int | None) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(
            predict(places(["left"])),
            tmp_path / "x.mp4",
            video=grey_video(tmp_path / "clip.mp4", 10),
            on_frame=interrupt,
        )
    assert os.listdir(tmp_path) == ["clip.mp4"]


def test_a_picture_is_the_frame_asked_for(tmp_path: Path) -> None:
    sequence = places(ONE)
    for frame_index, left in ((0, True), (39, False)):
        draw_picture(sequence, tmp_path / f"{frame_index}.png", frame_index)
        marks = differs(cv2.imread(str(tmp_path / f"{frame_index}.png")), DARK[0])
        assert marks[:, : WIDTH // 2].any() == left
        assert marks[:, WIDTH // 2 :].any() != left
    with pytest.raises(UsageError, match=r"end it with \.png"):
        draw_picture(sequence, tmp_path / "x.gif", 0)
    with pytest.raises(OutputError, match="exists"):
        draw_picture(sequence, tmp_path / "0.png", 0)


def test_a_sequence_is_drawn_by_any_function_of_picture_row_and_time(tmp_path: Path) -> None:
    rows: list[tuple[int, float]] = []

    def draw(image: np.ndarray, row: int, time: float) -> None:
        image[:] = 20 * row
        rows.append((row, round(time, 6)))

    draw_video(places(["left"]), tmp_path / "x.mp4", draw)
    assert rows == [(k, k / FPS) for k in range(10)]
    assert [image.mean() for _, image in read(tmp_path / "x.mp4")] == pytest.approx([20 * k for k in range(10)], abs=8)


def test_a_sequence_of_an_enormous_picture_is_drawn_in_a_smaller_one(tmp_path: Path) -> None:
    sequence = replace(places(["left"]), width=10**6, height=10**5).frames(0, 2)
    draw_video(sequence, tmp_path / "x.mp4", lambda *_: None)
    assert read(tmp_path / "x.mp4")[0][1].shape == (768, 7680, 3)
