"""From a video to a PoseSequence: with a scene of white boxes and stand-ins that see them, and with real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from skelact import pipeline
from skelact.errors import InputError, SkelactError, UsageError, WeightsError
from skelact.pipeline import extract
from skelact.pose import Detections, Poses, View
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings

FPS = 10
WIDTH, HEIGHT = 320, 240
Box = tuple[int, int, int, int]


def write_video(path: Path, images: list[np.ndarray], fps: float = FPS) -> Path:
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (width, height))
    for image in images:
        writer.write(image)
    writer.release()
    return path


def scene(path: Path, frames: list[list[Box]]) -> Path:
    """A video of white boxes on black."""
    images = []
    for boxes in frames:
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for x1, y1, x2, y2 in boxes:
            image[y1:y2, x1:x2] = 255
        images.append(image)
    return write_video(path, images)


def first_frames(video: Path, count: int, path: Path) -> Path:
    """The beginning of a video as a video of its own."""
    capture = cv2.VideoCapture(str(video))
    fps = capture.get(cv2.CAP_PROP_FPS)
    return write_video(path, [capture.read()[1] for _ in range(count)], fps)


def bright(image: np.ndarray) -> np.ndarray:
    """(P, 4): the white boxes in an image."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 128).astype(np.uint8))
    x, y, width, height = stats[1:, :4].T
    return np.stack([x, y, x + width, y + height], axis=1).astype(np.float32)


def inside(boxes: np.ndarray) -> Poses:
    """Keypoints spread from the first corner of each box to the last."""
    share = np.linspace(0, 1, 133, dtype=np.float32)[None, :, None]
    keypoints = boxes[:, None, :2] * (1 - share) + boxes[:, None, 2:] * share
    return Poses(keypoints.astype(np.float32), np.full((len(boxes), 133), 0.9, np.float32))


class WhiteBoxes:
    """A detector to which white boxes are persons."""

    name = "white"

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        self.looks += len(images)
        found = [bright(image) for image in images]
        return [Detections(boxes, np.full(len(boxes), 0.9, np.float32)) for boxes in found]


class Diagonals:
    """An estimator whose keypoints run along the diagonal of each box."""

    name = "diagonals"
    top_down = True

    def __init__(self) -> None:
        self.closed = 0

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        assert all(view.boxes.shape == (len(view.track_ids), 4) for view in views)
        return [inside(view.boxes) for view in views]

    def close(self) -> None:
        self.closed += 1


class FirstDiagonal(Diagonals):
    """One that finds one white box in what it is shown by itself."""

    top_down = False

    def estimate(self, views: Sequence[View]) -> list[Poses]:
        assert all(view.boxes.tolist() == [[0, 0, WIDTH, HEIGHT]] for view in views)
        found = [bright(view.image) for view in views]
        return [inside(boxes[:1]) if len(boxes) else Poses.unseen(1) for boxes in found]


@pytest.fixture
def estimator(monkeypatch: pytest.MonkeyPatch) -> Diagonals:
    """In the place of every estimator, with `WhiteBoxes` in the place of every detector."""
    created = Diagonals()
    monkeypatch.setattr(pipeline, "create_estimator", lambda name, **_: created)
    monkeypatch.setattr(pipeline, "create_detector", lambda name, **_: WhiteBoxes())
    return created


def walk(length: int = 20) -> list[list[Box]]:
    """One walks to the right and is away from frame 8 to 12, a larger one stands."""
    frames = []
    for t in range(length):
        walker = (10 + 4 * t, 20, 40 + 4 * t, 100)
        stander = (200, 20, 280, 220)
        frames.append([stander] if 8 <= t < 13 else [walker, stander])
    return frames


def test_persons_are_followed_through_a_video(tmp_path: Path, estimator: Diagonals) -> None:
    result = extract(scene(tmp_path / "walk.avi", walk()))
    assert (result.num_instances, result.num_frames) == (2, 20)
    assert result.present.sum(axis=1).tolist() == [20, 15]
    assert np.flatnonzero(~result.present[1]).tolist() == [8, 9, 10, 11, 12]
    assert np.abs(result.boxes[0] - (200, 20, 280, 220)).max() <= 2
    assert np.abs(result.boxes[1, 13] - (62, 20, 92, 100)).max() <= 2
    assert np.array_equal(result.keypoints[:, :, 0], result.boxes[..., :2])
    assert np.array_equal(result.keypoints[:, :, -1], result.boxes[..., 2:])
    assert result.timestamps == pytest.approx(np.arange(20) / FPS)
    assert (result.width, result.height, result.fps) == (WIDTH, HEIGHT, FPS)
    assert result.source == str(tmp_path / "walk.avi")
    assert result.estimator == "diagonals + white"
    assert result.notes == ()
    assert estimator.closed == 1


