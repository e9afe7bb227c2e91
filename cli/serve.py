"""`skelact serve`: a page and an interface for programs, to predict the videos that are sent to them."""

from __future__ import annotations

from typing import Annotated

import typer

from skelact.cli.common import (
    Backend,
    DetectEvery,
    Detector,
    Device,
    Model,
    Offline,
    PerPerson,
    Pose,
    Streams,
    Stride,
    Threshold,
    WindowSeconds,
    split_commas,
    warn,
)


def serve(
    host: Annotated[str, typer.Option(help="Where to be asked; 0.0.0.0 lets other machines ask.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name by which browsers may ask, beside localhost and addresses.", show_default=False),
    ] = None,
    model: Model = None,
    streams: Streams = None,
    window: WindowSeconds = None,
    stride: Stride = None,
    threshold: Threshold = None,
    per_person: PerPerson = False,
    pose: Pose = None,
    detector: Detector = None,
    backend: Backend = "torch",
    detect_every: DetectEvery = None,
    device: Device = "auto",
    offline: Offline = False,
    max_upload_mb: Annotated[float, typer.Option(help="Take no larger files, MB.")] = 200,
    max_seconds: Annotated[float, typer.Option(help="Take no longer videos, seconds.")] = 600,
    max_work_seconds: Annotated[float, typer.Option(help="Work no longer on a video, seconds.")] = 3600,
    max_waiting: Annotated[int, typer.Option(help="Let so many videos wait for their turn.")] = 16,
    keep_minutes: Annotated[float, typer.Option(help="Delete results after so many minutes.")] = 30,
) -> None:
    """Name the actions in videos that are sent by a page in a browser, or by programs.

    One video is looked at after another, with models that are loaded once. Videos are deleted when they have been
    looked at, and everything when the server ends, by Ctrl-C. It asks for no password: keep it off the open internet.
    """
    from skelact.predictor import Predictor
    from skelact.serve.limits import Limits
    from skelact.serve.server import check_extra
    from skelact.serve.server import serve as run
    from skelact.settings import ExtractSettings, PredictSettings

    check_extra()
    limits = Limits(max_upload_mb, max_seconds, max_work_seconds, max_waiting, keep_minutes)
    settings = PredictSettings(
        tuple(model) if model else None, split_commas(streams), window, stride, threshold, per_person
    )
    predictor = Predictor(settings, ExtractSettings(pose, detector, backend, device, offline, detect_every), warn=warn)

    def on_ready(address: str) -> None:
        typer.echo(f"ready at {address} with {predictor.recognizer.name}; Ctrl-C ends it", err=True)

    run(predictor, limits, host, port, allow_host or (), on_ready, warn)
