"""Do the keypoints that a report names matter? python -m benchmarks.importance DATA --models FOLDER [--csv FILE].

On clips of persons whom the network has not seen (the networks of `benchmarks.segments`), the keypoints that a ranking
puts first, or last, are set to zero in the network's input, or hidden in the sequence before it is normalised: how much
of the probability of the action is lost. A good ranking loses much by the first and little by the last.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.segments import FOLDS, FPS, NOTHING
from skelact.data.npz import read_npz
from skelact.ensemble import Ensemble
from skelact.importance import explain
from skelact.keypoints import get_layout
from skelact.recognition import TrainedRecognizer, load_recognizer
from skelact.sequence import PoseSequence

TESTED = ("asl10_without2", "asl10_without1", "asl33_without1")
CLIPS, COUNTS = 40, (5, 10)


def signs(data: Path, fold: str) -> Iterator[PoseSequence]:
    """Clips of the person held out, without those of no sign."""
    one = FOLDS[fold]
    clips = read_npz(data / f"{one.file}.npz")
    names = {name.rpartition("=")[2] for name in one.classes.split(",") if not name.startswith(NOTHING)}
    mine = [k for k in np.flatnonzero(clips.groups == one.person) if clips.class_names[clips.labels[k]] in names]
    for k in np.random.default_rng(0).choice(mine, CLIPS, replace=False):
        clip = clips.clip(int(k))
        points, scores = clip.keypoints[:, 1:], clip.scores[:, 1:]
        frames = points.shape[1]
        boxes, times = np.zeros((1, frames, 4), np.float32), np.arange(frames) / FPS
        yield PoseSequence(points, scores, boxes, np.zeros(1, np.int64), times, clip.width, clip.height, FPS)


def plain_gradient(recognizer: TrainedRecognizer, inputs: torch.Tensor, column: int) -> np.ndarray:
    """The absolute gradient times the input, summed over all but keypoints: what is usually shown."""
    points = inputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(recognizer.model(points)[:, column].sum(), points)
    return (gradient * inputs).abs().sum(dim=(0, 1, 2, 4)).numpy()


def losses(recognizer: TrainedRecognizer, sequence: PoseSequence, random: np.random.Generator) -> Iterator[tuple]:
    """(ranking, count, first or last, loss by zeroing, loss by hiding) of one clip."""
    prepared = recognizer.clips(sequence, recognizer.preprocessing.test_clips)
    assert prepared is not None
    inputs, seen = torch.from_numpy(prepared[0]), np.flatnonzero(prepared[1])

    def zeroed(places: list[int]) -> np.ndarray:
        changed = inputs.clone()
        changed[:, :, :, places] = 0
        with torch.inference_mode():
            return (recognizer.model(changed) / recognizer.temperature).softmax(dim=1).mean(dim=0).numpy()

    wholebody = np.array(get_layout(recognizer.preprocessing.layout).wholebody)

    def hidden(places: list[int]) -> np.ndarray:
        scores = sequence.scores.copy()
        scores[:, :, wholebody[places]] = 0
        return recognizer.probabilities([replace(sequence, scores=scores)])[0]

    before = zeroed([])
    column = int(before.argmax())
    found = explain(Ensemble.of([recognizer]), sequence, recognizer.class_names[column])
    rankings = {
        "report": found.shares,
        "integrated gradients alone": found.gradients,
        "plain gradient": plain_gradient(recognizer, inputs, column),
        "random": random.random(len(wholebody)),
    }
    for name, values in rankings.items():
        order = seen[np.argsort(-values[seen], kind="stable")].tolist()
        for count in COUNTS:
            for which, places in (("first", order[:count]), ("last", order[-count:])):
                yield name, count, which, *(float(before[column] - f(places)[column]) for f in (zeroed, hidden))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    found: dict[tuple, list[tuple[float, float]]] = {}
    for fold in TESTED:
        recognizer = load_recognizer(options.models / f"{fold}.safetensors")
        for sequence in signs(options.data, fold):
            for *key, by_zero, by_hiding in losses(recognizer, sequence, random):
                found.setdefault(tuple(key), []).append((by_zero, by_hiding))
    rows = [[*key, len(values), *np.mean(values, axis=0).round(3).tolist()] for key, values in found.items()]
    header = ["ranking", "keypoints", "which", "clips", "lost by zeroing", "lost by hiding"]
    for row in [header, *rows]:
        print(*row, sep=", ")
    if options.csv:
        with options.csv.open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    main()
