"""Labelled clips for training and testing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from skelact.data.augment import augment
from skelact.data.transforms import normalize, to_clips
from skelact.errors import InputError, UsageError
from skelact.keypoints import get_layout
from skelact.models.preprocessing import Preprocessing

# Clip files hold coordinates relative to the frame and not its size; webcams are mostly 4:3.
ASSUMED_WIDTH, ASSUMED_HEIGHT = 640, 480


@dataclass(frozen=True)
class ClipSet:
    """One-person clips with labels.

    Attributes:
        keypoints: (N, T, 133, 3), x / width, y / height and score; COCO-WholeBody order; 0 = not seen.
        labels: (N,) int64, an index into class_names.
        groups: (N,) int64, the person (or camera, or place) a clip comes from; splits keep groups whole.
        lengths: (N,) int64, frames in use of each clip.
        class_names: one a class.
    """

    keypoints: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    lengths: np.ndarray
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, chosen: np.ndarray) -> ClipSet:
        """The clips of a boolean mask or of indices (N',)."""
        return replace(
            self,
            keypoints=self.keypoints[chosen],
            labels=self.labels[chosen],
            groups=self.groups[chosen],
            lengths=self.lengths[chosen],
        )

    def skip_frames(self, count: int) -> ClipSet:
        """The clips without their first frames, for recordings that begin with what went before.

        Raises:
            UsageError: a clip has no more frames than that.
        """
        if count >= self.lengths.min():
            raise UsageError(f"cannot skip {count} frames: the shortest clip has {self.lengths.min()}")
        return replace(self, keypoints=self.keypoints[:, count:], lengths=self.lengths - count)

    def with_classes(self, names: tuple[str, ...]) -> ClipSet:
        """Only the clips of these classes, labelled in their order.

        Raises:
            UsageError: none of the clips belongs to any of them.
        """
        order = {name: k for k, name in enumerate(names)}
        new = np.array([order.get(name, -1) for name in self.class_names])[self.labels]
        if not (new >= 0).any():
            raise UsageError(
                f"no clip of any of the classes {', '.join(names)}: there are {', '.join(self.class_names)}"
            )
        kept = self.subset(new >= 0)
        return replace(kept, labels=new[new >= 0], class_names=names)


def load_clips(path: str | Path) -> ClipSet:
    """Clips from an .npz with `keypoints`, `label`, `class_names`, `person` or `group`, and optionally `length`.

    Raises:
        InputError: missing, not such a file, or with labels, coordinates or shapes that cannot be right.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file of clips at {path}")
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except Exception as error:  # numpy and zipfile raise nearly anything for what is damaged or no .npz
        raise InputError(f"{path} is not a readable .npz file: {error}") from error
    missing = {"keypoints", "label", "class_names"} - arrays.keys()
    group = "group" if "group" in arrays else "person"
    if missing or group not in arrays:
        lacks = sorted(missing) or ["person (or group)"]
        raise InputError(f"{path} is no file of labelled clips: it lacks {', '.join(lacks)}")
    _check_types(arrays, group, path)
    keypoints = arrays["keypoints"]
    clips = ClipSet(
        keypoints,
        arrays["label"].astype(np.int64),
        arrays[group].astype(np.int64),
        arrays["length"].astype(np.int64) if "length" in arrays else np.full(len(keypoints), keypoints.shape[1]),
        tuple(str(name) for name in arrays["class_names"]),
    )
    _check(clips, path)
    return clips


def _check_types(arrays: dict[str, np.ndarray], group: str, path: Path) -> None:
    axes = {"keypoints": 4, "label": 1, group: 1, "class_names": 1, "length": 1}
    for name in axes.keys() & arrays.keys():
        if arrays[name].ndim != axes[name]:
            raise InputError(f"{path}: {name} has shape {arrays[name].shape}, expected {axes[name]} axes")
    if arrays["keypoints"].dtype.kind not in "fiu":
        raise InputError(f"{path}: keypoints are {arrays['keypoints'].dtype}, expected numbers")
    for name in {"label", group, "length"} & arrays.keys():
        if arrays[name].dtype.kind not in "iu":
            raise InputError(f"{path}: {name} is {arrays[name].dtype}, expected whole numbers")


def _check(clips: ClipSet, path: Path) -> None:
    points = clips.keypoints
    if points.ndim != 4 or points.shape[2:] != (133, 3):
        raise InputError(f"{path}: keypoints are {points.shape}, expected (clips, frames, 133, 3)")
    for name in ("labels", "groups", "lengths"):
        if getattr(clips, name).shape != (len(points),):
            raise InputError(f"{path}: {len(points)} clips but {name} of shape {getattr(clips, name).shape}")
    if len(points) == 0:
        raise InputError(f"{path} holds no clips")
    if clips.labels.min() < 0 or clips.labels.max() >= len(clips.class_names):
        raise InputError(
            f"{path}: labels run from {clips.labels.min()} to {clips.labels.max()}, "
            f"but there are {len(clips.class_names)} classes"
        )
    if clips.lengths.min() < 1 or clips.lengths.max() > points.shape[1]:
        raise InputError(f"{path}: a clip's length is not between 1 and {points.shape[1]} frames")
    if not np.isfinite(points).all():
        raise InputError(f"{path}: some coordinates are not finite numbers: mark what was not seen by score 0")


def join(sets: list[ClipSet]) -> ClipSet:
    """Several files as one: classes joined by name, clips padded to the longest, groups with equal numbers joined."""
    names: dict[str, None] = {}
    for clips in sets:
        names.update(dict.fromkeys(clips.class_names))
    classes = tuple(names)
    frames = max(clips.keypoints.shape[1] for clips in sets)
    padded = [
        np.pad(clips.keypoints, ((0, 0), (0, frames - clips.keypoints.shape[1]), (0, 0), (0, 0))) for clips in sets
    ]
    labelled = [clips.with_classes(classes) for clips in sets]
    return ClipSet(
        np.concatenate(padded),
        np.concatenate([clips.labels for clips in labelled]),
        np.concatenate([clips.groups for clips in labelled]),
        np.concatenate([clips.lengths for clips in labelled]),
        classes,
    )


class ClipDataset:
    """Clips as a torch dataset: item k is (input (clips, I, T, V, C) float32, label).

    Args:
        clips: the data.
        settings: the recognizer's preprocessing.
        training: draw one random clip a sample, else `settings.test_clips` reproducible ones.
        augmented: change training samples at random (`skelact.data.augment`).
        seed: of all draws; with `set_epoch` the same sample differs from epoch to epoch.
    """

    def __init__(self, clips: ClipSet, settings: Preprocessing, training: bool, augmented: bool = False, seed: int = 0):
        self.clips = clips
        self.settings = settings
        self.training = training
        self.augmented = augmented
        self.seed = seed
        self.epoch = 0
        self.layout = get_layout(settings.layout)

    def __len__(self) -> int:
        return len(self.clips)

    def set_epoch(self, epoch: int) -> None:
        """Draw anew from the next item on."""
        self.epoch = epoch

    def __getitem__(self, k: int) -> tuple[np.ndarray, int]:
        data = self.clips.keypoints[k, : self.clips.lengths[k]].astype(np.float32)
        data = data[None][:, :, list(self.layout.wholebody)]
        points = data[..., :2] * np.array([ASSUMED_WIDTH, ASSUMED_HEIGHT], dtype=np.float32)
        points, scores = normalize(points, data[..., 2], ASSUMED_WIDTH, ASSUMED_HEIGHT, self.settings)
        label = int(self.clips.labels[k])
        if not self.training:
            return to_clips(points, scores, self.settings, self.settings.test_clips), label
        # A generator of its own for every sample and epoch: the draw does not depend on order or on workers.
        random = np.random.RandomState([self.seed, self.epoch, k])
        if self.augmented:
            points, scores = augment(points, scores, self.layout, random)
        return to_clips(points, scores, self.settings, 1, random), label
