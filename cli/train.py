"""`skelact train`: labelled clips to a recognizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.clips import Classes, Dataset, GroupBy, Sequences, SkipFrames, TestGroup, load_clips
from skelact.cli.common import Detector, Device, Json, Offline, Overwrite, Pose, print_json, print_table, progress, warn

if TYPE_CHECKING:
    from skelact.data.clips import ClipSet
    from skelact.recognition import TrainedRecognizer
    from skelact.training.experiment import Outcome, Parts
    from skelact.training.settings import TrainSettings


def train(
    dataset: Dataset,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="The .safetensors to write; log, settings and checkpoints go to a folder of that name ending in .run.",
        ),
    ] = Path("recognizer.safetensors"),
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Settings to start from: published, signs or actions.",
            show_default="published for named data sets and PYSKL pickles, else actions",
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A settings.json of another run, in place of a recipe.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting, as lr=0.05 or augment.mirror=0.5; may be repeated."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Network, see `skelact models list`.")] = None,
    stream: Annotated[
        str | None, typer.Option(help="j, b, jm or bm; all trains the four and fuses them.", show_default="j")
    ] = None,
    layout: Annotated[str | None, typer.Option(help="coco17, expressive65 or wholebody133.")] = None,
    instance_pooling: Annotated[
        bool, typer.Option("--instance-pooling", help="Pool a group of persons to one skeleton first.")
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the clips.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=2, help="Clips a step, over all processes.")] = None,
    lr: Annotated[float | None, typer.Option(min=0, help="Peak learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights and draws.", show_default="0")] = None,
    augment: Annotated[
        bool | None,
        typer.Option("--augment/--no-augment", help="Change the clips at random.", show_default="as the recipe"),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="A split of the data set, e.g. xsub.", show_default="its first")
    ] = None,
    test_group: TestGroup = None,
    val_group: Annotated[
        list[str] | None,
        typer.Option(help="A group to choose the best epoch on; may be repeated.", show_default="the last epoch"),
    ] = None,
    cross_validate: Annotated[
        str | None,
        typer.Option(
            help="Hold out each group in turn and write no recognizer: group, or what else --group-by takes.",
            show_default=False,
        ),
    ] = None,
    classes: Classes = None,
    skip_frames: SkipFrames = 0,
    group_by: GroupBy = None,
    init: Annotated[str | None, typer.Option(help="A trained recognizer to start from, e.g. asl-words.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    pose: Pose = None,
    detector: Detector = None,
    sequences: Sequences = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that extract a folder of videos.", show_default="1")
    ] = None,
    device: Device = "auto",
    offline: Offline = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Train a recognizer on labelled clips and test it on people it has not seen.

    The clips are a data set by name (ntu120, after `skelact prepare ntu120`), a folder FOLDER/<label>/<clip> of
    videos or sequences, an .npz of keypoints, or a PYSKL pickle. Of a folder without --test-group, whole groups
    with about a quarter of the clips are held out.
    """
    from skelact.devices import resolve_device
    from skelact.recognizers import find_recognizer
    from skelact.settings import ExtractSettings
    from skelact.training.experiment import parse_streams, with_enough_steps
    from skelact.training.settings import load_settings
    from skelact.training.settings import recipe as find_recipe

    by_value = None if cross_validate in (None, "group") else cross_validate
    streams = parse_streams(stream) if stream else None
    chosen = resolve_device(device)
    if not cross_validate:
        _check_outputs(output, streams, overwrite, resume)
    start_from = recipe or _default_recipe(dataset)
    settings = load_settings(config) if config else find_recipe(start_from)
    options = {
        "model": model, "stream": None if streams else stream, "layout": layout, "epochs": epochs,
        "batch_size": batch_size, "lr": lr, "seed": seed, "instance_pooling": instance_pooling or None,
    }  # fmt: skip
    named = [f"{key}={value}" for key, value in options.items() if value is not None]
    settings = _augmented(settings, augment).change([*named, *(changes or [])])
    settings.architecture()  # an impossible network is told before anything is read
    clips = load_clips(
        dataset, classes=classes, skip_frames=skip_frames, group_by=group_by or by_value, sequences=sequences,
        extraction=ExtractSettings(pose, detector, device=device, offline=offline), workers=workers,
    )  # fmt: skip
    start = find_recognizer(init, offline=offline, warn=warn) if init else None
    if cross_validate:
        _cross_validate(clips, settings, chosen, start, as_json)
        return
    parts = _split(clips, dataset, split, test_group, val_group)
    if not (config or epochs or start_from == "published"):
        settings = with_enough_steps(settings, len(parts.training))
    _train(parts, settings, output, streams, chosen, resume, overwrite, start, as_json)


def _check_outputs(output: Path, streams: list[str] | None, overwrite: bool, resume: bool) -> None:
    from skelact.errors import UsageError
    from skelact.formats.writing import check_output

    if output.suffix != ".safetensors":
        raise UsageError(f"the output {str(output)!r} must end in .safetensors")
    for stream in streams or [""]:
        target = output.with_name(f"{output.stem}-{stream}{output.suffix}") if stream else output
        check_output(target, overwrite or resume)


