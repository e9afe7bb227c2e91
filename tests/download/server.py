"""A server that delivers one file, reliable or not, and what tests of downloading share."""

from __future__ import annotations

import hashlib
import http.server
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from skelact.errors import WeightsError

CONTENT = np.random.default_rng(0).bytes(1_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
OTHER_DIGEST = hashlib.sha256(b"other").hexdigest()


@dataclass
class Manners:
    """How the server treats its next requests; `cuts` are the bytes sent before it hangs up, one a request."""

    content: bytes = CONTENT
    ranges: bool = True
    status: int = 200
    location: str = ""
    cuts: list[int] = field(default_factory=list)
    states_length: bool = True
    hold_after: int | None = None
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)  # the Range header of each request, "" without


class Handler(http.server.BaseHTTPRequestHandler):
    manners: Manners

    def do_GET(self) -> None:
        manners = self.manners
        asked = self.headers.get("Range", "")
        manners.asked.append(asked)
        start = int(re.findall(r"\d+", asked)[0]) if asked and manners.ranges else 0
        if manners.status != 200 or start >= len(manners.content):
            self.send_response(manners.status if manners.status != 200 else 416)
            self.send_header("Location", manners.location)
            self.end_headers()
            return
        body = manners.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(manners.content) - 1}/{len(manners.content)}")
        if manners.states_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if manners.hold_after is not None:
            self.wfile.write(body[: manners.hold_after])
            manners.go_on.wait(30)
            body = body[manners.hold_after :]
        self.wfile.write(body[: manners.cuts.pop(0)] if manners.cuts else body)

    def log_message(self, *_: object) -> None: ...


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def size_of(path: Path) -> int:
    return path.stat().st_size


def sentence(error: pytest.ExceptionInfo[WeightsError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)
