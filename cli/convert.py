"""`skelact convert`: keypoints from one format to another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import Json, Overwrite, print_json, progress, warn

if TYPE_CHECKING:
    from skelact.formats.convert import Conversion

_LARGEST_SIDE = 100_000  # pixels


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file, or a folder of them.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file or folder to write.")],
    source_format: Annotated[
        str | None, typer.Option("--from", help="The format of IN.", show_default="told by ending and content")
    ] = None,
    target_format: Annotated[
        str | None, typer.Option("--to", help="The format of OUT.", show_default="told by its ending")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Size of the frame in pixels, where IN does not state it.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second, where IN does not state them.", show_default=False)
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Convert keypoints between npz, pyskl, mmpose, coco, openpose, csv and mot.

    npz: skelact's own. pyskl: PYSKL's pickle (.pkl). mmpose: predictions of MMPose (.json). coco: COCO-WholeBody
    (.json). openpose: a folder of OpenPose's JSON. csv: a long table. mot: MOTChallenge's boxes (.txt).
    What OUT does not hold is told. A pickle of many clips becomes a folder, and a folder of files a folder or a pickle.
    """
    from skelact.formats.convert import convert as run
    from skelact.formats.gathering import Given

    given = Given(_size(size), _fps(fps))
    with progress(source.name, "sequences") as on_sequence:
        done = run(source, target, source_format, target_format, given, overwrite, on_sequence)
    for note in done.notes:
        warn(note)
    if done.lost:
        warn(f"{target} does not hold the {', '.join(done.lost)}")
    if done.classes:
        warn(f"{target} does not hold the names of classes, which by label are {', '.join(done.classes)}")
    if as_json:
        print_json(_summary(done, source, target))
    else:
        typer.echo(_line(done, source, target))


def _size(text: str | None) -> tuple[int, int] | None:
    from skelact.errors import UsageError

    if text is None:
        return None
    sides = re.fullmatch(r"(\d{1,6})[xX](\d{1,6})", text.strip())
    size = (int(sides[1]), int(sides[2])) if sides else (0, 0)
    if not all(0 < side <= _LARGEST_SIDE for side in size):
        raise UsageError(f"--size is {text!r}: give width and height in pixels, as 1920x1080")
    return size


def _fps(fps: float | None) -> float | None:
    from skelact.errors import UsageError

    if fps is not None and not 0 < fps <= 1e6:  # also where it is no number
        raise UsageError(f"--fps is {fps:g}: give a number above 0")
    return fps


def _summary(done: Conversion, source: Path, target: Path) -> dict[str, object]:
    return {
        "input": str(source),
        "from": done.source_format,
        "output": str(target),
        "to": done.target_format,
        "sequences": done.sequences,
        "persons": done.persons,
        "frames": done.frames,
        "layouts": sorted(done.layouts),
        "lost": done.lost,
        "notes": done.notes,
        "classes": done.classes,
    }


def _line(done: Conversion, source: Path, target: Path) -> str:
    def some(count: int, what: str) -> str:
        return f"{count} {what}" if count == 1 else f"{count} {what}s"

    counts = [some(done.persons, "person"), some(done.frames, "frame"), f"layout {' and '.join(sorted(done.layouts))}"]
    if done.sequences > 1:
        counts.insert(0, some(done.sequences, "sequence"))
    return f"{source} ({done.source_format}) -> {target} ({done.target_format}): {', '.join(counts)}"
