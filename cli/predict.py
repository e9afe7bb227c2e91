"""`skelact predict`: videos or sequences to their actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import (
    Backend,
    DetectEvery,
    Detector,
    Device,
    Json,
    Offline,
    Pose,
    print_json,
    print_table,
    progress,
    report_error,
    warn,
)

if TYPE_CHECKING:
    from skelact.predict import Prediction


def predict(
    inputs: Annotated[list[str], typer.Argument(help="Videos, or .npz sequences written by `skelact extract`.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="Recognizer: ntu120 (default), asl-words (bundled), or a .safetensors that `skelact train` wrote.",
            show_default=False,
        ),
    ] = None,
    top_k: Annotated[int, typer.Option("--top-k", min=1, help="How many actions to tell.")] = 5,
    pose: Pose = None,
    detector: Detector = None,
    backend: Backend = "torch",
    detect_every: DetectEvery = None,
    device: Device = "auto",
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Name the action in each video.

    Several inputs are done one after another; one that fails does not stop the rest, and the exit status is that of
    the first failure.
    """
    from skelact.errors import SkelactError
    from skelact.predict import check_source, find_recognizer
    from skelact.predict import predict as run
    from skelact.settings import ExtractSettings

    if len(inputs) == 1:
        check_source(inputs[0])
    recognizer = find_recognizer(model, offline=offline, warn=warn)
    extraction = ExtractSettings(pose, detector, backend, device, offline, detect_every)
    done, failures = [], []
    for source in inputs:
        try:
            with progress(source, "frames") as on_frame:
                prediction = run(
                    source,
                    model=recognizer,
                    top_k=top_k,
                    extraction=extraction,
                    on_frame=on_frame,
                    warn=warn,
                )
        except SkelactError as error:
            if len(inputs) == 1:
                raise
            report_error(str(error))
            failures.append(error)
            continue
        done.append(prediction)
        for note in prediction.notes:
            warn(f"{source}: {note}")
        if not as_json:
            _print(prediction)
    if as_json:
        print_json([prediction.to_dict() for prediction in done])
    if failures:
        raise typer.Exit(failures[0].exit_status)


def _print(prediction: Prediction) -> None:
    persons = "1 person" if prediction.persons == 1 else f"{prediction.persons} persons"
    print_table(
        f"{prediction.source}: {prediction.seconds:.1f} s, {persons}, keypoints by {prediction.estimator}, "
        f"actions by {prediction.model}",
        ["action", "probability"],
        [[action.name, f"{action.probability:.3f}"] for action in prediction.actions],
        numbers={1},
    )
