"""`skelact visualize`: sequences as videos and pictures."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from skelact.formats.npz import save_sequence
from skelact.tags import DARK
from skelact.video import VideoReader
from skelact.video_writer import VideoWriter
from tests.sides import FPS, HEIGHT, WIDTH, places


@pytest.fixture
def seq(tmp_path: Path) -> Path:
    """Somebody who is left for a second, and then right beside another, for a second."""
    save_sequence(places(["left", "right"], [None, "right"]), tmp_path / "wave.npz")
    return tmp_path / "wave.npz"


def video(path: Path, frames: int, brightness: int = 200) -> Path:
    with VideoWriter(path, WIDTH, HEIGHT, FPS) as writer:
        for _ in range(frames):
            writer.write(np.full((HEIGHT, WIDTH, 3), brightness, np.uint8))
    return path


def marks(path: Path) -> tuple[bool, bool]:
    """Whether something is drawn in the left and in the right half of a picture on a dark ground."""
    image = cv2.imread(str(path)).astype(int)
    drawn = np.abs(image - DARK[0]).max(axis=2) > 60
    return bool(drawn[:, : WIDTH // 2].any()), bool(drawn[:, WIDTH // 2 :].any())


def test_a_sequence_becomes_a_video_of_its_name_here(skelact, seq):
    done = skelact("visualize", seq)
    assert (done.status, done.stderr) == (0, "")
    assert done.stdout == f"{seq} -> wave.mp4: 2 persons, 20 frames\n"
    with VideoReader("wave.mp4") as drawn:
        frames = list(drawn)
    assert (len(frames), drawn.width, drawn.height, drawn.fps) == (20, WIDTH, HEIGHT, FPS)
    assert frames[5].image[:, : WIDTH // 2].max() > 150
    assert frames[5].image[:, WIDTH // 2 :].max() < 60


def test_it_is_drawn_over_its_video(skelact, seq, tmp_path):
    done = skelact("visualize", seq, "--video", video(tmp_path / "clip.mp4", 20), "-o", "over/x.mp4")
    assert done.status == 0
    with VideoReader("over/x.mp4") as drawn:
        image = next(drawn).image
    assert image[0, 0].tolist() == pytest.approx([200] * 3, abs=12)
    assert (np.abs(image.astype(int) - 200).max(axis=2) > 60).sum() > 200


@pytest.mark.parametrize(
    ("arguments", "halves"),
    [
        ((), (False, True)),  # where most keypoints are: those of two persons
        (("--time", 0), (True, False)),
        (("--time", 0.96), (False, True)),
        (("--time", 2), (False, True)),
    ],
)
def test_one_frame_becomes_a_picture(skelact, seq, arguments, halves):
    assert skelact("visualize", seq, "-o", "x.PNG", *arguments).status == 0
    assert marks(Path("x.PNG")) == halves


def test_a_picture_over_its_video_is_a_jpeg_as_well(skelact, seq, tmp_path):
    done = skelact("visualize", seq, "--video", video(tmp_path / "clip.mp4", 20), "-o", "x.jpg", "--time", 1.9)
    assert done.stdout == f"{seq} -> x.jpg: 2 persons\n"
    image = cv2.imread("x.jpg")
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert Path("x.jpg").read_bytes().startswith(b"\xff\xd8")


def test_an_output_that_exists_is_replaced_only_when_told(skelact, seq):
    for name in ("wave.mp4", "x.png"):
        Path(name).write_text("mine")
        refused = skelact("visualize", seq, "-o", name)
        assert refused.status == 6
        assert "exists: give another name, or --overwrite" in refused.stderr
        assert Path(name).read_text() == "mine"
        assert skelact("visualize", seq, "-o", name, "--overwrite").status == 0
        assert Path(name).stat().st_size > 500


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (("-o", "x.avi"), 2, "-o 'x.avi': end it with .mp4, or for one picture with .png or .jpg"),
        (("-o", "x"), 2, "end it with .mp4"),
        (("--time", "1"), 2, "--time is for a picture: end -o with .png or .jpg"),
        (("-o", "x.png", "--time", "2.2"), 2, "--time 2.2 is behind the end: the sequence is of 2.0 s"),
        (("--video", "none.mp4"), 3, "there is no file 'none.mp4'"),
        (("--video", "short.mp4"), 3, "'short.mp4' has 6 frames, and the keypoints are of 20"),
        (("--video", "short.mp4", "-o", "x.png"), 3, "'short.mp4' has 6 frames"),
        (("-o", "wave.npz/x.mp4"), 6, "cannot be written"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(skelact, seq, tmp_path, arguments, status, why):
    video(tmp_path / "short.mp4", 6)
    before = sorted(os.listdir())
    done = skelact("visualize", seq, *arguments)
    assert done.status == status
    assert why in done.stderr
    assert done.stderr.startswith("error: ")
    assert sorted(os.listdir()) == before


def test_a_sequence_that_is_none_or_of_nobody_is_told(skelact, tmp_path):
    assert skelact("visualize", "none.npz").status == 3
    (tmp_path / "text.npz").write_text("text")
    assert skelact("visualize", "text.npz").status == 3
    nobody = places(["left"])
    save_sequence(replace(nobody, scores=np.zeros_like(nobody.scores)), tmp_path / "nobody.npz")
    done = skelact("visualize", "nobody.npz")
    assert done.status == 4
    assert "nobody was seen in 'nobody.npz': there is nothing to draw" in done.stderr
    assert sorted(os.listdir()) == ["nobody.npz", "text.npz"]
