"""PYSKL's annotation files (also MMAction2's): one pickle with the keypoints of all clips of a data set.

A dictionary of `split`, part name to the names of its clips, and `annotations`, a list of dictionaries: `frame_dir`
(the clip's name), `label`, `img_shape` (height, width), `total_frames`, `keypoint` (M, T, V, 2) in pixels and
`keypoint_score` (M, T, V), M persons. A list of such dictionaries alone is read too. What PYSKL does not keep to the
letter is read as PYSKL does: an `img_shape` left out is 1080 x 1920, frames after `total_frames` are not used, and
coordinates whose score is at most 0.01 count for nothing, also where they are no numbers.
Source: github.com/kennymckormick/pyskl, tools/data/README.md and pyskl/datasets/pipelines.
"""

from __future__ import annotations

import io
import mmap
import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skelact.data.clips import Clip, ClipSet
from skelact.data.storage import ClipWriter
from skelact.errors import InputError
from skelact.formats.guarded_pickle import StoredArray, load_guarded
from skelact.formats.writing import atomic_write, write_error
from skelact.keypoints import get_layout

LAYOUTS = {17: "coco17", 21: "hand21", 65: "expressive65", 133: "wholebody133"}
IMAGE_SHAPE = (1080, 1920)  # height and width where a file states none
NOTHING = 0.01  # the score up to which a keypoint counts for nothing
MOST = float(np.finfo(np.float16).max)  # pixels and scores, as both are kept in half precision


def read_pyskl(
    path: Path,
    class_names: Sequence[str] | None = None,
    parts: Mapping[str, str] | None = None,
    group_of: Callable[[str], str] | None = None,
) -> ClipSet:
    """The clips of a pickle, in memory and half precision: three times the file's size while it is read, once after.

    For more than memory holds, see `convert_pyskl`.

    Args:
        path: the pickle.
        class_names: one a label, as a pickle has none; None for "class 0", "class 1" ...
        parts: other names for parts of splits, e.g. {"train1": "split1_train"}.
        group_of: a clip's name to its group; None puts all clips into one group without a name.

    Raises:
        InputError: it cannot be read, or what it holds cannot be right; says which clip.
    """
    store = io.BytesIO()
    content = load_guarded(path, store)
    file = AnnotationFile(path, content, store.getbuffer(), class_names, parts or {}, group_of)
    blocks, scores, index = [], [], []
    for clip in file.clips():
        blocks.append(clip.keypoints.swapaxes(0, 1).astype(np.float16).reshape(-1, *clip.keypoints.shape[2:]))
        scores.append(clip.scores.swapaxes(0, 1).astype(np.float16).reshape(-1, clip.scores.shape[2]))
        index.append((*clip.scores.shape[:2], clip.width, clip.height, clip.label))
    instances, frames, width, height, labels = np.array(index, dtype=np.int64).T
    return ClipSet(
        np.concatenate(blocks),
        np.concatenate(scores),
        offsets=np.cumsum(frames * instances) - frames * instances,
        frames=frames,
        instances=instances,
        sizes=np.stack([width, height], axis=1),
        labels=labels,
        names=np.array(file.names, dtype=np.str_),
        groups=np.array([file.group_of(name) for name in file.names], dtype=np.str_),
        class_names=file.class_names,
        layout=file.layout,
        splits=file.splits,
    )


def convert_pyskl(
    path: Path,
    folder: Path,
    class_names: Sequence[str] | None = None,
    parts: Mapping[str, str] | None = None,
    group_of: Callable[[str], str] | None = None,
    parts_of: Callable[[str], Sequence[str]] | None = None,
    overwrite: bool = False,
    on_clip: Callable[[int, int | None], None] | None = None,
) -> None:
    """Write the clips of a pickle as a folder that `skelact.data.storage.open_clips` maps into memory.

    Memory does not grow with the keypoints: the pickle is read from end to end once, its arrays go to a temporary
    file beside the folder (which needs as much space as the pickle) and from there to the folder clip by clip. Per
    clip, about 2 kB are held for its names and numbers.

    Args:
        path, class_names, parts, group_of: as of `read_pyskl`.
        folder: the folder to write.
        parts_of: a clip's name to the parts it belongs to, for a pickle without splits.
        overwrite: whether a folder of clips may be replaced.
        on_clip: called with the clips written and their number.

    Raises:
        InputError: as of `read_pyskl`.
        OutputError: the folder exists, or cannot be written.
    """
    ClipWriter(folder, (), LAYOUTS[17], overwrite)  # refuses a folder in the way before the work, not after
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder.parent, prefix=".skelact-") as store:
            content = load_guarded(path, store)
            store.flush()
            with mapped(store) as whole:
                file = AnnotationFile(path, content, whole, class_names, parts or {}, group_of)
                _write(file, folder, parts_of, overwrite, on_clip)
    except OSError as error:
        raise write_error(folder, error) from None


