"""Cameras of the network made by this machine, and scripted ones."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.mjpeg import MjpegServer, encoded, paced
from skelact.errors import InputError
from skelact.live import camera as camera_module
from skelact.live import source as source_module
from skelact.live.camera import WAITING, Camera
from skelact.video import Frame
from tests.publishing import serving

RATE = 50


def shades(count: int, width: int = 64, height: int = 48) -> list[bytes]:
    """Grey pictures as JPEG, each brighter than the one before."""
    return encoded(np.full((height, width, 3), 5 + 4 * k, np.uint8) for k in range(count))


def take_all(camera: Camera, until: Callable[[], object] = lambda: False) -> list[list[Frame]]:
    """What a camera gives until it ends, or until something is so."""
    batches = []
    while not until() and (batch := camera.take()) is not None:
        batches.append(batch)
    return batches


class Scripted:
    """A source that gives pictures as soon as they are read."""

    fps, finite = None, False

    def __init__(self, images: Iterable[np.ndarray]) -> None:
        self._images = iter(images)

    def read(self) -> np.ndarray | None:
        return next(self._images, None)

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Iterable[np.ndarray]]:
    """The pictures of each connection to a source; where there are no more, it does not answer."""
    scripts: list[Iterable[np.ndarray]] = []
    monkeypatch.setattr(
        camera_module, "open_source", lambda source, seconds: Scripted(scripts.pop(0)) if scripts else None
    )
    return scripts


def test_a_stream_gives_frames_with_the_times_of_their_capture() -> None:
    with MjpegServer(lambda: paced(itertools.cycle(shades(50)), RATE)) as server, Camera(server.address) as camera:
        assert (camera.width, camera.height) == (64, 48)
        frames = [frame for _ in range(5) for frame in camera.take() or ()]
    assert all(frame.image.shape == (48, 64, 3) for frame in frames)
    times = [frame.time for frame in frames]
    assert times == sorted(set(times))
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})
    assert 0 <= camera.age(times[-1]) < camera.age(times[0])


def test_frames_that_come_too_fast_are_dropped_oldest_first(connections: list[Iterable[np.ndarray]]) -> None:
    all_read, stop = threading.Event(), threading.Event()

    def pictures() -> Iterator[np.ndarray]:
        for k in range(50):
            yield np.full((48, 64, 3), k, np.uint8)
        all_read.set()
        stop.wait()

    connections.append(pictures())
    with Camera("http://camera/") as camera:
        assert all_read.wait(30)
        frames = camera.take() or []
        stop.set()
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [47, 48, 49][-WAITING:]
    assert [frame.index for frame in frames] == [47, 48, 49][-WAITING:]
    assert camera.dropped == 50 - WAITING


def test_a_stream_that_goes_away_is_tried_until_it_is_back() -> None:
    said: list[str] = []
    pictures = shades(50)
    with MjpegServer(lambda: paced(pictures, RATE)) as server, Camera(server.address, warn=said.append) as camera:
        batches = take_all(camera, until=lambda: len(said) > 2)
        assert server.connections >= 2
    gone, back, gone_again = said[:3]
    assert gone == gone_again == f"{server.address} has gone away: it is tried again until it is back"
    assert back == f"{server.address} is back"
    gap = batches.index([])
    assert 0 < gap < len(batches) - 1
    assert batches[gap + 1][0].time > batches[gap - 1][-1].time + 0.3


def test_a_server_that_is_started_again_is_found_again() -> None:
    said: list[str] = []
    pictures = shades(50)
    with MjpegServer(lambda: paced(pictures[:8], RATE)) as server:
        camera = Camera(server.address, warn=said.append)
    take_all(camera, until=lambda: said)
    assert said == [f"{server.address} has gone away: it is tried again until it is back"]
    with MjpegServer(lambda: paced(itertools.cycle(pictures), RATE), port=server.port), camera:
        take_all(camera, until=lambda: len(said) > 1)
        assert camera.take() is not None
    assert said[1:] == [f"{server.address} is back"]


@pytest.mark.parametrize("how", ["within a connection", "after a gap"])
def test_pictures_of_another_size_are_scaled_and_that_is_said_once(how: str) -> None:
    said: list[str] = []
    large, small = shades(20), shades(20, 32, 32)
    gaps = 0 if how == "within a connection" else 1
    plays = iter([large + small + large + small] if how == "within a connection" else [large, small, large])
    with (
        MjpegServer(lambda: paced(next(plays, small), RATE)) as server,
        Camera(server.address, warn=said.append) as camera,
    ):
        batches = take_all(camera, until=lambda: sum("gone away" in text for text in said) > gaps)
    assert {frame.image.shape for batch in batches for frame in batch} == {(48, 64, 3)}
    assert [text for text in said if "pictures of" in text] == [
        f"{server.address} now has pictures of 32 x 32: they are scaled to 64 x 48"
    ]


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def test_a_server_that_never_answers(silent: str) -> None:
    with pytest.raises(InputError, match=r"no picture came from .* within 0\.5 s: check the address"):
        Camera(silent, seconds=0.5)


def test_an_address_where_nobody_is_or_something_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        free = listening.getsockname()[1]
    (tmp_path / "page.html").write_text("<p>no pictures</p>" * 100)
    with serving(tmp_path) as address:
        for place in (f"http://127.0.0.1:{free}/", f"{address}/none.mjpg", f"{address}/page.html"):
            with pytest.raises(InputError, match="no picture came from"):
                Camera(place, seconds=0.3)


def test_a_password_is_not_shown(silent: str) -> None:
    with pytest.raises(InputError) as error:
        Camera(silent.replace("//", "//admin:secret@"), seconds=0.2)
    assert "secret" not in str(error.value)
    assert silent in str(error.value)


@pytest.mark.parametrize(
    ("devices", "why"),
    [
        ([], "camera 97 cannot be opened: this machine has none"),
        (["/dev/video0"], "camera 97 gives no picture: there are /dev/video0; check its number, that you may read it"),
    ],
    ids=["no cameras", "another camera"],
)
def test_the_number_of_a_camera_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, devices: list[str], why: str
) -> None:
    monkeypatch.setattr(source_module.sys, "platform", "linux")
    monkeypatch.setattr(source_module.glob, "glob", lambda _: devices)
    with pytest.raises(InputError, match=why):
        Camera("97")


def test_a_camera_that_is_not_there_is_told_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module.sys, "platform", "linux")
    monkeypatch.setattr(source_module.glob, "glob", lambda _: ["/dev/video2"])
    with pytest.raises(InputError, match=r"camera 0 gives no picture: there are /dev/video2; check its number"):
        source_module.check_index("0")
    source_module.check_index("2")
    source_module.check_index("http://camera/")


def test_a_file_at_an_address_is_played_and_ends(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 40, (64, 48))
    for k in range(20):
        writer.write(np.full((48, 64, 3), 10 * k, np.uint8))
    writer.release()
    said: list[str] = []
    with serving(tmp_path) as address, Camera(f"{address}/clip.avi", warn=said.append) as camera:
        frames = [frame for batch in take_all(camera) for frame in batch]
    assert camera.fps == 40
    assert len(frames) + camera.dropped == 20
    assert frames[-1].index == 19
    assert frames[-1].time >= 19 / 40  # at its own rate, however fast it can be read
    assert said == []


def test_too_large_pictures(connections: list[Iterable[np.ndarray]]) -> None:
    connections.append([np.zeros((2, 1000, 3), np.uint8)])
    with pytest.raises(InputError, match="1000 x 2"):
        Camera("http://camera/")


def test_who_asks_it_to_stop_is_heard_while_it_waits(connections: list[Iterable[np.ndarray]], silent: str) -> None:
    stop, hangs = threading.Event(), threading.Event()

    def pictures() -> Iterator[np.ndarray]:
        yield np.zeros((48, 64, 3), np.uint8)
        hangs.wait()

    connections.append(pictures())
    with Camera("http://camera/", stop=stop) as camera:
        assert camera.take()
        threading.Timer(0.1, stop.set).start()
        assert camera.take() is None
    # Closed, though its read still hangs.
    hangs.set()


def test_who_stops_before_the_first_picture_gets_none(connections: list[Iterable[np.ndarray]]) -> None:
    stop = threading.Event()
    stop.set()
    with Camera("http://camera/", stop=stop) as camera:
        assert camera.take() is None
