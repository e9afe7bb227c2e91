"""A ClipSet as a folder whose keypoints are mapped into memory, for data sets larger than memory.

The folder holds `keypoints.bin` and `scores.bin` (float16, little-endian, no header), `index.npz` (what is kept for
each clip, no pickles) and `clips.json` (the rest), which is written last: a folder without it is no data set. All
processes that read it share the pages of the two large files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from skelact.data.clips import Clip, ClipSet
from skelact.errors import InputError, OutputError
from skelact.formats.writing import atomic_write, draft_path, sweep_drafts, write_error
from skelact.keypoints import get_layout

VERSION = 1
DESCRIPTION = "clips.json"
STORED = np.dtype("<f2")
_INDEX = ("offsets", "frames", "instances", "sizes", "labels", "names", "groups")


def is_clip_folder(path: Path) -> bool:
    """Whether `ClipWriter` has finished this folder."""
    return (path / DESCRIPTION).is_file()


class ClipWriter:
    """Writes a folder clip by clip; it takes its place when the block is left without an error.

    Args:
        path: the folder to write; its parents are created.
        class_names: one a class.
        layout: of the keypoints.
        overwrite: whether a finished folder may be replaced.

    Raises:
        OutputError: the folder exists, or cannot be written.
    """

    def __init__(self, path: Path, class_names: tuple[str, ...], layout: str, overwrite: bool = False):
        self.path = path
        self.class_names = class_names
        self.layout = get_layout(layout)
        self.splits: dict[str, np.ndarray] = {}
        self.clip_seconds: float | None = None
        if path.exists() and not (overwrite and is_clip_folder(path)):
            raise OutputError(f"{str(path)!r} exists: give another name, or --overwrite to replace it")
        self._draft = draft_path(path)
        self._rows = 0
        self._index: dict[str, list[Any]] = {name: [] for name in _INDEX}

    def __enter__(self) -> ClipWriter:
        try:
            self._draft.mkdir(parents=True)
            sweep_drafts(self._draft.parent)
            self._files = [(self._draft / name).open("wb") for name in ("keypoints.bin", "scores.bin")]
        except OSError as error:
            raise write_error(self.path, error) from None
        return self

    def add(self, clip: Clip) -> None:
        """Append a clip.

        Raises:
            InputError: coordinates that are not finite, or another number of keypoints.
            OutputError: no space is left.
        """
        if clip.scores.shape[2:] != (len(self.layout),):
            raise InputError(
                f"clip {clip.name!r} has {clip.scores.shape[2]} keypoints, layout {self.layout.name} {len(self.layout)}"
            )
        if not (np.isfinite(clip.keypoints).all() and np.isfinite(clip.scores).all()):
            raise InputError(f"clip {clip.name!r} has coordinates that are not finite: extract it again")
        try:
            for file, array in zip(self._files, (clip.keypoints, clip.scores), strict=True):
                file.write(np.ascontiguousarray(array.swapaxes(0, 1), dtype=STORED).data)
        except OSError as error:
            raise write_error(self.path, error) from None
        instances, frames = clip.scores.shape[:2]
        values = (self._rows, frames, instances, (clip.width, clip.height), clip.label, clip.name, clip.group)
        for name, value in zip(_INDEX, values, strict=True):
            self._index[name].append(value)
        self._rows += instances * frames

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for file in self._files:
                file.close()
            if kind is None:
                self._finish()
        except OSError as failure:
            raise write_error(self.path, failure) from None
        finally:
            shutil.rmtree(self._draft, ignore_errors=True)

    def _finish(self) -> None:
        names = self._index["names"]
        if len(set(names)) != len(names):
            raise InputError(f"{self.path}: two clips have the same name; names must be unique")
        arrays = {name: np.array(values) for name, values in self._index.items()}
        np.savez(self._draft / "index.npz", **arrays, **{f"split:{name}": mask for name, mask in self.splits.items()})
        description = {
            "version": VERSION,
            "layout": self.layout.name,
            "class_names": list(self.class_names),
            "clip_seconds": self.clip_seconds,
        }
        with atomic_write(self._draft / DESCRIPTION) as file:
            file.write(json.dumps(description, ensure_ascii=False, indent=1).encode())
        if self.path.exists():
            shutil.rmtree(self.path)
        self._draft.rename(self.path)


def save_clips(clips: ClipSet, path: Path, overwrite: bool = False) -> None:
    """Write a set as a folder, clip by clip.

    Raises:
        OutputError: the folder exists, or cannot be written.
    """
    with ClipWriter(path, clips.class_names, clips.layout, overwrite) as writer:
        for k in range(len(clips)):
            writer.add(clips.clip(k))
        writer.splits.update(clips.splits)
        writer.clip_seconds = clips.clip_seconds


def open_clips(path: Path) -> ClipSet:
    """The set in a folder that `ClipWriter` wrote, its keypoints mapped from disk.

    Raises:
        InputError: it is none, or damaged.
    """
    try:
        description = json.loads((path / DESCRIPTION).read_text(encoding="utf-8"))
        version = description["version"]
        layout, class_names = description["layout"], tuple(str(name) for name in description["class_names"])
        known = description["clip_seconds"]
        clip_seconds = None if known is None else float(known)
        with np.load(path / "index.npz", allow_pickle=False) as content:
            index: Mapping[str, np.ndarray] = {name: content[name] for name in content.files}
        v = len(get_layout(layout))
        keypoints, scores = _mapped(path / "keypoints.bin", (v, 2)), _mapped(path / "scores.bin", (v,))
    except Exception as error:  # json, numpy and zipfile raise nearly anything for what is damaged
        raise InputError(f"{str(path)!r} is no readable folder of clips: {error}; prepare it again") from error
    if version != VERSION:
        raise InputError(f"{str(path)!r} has version {version}, and this skelact reads {VERSION}: prepare it again")
    splits = {name.removeprefix("split:"): mask for name, mask in index.items() if name.startswith("split:")}
    arrays: dict[str, Any] = {name: index[name] for name in _INDEX}
    return ClipSet(
        keypoints,
        scores,
        **arrays,
        class_names=class_names,
        layout=layout,
        splits=splits,
        clip_seconds=clip_seconds,
    )


def _mapped(file: Path, row: tuple[int, ...]) -> np.ndarray:
    if file.stat().st_size == 0:
        return np.zeros((0, *row), STORED)
    whole = np.memmap(file, STORED, mode="r")
    return whole.reshape(-1, *row)
