"""The rows of the accuracy table as data: what is trained, and on what it is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What persons 0 and 1 both sign; they share no letter but "a".
WORDS = (
    "-", "a", "can", "coffee", "get", "hello", "large", "medium", "muffin", "no", "please", "small", "tea",
    "thank-you", "water",
)  # fmt: skip


@dataclass(frozen=True)
class Task:
    """Clips and the folds they are tested in.

    Attributes:
        file: without .npz.
        folds: persons trained on, and the person tested on.
        classes: only these; empty for all that every person of the folds has.
    """

    file: str
    folds: tuple[tuple[tuple[str, ...], str], ...]
    classes: tuple[str, ...] = ()


TASKS = {
    "asl10": Task("asl10_words", ((("1", "2"), "0"), (("0", "2"), "1"), (("0", "1"), "2"))),
    "words": Task("asl33_words_letters", ((("1",), "0"), (("0",), "1")), WORDS),
}


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        table: which question it helps to answer.
        changes: to the recipe, as `skelact train --set` takes them.
        task: a key of TASKS.
        recipe: a name of skelact.training.settings.RECIPES.
        test_on: only the folds that test these persons; empty for all.
        persons: compose clips of so many persons, of whom one signs, for training; 0 leaves clips as they are.
        test_persons: the same for the tests, each a figure of its own.
    """

    table: str
    changes: tuple[str, ...] = ()
    task: str = "asl10"
    recipe: str = "signs"
    test_on: tuple[str, ...] = ()
    persons: int = 0
    test_persons: tuple[int, ...] = ()


# A smaller network, half of the frames and fewer epochs than the recipe's, and two of the three folds, so that the
# whole grid is affordable on two CPU cores. Rows of a table differ in nothing but what it asks; BASE is in all of them.
SMALL = ("channels=16,32,64", "clip_len=8", "batch_size=8", "epochs=6", "test_clips=1", "augment.crop=0.5")
# One of person 0's ten signs is recorded under the wrong name, which nothing can get right: see docs/accuracy.md.
FOLDS = ("1", "2")
BASE = "skelet-stgcnpp-65"
BACKBONES = ("stgcnpp", "dgstgcn", "ctrgcn")
LAYOUTS = {"coco17": "17", "expressive65": "65", "wholebody133": "133"}
EFFECTS = {
    "mirror": ("mirror",),
    "camera": ("rotation", "scale", "shear"),
    "limbs": ("hand_scale", "limb_shift"),
    "time": ("crop", "speed"),
    "loss": ("keypoint_dropout", "hand_dropout"),
    "jitter": ("jitter",),
}


def _without(*fields: str) -> tuple[str, ...]:
    return tuple(f"augment.{field}=0" for field in fields)


def _small(table: str, *changes: str, **options: Any) -> Row:
    return Row(table, (*SMALL, "model=skelet-stgcnpp", *changes), test_on=FOLDS, **options)


def _rows() -> dict[str, Row]:
    rows = {}
    for blocks in BACKBONES:
        for layout, number in LAYOUTS.items():
            for kind in ("", "skelet-"):
                model = f"{kind}{blocks}"
                rows[f"{model}-{number}"] = _small("networks and keypoints", f"model={model}", f"layout={layout}")
    for model in ("skelet-stgcnpp", "stgcnpp"):
        for name, norm in (("published-start", "false"), ("published-start-normalised-head", "true")):
            rows[f"{model}-{name}"] = _small(
                "start",
                f"model={model}",
                "layout=expressive65",
                "zero_init_residual=false",
                f"normalize_features={norm}",
            )
    for count in (0, 1):
        rows[f"transformations-{count}"] = _small("transformations", f"transformations={count}")
    for name, pooling in (("pooled", "true"), ("one-by-one", "false")):
        rows[f"instances-{name}"] = _small(
            "instances",
            f"instance_pooling={pooling}",
            "max_instances=2",
            persons=2,
            test_persons=(1, 2, 5, 10),
        )
    for stream in ("b", "jm", "bm"):
        rows[f"stream-{stream}"] = _small("streams", f"stream={stream}")
    rows["by-image"] = _small("normalisation", "normalize=image")
    for effect, fields in EFFECTS.items():
        rows[f"without-{effect}"] = _small("augmentation", *_without(*fields))
    every = [field for fields in EFFECTS.values() for field in fields]
    rows["without-augmentation"] = _small("augmentation", *_without(*every))
    for task in TASKS:
        rows[f"best-{task}"] = Row("best single model", task=task)
    made_up = ("no_action=-", "transitions=0.1")
    rows["transitions-words"] = Row("best single model", made_up, task="words", test_on=("0",))
    return rows


ROWS = _rows()
