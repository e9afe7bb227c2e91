"""Batches of frames to persons: what happens at cuts, and to those lost between two looks of the detector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from skelact.chain import Batch, Chain
from skelact.pose import Detections, Poses, View
from skelact.video import Frame

SEEN = 0.9


def batch(lefts: Sequence[float], start: int = 0, cuts: Sequence[int] = ()) -> Batch:
    """Frames whose first pixel tells where a person 40 pixels wide begins."""
    frames = []
    for t, left in enumerate(lefts, start):
        image = np.zeros((200, 200, 3), np.uint8)
        image[0, 0] = left
        frames.append(Frame(image, t, t / 30))
    return Batch(frames, [t in cuts for t in range(start, start + len(lefts))])


def box_of(image: np.ndarray) -> np.ndarray:
    left = float(image[0, 0, 0])
    return np.array([[left, 20, left + 40, 150]], np.float32)


class Watcher:
    """A detector that finds the person of a frame."""

    name = "watcher"

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        self.looks += len(images)
        return [Detections(box_of(image), np.full(1, 0.9, np.float32)) for image in images]


class Near:
    """An estimator that sees a person only where the box is right by 5 pixels."""

    name = "near"

    def __init__(self, top_down: bool = True) -> None:
        self.top_down = top_down
        self.views = 0

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        self.views += len(views)
        poses = []
        for view in views:
            right = np.abs(view.boxes - box_of(view.image)).max(axis=1) < 5
            poses.append(
                Poses(
                    np.repeat(view.boxes[:, None, :2], 133, axis=1),
                    np.repeat(np.where(right, SEEN, 0.1)[:, None], 133, axis=1).astype(np.float32),
                )
            )
        return poses

    def close(self) -> None:
        pass


STEADY = [10 + 2 * t for t in range(8)]
# Away and back between two looks at frames 3 and 7: a straight way misses it.
DASH = [10, 10, 10, 10, 26, 30, 26, 10]


@pytest.mark.parametrize(
    ("lefts", "looks", "views"),
    [
        pytest.param(STEADY, 3, 8, id="a straight way is interpolated"),
        pytest.param(DASH, 6, 11, id="who is lost is looked for, and estimated again"),
    ],
)
def test_who_is_lost_between_two_looks_is_looked_for(lefts: list[float], looks: int, views: int) -> None:
    watcher, near = Watcher(), Near()
    persons = Chain(near, watcher, 30.0, detect_every=4).persons(batch(lefts))
    assert (watcher.looks, near.views) == (looks, views)
    for frame, left in zip(persons, lefts, strict=True):
        assert frame.boxes[0, 0] == pytest.approx(left, abs=1e-3)
        assert frame.poses.scores.min() == pytest.approx(SEEN)
    assert {track_id for frame in persons for track_id in frame.track_ids.tolist()} == {0}


def test_an_estimator_that_follows_persons_itself_sees_each_frame_once() -> None:
    near = Near(top_down=False)
    Chain(near, Watcher(), 30.0, detect_every=4).persons(batch(DASH))
    assert near.views == 8


def test_the_frame_before_a_batch_counts_for_its_first() -> None:
    watcher = Watcher()
    chain = Chain(Near(), watcher, 30.0, detect_every=4)
    chain.persons(batch(STEADY))
    persons = chain.persons(batch([26 + 2 * t for t in range(8)], start=8))
    assert watcher.looks == 3 + 2
    assert [frame.boxes[0, 0] for frame in persons] == pytest.approx([26 + 2 * t for t in range(8)])


class Finder(Near):
    """An estimator that finds the person of a frame by itself."""

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        corners = [np.tile(box_of(view.image).reshape(1, 2, 2), (1, 67, 1))[:, :133] for view in views]
        return [Poses(keypoints, np.ones((1, 133), np.float32)) for keypoints in corners]


@pytest.mark.parametrize("detector", [Watcher(), None], ids=["with a detector", "without"])
def test_a_cut_ends_tracks(detector: Watcher | None) -> None:
    estimator = Near() if detector else Finder(top_down=False)
    persons = Chain(estimator, detector, 30.0).persons(batch([10] * 8, cuts=[4]))
    ids = [frame.track_ids.tolist() for frame in persons]
    assert ids[:4] == [ids[0]] * 4
    assert ids[4:] == [ids[4]] * 4
    assert ids[0] != ids[4]