def write_pyskl(
    clips: ClipSet,
    path: Path,
    overwrite: bool = False,
    parts: Mapping[str, str] | None = None,
) -> None:
    """Write clips as a pickle that PYSKL and MMAction2 read, clip by clip: memory does not grow with their number.

    Coordinates and scores are kept in half precision, as in PYSKL's own files: to a pixel from 1024 pixels on.
    Groups and class names have no place in such a file.

    Args:
        clips: the clips.
        path: the file.
        overwrite: whether it may replace a file.
        parts: as of `read_pyskl`; written the other way round.

    Raises:
        OutputError: the file exists, or cannot be written.
    """
    written = {name: other for other, name in (parts or {}).items()}
    splits = {written.get(name, name): clips.names[mask].tolist() for name, mask in clips.splits.items()}
    with atomic_write(path, overwrite) as file:
        pickler = pickle.Pickler(file, protocol=4)
        pickler.fast = True  # remembers nothing that it has written, so that each clip is let go of
        pickler.dump({"split": splits, "annotations": Listed(_annotation(clips.clip(k)) for k in range(len(clips)))})


class Listed:
    """Values that a pickle holds as a list, which is never there as a whole."""

    def __init__(self, values: Iterator[Any]):
        self.values = values

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self.values


def _annotation(clip: Clip) -> dict[str, Any]:
    shape = (clip.height, clip.width)
    return {
        "frame_dir": clip.name,
        "label": clip.label,
        "img_shape": shape,
        "original_shape": shape,
        "total_frames": clip.scores.shape[1],
        "keypoint": np.ascontiguousarray(clip.keypoints, dtype=np.float16),
        "keypoint_score": np.ascontiguousarray(clip.scores, dtype=np.float16),
    }


def mapped(store: Any) -> Any:
    """The bytes of a temporary file, which take no memory of their own."""
    size = store.seek(0, io.SEEK_END)
    return mmap.mmap(store.fileno(), 0, access=mmap.ACCESS_READ) if size else memoryview(b"")


def _write(
    file: AnnotationFile,
    folder: Path,
    parts_of: Callable[[str], Sequence[str]] | None,
    overwrite: bool,
    on_clip: Callable[[int, int | None], None] | None,
) -> None:
    with ClipWriter(folder, file.class_names, file.layout, overwrite) as writer:
        for done, clip in enumerate(file.clips(), 1):
            writer.add(clip)
            if on_clip:
                on_clip(done, len(file.names))
        splits = file.splits
        if not splits and parts_of is not None:
            members = [set(parts_of(name)) for name in file.names]
            every = sorted(set().union(*members))
            splits = {part: np.array([part in mine for mine in members]) for part in every}
        writer.splits.update(splits)


