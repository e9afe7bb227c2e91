"""What has become of many videos, for machines and for the exit status."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import skelact
from skelact.batch.job import FAILED, NOBODY, STATUSES, Result
from skelact.errors import OutputError
from skelact.formats.npz import VERSION
from skelact.formats.writing import atomic_write
from skelact.settings import ExtractSettings

_START = b'{\n  "skelact"'  # how a report starts


@dataclass
class Report:
    """What has become of videos.

    Attributes:
        settings: how they were extracted.
        videos: how many were to be done.
        shard: the part of them all that these are, as "3/16"; None for all.
        results: of those that were reached.
        stopped: why the run ended early, in a sentence; "" if it did not.
    """

    settings: ExtractSettings
    videos: int
    shard: str | None = None
    results: list[Result] = field(default_factory=list)
    stopped: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Status to the number of videos; "left" are those not reached."""
        found = Counter(result.status for result in self.results)
        return {status: found[status] for status in STATUSES} | {"left": self.videos - len(self.results)}

    @property
    def failures(self) -> list[Result]:
        """The videos that failed."""
        return [result for result in self.results if result.status == FAILED]

    @property
    def exit_status(self) -> int:
        """That of the first failure; where there is none, of the first video without persons; else 0."""
        without = [result for result in self.results if result.status == NOBODY]
        return next((result.exit_status for result in (*self.failures, *without)), 0)

    @property
    def estimators(self) -> dict[str, int]:
        """What found the keypoints, to the number of videos."""
        return dict(Counter(result.counts.estimator for result in self.results if result.counts))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        return {
            "skelact": skelact.__version__,
            "format": VERSION,
            "settings": asdict(self.settings),
            "shard": self.shard,
            "stopped": self.stopped or None,
            "counts": self.counts,
            "estimators": self.estimators,
            "exit_status": self.exit_status,
            "videos": [result.to_dict() for result in self.results],
        }

    def write(self, path: Path) -> None:
        """Write it as JSON, over a former one.

        Raises:
            OutputError: it cannot be written.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False)
        with atomic_write(path, overwrite=True) as file:
            file.write(text.encode() + b"\n")


def report_path(folder: Path, shard: tuple[int, int] | None) -> Path:
    """Where the report of a run, or of one part of it, goes."""
    return folder / ("report-{}-of-{}.json".format(*shard) if shard else "report.json")


def check_report(path: Path) -> None:
    """Make sure that in the place of a report is none but a former one.

    Raises:
        OutputError: something else is.
    """
    if not path.exists():
        return
    if not path.is_file() or path.open("rb").read(len(_START)) != _START:
        raise OutputError(f"{str(path)!r} is in the way and no report of skelact: give another folder")
