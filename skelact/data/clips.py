"""Labelled clips: the one value that training and testing work on, in memory or mapped from disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from skelact.errors import InputError, UsageError
from skelact.keypoints import get_layout


@dataclass(frozen=True)
class Clip:
    """One labelled clip.

    Attributes:
        keypoints: (I, T, V, 2) float32, pixels.
        scores: (I, T, V) float32; 0 = not seen.
        width, height: of the frame, pixels.
        label: an index into the class names.
        name: unique within its set, e.g. the video's name without its ending.
        group: the person (or camera, or place) it comes from; splits keep groups whole.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    width: int
    height: int
    label: int
    name: str
    group: str


@dataclass(frozen=True)
class ClipSet:
    """N labelled clips of any lengths and numbers of persons.

    The rows of all clips stand one after another, those of a clip frame by frame and person by person within a
    frame, so that a subset copies no keypoints and the arrays may be mapped from a file larger than memory.

    Attributes:
        keypoints: (R, V, 2), pixels, or shares of the frame where `relative`; float16 or float32.
        scores: (R, V); 0 = not seen.
        offsets: (N,) int64, the first row of each clip.
        frames: (N,) int64, T of each clip.
        instances: (N,) int64, I of each clip.
        sizes: (N, 2) int64, width and height of the frame.
        labels: (N,) int64, an index into class_names.
        names: (N,) str, unique.
        groups: (N,) str.
        class_names: one a class.
        layout: the order of the V keypoints.
        relative: whether keypoints are shares of width and height.
        splits: the part of a split (e.g. "xsub_train") to which clips belong to it, (N,) bool.
        clip_seconds: usual length of a clip; None where the rate of the frames is not known.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    offsets: np.ndarray
    frames: np.ndarray
    instances: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray
    names: np.ndarray
    groups: np.ndarray
    class_names: tuple[str, ...]
    layout: str
    relative: bool = False
    splits: Mapping[str, np.ndarray] = field(default_factory=dict)
    clip_seconds: float | None = None

    def __post_init__(self) -> None:
        """Check that everything fits together.

        Raises:
            InputError: it does not; says what.
        """
        rows, count = len(self.keypoints), len(self.labels)
        shapes = {
            "keypoints": (rows, len(get_layout(self.layout)), 2),
            "scores": (rows, len(get_layout(self.layout))),
            "sizes": (count, 2),
            **dict.fromkeys(("offsets", "frames", "instances", "names", "groups"), (count,)),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"clips in layout {self.layout}: {name} is {getattr(self, name).shape}, not {shape}")
        if any(mask.shape != (count,) for mask in self.splits.values()):
            raise InputError(f"a split does not say of each of the {count} clips whether it belongs to it")
        if count == 0:
            return
        if self.labels.min() < 0 or self.labels.max() >= len(self.class_names):
            raise InputError(
                f"labels run from {self.labels.min()} to {self.labels.max()}, "
                f"but there are {len(self.class_names)} classes"
            )
        if min(self.frames.min(), self.instances.min(), self.sizes.min()) < 1:
            raise InputError("a clip has no frames, no persons or a frame without size")
        if self.offsets.min() < 0 or (self.offsets + self.frames * self.instances).max() > rows:
            raise InputError("a clip ends beyond the keypoints there are: the annotation is cut short")

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def from_clips(
        cls,
        clips: Iterable[Clip],
        class_names: tuple[str, ...],
        layout: str,
        splits: Mapping[str, np.ndarray] | None = None,
    ) -> ClipSet:
        """Clips in memory as one set.

        Raises:
            InputError: names repeat, or coordinates are not finite.
        """
        clips = list(clips)
        names = [clip.name for clip in clips]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"two clips are called {twice!r}: names must be unique")
        for clip in clips:
            if not (np.isfinite(clip.keypoints).all() and np.isfinite(clip.scores).all()):
                raise InputError(
                    f"clip {clip.name!r} has coordinates that are not finite: mark what was not seen by score 0"
                )
        keypoints = [clip.keypoints.swapaxes(0, 1).reshape(-1, *clip.keypoints.shape[2:]) for clip in clips]
        scores = [clip.scores.swapaxes(0, 1).reshape(-1, clip.scores.shape[2]) for clip in clips]
        v = len(get_layout(layout))
        shapes = np.array([clip.scores.shape[:2] for clip in clips], dtype=np.int64).reshape(-1, 2)
        rows = shapes.prod(axis=1)
        return cls(
            np.concatenate([np.zeros((0, v, 2), np.float32), *keypoints]),
            np.concatenate([np.zeros((0, v), np.float32), *scores]),
            np.cumsum(rows) - rows,
            shapes[:, 1],
            shapes[:, 0],
            np.array([(clip.width, clip.height) for clip in clips], dtype=np.int64).reshape(-1, 2),
            np.array([clip.label for clip in clips], dtype=np.int64),
            np.array(names, dtype=np.str_),
            np.array([clip.group for clip in clips], dtype=np.str_),
            class_names,
            layout,
            splits=splits or {},
        )

    def clip(self, k: int) -> Clip:
        """Clip number k, its keypoints in pixels.

        Raises:
            InputError: a coordinate or score is not a finite number.
        """
        shape = (int(self.frames[k]), int(self.instances[k]))
        rows = slice(int(self.offsets[k]), int(self.offsets[k]) + shape[0] * shape[1])
        width, height = self.sizes[k].tolist()
        keypoints = np.asarray(self.keypoints[rows], dtype=np.float32)
        if self.relative:
            keypoints = keypoints * np.array([width, height], dtype=np.float32)
        scores = np.asarray(self.scores[rows], dtype=np.float32)
        if not (np.isfinite(keypoints).all() and np.isfinite(scores).all()):
            raise InputError(f"clip {self.names[k]!r} has coordinates that are not finite: extract it again")
        v = scores.shape[1]
        return Clip(
            keypoints.reshape(*shape, v, 2).swapaxes(0, 1),
            scores.reshape(*shape, v).swapaxes(0, 1),
            width,
            height,
            int(self.labels[k]),
            str(self.names[k]),
            str(self.groups[k]),
        )

    def subset(self, chosen: np.ndarray) -> ClipSet:
        """The clips of a boolean mask or of indices (N',)."""
        fields = ("offsets", "frames", "instances", "sizes", "labels", "names", "groups")
        return replace(
            self,
            **{name: getattr(self, name)[chosen] for name in fields},
            splits={name: mask[chosen] for name, mask in self.splits.items()},
        )

    def part(self, name: str) -> ClipSet:
        """The clips of a part of a split.

        Raises:
            UsageError: there is no such part; tells those there are.
            InputError: it has no clips.
        """
        if name not in self.splits:
            raise UsageError(f"there is no split part {name!r}: there are {', '.join(sorted(self.splits)) or 'none'}")
        if not self.splits[name].any():
            raise InputError(f"split part {name!r} has no clips")
        return self.subset(self.splits[name])

    def of_groups(self, groups: Iterable[str]) -> np.ndarray:
        """(N,) bool: the clips of these groups.

        Raises:
            UsageError: a group has no clips; tells those there are.
        """
        there = sorted(set(self.groups.tolist()))
        for group in groups:
            if group not in there:
                raise UsageError(f"no clips of group {group}: there are {', '.join(there)}")
        return np.isin(self.groups, list(groups))

    def skip_frames(self, count: int) -> ClipSet:
        """The clips without their first frames, for recordings that begin with what went before.

        Raises:
            UsageError: a clip has no more frames than that.
        """
        if count >= self.frames.min():
            raise UsageError(f"cannot skip {count} frames: the shortest clip has {self.frames.min()}")
        return replace(self, offsets=self.offsets + count * self.instances, frames=self.frames - count)

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


def join(sets: list[ClipSet]) -> ClipSet:
    """Several sets as one: classes joined by name, groups with equal names joined, splits dropped.

    Clip names get the number of their set in front where they would repeat. The usual length of a clip is the mean of
    those known, by the numbers of clips.

    Raises:
        InputError: the sets differ in layout.
    """
    if len(sets) == 1:
        return sets[0]
    if len({clips.layout for clips in sets}) > 1:
        raise InputError(f"sets of clips with different layouts: {', '.join(clips.layout for clips in sets)}")
    classes = tuple(dict.fromkeys(name for clips in sets for name in clips.class_names))
    sets = [clips.with_classes(classes) for clips in sets]
    names = np.concatenate([clips.names for clips in sets])
    if len(set(names.tolist())) < len(names):
        names = np.array([f"{k}/{name}" for k, clips in enumerate(sets) for name in clips.names.tolist()])
    relative = all(clips.relative for clips in sets)
    if not relative:
        sets = [_in_pixels(clips) for clips in sets]
    starts = np.cumsum([0] + [len(clips.keypoints) for clips in sets])
    together = {
        name: np.concatenate([getattr(clips, name) for clips in sets])
        for name in ("keypoints", "scores", "frames", "instances", "sizes", "labels", "groups")
    }
    offsets = np.concatenate([clips.offsets + start for clips, start in zip(sets, starts[:-1], strict=True)])
    known = [clips for clips in sets if clips.clip_seconds is not None]
    seconds = np.average([clips.clip_seconds for clips in known], weights=[len(c) for c in known]) if known else None
    return ClipSet(
        **together,
        offsets=offsets,
        names=names,
        class_names=classes,
        layout=sets[0].layout,
        relative=relative,
        clip_seconds=None if seconds is None else float(seconds),
    )


def _in_pixels(clips: ClipSet) -> ClipSet:
    if not clips.relative:
        return clips
    whole = ClipSet.from_clips((clips.clip(k) for k in range(len(clips))), clips.class_names, clips.layout)
    return replace(whole, splits=clips.splits, clip_seconds=clips.clip_seconds)
