"""`skelact train`: labelled clips to a recognizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import Device, Json, Overwrite, print_json, print_table, progress

if TYPE_CHECKING:
    from skelact.data.dataset import ClipSet
    from skelact.training.evaluate import Evaluation


def train(
    dataset: Annotated[list[Path], typer.Option(help="An .npz of labelled clips; several are joined by class name.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The .safetensors to write.")] = Path(
        "recognizer.safetensors"
    ),
    test_group: Annotated[
        list[int] | None,
        typer.Option(help="A person (or other group) to hold out and test on; may be repeated.", show_default=False),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Only these classes, with commas between; new=old renames.", show_default="all")
    ] = None,
    model: Annotated[str, typer.Option(help="Network, see `skelact models list`.")] = "skelet-dgstgcn",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the clips.")] = 15,
    batch_size: Annotated[int, typer.Option(min=2, help="Clips a step.")] = 16,
    lr: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 1.5e-3,
    augment: Annotated[bool, typer.Option(help="Change the clips at random, to carry over to new people.")] = True,
    skip_frames: Annotated[int, typer.Option(min=0, help="Frames to leave out at the start of each clip.")] = 0,
    seed: Annotated[int, typer.Option(help="Of weights and draws.")] = 0,
    device: Device = "auto",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Train a recognizer on labelled clips and test it on people it has not seen.

    The clips are an .npz with `keypoints` (clips, frames, 133, 3) holding x / width, y / height and score,
    `label`, `class_names`, `person` (or `group`) and optionally `length`.
    """
    from skelact.devices import resolve_device
    from skelact.formats.writing import check_output
    from skelact.recognition import save_recognizer
    from skelact.training.evaluate import evaluate
    from skelact.training.train import SIGN_PREPROCESSING, TrainSettings
    from skelact.training.train import train as run

    check_output(output, overwrite)
    chosen = resolve_device(device)
    training, held_out = _load(dataset, classes, skip_frames, test_group)
    settings = TrainSettings(model, epochs, batch_size, lr, augmented=augment, seed=seed)
    with progress("training", "steps") as on_step:
        recognizer = run(
            training,
            settings,
            SIGN_PREPROCESSING,
            chosen,
            name=output.stem,
            on_step=lambda step, steps, loss: on_step(step, steps),
        )
    save_recognizer(recognizer, output)
    evaluation = None
    if held_out is not None:
        with progress("testing", "clips") as on_clip:
            evaluation = evaluate(recognizer, held_out, chosen, on_clip=on_clip)
    if as_json:
        result: dict[str, object] = {"output": str(output), "training": recognizer.training}
        print_json(result | ({"test": evaluation.to_dict()} if evaluation else {}))
    else:
        _print(output, len(training), evaluation)


def _load(
    files: list[Path], classes: str | None, skip_frames: int, test_group: list[int] | None
) -> tuple[ClipSet, ClipSet | None]:
    """The clips to train on, and those of the held-out groups, if any."""
    from dataclasses import replace

    import numpy as np

    from skelact.data.dataset import join, load_clips
    from skelact.errors import InputError, UsageError, unknown_name

    for file in files:
        if not file.suffix:
            raise UsageError(f"dataset {str(file)!r} is no .npz of clips, and named data sets are not there yet")
    clips = join([load_clips(file) for file in files])
    if classes:
        pairs = [entry.strip().rpartition("=") for entry in classes.split(",")]
        for _, _, old in pairs:
            if old not in clips.class_names:
                raise unknown_name("class", old, clips.class_names)
        clips = clips.with_classes(tuple(old for _, _, old in pairs))
        clips = replace(clips, class_names=tuple(new or old for new, _, old in pairs))
    if skip_frames:
        clips = clips.skip_frames(skip_frames)
    if not test_group:
        return clips, None
    unknown = sorted(set(test_group) - set(clips.groups.tolist()))
    if unknown:
        raise UsageError(f"no clips of group {unknown[0]}: there are {sorted(set(clips.groups.tolist()))}")
    held_out = np.isin(clips.groups, test_group)
    if held_out.all():
        raise InputError("all groups are held out: nothing is left to train on")
    return clips.subset(~held_out), clips.subset(held_out)


def _print(output: Path, clips: int, evaluation: Evaluation | None) -> None:
    if evaluation is None:
        typer.echo(f"{output}: trained on {clips} clips; no group was held out, so nothing is known of its accuracy")
        return
    figures = evaluation.to_dict()
    rows = [[name, str(row["clips"]), f"{row['top1']:.3f}"] for name, row in figures["classes"].items()]
    rows.append(["all", str(len(evaluation.labels)), f"{evaluation.top1:.3f}"])
    print_table(
        f"{output}: trained on {clips} clips, tested on people not seen in training "
        f"(mean class accuracy {evaluation.mean_class_accuracy:.3f})",
        ["class", "clips", "top-1"],
        rows,
        numbers={1, 2},
    )
