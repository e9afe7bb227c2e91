"""`skelact predict`: videos, sequences or a camera to their actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import (
    Backend,
    DetectEvery,
    Detector,
    Device,
    Json,
    Model,
    Offline,
    Overwrite,
    PerPerson,
    Pose,
    Streams,
    Stride,
    Threshold,
    WindowSeconds,
    print_json_list,
    progress,
    report_error,
    split_commas,
    warn,
)

if TYPE_CHECKING:
    from pathlib import Path

    from skelact.batch.inputs import Item
    from skelact.predictor import Predictor
    from skelact.results import Prediction


def _file(what: str) -> typer.models.OptionInfo:
    info: typer.models.OptionInfo = typer.Option(metavar="FILE", help=what, show_default=False)
    return info


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Videos, .npz sequences written by `skelact extract`, folders of videos or of one video's pictures, "
            "patterns in quotes, lists (.txt), - for a list on stdin; or one camera: its number, or the address of a "
            "stream (rtsp://, http://)."
        ),
    ],
    model: Model = None,
    streams: Streams = None,
    window: WindowSeconds = None,
    stride: Stride = None,
    threshold: Threshold = None,
    per_person: PerPerson = False,
    top_k: Annotated[int, typer.Option("--top-k", min=1, help="How many actions to tell of a clip.")] = 5,
    csv: Annotated[str | None, _file("Write the segments as a table; one file may tell of several videos.")] = None,
    srt: Annotated[str | None, _file("Write the segments as SubRip subtitles.")] = None,
    vtt: Annotated[str | None, _file("Write the segments as WebVTT subtitles.")] = None,
    render: Annotated[str | None, _file("Write the video with skeletons, ids and actions drawn in (.mp4).")] = None,
    report: Annotated[str | None, _file("Write a page with video, timeline and probabilities (.html).")] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what a camera sees in a window.")] = False,
    pose: Pose = None,
    detector: Detector = None,
    backend: Backend = "torch",
    detect_every: DetectEvery = None,
    device: Device = "auto",
    offline: Offline = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Name the actions in each video: what, when, by whom, how sure.

    A video of up to twice the usual clip of the model is taken as one clip; a longer one is looked at window by window.
    Less probable actions than the threshold are not told. The outputs --csv, --srt, --vtt, --render and --report come
    from one pass of the networks; with several videos, give folders. A camera is watched until Ctrl-C.

    Several inputs are done one after another; one that fails does not stop the rest, and the exit status is that of
    the first failure.
    """
    from skelact.errors import UsageError
    from skelact.live import is_live
    from skelact.outputs.files import plan_outputs
    from skelact.predictor import Predictor
    from skelact.settings import ExtractSettings, PredictSettings

    settings = PredictSettings(
        tuple(model) if model else None, split_commas(streams), window, stride, threshold, per_person, top_k
    )
    predictor = Predictor(settings, ExtractSettings(pose, detector, backend, device, offline, detect_every), warn=warn)
    given = {"csv": csv, "srt": srt, "vtt": vtt, "render": render, "report": report}
    wanted = {kind: place for kind, place in given.items() if place is not None}
    if any(map(is_live, inputs)):
        if len(inputs) > 1 or wanted:
            raise UsageError("a camera is watched alone, and written to no file: record it first, or print its --json")
        from skelact.cli.live import run_live

        run_live(predictor, inputs[0], as_json=as_json, show=show)
        return
    if show:
        raise UsageError("--show is for a camera: draw videos into files by --render")
    items = _items(inputs)
    plans = plan_outputs(items, wanted, overwrite)
    _predict_all(predictor, items, plans, overwrite=overwrite, as_json=as_json)


def _items(inputs: list[str]) -> list[Item]:
    """The videos in the order of the arguments, each once."""
    import os
    from pathlib import Path

    from skelact.batch.inputs import expand
    from skelact.images import is_picture_folder
    from skelact.predictor import check_source

    if "-" in inputs:
        listed = [line.strip() for line in typer.get_text_stream("stdin")]
        place = inputs.index("-")
        inputs = [*inputs[:place], *(line for line in listed if line), *inputs[place + 1 :]]
        if not inputs:
            return []
    pictures = {argument for argument in inputs if is_picture_folder(argument)}
    items = {os.path.abspath(item.source): item for item in expand(inputs, Path(), pictures)}
    if len(items) == 1:
        check_source(next(iter(items.values())).source)
    order = (item.source for argument in inputs for item in expand([argument], Path(), pictures))
    return [items[path] for path in dict.fromkeys(map(os.path.abspath, order))]


def _predict_all(
    predictor: Predictor, items: list[Item], plans: list[dict[str, Path]], *, overwrite: bool, as_json: bool
) -> None:
    from skelact.cli.predictions import print_prediction
    from skelact.errors import SkelactError
    from skelact.outputs.files import Tables

    predictor.recognizer  # noqa: B018 (its failure is that of the command, not of each video)
    tables, failures = Tables(), []
    with print_json_list(as_json) as print_one:
        try:
            for number, (item, plan) in enumerate(zip(items, plans, strict=True), 1):
                name = f"[{number}/{len(items)}] {item.source}" if len(items) > 1 else str(item.source)
                try:
                    prediction = _predict_one(predictor, item, plan, name, overwrite)
                except SkelactError as error:
                    if len(items) == 1:
                        raise
                    report_error(str(error))
                    failures.append(error)
                    continue
                tables.add(prediction, plan)
                for note in prediction.notes:
                    warn(f"{item.source}: {note}")
                if as_json:
                    print_one(prediction.to_dict())
                else:
                    print_prediction(prediction)
        finally:
            tables.write(overwrite)
    if failures:
        raise typer.Exit(failures[0].exit_status)


def _predict_one(predictor: Predictor, item: Item, plan: dict[str, Path], name: str, overwrite: bool) -> Prediction:
    """Predict a video, and write what is to be written of it alone."""
    from skelact.errors import InputError
    from skelact.outputs.files import write_outputs

    if item.fault:
        raise InputError(item.fault)
    with progress(name, "frames") as on_frame:
        prediction = predictor.predict(item.source, on_frame)
    with progress(f"drawing {name}", "frames") as on_frame:
        write_outputs(prediction, plan, predictor.recognizer, predictor.device, overwrite=overwrite, on_frame=on_frame)
    return prediction
