"""Downloading, against servers on this machine: each reliable in its own way, or not."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from rich.console import Console
from rich.progress import Progress

from skelact import connection, download
from skelact.download import cache_dir, download_progress, fetch
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


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def sentence(error: pytest.ExceptionInfo[WeightsError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_cache_dir_follows_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_dir() == home
    monkeypatch.setenv("SKELACT_HOME", "")
    assert cache_dir().is_absolute()
    assert "skelact" in cache_dir().parts


@pytest.mark.parametrize("digits", [8, 17, 64])
@pytest.mark.parametrize("states_length", [True, False])
def test_a_file_arrives_once(address: str, manners: Manners, target: Path, digits: int, states_length: bool) -> None:
    manners.states_length = states_length
    for _ in range(2):
        assert fetch(address, sha256=DIGEST[:digits].upper(), folder="zoo") == target
        assert target.read_bytes() == CONTENT
    assert manners.asked == [""]
    assert not part_of(target).exists()


def test_a_cached_file_needs_no_network(address: str, manners: Manners, target: Path) -> None:
    fetch(address, sha256=DIGEST, folder="zoo")
    assert fetch(address, sha256=DIGEST, folder="zoo", offline=True) == target
    assert len(manners.asked) == 1


def test_a_file_put_there_by_hand_is_checked_and_used(address: str, manners: Manners, target: Path) -> None:
    put(target, CONTENT)
    assert fetch(address, sha256=DIGEST[:8], folder="zoo", offline=True) == target
    assert manners.asked == []


@pytest.mark.parametrize("damage", [CONTENT[:-1], CONTENT + b"x", b""], ids=["cut", "longer", "empty"])
def test_a_cached_file_that_changed_is_brought_again(
    address: str, manners: Manners, target: Path, damage: bytes
) -> None:
    fetch(address, sha256=DIGEST, folder="zoo")
    target.write_bytes(damage)
    with pytest.raises(WeightsError, match="is damaged and the network is not used"):
        fetch(address, sha256=DIGEST, folder="zoo", offline=True)
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert len(manners.asked) == 2


def test_a_file_of_another_checksum_is_replaced(address: str, target: Path) -> None:
    put(target, b"an older version")
    assert fetch(address, sha256=DIGEST[:8], folder="zoo").read_bytes() == CONTENT


def test_offline_says_what_to_do(address: str, manners: Manners, target: Path) -> None:
    with pytest.raises(WeightsError, match="the network is not used") as error:
        fetch(address, sha256=DIGEST, folder="zoo", offline=True)
    assert address in sentence(error)
    assert str(target) in sentence(error)
    assert manners.asked == []
    assert not target.parent.exists()


# Resuming


def test_a_download_goes_on_where_it_ended(address: str, manners: Manners, target: Path) -> None:
    put(part_of(target), CONTENT[:600_000])
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == ["bytes=600000-"]


def test_a_server_without_ranges_starts_again(address: str, manners: Manners, target: Path) -> None:
    manners.ranges = False
    put(part_of(target), CONTENT[:600_000])
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == ["bytes=600000-"]


def test_a_whole_part_is_used_as_it_is(address: str, manners: Manners, target: Path) -> None:
    put(part_of(target), CONTENT)
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("part", [b"x" * 5000, CONTENT + b"more"], ids=["of another file", "too long"])
def test_a_wrong_part_is_thrown_away(address: str, manners: Manners, target: Path, part: bytes) -> None:
    put(part_of(target), part)
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == [f"bytes={len(part)}-", ""]


def test_a_cut_connection_is_taken_up_again(address: str, manners: Manners) -> None:
    manners.cuts = [300_000, 200_000]
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == ["", "bytes=300000-", "bytes=500000-"]


def test_a_connection_that_keeps_breaking_keeps_the_part(address: str, manners: Manners, target: Path) -> None:
    manners.cuts = [300_000, 0]
    with pytest.raises(WeightsError, match="connection was cut") as error:
        fetch(address, sha256=DIGEST, folder="zoo")
    assert "0.3 MB, which are kept" in sentence(error)
    assert part_of(target).read_bytes() == CONTENT[:300_000]
    assert not target.exists()
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked[-1] == "bytes=300000-"


def test_a_bad_line_is_given_up_in_the_end(address: str, manners: Manners, target: Path) -> None:
    manners.cuts = [1000] * 50
    with pytest.raises(WeightsError):
        fetch(address, sha256=DIGEST, folder="zoo")
    assert len(manners.asked) == 1 + download.RESUMES
    assert _size_of(part_of(target)) == 1000 * (1 + download.RESUMES)


def _size_of(path: Path) -> int:
    return path.stat().st_size


# What goes wrong


def test_another_file_is_never_used(address: str, manners: Manners, target: Path) -> None:
    with pytest.raises(WeightsError, match="rather than") as error:
        fetch(address, sha256=OTHER_DIGEST[:8], folder="zoo")
    assert OTHER_DIGEST[:8] in sentence(error)
    assert DIGEST[:8] in sentence(error)
    assert manners.asked == ["", ""]
    assert not target.exists()
    assert not part_of(target).exists()


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_is_told(address: str, manners: Manners, target: Path, status: int) -> None:
    manners.status = status
    put(part_of(target), CONTENT[:10])
    with pytest.raises(WeightsError, match=f"its server answers {status}") as error:
        fetch(address, sha256=DIGEST, folder="zoo")
    assert address in sentence(error)
    assert len(manners.asked) == 1
    assert part_of(target).read_bytes() == CONTENT[:10]


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://127.0.0.1/weights.pth"])
def test_redirections_stay_on_the_web(address: str, manners: Manners, location: str) -> None:
    manners.status, manners.location = 302, location
    with pytest.raises(WeightsError, match="its server answers 302"):
        fetch(address, sha256=DIGEST, folder="zoo")


def test_a_port_where_nobody_listens(target: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/weights-1.pth"
    put(part_of(target), CONTENT[:10])
    with pytest.raises(WeightsError, match=r"cannot be downloaded from 127\.0\.0\.1") as error:
        fetch(address, sha256=DIGEST, folder="zoo")
    assert address in sentence(error)
    assert str(target) in sentence(error)
    assert part_of(target).read_bytes() == CONTENT[:10]


def test_a_name_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        answered.wait(30)
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    with pytest.raises(WeightsError, match=r"no connection within 0\.2 seconds"):
        fetch("https://weights.invalid/weights-1.pth", sha256=DIGEST, folder="zoo")
    assert not answered.is_set()
    answered.set()


def test_a_server_that_falls_silent(
    address: str, manners: Manners, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "READ_SECONDS", 0.3)
    manners.hold_after = 0
    with pytest.raises(WeightsError, match="timed out"):
        fetch(address, sha256=DIGEST, folder="zoo")
    assert not manners.go_on.is_set()


def test_a_connected_server_may_take_its_time(address: str, manners: Manners, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    manners.hold_after = 0
    timer = threading.Timer(1.0, manners.go_on.set)
    timer.start()
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    timer.join()


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/hostname",
        "ftp://127.0.0.1/a.pth",
        "/a.pth",
        "http://127.0.0.1/",
        "http://127.0.0.1/..",
        "http:///a.pth",
        "http://127.0.0.1/a/..\\b.pth",
        "https://[::1/a.pth",
        "",
    ],
)
def test_only_files_on_the_web(address: str) -> None:
    with pytest.raises(WeightsError, match="is not the http or https address of a file"):
        fetch(address, sha256=DIGEST, folder="zoo")


@pytest.mark.parametrize("sha256", ["", "1234567", "z" * 64, DIGEST + "0"])
def test_a_checksum_is_required(sha256: str) -> None:
    with pytest.raises(WeightsError, match="no usable checksum"):
        fetch("http://127.0.0.1/a.pth", sha256=sha256, folder="zoo")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk(address: str, target: Path) -> None:
    target.parent.mkdir(parents=True)
    part_of(target).symlink_to("/dev/full")
    with pytest.raises(WeightsError, match="no space is left") as error:
        fetch(address, sha256=DIGEST, folder="zoo")
    assert "SKELACT_HOME" in sentence(error)
    assert part_of(target).is_symlink()
    assert not target.exists()


def test_a_cache_that_cannot_be_written(address: str, home: Path) -> None:
    home.write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="cannot be used") as error:
        fetch(address, sha256=DIGEST, folder="zoo")
    assert "SKELACT_HOME" in sentence(error)


# Several processes


def start_fetching(address: str) -> subprocess.Popen[str]:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from skelact.download import fetch\n"
        f"print('ready', flush=True); print(fetch({address!r}, sha256={DIGEST!r}, folder='zoo'))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def wait_for_part(target: Path, size: int) -> None:
    while not part_of(target).exists() or _size_of(part_of(target)) < size:
        time.sleep(0.01)


def test_two_processes_download_once(address: str, manners: Manners, target: Path) -> None:
    manners.hold_after = 600_000
    processes = [start_fetching(address) for _ in range(2)]
    wait_for_part(target, 500_000)
    manners.go_on.set()
    for process in processes:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.strip(), err) == (0, str(target), "")
    assert target.read_bytes() == CONTENT
    assert manners.asked == [""]


def test_interrupting_keeps_the_part_and_frees_the_lock(address: str, manners: Manners, target: Path) -> None:
    manners.hold_after = 600_000
    process = start_fetching(address)
    wait_for_part(target, 500_000)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    kept = _size_of(part_of(target))
    assert not target.exists()
    manners.hold_after = None
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT
    assert manners.asked == ["", f"bytes={kept}-"]


def test_a_killed_process_leaves_nothing_in_the_way(address: str, manners: Manners, target: Path) -> None:
    manners.hold_after = 600_000
    process = start_fetching(address)
    wait_for_part(target, 500_000)
    process.kill()
    process.communicate(timeout=60)
    manners.hold_after = None
    assert fetch(address, sha256=DIGEST, folder="zoo").read_bytes() == CONTENT


def test_the_lock_of_another_file_does_not_matter(address: str, target: Path) -> None:
    target.parent.mkdir(parents=True)
    with FileLock(f"{target.parent / 'other.pth'}.lock"):
        assert fetch(address, sha256=DIGEST, folder="zoo") == target


# Progress


class Recorder(Progress):
    """Remembers how far each bar came."""

    seen: list[tuple[float, float | None]]

    def advance(self, task_id, advance=1) -> None:
        super().advance(task_id, advance)
        task = self.tasks[0]
        self.seen.append((task.completed, task.total))


def test_progress_counts_what_was_there_already(address: str, target: Path) -> None:
    put(part_of(target), CONTENT[:600_000])
    progress = Recorder(console=Console(file=io.StringIO()))
    progress.seen = []
    fetch(address, sha256=DIGEST, folder="zoo", progress=progress)
    assert progress.seen[0][0] > 600_000
    assert progress.seen[-1] == (len(CONTENT), len(CONTENT))
    assert progress.tasks == []


def test_progress_is_silent_without_a_terminal(address: str, capfd: pytest.CaptureFixture[str]) -> None:
    with download_progress() as progress:
        fetch(address, sha256=DIGEST, folder="zoo", progress=progress)
    assert capfd.readouterr() == ("", "")


def test_progress_shows_on_a_terminal_of_stderr(address: str) -> None:
    pty = pytest.importorskip("pty")
    code = (
        "from skelact.download import *\nwith download_progress() as progress:\n"
        f"    fetch({address!r}, sha256={DIGEST!r}, folder='zoo', progress=progress)"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200"}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b"".join(iter(lambda: read_terminal(ours), b"")).decode()
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert "weights-1.pth" in shown
    assert out == b""


def read_terminal(descriptor: int) -> bytes:
    """What is shown next; nothing once the other side is closed, which some systems tell as an error."""
    try:
        return os.read(descriptor, 1000)
    except OSError:
        return b""


def test_without_a_checksum_only_https_or_this_computer_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="no checksum and is no https address"):
        fetch("http://example.org/weights.pth", sha256=None, folder="x", offline=True)
    with pytest.raises(WeightsError, match="not in the cache"):
        fetch("https://example.org/weights.pth", sha256=None, folder="x", offline=True)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "weights.pth").write_bytes(b"put there by hand")
    assert fetch("https://example.org/weights.pth", sha256=None, folder="x", offline=True).read_bytes()
