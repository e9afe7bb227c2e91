"""What a recognizer predicts for labelled clips it was not trained on, in memory and as a file.

`skelact.training.metrics` makes figures of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelact.data.clips import ClipSet
from skelact.data.dataset import ClipDataset
from skelact.errors import InputError, SkelactError, UsageError
from skelact.formats.archive import read_arrays, write_arrays
from skelact.recognition import TrainedRecognizer, class_logits, mean_probabilities

VERSION = 1
# Field to the kinds of numpy types a file of predictions may hold it as, and its axes.
_FIELDS = {
    "version": ("iu", 0),
    "names": ("U", 1),
    "groups": ("U", 1),
    "labels": ("iu", 1),
    "probabilities": ("f", 2),
    "class_names": ("U", 1),
    "stream": ("U", 0),
}
_MAKER = "skelact test -o"
_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Evaluation:
    """Predictions for N labelled clips.

    Logits are kept beside the probabilities because only they allow another temperature: the mean of several
    softmaxes has no logits, and its logarithm divided by a temperature is not what a recognizer with that temperature
    gives. Fused predictions and those read from files have none.

    Attributes:
        names: (N,) str, unique.
        groups: (N,) str, the person (or camera, or place) of each clip.
        labels: (N,) int, an index into class_names.
        probabilities: (N, C) float64, the mean over test clips of the softmax.
        class_names: C of them.
        stream: of the recognizer, e.g. "j"; those of fused predictions with "+" between.
        source: what to call these predictions: the recognizer, or the file they were read from.
        logits: (N, K, C) float32 of the K test clips, before the temperature; or None.
        temperature: with which the logits became the probabilities.
    """

    names: np.ndarray
    groups: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    stream: str = ""
    source: str = "predictions"
    logits: np.ndarray | None = None
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check that these are predictions.

        Raises:
            InputError: they are not; says why.
        """
        n, c = len(self.names), len(self.class_names)
        for name, shape in {"names": (n,), "groups": (n,), "labels": (n,), "probabilities": (n, c)}.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"{self.source}: {name} is {getattr(self, name).shape}, not {shape}")
        if n == 0:
            raise InputError(f"{self.source}: there are no clips to test on")
        if c < 2:
            raise InputError(f"{self.source}: there is one class only, so there is nothing to tell apart")
        if len(set(self.class_names)) != c or len(set(self.names.tolist())) != n:
            raise InputError(f"{self.source}: names of clips or classes repeat, and must be unique")
        if self.labels.min() < 0 or self.labels.max() >= c:
            raise InputError(
                f"{self.source}: labels run from {self.labels.min()} to {self.labels.max()}, but there are {c} classes"
            )
        if not (np.isfinite(self.probabilities).all() and self.probabilities.min() >= 0):
            raise InputError(f"{self.source}: there are probabilities that are below 0 or not finite")
        if np.abs(self.probabilities.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
            raise InputError(f"{self.source}: these are no probabilities, as those of a clip do not add up to 1")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def predicted(self) -> np.ndarray:
        """(N,) the most probable class."""
        return self.probabilities.argmax(axis=1)

    @property
    def top1(self) -> float:
        """Share of clips whose most probable class is right."""
        return float((self.predicted == self.labels).mean())


def evaluate(
    recognizer: TrainedRecognizer,
    clips: ClipSet,
    device: str = "cpu",
    batch_size: int = 32,
    on_clip: Callable[[int, int], None] | None = None,
    workers: int = 0,
) -> Evaluation:
    """Predict every clip as the recognizer would, also those in which nobody was seen: they count as published.

    Args:
        recognizer: what to test.
        clips: in any order of classes; they are matched to the recognizer's by name.
        device: resolved.
        batch_size: inputs of the network at a time; every clip makes as many as the recognizer has test clips.
        on_clip: called with (done, all).
        workers: processes that prepare clips.

    Raises:
        InputError: there are no clips, or clips of classes that the recognizer does not know. Those are not left out
            silently, as the figures would be of other clips than were given.
        WeightsError: the network's output is not finite.
    """
    clips = _known(clips, recognizer)
    dataset = ClipDataset(clips, recognizer.preprocessing, training=False)
    test_clips = recognizer.preprocessing.test_clips
    model = recognizer.model.to(device).eval()
    logits = np.empty((len(clips), test_clips, len(clips.class_names)), dtype=np.float32)
    done = 0
    for batch in _batches(dataset, max(batch_size // test_clips, 1), workers):
        inputs = batch.reshape(-1, *batch.shape[2:])
        parts = [class_logits(model, inputs[k : k + batch_size], device) for k in range(0, len(inputs), batch_size)]
        logits[done : done + len(batch)] = np.concatenate(parts).reshape(*batch.shape[:2], -1)
        done += len(batch)
        if on_clip:
            on_clip(done, len(clips))
    return Evaluation(
        clips.names,
        clips.groups,
        clips.labels,
        mean_probabilities(logits, recognizer.temperature),
        clips.class_names,
        recognizer.preprocessing.stream,
        recognizer.name,
        logits,
        recognizer.temperature,
    )


def held_out(clips: ClipSet, split: str | None = None, groups: Sequence[str] = ()) -> ClipSet:
    """The clips to test on.

    Args:
        clips: all of them.
        split: a split ("xsub", of which the clips for testing are "xsub_val") or one of its parts.
        groups: whole groups, in place of a split; with neither, all clips, unless there are splits.

    Raises:
        UsageError: an unknown split or group, both at once, or no choice among the splits there are.
        InputError: the part has no clips.
    """
    if split and groups:
        raise UsageError("a split and groups cannot both be chosen: give one of them")
    if split:
        return clips.part(f"{split}_val" if f"{split}_val" in clips.splits else split)
    if groups:
        return clips.subset(clips.of_groups(groups))
    if clips.splits:
        raise UsageError(f"these clips are split: choose a part to test on among {', '.join(sorted(clips.splits))}")
    return clips


def _known(clips: ClipSet, recognizer: TrainedRecognizer) -> ClipSet:
    """The clips, labelled in the recognizer's order of classes."""
    if not len(clips):
        raise InputError("there are no clips to test on")
    there = [clips.class_names[k] for k in np.unique(clips.labels)]
    unknown = [name for name in there if name not in recognizer.class_names]
    if len(unknown) == len(there):
        raise InputError(
            f"{recognizer.name} knows none of the classes of these clips: it knows {_listed(recognizer.class_names)}, "
            f"and they are of {_listed(there)}"
        )
    if unknown:
        raise InputError(
            f"{recognizer.name} does not know {len(unknown)} of the {len(there)} classes of these clips "
            f"({_listed(unknown)}): choose the others with --classes, or rename these to what it calls them"
        )
    return clips.with_classes(recognizer.class_names)


def _listed(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _batches(dataset: ClipDataset, size: int, workers: int) -> Iterator[np.ndarray]:
    """Inputs (at most `size` samples, K, I, T, V, C), in order."""
    from torch.utils.data import DataLoader, Dataset

    class Inputs(Dataset):
        def __len__(self) -> int:
            return len(dataset)

        def __getitem__(self, k: int) -> np.ndarray | SkelactError:
            # An error raised in a worker would arrive with the worker's traceback for a message.
            try:
                return dataset[k][0]
            except SkelactError as error:
                return error

    for batch in DataLoader(Inputs(), size, num_workers=workers, collate_fn=list):
        for item in batch:
            if isinstance(item, SkelactError):
                raise item
        yield np.stack(batch)


def save_predictions(evaluation: Evaluation, path: Path, overwrite: bool = False) -> None:
    """Write predictions as an .npz without pickles, whole or not at all; logits are left out.

    Raises:
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    values = {name: getattr(evaluation, name) for name in _FIELDS if name != "version"}
    write_arrays({name: np.asarray(value) for name, value in {"version": VERSION, **values}.items()}, path, overwrite)


def load_predictions(path: Path) -> Evaluation:
    """The predictions in a file that `save_predictions` wrote.

    Raises:
        InputError: it is missing, damaged, of another kind, or holds what cannot be predictions.
    """
    arrays = _read(path)
    if arrays["version"] != VERSION:
        raise InputError(
            f"{str(path)!r} has version {arrays['version']}, and this skelact reads {VERSION}: test the recognizer "
            "again"
        )
    return Evaluation(
        arrays["names"],
        arrays["groups"],
        arrays["labels"].astype(np.int64),
        arrays["probabilities"].astype(np.float64),
        tuple(arrays["class_names"].tolist()),
        str(arrays["stream"]),
        str(path),
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    if not os.path.exists(path):
        raise InputError(f"there are no predictions at {str(path)!r}: write them with `{_MAKER}`")
    arrays, _ = read_arrays(path, _FIELDS, _MAKER)
    missing = [name for name in _FIELDS if name not in arrays]
    if missing:
        raise InputError(
            f"{str(path)!r} holds no predictions, as it lacks {', '.join(missing)}: give a file that `{_MAKER}` wrote"
        )
    for name, (kinds, axes) in _FIELDS.items():
        if arrays[name].dtype.kind not in kinds or arrays[name].ndim != axes:
            raise InputError(
                f"{str(path)!r} holds no predictions: {name} is {arrays[name].dtype} with {arrays[name].ndim} axes"
            )
    return arrays
