"""From pictures that come in time to actions: with cameras that wait, streams of this machine, and stand-ins."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from benchmarks.mjpeg import MjpegServer, encoded, paced
from skelact.keypoints import FACE
from skelact.live import camera as camera_module
from skelact.live import watch as watch_module
from skelact.live.camera import WAITING
from skelact.live.update import LiveUpdate
from skelact.live.watch import live_models
from skelact.pose import Poses, View
from skelact.predictor import Predictor
from skelact.settings import ExtractSettings, PredictSettings
from skelact.video import Frame, VideoReader
from tests.live.test_camera import Scripted
from tests.sides import sides

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample.mp4"
MEDIAPIPE = ExtractSettings(pose="mediapipe", device="cpu", offline=True)
WIDTH, HEIGHT, RATE = 64, 48, 50


def asl(**settings: object) -> Predictor:
    return Predictor(PredictSettings(models=("asl-words",), **settings), MEDIAPIPE)  # type: ignore[arg-type]


class Patient:
    """A camera that waits until its frames are taken, two at a time; None is a gap."""

    script: ClassVar[list[Frame | None]] = []

    def __init__(self, source: str, **_: object) -> None:
        first = next(frame for frame in self.script if frame)
        self.source, self.fps, self.dropped = source, 25.0, 0
        self.height, self.width = first.image.shape[:2]
        self._rest = list(self.script)

    def __enter__(self) -> Patient:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def take(self) -> list[Frame] | None:
        if not self._rest:
            return None
        if self._rest[0] is None:
            del self._rest[0]
            return []
        batch = list(itertools.takewhile(bool, self._rest[:2]))
        del self._rest[: len(batch)]
        return batch  # type: ignore[return-value]

    def age(self, captured: float) -> float:
        return 0.1

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> list[Frame | None]:
    """What a camera shows that waits for who watches it."""
    script: list[Frame | None] = []
    monkeypatch.setattr(Patient, "script", script)
    monkeypatch.setattr(watch_module, "Camera", Patient)
    return script


class SpotOfLight:
    """Finds one person, all of whose keypoints are around the brightest part of the picture."""

    name, top_down = "spot", False

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        return [self._pose(view.image) for view in views]

    def close(self) -> None:
        """Nothing is held."""

    def _pose(self, image: np.ndarray) -> Poses:
        ys, xs = np.nonzero(image[..., 0] > 128)
        if not len(xs):
            return Poses.unseen(1)
        around = np.random.default_rng(0).uniform(-3, 3, (1, 133, 2))
        points = around + np.array([xs.mean(), ys.mean()])
        return Poses(points.astype(np.float32), np.ones((1, 133), np.float32))


def spot(where: str) -> np.ndarray:
    """A picture with somebody on the left, on the right, or nobody."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    if where != "nobody":
        x = {"left": 8, "right": 48}[where]
        image[16:32, x : x + 8] = 255
    return image


def in_time(*parts: tuple[str, float], start: float = 0.0) -> list[Frame]:
    """Frames of somebody who is in one place after another for so many seconds."""
    images = [spot(where) for where, seconds in parts for _ in range(round(25 * seconds))]
    return [Frame(image, k, start + k / 25) for k, image in enumerate(images)]


def watched(predictor: Predictor | None = None, **options: object) -> list[LiveUpdate]:
    """All updates of a camera, by the recognizer of sides if no other is given."""
    if predictor is None:
        predictor = Predictor(PredictSettings(), ExtractSettings(device="cpu"), recognizer=sides())
        options.setdefault("models", (SpotOfLight(), None))
    return list(predictor.live("http://camera/", **options))


def told(updates: list[LiveUpdate]) -> list[str]:
    return [segment.action for update in updates for _, segment in update.ended]


def test_what_somebody_does_is_told_while_and_after_they_do_it(patient: list[Frame | None]) -> None:
    patient += in_time(("left", 3), ("right", 3))
    updates = watched()
    assert told(updates) == ["left", "right"]
    assert len(updates) == 151  # one a frame, and one at the end
    changes = [update.actions[None] for update in updates if None in update.changed]
    assert [action and action.name for action in changes] == ["left", "right", None]
    halfway = next(update for update in updates if update.time >= 2)
    assert halfway.actions[None].name == "left"
    assert (halfway.sequence.num_instances, halfway.sequence.num_frames) == (1, 1)
    assert (halfway.fps, halfway.latency) == (pytest.approx(25, rel=0.01), 0.1)
    np.testing.assert_array_equal(halfway.image, spot("left"))


