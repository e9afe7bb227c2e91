"""What the verbs that test recognizers share: their options, the test itself, and its figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelact.cli.clips import load_clips
from skelact.cli.common import print_table, progress

if TYPE_CHECKING:
    from skelact.recognition import TrainedRecognizer
    from skelact.training.evaluate import Evaluation
    from skelact.training.metrics import Figures, Interval

Tested = Annotated[str, typer.Argument(help="A recognizer: a name, see `skelact models list`, or a .safetensors.")]
Split = Annotated[
    str | None,
    typer.Option(help="A split of the data set, e.g. xsub, or one of its parts, e.g. xsub_val.", show_default=False),
]
TestGroups = Annotated[
    list[str] | None, typer.Option("--test-group", help="Only this person (or other group); may be repeated.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Inputs of the network at a time.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes that prepare clips.")]


def run_test(
    recognizer: TrainedRecognizer,
    dataset: list[str],
    split: str | None,
    groups: list[str] | None,
    *,
    device: str,
    batch_size: int,
    workers: int,
    **reading: Any,
) -> Evaluation:
    """The recognizer's predictions for a part of `--dataset`; `reading` as `load_clips` takes it."""
    from skelact.training.evaluate import evaluate, held_out

    clips = held_out(load_clips(dataset, **reading), split, groups or [])
    with progress("testing", "clips") as on_clip:
        return evaluate(recognizer, clips, device, batch_size, on_clip, workers)


def print_evaluation(evaluation: Evaluation, title: str) -> None:
    """The figures of every class and of all clips on stdout."""
    from skelact.training.metrics import figures

    figure = figures(evaluation)
    rows = [[name, str(row.clips), f"{row.top1:.3f}"] for name, row in figure.classes.items()]
    print_table(f"{title}: by class", ["class", "clips", "top-1"], rows, numbers={1, 2})
    intervals = figure.intervals
    overall = [
        ["top-1", f"{figure.top1:.3f}", interval_text(intervals.top1)],
        ["top-5", optional_text(figure.top5), ""],
        ["mean class accuracy", f"{figure.mean_class_accuracy:.3f}", interval_text(intervals.mean_class_accuracy)],
        ["expected calibration error", f"{figure.ece:.3f}", ""],
        ["negative log-likelihood", f"{figure.nll:.3f}", ""],
    ]
    print_table(f"{title}: {figure.clips} clips", ["figure", "value", "95 % interval"], overall, numbers={1, 2})
    typer.echo(about_intervals(figure))


def about_intervals(figure: Figures) -> str:
    """One sentence on what the intervals mean."""
    groups = f"{figure.groups} group{'s' if figure.groups > 1 else ''}"
    if figure.intervals.resampled == "groups":
        return f"Intervals: bootstrap over {groups}."
    return f"Intervals: bootstrap over clips within {groups}, too few to say anything of others."


def interval_text(interval: Interval) -> str:
    """An interval for a table."""
    return f"{interval.low:.3f} to {interval.high:.3f}"


def optional_text(value: float | None) -> str:
    """A figure for a table; a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def check_outputs(files: list[Path | None], overwrite: bool) -> None:
    """Make sure that all outputs may be written, before the work.

    Raises:
        UsageError: two have the same name.
        OutputError: one exists and `overwrite` is not set.
    """
    from skelact.errors import UsageError
    from skelact.formats.writing import check_output

    there = [file for file in files if file is not None]
    if len({file.resolve() for file in there}) < len(there):
        raise UsageError("two outputs have the same name: give each its own")
    for file in there:
        check_output(file, overwrite)
