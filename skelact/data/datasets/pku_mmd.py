"""PKU-MMD, phase I (Liu et al. 2017): videos of minutes, cut into samples by its owners' label files.

The owners' archive holds, in folders of its own choosing:
- `Label/0002-L.txt`, one for each video: a line `label,start,end,confidence` for each action, the label from 1, start
  and end in frames (taken as counted from 0, the end not included; a frame's difference does not matter);
- `cross-subject.txt` and `cross-view.txt`: a line "Training videos:", names of videos between commas, a line
  "Validataion videos:" (so they spell it), names of videos.
The class names are those of the owners' `Actions.xlsx`.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath

from skelact.data.datasets.spec import DatasetSpec, Rule, Sample, Video, facts, find_lists, read_list
from skelact.errors import InputError

LISTS = {"xsub": "cross-subject.txt", "xview": "cross-view.txt"}
_VIDEO = re.compile(r"(\d{4})-([LMR])", re.IGNORECASE)
_COLOUR = re.compile(r"(\d{4}-[LMR])(?:[-_](?!ir|infrared|depth)\w+)?", re.IGNORECASE)


def read_split(file: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the training and of the validation videos.

    Raises:
        InputError: it is no such list.
    """
    names: dict[str, set[str]] = {"train": set(), "val": set()}
    part = None
    for line in read_list(file):
        heading = re.match(r"(train|val|test)\w*\s+videos", line, re.IGNORECASE)
        if heading:
            part = "train" if heading[1].lower() == "train" else "val"
        elif part:
            names[part].update(found[0].upper() for found in _VIDEO.finditer(line))
    if not names["train"] or not names["val"]:
        raise InputError(
            f"{str(file)!r} is no split of PKU-MMD: it must name videos such as 0002-L after 'Training videos:' and "
            "after 'Validation videos:'"
        )
    return frozenset(names["train"]), frozenset(names["val"])


def read_segments(file: Path) -> list[tuple[int, int, int]]:
    """The actions of a video: label (from 0), first frame, frame after the last; in order of time.

    Raises:
        InputError: it is no such file; says which line.
    """
    segments = []
    for number, line in enumerate(read_list(file), 1):
        try:
            label, start, end = (int(float(value)) for value in line.split(",")[:3])
        except (ValueError, OverflowError):
            raise InputError(f"{str(file)!r}, line {number}: {line[:60]!r} is no label,start,end,confidence") from None
        classes = len(facts("pku-mmd"))
        if not 1 <= label <= classes or not 0 <= start < end:
            raise InputError(
                f"{str(file)!r}, line {number}: label {label} from frame {start} to {end} cannot be, labels run from "
                f"1 to {classes} and an action ends after it starts: take the labels of phase I"
            )
        segments.append((label - 1, start, end))
    return sorted(segments, key=lambda segment: segment[1])


def _recording(name: str) -> str:
    """The number that the videos of the three cameras share."""
    found = _VIDEO.match(name)
    return found[1] if found else ""


def _rule(lists: Path | None) -> Rule:
    if lists is None:
        raise ValueError("PKU-MMD has no rule without its owners' lists")
    splits = {name: read_split(file) for name, file in zip(LISTS, _found(lists), strict=True)}
    files = _label_files(lists)

    def rule(path: PurePath) -> Video | None:
        found = _COLOUR.fullmatch(path.stem)
        if found is None or found[1].upper() not in files:
            return None
        name = found[1].upper()
        parts = tuple(
            f"{split}_{part}"
            for split, names in splits.items()
            for part, members in zip(("train", "val"), names, strict=True)
            if name in members
        )
        segments = read_segments(files[name])
        return Video(
            name,
            tuple(
                Sample(f"{name}_{k:03d}_A{label + 1:03d}", label, _recording(name), parts, (start, end))
                for k, (label, start, end) in enumerate(segments, 1)
            ),
        )

    return rule


def _found(lists: Path) -> list[Path]:
    return list(find_lists(lists, list(LISTS.values())).values())


def _label_files(lists: Path) -> dict[str, Path]:
    """Video to its label file; skeleton files have the same names and stand in folders without "label" in theirs."""
    named = [file for file in sorted(lists.rglob("*.txt")) if _VIDEO.fullmatch(file.stem)]
    labels = [file for file in named if "label" in file.parent.name.lower()] or named
    if not labels:
        raise InputError(
            f"no label files such as Label/0002-L.txt are in {str(lists)!r}: unpack the owners' labels there"
        )
    return {file.stem.upper(): file for file in labels}


PKU_MMD = DatasetSpec(
    name="pku-mmd",
    title="PKU-MMD phase I",
    labels="pku-mmd",
    splits=("xsub", "xview"),
    rule_of=_rule,
    owner="https://www.icst.pku.edu.cn/struct/Projects/PKUMMD.html",
    licence="PKU-MMD is for academic research only: ask its owners for any other use.",
    main_persons=2,
    group_of=_recording,
    lists="cross-subject.txt, cross-view.txt and the label files such as Label/0002-L.txt of the owners' archive",
    videos=1076,
)
