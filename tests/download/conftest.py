"""A server on this machine, and a cache of its own for each test."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.download.server import Handler, Manners


@pytest.fixture
def manners() -> Manners:
    return Manners()


@pytest.fixture
def address(manners: Manners) -> Iterator[str]:
    handler = type("PoliteHandler", (Handler,), {"manners": manners})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/models/weights-1.pth?download=1"
    manners.go_on.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home"


@pytest.fixture
def target(home: Path) -> Path:
    return home / "zoo" / "weights-1.pth"
