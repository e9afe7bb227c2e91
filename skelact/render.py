"""A video, or one picture, with its persons, their ids and actions drawn in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np

from skelact.ahead import ahead
from skelact.drawing import draw_persons, text_size
from skelact.errors import InputError, UsageError
from skelact.formats.writing import atomic_write, check_output
from skelact.results import Prediction, Segment, Timeline, clock
from skelact.sequence import PoseSequence
from skelact.sources import open_reader
from skelact.tags import DARK, bar_box, draw_bar
from skelact.video_writer import LONGEST_SIDE, VideoWriter

OnFrame = Callable[[int, int | None], None]
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg")


def render(
    prediction: Prediction,
    path: Path,
    *,
    video: str | Path | None,
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
) -> None:
    """Write a video of what was predicted: skeletons, track ids, actions and how probable they are.

    With timelines of persons each one's own action stands beside them; else the group's beside those looked at. The
    group's is also at the foot of the picture, with the time.

    Args:
        prediction: with the keypoints of all frames.
        path: the .mp4, see `VideoWriter`.
        video: the video predicted, decoded again; None to draw on a dark ground.
        overwrite: whether the file may be replaced.
        on_frame: called after each frame with those done and those there are.

    Raises:
        UsageError, OutputError: see `VideoWriter`.
        InputError: the video cannot be read any more, or has fewer frames than the keypoints.
    """

    def draw(image: np.ndarray, frame_index: int, time: float) -> None:
        height, width = image.shape[:2]
        size = text_size(width, height)
        taken = (bar_box(width, height, size),)
        draw_persons(image, prediction.sequence, frame_index, captions(prediction, time), taken)
        draw_bar(image, group_caption(prediction, time), clock(time), size)

    draw_video(prediction.sequence, path, draw, video=video, overwrite=overwrite, on_frame=on_frame)


def draw_video(
    sequence: PoseSequence,
    path: Path,
    draw: Callable[[np.ndarray, int, float], None],
    *,
    video: str | Path | None = None,
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
) -> None:
    """Write a video with a picture for each frame of a sequence, at its time.

    Args:
        sequence: how many frames there are, and when.
        path, video, overwrite, on_frame: see `render`.
        draw: draws into a picture, given also the row of the sequence and the seconds since its first frame.

    Raises:
        UsageError, OutputError, InputError: see `render`.
    """
    times = sequence.timestamps - sequence.timestamps[:1]
    check_output(path, overwrite)  # before the video is opened
    with (
        _pictures(sequence, video) as (width, height, images),
        VideoWriter(path, width, height, sequence.fps, overwrite=overwrite) as writer,
    ):
        for frame_index, (image, time) in enumerate(zip(images, times.tolist(), strict=True)):
            draw(image, frame_index, time)
            writer.write(image, time)
            if on_frame:
                on_frame(frame_index + 1, sequence.num_frames)


def draw_picture(
    sequence: PoseSequence, path: Path, frame_index: int, *, video: str | Path | None = None, overwrite: bool = False
) -> None:
    """Write one frame of a sequence as a picture, with skeletons and track ids.

    Args:
        sequence: what to draw.
        path: of a PNG or JPEG picture, by its ending.
        frame_index: the row of the sequence.
        video, overwrite: see `render`.

    Raises:
        UsageError: another ending.
        InputError, OutputError: see `render`.
    """
    if path.suffix.lower() not in PICTURE_ENDINGS:
        raise UsageError(f"{str(path)!r} is no name for a picture to write: end it with {' or '.join(PICTURE_ENDINGS)}")
    check_output(path, overwrite)
    with _pictures(sequence, video) as (_, _, images):
        image = next(itertools.islice(images, frame_index, None))
    draw_persons(image, sequence, frame_index, {})
    _, content = cv2.imencode(path.suffix.lower(), image)
    with atomic_write(path, overwrite) as file:
        file.write(content.tobytes())


def captions(prediction: Prediction, time: float) -> dict[int, str]:
    """What to write beside each track id at a time, seconds from the start of the video."""
    if not prediction.individuals:
        segment = prediction.group.at(time)
        return dict.fromkeys(segment.persons, group_caption(prediction, time)) if segment else {}
    told = ((each, each.at(time)) for each in prediction.individuals)
    return {
        each.person: _caption(each, segment, time, prediction.class_names)
        for each, segment in told
        if segment and each.person is not None
    }


def group_caption(prediction: Prediction, time: float) -> str:
    """What the group does at a time, seconds from the start of the video."""
    segment = prediction.group.at(time)
    return _caption(prediction.group, segment, time, prediction.class_names) if segment else "no action"


def _caption(timeline: Timeline, segment: Segment, time: float, names: tuple[str, ...]) -> str:
    """An action, and how probable it is at a time."""
    step = int(np.abs(timeline.times - time).argmin())
    return f"{segment.action} {timeline.probabilities[step, names.index(segment.action)]:.0%}"


@contextmanager
def _pictures(
    sequence: PoseSequence, video: str | Path | None
) -> Iterator[tuple[int, int, Generator[np.ndarray, None, None]]]:
    """Width, height and one picture a frame: of the video, decoded ahead, or a dark ground of the sequence's size."""
    if video is None:
        scale = min(1.0, LONGEST_SIDE / max(sequence.width, sequence.height))
        width, height = (max(1, round(side * scale)) for side in (sequence.width, sequence.height))
        yield width, height, (np.full((height, width, 3), DARK, np.uint8) for _ in range(sequence.num_frames))
        return
    with open_reader(video) as reader, closing(ahead(frame.image for frame in reader)) as images:
        yield reader.width, reader.height, _exactly(sequence.num_frames, images, video)


def _exactly(
    count: int, images: Generator[np.ndarray, None, None], video: str | Path
) -> Generator[np.ndarray, None, None]:
    """So many pictures.

    Raises:
        InputError: there are fewer.
    """
    for done in range(count):
        image = next(images, None)
        if image is None:
            raise InputError(
                f"{str(video)!r} has {done} frames, and the keypoints are of {count}: give the video that they were "
                "found in"
            )
        yield image
