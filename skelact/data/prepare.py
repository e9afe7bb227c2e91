"""From the videos of a public data set, or the annotations that others made of them, to clips to train on.

The folder of a prepared data set holds `sequences/NAME.npz`, the keypoints of everybody in each video, `clips/`, the
annotation of the whole set (see `skelact.data.storage`), and `failed.txt`, the videos and samples without one.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import platformdirs

from skelact.batch.inputs import Item
from skelact.batch.job import FAILED, NOBODY, Existing, Factory
from skelact.batch.run import ONE_PROCESS, Means, extract_all
from skelact.data.clips import Clip, ClipSet
from skelact.data.datasets import DatasetSpec, Sample, get_dataset
from skelact.data.datasets.survey import Found, Survey
from skelact.data.storage import ClipWriter, is_clip_folder, open_clips
from skelact.errors import InputError, OutputError
from skelact.formats.npz import load_sequence
from skelact.formats.pyskl import convert_pyskl
from skelact.formats.writing import atomic_write
from skelact.grouping import main_persons
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings

CLIPS_FOLDER = "clips"
SEQUENCES_FOLDER = "sequences"
FAILED_FILE = "failed.txt"
DEFAULT_LAYOUT = "expressive65"

Progress = Callable[[int, int | None], None]  # what is done, and the total


@dataclass(frozen=True)
class Prepared:
    """What has become of a data set.

    Attributes:
        folder: with the clips.
        clips: how many there are.
        parts: part of a split to the number of its clips.
        failures: videos and samples without a clip, and why.
        estimators: what found the keypoints, to the number of clips.
    """

    folder: Path
    clips: int
    parts: dict[str, int]
    failures: dict[str, str]
    estimators: dict[str, int]


def default_folder(name: str) -> Path:
    """Where a data set is prepared and looked for: below SKELACT_HOME, or the user's data folder for skelact."""
    home = os.environ.get("SKELACT_HOME")
    root = Path(home).expanduser().absolute() if home else platformdirs.user_data_path("skelact")
    return root / "datasets" / name


def open_prepared(name: str, folder: Path | None = None) -> ClipSet:
    """The clips of a data set that `skelact prepare` has prepared.

    Args:
        name: of `skelact.data.datasets`.
        folder: where it was prepared; None for `default_folder`.

    Raises:
        UsageError: there is no such data set.
        InputError: it is not prepared, or damaged; tells the command that prepares it.
    """
    spec = get_dataset(name)
    place = folder or default_folder(name)
    if not is_clip_folder(place / CLIPS_FOLDER):
        command = f"skelact prepare {name} --videos FOLDER" + (" --lists FOLDER" if spec.lists else "")
        command += f" -o {place}" if folder else ""
        raise InputError(
            f"{spec.title} is not prepared in {str(place)!r}: run `{command}` "
            f"with the folder of its videos (see {spec.owner}), or give a PYSKL pickle of it by --annotations FILE.pkl"
        )
    return open_clips(place / CLIPS_FOLDER)


