"""From the name of a trained recognizer, or its file, to the recognizer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from skelact.ensemble import Ensemble, published_weights
from skelact.errors import WeightsError, unknown_name
from skelact.models.checkpoints import fill, load_state_dict_file
from skelact.models.zoo import ZOO, ZooEntry, zoo_entry
from skelact.recognition import TrainedRecognizer, load_recognizer

DEFAULT_MODEL = "ntu120"
FALLBACK_MODEL = "asl-words"


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
            return _from_zoo(ZOO[DEFAULT_MODEL], "j", offline)
        except WeightsError as error:
            warn(
                f"the model is {FALLBACK_MODEL}, which knows 16 signs and no other action, because {DEFAULT_MODEL} "
                f"cannot be had: {error}"
            )
            return _from_zoo(ZOO[FALLBACK_MODEL], "j", offline)
    if name in ZOO:
        return _from_zoo(ZOO[name], "j", offline)
    if Path(name).suffix == ".safetensors" or Path(name).exists():
        return load_recognizer(name)
    raise unknown_name("model", name, ZOO)


def find_ensemble(
    models: Sequence[str] | None = None,
    streams: Sequence[str] | None = None,
    *,
    offline: bool = False,
    warn: Callable[[str], None] = warnings.warn,
) -> Ensemble:
    """The recognizers whose probabilities are averaged, or the only one.

    Args:
        models, streams: see `skelact.settings.PredictSettings`.
        offline, warn: see `find_recognizer`.

    Raises:
        UsageError: an unknown name, a stream that the model does not have, or streams without published weights.
        InputError, WeightsError: weights cannot be had, or do not fit.
    """
    if streams is None:
        names: Sequence[str | None] = models or [None]
        return Ensemble.of([find_recognizer(name, offline=offline, warn=warn) for name in names])
    entry = zoo_entry(models[0] if models else DEFAULT_MODEL)
    weights = published_weights(streams) if len(streams) > 1 else (1.0,)
    return Ensemble.of([_from_zoo(entry, stream, offline) for stream in streams], weights)


def _from_zoo(entry: ZooEntry, stream: str, offline: bool) -> TrainedRecognizer:
    if entry.bundled is not None:
        if stream != "j":
            raise unknown_name(f"stream of {entry.name}", stream, ["j"])
        return load_recognizer(entry.bundled)
    if entry.architecture is None or entry.preprocessing is None:
        raise ValueError(f"{entry.name} is neither bundled nor described")
    from skelact.download import download_progress, fetch

    with download_progress() as progress:
        # The publisher states no checksum: the transfer is authenticated by https, and the names must all fit.
        file = fetch(entry.address(stream), sha256=None, folder=entry.name, offline=offline, progress=progress)
    model = fill(entry.architecture, load_state_dict_file(file), str(file))
    return TrainedRecognizer(model, replace(entry.preprocessing, stream=stream), entry.class_names(), entry.name, {})
