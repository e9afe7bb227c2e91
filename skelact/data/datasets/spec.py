"""What is known of a public data set: its classes and splits, and how a file name becomes a labelled sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePath

from skelact import models
from skelact.errors import InputError

_FACTS = Path(models.__file__).parent / "labels"


@dataclass(frozen=True)
class Sample:
    """One labelled sample of a data set.

    Attributes:
        name: unique in the data set.
        label: an index into its class names.
        group: the performer, or whatever else its splits keep together.
        parts: the parts of splits that it belongs to, e.g. ("xsub_train", "xview_val"); in a split that it belongs
            to neither part of, none.
        frames: the first of its frames in the video and the one after its last; None for the whole video.
    """

    name: str
    label: int
    group: str
    parts: tuple[str, ...]
    frames: tuple[int, int] | None = None


@dataclass(frozen=True)
class Video:
    """A video of a data set.

    Attributes:
        name: unique in the data set, also where several files hold it.
        samples: what it holds, mostly one; none where the owners have labelled nothing in it.
    """

    name: str
    samples: tuple[Sample, ...]


# A video's path inside the folder of videos, or a sample's name alone, to what it is; None for a name that is not
# of the data set.
Rule = Callable[[PurePath], Video | None]


@dataclass(frozen=True)
class DatasetSpec:
    """A public data set.

    Attributes:
        name: as on the command line.
        title: as its owners write it.
        labels: the file of its class names, without its ending.
        splits: their names, the default first; each has the parts NAME_train and NAME_val.
        rule_of: the folder of the owners' lists (None where there is none) to the rule of this data set.
        owner: the address of its owners' page, which tells how to get the videos.
        licence: one sentence.
        main_persons: how many persons of a video are kept at most.
        group_of: a sample's name to its group; "" for a name that does not tell it.
        lists: what the folder of the owners' lists has to hold, for an error message; empty where none is needed.
        videos: how many videos there are, where that is fixed.
        samples: how many samples remain of them, where that is fixed.
        excluded: the samples that the owners list as damaged and every published result leaves out.
        pyskl_parts: the names that PYSKL's pickles give to parts, where they differ, to the names here.
    """

    name: str
    title: str
    labels: str
    splits: tuple[str, ...]
    rule_of: Callable[[Path | None], Rule]
    owner: str
    licence: str
    main_persons: int
    group_of: Callable[[str], str]
    lists: str = ""
    videos: int | None = None
    samples: int | None = None
    excluded: Callable[[], frozenset[str]] = frozenset
    classes: int | None = None
    pyskl_parts: Mapping[str, str] = field(default_factory=dict)

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class, in the order of the labels."""
        return facts(self.labels)[: self.classes]

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of all splits, those of the default split first."""
        return tuple(f"{split}_{part}" for split in self.splits for part in ("train", "val"))

    def rule(self, lists: Path | None) -> Rule:
        """How a video's path becomes its samples.

        Args:
            lists: the folder with the owners' lists, for the data sets that have `lists`.

        Raises:
            InputError: they are needed and not there, or unreadable.
        """
        if self.lists and (lists is None or not lists.is_dir()):
            where = "no folder of them is given" if lists is None else f"there is no folder {str(lists)!r}"
            raise InputError(f"{self.title} needs its owners' lists and {where}: give one that holds {self.lists}")
        return self.rule_of(lists)


@cache
def facts(name: str) -> tuple[str, ...]:
    """The lines of a file of facts beside the networks: class names in the order of the labels, or sample names."""
    return tuple((_FACTS / f"{name}.txt").read_text(encoding="utf-8").splitlines())


def split_parts(**training: bool) -> tuple[str, ...]:
    """The parts of a sample: for each split, whether it belongs to the training part."""
    return tuple(f"{split}_{'train' if trains else 'val'}" for split, trains in training.items())


def read_list(file: Path) -> list[str]:
    """The lines of an owners' list that are not empty.

    Raises:
        InputError: it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the list {str(file)!r} ({error}): take it from the owners' archive") from None
    return [line.strip() for line in lines if line.strip()]


def find_lists(folder: Path, wanted: list[str]) -> dict[str, Path]:
    """The files of these names (lower case), wherever they are below a folder.

    Raises:
        InputError: one is not there.
    """
    there = {file.name.lower(): file for file in sorted(folder.rglob("*.txt"), reverse=True)}
    for name in wanted:
        if name not in there:
            raise InputError(f"the owners' list {name} is not in {str(folder)!r}: unpack their archive of splits there")
    return {name: there[name] for name in wanted}
