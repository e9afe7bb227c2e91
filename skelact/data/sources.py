"""From what a user calls a data set, a name, a folder or a file, to labelled clips."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skelact.batch.inputs import Item, is_video
from skelact.batch.job import FAILED, Result
from skelact.data.clips import ClipSet, join
from skelact.data.datasets import DATASETS
from skelact.data.folder import Folder, FolderClip, load_folder, scan_folder
from skelact.data.npz import read_npz
from skelact.data.prepare import CLIPS_FOLDER, open_prepared
from skelact.data.storage import is_clip_folder, open_clips
from skelact.errors import InputError, UsageError, unknown_name
from skelact.formats.npz import load_sequence
from skelact.formats.pyskl import read_pyskl
from skelact.sequence import PoseSequence

PICKLES = (".pkl", ".pickle")
LAYOUT = "wholebody133"  # what extraction finds


@dataclass(frozen=True)
class Options:
    """How to read clips.

    Attributes:
        classes: only these, separated by commas; "new=old" renames.
        skip_frames: frames to leave out at the start of each clip.
        group_by: the array of an .npz that says which clips belong together.
        extract: makes sure that there are the keypoints of videos, for folders of videos; None where all are there.
        sequences: where these are kept; None for beside the folder, with ".sequences" after its name.
        warn: called with one sentence.
    """

    classes: str | None = None
    skip_frames: int = 0
    group_by: str | None = None
    extract: Callable[[Sequence[Item]], Iterable[Result]] | None = None
    sequences: Path | None = None
    warn: Callable[[str], None] = warnings.warn


def load_dataset(sources: Sequence[str], options: Options = Options()) -> ClipSet:
    """The clips of one or several data sets, joined by class name.

    Args:
        sources: names of `skelact.data.datasets`, once prepared; folders FOLDER/<label>/<clip>; folders that
            `skelact prepare` wrote; .npz files of clips; PYSKL pickles.
        options: see there.

    Raises:
        UsageError: an unknown name or class.
        InputError: unreadable, empty, or not prepared yet; says what to do.
    """
    clips = join([_load(source, options) for source in sources])
    if options.classes:
        clips = choose_classes(clips, options.classes)
    return clips.skip_frames(options.skip_frames) if options.skip_frames else clips


def _load(source: str, options: Options) -> ClipSet:
    path = Path(source)
    if source in DATASETS:
        return open_prepared(source)
    for folder in (path, path / CLIPS_FOLDER):
        if is_clip_folder(folder):
            return open_clips(folder)
    if path.is_dir():
        return _from_folder(scan_folder(path), path, options)
    if path.suffix == ".npz":
        return read_npz(path, options.group_by)
    if path.suffix in PICKLES:
        return read_pyskl(path)
    if path.exists():
        raise InputError(f"{source} is no data set: give a folder, an .npz of clips, or a PYSKL pickle (.pkl)")
    if path.suffix or len(path.parts) > 1:
        raise InputError(f"there is no data set at {source}")
    raise unknown_name("data set", source, DATASETS)


def _from_folder(folder: Folder, path: Path, options: Options) -> ClipSet:
    kept = options.sequences or path.resolve().with_name(f"{path.resolve().name}.sequences")

    failures = _extract(folder, path, kept, options)

    def sequence_of(clip: FolderClip) -> PoseSequence:
        if clip in failures:
            raise InputError(failures[clip])
        return load_sequence(_sequence_path(clip, kept))

    if folder.grouped_by is None:
        options.warn(
            f"the clips of {path} are in no groups, so that a split may put the same person on both sides and promise "
            "too much: begin file names with the person (anna_1.mp4), or write a groups.csv with columns file and group"
        )
    return load_folder(folder, sequence_of, LAYOUT, options.warn)


def _extract(folder: Folder, path: Path, kept: Path, options: Options) -> dict[FolderClip, str]:
    """Extract the videos of a folder; those that failed, and why."""
    outputs = {clip: _sequence_path(clip, kept) for clip in folder.clips if is_video(clip.path.name)}
    if options.extract is None:
        if not all(output.is_file() for output in outputs.values()):
            raise UsageError(f"{path} is a folder of videos: give the folder of their sequences instead")
        return {}
    clips = {Item(clip.path, output): clip for clip, output in outputs.items()}
    results = options.extract(list(clips)) if clips else ()
    return {clips[result.item]: result.reason for result in results if result.status == FAILED}


def _sequence_path(clip: FolderClip, kept: Path) -> Path:
    return kept / f"{clip.name}.npz" if is_video(clip.path.name) else clip.path


def choose_classes(clips: ClipSet, wanted: str) -> ClipSet:
    """Only some classes, e.g. "yes,no" or renamed "no sign=-".

    Raises:
        UsageError: there is no such class; names the nearest.
    """
    pairs = [entry.strip().rpartition("=") for entry in wanted.split(",")]
    for _, _, old in pairs:
        if old not in clips.class_names:
            raise unknown_name("class", old, clips.class_names)
    chosen = clips.with_classes(tuple(old for _, _, old in pairs))
    return replace(chosen, class_names=tuple(new or old for new, _, old in pairs))
