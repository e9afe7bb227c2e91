"""Splits, training and testing as one: what `skelact train` does once the clips are there."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skelact.data.clips import ClipSet
from skelact.ensemble import PUBLISHED_WEIGHTS
from skelact.errors import InputError, UsageError
from skelact.models.preprocessing import STREAMS
from skelact.recognition import TrainedRecognizer, save_recognizer
from skelact.training.checkpoint import SETTINGS
from skelact.training.distributed import is_main_process
from skelact.training.evaluate import Evaluation, evaluate
from skelact.training.fuse import fuse
from skelact.training.metrics import figures
from skelact.training.settings import TrainSettings
from skelact.training.train import train

# Below about so many steps the weights have not settled, however small the set.
LEAST_STEPS = 400
OnStep = Callable[[int, int, float], None]
OnClip = Callable[[int, int], None]


@dataclass(frozen=True)
class Parts:
    """What to train on, to choose the best epoch on, and to test on."""

    training: ClipSet
    validation: ClipSet | None
    test: ClipSet | None


def split_by_name(clips: ClipSet, split: str) -> Parts:
    """The two parts of a split, "xsub_train" and "xsub_val" for "xsub".

    As published, the best epoch is chosen on the part that is tested on (PYSKL; Yang et al. 2024, section 4).

    Raises:
        UsageError: there is no such split; tells those there are.
        InputError: a part is empty, or a clip is in both.
    """
    splits = sorted({name.rpartition("_")[0] for name in clips.splits})
    if split not in splits:
        raise UsageError(f"there is no split {split!r}: there are {', '.join(splits) or 'none'}")
    train, val = f"{split}_train", f"{split}_val"
    training, test = clips.part(train), clips.part(val)
    both = set(training.names.tolist()) & set(test.names.tolist())
    if both:
        raise InputError(
            f"split {split} has {len(both)} clips on both sides, e.g. {min(both)}: it would test what it trained"
        )
    return Parts(training, test, test)


def split_by_group(clips: ClipSet, test_groups: Sequence[str] = (), val_groups: Sequence[str] = ()) -> Parts:
    """Whole groups held out for testing and for choosing the best epoch; all others train.

    Raises:
        UsageError: an unknown group, or one that is in both.
        InputError: nothing is left to train on.
    """
    both = set(test_groups) & set(val_groups)
    if both:
        raise UsageError(f"group {min(both)} cannot both choose the best epoch and be tested on")
    test, val = clips.of_groups(test_groups), clips.of_groups(val_groups)
    if (test | val).all():
        raise InputError("all groups are held out: nothing is left to train on")
    return Parts(
        clips.subset(~(test | val)),
        clips.subset(val) if val_groups else None,
        clips.subset(test) if test_groups else None,
    )


def with_enough_steps(settings: TrainSettings, clips: int) -> TrainSettings:
    """The settings with more passes an epoch where a set is so small that training would end before it settles."""
    steps = settings.epochs * settings.repeat * max(clips // settings.batch_size, 1)
    return (
        replace(settings, repeat=settings.repeat * math.ceil(LEAST_STEPS / steps)) if steps < LEAST_STEPS else settings
    )


@dataclass(frozen=True)
class Outcome:
    """What came of training.

    Attributes:
        outputs: stream to the file of its recognizer.
        training: stream to the record of its training.
        tests: stream to its test, where there was one; with "fused" for all streams together.
    """

    outputs: dict[str, Path]
    training: dict[str, dict[str, Any]]
    tests: dict[str, Evaluation]

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values, as printed by `--json`."""
        return {
            "outputs": {stream: str(path) for stream, path in self.outputs.items()},
            "training": self.training,
            "tests": {stream: figures(evaluation).to_dict() for stream, evaluation in self.tests.items()},
        }


def run(
    parts: Parts,
    settings: TrainSettings,
    output: Path,
    *,
    streams: Sequence[str] | None = None,
    device: str = "cpu",
    resume: bool = False,
    overwrite: bool = False,
    init: TrainedRecognizer | None = None,
    on_step: OnStep | None = None,
    on_clip: OnClip | None = None,
) -> Outcome:
    """Train a recognizer for each stream, save it, and test it on what was held out.

    Under torchrun, the main process alone saves and tests.

    Args:
        parts: of the clips.
        settings: of every run, apart from the stream.
        output: the .safetensors to write; with several streams their names are added. Beside each, in a folder
            with the ending .run, are its settings, log and checkpoints.
        streams: None for that of the settings alone.
        device: resolved.
        resume: go on from the last checkpoint of each stream.
        overwrite: replace runs that are there, unless they are resumed.
        init: what to fine-tune.
        on_step, on_clip: told of the progress of training and testing.

    Raises:
        SkelactError: see `skelact.training.train.train`.
    """
    outputs, training, tests = {}, {}, {}
    for stream in streams or [settings.stream]:
        target = output if not streams else output.with_name(f"{output.stem}-{stream}{output.suffix}")
        run_dir = target.with_suffix(".run")
        if overwrite and not resume and is_main_process() and (run_dir / SETTINGS).is_file():
            shutil.rmtree(run_dir)
        recognizer = train(
            parts.training,
            replace(settings, stream=stream),
            validation=parts.validation,
            device=device,
            name=target.stem,
            run_dir=run_dir,
            resume=resume,
            init=init,
            on_step=on_step,
        )
        outputs[stream], training[stream] = target, recognizer.training
        if not is_main_process():
            continue
        save_recognizer(recognizer, target)
        if parts.test is not None:
            tests[stream] = evaluate(recognizer, parts.test, device, on_clip=on_clip)
    if len(tests) > 1:
        tests["fused"] = fuse(list(tests.values()), PUBLISHED_WEIGHTS[tuple(tests)])
    return Outcome(outputs, training, tests)


def parse_streams(text: str) -> list[str] | None:
    """The streams of "all" (in the published order); None for a single one, which the settings then hold.

    Raises:
        UsageError: an unknown stream.
    """
    if text == "all":
        return list(STREAMS)
    if text not in STREAMS:
        raise UsageError(f"unknown stream {text!r}: choose one of {', '.join(STREAMS)} or all")
    return None


def cross_validate(
    clips: ClipSet,
    settings: TrainSettings,
    *,
    device: str = "cpu",
    init: TrainedRecognizer | None = None,
    on_step: OnStep | None = None,
    on_clip: OnClip | None = None,
) -> Iterator[tuple[str, Evaluation]]:
    """Leave one group out: for every group, train on the others and test on it.

    The network of the last epoch is tested, so that nothing is chosen on the group. Classes that only the group
    has cannot be learned from the others and are left out of its test.

    Yields:
        The group and its test, as each is done.

    Raises:
        UsageError: there is only one group.
        InputError: the other groups of some group do not have two classes.
    """
    groups = sorted(set(clips.groups.tolist()))
    if len(groups) < 2:
        raise UsageError(f"cross-validation needs clips of at least two groups: there is only {groups[0]}")
    for group in groups:
        held_out = clips.of_groups([group])
        training = clips.subset(~held_out)
        known = np.isin(clips.labels, training.labels)
        classes = tuple(clips.class_names[k] for k in np.unique(training.labels))
        recognizer = train(
            training.with_classes(classes), settings, device=device, name=f"without-{group}", init=init, on_step=on_step
        )
        if not (held_out & known).any():
            raise InputError(f"group {group} has no class in common with the others: it cannot be tested")
        yield group, evaluate(recognizer, clips.subset(held_out & known), device, on_clip=on_clip)
