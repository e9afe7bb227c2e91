"""Predictions to write pages about, and an installed browser to open them with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelact.predictor import Predictor
from skelact.results import Prediction
from skelact.sequence import PoseSequence
from skelact.settings import PredictSettings
from skelact.video_writer import VideoWriter
from tests.sides import FPS, HEIGHT, WIDTH, places, sides

SECONDS = 6


def film(path: Path, frames: int = SECONDS * int(FPS), width: int = WIDTH, height: int = HEIGHT) -> Path:
    """A video that brightens frame by frame."""
    with VideoWriter(path, width, height, FPS) as writer:
        for k in range(frames):
            writer.write(np.full((height, width, 3), 40 + 2 * k, np.uint8))
    return path


def predict(sequence: PoseSequence, **settings: object) -> Prediction:
    """By the recognizer that tells sides."""
    chosen = {"per_person": True, "threshold": 0.4, "window": 1.0, "stride": 0.25, **settings}
    return Predictor(PredictSettings(**chosen), recognizer=sides()).predict(sequence)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of six seconds."""
    return film(tmp_path_factory.mktemp("film") / "clip.mp4")


@pytest.fixture(scope="session")
def prediction(video: Path) -> Prediction:
    """Of two persons, of whom one goes from the left to the right, and the other the other way."""
    return predict(places(["left"] * 3 + ["right"] * 3, ["right"] * 4 + [None, "left"], source=str(video)))
