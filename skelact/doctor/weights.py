"""The cache of weights, what can be done with those in it, and the room that is left."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from skelact.catalogue import DETECTOR, ESTIMATOR, RECOGNIZER, Entry, default_entries, list_entries, pull
from skelact.connection import BrokenError, RefusedError, connect_from
from skelact.doctor.finding import ABSENT, OK, WARNING, Finding
from skelact.download import cache_dir
from skelact.errors import WeightsError

CACHE_ROOM, TEMPORARY_ROOM = 2.0, 1.0  # GB


def check(offline: bool) -> Iterator[Finding]:
    """The cache, each file in it, what works without a network, the network, and disks.

    Args:
        offline: never use the network.
    """
    yield check_folder("cache", cache_dir(), CACHE_ROOM, "set SKELACT_HOME to a folder on another disk")
    temporary = Path(tempfile.gettempdir())
    yield check_folder("temporary files", temporary, TEMPORARY_ROOM, "set TMPDIR to a folder on another disk")
    entries = list_entries()
    for entry in entries:
        yield from check_files(entry)
    yield from without_network(entries)
    yield _default()
    if not offline:
        yield check_network()


def check_folder(name: str, folder: Path, room: float, remedy: str) -> Finding:
    """Whether a folder can be written to, what is in it, and whether so many GB are left on its disk."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        return Finding(name, WARNING, f"{folder} cannot be written to", remedy)
    free = shutil.disk_usage(there).free / 1e9
    told = f"{folder}, {free:.1f} GB free on its disk"
    if name == "cache":
        told += f", {_size(folder) / 1e6:.1f} MB used"
    if free < room:
        return Finding(name, WARNING, told, f"make room, or {remedy}")
    return Finding(name, OK, told)


def check_files(entry: Entry) -> Iterator[Finding]:
    """What is damaged, or downloaded in part only."""
    for file in entry.files:
        name = f"{entry.name} ({file.variant})"
        part = Path(f"{file.download or file.path}.part")
        if file.is_here:
            try:
                pull(entry, file, offline=True)
            except WeightsError as error:
                yield Finding(name, WARNING, str(error), f"delete it, and run: skelact models pull {entry.name}")
        elif file.address and part.exists():
            told = f"{part.stat().st_size / 1e6:.1f} MB of it were downloaded"
            yield Finding(name, ABSENT, told, f"`skelact models pull {entry.name}` goes on from there")


def without_network(entries: list[Entry]) -> Iterator[Finding]:
    """What of each kind needs no network."""
    here = {kind: [e for e in entries if e.kind == kind and any(f.is_here for f in e.files)]
            for kind in (RECOGNIZER, ESTIMATOR, DETECTOR)}  # fmt: skip
    for kind, found in here.items():
        names = ", ".join(entry.name for entry in found)
        yield Finding(f"{kind}s here", OK if found else ABSENT, names or "none")
    alone = [entry for entry in here[ESTIMATOR] if entry.is_downloaded]
    if alone and not here[DETECTOR]:
        told = f"{', '.join(entry.name for entry in alone)} cannot be used offline without a detector"
        yield Finding("detector", WARNING, told, "run: skelact models pull rtmdet-m")


def _default() -> Finding:
    """What `skelact predict` takes where nothing is said."""
    missing = [entry.name for entry in default_entries() if not entry.choose()[0].is_here]
    if not missing:
        return Finding("predict, offline", OK, "all that is used by default is here")
    from skelact.pipeline import FALLBACK_POSE
    from skelact.recognizers import DEFAULT_MODEL, FALLBACK_MODEL

    stands_in = [FALLBACK_MODEL] if DEFAULT_MODEL in missing else []
    stands_in += [FALLBACK_POSE] if set(missing) - {DEFAULT_MODEL} else []
    told = f"{' and '.join(stands_in)} would stand in, as not here: {', '.join(missing)}"
    return Finding("predict, offline", ABSENT, told, "`skelact models pull` downloads what is used by default")


def check_network() -> Finding:
    """Whether the publisher of the default recognizer delivers."""
    file = default_entries()[0].choose()[0]
    host = urlsplit(file.address).hostname
    try:
        answer = connect_from(file.address, 0)
        if answer is not None:
            answer.close()
    except (BrokenError, RefusedError) as error:
        remedy = "weights can also be brought by hand: `skelact models show NAME` tells from where to where"
        return Finding("network", ABSENT, f"{host} does not deliver ({error})", remedy)
    return Finding("network", OK, f"{host} delivers")


def _size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # another process may have moved it just now
            total += file.stat().st_size if file.is_file() else 0
    return total
