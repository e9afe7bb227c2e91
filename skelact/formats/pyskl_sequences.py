"""PYSKL's pickles as sequences, with or without labels; `skelact.formats.pyskl` tells what is in them.

Limits:
    Order of keypoints: 17 are COCO's, 21 a hand's, 65 and 133 those of `skelact.keypoints`; all clips of a pickle have
        the same.
    Labels: whole numbers from 0; a clip without one has -1, as in PYSKL's demo, which trains nothing. Names of
        classes, groups and splits are not kept: written is a list of annotations, which PYSKL reads with `split=None`.
    Not in the file: frames per second (the user gives them), boxes (drawn around the keypoints), track ids (persons are
        numbered from 0), times, source, estimator, notes. An `img_shape` left out is 1080 x 1920, as PYSKL has it,
        unless the user gives the size.
    Precision: written in float32, so exactly, where PYSKL's own files have float16; coordinates beyond 65504 pixels are
        refused. A sequence with nobody is written with one person who was never seen.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skelact.errors import InputError
from skelact.formats.gathering import NOTHING_GIVEN, Given, surround
from skelact.formats.guarded_pickle import load_guarded
from skelact.formats.pyskl import IMAGE_SHAPE, MOST, AnnotationFile, Listed, mapped
from skelact.formats.writing import atomic_write
from skelact.sequence import PoseSequence

NO_LABEL = -1


@dataclass(frozen=True)
class Named:
    """A sequence among others.

    Attributes:
        name: unique; may have folders, "walk/anna_1".
        sequence: the sequence.
        label: of its class, `NO_LABEL` for none.
    """

    name: str
    sequence: PoseSequence
    label: int = NO_LABEL


def read_pyskl_sequences(path: Path, given: Given = NOTHING_GIVEN) -> Iterator[Named]:
    """The clips of a pickle, one at a time; their arrays wait in a temporary file.

    Args:
        path: the pickle.
        given: fps, which the file does not state, and the size where it does not.

    Raises:
        UsageError: fps are not given, or another size than the file's.
        InputError: the file cannot be read, or what it holds cannot be right; says which clip.
    """
    with tempfile.TemporaryFile(prefix="skelact-") as store:
        content = load_guarded(path, store)
        fps = given.rate(path)
        store.flush()
        with mapped(store) as whole:
            file = AnnotationFile(path, content, whole, None, {}, None, labelled=False)
            for k, clip in enumerate(file.clips()):
                stated = file.stated_size(k) or (None if given.size else IMAGE_SHAPE[::-1])
                width, height = given.frame_size(path, stated)
                boxes = [surround(*person) for person in zip(clip.keypoints, clip.scores, strict=True)]
                count, frames = clip.scores.shape[:2]
                sequence = PoseSequence(
                    clip.keypoints,
                    np.maximum(clip.scores, 0),
                    np.stack(boxes),
                    track_ids=np.arange(count),
                    timestamps=np.arange(frames) / fps,
                    width=width,
                    height=height,
                    fps=fps,
                    source=clip.name,
                    layout=file.layout,
                )
                yield Named(clip.name, sequence, clip.label)


def write_pyskl_sequences(sequences: Iterable[Named], path: Path, overwrite: bool = False) -> None:
    """Write sequences as a pickle that PYSKL and MMAction2 read, one at a time.

    Raises:
        InputError: there are none, two have the same name, one has no frames or another layout than the others.
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    with atomic_write(path, overwrite) as file:
        pickler = pickle.Pickler(file, protocol=4)
        pickler.fast = True  # remembers nothing that it has written, so that each sequence is let go of
        pickler.dump(Listed(_annotations(sequences)))


def _annotations(sequences: Iterable[Named]) -> Iterator[dict[str, Any]]:
    names: set[str] = set()
    layout = None
    for named in sequences:
        sequence, layout = named.sequence, layout or named.sequence.layout
        if named.name in names:
            raise InputError(f"two sequences are called {named.name!r}: names must be unique")
        if sequence.layout != layout:
            raise InputError(
                f"{named.name!r} has layout {sequence.layout}, and those before {layout}: a pickle has one"
            )
        if sequence.num_frames == 0:
            raise InputError(f"{named.name!r} has no frames, and a pickle needs some")
        if max(np.abs(person).max(initial=0) for person in (*sequence.keypoints, np.zeros(1))) > MOST:
            raise InputError(f"{named.name!r} has coordinates beyond {MOST:g}, which a pickle does not hold")
        names.add(named.name)
        yield _annotation(named)
    if not names:
        raise InputError("there are no sequences to write")


def _annotation(named: Named) -> dict[str, Any]:
    sequence, shape = named.sequence, (named.sequence.height, named.sequence.width)
    keypoints, scores = sequence.keypoints, sequence.scores
    if not len(scores):
        keypoints, scores = (np.zeros((1, *array.shape[1:]), np.float32) for array in (keypoints, scores))
    return {
        "frame_dir": named.name,
        "label": named.label,
        "img_shape": shape,
        "original_shape": shape,
        "total_frames": sequence.num_frames,
        "keypoint": np.ascontiguousarray(keypoints),
        "keypoint_score": np.ascontiguousarray(scores),
    }
