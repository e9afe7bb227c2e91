"""`skelact fuse`: predictions of several streams to those of all together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import Json, Overwrite, print_json, print_table, warn
from skelact.cli.testing import about_intervals, check_outputs, interval_text, optional_text

if TYPE_CHECKING:
    from skelact.training.evaluate import Evaluation


def fuse(
    predictions: Annotated[list[Path], typer.Argument(help="What `skelact test -o` wrote for each stream.")],
    weights: Annotated[
        str | None,
        typer.Option(help="One a file, with commas between.", show_default="published: j, b, jm, bm 3,3,2,2; two 1,1"),
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            help="Find the weights on these validation predictions, one a file in the same order, with commas between.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="An .npz for the fused predictions.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Fuse what recognizers of several streams predict for the same clips: the weighted mean of their probabilities."""
    from skelact.training.evaluate import load_predictions, save_predictions
    from skelact.training.fuse import align
    from skelact.training.fuse import fuse as run

    check_outputs([output], overwrite)
    evaluations = [load_predictions(path) for path in predictions]
    chosen = _weights(evaluations, weights, fit)
    fused = run(evaluations, chosen)
    if output:
        save_predictions(fused, output, overwrite)
    _tell(align(evaluations), fused, chosen, as_json)


def _weights(evaluations: list[Evaluation], given: str | None, fit: str | None) -> tuple[float, ...]:
    from skelact.ensemble import published_weights
    from skelact.errors import UsageError

    if given is not None and fit is not None:
        raise UsageError("weights are either given or found: leave out --weights or --fit")
    if fit is not None:
        return _fitted(evaluations, [Path(name) for name in fit.split(",")])
    if given is None:
        return published_weights([one.stream for one in evaluations])
    try:
        return tuple(float(weight) for weight in given.split(","))
    except ValueError:
        raise UsageError(f"--weights is {given!r}: give numbers with commas between, e.g. 3,3,2,2") from None


def _fitted(evaluations: list[Evaluation], files: list[Path]) -> tuple[float, ...]:
    from skelact.errors import UsageError
    from skelact.training.evaluate import load_predictions
    from skelact.training.fuse import find_weights

    if len(files) != len(evaluations):
        raise UsageError(f"--fit names {len(files)} files, and there are {len(evaluations)} to fuse: give one for each")
    validation = [load_predictions(file) for file in files]
    for mine, theirs in zip(evaluations, validation, strict=True):
        if mine.stream != theirs.stream:
            raise UsageError(
                f"{mine.source} is of stream {mine.stream} and {theirs.source} of {theirs.stream}: give the files "
                "of --fit in the same order"
            )
    shared = set(evaluations[0].names.tolist()) & set(validation[0].names.tolist())
    if shared:
        warn(
            f"{len(shared)} clips, e.g. {min(shared)!r}, are in both the test and the validation predictions: if they "
            "are the same, the weights are fitted to the test and its figures promise too much"
        )
    return find_weights(validation).weights


def _tell(evaluations: list[Evaluation], fused: Evaluation, weights: tuple[float, ...], as_json: bool) -> None:
    from skelact.training.metrics import figures

    each = [figures(one) for one in evaluations]
    together = figures(fused)
    if as_json:
        streams = [
            {"file": one.source, "stream": one.stream, "weight": weight} | figure.to_dict()
            for one, weight, figure in zip(evaluations, weights, each, strict=True)
        ]
        print_json({"streams": streams, "fused": together.to_dict()})
        return
    names = [[one.source, one.stream, f"{weight:g}"] for one, weight in zip(evaluations, weights, strict=True)]
    rows = [
        [
            *name,
            f"{figure.top1:.3f}",
            interval_text(figure.intervals.top1),
            optional_text(figure.top5),
            f"{figure.mean_class_accuracy:.3f}",
            f"{figure.ece:.3f}",
            f"{figure.nll:.3f}",
        ]
        for name, figure in zip([*names, ["fused", fused.stream, ""]], [*each, together], strict=True)
    ]
    print_table(
        f"{together.clips} clips",
        ["predictions", "stream", "weight", "top-1", "95 % interval", "top-5", "mean class", "ECE", "NLL"],
        rows,
        numbers=set(range(2, 9)),
    )
    typer.echo(about_intervals(together))
