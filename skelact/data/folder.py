"""A folder of one's own videos, or sequences of them, one subfolder a class: FOLDER/<label>/<clip>."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from skelact.batch.inputs import is_video
from skelact.data.clips import Clip, ClipSet
from skelact.errors import InputError, SkelactError, UsageError
from skelact.sequence import PoseSequence

GROUPS_FILE = "groups.csv"
_PREFIX = re.compile(r"[^_\-. ]+(?=[_\-. ])")


@dataclass(frozen=True)
class FolderClip:
    """A file of the folder.

    Attributes:
        path: the video, or an .npz sequence.
        label: the subfolder's name.
        name: label/stem, unique.
        group: whom or what it belongs to.
    """

    path: Path
    label: str
    name: str
    group: str


@dataclass(frozen=True)
class Folder:
    """What is in such a folder.

    Attributes:
        clips: sorted by name.
        class_names: the subfolders, sorted.
        grouped_by: in words, how the groups were found; None where every clip is a group of its own.
    """

    clips: tuple[FolderClip, ...]
    class_names: tuple[str, ...]
    grouped_by: str | None


def scan_folder(folder: Path) -> Folder:
    """The clips of FOLDER/<label>/*, and the groups (persons, places, ...) they belong to.

    Groups come from FOLDER/groups.csv (columns file and group; the file is <label>/<name> with or without its
    ending) where there is one; else from the beginning of the file names up to the first "_", "-", "." or space, where
    that beginning recurs and at least one recurs in several classes, as persons do; else each clip is its own group.

    Raises:
        InputError: no subfolders with clips, two files of one name, or a groups.csv that does not fit.
    """
    if not folder.is_dir():
        raise InputError(f"no folder at {str(folder)!r}")
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*/*")):
        if path.name.startswith(".") or not (is_video(path.name) or path.suffix.lower() == ".npz"):
            continue
        name = f"{path.parent.name}/{path.stem}"
        if name in found:
            raise InputError(f"{found[name]} and {path} have the same name: rename one")
        found[name] = path
    if not found:
        raise InputError(
            f"no clips in {str(folder)!r}: put them into one subfolder a class, as {folder}/wave/anna_1.mp4"
        )
    groups, grouped_by = _groups(folder, list(found))
    clips = tuple(FolderClip(path, path.parent.name, name, groups[name]) for name, path in found.items())
    return Folder(clips, tuple(sorted({clip.label for clip in clips})), grouped_by)


def _groups(folder: Path, names: list[str]) -> tuple[dict[str, str], str | None]:
    if (folder / GROUPS_FILE).is_file():
        return _groups_from_file(folder / GROUPS_FILE, names), f"by {GROUPS_FILE}"
    prefixes = {name: _PREFIX.match(name.partition("/")[2]) for name in names}
    if all(prefixes.values()):
        groups = {name: prefix[0] for name, prefix in prefixes.items() if prefix}
        labels = defaultdict(set)
        for name, group in groups.items():
            labels[group].add(name.partition("/")[0])
        if 2 <= len(labels) < len(names) and any(len(classes) > 1 for classes in labels.values()):
            return groups, "by the beginning of the file names"
    return {name: name for name in names}, None


def _groups_from_file(file: Path, names: list[str]) -> dict[str, str]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {file}: {error}") from error
    if not rows or not {"file", "group"} <= rows[0].keys():
        raise InputError(f"{file} needs a first line with the columns file and group, and a line for each clip")
    groups = {}
    for number, row in enumerate(rows, start=2):
        if not row["file"] or not row["group"]:
            raise InputError(f"{file}, line {number}: the file or its group is missing")
        path = Path(row["file"].strip())
        groups[f"{path.parent.name}/{path.stem}" if f"{path.parent.name}/{path.stem}" in names else str(path)] = row[
            "group"
        ].strip()
    lacking = [name for name in names if name not in groups]
    if lacking:
        raise InputError(
            f"{file} names no group for {lacking[0]}" + (f" and {len(lacking) - 1} more" * (len(lacking) > 1))
        )
    return groups


def load_folder(
    folder: Folder,
    sequence_of: Callable[[FolderClip], PoseSequence],
    layout: str,
    warn: Callable[[str], None],
) -> ClipSet:
    """The clips of a folder with their keypoints.

    Args:
        folder: see `scan_folder`.
        sequence_of: the keypoints of a clip; those for which it raises a SkelactError are left out with a warning.
        layout: to keep.
        warn: called with one sentence.

    Raises:
        InputError: a class is left without clips.
    """
    clips, seconds = [], []
    for entry in folder.clips:
        try:
            sequence = sequence_of(entry).to_layout(layout)
            clips.append(clip_of(sequence, folder.class_names.index(entry.label), entry))
            seconds.append(sequence.num_frames / sequence.fps)
        except SkelactError as error:
            warn(f"{entry.name} is left out: {error}")
    empty = sorted(set(folder.class_names) - {folder.class_names[clip.label] for clip in clips})
    if empty:
        raise InputError(f"no usable clip of class {empty[0]}: add clips, or take the subfolder away")
    found = ClipSet.from_clips(clips, folder.class_names, layout)
    return replace(found, clip_seconds=float(np.median(seconds)))


def clip_of(sequence: PoseSequence, label: int, entry: FolderClip) -> Clip:
    """A sequence with its label.

    Raises:
        InputError: nobody was seen in it.
    """
    if not sequence.present.any():
        raise InputError("nobody was seen")
    return Clip(sequence.keypoints, sequence.scores, sequence.width, sequence.height, label, entry.name, entry.group)


def choose_test_groups(clips: ClipSet, share: float = 0.25, seed: int = 0) -> list[str]:
    """Whole groups to test on, together about a share of the clips, such that every class remains in training.

    Args:
        clips: to split.
        share: of the clips to hold out.
        seed: of the order in which groups are tried.

    Raises:
        UsageError: no group can be held out, because each is alone in some class.
    """
    groups = sorted(set(clips.groups.tolist()))
    order: Sequence[str] = [groups[k] for k in np.random.default_rng(seed).permutation(len(groups))]
    classes = set(clips.labels.tolist())
    chosen: list[str] = []
    for group in order:
        held_out = np.isin(clips.groups, [*chosen, group])
        # The first group that fits is taken whatever its size: something has to be tested on.
        small_enough = held_out.mean() <= share or not chosen
        if small_enough and set(clips.labels[~held_out].tolist()) == classes:
            chosen.append(group)
    if not chosen:
        raise UsageError(
            "no group can be held out, because each is alone in some class: name more groups in groups.csv, "
            "or give --test-group"
        )
    return sorted(chosen)
