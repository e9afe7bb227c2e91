"""The command line: one file a verb, nothing heavy imported before a verb runs."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from skelact.cli.calibrate import calibrate
from skelact.cli.common import report_error, show_version
from skelact.cli.convert import convert
from skelact.cli.doctor import doctor
from skelact.cli.extract import extract
from skelact.cli.fuse import fuse
from skelact.cli.models import models
from skelact.cli.predict import predict
from skelact.cli.prepare import prepare
from skelact.cli.serve import serve
from skelact.cli.test import test
from skelact.cli.train import train
from skelact.cli.visualize import visualize

app = typer.Typer(
    name="skelact",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 done, 1 internal error, 2 wrong use, 3 unreadable input, 4 nobody seen, "
    "5 weights missing or unfit, 6 output exists or cannot be written, 130 interrupted.",
)


@app.callback()
def skelact(
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
    version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True, help="Show the version."),
) -> None:
    """From raw video to predicted human actions, with body, hand and foot keypoints."""


app.command()(extract)
app.command()(predict)
app.command()(visualize)
app.command()(convert)
app.command()(prepare)
app.command()(train)
app.command()(test)
app.command()(fuse)
app.command()(calibrate)
app.command()(serve)
app.add_typer(models, name="models")
app.command()(doctor)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command line (default: that of the process) and exit with its status."""
    given = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in given
    # --debug counts wherever it stands, as one adds it to the end of a command that failed.
    given = (["--debug"] if debug else []) + [word for word in given if word != "--debug"]
    try:
        app(given, prog_name="skelact")
    except Exception as error:
        if debug:
            raise
        from skelact.errors import SkelactError

        if isinstance(error, SkelactError):
            report_error(str(error))
            sys.exit(error.exit_status)
        report_error(f"this should not happen, {type(error).__name__}: {error} (--debug shows where)")
    sys.exit(1)
