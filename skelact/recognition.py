"""A trained recognizer as a file: network, preprocessing and class names together."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from skelact.data.transforms import UNSEEN, normalize, to_clips
from skelact.errors import InputError, UsageError, WeightsError
from skelact.formats.writing import atomic_write
from skelact.models.architecture import Architecture
from skelact.models.checkpoints import fill
from skelact.models.preprocessing import Preprocessing
from skelact.models.recognizer import Recognizer
from skelact.sequence import PoseSequence

if TYPE_CHECKING:
    import torch

FORMAT = "skelact recognizer 1"
# Of a clip, where nothing else is known: about the mean of NTU RGB+D 120.
USUAL_CLIP_SECONDS = 3.0

# What was measured on clips, or chosen for the use of a recognizer.
_MEASURED = ("temperature", "clip_seconds", "no_action", "threshold")


@dataclass(frozen=True)
class TrainedRecognizer:
    """A network with all that is needed to use it.

    Attributes:
        model: in eval mode.
        preprocessing: what turns a PoseSequence into its input.
        class_names: one a logit.
        name: what to call it in results.
        training: how it was trained, for the record; plain values.
        temperature: what logits are divided by before the softmax (Guo et al. 2017), 1 where it was not calibrated;
            see `skelact.training.calibrate`.
        clip_seconds: usual length of the clips it was trained on; `USUAL_CLIP_SECONDS` where that was not recorded.
        no_action: the class that means that none of the others happens; "" where there is none.
        threshold: the probability below which an action is not told, chosen on clips it was not trained on; 0 where
            none was chosen.
    """

    model: Recognizer
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    name: str
    training: dict[str, Any]
    temperature: float = 1.0
    clip_seconds: float = USUAL_CLIP_SECONDS
    no_action: str = ""
    threshold: float = 0.0

    def __post_init__(self) -> None:
        """Check that network, preprocessing, class names and temperature fit together.

        Raises:
            WeightsError: they do not.
        """
        architecture = self.model.architecture
        found = (architecture.layout, architecture.in_channels, self.model.num_classes)
        wanted = (self.preprocessing.layout, self.preprocessing.channels, len(self.class_names))
        if found != wanted:
            raise WeightsError(
                f"{self.name}: the network's layout, channels and classes are {found}, the description says {wanted}"
            )
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise WeightsError(f"{self.name}: the temperature is {self.temperature}, and must be a number above 0")
        if not (math.isfinite(self.clip_seconds) and self.clip_seconds > 0):
            raise WeightsError(f"{self.name}: its clips are {self.clip_seconds} seconds long, which must be above 0")
        if not 0 <= self.threshold <= 1:
            raise WeightsError(f"{self.name}: the threshold is {self.threshold}, and must be 0 to 1")
        if self.no_action and self.no_action not in self.class_names:
            raise WeightsError(f"{self.name}: {self.no_action!r} is to mean no action, and is none of its classes")

    def probabilities(
        self, sequences: Sequence[PoseSequence], device: str = "cpu", test_clips: int | None = None
    ) -> np.ndarray:
        """The probability of each class in each sequence, taken as one clip, (N, num_classes) float64.

        Softmax of each test clip, averaged, as published (Yang et al. 2024; see also PYSKL), at the recognizer's
        temperature. The persons who come first in a sequence are looked at. A sequence in which no keypoint that the
        recognizer looks at was seen has zeros.

        Args:
            sequences: of any lengths and persons.
            device: resolved, e.g. "cpu" or "cuda".
            test_clips: how many to average; None for as many as the recognizer was tested with.

        Raises:
            InputError: a sequence lacks keypoints of the recognizer's layout.
            WeightsError: the network's output is not finite.
        """
        count = test_clips or self.preprocessing.test_clips
        result = np.zeros((len(sequences), len(self.class_names)))
        clips = {k: found[0] for k, one in enumerate(sequences) if (found := self.clips(one, count)) is not None}
        if clips:
            logits = class_logits(_on(self.model, device), np.concatenate(list(clips.values())), device)
            per_sequence = logits.reshape(len(clips), count, -1)
            result[list(clips)] = mean_probabilities(per_sequence, self.temperature)
        return result

    def clips(self, sequence: PoseSequence, count: int) -> tuple[np.ndarray, np.ndarray] | None:
        """A sequence as the network takes it; None where nothing was seen in it.

        Args:
            sequence: taken as one clip.
            count: how many test clips to draw.

        Returns:
            Clips (count, max_instances, clip_len, V, C), and (V,) bool, whether each keypoint was ever seen of those
            persons.

        Raises:
            InputError: the sequence lacks keypoints of the recognizer's layout.
        """
        sequence = sequence.to_layout(self.preprocessing.layout)
        points, scores = normalize(
            sequence.keypoints, sequence.scores, sequence.width, sequence.height, self.preprocessing
        )
        if not (scores > UNSEEN).any():
            return None
        seen = (scores[: self.preprocessing.max_instances] > UNSEEN).any(axis=(0, 1))
        return to_clips(points, scores, self.preprocessing, count), seen


def _on(model: Recognizer, device: str) -> Recognizer:
    """The model on a device: `to` asks each of its modules, which takes as long as some windows do."""
    import torch

    wanted, parameter = torch.device(device), next(model.parameters(), None)
    if parameter is not None:
        here = parameter.device
        if here.type == wanted.type and wanted.index in (None, here.index):
            return model
    return model.to(wanted)


def class_logits(model: torch.nn.Module, clips: np.ndarray, device: str) -> np.ndarray:
    """Clips (N, I, T, V, C) to logits (N, num_classes) float32, computed on that device.

    Raises:
        WeightsError: they are not finite.
    """
    import torch

    with torch.inference_mode():
        logits = model(torch.from_numpy(clips).to(device)).float().cpu().numpy()
    if not np.isfinite(logits).all():
        raise WeightsError("the network's output is not finite: its weights are damaged, or its training diverged")
    return logits


def mean_probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Logits (..., K, num_classes) of K test clips to (..., num_classes) float64: softmax, then the mean over clips.

    The temperature divides the logits of each clip, before the softmax.
    """
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=-1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=-1, keepdims=True)
    return scaled.mean(axis=-2)


