"""The formats of sequences: one row each, and how a file's format is told.

What each keeps and loses in detail (units, order of keypoints, precision) is in the docstring of its module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skelact.errors import InputError, UsageError, unknown_name
from skelact.formats import coco, csv_table, mmpose, mot, npz, openpose, pyskl_sequences
from skelact.formats.gathering import Given
from skelact.formats.pyskl_sequences import Named
from skelact.keypoints import LAYOUTS
from skelact.sequence import PoseSequence

HEAD = 1 << 16  # bytes of a file that are looked at
_EVEN = 1e-3  # seconds by which times may be off those of the frame rate
_BODIES = ("coco17", "expressive65", "wholebody133")


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: as on the command line.
        about: one line.
        endings: of its files, the usual one first; empty for a folder.
        layouts: that it holds.
        keeps: which of `FACTS` it keeps.
        read: the sequences of a file: one, or many of a pickle.
        write: one sequence to a file (or folder), with whether it may be replaced.
        write_many: many sequences to one file; None where a file holds one.
        mark: what the first bytes of a file have, where the ending does not tell.
        reads_as: the layout that every sequence of a body comes back in; None for its own.
    """

    name: str
    about: str
    endings: tuple[str, ...]
    layouts: tuple[str, ...]
    keeps: frozenset[str]
    read: Callable[[Path, Given], Iterator[Named]]
    write: Callable[[PoseSequence, Path, bool], None]
    write_many: Callable[[Iterable[Named], Path, bool], None] | None = None
    mark: re.Pattern[bytes] | None = None
    reads_as: str | None = None


# What a format may not hold, and whether a sequence has any of it to lose.
FACTS: dict[str, Callable[[PoseSequence], bool]] = {
    "keypoints": lambda s: bool(s.present.any()),
    "scores": lambda s: any(bool(((scores > 0) & (scores != 1)).any()) for scores in s.scores),
    "boxes": lambda s: bool((s.boxes != 0).any()),
    "track ids": lambda s: s.track_ids.tolist() != list(range(s.num_instances)),
    "times of uneven frames": lambda s: bool(
        np.abs(s.timestamps - np.arange(s.num_frames) / s.fps).max(initial=0) > _EVEN
    ),
    "frame size": lambda s: True,
    "frame rate": lambda s: True,
    "frames with nobody at the end": lambda s: s.num_frames > 0 and not s.present[:, -1].any(),
    "source, estimator and notes": lambda s: bool(s.source or s.estimator or s.notes),
}
_ALL = frozenset(FACTS)
_ABOUT = frozenset({"source, estimator and notes"})
_FRAME = frozenset({"frame size", "frame rate"})
_TIMES = frozenset({"times of uneven frames"})


def _one(read: Callable[[Path, Given], PoseSequence]) -> Callable[[Path, Given], Iterator[Named]]:
    def sequences(path: Path, given: Given) -> Iterator[Named]:
        yield Named(path.name if path.is_dir() else path.stem, read(path, given))

    return sequences


def _read_npz(path: Path, given: Given) -> PoseSequence:
    sequence = npz.load_sequence(path)
    given.frame_size(path, (sequence.width, sequence.height))
    given.rate(path, sequence.fps)
    return sequence


def _write_pickle(sequence: PoseSequence, path: Path, overwrite: bool) -> None:
    pyskl_sequences.write_pyskl_sequences([Named(path.stem, sequence)], path, overwrite)


