"""`skelact models`: the recognizers, pose estimators and person detectors there are, and their weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelact.cli.common import Backend, Json, Offline, print_json, print_table, report_error
from skelact.cli.importing import import_checkpoint

if TYPE_CHECKING:
    from skelact.catalogue import Entry, WeightsFile

Name = Annotated[str, typer.Argument(help="A recognizer, pose estimator or person detector.")]
Streams = Annotated[str, typer.Option(help="Streams of a recognizer, e.g. j,b,jm,bm.")]

models = typer.Typer(no_args_is_help=True, help="List, describe, pull and import models.")
models.command("import")(import_checkpoint)


@models.command("list")
def list_all(as_json: Json = False) -> None:
    """List recognizers, pose estimators and person detectors, and the networks that can be trained."""
    from skelact.catalogue import KINDS, list_entries
    from skelact.models import list_models

    entries = list_entries()
    if as_json:
        tables = {f"{kind}s": [_plain(entry) for entry in entries if entry.kind == kind] for kind in KINDS}
        print_json({**tables, "networks": list_models()})
        return
    for kind in KINDS:
        rows = [[e.name, e.about, e.licence, _state(e)] for e in entries if e.kind == kind]
        print_table(f"{kind.capitalize()}s", ["name", "about", "licence", "weights"], rows)
    typer.echo("Networks for `skelact train --model`: " + ", ".join(list_models()))


@models.command()
def show(name: Name) -> None:
    """Show what is known of a model: of a recognizer its card, and where the weights come from and lie."""
    from skelact.catalogue import find_entry
    from skelact.models.zoo import ZOO

    entry = find_entry(name)
    if name in ZOO:
        typer.echo(ZOO[name].card.read_text(encoding="utf-8"))
    else:
        typer.echo(f"{name}: {entry.kind}\n{entry.about}\nLicence: {entry.licence}\n")
    for file in entry.files:
        typer.echo(f"Weights{f' ({file.variant})' if entry.is_downloaded else ''}:")
        if file.address:
            typer.echo(f"  from     {file.address}\n  SHA-256  {file.sha256 or 'none is published'}")
        typer.echo(f"  {'here at ' if file.is_here else 'to go to'} {file.path}")


@models.command()
def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Recognizers, pose estimators, person detectors.", show_default="what predict uses"),
    ] = None,
    streams: Streams = "j",
    backend: Backend = "torch",
    offline: Offline = False,
) -> None:
    """Download weights, so that they need no network any more; what is here is checked and stays.

    One that cannot be had does not stop the rest, and the exit status is that of the first failure.
    """
    from skelact.catalogue import default_entries, find_entry
    from skelact.catalogue import pull as bring
    from skelact.errors import SkelactError

    entries = [find_entry(name) for name in names] if names else default_entries()
    wanted = [(entry, file) for entry in entries for file in entry.choose(streams.split(","), backend)]
    failures = []
    for entry, file in wanted:
        was_here = file.is_here
        try:
            bring(entry, file, offline)
        except SkelactError as error:
            report_error(str(error))
            failures.append(error)
            continue
        done = "is here" if was_here else "pulled"
        typer.echo(f"{_called(entry, file)}: {done if file.address else 'comes with the install'}, {file.path}")
    if failures:
        raise typer.Exit(failures[0].exit_status)


@models.command()
def path(name: Name, streams: Streams = "j", backend: Backend = "torch") -> None:
    """Print where the weights lie, or will lie, one file a line; exit status 5 if one is not here yet."""
    from skelact.catalogue import find_entry
    from skelact.errors import WeightsError

    entry = find_entry(name)
    files = entry.choose(streams.split(","), backend)
    for file in files:
        typer.echo(file.path)
    if missing := [_called(entry, file) for file in files if not file.is_here]:
        raise WeightsError(f"not here yet: {', '.join(missing)}; `skelact models pull` downloads it")


def _called(entry: Entry, file: WeightsFile) -> str:
    return f"{entry.name} ({file.variant})" if entry.is_downloaded else entry.name


def _state(entry: Entry) -> str:
    """Whether the weights are here, for a table."""
    if not entry.is_downloaded:
        return "come with the install"
    here = [f"{file.variant} is here, {(file.size or 0) / 1e6:.1f} MB" for file in entry.files if file.is_here]
    return "; ".join(here) or "to be pulled"


def _plain(entry: Entry) -> dict[str, Any]:
    files = [
        {
            "variant": file.variant,
            "address": file.address or None,
            "sha256": file.sha256,
            "path": str(file.path),
            "here": file.is_here,
            "bytes": file.size,
        }
        for file in entry.files
    ]
    return {"name": entry.name, "about": entry.about, "licence": entry.licence, "files": files}
