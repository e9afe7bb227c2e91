"""Who belongs to an action: fragments of one person are joined, pictures fall away, the main persons stay."""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.grouping import drop_still, main_persons, merge_fragments
from skelact.keypoints import get_layout
from skelact.sequence import PoseSequence
from skelact.video import VideoReader

FPS = 30
SIZE = (60.0, 180.0)


# Fragments ----------------------------------------------------------------------------------------------------------


def walks(*tracks: tuple[int, int, float, float, float], frames: int = 150, width: int = 640) -> PoseSequence:
    """One track a row: first frame, frame after the last, x in the first, pixels a frame, and size."""
    v = len(get_layout("coco17"))
    boxes = np.zeros((len(tracks), frames, 4), np.float32)
    for k, (start, stop, x, step, scale) in enumerate(tracks):
        middle = x + step * np.arange(stop - start)
        boxes[k, start:stop, 0] = middle - scale * SIZE[0] / 2
        boxes[k, start:stop, 1] = 300 - scale * SIZE[1] / 2
        boxes[k, start:stop, 2] = middle + scale * SIZE[0] / 2
        boxes[k, start:stop, 3] = 300 + scale * SIZE[1] / 2
    there = boxes.any(axis=2)
    keypoints = np.repeat(((boxes[..., :2] + boxes[..., 2:]) / 2)[:, :, None], v, axis=2)
    scores = np.repeat(np.where(there, 0.5, 0).astype(np.float32)[..., None], v, axis=2)
    numbers = np.arange(len(tracks)) + 1
    return PoseSequence(
        keypoints, scores, boxes, numbers, np.arange(frames) / FPS, width, 480, FPS, layout="coco17", notes=("a note",)
    )


# tracks, cuts, and the numbers left, of who is seen longest first
FRAGMENTS = {
    "walks behind a pillar": ([(0, 60, 100, 2, 1), (90, 150, 280, 2, 1)], (), [1]),
    "stands and is missed": ([(0, 60, 300, 0, 1), (90, 150, 305, 0, 1)], (), [1]),
    "is missed twice": ([(0, 40, 300, 0, 1), (60, 90, 305, 0, 1), (120, 150, 305, 0, 1)], (), [1]),
    "stops while hidden": ([(0, 60, 100, 2, 1), (90, 150, 250, 0, 1)], (), [1]),
    "turns up elsewhere": ([(0, 60, 100, 0, 1), (90, 150, 280, 0, 1)], (), [1, 2]),
    "walks the other way": ([(0, 60, 100, 3, 1), (90, 150, 100, -3, 1)], (), [1, 2]),
    "is another's size": ([(0, 60, 300, 0, 1), (90, 150, 300, 0, 0.6)], (), [1, 2]),
    "comes back too late": ([(0, 60, 300, 0, 1), (122, 150, 300, 0, 1)], (), [1, 2]),
    "is there while the other still is": ([(0, 91, 300, 0, 1), (90, 150, 300, 0, 1)], (), [1, 2]),
    "is followed by another at the side": ([(0, 60, 29, 0, 1), (90, 150, 29, 0, 1)], (), [1, 2]),
    "a cut between": ([(0, 60, 300, 0, 1), (90, 150, 300, 0, 1)], (75,), [1, 2]),
    "a cut as the second begins": ([(0, 60, 300, 0, 1), (90, 150, 300, 0, 1)], (90,), [1, 2]),
    "a cut before and one after": ([(10, 60, 300, 0, 1), (90, 140, 300, 0, 1)], (150, 10), [1]),
    "two cross behind a pillar": (
        [(0, 60, 100, 2, 1), (0, 60, 400, -2, 1), (90, 150, 220, -2, 1), (90, 150, 280, 2, 1)],
        (),
        [1, 2],
    ),
    "the nearer of two": ([(0, 60, 300, 0, 1), (90, 140, 330, 0, 1), (90, 150, 305, 0, 1)], (), [1, 2]),
    "nobody": ([], (), []),
}


