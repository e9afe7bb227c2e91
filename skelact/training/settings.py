"""What a training run can be told, the recipes there are, and changes to them by name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_type_hints

from skelact.data.augment import Augmentation
from skelact.errors import InputError, UsageError, unknown_name
from skelact.models.architecture import Architecture, architecture_of, stage_channels
from skelact.models.preprocessing import Preprocessing

OPTIMIZERS = ("sgd", "adamw")
_OF_PREPROCESSING = (
    "layout", "stream", "normalize", "clip_len", "test_clips", "max_instances", "upper_body", "hands",
)  # fmt: skip
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class TrainSettings:
    """A training run. The defaults are the published recipe (Yang et al. 2024, section 4.2).

    Attributes:
        model: a network of `skelact.models.list_models`.
        channels: of the stages at the three resolutions, as published; fewer train faster.
        transformations: Skeleton Transformations of a SkeleT network, 0 to 2.
        instance_pooling: pool a group of persons to one skeleton before the first stage.
        embedding: of Instance Pooling: "", "V" or "VC".
        layout, stream, normalize, clip_len, test_clips, max_instances, upper_body, hands: see
            `skelact.models.preprocessing.Preprocessing`.
        epochs: how often the epoch below is run.
        repeat: passes over the training clips in an epoch.
        batch_size: clips of a step, over all processes and accumulated parts.
        accumulate: parts that a step is computed in, to save memory.
        optimizer: sgd (Nesterov) or adamw.
        lr: peak learning rate, from which a cosine falls to 0 step by step.
        momentum: of sgd.
        weight_decay: of either.
        warmup: share of the steps in which the rate climbs to its peak.
        zero_init_residual: let every stage of a fresh network start as its shortcut.
        normalize_features: of a fresh network, train the head on features normalised over the batch.
            Helps on few clips.
        label_smoothing: share of the target spread over all classes.
        balance_classes: draw every class equally often.
        no_action: the class of clips in which none of the other classes' actions happens; "" for none.
        transitions: share of training clips made up of the way from one action to another, as clips of `no_action`.
        ema: momentum of an exponential moving average of the weights that is tested and kept; 0 is none.
        early_stopping: validations without a better top-1 after which training stops; 0 is never.
        validate_every: epochs between validations.
        precision: float32, or mixed precision with bfloat16 or float16.
        seed: of the initial weights and of all draws.
        deterministic: only deterministic kernels on the GPU; slower.
        workers: processes that prepare clips, for each training process.
        augment: changes to the training clips; none are published.
    """

    model: str = "skelet-dgstgcn"
    channels: str = "64,128,256"
    transformations: int = 2
    instance_pooling: bool = False
    embedding: str = ""
    layout: str = "expressive65"
    stream: str = "j"
    normalize: str = "image"
    clip_len: int = 100
    test_clips: int = 10
    max_instances: int = 2
    upper_body: bool = False
    hands: bool = True
    epochs: int = 24
    repeat: int = 5
    batch_size: int = 128
    accumulate: int = 1
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.0
    zero_init_residual: bool = False
    normalize_features: bool = False
    label_smoothing: float = 0.0
    balance_classes: bool = False
    no_action: str = ""
    transitions: float = 0.0
    ema: float = 0.0
    early_stopping: int = 0
    validate_every: int = 1
    precision: str = "float32"
    seed: int = 0
    deterministic: bool = False
    workers: int = 0
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        """Check the values that no other part checks.

        Raises:
            UsageError: one cannot be; says which.
        """
        if self.optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMIZERS)
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)
        for name in ("epochs", "repeat", "batch_size", "accumulate", "validate_every"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}: it must be at least 1")
        for name in ("lr", "weight_decay", "early_stopping", "workers"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} is {getattr(self, name)}: it must be a number that is not negative")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed is {self.seed}: it must be at least 0 and below 2^32")
        for name in ("momentum", "warmup", "label_smoothing", "transitions", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}: it must be at least 0 and below 1")
        if self.batch_size % self.accumulate:
            raise UsageError(f"batch_size {self.batch_size} cannot be computed in {self.accumulate} equal parts")

    def preprocessing(self) -> Preprocessing:
        """The recognizer's input."""
        return Preprocessing(**{name: getattr(self, name) for name in _OF_PREPROCESSING})

    def architecture(self) -> Architecture:
        """The network.

        Raises:
            UsageError: there is no such network.
        """
        options: dict[str, Any] = {
            "channels": self._stage_channels(),
            "in_channels": self.preprocessing().channels,
        }
        if self.model.startswith("skelet"):
            options["transformations"] = self.transformations
        if self.instance_pooling or self.embedding:
            options |= {"instance_pooling": self.instance_pooling, "embedding": self.embedding or None}
        return architecture_of(self.model, layout=self.layout, **options)

    def _stage_channels(self) -> tuple[int, ...]:
        widths = re.fullmatch(r"(\d+),(\d+),(\d+)", self.channels)
        if widths is None:
            raise UsageError(f"channels is {self.channels!r}: it must be three whole numbers, as 64,128,256")
        return stage_channels(*map(int, widths.groups()))

    def change(self, changes: Iterable[str]) -> TrainSettings:
        """These settings with changes, e.g. "lr=0.05" or "augment.mirror=0.5".

        Raises:
            UsageError: an unknown key (names the nearest) or a value of the wrong type.
        """
        values = asdict(self)
        for change in changes:
            key, equals, text = change.partition("=")
            if not equals:
                raise UsageError(f"{change!r} is no key=value: write for example lr=0.05")
            if key not in _types():
                raise unknown_name("setting", key, _types())
            outer, _, inner = key.rpartition(".")
            (values[outer] if outer else values)[inner] = _read(key, text, _types()[key])
        return settings_from(values)


