"""The rows of the accuracy table as data: what is trained, and on what it is tested."""

from __future__ import annotations

from dataclasses import dataclass

# Person 1 never signs "i", person 0 never signs the letters that person 1 does; "no sign" is "-".
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
    "shared": Task("asl33_words_letters", ((("1",), "0"), (("0",), "1"))),
}


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        table: which question it helps to answer.
        changes: to the recipe, as `skelact train --set` takes them.
        task: a key of TASKS.
        recipe: a name of skelact.training.settings.RECIPES.
        persons: compose clips of so many persons, of whom one signs, for training; 0 leaves clips as they are.
        test_persons: the same for the tests, each a figure of its own.
    """

    table: str
    changes: tuple[str, ...] = ()
    task: str = "asl10"
    recipe: str = "signs"
    persons: int = 0
    test_persons: tuple[int, ...] = ()


# A smaller network and fewer epochs than the recipe's, so that the whole grid is affordable on two CPU cores. Rows of a
# table differ in nothing but what it asks.
SMALL = ("width=0.25", "epochs=8", "test_clips=1")
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


def _rows() -> dict[str, Row]:
    rows = {}
    for blocks in BACKBONES:
        for layout, number in LAYOUTS.items():
            for kind in ("", "skelet-"):
                changes = (*SMALL, f"model={kind}{blocks}", f"layout={layout}")
                rows[f"{kind}{blocks}-{number}"] = Row("networks and keypoints", changes)
    for count in range(3):
        rows[f"transformations-{count}"] = Row("transformations", (*SMALL, f"transformations={count}"))
    for stream in ("j", "b", "jm", "bm"):
        rows[f"stream-{stream}"] = Row("streams", (*SMALL, f"stream={stream}"))
    for effect, fields in EFFECTS.items():
        rows[f"without-{effect}"] = Row("augmentation", (*SMALL, *_without(*fields)))
    every = [field for fields in EFFECTS.values() for field in fields]
    rows["without-augmentation"] = Row("augmentation", (*SMALL, *_without(*every)))
    rows["by-image"] = Row("normalisation", (*SMALL, "normalize=image"))
    rows["by-person"] = Row("normalisation", SMALL)
    for name, pooling in (("pooled", "true"), ("one-by-one", "false")):
        changes = (*SMALL, f"instance_pooling={pooling}", "max_instances=10")
        rows[f"instances-{name}"] = Row("instances", changes, persons=2, test_persons=(1, 2, 5, 10))
    for task in TASKS:
        rows[f"best-{task}"] = Row("best single model", task=task)
    return rows


ROWS = _rows()
