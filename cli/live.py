"""`skelact predict` of a camera: what happens, as it happens."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import typer

from skelact.cli.common import warn

if TYPE_CHECKING:
    from rich.text import Text

    from skelact.live.update import LiveUpdate
    from skelact.predictor import Predictor

WINDOW = "skelact"
QUIT_KEYS = (ord("q"), 27)  # and Escape


def run_live(predictor: Predictor, source: str, *, as_json: bool, show: bool) -> None:
    """Watch a camera until Ctrl-C, which is how it is meant to end: then what has begun is told, with exit status 0.

    On stdout there is a line for each segment once it has ended; with `as_json` an object a line, also where the
    current action changes. A status line is on stderr where that is a terminal.

    Args:
        predictor: what to predict.
        source: the number of a camera, or the address of a stream.
        as_json: whether to print for machines.
        show: whether to open a window with what the camera sees; q ends it.

    Raises:
        SkelactError: see `skelact.live.watch.watch`; a UsageError where a window cannot be shown.
    """
    from skelact.live.source import check_index

    check_index(source)
    if show:
        _check_display()
    predictor.recognizer  # noqa: B018 (loaded here, so that Ctrl-C breaks off while it is)
    tell = _print_json if as_json else _print_segments
    with (
        _until_interrupted() as stop,
        _status() as set_status,
        closing(predictor.live(source, stop=stop, warn=warn)) as updates,
    ):
        for update in updates:
            tell(update)
            set_status(update)
            if show and _show(update):
                stop.set()


@contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; the second one interrupts as usual."""
    stop = threading.Event()

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _status() -> Iterator[Callable[[LiveUpdate], None]]:
    """A line on stderr that shows what goes on; silent where stderr is no terminal."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda update: None
        return
    # Lines on stdout go above it, if they go to the terminal too.
    with Live(console=console, transient=True, redirect_stdout=sys.stdout.isatty(), refresh_per_second=8) as live:
        yield lambda update: live.update(_status_line(update))


def _status_line(update: LiveUpdate) -> Text:
    from rich.text import Text

    persons = update.sequence.num_instances
    who = [(person, action) for person, action in update.actions.items() if person is None or action]
    actions = "  ".join(
        ("" if person is None else f"person {person}: ")
        + (f"{action.name} {action.probability:.2f}" if action else "no action" if persons else "nobody")
        for person, action in who
    )
    line = Text(actions, style="bold", no_wrap=True, overflow="ellipsis")
    facts = f"  {update.fps:.0f} frames/s, {1000 * update.latency:.0f} ms behind, {update.dropped} dropped"
    return line.append(facts, style="not bold")


def _print_segments(update: LiveUpdate) -> None:
    from skelact.results import clock

    for person, one in update.ended:
        who = "" if person is None else f"  person {person}"
        typer.echo(f"{clock(one.start)} to {clock(one.end)}  {one.action}  {one.probability:.3f}{who}")
        sys.stdout.flush()


def _print_json(update: LiveUpdate) -> None:
    for person in update.changed:
        action = update.actions.get(person)
        _print_object(
            event="action",
            time=round(update.time, 3),
            person=person,
            action=action.name if action else None,
            probability=action.probability if action else None,
        )
    for person, one in update.ended:
        _print_object(
            event="segment",
            time=round(update.time, 3),
            person=person,
            start=one.start,
            end=one.end,
            action=one.action,
            probability=one.probability,
            persons=list(one.persons),
        )


def _print_object(**values: Any) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False))
    sys.stdout.flush()


def _check_display() -> None:
    """Make sure that there is a screen: OpenCV ends the process where there is none.

    Raises:
        UsageError: there is none.
    """
    from skelact.errors import UsageError

    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UsageError("--show needs a screen, and neither DISPLAY nor WAYLAND_DISPLAY is set: leave --show out")


def _show(update: LiveUpdate) -> bool:
    """Draw an update into the window; whether the user ends it there."""
    import cv2

    from skelact.drawing import draw_persons

    image = update.image.copy()
    captions = {person: action.name for person, action in update.actions.items() if action and person is not None}
    group = update.actions.get(None)
    if group and not captions:
        captions = dict.fromkeys(update.sequence.track_ids.tolist(), group.name)
    draw_persons(image, update.sequence, 0, captions)
    cv2.imshow(WINDOW, image)
    return cv2.waitKey(1) & 0xFF in QUIT_KEYS
