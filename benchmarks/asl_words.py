"""Accuracy of asl-words' recipe on people not seen in training.

Run: python benchmarks/asl_words.py DATA ROW, where DATA is the folder of asl10_words.npz and asl33_words_letters.npz
and ROW a key of ROWS. Prints one line of JSON; `asl_words.csv` beside this file keeps the results. Every network is
that of the last epoch: nothing is chosen on the person it is tested on.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelact.data.dataset import load_clips
from skelact.devices import resolve_device
from skelact.training.evaluate import evaluate
from skelact.training.train import SIGN_PREPROCESSING, TrainSettings, train

# Person 1 never signs "i", person 0 never signs the letters that person 1 does.
SHARED = (
    "-", "a", "can", "coffee", "get", "hello", "large", "medium", "muffin", "no", "please", "small", "tea",
    "thank-you", "water",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Train on some persons of a file, test on another."""

    file: str
    train_on: tuple[int, ...]
    test_on: int
    epochs: int
    classes: tuple[str, ...] = ()


ROWS = {
    "asl10-person0": Row("asl10_words", (1, 2), 0, 14),
    "asl10-person1": Row("asl10_words", (0, 2), 1, 14),
    "asl10-person2": Row("asl10_words", (0, 1), 2, 14),
    "asl33-1-to-0": Row("asl33_words_letters", (1,), 0, 7, SHARED),
    "asl33-0-to-1": Row("asl33_words_letters", (0,), 1, 3, SHARED),
}


def main() -> None:
    """Train and test one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("row", choices=ROWS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    row = ROWS[arguments.row]
    clips = load_clips(arguments.data / f"{row.file}.npz").skip_frames(1)
    if row.classes:
        clips = clips.with_classes(row.classes)
    device = resolve_device("auto")
    start = time.perf_counter()
    settings = TrainSettings(epochs=row.epochs, seed=arguments.seed)
    recognizer = train(clips.subset(np.isin(clips.groups, row.train_on)), settings, SIGN_PREPROCESSING, device)
    seconds = time.perf_counter() - start
    figures = evaluate(recognizer, clips.subset(clips.groups == row.test_on), device).to_dict()
    told = {"row": arguments.row, "seed": arguments.seed, "device": device, "training_seconds": round(seconds)}
    print(json.dumps(told | figures))


if __name__ == "__main__":
    main()
