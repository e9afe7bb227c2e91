"""`skelact test`: how good a recognizer is on labelled clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelact.cli.clips import Classes, Dataset, GroupBy, Sequences, SkipFrames
from skelact.cli.common import Detector, Device, Json, Offline, Overwrite, Pose, print_json, warn
from skelact.cli.testing import (
    BatchSize,
    Split,
    Tested,
    TestGroups,
    Workers,
    check_outputs,
    print_evaluation,
    run_test,
)


def test(
    recognizer: Tested,
    dataset: Dataset,
    split: Split = None,
    test_group: TestGroups = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="An .npz for the predictions, e.g. for `skelact fuse`.")
    ] = None,
    confusion: Annotated[
        list[Path] | None,
        typer.Option(help="A .png or .csv for the confusion matrix; may be repeated.", show_default=False),
    ] = None,
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
    """Test a recognizer on labelled clips it was not trained on.

    Tells top-1 and mean class accuracy with 95 % bootstrap intervals, top-5, the expected calibration error and the
    negative log-likelihood, and the top-1 of each class.
    """
    from skelact.devices import resolve_device
    from skelact.recognizers import find_recognizer
    from skelact.settings import ExtractSettings
    from skelact.training.confusion import check_ending, save_confusion
    from skelact.training.evaluate import save_predictions
    from skelact.training.metrics import figures

    for file in confusion or []:
        check_ending(file)
    check_outputs([output, *(confusion or [])], overwrite)
    chosen = resolve_device(device)
    evaluation = run_test(
        find_recognizer(recognizer, offline=offline, warn=warn),
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
    if output:
        save_predictions(evaluation, output, overwrite)
    for file in confusion or []:
        save_confusion(evaluation, file, overwrite)
    if as_json:
        tested = {"recognizer": evaluation.source, "dataset": dataset, "split": split, "test_groups": test_group}
        print_json(tested | figures(evaluation).to_dict())
    else:
        print_evaluation(evaluation, f"{evaluation.source} on {', '.join(dataset)}")
