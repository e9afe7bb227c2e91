"""`skelact calibrate`: a recognizer to one whose probabilities mean what they say, and that is silent when unsure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.clips import Classes, Dataset, GroupBy, Sequences, SkipFrames
from skelact.cli.common import Detector, Device, Json, Offline, Overwrite, Pose, print_json, print_table, warn
from skelact.cli.testing import BatchSize, Split, Tested, TestGroups, Workers, check_outputs, run_test

if TYPE_CHECKING:
    from skelact.training.calibrate import CalibrationReport


def calibrate(
    recognizer: Tested,
    dataset: Dataset,
    output: Annotated[Path, typer.Option("-o", "--output", help="The .safetensors to write.")],
    split: Split = None,
    test_group: TestGroups = None,
    classes: Classes = None,
    skip_frames: SkipFrames = 0,
    group_by: GroupBy = None,
    sequences: Sequences = None,
    pose: Pose = None,
    detector: Detector = None,
    batch_size: BatchSize = 32,
    workers: Workers = 0,
    device: Device = "auto",
    offline: Offline = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Fit a temperature and a threshold on labelled clips the recognizer was not trained on, and write it with them.

    The threshold is the probability below which `predict` tells no action: the one with the best F1 of actions told.

    Clips used for this can no longer show how well calibrated the result is; the cross-fitted figures can: each group
    is judged with the temperature of the others.
    """
    from skelact.devices import resolve_device
    from skelact.recognition import save_recognizer
    from skelact.recognizers import find_recognizer
    from skelact.settings import ExtractSettings
    from skelact.training.calibrate import calibrated, calibration_report

    check_outputs([output], overwrite)
    chosen = resolve_device(device)
    trained = find_recognizer(recognizer, offline=offline, warn=warn)
    evaluation = run_test(
        trained,
        dataset,
        split,
        test_group,
        device=chosen,
        batch_size=batch_size,
        workers=workers,
        classes=classes,
        skip_frames=skip_frames,
        group_by=group_by,
        sequences=sequences,
        extraction=ExtractSettings(pose, detector, device=chosen, offline=offline),
    )
    report = calibration_report(evaluation, trained.no_action)
    save_recognizer(calibrated(trained, report), output)
    if as_json:
        print_json({"recognizer": trained.name, "output": str(output)} | report.to_dict())
    else:
        _print(report, output)


def _print(report: CalibrationReport, output: Path) -> None:
    rows = [
        ["before", f"{report.before.ece:.3f}", f"{report.before.nll:.3f}"],
        ["after, on the clips it was fitted on", f"{report.after.ece:.3f}", f"{report.after.nll:.3f}"],
    ]
    if report.cross_fitted:
        crossed = report.cross_fitted
        rows.append(["after, each group with the others' fit", f"{crossed.ece:.3f}", f"{crossed.nll:.3f}"])
    print_table(
        f"{output}: temperature {report.temperature:.3f}, fitted on {report.clips} clips of {report.groups} "
        f"group{'s' if report.groups > 1 else ''}",
        ["", "expected calibration error", "negative log-likelihood"],
        rows,
        numbers={1, 2},
    )
    threshold = report.threshold
    typer.echo(
        f"Threshold {threshold.value:.3f}: the actions told have an F1 of {threshold.f1:.3f} on these clips, and of "
        f"{threshold.f1_without:.3f} where all are told."
    )
    if report.note:
        warn(report.note)
