"""One video to one file: what tells that it is finished, and the work where it is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from skelact.batch.inputs import Item
from skelact.batch.origin import Content, Counts, Origin
from skelact.errors import InputError, NobodySeenError, OutputError, SkelactError, UsageError, WeightsError
from skelact.formats.npz import load_origin, load_sequence, save_sequence
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings

DONE, SKIPPED, NOBODY, FAILED = STATUSES = ("done", "skipped", "nobody", "failed")
_MAGIC = b"PK"  # how an .npz starts


class Extract(Protocol):
    """A video to its keypoints, with models that stay loaded; see `skelact.pipeline.extractor`."""

    def __call__(self, source: Path, /) -> PoseSequence:
        """The keypoints of everybody in it."""


# Settings and what to call with warnings -> Extract; processes of their own find it by its name in its module.
Factory = Callable[[ExtractSettings, Callable[[str], None]], Extract]


@dataclass(frozen=True)
class Existing:
    """What becomes of outputs that are there.

    Attributes:
        overwrite: whether an output that is something else, as keypoints by other settings, may be replaced; what is
            finished stays, so that such a run too goes on where it was stopped.
        unsigned: whether an output that does not tell where it is from, as a converted one, counts as
            finished if it can be read and is not older than the video; otherwise it is an error.
        remedy: what the user may do about outputs that are something else.
    """

    overwrite: bool = False
    unsigned: bool = False
    remedy: str = "give another folder, or --overwrite to replace what is there"

    def refuse(self, what: str) -> None:
        """Raise an OutputError about an output, unless it may be replaced."""
        if not self.overwrite:
            raise OutputError(f"{what}: {self.remedy}")


@dataclass(frozen=True)
class Result:
    """What has become of a video.

    Attributes:
        item: the video and its output.
        status: one of `STATUSES`; "skipped" was finished before, "nobody" (now or before) holds no persons.
        reason: in a sentence, why it failed or is without persons.
        exit_status: that goes with it, see `skelact.errors`.
        counts: of what came out; None where it failed.
        seconds: of work; None where there was none.
        notes: what a reader should know of the video, and warnings.
    """

    item: Item
    status: str
    reason: str = ""
    exit_status: int = 0
    counts: Counts | None = None
    seconds: float | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON in UTF-8."""
        counts = asdict(self.counts) if self.counts else {"frames": None, "persons": None, "estimator": None}
        return {
            "source": _printable(str(self.item.source)),
            "output": _printable(str(self.item.output)) if self.counts else None,
            "status": self.status,
            "reason": _printable(self.reason) or None,
            **counts,
            "seconds": None if self.seconds is None else round(self.seconds, 3),
            "notes": [_printable(note) for note in self.notes],
        }


def failed(item: Item, error: Exception | str, seconds: float | None = None) -> Result:
    """The result of a video without an output."""
    if isinstance(error, SkelactError):
        return Result(item, FAILED, str(error), error.exit_status, seconds=seconds)
    reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
    return Result(item, FAILED, reason, SkelactError.exit_status, seconds=seconds)


class Work:
    """Does one video after another with models that are loaded once, at the first."""

    def __init__(self, settings: ExtractSettings, make: Factory) -> None:
        """Load nothing yet."""
        self._settings = settings
        self._warnings: list[str] = []
        self._extract = make(settings, self._warnings.append)

    def __call__(self, item: Item) -> Result:
        """Extract a video and write its file, over what is there.

        Raises:
            UsageError, WeightsError: as they would be the same for every video.
            OutputError: the file cannot be written.
        """
        start = time.perf_counter()
        self._warnings.clear()
        try:
            content = Content.of(item.source)
            sequence = self._extract(item.source)
            content.check_unchanged(item.source)
        except (UsageError, WeightsError, OutputError):
            raise
        except Exception as error:  # decoders and networks raise nearly anything for an odd video
            return failed(item, error, time.perf_counter() - start)
        origin = Origin.of(content, self._settings, sequence)
        save_sequence(sequence, item.output, overwrite=True, origin=origin.to_text())
        notes = (*sequence.notes, *self._warnings)
        return _result(item, DONE, origin.counts, time.perf_counter() - start, notes)


def finished(item: Item, settings: dict[str, Any], existing: Existing) -> Result | None:
    """The result of a video that was done before, None if it is to be done.

    It was done if its output says that it came of the same content by the same settings. An output that is damaged,
    or of a video that has changed, is to be done again.

    Args:
        item: the video.
        settings: what `skelact.batch.origin.effective` gives.
        existing: what becomes of outputs that are there.

    Raises:
        OutputError: in the place of the output is something else: a folder, another file, keypoints by other settings.
    """
    path = item.output
    if not path.exists():
        return None
    if not path.is_file():
        raise OutputError(f"{str(path)!r} is in the way and not a file: give another folder")
    try:
        origin = Origin.parse(load_origin(path))
    except InputError:
        if path.open("rb").read(len(_MAGIC)) not in (b"", _MAGIC):
            existing.refuse(f"{str(path)!r} is in the way and holds no keypoints")
        return None
    if origin is None:
        return _unsigned(item, existing)
    if difference := origin.difference(settings):
        existing.refuse(f"{str(path)!r} was made by other settings ({difference})")
        return None
    return _result(item, SKIPPED, origin.counts) if origin.content.is_of(item.source) else None


def _unsigned(item: Item, existing: Existing) -> Result | None:
    try:
        counts = Counts.of(load_sequence(item.output))
    except InputError:
        return None
    if not existing.unsigned:
        existing.refuse(f"{str(item.output)!r} does not tell by which settings it was made")
        return None
    if item.source.exists() and item.source.stat().st_mtime > item.output.stat().st_mtime:
        return None
    return _result(item, SKIPPED, counts)


def _result(
    item: Item, status: str, counts: Counts, seconds: float | None = None, notes: tuple[str, ...] = ()
) -> Result:
    if counts.persons:
        return Result(item, status, "", 0, counts, seconds, notes)
    reason = f"nobody was seen in its {counts.frames} frames"
    return Result(item, NOBODY, reason, NobodySeenError.exit_status, counts, seconds, notes)


def _printable(text: str) -> str:
    """A text without the halves of characters that stand for bytes of names that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()
