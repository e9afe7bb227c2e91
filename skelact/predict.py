"""From a video, or the keypoints of one, to the action in it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skelact.devices import resolve_device
from skelact.errors import InputError, UsageError, WeightsError, unknown_name
from skelact.formats.npz import load_sequence
from skelact.models.checkpoints import fill, load_state_dict_file
from skelact.models.zoo import ZOO, ZooEntry
from skelact.pipeline import extract
from skelact.recognition import TrainedRecognizer, load_recognizer
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings

DEFAULT_MODEL = "ntu120"
FALLBACK_MODEL = "asl-words"


@dataclass(frozen=True)
class Action:
    """An action and how probable it is, 0..1, among those the model knows."""

    name: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The most probable actions of one clip.

    Attributes:
        source: the file the clip came from.
        actions: the most probable first.
        model: the recognizer.
        estimator: what found the keypoints.
        persons: how many were seen.
        frames: of the clip.
        seconds: length of the clip.
        notes: what a reader should know, one sentence each.
    """

    source: str
    actions: tuple[Action, ...]
    model: str
    estimator: str
    persons: int
    frames: int
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as printed by `--json`."""
        return asdict(self)


def check_source(source: str | Path) -> None:
    """Make sure that an input is there, before anything is loaded or downloaded for it.

    Raises:
        InputError: it is not.
    """
    if not Path(source).exists():
        raise InputError(f"there is no file {str(source)!r}: give a video or a .npz sequence")


def find_recognizer(
    name: str | None, *, offline: bool = False, warn: Callable[[str], None] = warnings.warn
) -> TrainedRecognizer:
    """The trained recognizer of a name or file; published weights are downloaded on first use.

    Args:
        name: a name of the zoo, a .safetensors file written by skelact, or None for `DEFAULT_MODEL`, in whose
            place `FALLBACK_MODEL` stands where it cannot be had.
        offline: never use the network.
        warn: called with one sentence in that case.

    Raises:
        UsageError: an unknown name.
        InputError, WeightsError: the weights cannot be had, or do not fit.
    """
    if name is None:
        try:
            return _from_zoo(ZOO[DEFAULT_MODEL], offline)
        except WeightsError as error:
            warn(
                f"the model is {FALLBACK_MODEL}, which knows 16 signs and no other action, because {DEFAULT_MODEL} "
                f"cannot be had: {error}"
            )
            return _from_zoo(ZOO[FALLBACK_MODEL], offline)
    if name in ZOO:
        return _from_zoo(ZOO[name], offline)
    if Path(name).suffix == ".safetensors" or Path(name).exists():
        return load_recognizer(name)
    raise unknown_name("model", name, ZOO)


def _from_zoo(entry: ZooEntry, offline: bool) -> TrainedRecognizer:
    if entry.bundled is not None:
        return load_recognizer(entry.bundled)
    if entry.architecture is None or entry.preprocessing is None:
        raise ValueError(f"{entry.name} is neither bundled nor described")
    from skelact.download import download_progress, fetch

    with download_progress() as progress:
        # The publisher states no checksum: the transfer is authenticated by https, and the names must all fit.
        file = fetch(entry.address("j"), sha256=None, folder=entry.name, offline=offline, progress=progress)
    model = fill(entry.architecture, load_state_dict_file(file), str(file))
    return TrainedRecognizer(model, entry.preprocessing, entry.class_names(), entry.name, {})


def predict_sequence(
    sequence: PoseSequence, recognizer: TrainedRecognizer, *, top_k: int = 5, device: str = "cpu"
) -> Prediction:
    """The most probable actions of a sequence, taken as one clip.

    Args:
        sequence: keypoints of the clip.
        recognizer: what names the action.
        top_k: how many actions to tell, at least 1.
        device: resolved, e.g. "cpu" or "cuda".

    Raises:
        UsageError: `top_k` is below 1.
        NobodySeenError: nobody was seen.
        InputError: keypoints that the recognizer needs are missing.
    """
    if top_k < 1:
        raise UsageError(f"top-k is {top_k}: ask for at least 1 action")
    probabilities = recognizer.probabilities(sequence, device)
    best = probabilities.argsort()[::-1][:top_k]
    times = sequence.timestamps
    notes = sequence.notes
    most = recognizer.preprocessing.max_instances
    if sequence.num_instances > most:
        notes += (f"{recognizer.name} looks at {most} of the {sequence.num_instances} persons: those seen longest",)
    return Prediction(
        source=sequence.source,
        actions=tuple(Action(recognizer.class_names[k], float(probabilities[k])) for k in best),
        model=recognizer.name,
        estimator=sequence.estimator,
        persons=int(sequence.present.any(axis=1).sum()),
        frames=sequence.num_frames,
        seconds=float(times[-1] - times[0] + 1 / sequence.fps),
        notes=notes,
    )


def predict(
    source: str | Path,
    *,
    model: str | TrainedRecognizer | None = None,
    top_k: int = 5,
    extraction: ExtractSettings = ExtractSettings(),
    on_frame: Callable[[int, int | None], None] | None = None,
    warn: Callable[[str], None] = warnings.warn,
) -> Prediction:
    """The most probable actions of a video, or of a sequence that `extract` saved.

    Args:
        source: a video, or a .npz sequence.
        model: see `find_recognizer`; or a recognizer already loaded.
        top_k: how many actions to tell.
        extraction: how keypoints are found; its device and `offline` are the recognizer's too.
        on_frame, warn: see `skelact.pipeline.extract`.

    Raises:
        SkelactError: see `find_recognizer`, `extract` and `predict_sequence`.
    """
    check_source(source)
    device = resolve_device(extraction.device)
    recognizer = (
        model if isinstance(model, TrainedRecognizer) else find_recognizer(model, offline=extraction.offline, warn=warn)
    )
    if Path(source).suffix == ".npz":
        sequence = load_sequence(Path(source))
    else:
        sequence = extract(source, extraction, on_frame=on_frame, warn=warn)
    return predict_sequence(sequence, recognizer, top_k=top_k, device=device)
