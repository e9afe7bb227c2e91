"""`skelact serve` as it is run."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import SAMPLE

httpx = pytest.importorskip("httpx", reason="needs httpx, which asks the server")
pytest.importorskip("fastapi", reason="needs the extra serve")

SOON = 20.0  # seconds; what should happen and has not by then does not happen
COMMAND = [sys.executable, "-m", "skelact", "serve", "--port", "0", "--offline"]
MODELS = ["--model", "asl-words", "--pose", "mediapipe"]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[subprocess.Popen, str]]:
    """The command with what is inside the package, once it says that it is ready, and its address."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process = subprocess.Popen([*COMMAND, *MODELS], stderr=subprocess.PIPE, text=True, bufsize=1)
    lines: list[str] = []
    ready = threading.Event()

    def read() -> None:
        for line in process.stderr:
            lines.append(line)
            if "ready at" in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert ready.wait(6 * SOON)
        found = re.search(r"ready at (http://127\.0\.0\.1:\d+) with asl-words", "".join(lines))
        assert found, "".join(lines)
        yield process, found[1]
    finally:
        process.kill()
        process.wait()
        reader.join()


def test_the_sample_says_thank_you_over_http_and_ctrl_c_leaves_nothing(server, tmp_path):
    process, address = server
    with httpx.Client(base_url=address, timeout=6 * SOON) as client:
        job = client.post("/jobs", files={"file": ("sample.mp4", SAMPLE.read_bytes())}).json()
        while job["state"] in ("waiting", "running"):
            time.sleep(0.05)
            job = client.get(f"/jobs/{job['id']}").json()
        assert (job["state"], job["report_error"]) == ("done", None), job
        assert job["result"]["actions"][0]["name"] == "thank-you"
        assert job["result"]["estimator"] == "mediapipe"
        report = client.get(job["report"]).text
        assert "thank-you" in report
        assert "<title>sample.mp4</title>" in report
        assert str(tmp_path) not in report
        at_work = client.post("/jobs", files={"file": ("sample.mp4", SAMPLE.read_bytes())}).json()
        while at_work["state"] == "waiting":
            at_work = client.get(f"/jobs/{at_work['id']}").json()
        assert list(tmp_path.glob("skelact-serve-*/*/upload.mp4"))
    process.send_signal(signal.SIGINT)
    assert process.wait(SOON) == 0
    assert list(tmp_path.glob("skelact-serve-*")) == []


def test_a_port_that_is_taken_is_said_before_anything_is_loaded(skelact):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = skelact("serve", "--port", port, "--model", "no-such-model")
    assert done.status == 6
    assert f"port {port} of 127.0.0.1 cannot be had" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--host", "no.such.host.invalid"], 2, "there is no host 'no.such.host.invalid'"),
        (["--model", "asl-wurds"], 2, "did you mean 'asl-words'"),
        (["--max-seconds", "0"], 2, "the limit seconds is 0"),
        (["--pose", "nobody"], 2, "unknown pose estimator"),
        (["--window", "1", "--stride", "2"], 2, "longer than the window"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_option_is_a_sentence(skelact, arguments, status, words):
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    rest = {"--port": 0, "--model": "asl-words", "--pose": "mediapipe"} | given
    done = skelact("serve", "--offline", *(word for pair in rest.items() for word in pair))
    assert (done.status, words in done.stderr) == (status, True), done.stderr
    assert "Traceback" not in done.stderr


def test_who_lets_other_machines_ask_is_warned(skelact):
    done = skelact("serve", "--host", "0.0.0.0", "--port", 0, "--model", "no-such-model")
    assert "asks for no password" in done.stderr
    assert "asks for no password" not in skelact("serve", "--port", 0, "--model", "no-such-model").stderr


@pytest.mark.parametrize("library", ["fastapi", "uvicorn", "python_multipart"])
def test_without_its_extra_it_says_how_to_get_it(skelact, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    done = skelact("serve", "--port", 0)
    assert done.status == 2
    assert f"needs {library}: pip install 'skelact[serve]'" in done.stderr
