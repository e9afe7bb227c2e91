"""Which videos a command line names, and where the keypoints of each go."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from skelact.errors import InputError, UsageError

VIDEO_ENDINGS = (".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
LIST_ENDING = ".txt"
OUTPUT_ENDING = ".npz"


@dataclass(frozen=True)
class Item:
    """A video and the file for its keypoints.

    Attributes:
        source: the video.
        output: the .npz.
        fault: why it cannot even be tried, in a sentence; "" if it can.
    """

    source: Path
    output: Path
    fault: str = ""


@dataclass(frozen=True)
class _Named:
    """What one argument names: the folder that its tree begins in, files, and what could not be looked into."""

    root: str
    files: list[str]
    faults: dict[str, str] = field(default_factory=dict)


def is_video(name: str) -> bool:
    """Whether a file is to be taken from a folder of videos: by its ending, and not where it is hidden."""
    return not PurePath(name).name.startswith(".") and PurePath(name).suffix.lower() in VIDEO_ENDINGS


def names_one_video(argument: str) -> bool:
    """Whether an argument is neither a folder nor a pattern nor a list."""
    return not (os.path.isdir(argument) or _is_pattern(argument) or _is_list(argument))


def expand(arguments: Sequence[str], folder: Path, whole: Collection[str] = ()) -> list[Item]:
    """The videos that arguments name, each once, in the same order whatever that of the arguments.

    An argument is a video, a folder (all videos in it and its subfolders, by their endings; no hidden ones), a
    pattern (`*`, `?`, `[...]`, and `**` for any subfolders) or a list (.txt: one path a line, relative to the list's
    folder; empty lines and those that start with # are skipped). Videos that are named, not found, need not be there:
    they fail when it is their turn.

    Args:
        arguments: as on a command line.
        folder: where outputs go. They mirror the tree below the folder, the fixed part of the pattern, the folder of
            the list or the video; of several arguments, below what these have in common. clip.mp4 becomes clip.npz,
            but where that would meet another's, clip.mp4.npz.
        whole: the folders among the arguments that are one video each, of pictures.

    Raises:
        InputError: a folder or pattern without videos, an empty or unreadable list.
    """
    named = [_one(argument) if argument in whole else _named(argument) for argument in arguments]
    root = os.path.commonpath([one.root for one in named])
    files: dict[str, str] = {}
    faults: dict[str, str] = {}
    for one in named:
        for file in one.files:
            files.setdefault(os.path.abspath(file), file)
        for place, fault in one.faults.items():
            faults.setdefault(os.path.abspath(place), fault)
    ordered = sorted((os.path.relpath(path, root) for path in files), key=lambda name: PurePath(name).parts)
    items = [
        Item(Path(files[os.path.join(root, name)]), folder / output)
        for name, output in zip(ordered, output_names(ordered), strict=True)
    ]
    return items + [Item(Path(place), folder, fault) for place, fault in sorted(faults.items())]


def output_names(videos: Sequence[str]) -> list[str]:
    """The outputs of videos, no two the same and, as far as their endings can help it, none a folder of another.

    Args:
        videos: relative paths, no two the same.
    """
    whole: set[str] = set()  # those that keep their ending
    while True:
        outputs = [(video if video in whole else os.path.splitext(video)[0]) + OUTPUT_ENDING for video in videos]
        count = Counter(outputs)
        folders = {parent for output in outputs for parent in _parents(output)}
        meeting = {
            video
            for video, output in zip(videos, outputs, strict=True)
            if video not in whole and (count[output] > 1 or output in folders)
        }
        if not meeting:
            return outputs
        whole |= meeting


def parse_shard(text: str) -> tuple[int, int]:
    """The part and the number of parts, of a text like 3/16.

    Raises:
        UsageError: it is none.
    """
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"shard {text!r} is no part of a whole: give K/N with K from 1 to N, as 3/16")
    return int(match[1]), int(match[2])


def take_shard(items: list[Item], part: int, parts: int) -> list[Item]:
    """Every `parts`-th item from the `part`-th on: each item is in one part, whatever the machine."""
    return items[part - 1 :: parts]


def _parents(name: str) -> list[str]:
    return [str(parent) for parent in PurePath(name).parents][:-1]


def _named(argument: str) -> _Named:
    if os.path.isdir(argument):
        return _from_folder(argument)
    if _is_pattern(argument):
        return _from_pattern(argument)
    if _is_list(argument):
        return _from_list(argument)
    return _one(argument)


def _one(argument: str) -> _Named:
    return _Named(os.path.dirname(os.path.abspath(argument)), [argument])


def _is_pattern(argument: str) -> bool:
    return any(sign in argument for sign in "*?[") and not os.path.lexists(argument)


def _is_list(argument: str) -> bool:
    return argument.lower().endswith(LIST_ENDING)


def _from_folder(folder: str) -> _Named:
    files: list[str] = []
    faults: dict[str, str] = {}

    def note(error: OSError) -> None:
        faults[str(error.filename)] = f"folder {str(error.filename)!r} cannot be read: {error.strerror}"

    seen: set[str] = set()  # links may lead in circles
    for place, folders, names in os.walk(folder, onerror=note, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if os.path.realpath(place) in seen:
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        files += [os.path.join(place, name) for name in names if is_video(name)]
    if not files and not faults:
        raise InputError(f"no videos in folder {folder!r}: they are known by their endings, {', '.join(VIDEO_ENDINGS)}")
    return _Named(os.path.abspath(folder), files, faults)


def _from_pattern(pattern: str) -> _Named:
    # With an ending of its own a pattern says itself what a video is.
    ending = PurePath(pattern).suffix
    says = bool(ending) and not _is_pattern(ending)
    files = [file for file in glob.glob(pattern, recursive=True) if os.path.isfile(file) and (says or is_video(file))]
    if not files:
        raise InputError(f"no videos match {pattern!r}: check the pattern, and that the folder is there")
    parts = PurePath(pattern).parts
    fixed = next(k for k, part in enumerate(parts) if any(sign in part for sign in "*?["))
    return _Named(os.path.abspath(os.path.join("", *parts[:fixed])), files)


def _from_list(file: str) -> _Named:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"list {file!r} cannot be read: {error.strerror}") from None
    if b"\0" in content:
        raise InputError(f"{file!r} is not a list of videos: write one path a line")
    folder = os.path.dirname(file)
    lines = [line.strip() for line in content.removeprefix(b"\xef\xbb\xbf").splitlines()]
    # Names are bytes, and need not be UTF-8.
    files = [os.path.join(folder, os.fsdecode(line)) for line in lines if line and not line.startswith(b"#")]
    if not files:
        raise InputError(f"list {file!r} is empty: write the path of a video on each line")
    own = os.path.dirname(os.path.abspath(file))
    places = [os.path.dirname(os.path.abspath(path)) for path in files]
    return _Named(own if os.path.commonpath([own, *places]) == own else os.path.commonpath(places), files)
