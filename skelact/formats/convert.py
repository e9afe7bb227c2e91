"""From one format to another, one sequence or many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from skelact.errors import InputError, UsageError
from skelact.formats.folders import atomic_folder, check_folder
from skelact.formats.gathering import NOTHING_GIVEN, Given
from skelact.formats.openpose import ENDING as OPENPOSE_ENDING
from skelact.formats.pyskl_sequences import NO_LABEL, Named
from skelact.formats.table import ENDINGS, FORMATS, Format, format_of_file, format_of_output, get_format, losses
from skelact.formats.writing import check_output
from skelact.sequence import PoseSequence


@dataclass
class Conversion:
    """What was converted.

    Attributes:
        source_format, target_format: their names.
        sequences: how many.
        persons, frames: of all sequences together.
        layouts: of the sequences, by name.
        lost: what the output does not hold, in words.
        notes: of the sequences, one sentence each.
        classes: names of classes by their label, where a pickle was made of a folder with a subfolder each.
    """

    source_format: str
    target_format: str
    sequences: int = 0
    persons: int = 0
    frames: int = 0
    layouts: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)

    def count(self, sequence: PoseSequence, target: Format) -> None:
        """Take a sequence into account.

        Raises:
            UsageError: the target does not hold its layout.
        """
        if sequence.layout not in target.layouts:
            holders = ", ".join(name for name, row in FORMATS.items() if sequence.layout in row.layouts)
            raise UsageError(f"{target.name} does not hold layout {sequence.layout}: choose one of {holders}")
        self.sequences += 1
        self.persons += sequence.num_instances
        self.frames += sequence.num_frames
        self.layouts.add(sequence.layout)
        self.lost += [fact for fact in losses(sequence, target) if fact not in self.lost]
        self.notes += [note for note in sequence.notes if note not in self.notes]


def convert(
    source: Path,
    target: Path,
    source_format: str | None = None,
    target_format: str | None = None,
    given: Given = NOTHING_GIVEN,
    overwrite: bool = False,
    on_sequence: Callable[[int, int | None], None] | None = None,
) -> Conversion:
    """Write what is in one file or folder as another; whole or not at all.

    A pickle of many clips becomes a folder of files, those with a label in a subfolder of that number; a folder of
    files becomes a folder of files, or one pickle, in which the subfolder is the label: its number, or where not all
    subfolders are numbers, its place among their names.

    Args:
        source: a file, a folder of OpenPose's, or a folder of files of one format.
        target: the file or folder to write.
        source_format: the source's; None to tell it.
        target_format: the target's; None for that of its ending, or in a folder for npz.
        given: frame size and frames per second of a source that does not state them.
        overwrite: whether the target may be replaced.
        on_sequence: called with the sequences written, and their number if it is known.

    Raises:
        UsageError: a format cannot be told, a layout or many sequences do not fit in the target, or something has
            to be given.
        InputError: the source cannot be read, or what it holds cannot be right.
        OutputError: the target exists, or cannot be written.
    """
    _check_target(source, target, target_format, overwrite)
    reading = get_format(source_format) if source_format else _source_format(source)
    folder = source.is_dir() and reading.name != "openpose"
    files = _files(source, reading) if folder else [source]
    sequences = _read(source, files, reading, given)
    first = list(islice(sequences, 2))
    if not first:
        raise InputError(f"{str(source)!r} holds no sequences")
    many = folder or len(first) > 1
    writing = _target_format(target, target_format, many)
    done = Conversion(reading.name, writing.name)
    classes = _classes(source, files) if folder and writing.write_many else {}
    done.classes = [] if all(map(str.isdigit, classes)) else list(classes)
    total = len(files) if len(files) > 1 else None

    def counted() -> Iterator[Named]:
        for named in chain(first, sequences):
            done.count(named.sequence, writing)
            yield _labelled(named, classes)
            if on_sequence:
                on_sequence(done.sequences, total)

    if writing.write_many:
        check_output(target, overwrite)
        writing.write_many(counted(), target, overwrite)
    elif many:
        _write_folder(counted(), target, writing, overwrite)
    else:
        check_folder(target, OPENPOSE_ENDING, overwrite) if not writing.endings else check_output(target, overwrite)
        for named in counted():
            writing.write(named.sequence, target, overwrite)
    return done


def _check_target(source: Path, target: Path, name: str | None, overwrite: bool) -> None:
    """Refuse a target before a source is read that may take long."""
    if target.resolve() in source.resolve().parents:  # and would be replaced together with it
        raise UsageError(f"{str(source)!r} is inside {str(target)!r}: give another name for the output")
    if name:
        get_format(name)
    elif target.suffix:
        format_of_output(target)
    if not target.is_dir():
        check_output(target, overwrite)


def _source_format(source: Path) -> Format:
    if not source.is_dir():
        return format_of_file(source)
    if next(source.glob(f"*{OPENPOSE_ENDING}"), None):
        return FORMATS["openpose"]
    found = {format_of_file(file).name for file in _visible(source) if file.suffix.lower() in ENDINGS}
    if len(found) == 1:
        return FORMATS[found.pop()]
    if found:
        raise UsageError(f"{str(source)!r} holds files of several formats: choose --from {' or '.join(sorted(found))}")
    raise InputError(f"{str(source)!r} holds no files of sequences: known endings are {', '.join(sorted(ENDINGS))}")


def _visible(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]


def _files(folder: Path, reading: Format) -> list[Path]:
    files = [file for file in _visible(folder) if file.suffix.lower() in reading.endings]
    if not files:
        raise InputError(f"{str(folder)!r} holds no {' or '.join(reading.endings)} files, as {reading.name} has them")
    return files


def _classes(folder: Path, files: list[Path]) -> dict[str, int]:
    """The label of each subfolder: its number where all are numbers, else its place by name."""
    inside = [file.relative_to(folder).parts for file in files]
    names = sorted({parts[0] for parts in inside if len(parts) > 1})
    numbered = all(name.isascii() and name.isdigit() and len(name) < 10 for name in names)
    return {name: int(name) if numbered else label for label, name in enumerate(names)}


def _read(source: Path, files: list[Path], reading: Format, given: Given) -> Iterator[Named]:
    """All sequences, those of files in a folder named by where they are in it."""
    for file in files:
        for named in reading.read(file, given):
            if file == source:
                yield named
                continue
            inside = PurePosixPath(*file.relative_to(source).parts).with_suffix("")
            name = str(inside / named.name) if reading.write_many else str(inside)
            yield Named(name, named.sequence, named.label)


def _labelled(named: Named, classes: dict[str, int]) -> Named:
    """With the label of its subfolder, which a number is no more needed for in the name."""
    subfolder, _, rest = named.name.partition("/")
    if named.label != NO_LABEL or not rest or subfolder not in classes:
        return named
    label = classes[subfolder]
    return Named(rest if subfolder == str(label) else named.name, named.sequence, label)


def _target_format(target: Path, name: str | None, many: bool) -> Format:
    if name:
        writing = get_format(name)
    elif many and not target.suffix:
        writing = FORMATS["npz"]
    else:
        writing = format_of_output(target)
    if many and not writing.write_many and target.suffix.lower() in ENDINGS:
        raise UsageError(f"many sequences do not fit into {target.name!r}: name a folder, or a .pkl, which holds many")
    return writing


def _write_folder(sequences: Iterator[Named], target: Path, writing: Format, overwrite: bool) -> None:
    ending = writing.endings[0] if writing.endings else OPENPOSE_ENDING
    with atomic_folder(target, ending, overwrite) as draft:
        for named in sequences:
            inside = _inside(named)
            file = draft / (inside.parent / f"{inside.name}{ending}" if writing.endings else inside)
            if file.exists():
                raise InputError(f"two sequences are called {str(inside)!r}: names must be unique")
            writing.write(named.sequence, file, False)


def _inside(named: Named) -> PurePosixPath:
    """Where in a folder a sequence goes.

    Raises:
        InputError: its name would leave the folder.
    """
    name = PurePosixPath(named.name)
    odd = "\0" in named.name or "\\" in named.name or any(part.startswith(".") for part in name.parts)
    if name.is_absolute() or odd or not name.parts:
        raise InputError(f"{named.name[:80]!r} cannot be the name of a file in a folder: rename the clip")
    return name if named.label == NO_LABEL else PurePosixPath(str(named.label)) / name
