"""Which files a prediction is written to, and writing them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from skelact.batch.inputs import Item
from skelact.ensemble import Ensemble
from skelact.errors import UsageError
from skelact.formats.writing import atomic_write, check_output
from skelact.outputs.subtitles import to_srt, to_vtt
from skelact.outputs.table import Row, table_rows, to_csv
from skelact.results import Prediction
from skelact.sources import find_video

OnFrame = Callable[[int, int | None], None]
# Kinds of files, and their endings. One table may tell of several videos; of the others each video has its own.
ENDINGS = {"csv": ".csv", "srt": ".srt", "vtt": ".vtt", "render": ".mp4", "report": ".html"}
OF_SEVERAL = {"csv"}


def plan_outputs(items: Sequence[Item], wanted: Mapping[str, str], overwrite: bool = False) -> list[dict[str, Path]]:
    """The files of each video, all of which can be written.

    Args:
        items: the videos.
        wanted: for some kinds of `ENDINGS`, a file, or a folder in which each video gets a file of its name.
        overwrite: whether files may be replaced.

    Returns:
        A path for each kind wanted, for each item.

    Raises:
        UsageError: one file for several videos, or a file with another ending.
        OutputError: see `check_output`.
    """
    plans: list[dict[str, Path]] = [{} for _ in items]
    for kind, place in wanted.items():
        folder = os.path.isdir(place) or place.endswith(os.sep) or not Path(place).suffix
        if not folder and Path(place).suffix.lower() != ENDINGS[kind]:
            raise UsageError(f"--{kind} {place!r}: give a name that ends with {ENDINGS[kind]}, or a folder")
        if not folder and len(items) > 1 and kind not in OF_SEVERAL:
            raise UsageError(f"--{kind} {place!r} is one file for {len(items)} videos: give a folder")
        for plan, item in zip(plans, items, strict=True):
            plan[kind] = Path(place) / item.output.with_suffix(ENDINGS[kind]) if folder else Path(place)
    for path in {path for plan in plans for path in plan.values()}:
        check_output(path, overwrite)
    return plans


def write_text(path: Path, text: str, overwrite: bool = False) -> None:
    """A text as a UTF-8 file.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_write(path, overwrite) as file:
        file.write(text.encode())


def write_outputs(
    prediction: Prediction,
    plan: Mapping[str, Path],
    recognizer: Ensemble,
    device: str = "cpu",
    *,
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
) -> None:
    """Write the files of one video, but for tables of several.

    Args:
        prediction: of the video.
        plan: see `plan_outputs`.
        recognizer: what predicted; a report asks it which keypoints mattered.
        device: where it runs.
        overwrite: whether files may be replaced.
        on_frame: called while a video is drawn.

    Raises:
        OutputError: a file cannot be written.
        InputError: the video cannot be read any more; where it is not there, keypoints are drawn on a plain ground.
    """
    for kind, to_text in (("srt", to_srt), ("vtt", to_vtt)):
        if kind in plan:
            write_text(plan[kind], to_text(prediction), overwrite)
    video = find_video(prediction.source)
    if "render" in plan:
        from skelact.render import render

        render(prediction, plan["render"], video=video, overwrite=overwrite, on_frame=on_frame)
    if "report" in plan:
        from skelact.report import write_report

        write_report(
            prediction, plan["report"], recognizer=recognizer, device=device, overwrite=overwrite, on_frame=on_frame
        )


class Tables:
    """Tables of the segments of one video or several, which keep only their rows until they are written."""

    def __init__(self) -> None:
        """Begin without tables."""
        self._rows: dict[Path, list[Row]] = {}

    def add(self, prediction: Prediction, plan: Mapping[str, Path]) -> None:
        """Put the segments of a video into its table, if it is to have one."""
        if "csv" in plan:
            self._rows.setdefault(plan["csv"], []).extend(table_rows(prediction))

    def write(self, overwrite: bool = False) -> None:
        """Write all tables.

        Raises:
            OutputError: one cannot be written.
        """
        for path, rows in self._rows.items():
            write_text(path, to_csv(rows), overwrite)