@pytest.mark.parametrize(("tracks", "cuts", "kept"), FRAGMENTS.values(), ids=FRAGMENTS)
def test_a_person_who(tracks: list, cuts: tuple[int, ...], kept: list[int]) -> None:
    sequence = walks(*tracks)
    merged = merge_fragments(sequence, cuts)
    assert sorted(merged.track_ids.tolist()) == kept
    assert merged.present.sum() == sequence.present.sum()
    joined = len(tracks) - len(kept)
    assert len(merged.notes) == 1 + bool(joined)
    assert not joined or merged.notes[-1].startswith(f"{joined} track")


def test_who_cross_behind_a_pillar_go_on_as_they_came() -> None:
    tracks, cuts, _ = FRAGMENTS["two cross behind a pillar"]
    merged = merge_fragments(walks(*tracks), cuts)
    last = dict(zip(merged.track_ids.tolist(), merged.boxes[:, 149, 0], strict=True))
    assert last[1] > last[2]


def test_what_is_joined_holds_both_parts() -> None:
    sequence = walks((20, 80, 300, 0, 1), (0, 150, 100, 0, 1), (90, 150, 305, 0, 1))
    merged = merge_fragments(sequence)
    assert merged.track_ids.tolist() == [2, 1]
    for name in ("keypoints", "scores", "boxes"):
        before, after = getattr(sequence, name), getattr(merged, name)
        np.testing.assert_array_equal(after[1], before[0] + before[2])
        np.testing.assert_array_equal(after[0], before[1])
    assert not sequence.boxes[0, 100].any()  # what was given stays as it is


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40), st.integers(0, 640), st.integers(-4, 4)), max_size=8))
def test_joining_keeps_every_person_of_every_frame(rows: list[tuple[int, int, int, int]]) -> None:
    sequence = walks(*((start, start + length, x, step, 1) for start, length, x, step in rows), frames=100)
    merged = merge_fragments(sequence, cuts=[50])
    np.testing.assert_array_equal(merged.present.sum(axis=0), sequence.present.sum(axis=0))
    assert set(merged.track_ids.tolist()) <= set(sequence.track_ids.tolist())
    for t in range(0, 100, 7):
        assert sorted(merged.boxes[:, t].tolist())[-1:] == sorted(sequence.boxes[:, t].tolist())[-1:]


@pytest.mark.parametrize("scale", [0.25, 3.0])
def test_resolution_does_not_matter(scale: float) -> None:
    for tracks, cuts, kept in FRAGMENTS.values():
        sequence = walks(*tracks)
        scaled = replace(
            sequence, boxes=(scale * sequence.boxes).astype(np.float32), width=int(scale * 640), height=int(scale * 480)
        )
        assert sorted(merge_fragments(scaled, cuts).track_ids.tolist()) == kept


# Pictures -----------------------------------------------------------------------------------------------------------