def _default_recipe(dataset: list[str]) -> str:
    """The published one for what comes with splits, where it may be compared with others' figures."""
    from skelact.data.datasets import DATASETS
    from skelact.data.prepare import CLIPS_FOLDER
    from skelact.data.sources import PICKLES
    from skelact.data.storage import is_clip_folder

    def published(source: str) -> bool:
        prepared = is_clip_folder(Path(source)) or is_clip_folder(Path(source) / CLIPS_FOLDER)
        return source in DATASETS or Path(source).suffix in PICKLES or prepared

    return "published" if all(published(source) for source in dataset) else "actions"


def _augmented(settings: TrainSettings, wanted: bool | None) -> TrainSettings:
    """The settings with the augmentation switched on or off."""
    from dataclasses import replace

    from skelact.data.dataset import NONE
    from skelact.training.settings import RECIPES

    if wanted is None or (wanted and settings.augment != NONE):
        return settings
    return replace(settings, augment=RECIPES["actions"].augment if wanted else NONE)


def _split(
    clips: ClipSet,
    dataset: list[str],
    split: str | None,
    test_group: list[str] | None,
    val_group: list[str] | None,
) -> Parts:
    """By name where the data set has splits, by the groups asked for, or by groups chosen for a folder."""
    from skelact.data.folder import choose_test_groups
    from skelact.errors import UsageError
    from skelact.training.experiment import split_by_group, split_by_name

    if (test_group or val_group) and split:
        raise UsageError("--split and groups to hold out exclude one another: give one of them")
    if test_group or val_group:
        return split_by_group(clips, test_group or (), val_group or ())
    if split or clips.splits:
        parts = split_by_name(clips, split or next(iter(clips.splits)).rpartition("_")[0])
        warn("as published, the best epoch is chosen on the same clips that are tested on")
        return parts
    if any(Path(source).is_dir() for source in dataset):
        chosen = choose_test_groups(clips)
        warn(f"held out for the test: {', '.join(chosen[:8])}{' and more' * (len(chosen) > 8)} (--test-group chooses)")
        return split_by_group(clips, chosen)
    return split_by_group(clips)


def _train(
    parts: Parts,
    settings: TrainSettings,
    output: Path,
    streams: list[str] | None,
    device: str,
    resume: bool,
    overwrite: bool,
    init: TrainedRecognizer | None,
    as_json: bool,
) -> None:
    from skelact.training.distributed import is_main_process
    from skelact.training.experiment import run

    with progress("training", "steps") as on_step, progress("testing", "clips") as on_clip:
        outcome = run(
            parts,
            settings,
            output,
            streams=streams,
            device=device,
            resume=resume,
            overwrite=overwrite,
            init=init,
            on_step=lambda step, steps, loss: on_step(step, steps),
            on_clip=on_clip,
        )
    if not is_main_process():
        return
    if as_json:
        print_json(outcome.to_dict())
    else:
        _print(outcome, len(parts.training))


def _print(outcome: Outcome, clips: int) -> None:
    from skelact.cli.testing import print_evaluation

    for stream, target in outcome.outputs.items():
        typer.echo(f"{target}: trained on {clips} clips (stream {stream}, {outcome.training[stream]['seconds']:.0f} s)")
    if not outcome.tests:
        typer.echo("no group was held out, so nothing is known of its accuracy")
    for stream, evaluation in outcome.tests.items():
        print_evaluation(evaluation, f"stream {stream}" if stream != "fused" else "all streams fused")


def _cross_validate(
    clips: ClipSet, settings: TrainSettings, device: str, init: TrainedRecognizer | None, as_json: bool
) -> None:
    """Train and test once for every group, and tell the mean and the spread."""
    import statistics

    from skelact.training.distributed import is_main_process
    from skelact.training.experiment import cross_validate
    from skelact.training.metrics import Figures, figures

    folds: dict[str, Figures] = {}
    with progress("training", "steps") as on_step:
        tests = cross_validate(
            clips, settings, device=device, init=init, on_step=lambda step, steps, loss: on_step(step, steps)
        )
        for group, evaluation in tests:
            folds[group] = figures(evaluation)
            done = f"{len(folds)} of {len(set(clips.groups.tolist()))}"
            if is_main_process():
                typer.echo(f"group {group}: top-1 {evaluation.top1:.3f} ({done})", err=True)
    if not is_main_process():
        return
    top1 = [fold.top1 for fold in folds.values()]
    mean, spread = statistics.mean(top1), statistics.stdev(top1)
    if as_json:
        print_json({"top1": mean, "spread": spread, "groups": {group: f.to_dict() for group, f in folds.items()}})
        return
    rows = [[group, str(f.clips), f"{f.top1:.3f}", f"{f.mean_class_accuracy:.3f}"] for group, f in folds.items()]
    print_table(
        f"each group held out in turn: top-1 {mean:.3f}, standard deviation over groups {spread:.3f}",
        ["group", "clips", "top-1", "mean class"],
        rows,
        numbers={1, 2, 3},
    )
