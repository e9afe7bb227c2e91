"""What the verbs share: options, where text goes, and progress."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

Pose = Annotated[
    str | None,
    typer.Option(
        help="Pose estimator: rtmw-l (default), rtmw-m, rtmw-x, rtmpose-m, rtmpose-l, dwpose-l, mediapipe or "
        "mediapipe-lite.",
        show_default=False,
    ),
]
Detector = Annotated[
    str | None,
    typer.Option(
        help="Person detector: rtmdet-m (default for all estimators but mediapipe), rtmdet-nano, or a checkpoint or "
        ".onnx file of one.",
        show_default=False,
    ),
]
Backend = Annotated[str, typer.Option(help="What runs RTMDet and the pose networks: torch, or onnx (extra onnx).")]
DetectEvery = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Look for persons in every N-th frame; between, where they come, go or are lost.",
        show_default="one each 0.1 s",
    ),
]
Model = Annotated[
    list[str] | None,
    typer.Option(
        help="Recognizer: ntu120 (default), asl-words (bundled), or a .safetensors that `skelact train` wrote; several "
        "are averaged.",
        show_default=False,
    ),
]
Streams = Annotated[
    str | None,
    typer.Option(help="Average streams of the model by the published weights: j,b or j,b,jm,bm.", show_default="j"),
]
WindowSeconds = Annotated[
    float | None,
    typer.Option(help="Seconds looked at at once.", show_default="0.7 of the usual clip of the model"),
]
Stride = Annotated[
    float | None, typer.Option(help="Seconds from one look to the next.", show_default="a fifth of the window")
]
Threshold = Annotated[
    float | None,
    typer.Option(help="Actions less probable than this are not told, 0 to 1.", show_default="the model's own"),
]
PerPerson = Annotated[bool, typer.Option("--per-person", help="Tell what each person does, beside the group.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]


def show_version(wanted: bool) -> None:
    """Print the version and stop, if wanted."""
    if wanted:
        import skelact

        typer.echo(f"skelact {skelact.__version__}")
        raise typer.Exit


def report_error(message: str) -> None:
    """One sentence on stderr."""
    typer.secho("error: ", fg="red", err=True, nl=False)
    typer.echo(message, err=True)


def warn(message: str) -> None:
    """One sentence on stderr; the work goes on."""
    typer.secho("warning: ", fg="yellow", err=True, nl=False)
    typer.echo(message, err=True)


def print_json(value: Any) -> None:
    """A value as JSON on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


@contextmanager
def print_json_list(wanted: bool) -> Iterator[Callable[[Any], None]]:
    """A list as JSON on stdout, item by item; one that was begun is closed even where the work is interrupted.

    Args:
        wanted: whether an empty list is to be printed where there are no items.

    Yields:
        A function that prints the next item.
    """
    count = 0

    def print_one(value: Any) -> None:
        nonlocal count
        item = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        typer.echo(("[\n  " if count == 0 else ",\n  ") + item, nl=False)
        count += 1

    try:
        yield print_one
        if wanted and not count:
            typer.echo("[]")
    finally:
        if count:
            typer.echo("\n]")


def split_commas(text: str | None) -> tuple[str, ...] | None:
    """The words of an option that takes several with commas between; None where it is not given."""
    return tuple(word.strip() for word in text.split(",")) if text is not None else None


def print_table(title: str, header: list[str], rows: list[list[str]], numbers: set[int] | None = None) -> None:
    """A table on stdout.

    Args:
        title: above it.
        header: one a column.
        rows: cells as text.
        numbers: the columns to align to the right.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for k, name in enumerate(header):
        table.add_column(name, justify="right" if numbers and k in numbers else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)  # a pipe has no width of its own: let no cell be wrapped for want of it
    console.print(title, markup=False, highlight=False, soft_wrap=True)
    console.print(table)


@contextmanager
def progress(description: str, unit: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr with rate and time left, silent where stderr is no terminal.

    Yields:
        A function to call with what is done and with the total, if it is known.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f} {unit}/s" if task.speed else f"- {unit}/s")

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = bars.add_task(escape(description), total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)
