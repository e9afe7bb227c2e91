"""What the verbs that extract many videos share: their options, and what has become of the videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import print_table, report_error, warn

if TYPE_CHECKING:
    from skelact.batch.report import Report

MOST_FAILURES = 10  # that are told; the report tells all

Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Processes, each with models of its own.", show_default="1; with Ray one a GPU or core"),
]
Engine = Annotated[str, typer.Option(help="What runs them: local, or ray for several machines (extra ray).")]
Address = Annotated[
    str | None, typer.Option(help="Of a Ray cluster, as 10.0.0.1:6379.", show_default="RAY_ADDRESS, or a new one here")
]


def print_report(report: Report, path: Path) -> None:
    """How many videos came out how on stdout; failures on stderr."""
    rows = [[status, str(count)] for status, count in report.counts.items() if count]
    videos = "1 video" if report.videos == 1 else f"{report.videos} videos"
    print_table(f"{videos}, report in {path}", ["status", "videos"], rows, numbers={1})
    for result in report.failures[:MOST_FAILURES]:
        report_error(f"{result.item.source}: {result.reason}")
    if len(report.failures) > MOST_FAILURES:
        report_error(f"and {len(report.failures) - MOST_FAILURES} more, see {path}")
    if len(report.estimators) > 1:
        counts = ", ".join(f"{count} by {name}" for name, count in report.estimators.items())
        warn(f"the keypoints are of different estimators ({counts})")
