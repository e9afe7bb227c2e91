"""What there is of a data set in a folder of its videos."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skelact.batch.inputs import VIDEO_ENDINGS, is_video
from skelact.data.datasets.spec import DatasetSpec, Sample, Video
from skelact.errors import InputError


@dataclass(frozen=True)
class Found:
    """A video that is there, and the samples in it that count."""

    path: Path
    video: Video


@dataclass(frozen=True)
class Survey:
    """What there is.

    Attributes:
        spec: the data set.
        found: one entry a video of the data set that has samples, in the order of their names.
        left_out: the videos there that the owners list as damaged.
        unlabelled: the videos there in which the owners have labelled nothing.
        unknown: files of video whose names are none of this data set.
        repeated: further files of a video that is there already.
    """

    spec: DatasetSpec
    found: tuple[Found, ...]
    left_out: tuple[str, ...]
    unlabelled: tuple[str, ...]
    unknown: tuple[Path, ...]
    repeated: tuple[Path, ...]

    @cached_property
    def samples(self) -> list[Sample]:
        """All samples in the videos that are there."""
        return [sample for found in self.found for sample in found.video.samples]


def survey(spec: DatasetSpec, videos: Path, lists: Path | None = None) -> Survey:
    """Look through a folder of videos, whatever its subfolders are.

    Args:
        spec: the data set.
        videos: the folder.
        lists: the folder with the owners' lists; None to look for them among the videos.

    Raises:
        InputError: there is no such folder, nothing of the data set in it, or the lists are missing or unreadable.
    """
    if not videos.is_dir():
        raise InputError(f"there is no folder {str(videos)!r}: give the folder of the videos of {spec.title}")
    rule = spec.rule(lists or videos)
    excluded = spec.excluded()
    known: dict[str, Found] = {}
    left_out, unlabelled, unknown, repeated = [], [], [], []
    for path in _walk(videos):
        # The folder's own name may tell the part, as in .../train.
        video = rule(Path(videos.resolve().name) / path.relative_to(videos))
        if video is None:
            unknown.append(path)
        elif video.name in known:
            repeated.append(path)
        elif video.name in excluded:
            left_out.append(video.name)
        elif not video.samples:
            unlabelled.append(video.name)
        else:
            known[video.name] = Found(path, video)
    if not known:
        raise InputError(
            f"nothing of {spec.title} is in {str(videos)!r}, {_seen(unknown)}: keep the names that its owners give to "
            f"the videos, see {spec.owner}"
        )
    found = tuple(known[name] for name in sorted(known))
    return Survey(spec, found, tuple(left_out), tuple(unlabelled), tuple(unknown), tuple(repeated))


def _seen(unknown: list[Path]) -> str:
    if not unknown:
        return f"which holds no videos ({', '.join(VIDEO_ENDINGS)})"
    return f"which holds {len(unknown)} videos with other names, {unknown[0].name} for one"


def _walk(folder: Path) -> Iterator[Path]:
    """The files of video below a folder, also behind links to folders, in a fixed order."""
    for place, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(files):
            if is_video(name):
                yield Path(place) / name
