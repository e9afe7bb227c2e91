"""Files from the network, pulled once: checked, resumable, shared by all processes of a user.

Beside a file NAME of the cache may lie NAME.part (an unfinished download), NAME.lock (held by the process
that downloads) and NAME.sha256 (the checksum and size found when the file was last read as a whole). A file
is used if that record names the wanted checksum and its present size; without a record, as where it was put
there by hand, or after a change of size, it is read and checked anew.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import platformdirs
from filelock import FileLock
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from skelact.connection import BrokenError, RefusedError, connect_from, first_byte, receive
from skelact.errors import WeightsError
from skelact.formats.writing import draft_path

RESUMES = 3  # after cuts, as long as each attempt brings something
CHUNK = 1 << 18  # bytes


def cache_dir() -> Path:
    """The folder for everything downloaded: SKELACT_HOME, or the user's cache folder for skelact."""
    home = os.environ.get("SKELACT_HOME")
    return Path(home).expanduser().absolute() if home else platformdirs.user_cache_path("skelact")


def cached_file(address: str, folder: str) -> Path:
    """Where `fetch` keeps the file of an address, be it there or not.

    Raises:
        WeightsError: that is no address of a file.
    """
    return cache_dir() / folder / _file_name(address)


def download_progress() -> Progress:
    """A progress display on stderr, with rate and time left; silent where stderr is no terminal.

    Use it as a context manager and hand it to `fetch`.
    """
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def fetch(
    address: str, *, sha256: str | None, folder: str, offline: bool = False, progress: Progress | None = None
) -> Path:
    """The cached copy of a file, downloaded if it is not there yet.

    Two processes at once download it once. What was received before a failure or Ctrl-C is kept, and the next
    call goes on from there.

    Args:
        address: http or https; its last component is the file's name.
        sha256: the file's SHA-256 as hexadecimal digits, or at least the first 8 of them. None where the publisher
            states none: then the address must be https (or on this computer), and what it delivered in full is taken.
        folder: the folder inside `cache_dir()`.
        offline: never use the network.
        progress: where to show how far it is, see `download_progress`.

    Raises:
        WeightsError: the file is not cached and cannot be had; says why and where to put it by hand.
    """
    target = cached_file(address, folder)
    wanted = "" if sha256 is None else sha256.lower()
    if sha256 is None and not _is_authenticated(address):
        raise WeightsError(f"{address} has no checksum and is no https address: nothing would tell a forged file")
    if sha256 is not None and not re.fullmatch("[0-9a-f]{8,64}", wanted):
        raise WeightsError(f"{address} has no usable checksum: {sha256!r} is not 8 to 64 hexadecimal digits")
    try:
        if _is_verified(target, wanted):
            return target
        if offline:
            state = "damaged" if target.exists() else "not in the cache"
            raise WeightsError(f"{target.name} is {state} and the network is not used: {_by_hand(address, target)}")
        target.parent.mkdir(parents=True, exist_ok=True)
        bars = progress or Progress(disable=True)
        bar = bars.add_task(target.name, total=None)
        try:
            with FileLock(f"{target}.lock"):
                # Another process may have brought it while this one waited.
                if not _is_verified(target, wanted):
                    _download(address, target, wanted, bars, bar)
        finally:
            bars.remove_task(bar)
    except OSError as error:
        raise _unusable_cache(target, error) from error
    return target


def _file_name(address: str) -> str:
    try:
        parts = urlsplit(address)
        name = PurePosixPath(parts.path).name
        usable = parts.scheme in ("http", "https") and parts.netloc and re.fullmatch(r"\w[^\\:]*", name)
    except ValueError:
        usable = False
    if not usable:
        raise WeightsError(f"{address!r} is not the http or https address of a file")
    return name


def _is_authenticated(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _by_hand(address: str, target: Path) -> str:
    return f"download {address} with a browser and put it at {target}"


def _unusable_cache(target: Path, error: OSError) -> WeightsError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WeightsError(
            f"no space is left for {target.name} in {target.parent}: make room, or set SKELACT_HOME to a folder "
            "on another disk, and run the same command again"
        )
    return WeightsError(
        f"the cache {target.parent} cannot be used ({error.strerror or error}): set SKELACT_HOME to a folder that "
        "you can write to"
    )


def _is_verified(target: Path, wanted: str) -> bool:
    """Whether the file is there and has the wanted checksum; a record spares reading it again."""
    if not target.exists():
        return False
    record = target.with_name(f"{target.name}.sha256")
    stated = record.read_text().split() if record.exists() else []
    if len(stated) == 2 and stated[0].startswith(wanted) and stated[1] == str(target.stat().st_size):
        return True
    digest = _hash_of(target).hexdigest()
    if not digest.startswith(wanted):
        return False
    if os.access(target.parent, os.W_OK):
        _write_record(target, digest)
    return True


def _write_record(target: Path, digest: str) -> None:
    record = target.with_name(f"{target.name}.sha256")
    draft = draft_path(record)
    draft.write_text(f"{digest} {target.stat().st_size}\n")
    os.replace(draft, record)


def _hash_of(path: Path) -> hashlib._Hash:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return hasher


def _download(address: str, target: Path, wanted: str, bars: Progress, bar: TaskID) -> None:
    """Bring the file, verify it and put it in its place; a wrong file gets a second chance, from zero."""
    part = target.with_name(f"{target.name}.part")
    for _ in range(2):
        digest = _fill(address, part, target, bars, bar)
        if digest.startswith(wanted):
            os.replace(part, target)
            _write_record(target, digest)
            return
        part.unlink()
    raise WeightsError(
        f"what {address} delivers has SHA-256 {digest[: len(wanted)]} rather than {wanted}: another file or a "
        f"login page is in its place; try another network, or {_by_hand(address, target)}"
    )


def _fill(address: str, part: Path, target: Path, bars: Progress, bar: TaskID) -> str:
    """Receive until the part is whole, going on after cuts; its SHA-256."""
    for _ in range(1 + RESUMES):
        before = _size(part)
        try:
            return _receive(address, part, target, bars, bar)
        except BrokenError as error:
            reason = str(error)
            if _size(part) <= before:
                break
    kept = f" after {_size(part) / 1e6:.1f} MB, which are kept" if _size(part) else ""
    raise WeightsError(
        f"{target.name} cannot be downloaded from {urlsplit(address).netloc} ({reason}){kept}: run the same "
        f"command again with a network, or {_by_hand(address, target)}"
    )


def _receive(address: str, part: Path, target: Path, bars: Progress, bar: TaskID) -> str:
    """Append to the part what it lacks, in one connection; its SHA-256."""
    have = _size(part)
    try:
        response = connect_from(address, have)
    except RefusedError as error:
        raise WeightsError(
            f"{target.name} cannot be downloaded, its server answers {error}: try again later, or "
            f"{_by_hand(address, target)}"
        ) from None
    if response is None:
        return _hash_of(part).hexdigest()
    with response:
        resumed = have > 0 and first_byte(response) == have
        hasher = _hash_of(part) if resumed else hashlib.sha256()
        missing = int(response.headers.get("Content-Length") or 0)
        done = have if resumed else 0
        bars.reset(bar, completed=done, total=done + missing if missing else None)
        with part.open("ab" if resumed else "wb") as file:
            while chunk := receive(response, CHUNK):
                file.write(chunk)
                hasher.update(chunk)
                bars.advance(bar, len(chunk))
                missing -= len(chunk)
    if missing > 0:
        raise BrokenError("the connection was cut")
    return hasher.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