def test_each_person_is_told_of_where_that_is_asked_for(patient: list[Frame | None]) -> None:
    patient += in_time(("left", 3), ("nobody", 3))
    predictor = Predictor(PredictSettings(per_person=True), ExtractSettings(device="cpu"), recognizer=sides(persons=1))
    updates = watched(predictor, models=(SpotOfLight(), None))
    ended = [(person, segment.action) for update in updates for person, segment in update.ended]
    assert sorted(ended, key=str) == [(0, "left"), (None, "left")]
    assert [update.changed for update in updates if update.changed] == [(None, 0), (None, 0)]


def test_tracks_and_segments_end_where_the_camera_goes_away(patient: list[Frame | None]) -> None:
    patient += [*in_time(("left", 3)), None, *in_time(("left", 3), start=100.0)]
    updates = watched()
    (before, first), (after, second) = [
        (place, segment) for place, update in enumerate(updates) for _, segment in update.ended
    ]
    assert before == 75  # with the gap, before the camera is back
    assert updates[75].actions == {None: None}
    assert after == len(updates) - 1
    assert (first.start, first.end) == (0, pytest.approx(3))
    assert (second.start, second.end) == (100, pytest.approx(103))
    assert first.persons != second.persons


def test_who_leaves_while_the_camera_is_away_does_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, away = threading.Event(), threading.Event()

    def pictures() -> Iterator[np.ndarray]:
        yield spot("left")
        taken.wait(30)

    connections = iter([Scripted(pictures())])
    monkeypatch.setattr(camera_module, "open_source", lambda *_: next(connections, None))
    predictor = Predictor(PredictSettings(), ExtractSettings(device="cpu"), recognizer=sides())
    updates = predictor.live("http://camera/", models=(SpotOfLight(), None), warn=lambda message: away.set())
    next(updates)
    taken.set()
    assert away.wait(30)
    updates.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "skelact-ahead"]


def test_a_stream_of_the_sample_gives_its_sign_as_a_video_of_the_same_frames_does(
    patient: list[Frame | None],
) -> None:
    with VideoReader(SAMPLE) as video:
        patient += list(video)
    predictor = asl(stride=0.25)
    live = [segment for update in watched(predictor) for _, segment in update.ended]
    offline = predictor.predict(SAMPLE).segments
    assert "thank-you" in [segment.action for segment in live]
    assert [(one.start, one.end, one.action) for one in live] == [
        (pytest.approx(one.start), pytest.approx(one.end), one.action) for one in offline
    ]
    assert [one.probability for one in live] == pytest.approx([one.probability for one in offline], abs=1e-4)


def test_a_stream_over_the_network() -> None:
    pictures = encoded([spot("left")] * RATE * 2 + [spot("right")] * RATE * 2, quality=100)
    stop, said = threading.Event(), []
    predictor = Predictor(PredictSettings(), ExtractSettings(device="cpu"), recognizer=sides())

    def warn(message: str) -> None:
        said.append(message)
        stop.set()

    with MjpegServer(lambda: paced(pictures, RATE)) as server:
        updates = list(predictor.live(server.address, models=(SpotOfLight(), None), stop=stop, warn=warn))
    assert told(updates) == ["left", "right"]
    assert said == [f"{server.address} has gone away: it is tried again until it is back"]
    times = [update.time for update in updates]
    assert times == sorted(times)


def test_who_is_too_slow_for_a_camera_drops_frames_and_does_not_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimator that takes as long as twenty frames of the camera."""
    shown, read = threading.Semaphore(1), threading.Semaphore(0)
    batches = []

    def pictures() -> Iterator[np.ndarray]:
        for _ in range(300):
            shown.acquire()
            yield spot("left")
            read.release()

    class Slow(SpotOfLight):
        def estimate(self, views: Sequence[View]) -> list[Poses]:
            batches.append(len(views))
            if len(batches) > 1:  # the first is to warm up
                shown.release(20)
                for _ in range(20):
                    read.acquire(timeout=5)
            return super().estimate(views)

    monkeypatch.setattr(camera_module, "open_source", lambda *_: Scripted(pictures()))
    stop = threading.Event()
    predictor = Predictor(PredictSettings(), ExtractSettings(device="cpu"), recognizer=sides())
    updates = list(predictor.live("http://camera/", models=(Slow(), None), stop=stop, warn=lambda message: stop.set()))
    assert max(batches) == WAITING
    assert len(updates) < 60
    assert updates[-1].dropped > 200


def test_live_models_leave_out_the_face_where_nobody_looks_at_it() -> None:
    predictor = asl()
    estimator, detector = live_models(ExtractSettings(device="cpu", offline=True), predictor.recognizer)
    assert (estimator.name, detector) == ("mediapipe-lite", None)
    with VideoReader(SAMPLE) as video:
        image = next(video).image
    whole = np.array([[0, 0, image.shape[1], image.shape[0]]])
    (found,) = estimator.estimate([View(image, whole, np.zeros(1, np.int64))])
    estimator.close()
    assert (found.scores[0, :7] > 0).all()
    assert not found.scores[0, list(FACE)].any()
