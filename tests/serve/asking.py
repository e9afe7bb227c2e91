"""A server whose predictor is a stand-in that can be held, and how to send files to it."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skelact.formats import save_sequence
from skelact.predictor import Predictor
from skelact.results import Prediction
from skelact.sequence import PoseSequence
from skelact.serve.limits import Limits
from skelact.settings import ExtractSettings
from skelact.video import VideoReader
from tests.sides import places, sides

# The names below stand after these, which skip where they are not installed.
pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("httpx", reason="needs httpx, which asks the server")

with warnings.catch_warnings():  # that the client is to be of another package, says Starlette from 1.0 on
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

from skelact.serve.app import create_app

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample.mp4"
SOON = 20.0  # seconds; what should happen and has not by then does not happen


class HeldPredictor(Predictor):
    """Reads a video frame by frame as the real one does, and then finds what it was told to find.

    Attributes:
        go: frames are read while it is set.
        began: the sources, in the order in which they were begun.
        found: what is found in every video.
        fault: raised where it is set.
    """

    def __init__(self) -> None:
        super().__init__(extraction=ExtractSettings(device="cpu"), recognizer=sides())
        self.go = threading.Event()
        self.go.set()
        self.began: list[Path] = []
        self.found = places(["left"] * 3 + ["right"] * 3)
        self.fault: Exception | None = None

    def predict(
        self, source: str | Path | PoseSequence, on_frame: Callable[[int, int | None], None] | None = None
    ) -> Prediction:
        """What was found, with this source."""
        if isinstance(source, PoseSequence):
            return super().predict(source)
        self.began.append(Path(source))
        with VideoReader(source) as video:
            for frame in video:
                while not self.go.wait(0.01):
                    on_frame(frame.index, video.stated_frames)
                on_frame(frame.index + 1, video.stated_frames)
        if self.fault:
            raise self.fault
        return super().predict(replace(self.found, source=str(source)))


def write_plain_report(prediction: Prediction, path: Path, *, on_frame: Callable[..., None], **_: Any) -> None:
    """A page with nothing but what was told."""
    on_frame(1, 1)
    path.write_text("<!doctype html><p>" + " ".join(segment.action for segment in prediction.segments))


@contextmanager
def running(
    predictor: Predictor, write_report: Callable[..., Any] = write_plain_report, **limits: float
) -> Iterator[TestClient]:
    """A server with some limits, and a client that asks it."""
    app = create_app(predictor, Limits(**limits), ["localhost", "box.example"], write_report)
    with TestClient(app, base_url="http://localhost:8000", raise_server_exceptions=False) as client:
        yield client


def sequence_bytes(sequence: PoseSequence, folder: Path) -> bytes:
    """The .npz of a sequence."""
    path = folder / "made.npz"
    save_sequence(sequence, path, overwrite=True)
    return path.read_bytes()


def send(client: TestClient, content: bytes, name: str = "clip.mp4", address: str = "/jobs") -> Any:
    """Send a file; the answer."""
    return client.post(address, files={"file": (name, content)})


def until(client: TestClient, job: dict[str, Any], *states: str) -> dict[str, Any]:
    """The job once it is in one of these states; by default, once it has ended."""
    wanted = states or ("done", "failed", "cancelled")
    latest = time.monotonic() + SOON
    while time.monotonic() < latest:
        now: dict[str, Any] = client.get(f"/jobs/{job['id']}").json()
        if now["state"] in wanted:
            return now
        time.sleep(0.01)
    raise AssertionError(f"the job is not {' or '.join(wanted)} by now, but {now}")


def files_in(client: TestClient) -> list[str]:
    """The names of the files that the server keeps."""
    return sorted(path.name for path in client.app.state.folder.rglob("*") if path.is_file())