class AnnotationFile:
    """What a pickle holds, checked; with `labelled` unset, labels may be missing or -1, as PYSKL's demo has them.

    Attributes:
        names: of the clips, unique.
        labels: of the clips, -1 for none.
        class_names: given, or made up from the labels.
        layout: that of all clips.
        splits: part to (N,) bool.
        group_of: a clip's name to its group.
    """

    def __init__(
        self,
        path: Path,
        content: Any,
        whole: Any,
        class_names: Sequence[str] | None,
        parts: Mapping[str, str],
        group_of: Callable[[str], str] | None,
        labelled: bool = True,
    ):
        self._path = path
        self._labelled = labelled
        self._whole = whole
        self.group_of = group_of or (lambda name: "")
        split: Any = {}
        if isinstance(content, dict) and "annotations" in content:
            split, content = content.get("split") or {}, content["annotations"]
        if not isinstance(content, list) or not content or not all(isinstance(entry, dict) for entry in content):
            raise InputError(
                f"{str(path)!r} is no PYSKL pickle: it must hold a list of annotations, or a dictionary with 'split' "
                "and 'annotations'"
            )
        self._annotations: list[dict[str, Any]] = content
        self.names = [self._name(k) for k in range(len(content))]
        place = {name: k for k, name in enumerate(self.names)}
        if len(place) < len(self.names):
            twice = next(name for k, name in enumerate(self.names) if place[name] != k)
            raise self._error(f"two annotations are called {twice!r}: names must be unique")
        self.class_names = self._classes(class_names)
        self.layout = self._layout()
        self.splits = self._splits(split, place, parts)

    def clips(self) -> Iterator[Clip]:
        """Every clip, in the order of the file.

        Raises:
            InputError: one cannot be right; says which.
        """
        return (self._clip(k) for k in range(len(self.names)))

    def _error(self, fault: str) -> InputError:
        return InputError(f"{str(self._path)!r}: {fault}")

    def _name(self, k: int) -> str:
        name = self._annotations[k].get("frame_dir")
        if not isinstance(name, str) or not name:
            raise self._error(f"annotation {k} has no name: its 'frame_dir' is {str(name)[:40]!r}")
        return name

    def _classes(self, names: Sequence[str] | None) -> tuple[str, ...]:
        self.labels: list[int] = []
        for k, annotation in enumerate(self._annotations):
            label = annotation.get("label", None if self._labelled else -1)
            if type(label) is not int or label < (0 if self._labelled else -1):
                raise self._error(f"sample {self.names[k]!r} has the label {str(label)[:40]!r}: labels count from 0")
            if names is not None and label >= len(names):
                raise self._error(
                    f"sample {self.names[k]!r} has label {label}, beyond the {len(names)} classes: name the data set "
                    "that the file is of"
                )
            self.labels.append(label)
        return tuple(names) if names is not None else tuple(f"class {label}" for label in range(max(self.labels) + 1))

    def stated_size(self, k: int) -> tuple[int, int] | None:
        """Width and height of the frames of clip k, None where the file tells none."""
        if "img_shape" not in self._annotations[k]:
            return None
        height, width = self._size(k)
        return width, height

    def _layout(self) -> str:
        first = self._array(0, "keypoint", 4).shape
        if first[2] not in LAYOUTS or first[3] != 2:
            raise self._error(
                f"sample {self.names[0]!r} has {first[2]} keypoints of {first[3]} coordinates: only 2D keypoints are "
                f"read, of these numbers: {', '.join(map(str, LAYOUTS))}"
            )
        return LAYOUTS[first[2]]

    def _splits(self, split: Any, place: dict[str, int], parts: Mapping[str, str]) -> dict[str, np.ndarray]:
        if not isinstance(split, dict):
            raise self._error("'split' must be a dictionary of the names of parts and the clips in them")
        splits = {}
        for part, members in split.items():
            if not isinstance(part, str) or not isinstance(members, (list, tuple, set)):
                raise self._error(f"part {str(part)[:40]!r} of its split is no list of names")
            unknown = next((name for name in members if not isinstance(name, str) or name not in place), None)
            if unknown is not None:
                raise self._error(f"part {part!r} of its split names {str(unknown)[:80]!r}, which it does not hold")
            mask = np.zeros(len(self.names), dtype=bool)
            mask[[place[name] for name in members]] = True
            splits[parts.get(part, part)] = mask
        return splits

    def _array(self, k: int, field: str, axes: int) -> StoredArray:
        annotation = self._annotations[k]
        array = annotation.get(field)
        if array is None and "raw_file" in annotation:
            raise self._error(
                "its keypoints are in files of their own, as in PYSKL's file for Kinetics-400, which is not read: "
                "prepare the data set from its videos"
            )
        if not isinstance(array, StoredArray) or len(array.shape) != axes:
            what = f"one of shape {array.shape}" if isinstance(array, StoredArray) else "none"
            raise self._error(f"sample {self.names[k]!r} needs an array {field!r} of {axes} axes, and has {what}")
        return array

    def _clip(self, k: int) -> Clip:
        points, scores = self._array(k, "keypoint", 4), self._array(k, "keypoint_score", 3)
        v = len(get_layout(self.layout))
        if points.shape[2:] != (v, 2) or scores.shape != points.shape[:3] or points.shape[1] == 0:
            raise self._error(
                f"sample {self.names[k]!r} has keypoints {points.shape} and scores {scores.shape}, where "
                f"(persons, frames, {v}, 2) and (persons, frames, {v}) are needed"
            )
        annotation = self._annotations[k]
        frames = annotation.get("total_frames", points.shape[1])
        if type(frames) is not int or not 1 <= frames <= points.shape[1]:
            raise self._error(
                f"sample {self.names[k]!r} states {str(frames)[:20]} frames, and its keypoints have {points.shape[1]}"
            )
        height, width = self._size(k)
        return Clip(
            *self._seen(k, points.read(self._whole)[:, :frames], scores.read(self._whole)[:, :frames]),
            width=width,
            height=height,
            label=self.labels[k],
            name=self.names[k],
            group=self.group_of(self.names[k]),
        )

    def _size(self, k: int) -> tuple[int, int]:
        shape = self._annotations[k].get("img_shape", IMAGE_SHAPE)
        values = shape if isinstance(shape, (tuple, list)) else ()
        if len(values) < 2 or not all(isinstance(value, (int, float)) and 1 <= value < 1e6 for value in values[:2]):
            raise self._error(f"sample {self.names[k]!r} has img_shape {str(shape)[:40]}: height and width are needed")
        return int(values[0]), int(values[1])

    def _seen(self, k: int, points: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Float32 coordinates and scores, with at least one person, zero where they are not numbers and unseen."""
        points, scores = points.astype(np.float32), scores.astype(np.float32)
        if not len(scores):  # nobody was found: the clip still counts in a test
            points, scores = np.zeros((1, *points.shape[1:]), np.float32), np.zeros((1, *scores.shape[1:]), np.float32)
        # NumPy compares with what is no number as false, so that such scores count as a fault.
        unseen = scores <= NOTHING
        points[unseen & ~np.isfinite(points).all(axis=-1)] = 0
        if not (np.abs(points).max() <= MOST and np.abs(scores).max() <= MOST):
            raise self._error(
                f"sample {self.names[k]!r} has coordinates or scores that are no finite numbers (or beyond "
                f"{MOST:g}): mark what was not seen by score 0"
            )
        return points, scores