_ROWS = (
    Format(
        "npz",
        "skelact's own: everything, exactly",
        (".npz",),
        tuple(LAYOUTS),
        _ALL,
        _one(_read_npz),
        npz.save_sequence,
        mark=re.compile(rb"PK"),
    ),
    Format(
        "pyskl",
        "PYSKL's and MMAction2's pickle: one clip or many, with labels",
        (".pkl", ".pickle"),
        tuple(LAYOUTS),
        _ALL - _ABOUT - _TIMES - {"boxes", "track ids", "frame rate"},
        pyskl_sequences.read_pyskl_sequences,
        _write_pickle,
        pyskl_sequences.write_pyskl_sequences,
        mark=re.compile(rb"\x80[\x02-\x05]"),
    ),
    Format(
        "mmpose",
        "JSON predictions of MMPose's inferencer and demo scripts",
        (".json",),
        tuple(LAYOUTS),
        _ALL - _ABOUT - _TIMES - _FRAME,
        _one(mmpose.read_mmpose),
        mmpose.write_mmpose,
        mark=re.compile(rb'\s*(\{[\s\S]*"(meta_info|instance_info)"|\[\s*\{[\s\S]*"(instances|keypoint_scores)")\s*:'),
    ),
    Format(
        "coco",
        "JSON of COCO and COCO-WholeBody: annotations, or a list of results (read only)",
        (".json",),
        coco.LAYOUTS,
        _ALL - _ABOUT - _TIMES - {"frame rate"},
        _one(coco.read_coco),
        coco.write_coco,
        mark=re.compile(rb'\s*(\{[\s\S]*"(images|annotations)"|\[\s*\{[\s\S]*"image_id")\s*:'),
    ),
    Format(
        "openpose",
        "a folder of OpenPose's JSON, one file a frame: BODY_25, hands, face",
        (),
        openpose.LAYOUTS,
        _ALL - _ABOUT - _TIMES - _FRAME - {"boxes"},
        _one(openpose.read_openpose),
        openpose.write_openpose,
        mark=re.compile(rb'\s*\{[\s\S]*"people"\s*:'),
        reads_as="wholebody133",
    ),
    Format(
        "csv",
        "a long table: frame, time, track, keypoint, x, y, score",
        (".csv",),
        tuple(LAYOUTS),
        _ALL - _ABOUT - {"frame size", "frame rate"},
        _one(csv_table.read_csv),
        csv_table.write_csv,
        mark=re.compile(rb"(?:\xef\xbb\xbf)?[a-z, ]*\bkeypoint\b[a-z, ]*[\r\n]"),
    ),
    Format(
        "mot",
        "MOTChallenge's text: boxes only",
        (".txt",),
        tuple(LAYOUTS),
        frozenset({"boxes", "track ids"}),
        _one(mot.read_mot),
        mot.write_mot,
        mark=re.compile(rb"\d+\s*,\s*-?\d+\s*,\s*-?[\d.]+\s*,\s*-?[\d.]+\s*,"),
        reads_as=mot.LAYOUT,
    ),
)
FORMATS = {row.name: row for row in _ROWS}
ENDINGS = {ending for row in _ROWS for ending in row.endings}


def get_format(name: str) -> Format:
    """The format of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    if name not in FORMATS:
        raise unknown_name("format", name, FORMATS)
    return FORMATS[name]


def format_of_file(path: Path) -> Format:
    """The format of a file, by its ending, and by its first bytes where that does not tell.

    Raises:
        InputError: it is missing or unreadable.
        UsageError: neither tells.
    """
    known = [row for row in _ROWS if path.suffix.lower() in row.endings]
    if len(known) == 1:
        return known[0]
    try:
        with path.open("rb") as file:
            head = file.read(HEAD).removeprefix(b"\xef\xbb\xbf")
    except FileNotFoundError:
        raise InputError(f"there is no file {str(path)!r}: check its name and folder") from None
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    fitting = [row for row in _ROWS if row.mark and row.mark.match(head)]
    if len(fitting) == 1:
        return fitting[0]
    may_be = [row.name for row in fitting or known]
    raise UsageError(
        f"the format of {str(path)!r} cannot be told: name it with --from {' or '.join(may_be or FORMATS)}"
    )


def format_of_output(path: Path) -> Format:
    """The format that an ending stands for.

    Raises:
        UsageError: it stands for none, or for several.
    """
    known = [row for row in _ROWS if path.suffix.lower() in row.endings]
    if len(known) == 1:
        return known[0]
    if known:
        raise UsageError(
            f"{path.suffix} stands for several formats: choose --to {' or '.join(row.name for row in known)}"
        )
    raise UsageError(f"{path.name!r} does not tell a format: choose one with --to {', '.join(FORMATS)}")


def losses(sequence: PoseSequence, target: Format) -> list[str]:
    """What of a sequence a format does not hold, in words."""
    lost = [fact for fact, has in FACTS.items() if fact not in target.keeps and has(sequence)]
    if target.reads_as not in (None, sequence.layout) and "keypoints" in target.keeps:
        lost.append(f"the layout {sequence.layout} (it reads back as {target.reads_as})")
    if target.name == "coco" and sequence.layout == "expressive65":
        lost.append("the layout expressive65 (it reads back as wholebody133)")
    return lost
