"""Weights that have a name, of recognizers, pose estimators and person detectors: where they lie; pulling them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skelact.download import cached_file, download_progress, fetch
from skelact.errors import UsageError, WeightsError, unknown_name
from skelact.models.zoo import ZOO, ZooEntry
from skelact.pose import zoo
from skelact.settings import BACKENDS

RECOGNIZER, ESTIMATOR, DETECTOR = "recognizer", "pose estimator", "person detector"
KINDS = (RECOGNIZER, ESTIMATOR, DETECTOR)
TORCH, ONNX = BACKENDS


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights.

    Attributes:
        variant: the stream of a recognizer, or what runs the network, torch or onnx; "" where there is no choice.
        path: where it lies, or will lie once it was pulled.
        address: where it is published; "" for what comes with the install.
        sha256: of what is at the address; None where none is known.
        download: where what was downloaded is kept, if that is an archive of it.
    """

    variant: str
    path: Path
    address: str = ""
    sha256: str | None = None
    download: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether it needs no network any more."""
        return self.path.exists() and (self.download is None or self.download.is_file())

    @property
    def size(self) -> int | None:
        """Bytes of the file, where it is here."""
        return self.path.stat().st_size if self.path.is_file() else None


@dataclass(frozen=True)
class Entry:
    """Something with weights.

    Attributes:
        name: as on the command line.
        kind: one of `KINDS`.
        about: one line.
        licence: of the weights, with what they were trained on.
        files: its weights; each is enough to use it.
    """

    name: str
    kind: str
    about: str
    licence: str
    files: tuple[WeightsFile, ...]

    @property
    def is_downloaded(self) -> bool:
        """Whether it does not come with the install."""
        return any(file.address for file in self.files)

    def choose(self, streams: Sequence[str] = ("j",), backend: str = TORCH) -> tuple[WeightsFile, ...]:
        """The files of a recognizer's streams, or the one for a backend.

        Raises:
            UsageError: there is no such stream, or nothing is published for that backend.
        """
        by_variant = {file.variant: file for file in self.files}
        if self.kind != RECOGNIZER:
            if backend in by_variant or "" in by_variant:
                return (by_variant.get(backend) or by_variant[""],)
            raise UsageError(
                f"nothing of {self.name} is published for the backend {backend}: choose {' or '.join(by_variant)}"
            )
        for stream in streams:
            if stream not in by_variant:
                raise unknown_name(f"stream of {self.name}", stream, by_variant)
        return tuple(by_variant[stream] for stream in streams)


def list_entries() -> list[Entry]:
    """Everything that has weights, kind by kind.

    Raises:
        WeightsError: the installed mmpose or mediapipe is missing, or lacks files.
    """
    return [find_entry(name) for name in _names()]


def find_entry(name: str) -> Entry:
    """What has that name.

    Raises:
        UsageError: nothing has; names the nearest.
        WeightsError: as of `list_entries`.
    """
    if name in ZOO:
        row = ZOO[name]
        return Entry(name, RECOGNIZER, row.about, row.licence, _of_recognizer(row))
    if name not in _names():
        raise unknown_name("model", name, _names())
    kind, rows = (ESTIMATOR, zoo.ESTIMATORS) if name in zoo.ESTIMATORS else (DETECTOR, zoo.DETECTORS)
    return Entry(name, kind, rows[name].about, rows[name].licence, _of_network(name, rows[name].network))


def default_entries() -> list[Entry]:
    """What `skelact predict` uses where nothing is said.

    Raises:
        WeightsError: as of `list_entries`.
    """
    from skelact.pipeline import DEFAULT_DETECTOR, DEFAULT_POSE
    from skelact.recognizers import DEFAULT_MODEL

    return [find_entry(name) for name in (DEFAULT_MODEL, DEFAULT_POSE, DEFAULT_DETECTOR)]


def pull(entry: Entry, file: WeightsFile, offline: bool = False) -> None:
    """Make sure that a file is here and sound: downloaded if it is not, and its checksum compared.

    What has no checksum is read, so that a login page is not taken for weights.

    Args:
        entry: what the file is of.
        file: one of its files; nothing is done for one that comes with the install.
        offline: never use the network.

    Raises:
        WeightsError: it cannot be had, or is damaged.
    """
    if not file.address:
        return
    if file.variant == ONNX:
        zoo.onnx_file(entry.name, offline)
        return
    with download_progress() as progress:
        fetch(file.address, sha256=file.sha256, folder=file.path.parent.name, offline=offline, progress=progress)
    if file.sha256 is None:
        _read(file)


def _read(file: WeightsFile) -> None:
    from skelact.openmmlab import load_checkpoint

    try:
        load_checkpoint(file.path)
    except WeightsError:
        raise WeightsError(
            f"{file.path} holds no weights: {file.address} delivers another file or a login page; delete it and pull "
            "it again by another network"
        ) from None


def _names() -> list[str]:
    return [*ZOO, *zoo.ESTIMATORS, *zoo.DETECTORS]


def _of_recognizer(row: ZooEntry) -> tuple[WeightsFile, ...]:
    if row.bundled is not None:
        return (WeightsFile("j", row.bundled),)
    return tuple(WeightsFile(stream, cached_file(address, row.name), address) for stream, address in row.addresses)


def _of_network(name: str, network: zoo.Network | None) -> tuple[WeightsFile, ...]:
    if network is None:
        return (WeightsFile("", _inside_mediapipe()),)
    address = zoo.weights_address(network)
    files = [WeightsFile(TORCH, cached_file(address, zoo.FOLDER), address, network.sha256)]
    if archive := zoo.ONNX_ARCHIVES.get(name):
        packed = cached_file(archive.address, zoo.FOLDER)
        files.append(WeightsFile(ONNX, packed.with_suffix(".onnx"), archive.address, archive.sha256, packed))
    return tuple(files)


def _inside_mediapipe() -> Path:
    """The folder of the models that come inside MediaPipe's wheel."""
    spec = find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise WeightsError("the package mediapipe is missing, with its models: install mediapipe 0.10.21")
    return Path(spec.origin).parent / "modules"
