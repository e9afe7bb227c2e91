"""`skelact extract`: videos to the keypoints of their persons."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelact.cli.batch import Address, Engine, Workers, print_report
from skelact.cli.common import (
    Backend,
    DetectEvery,
    Detector,
    Device,
    Json,
    Offline,
    Overwrite,
    Pose,
    print_json,
    print_table,
    progress,
    warn,
)

if TYPE_CHECKING:
    from skelact.batch.run import Means
    from skelact.sequence import PoseSequence
    from skelact.settings import ExtractSettings


def extract(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="A video, or a folder of its pictures; or several, a folder of them, a pattern in quotes "
            "('clips/**/*.mp4'), a list (.txt, one path a line)."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            help="The .npz to write, or the folder for several.",
            show_default="the video's name with .npz, here",
        ),
    ] = None,
    pose: Pose = None,
    detector: Detector = None,
    backend: Backend = "torch",
    detect_every: DetectEvery = None,
    persons: Annotated[
        int | None, typer.Option(min=1, help="Keep only so many main persons.", show_default="all")
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge/--no-merge", help="Join the tracks of one person who was lost for a while.")
    ] = True,
    drop_still: Annotated[
        bool, typer.Option("--drop-still", help="Leave out pictures of persons, which never move.")
    ] = False,
    smooth: Annotated[
        str | None,
        typer.Option(help="Smooth the keypoints over time: one-euro or savgol.", show_default="as found"),
    ] = None,
    device: Device = "auto",
    offline: Offline = False,
    workers: Workers = None,
    shard: Annotated[
        str | None,
        typer.Option(help="Only a part of the videos, K/N: one of N runs that share the work.", show_default="all"),
    ] = None,
    engine: Engine = "local",
    address: Address = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Find body, hand and foot keypoints of the persons in videos.

    Frames -> persons -> tracks -> 133 keypoints each (COCO-WholeBody), saved as one .npz a video that `predict` takes.

    Several videos, or an output without an ending, write into a folder, which mirrors theirs. What is finished there
    by the same settings is skipped, so that a run that was stopped goes on where it was; --overwrite replaces what is
    there by others. A video that fails does not stop the rest; one without persons gets a file without persons.
    report.json in that folder tells of each. The exit status is that of the first failure; where there is none, 4 if
    in some nobody was seen; else 0.
    """
    from skelact.batch.inputs import names_one_video
    from skelact.batch.run import Means
    from skelact.errors import UsageError
    from skelact.images import is_picture_folder
    from skelact.settings import ExtractSettings

    settings = ExtractSettings(
        pose, detector, backend, device, offline, detect_every, persons, merge, drop_still, smooth
    )  # fmt: skip
    means = Means(workers, engine, address)
    one = names_one_video(inputs[0]) or is_picture_folder(inputs[0])
    if len(inputs) > 1 or not one or (output and _is_folder(output)):
        if output is None:
            raise UsageError("several videos need a folder to write to: give -o FOLDER")
        _extract_many(inputs, Path(output), settings, means, shard, overwrite, as_json)
        return
    if means != Means() or shard:
        raise UsageError("--workers, --shard and --engine are for several videos: give a folder of them, or -o FOLDER")
    _extract_one(Path(inputs[0]), Path(output) if output else None, settings, overwrite, as_json)


def _is_folder(output: str) -> bool:
    return os.path.isdir(output) or not Path(output).suffix or output.endswith(os.sep)


def _extract_many(
    inputs: list[str],
    folder: Path,
    settings: ExtractSettings,
    means: Means,
    shard: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    from skelact.batch.inputs import expand, parse_shard, take_shard
    from skelact.batch.job import Existing
    from skelact.batch.report import report_path
    from skelact.batch.run import extract_folder

    part = parse_shard(shard) if shard else None
    items = expand(inputs, folder)
    if part:
        items = take_shard(items, *part)
    with progress("extracting", "videos") as on_video:
        report = extract_folder(
            items, settings, folder, means, Existing(overwrite), shard=part, on_video=on_video, warn=warn
        )
    if as_json:
        print_json(report.to_dict())
    else:
        print_report(report, report_path(folder, part))
    raise typer.Exit(report.exit_status)


def _extract_one(video: Path, output: Path | None, settings: ExtractSettings, overwrite: bool, as_json: bool) -> None:
    from skelact.batch.origin import Content, Origin
    from skelact.errors import InputError, NobodySeenError
    from skelact.formats.npz import save_sequence
    from skelact.formats.writing import check_output, sweep_drafts
    from skelact.pipeline import extract as run

    target = output or Path(f"{video.stem}.npz")
    check_output(target, overwrite)
    sweep_drafts(target.parent)
    content = None if video.is_dir() else Content.of(video)
    with progress(video.name, "frames") as on_frame:
        sequence = run(video, settings, on_frame=on_frame, warn=warn)
    if not sequence.present.any():
        raise NobodySeenError(f"nobody was seen in the {sequence.num_frames} frames of {video}: nothing is written")
    save_sequence(sequence, target, overwrite, Origin.of(content, settings, sequence).to_text() if content else "")
    try:
        if content:
            content.check_unchanged(video)
    except InputError as error:
        warn(str(error))
    for note in sequence.notes:
        warn(note)
    if as_json:
        print_json(summary(sequence, target))
    else:
        _print(sequence, target)


def summary(sequence: PoseSequence, target: Path) -> dict[str, Any]:
    """What was found, person by person, as plain values; shares are of the frames of the video."""
    from skelact.keypoints import FEET, LEFT_HAND, RIGHT_HAND

    parts = {"left_hand": LEFT_HAND, "right_hand": RIGHT_HAND, "feet": FEET}
    persons = []
    for k in range(sequence.num_instances):
        seen = sequence.scores[k] > 0
        shares = {name: round(float(seen[:, list(part)].any(axis=1).mean()), 3) for name, part in parts.items()}
        frames = int(sequence.present[k].sum())
        persons.append({"track": int(sequence.track_ids[k]), "frames": frames, **shares})
    return {
        "source": sequence.source,
        "output": str(target),
        "estimator": sequence.estimator,
        "frames": sequence.num_frames,
        "fps": sequence.fps,
        "width": sequence.width,
        "height": sequence.height,
        "persons": persons,
        "notes": list(sequence.notes),
    }


def _print(sequence: PoseSequence, target: Path) -> None:
    found = summary(sequence, target)
    persons = found["persons"]
    rows = [
        [str(p["track"]), f"{p['frames']} of {sequence.num_frames}"]
        + [f"{p[part]:.0%}" for part in ("left_hand", "right_hand", "feet")]
        for p in persons
    ]
    count = "1 person" if len(persons) == 1 else f"{len(persons)} persons"
    print_table(
        f"{sequence.source}: {count}, by {sequence.estimator}, saved to {target}",
        ["track", "frames", "left hand seen", "right hand seen", "feet seen"],
        rows,
        numbers={0, 1, 2, 3, 4},
    )