def stand(seconds: float, sway: float = 0.0, jitter: float = 0.0, pan: float = 0.0, wave: float = 0.0) -> PoseSequence:
    """One 200 pixels tall; all in heights: slow sway of the head, trembling, the camera's way, a hand raised once."""
    layout, frames = get_layout("coco17"), round(seconds * FPS)
    random = np.random.default_rng(0)
    body = np.tile(random.random((len(layout), 2)), (1, frames, 1, 1))
    times = np.arange(frames) / FPS
    body[0, :, :, 0] += sway / 2 * np.sin(2 * np.pi * 0.3 * times)[:, None] * (1 - body[0, :, :, 1])
    body += random.normal(0, jitter, body.shape)
    body[0, :, :, 0] += pan * times[:, None]
    body[0, frames // 2 : frames // 2 + FPS, layout.index["left_wrist"], 1] -= wave
    keypoints = (200 * body + 100).astype(np.float32)
    boxes = np.tile(np.array([100, 100, 200, 300], np.float32), (1, frames, 1))
    scores = np.full(keypoints.shape[:3], 0.9, np.float32)
    return PoseSequence(keypoints, scores, boxes, np.ones(1, np.int64), times, 640, 480, FPS, layout="coco17")


STILL = {
    "a picture": (stand(12), True),
    "a picture on which the estimator trembles": (stand(12, jitter=0.005), True),
    "a picture seen too shortly": (stand(8), False),
    "a person who stands and sways": (stand(12, sway=0.03, jitter=0.005), False),
    "a person who raises a hand for a second": (stand(12, wave=0.05), False),
    "a picture past which the camera moves": (stand(12, pan=0.01), False),
}


@pytest.mark.parametrize(("sequence", "dropped"), STILL.values(), ids=STILL)
def test_what_stands_still(sequence: PoseSequence, dropped: bool) -> None:
    left = drop_still(sequence)
    assert left.num_instances == (0 if dropped else 1)
    assert len(left.notes) == int(dropped)
    assert not dropped or left.notes[0].startswith("1 person is left out as a picture")


def test_a_poster_in_a_video(shared: Path) -> None:
    """A gymnast and, as a still on the wall behind, a juggler, through MediaPipe, under the noise of a camera."""
    from skelact.pose import View, create_estimator

    with VideoReader(shared / "videos/juggle.mp4") as juggler:
        poster = cv2.resize(next(juggler).image[10:715, 564:875], (79, 180), interpolation=cv2.INTER_AREA)
    random = np.random.default_rng(0)
    wall, gymnast = np.array([6, 8, 85, 180]), np.array([150, 132, 212, 252])
    times, points, scores = [], [], []
    with VideoReader(shared / "videos/exercise.avi") as reader, closing(create_estimator("mediapipe")) as estimator:
        for frame in itertools.islice(reader, 0, 106, 4):
            image = frame.image.copy()
            image[4:184, 6:85] = poster
            image = np.clip(image + random.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
            boxes = np.stack([wall, gymnast]) + random.normal(0, 0.5, (2, 4))
            poses = estimator.estimate([View(image, boxes.astype(np.float32), np.arange(2))])[0]
            times.append(frame.time)
            points.append(poses.keypoints)
            scores.append(poses.scores)
    boxes = np.repeat(np.stack([wall, gymnast])[:, None], len(times), axis=1).astype(np.float32)
    keypoints, seen = np.stack(points, axis=1), np.stack(scores, axis=1)
    sequence = PoseSequence(keypoints, seen, boxes, np.arange(2), np.array(times), 384, 288, 2.5)
    assert sequence.present.mean() > 0.9
    assert drop_still(sequence).track_ids.tolist() == [1]


# Main persons -------------------------------------------------------------------------------------------------------


def people(*rows: tuple[int, float, float]) -> PoseSequence:
    """One person a row: frames seen in (of 40), height in pixels, and how far they sway, in heights."""
    v = len(get_layout("coco17"))
    keypoints = np.zeros((len(rows), 40, v, 2), np.float32)
    scores = np.zeros((len(rows), 40, v), np.float32)
    boxes = np.zeros((len(rows), 40, 4), np.float32)
    for k, (frames, height, sway) in enumerate(rows):
        keypoints[k, :frames] = 200 + height * np.random.default_rng(0).random((v, 2))
        keypoints[k, :frames, :, 0] += (sway * height * np.sin(np.arange(frames)))[:, None]
        scores[k, :frames] = 0.9
        boxes[k, :frames] = (200, 200, 200 + height / 2, 200 + height)
    return PoseSequence(
        keypoints, scores, boxes, np.arange(len(rows)) + 1, np.arange(40) / 30, 640, 480, 30.0, layout="coco17"
    )


CROWDS = {
    "two act and one watches from far": ([(40, 200, 0.2), (40, 60, 0.0), (38, 200, 0.2)], [1, 3]),
    "one passes by, quickly": ([(40, 200, 0.1), (8, 200, 2.0)], [1]),
    "one stands still and near, one moves far away": ([(40, 300, 0.0), (40, 60, 0.1), (40, 200, 0.3)], [1, 3]),
    "a single one": ([(40, 200, 0.0)], [1]),
    "one who is seen in a single frame": ([(1, 200, 0.0)], [1]),
    "one never seen": ([(40, 200, 0.1), (0, 0, 0.0)], [1]),
    "nobody": ([], []),
    "nobody ever seen": ([(0, 0, 0.0)], []),
}


@pytest.mark.parametrize(("rows", "kept"), CROWDS.values(), ids=CROWDS)
def test_the_main_persons_of_a_crowd(rows: list[tuple[int, float, float]], kept: list[int]) -> None:
    assert main_persons(people(*rows), 2).track_ids.tolist() == kept


def test_the_one_main_person() -> None:
    assert main_persons(people((40, 200, 0.05), (40, 200, 0.4)), 1).track_ids.tolist() == [2]
