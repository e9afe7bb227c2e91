"""What an output says of how it came about, so that a later run knows whether it would come out the same."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import skelact
from skelact.errors import InputError
from skelact.formats.npz import VERSION
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings

# They say where and how to compute, not what comes out.
_OF_NO_EFFECT = ("device", "offline")
_PIECE = 1 << 20  # bytes


@dataclass(frozen=True)
class Content:
    """What a video holds, and when it was written.

    Attributes:
        size: in bytes.
        modified: nanoseconds since 1970.
        sha256: of its bytes, as hex digits.
    """

    size: int
    modified: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Content:
        """That of a file.

        Raises:
            InputError: it is not there or cannot be read.
        """
        try:
            found = path.stat()
            return cls(found.st_size, found.st_mtime_ns, sha256(path) if path.is_file() else "")
        except FileNotFoundError:
            raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
        except (OSError, ValueError) as error:
            raise InputError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', error)}") from None

    def check_unchanged(self, path: Path) -> None:
        """Make sure that a file is as it was.

        Raises:
            InputError: it was written to, or is gone.
        """
        try:
            now = path.stat()
        except OSError:
            raise InputError(f"{str(path)!r} went away while it was read: run again when it is back") from None
        if (now.st_size, now.st_mtime_ns) != (self.size, self.modified):
            raise InputError(f"{str(path)!r} changed while it was read: run again when it is complete")

    def is_of(self, path: Path) -> bool:
        """Whether a file holds the same; its bytes are looked at only if it was written to since."""
        try:
            now = path.stat()
            return now.st_size == self.size and (now.st_mtime_ns == self.modified or sha256(path) == self.sha256)
        except (OSError, ValueError):
            return False


@dataclass(frozen=True)
class Counts:
    """What came out.

    Attributes:
        frames: of the video.
        persons: seen in it.
        estimator: what found them.
    """

    frames: int
    persons: int
    estimator: str

    @classmethod
    def of(cls, sequence: PoseSequence) -> Counts:
        """Those of a sequence."""
        return cls(sequence.num_frames, int(sequence.present.any(axis=1).sum()), sequence.estimator)


@dataclass(frozen=True)
class Origin:
    """How an output came about.

    Attributes:
        content: of the video.
        settings: those that change what comes out, see `effective`.
        counts: of the sequence.
        version: of the format.
    """

    content: Content
    settings: dict[str, Any]
    counts: Counts
    version: int = VERSION

    @classmethod
    def of(cls, content: Content, settings: ExtractSettings, sequence: PoseSequence) -> Origin:
        """That of a sequence extracted from a video."""
        return cls(content, effective(settings, sequence.estimator), Counts.of(sequence))

    @classmethod
    def parse(cls, text: str) -> Origin | None:
        """What a text says; None if it is no such text."""
        try:
            known = json.loads(text)
            content, counts = Content(**known["content"]), Counts(**known["counts"])
            return cls(content, dict(known["settings"]), counts, int(known["version"]))
        except (ValueError, TypeError, KeyError):
            return None

    def to_text(self) -> str:
        """As JSON, with the release that wrote it."""
        return json.dumps({"skelact": skelact.__version__, **asdict(self)})

    def difference(self, settings: dict[str, Any]) -> str:
        """In words, the first setting that is another; "" if none is."""
        if self.version != VERSION:
            return f"format {self.version}, not {VERSION}"
        for name in {**self.settings, **settings}:
            used, wanted = self.settings.get(name), settings.get(name)
            if used != wanted:
                return f"{name.replace('_', '-')} {_said(used)}, not {_said(wanted)}"
        return ""


def effective(settings: ExtractSettings, estimator: str = "") -> dict[str, Any]:
    """The settings that change what comes out, as values that JSON knows.

    Args:
        settings: as asked for.
        estimator: what found the keypoints, which tells the pose estimator where none is asked for.
    """
    values = {name: value for name, value in asdict(settings).items() if name not in _OF_NO_EFFECT}
    values["pose"] = settings.pose or estimator.partition(" + ")[0] or None
    if settings.detector and Path(settings.detector).is_file():
        values["detector"] = f"sha256:{_digest_once(settings.detector)}"
    return json.loads(json.dumps(values))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


@functools.cache
def _digest_once(path: str) -> str:
    return sha256(Path(path))


def _said(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return str(value)[:20]