def _types() -> dict[str, type]:
    """Key to type of every setting, those of the augmentation with `augment.` in front."""
    types = dict(get_type_hints(TrainSettings))
    del types["augment"]
    return types | {f"augment.{name}": kind for name, kind in get_type_hints(Augmentation).items()}


def _read(key: str, text: str, kind: type) -> Any:
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}[kind]
        raise UsageError(f"{key} is {text!r}: it must be {wanted}") from None


def settings_from(values: dict[str, Any]) -> TrainSettings:
    """Settings from plain values, as `asdict` gives them and settings files hold them; what is left out is default.

    Raises:
        UsageError: an unknown key or a value of the wrong type.
    """
    inner = values.get("augment", {})
    if not isinstance(inner, dict):
        raise UsageError(f"augment is {inner!r}: it must hold the settings of the augmentation by name")
    flat = {key: value for key, value in values.items() if key != "augment"}
    flat |= {f"augment.{key}": value for key, value in inner.items()}
    for key, value in flat.items():
        kind = _types().get(key)
        if kind is None:
            raise unknown_name("setting", key, _types())
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            flat[key] = float(value)
        elif type(value) is not kind:
            raise UsageError(f"{key} is {value!r}: it must be a {kind.__name__}")
    inner = {key.partition(".")[2]: value for key, value in flat.items() if key.startswith("augment.")}
    outer = {key: value for key, value in flat.items() if not key.startswith("augment.")}
    return TrainSettings(**outer, augment=Augmentation(**inner))


def load_settings(path: Path) -> TrainSettings:
    """Settings from the JSON file that a run saved.

    Raises:
        InputError: it cannot be read.
        UsageError: it holds what is no setting.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"cannot read settings from {str(path)!r}: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"{str(path)!r} holds no settings: give the settings.json of a run")
    return settings_from(values)


# For single persons who sign: see the card of asl-words for what each choice is worth.
SIGNS = TrainSettings(
    model="skelet-stgcnpp",
    channels="16,32,64",
    normalize="person",
    clip_len=16,
    test_clips=4,
    max_instances=1,
    upper_body=True,
    epochs=10,
    repeat=1,
    batch_size=8,
    optimizer="adamw",
    lr=2e-3,
    weight_decay=0.02,
    warmup=0.05,
    zero_init_residual=True,
    normalize_features=True,
    label_smoothing=0.1,
    balance_classes=True,
    augment=Augmentation(
        mirror=0.5,
        rotation=15,
        scale=0.25,
        shear=0.15,
        hand_scale=0.25,
        limb_shift=0.1,
        crop=0.3,
        speed=0.4,
        jitter=0.015,
        keypoint_dropout=0.05,
        hand_dropout=0.3,
    ),
)
# For single persons who do anything else: the whole body, and where it goes; see benchmarks/everyday.
ACTIONS = replace(SIGNS, normalize="body", upper_body=False, clip_len=32)
RECIPES = {"published": TrainSettings(), "signs": SIGNS, "actions": ACTIONS}


def recipe(name: str) -> TrainSettings:
    """The settings of that name.

    Raises:
        UsageError: there are none; names the nearest.
    """
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]
