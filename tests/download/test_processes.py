"""Several processes that download, and what they show of it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console
from rich.progress import Progress

from skelact.download import download_progress, fetch
from tests.download.server import CONTENT, DIGEST, Manners, part_of, put, size_of


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
    while not part_of(target).exists() or size_of(part_of(target)) < size:
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
    kept = size_of(part_of(target))
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