@pytest.mark.parametrize(
    ("fps", "detect_every", "looks"),
    [
        pytest.param(30, None, 8, id="by itself in each tenth of a second: the first and every third"),
        pytest.param(10, None, 20, id="by itself in every frame of a slow video"),
        pytest.param(30, 1, 20, id="in every frame if told so"),
        pytest.param(30, 10, 3, id="in every tenth if told so"),
    ],
)
def test_how_often_persons_are_looked_for(tmp_path: Path, fps: int, detect_every: int | None, looks: int) -> None:
    images = [np.zeros((HEIGHT, WIDTH, 3), np.uint8) for _ in range(20)]
    for t, image in enumerate(images):
        image[20:100, 10 + t : 40 + t] = 255
    detector = WhiteBoxes()
    settings = ExtractSettings(detect_every=detect_every)
    result = extract(write_video(tmp_path / "a.avi", images, fps), settings, models=(Diagonals(), detector))
    assert detector.looks == looks
    assert result.present.all()
    assert result.boxes[0, :, 0] == pytest.approx(10 + np.arange(20), abs=2)


def test_without_a_detector_the_person_is_tracked_by_the_keypoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "create_estimator", lambda name, **_: FirstDiagonal())
    frames = [[] if 5 <= t < 8 else [(10 + 4 * t, 20, 60 + 4 * t, 200)] for t in range(16)]
    result = extract(scene(tmp_path / "one.avi", frames), ExtractSettings(pose="mediapipe"))
    assert result.num_instances == 1
    assert np.flatnonzero(~result.present[0]).tolist() == [5, 6, 7]
    assert np.array_equal(result.boxes[0, 10, :2], result.keypoints[0, 10, 0])
    assert np.array_equal(result.boxes[0, 10, 2:], result.keypoints[0, 10, -1])
    assert result.estimator == "diagonals"


def test_another_person_after_a_cut_is_another_track(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "create_estimator", lambda name, **_: FirstDiagonal())
    frames = [[(10, 20, 60, 200)]] * 6 + [[(220, 20, 300, 230)]] * 8
    result = extract(scene(tmp_path / "cut.avi", frames), ExtractSettings(pose="mediapipe"))
    assert result.present.sum(axis=1).tolist() == [8, 6]


def test_nobody_gives_a_sequence_without_persons(tmp_path: Path, estimator: Diagonals) -> None:
    result = extract(scene(tmp_path / "empty.avi", [[]] * 4))
    assert (result.num_instances, result.num_frames) == (0, 4)


def test_progress_is_told_as_frames_are_done(tmp_path: Path, estimator: Diagonals) -> None:
    told: list[tuple[int, int | None]] = []
    extract(scene(tmp_path / "a.avi", walk(20)), on_frame=lambda done, stated: told.append((done, stated)))
    assert told == [(8, 20), (16, 20), (20, 20)]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, MemoryError])
def test_an_interruption_closes_the_estimator(
    tmp_path: Path, estimator: Diagonals, failure: type[BaseException]
) -> None:
    def interrupt(done: int, stated: int | None) -> None:
        raise failure

    with pytest.raises(failure):
        extract(scene(tmp_path / "a.avi", walk(6)), on_frame=interrupt)
    assert estimator.closed == 1


def test_a_file_cut_short_is_used_and_noted(shared: Path, estimator: Diagonals) -> None:
    result = extract(shared / "videos" / "odd" / "corrupted.mp4")
    assert result.num_frames == 28
    assert result.notes[0].startswith("28 of 50 stated frames decode")


def test_the_default_falls_back_if_only_the_detector_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_detector(name: str, **_: object) -> WhiteBoxes:
        raise WeightsError("rtmdet-m cannot be downloaded (no route): connect and run the command again")

    created = {"rtmw-l": Diagonals(), "mediapipe": FirstDiagonal()}
    monkeypatch.setattr(pipeline, "create_estimator", lambda name, **_: created[name])
    monkeypatch.setattr(pipeline, "create_detector", no_detector)
    told: list[str] = []
    result = extract(scene(tmp_path / "a.avi", [[(10, 20, 60, 200)]] * 4), warn=told.append)
    assert result.num_instances == 1
    assert told == [
        "MediaPipe stands in for rtmw-l, with less accurate keypoints of one person only: "
        "rtmdet-m cannot be downloaded (no route): connect and run the command again"
    ]


