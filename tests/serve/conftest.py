"""Fixtures of the tests of the server, which skip where the extra is not installed: see `tests.serve.asking`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.videos import write_video

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.serve.asking import HeldPredictor


@pytest.fixture
def predictor() -> HeldPredictor:
    """The stand-in, which is not held."""
    from tests.serve.asking import HeldPredictor

    return HeldPredictor()


@pytest.fixture
def start(predictor: HeldPredictor) -> Iterator[Callable[..., TestClient]]:
    """Starts such servers, which end with the test."""
    from tests.serve.asking import running

    with ExitStack() as stack:
        yield lambda *given, **limits: stack.enter_context(running(predictor, *given, **limits))


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of 20 frames, 0.8 s."""
    return write_video(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()