def extract_videos(
    survey: Survey,
    folder: Path,
    settings: ExtractSettings,
    means: Means = ONE_PROCESS,
    *,
    on_video: Progress | None = None,
    make: Factory | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> dict[str, str]:
    """Extract the keypoints of all videos into `folder`/sequences.

    Videos whose sequence is there already, by the same settings, are not extracted again, so that a run that was
    stopped goes on where it was; sequences that do not tell their settings (as converted ones) count if they can be
    read and are not older than the video. A video that cannot be read does not stop the others; the next run tries
    it again. A sequence takes up to 0.3 MB for two persons and 100 frames.

    Args:
        survey: the videos, see `skelact.data.datasets.survey`.
        folder: where the data set is prepared.
        settings: how to extract.
        means: what to compute with.
        on_video: called with the videos done (or found to be) and their number.
        make: makes what extracts; None for `skelact.pipeline.extractor`.
        warn: called with one sentence where MediaPipe stands in for the default.

    Returns:
        The videos without a sequence, or with one without persons, and why; `failed.txt` holds the same.

    Raises:
        UsageError, WeightsError: as they would be the same for every video.
        OutputError: something cannot be written, or sequences are there by other settings.
    """
    items = {Item(found.path, sequence_path(folder, found)): found.video.name for found in survey.found}
    results = extract_all(list(items), settings, means, _existing(folder), make=make, warn=warn)
    failures: dict[str, str] = {}
    try:
        with closing(results):
            for done, result in enumerate(results, 1):
                if result.status in (FAILED, NOBODY):
                    failures[items[result.item]] = result.reason
                if on_video:
                    on_video(done, len(items))
    finally:
        failures = {name: failures[name] for name in items.values() if name in failures}
        _write_failures(folder, failures)
    return failures


def _existing(folder: Path) -> Existing:
    place = str(folder / SEQUENCES_FOLDER)
    return Existing(unsigned=True, remedy=f"delete {place!r} to extract everything anew, or give the same options")


def write_clips(
    survey: Survey,
    folder: Path,
    failures: Mapping[str, str],
    *,
    layout: str = DEFAULT_LAYOUT,
    overwrite: bool = False,
    on_clip: Progress | None = None,
) -> Prepared:
    """Write the main persons of all samples that there are sequences of to `folder`/clips, with the splits.

    Args:
        survey: the videos.
        folder: where `extract_videos` put their sequences.
        failures: the videos without one, and why.
        layout: of the clips, whose keypoints the sequences have.
        overwrite: whether clips that are there may be replaced.
        on_clip: called with the samples done and their number.

    Raises:
        InputError: no clip came out at all, or a sequence lacks keypoints of the layout.
        OutputError: the clips exist, or cannot be written.
    """
    failed = dict(failures)
    estimators: Counter[str] = Counter()
    members: list[tuple[str, ...]] = []
    seconds: list[float] = []
    spec = survey.spec
    with ClipWriter(folder / CLIPS_FOLDER, spec.class_names, layout, overwrite) as writer:
        for done, (sample, sequence) in enumerate(_samples(survey, folder, failures), 1):
            persons = main_persons(_cut(sequence, sample), spec.main_persons)
            if persons.num_instances:
                writer.add(_clip(persons.to_layout(layout), sample))
                estimators[persons.estimator] += 1
                members.append(sample.parts)
                seconds.append(persons.num_frames / persons.fps)
            else:
                failed[sample.name] = _why_nobody(sequence, sample)
            if on_clip:
                on_clip(done, len(survey.samples))
        _write_failures(folder, failed)
        if not members:
            name, reason = next(iter(failed.items()))
            raise InputError(
                f"no clip came out of the {len(survey.found)} videos of {spec.title}: {name}: {reason} (every reason "
                f"is in {str(folder / FAILED_FILE)!r})"
            )
        writer.splits.update({part: np.array([part in mine for mine in members]) for part in spec.parts})
        writer.clip_seconds = float(np.median(seconds))
    parts = {part: int(mask.sum()) for part, mask in writer.splits.items()}
    return Prepared(folder, len(members), parts, failed, dict(estimators))


def prepare_annotations(
    spec: DatasetSpec, annotations: Path, folder: Path, *, overwrite: bool = False, on_clip: Progress | None = None
) -> Prepared:
    """Write the clips of a PYSKL pickle of a data set, with its class names and the names of its splits' parts.

    A pickle without splits gets those that the names of its samples tell, where they do.

    Raises:
        InputError: it cannot be read, or is of another data set.
        OutputError: the clips exist, or cannot be written.
    """
    check_free(folder, overwrite)
    target = folder / CLIPS_FOLDER
    convert_pyskl(
        annotations,
        target,
        spec.class_names,
        spec.pyskl_parts,
        spec.group_of,
        None if spec.lists else _parts_by_name(spec),
        overwrite,
        on_clip,
    )
    clips = open_clips(target)
    parts = {part: int(mask.sum()) for part, mask in clips.splits.items()}
    parts |= {part: 0 for part in spec.parts if part not in parts}
    return Prepared(folder, len(clips), parts, {}, {})


def check_free(folder: Path, overwrite: bool) -> None:
    """Make sure that clips may be written, before the work that goes into them.

    Raises:
        OutputError: there are some and `overwrite` is not set, or something else is in their place.
    """
    target = folder / CLIPS_FOLDER
    if target.exists() and not (overwrite and is_clip_folder(target)):
        raise OutputError(
            f"{str(target)!r} exists: give another folder, or --overwrite to write the clips anew "
            "(sequences that are there are kept and used)"
        )


def sequence_path(folder: Path, found: Found) -> Path:
    """Where the sequence of a video is kept."""
    return folder / SEQUENCES_FOLDER / f"{found.video.name}.npz"


def _samples(survey: Survey, folder: Path, failures: Mapping[str, str]) -> Iterator[tuple[Sample, PoseSequence]]:
    """Every sample of the videos that did not fail, with the sequence of its whole video."""
    for found in survey.found:
        if found.video.name not in failures:
            sequence = load_sequence(sequence_path(folder, found))
            for sample in found.video.samples:
                yield sample, sequence


def _cut(sequence: PoseSequence, sample: Sample) -> PoseSequence:
    return sequence if sample.frames is None else sequence.frames(*sample.frames)


def _why_nobody(sequence: PoseSequence, sample: Sample) -> str:
    start, stop = sample.frames or (0, sequence.num_frames)
    if start >= sequence.num_frames:
        return f"it starts at frame {start}, and the video has {sequence.num_frames} frames"
    return f"nobody was seen in its {min(stop, sequence.num_frames) - start} frames"


def _clip(sequence: PoseSequence, sample: Sample) -> Clip:
    return Clip(
        sequence.keypoints,
        sequence.scores,
        sequence.width,
        sequence.height,
        sample.label,
        sample.name,
        sample.group,
    )


def _write_failures(folder: Path, failures: dict[str, str]) -> None:
    """A line for each: name, a tab, reason."""
    path = folder / FAILED_FILE
    if not failures:
        path.unlink(missing_ok=True)
        return
    with atomic_write(path, overwrite=True) as file:
        file.write("".join(f"{name}\t{' '.join(reason.split())}\n" for name, reason in failures.items()).encode())


def _parts_by_name(spec: DatasetSpec) -> Callable[[str], tuple[str, ...]]:
    rule = spec.rule(None)

    def parts_of(name: str) -> tuple[str, ...]:
        video = rule(PurePath(name))
        return video.samples[0].parts if video and video.samples else ()

    return parts_of