@pytest.fixture
def no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache."""
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "cache"))


@pytest.mark.usefixtures("no_weights")
def test_the_default_falls_back_to_mediapipe_offline(tmp_path: Path) -> None:
    told: list[str] = []
    result = extract(scene(tmp_path / "empty.avi", [[]] * 3), ExtractSettings(offline=True), warn=told.append)
    assert (result.num_instances, result.num_frames, result.estimator) == (0, 3, "mediapipe")
    assert len(told) == 1
    assert told[0].startswith("MediaPipe stands in for rtmw-l")
    assert "download" in told[0]


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"pose": "rtmw-l"}, WeightsError, "rtmw.*l_simcc|rtmw-l"),
        ({"pose": "rtmpose-m", "detector": "rtmdet-nano"}, WeightsError, "rtmdet_nano|rtmdet-nano"),
        ({"pose": "mediapipe", "detector": "rtmdet-m"}, WeightsError, "rtmdet_m|rtmdet-m"),
        ({"detector": "rtmdet-m"}, WeightsError, "rtmdet_m|rtmdet-m"),
        ({"detector": "missing.pth"}, WeightsError, "missing.pth"),
        ({"pose": "rtmw-xl"}, UsageError, "did you mean 'rtmw-x'"),
        ({"pose": "mediapipe", "detector": "rtmdet-nana"}, UsageError, "did you mean 'rtmdet-nano'"),
        ({"pose": "mediapipe", "device": "tpu"}, UsageError, "unknown device 'tpu'"),
    ],
)
def test_what_is_named_is_used_or_is_an_error(
    tmp_path: Path, options: dict[str, str], error: type[SkelactError], message: str
) -> None:
    told: list[str] = []
    with pytest.raises(error, match=message):
        extract(scene(tmp_path / "a.avi", [[]]), ExtractSettings(**options, offline=True), warn=told.append)
    assert told == []


def test_the_video_is_looked_at_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        extract(tmp_path / "missing.mp4", ExtractSettings(pose="unknown", device="unknown"))


def in_frame(result: PoseSequence) -> np.ndarray:
    """(I, T, V) bool: the keypoints that were seen and lie in the frame."""
    inside_frame = (result.keypoints >= 0) & (result.keypoints <= (result.width, result.height))
    return (result.scores > 0) & inside_frame.all(axis=-1)


def test_mediapipe_on_one_person(shared: Path, tmp_path: Path) -> None:
    video = first_frames(shared / "videos" / "ntu_drink_water.avi", 12, tmp_path / "drink.avi")
    result = extract(video, ExtractSettings(pose="mediapipe"))
    assert result.num_instances == 1
    assert result.present.all()
    assert result.estimator == "mediapipe"
    assert in_frame(result)[0, :, 5:13].all(), "shoulders, elbows, wrists and hips"
    assert result.keypoints[0, :, 0, 1].max() < result.keypoints[0, :, 11, 1].min(), "the nose is above the hips"
    assert (result.boxes[0, :, 3] - result.boxes[0, :, 1]).min() > 0.3 * result.height


def test_mediapipe_on_each_detected_person(shared: Path, tmp_path: Path) -> None:
    video = first_frames(shared / "videos" / "exercise.avi", 6, tmp_path / "exercise.avi")
    weights = shared / "weights" / "rtmdet_nano_person.pth"
    result = extract(video, ExtractSettings(pose="mediapipe", detector=str(weights)))
    assert result.estimator == "mediapipe + rtmdet-nano"
    assert result.num_instances >= 3
    three = result.select([0, 1, 2])
    assert three.present.mean() > 0.8
    centers = np.sort((three.boxes[:, 0, 0] + three.boxes[:, 0, 2]) / 2)
    assert (np.diff(centers) > 40).all(), "three persons side by side"
    shoulders = three.keypoints[:, :, [5, 6]].mean(axis=2)
    left, top, right, bottom = np.moveaxis(three.boxes, -1, 0)
    held = (shoulders[..., 0] > left) & (shoulders[..., 0] < right)
    held &= (shoulders[..., 1] > top) & (shoulders[..., 1] < bottom)
    assert held[three.present].all(), "each one's shoulders are in their own box"
