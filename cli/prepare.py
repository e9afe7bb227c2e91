"""`skelact prepare`: the videos of a public data set, or PYSKL's annotations of it, to clips to train on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelact.cli.batch import Address, Engine, Workers
from skelact.cli.common import Detector, Device, Json, Offline, Overwrite, Pose, print_json, print_table, progress, warn

if TYPE_CHECKING:
    from skelact.batch.run import Means
    from skelact.data.datasets import DatasetSpec
    from skelact.data.datasets.survey import Survey
    from skelact.data.prepare import Prepared
    from skelact.settings import ExtractSettings

MOST_NAMES = 5  # of unknown files that are told


def prepare(
    name: Annotated[
        str,
        typer.Argument(help="The data set: ntu60, ntu120, pku-mmd, n-ucla, kinetics400, ucf101 or hmdb51."),
    ],
    videos: Annotated[
        Path | None, typer.Option(help="The folder of its videos, with any subfolders.", show_default=False)
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Instead of videos, a PYSKL pickle of the data set.", show_default=False)
    ] = None,
    lists: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the owners' lists: for pku-mmd labels and splits, for ucf101 and hmdb51 splits.",
            show_default="the folder of the videos",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The folder to write.", show_default="where `skelact train` looks for it"),
    ] = None,
    layout: Annotated[str, typer.Option(help="Keypoints of the clips: expressive65, wholebody133 or coco17.")] = (
        "expressive65"
    ),
    pickle: Annotated[
        Path | None, typer.Option(help="Write the clips as a PYSKL pickle too.", show_default=False)
    ] = None,
    pose: Pose = None,
    detector: Detector = None,
    device: Device = "auto",
    offline: Offline = False,
    workers: Workers = None,
    engine: Engine = "local",
    address: Address = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Prepare a public data set for `skelact train --dataset NAME`.

    Finds its videos by the names that the owners give them, extracts the keypoints of each (what is there already is
    kept, so that a run goes on where it was stopped), keeps the main persons, and writes clips with the data set's
    labels and splits.
    """
    from skelact.batch.run import Means
    from skelact.data.datasets import get_dataset
    from skelact.data.prepare import check_free, default_folder
    from skelact.errors import UsageError
    from skelact.formats.writing import check_output
    from skelact.keypoints import get_layout
    from skelact.settings import ExtractSettings

    spec = get_dataset(name)
    if (videos is None) == (annotations is None):
        raise UsageError(f"give either --videos FOLDER, the videos of {spec.title}, or --annotations FILE.pkl")
    if annotations and (lists or pose or detector):
        raise UsageError("--lists, --pose and --detector are for videos: leave them out with --annotations")
    if not get_layout(layout).wholebody:
        raise UsageError(f"layout {layout} is no part of a whole body: give expressive65, wholebody133 or coco17")
    means = Means(workers, engine, address)
    folder = output or default_folder(name)
    check_free(folder, overwrite)
    if pickle:
        check_output(pickle, overwrite)
    typer.echo(f"{spec.title} ({spec.owner}). {spec.licence}", err=True)
    result: dict[str, Any] = {"name": name}
    if annotations:
        prepared = _from_annotations(spec, annotations, folder, overwrite)
    elif videos:
        from skelact.data.datasets.survey import survey

        found = survey(spec, videos, lists)
        result["found"] = _told(found)
        if not as_json:
            _print_survey(found)
        settings = ExtractSettings(pose, detector, device=device, offline=offline)
        prepared = _from_videos(found, folder, layout, overwrite, settings, means)
    if pickle:
        from skelact.data.prepare import open_prepared
        from skelact.formats.pyskl import write_pyskl

        write_pyskl(open_prepared(name, folder), pickle, overwrite, spec.pyskl_parts)
    _warn(prepared)
    if as_json:
        print_json(result | _prepared(prepared, pickle))
    else:
        _print(spec, prepared)


def _from_annotations(spec: DatasetSpec, file: Path, folder: Path, overwrite: bool) -> Prepared:
    from skelact.data.prepare import prepare_annotations

    with progress("converting", "clips") as on_clip:
        return prepare_annotations(spec, file, folder, overwrite=overwrite, on_clip=on_clip)


def _from_videos(
    found: Survey, folder: Path, layout: str, overwrite: bool, settings: ExtractSettings, means: Means
) -> Prepared:
    from skelact.data.prepare import extract_videos, write_clips

    with progress("extracting", "videos") as on_video:
        failures = extract_videos(found, folder, settings, means, on_video=on_video, warn=warn)
    with progress("writing", "clips") as on_clip:
        return write_clips(found, folder, failures, layout=layout, overwrite=overwrite, on_clip=on_clip)


def _told(found: Survey) -> dict[str, Any]:
    """What there is of the data set, as plain values."""
    return {
        "videos": len(found.found),
        "samples": len(found.samples),
        "expected_videos": found.spec.videos,
        "expected_samples": found.spec.samples,
        "left_out": len(found.left_out),
        "unlabelled": list(found.unlabelled),
        "unknown": [str(path) for path in found.unknown],
        "repeated": [str(path) for path in found.repeated],
    }


def _print_survey(found: Survey) -> None:
    spec = found.spec
    videos = len(found.found) + len(found.left_out) + len(found.unlabelled)
    rows = [
        ["videos", str(videos), _number(spec.videos)],
        ["left out, as their owners list them as damaged", str(len(found.left_out)), _number(len(spec.excluded()))],
        ["without any label", str(len(found.unlabelled)), ""],
        ["samples", str(len(found.samples)), _number(spec.samples)],
        ["files of a video that is there already", str(len(found.repeated)), ""],
        ["files with other names", str(len(found.unknown)), ""],
    ]
    print_table(f"{spec.title}: what there is", ["", "found", "expected"], rows, numbers={1, 2})
    if found.unknown:
        more = f" and {len(found.unknown) - MOST_NAMES} more" if len(found.unknown) > MOST_NAMES else ""
        names = ", ".join(path.name for path in found.unknown[:MOST_NAMES])
        warn(f"not used, as their names are none of {spec.title}: {names}{more}")


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _warn(prepared: Prepared) -> None:
    from skelact.data.prepare import FAILED_FILE

    if prepared.failures:
        name, reason = next(iter(prepared.failures.items()))
        warn(
            f"{len(prepared.failures)} videos or samples gave no clip, listed in {prepared.folder / FAILED_FILE}: "
            f"{name}: {reason}"
        )
    if len(prepared.estimators) > 1:
        counts = ", ".join(f"{count} by {name}" for name, count in prepared.estimators.items())
        warn(f"the keypoints are of different estimators ({counts}): delete sequences to extract them anew")
    empty = [part for part, count in prepared.parts.items() if not count]
    if empty:
        warn(f"no clips are in {', '.join(empty)}")


def _prepared(prepared: Prepared, pickle: Path | None) -> dict[str, Any]:
    from skelact.data.prepare import CLIPS_FOLDER

    return {
        "folder": str(prepared.folder),
        "clips_folder": str(prepared.folder / CLIPS_FOLDER),
        "pickle": str(pickle) if pickle else None,
        "clips": prepared.clips,
        "parts": prepared.parts,
        "failures": prepared.failures,
        "estimators": prepared.estimators,
    }


def _print(spec: DatasetSpec, prepared: Prepared) -> None:
    rows = [[part, str(count)] for part, count in prepared.parts.items()]
    rows.append(["all", str(prepared.clips)])
    print_table(
        f"{spec.title}: {prepared.clips} clips in {prepared.folder}", ["part of a split", "clips"], rows, numbers={1}
    )
