"""How well segments are found: python -m benchmarks.segments DATA --models FOLDER [--fold NAME] [--csv FILE].

Untrimmed sequences are composed of clips of a person whom the network has not seen in training: signs in random order,
with that person's clips of "no sign" between them, each clip without its first frame as in all of this project. The
rate of the data was not recorded; `FPS` is assumed. The product's own path predicts them (`skelact.Predictor`).

Networks that are absent from the folder of models are trained first (3 to 15 minutes each on one core).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.segment_figures import Told, average_precision, f1, labels
from skelact.data.clips import ClipSet
from skelact.data.npz import read_npz
from skelact.ensemble import Ensemble
from skelact.predictor import Predictor
from skelact.recognition import TrainedRecognizer, load_recognizer
from skelact.recognizers import find_recognizer
from skelact.results import Prediction
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings, PredictSettings

FPS = 15.0
SIGNS, SEQUENCES = 12, 20
NOTHING = "no sign"
BLEND = 4  # frames drawn straight between two clips, in the blended variant
WORDS = "a,can,coffee,get,hello,large,medium,muffin,no,please,small,tea,thank-you,water"


@dataclass(frozen=True)
class Fold:
    """A person held out.

    Attributes:
        file: of the data, without .npz.
        person: held out.
        classes: as `skelact train --classes` takes them.
        left_out: persons who are neither trained on nor tested, beside the one held out.
    """

    file: str
    person: str
    classes: str
    left_out: tuple[str, ...] = ()


TEN = f"{NOTHING}=-,coffee,hello,large,medium,no,small,tea,thank-you,yes"
FOLDS = {
    **{f"asl10_without{person}": Fold("asl10_words", str(person), TEN) for person in (2, 1, 0)},
    **{f"asl33_without{p}": Fold("asl33_words_letters", str(p), f"{NOTHING}=-,{WORDS}", ("2",)) for p in (1, 0)},
}


@dataclass(frozen=True)
class Truth:
    """A composed sequence and what is in it.

    Attributes:
        sequence: one person.
        segments: (start, end, action) of the signs, seconds.
    """

    sequence: PoseSequence
    segments: list[tuple[float, float, str]]


def compose(data: Path, fold: Fold, blend: int = 0, sequences: int = SEQUENCES) -> Iterator[Truth]:
    """Sequences of the person held out; the same ones every time."""
    clips = read_npz(data / f"{fold.file}.npz")
    wanted = {name.partition("=")[2] or name: name.partition("=")[0] for name in fold.classes.split(",")}
    mine = [k for k in np.flatnonzero(clips.groups == fold.person) if clips.class_names[clips.labels[k]] in wanted]
    named = [(k, wanted[clips.class_names[clips.labels[k]]]) for k in mine]
    signs = [(k, name) for k, name in named if name != NOTHING]
    pauses = [(k, name) for k, name in named if name == NOTHING]
    for seed in range(sequences):
        random = np.random.default_rng(seed)
        chosen = [signs[k] for k in random.choice(len(signs), min(SIGNS, len(signs)), replace=False)]
        between = [pauses[k] for k in random.choice(len(pauses), len(chosen) + 1)]
        order = [part for pair in zip(between, chosen, strict=False) for part in pair] + [between[-1]]
        yield _join(clips, order, blend)


def _join(clips: ClipSet, order: Sequence[tuple[int, str]], blend: int) -> Truth:
    points: list[np.ndarray] = []
    scores: list[np.ndarray] = []
    segments = []
    frames = 0
    for k, name in order:
        clip = clips.clip(int(k))
        xy, seen = clip.keypoints[:, 1:], clip.scores[:, 1:]
        if blend and points:
            share = (np.arange(1, blend + 1) / (blend + 1))[None, :, None, None]
            points.append((points[-1][:, -1:] * (1 - share) + xy[:, :1] * share).astype(np.float32))
            scores.append(np.repeat(np.minimum(scores[-1][:, -1:], seen[:, :1]), blend, axis=1))
            frames += blend
        if name != NOTHING:
            segments.append((frames / FPS, (frames + xy.shape[1]) / FPS, name))
        points.append(xy)
        scores.append(seen)
        frames += xy.shape[1]
    keypoints, seen = np.concatenate(points, axis=1), np.concatenate(scores, axis=1)
    boxes = np.concatenate([keypoints.min(axis=2), keypoints.max(axis=2)], axis=-1)
    sequence = PoseSequence(
        keypoints,
        seen,
        boxes,
        track_ids=np.zeros(1, np.int64),
        timestamps=np.arange(frames) / FPS,
        width=int(clip.width),
        height=int(clip.height),
        fps=FPS,
    )
    return Truth(sequence, segments)


def told(prediction: Prediction) -> list[tuple[float, float, str, float]]:
    return [(one.start, one.end, one.action, one.probability) for one in prediction.segments]


def told_with_edges(truth: Truth, recognizer: TrainedRecognizer) -> list[Told]:
    """What the recognizer names each true segment, and each pause, looked at as one clip: no edges are to be found."""
    cuts = [0, *(round(time * FPS) for segment in truth.segments for time in segment[:2]), truth.sequence.num_frames]
    parts = [(start, stop) for start, stop in pairwise(cuts) if start < stop]
    rows = recognizer.probabilities([truth.sequence.frames(start, stop) for start, stop in parts])
    names = [recognizer.class_names[k] for k in rows.argmax(axis=1)]
    return [
        (start / FPS, stop / FPS, name) for (start, stop), name in zip(parts, names, strict=True) if name != NOTHING
    ]


def measure(truths: Sequence[Truth], recognizer: TrainedRecognizer, settings: PredictSettings) -> dict[str, float]:
    """Figures of one fold."""
    predictor = Predictor(settings, ExtractSettings(device="cpu"), recognizer=Ensemble.of([recognizer]))
    found = [told(predictor.predict(truth.sequence)) for truth in truths]
    frames = [
        labels(truth.segments, times, NOTHING) == labels([one[:3] for one in segments], times, NOTHING)
        for truth, segments in zip(truths, found, strict=True)
        for times in [truth.sequence.timestamps]
    ]
    plain = [[one[:3] for one in segments] for segments in found]
    true = [truth.segments for truth in truths]
    return {
        "sequences": len(truths),
        "signs": sum(map(len, true)),
        "told": sum(map(len, plain)),
        "frame accuracy": float(np.concatenate(frames).mean()),
        **{f"F1@{least}": f1(true, plain, least) for least in (0.1, 0.25, 0.5)},
        "mAP@0.5": average_precision(true, found, 0.5),
        "F1 with true edges": f1(true, [told_with_edges(truth, recognizer) for truth in truths], 0.5),
    }


def as_bundled(
    recognizer: TrainedRecognizer, truths: Sequence[Truth], temperature: float | None = None
) -> TrainedRecognizer:
    """The recognizer with temperature and threshold of asl-words, and the length of the clips it was trained on."""
    bundled = find_recognizer("asl-words", offline=True)
    start, end, _ = truths[0].segments[0]
    return replace(
        recognizer,
        temperature=temperature or bundled.temperature,
        threshold=bundled.threshold,
        clip_seconds=end - start,
        no_action=NOTHING,
    )


def train(fold: str, data: Path, output: Path) -> None:
    """Train the network of a fold, as asl-words was trained, without the person held out."""
    from skelact.cli import main as skelact

    one = FOLDS[fold]
    held_out = [word for person in (one.person, *one.left_out) for word in ("--test-group", person)]
    command = ["train", "--recipe", "signs", "--dataset", str(data / f"{one.file}.npz"), "--classes", one.classes]
    command += [*held_out, "--skip-frames", "1", "--set", f"no_action={NOTHING}", "--set", "transitions=0.1"]
    try:
        skelact([*command, "--device", "cpu", "-o", str(output)])
    except SystemExit as stopped:
        if stopped.code:
            raise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--fold", action="append", choices=list(FOLDS))
    parser.add_argument("--blend", type=int, default=0, help=f"frames between clips, e.g. {BLEND}")
    parser.add_argument("--window", type=float)
    parser.add_argument("--stride", type=float)
    parser.add_argument("--threshold", type=float, help="in place of that of asl-words")
    parser.add_argument("--temperature", type=float, help="in place of that of asl-words")
    parser.add_argument("--csv", type=Path, help="add rows to this table")
    options = parser.parse_args()
    settings = PredictSettings(window=options.window, stride=options.stride, threshold=options.threshold)
    rows = []
    for fold in options.fold or FOLDS:
        file = options.models / f"{fold}.safetensors"
        if not file.exists():
            train(fold, options.data, file)
        truths = list(compose(options.data, FOLDS[fold], options.blend))
        figures = measure(truths, as_bundled(load_recognizer(file), truths, options.temperature), settings)
        rows.append({"fold": fold, "blend": options.blend, **{k: round(v, 4) for k, v in figures.items()}})
        print(rows[-1], flush=True)
    if options.csv:
        new = not options.csv.exists()
        with options.csv.open("a", newline="") as file_:
            writer = csv.DictWriter(file_, rows[0])
            if new:
                writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
