"""A cut is told at its first frame; what else changes a picture quickly is no cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from skelact.shots import ShotDetector
from skelact.video import VideoReader

Images = list[np.ndarray]
HEIGHT, WIDTH, LENGTH = 240, 426, 24


def scene(seed: int) -> np.ndarray:
    """A wide picture of coloured things of all sizes."""
    random = np.random.default_rng(seed)
    picture = np.full((HEIGHT, 2 * WIDTH, 3), random.integers(40, 200, 3), np.uint8)
    for _ in range(150):
        corner = random.integers(0, (2 * WIDTH, HEIGHT))
        color = (random.integers(0, 100, 3) + random.integers(0, 120, 3) * (seed % 2)).tolist()
        cv2.rectangle(picture, corner.tolist(), (corner + random.integers(8, 70, 2)).tolist(), color, -1)
    return picture


def shot(seed: int, pan: int = 1) -> Images:
    return [scene(seed)[:, k * pan % WIDTH :][:, :WIDTH] for k in range(LENGTH)]


def cuts(images: Images) -> list[int]:
    detector = ShotDetector()
    return [k for k, image in enumerate(images) if detector.is_cut(image)]


def changed(change: Callable[[np.ndarray, int], np.ndarray], frames: range = range(LENGTH)) -> Images:
    return [change(image.copy(), k) if k in frames else image for k, image in enumerate(shot(1))]


def light(gain: float, offset: float) -> Callable[[np.ndarray, int], np.ndarray]:
    return lambda image, _: np.clip(gain * image.astype(np.float64) + offset, 0, 255).astype(np.uint8)


def hand(speed: int) -> Callable[[np.ndarray, int], np.ndarray]:
    def draw(image: np.ndarray, k: int) -> np.ndarray:
        return cv2.ellipse(image, (speed * k % (WIDTH + 200) - 100, 150), (85, 120), 20, 0, 360, (120, 150, 220), -1)

    return draw


def noise(image: np.ndarray, k: int) -> np.ndarray:
    trembling = np.random.default_rng(k).normal(0, 12, image.shape)
    return np.clip(image + trembling, 0, 255).astype(np.uint8)


NO_CUTS = {
    "nothing moves": shot(1, pan=0),
    "a slow pan": shot(1, pan=4),
    "a fast pan": shot(1, pan=40),
    "a white flash": changed(light(0, 255), range(12, 13)),
    "three black frames": changed(light(0, 0), range(12, 15)),
    "a flash that shows the scene": changed(light(0.3, 150), range(12, 13)),
    "the light goes out": changed(light(0.4, 0), range(12, LENGTH)),
    "a slow fade": changed(lambda image, k: light(1 - k / LENGTH, 0)(image, k)),
    "a hand before the camera": changed(hand(30)),
    "a hand that is fast": changed(hand(120)),
    "noise": changed(noise),
    "somebody covers the lens for a while": changed(lambda image, _: image // 16 + 90, range(5, 20)),
    "another scene for three frames": [*shot(1)[:12], *shot(2)[:3], *shot(1)[12:]],
}


@pytest.mark.parametrize("images", NO_CUTS.values(), ids=NO_CUTS)
def test_no_cut_within_a_shot(images: Images) -> None:
    if images is NO_CUTS["another scene for three frames"]:
        assert cuts(images) == [12]  # its beginning, as nobody knows yet; what comes back is no cut
    else:
        assert cuts(images) == []


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (WIDTH, HEIGHT), (1080, 1920), (48, 64)])
def test_a_cut_in_every_size(size: tuple[int, int]) -> None:
    images = [cv2.resize(image, size[::-1]) for image in (*shot(1), *shot(2), *shot(3))]
    assert cuts(images) == [LENGTH, 2 * LENGTH]


def test_a_cut_through_black_is_where_the_new_scene_shows() -> None:
    black = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 5
    assert cuts([*shot(1), *black, *shot(2)]) == [LENGTH + 5]


@given(npst.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3))))
def test_any_picture_will_do(image: np.ndarray) -> None:
    assert cuts([image, image, image]) == []


# The development videos, none of which has a cut: in pancake.mkv a hand reaches for the camera.
REAL = {"pancake.mkv": 310, "exercise.avi": 150, "juggle.mp4": 48, "street.mp4": 5, "ntu_hugging.avi": 30}
REAL |= {f"odd/{name}": 30 for name in ("corrupted.mp4", "h265_10bits.mp4", "rotate_90.mov", "unordered.mov")}


@pytest.mark.parametrize("name", REAL)
def test_no_cut_in_the_development_videos(shared: Path, name: str) -> None:
    with VideoReader(shared / "videos" / name) as reader:
        assert cuts([frame.image for frame, _ in zip(reader, range(REAL[name]), strict=False)]) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [("pancake.mkv", "exercise.avi"), ("street.mp4", "juggle.mp4"), ("ntu_hugging.avi", "ntu_drink_water.avi")],
)
def test_cuts_between_the_development_videos(shared: Path, first: str, second: str) -> None:
    images: Images = []
    for name in (first, second):
        with VideoReader(shared / "videos" / name) as reader:
            images += [cv2.resize(next(reader).image, (640, 360)) for _ in range(5)]
    assert cuts(images) == [5]
