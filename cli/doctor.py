"""`skelact doctor`: what is installed, what is there, and whether it works."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from skelact.cli.common import Json, Offline, print_json

if TYPE_CHECKING:
    from skelact.doctor import Finding

COLOURS = {"ok": "green", "absent": "cyan", "warning": "yellow", "failed": "red"}


def doctor(as_json: Json = False, offline: Offline = False) -> None:
    """Check the installation: packages, devices, video, weights, and the whole chain on a short clip.

    Exit status 1 if something that is needed failed. "absent" is what one can do without.
    """
    from dataclasses import asdict

    from skelact.doctor import FAILED, examine

    parts: dict[str, list[Finding]] = {}
    checks = examine(offline)
    while part := _next(checks):
        parts[part[0]] = part[1]
        if not as_json:
            _print(*part)  # at once: what breaks the process itself is then in the part that is not there
    worst = [finding for findings in parts.values() for finding in findings if finding.state == FAILED]
    if as_json:
        print_json(
            {"ok": not worst, "parts": {title: [asdict(each) for each in found] for title, found in parts.items()}}
        )
    else:
        typer.echo(f"{len(worst)} failed" if worst else "All that is needed works.")
    if worst:
        raise typer.Exit(1)


def _next(checks: Iterator[tuple[str, list[Finding]]]) -> tuple[str, list[Finding]] | None:
    """The next part; while it is checked, a terminal shows that something goes on."""
    from rich.console import Console

    with Console(stderr=True).status("checking"):
        return next(checks, None)


def _print(title: str, findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        told = Text(finding.told)
        if finding.remedy:
            told.append(f"\n-> {finding.remedy}", style="bold")
        table.add_row(Text(finding.state, style=COLOURS[finding.state]), finding.name, told)
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # as in cli.common.print_table
    console.print(table)
    console.print()
