"""Many videos: those that are finished are left, the others are done, and a report tells of all."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from skelact.batch.inputs import Item
from skelact.batch.job import Existing, Factory, Result, failed, finished
from skelact.batch.local import run_local
from skelact.batch.origin import effective
from skelact.batch.ray_engine import run_ray
from skelact.batch.report import Report, check_report, report_path
from skelact.errors import InputError, OutputError, UsageError, unknown_name
from skelact.formats.writing import sweep_drafts, write_error
from skelact.settings import ExtractSettings

ENGINES = ("local", "ray")

Progress = Callable[[int, int | None], None]  # what is done, and the total


@dataclass(frozen=True)
class Means:
    """What to compute with.

    Attributes:
        workers: how many processes (local, where None is one) or actors (ray, where None is one a GPU, or one a core).
        engine: one of `ENGINES`.
        address: of a Ray cluster.

    Raises:
        UsageError: a value that is none of these.
    """

    workers: int | None = None
    engine: str = ENGINES[0]
    address: str | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without starting anything."""
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers is {self.workers}: give 1 or more")
        if self.address is not None and self.engine != "ray":
            raise UsageError("--address is that of a Ray cluster: give --engine ray too")


ONE_PROCESS = Means()
RESUME = Existing()


def extract_all(
    items: Sequence[Item],
    settings: ExtractSettings,
    means: Means = ONE_PROCESS,
    existing: Existing = RESUME,
    *,
    make: Factory | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> Generator[Result, None, None]:
    """Extract the keypoints of videos into files, of those that are not finished.

    Args:
        items: the videos and their outputs.
        settings: how to extract.
        means: what to compute with.
        existing: what becomes of outputs that are there.
        make: makes what extracts; None for `skelact.pipeline.extractor`.
        warn: called with one sentence where MediaPipe stands in for the default, for all videos.

    Yields:
        The results, as they come: the finished first.

    Raises:
        OutputError: an output is in the way (before anything is done), or cannot be written.
        UsageError, WeightsError: as they would be the same for every video.
    """
    if make is None:
        settings = settle(settings, warn)
    folders = {item.output.parent for item in items}
    _sweep(folders)
    known = effective(settings)
    results = [_without_work(item, known, existing) for item in items]
    yield from filter(None, results)
    left = [item for item, result in zip(items, results, strict=True) if result is None]
    if not left:
        return
    try:
        yield from _engine(left, settings, means, make)
    finally:
        _sweep(folders)


def extract_folder(
    items: Sequence[Item],
    settings: ExtractSettings,
    folder: Path,
    means: Means = ONE_PROCESS,
    existing: Existing = RESUME,
    *,
    shard: tuple[int, int] | None = None,
    on_video: Progress | None = None,
    make: Factory | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> Report:
    """`extract_all` with a report in the folder, also where it is stopped.

    Args:
        items: as of `extract_all`.
        settings: as of `extract_all`.
        folder: of the outputs; the report is its report.json, or report-3-of-16.json.
        means: as of `extract_all`.
        existing: as of `extract_all`.
        shard: the part and the number of parts, for the report.
        on_video: called with the videos done and their number.
        make: as of `extract_all`.
        warn: as of `extract_all`.

    Raises:
        OutputError: the folder cannot be written to, or as of `extract_all`.
        UsageError, WeightsError: as of `extract_all`.
    """
    check_folder(folder)
    target = report_path(folder, shard)
    check_report(target)
    report = Report(settings, len(items), "{}/{}".format(*shard) if shard else None)
    try:
        with closing(extract_all(items, settings, means, existing, make=make, warn=warn)) as results:
            for result in results:
                report.results.append(result)
                if on_video:
                    on_video(len(report.results), len(items))
    except BaseException as error:
        report.stopped = str(error) or "interrupted"
        with suppress(OutputError):  # what went wrong first is told
            _write(report, items, target)
        raise
    _write(report, items, target)
    return report


def settle(settings: ExtractSettings, warn: Callable[[str], None]) -> ExtractSettings:
    """The settings with an estimator: that of all videos, where it is left to what weights can be had.

    Raises:
        WeightsError, UsageError: as of `skelact.pipeline.choose_models`.
    """
    if settings.pose is not None:
        return settings
    from skelact.pipeline import choose_models

    estimator, _ = choose_models(replace(settings, device="cpu"), warn)
    estimator.close()
    return replace(settings, pose=estimator.name)


def check_folder(folder: Path) -> None:
    """Make sure that files can be written into a folder, which is made.

    Raises:
        OutputError: they cannot.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{str(folder)!r} is a file: give a folder for the keypoints of several videos")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise write_error(folder, error) from None


def _engine(items: list[Item], settings: ExtractSettings, means: Means, make: Factory | None) -> Iterator[Result]:
    from skelact.pipeline import extractor

    chosen = make or extractor
    if means.engine == "ray":
        return run_ray(items, settings, means.workers, means.address, chosen)
    return run_local(items, settings, means.workers or 1, chosen)


def _without_work(item: Item, settings: dict, existing: Existing) -> Result | None:
    return failed(item, InputError(item.fault)) if item.fault else finished(item, settings, existing)


def _write(report: Report, items: Sequence[Item], target: Path) -> None:
    order = {item: place for place, item in enumerate(items)}
    report.results.sort(key=lambda result: order[result.item])
    report.write(target)


def _sweep(folders: set[Path]) -> None:
    for folder in folders:
        sweep_drafts(folder)
