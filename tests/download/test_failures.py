"""What goes wrong with a download, and what is said of it."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from skelact import connection
from skelact.download import fetch
from skelact.errors import WeightsError
from tests.download.server import CONTENT, DIGEST, OTHER_DIGEST, Manners, part_of, put, sentence


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
