"""Accuracy on people not seen in training: one row of the table, all its folds.

Run: python -m benchmarks.accuracy.run DATA ROW [--seed N] [--fold PERSON] [--results FILE] [--predictions FOLDER]
DATA is the folder of asl10_words.npz and asl33_words_letters.npz; ROW a key of benchmarks/accuracy/rows.py. Appends a
line a fold to the results. Every network is that of the last epoch: nothing is chosen on the person it is tested on.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.accuracy.rows import ROWS, TASKS, Row, Task
from skelact.data.clips import ClipSet
from skelact.data.npz import read_npz
from skelact.devices import resolve_device
from skelact.models.cost import count_macs, count_parameters
from skelact.recognition import TrainedRecognizer
from skelact.training.evaluate import Evaluation, evaluate, save_predictions
from skelact.training.metrics import figures
from skelact.training.settings import RECIPES, TrainSettings
from skelact.training.train import train

RESULTS = Path(__file__).with_name("results.csv")
NO_SIGN = "-"


def load(task: Task, data: Path) -> ClipSet:
    """The clips of a task; in two of five recordings the first frame still shows the one before."""
    clips = read_npz(data / f"{task.file}.npz").skip_frames(1)
    persons = {person for fold in task.folds for person in (*fold[0], fold[1])}
    of_each = [set(clips.labels[clips.of_groups([person])].tolist()) for person in persons]
    shared = tuple(clips.class_names[k] for k in sorted(set.intersection(*of_each)))
    return clips.with_classes(task.classes or shared)


def compose(clips: ClipSet, persons: int, seed: int = 0) -> ClipSet:
    """Clips of several persons, of whom one at a random place signs and the others do not."""
    random = np.random.default_rng(seed)
    idle = np.flatnonzero(clips.labels == clips.class_names.index(NO_SIGN))

    def group(k: int) -> Any:
        actor = clips.clip(k)
        others = [clips.clip(int(other)) for other in random.choice(idle, persons - 1)]
        members = [actor, *others]
        frames = min(member.scores.shape[1] for member in members)
        order = random.permutation(persons)
        return replace(
            actor,
            keypoints=np.concatenate([members[i].keypoints[:, :frames] for i in order]),
            scores=np.concatenate([members[i].scores[:, :frames] for i in order]),
        )

    return ClipSet.from_clips((group(k) for k in range(len(clips))), clips.class_names, clips.layout)


def tests_of(row: Row, recognizer: TrainedRecognizer, held_out: ClipSet, device: str) -> dict[int, Evaluation]:
    """Persons a clip to the test on such clips."""
    if not row.test_persons:
        return {1: evaluate(recognizer, held_out, device)}
    tests = {}
    for persons in row.test_persons:
        looking_at_all = replace(recognizer, preprocessing=replace(recognizer.preprocessing, max_instances=persons))
        tests[persons] = evaluate(looking_at_all, compose(held_out, persons), device)
    return tests


def line_of(evaluation: Evaluation, recognizer: TrainedRecognizer, persons: int) -> dict[str, Any]:
    """What a line of the results says of a test."""
    found = figures(evaluation)
    macs = count_macs(recognizer.model, persons, recognizer.preprocessing.clip_len)
    return {
        "test_clips": len(evaluation),
        "top1": round(evaluation.top1, 4),
        "low": round(found.intervals.top1.low, 4),
        "high": round(found.intervals.top1.high, 4),
        "mean_class": round(found.mean_class_accuracy, 4),
        "parameters": count_parameters(recognizer.model),
        "mmac": round(macs / 1e6, 1),
    }


def run(name: str, data: Path, seed: int, fold: str | None, results: Path, predictions: Path | None) -> None:
    """Train and test every fold of a row, or that of one person."""
    row = ROWS[name]
    task = TASKS[row.task]
    clips = load(task, data)
    settings: TrainSettings = RECIPES[row.recipe].change([*row.changes, f"seed={seed}"])
    device = resolve_device("auto")
    for train_on, test_on in task.folds:
        if test_on not in (row.test_on or test_on) or fold not in (None, test_on):
            continue
        training = clips.subset(clips.of_groups(train_on))
        held_out = clips.subset(clips.of_groups([test_on]))
        if row.persons:
            training = compose(training, row.persons, seed)
        start = time.perf_counter()
        recognizer = train(training, settings, device=device, name=name)
        told = {"row": name, "table": row.table, "seed": seed, "tested_on": test_on, "train_clips": len(training)}
        told |= {"seconds": round(time.perf_counter() - start), "device": device, "threads": torch.get_num_threads()}
        for persons, evaluation in tests_of(row, recognizer, held_out, device).items():
            append(results, told | {"persons": persons} | line_of(evaluation, recognizer, persons))
            if predictions:
                save_predictions(evaluation, predictions / f"{name}-{seed}-{test_on}-{persons}.npz", overwrite=True)


def append(results: Path, line: dict[str, Any]) -> None:
    """Add a line to the results, with the header before the first one."""
    new = not results.exists()
    with results.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(line))
        if new:
            writer.writeheader()
        writer.writerow(line)
    print(line)


def main() -> None:
    """Read the command line and run a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fold", help="only the fold that tests this person")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--predictions", type=Path)
    arguments = parser.parse_args()
    run(arguments.row, arguments.data, arguments.seed, arguments.fold, arguments.results, arguments.predictions)


if __name__ == "__main__":
    main()