def save_recognizer(recognizer: TrainedRecognizer, path: str | Path) -> None:
    """Write a .safetensors file with everything in it; an existing file is replaced as a whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    from safetensors.torch import save

    description = {
        "architecture": asdict(recognizer.model.architecture),
        "preprocessing": asdict(recognizer.preprocessing),
        "class_names": list(recognizer.class_names),
        "name": recognizer.name,
        "training": recognizer.training,
        **{name: getattr(recognizer, name) for name in _MEASURED},
    }
    metadata = {"format": FORMAT, "description": json.dumps(description, ensure_ascii=False)}
    tensors = {name: tensor.contiguous().cpu() for name, tensor in recognizer.model.state_dict().items()}
    content = save(tensors, metadata)
    with atomic_write(Path(path), overwrite=True) as file:
        file.write(content)


def load_recognizer(path: str | Path) -> TrainedRecognizer:
    """Read what `save_recognizer` wrote.

    Raises:
        InputError: there is no such file.
        WeightsError: it is something else, or does not fit together; says what.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise InputError(f"no recognizer at {path}: give the path of a .safetensors file that skelact wrote")
    try:
        with safe_open(path, framework="pt") as content:
            metadata = content.metadata() or {}
            state = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
    found = metadata.get("format", "")
    if found != FORMAT and found.startswith("skelact recognizer"):
        raise WeightsError(f"{path} is of a later version ({found}): update skelact")
    if found != FORMAT:
        raise WeightsError(
            f"{path} has no description of a skelact recognizer: bring checkpoints of other tools in with "
            "`skelact models import`"
        )
    try:
        description = json.loads(metadata["description"])
        architecture = Architecture(**description["architecture"])
        preprocessing = Preprocessing(**description["preprocessing"])
        names = tuple(str(name) for name in description["class_names"])
        name, training = str(description["name"]), dict(description["training"])
        measured = {name: description[name] for name in _MEASURED}
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise WeightsError(f"{path}: its description is damaged or of a later version: {error}") from error
    model = fill(architecture, state, str(path))
    try:
        return TrainedRecognizer(model, preprocessing, names, name, training, **measured)
    except (TypeError, WeightsError) as error:
        raise WeightsError(f"{path}: {error}") from None
