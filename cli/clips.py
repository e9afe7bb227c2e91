"""What the verbs that read labelled clips share: their options, and reading with progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import progress, warn

if TYPE_CHECKING:
    from skelact.batch.inputs import Item
    from skelact.batch.job import Result
    from skelact.data.clips import ClipSet
    from skelact.settings import ExtractSettings

Dataset = Annotated[
    list[str],
    typer.Option(
        help="A data set's name, a folder FOLDER/<label>/<clip>, an .npz of clips or a PYSKL pickle; "
        "several are joined by class name."
    ),
]
TestGroup = Annotated[
    list[str] | None,
    typer.Option(help="A person (or other group) to hold out and test on; may be repeated.", show_default=False),
]
Classes = Annotated[
    str | None, typer.Option(help="Only these classes, with commas between; new=old renames.", show_default="all")
]
SkipFrames = Annotated[int, typer.Option(min=0, help="Frames to leave out at the start of each clip.")]
GroupBy = Annotated[
    str | None,
    typer.Option(help="The array of an .npz that says which clips belong together.", show_default="group or person"),
]
Sequences = Annotated[
    Path | None,
    typer.Option(help="Where the keypoints of a folder of videos are kept.", show_default="FOLDER.sequences"),
]


def load_clips(
    dataset: list[str],
    extraction: ExtractSettings,
    *,
    classes: str | None = None,
    skip_frames: int = 0,
    group_by: str | None = None,
    sequences: Path | None = None,
    workers: int | None = None,
) -> ClipSet:
    """The clips of `--dataset`, videos among them extracted first, in so many processes."""
    from skelact.batch.job import Existing
    from skelact.batch.run import Means, extract_all
    from skelact.data.sources import Options, load_dataset

    existing = Existing(unsigned=True, remedy="delete it to extract it anew, or give another folder by --sequences")

    def extract(items: Sequence[Item]) -> Iterator[Result]:
        results = extract_all(items, extraction, Means(workers), existing, warn=warn)
        with progress("extracting", "videos") as on_video:
            for done, result in enumerate(results, 1):
                on_video(done, len(items))
                yield result

    return load_dataset(dataset, Options(classes, skip_frames, group_by, extract, sequences, warn))
