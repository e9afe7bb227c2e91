"""Recognizers of several streams, or just one, whose probabilities are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skelact.errors import InputError, UsageError
from skelact.recognition import TrainedRecognizer
from skelact.sequence import PoseSequence

# The streams of published fusions and their weights (PYSKL; Yang et al. 2024, section 4.2).
PUBLISHED_WEIGHTS: dict[tuple[str, ...], tuple[float, ...]] = {
    ("j", "b"): (1, 1),
    ("jm", "bm"): (1, 1),
    ("j", "b", "jm", "bm"): (3, 3, 2, 2),
}


def published_weights(streams: Sequence[str]) -> tuple[float, ...]:
    """The published weights of these streams, in any order.

    Raises:
        UsageError: none are published.
    """
    for published, weights in PUBLISHED_WEIGHTS.items():
        if sorted(streams) == sorted(published):
            return tuple(weights[published.index(stream)] for stream in streams)
    known = " or ".join(", ".join(published) for published in PUBLISHED_WEIGHTS)
    raise UsageError(
        f"no weights are published for streams {', '.join(stream or '?' for stream in streams)}, only for {known}: "
        "give weights, or validation predictions to find them on"
    )


@dataclass(frozen=True)
class Ensemble:
    """One recognizer or more, of the same classes; the first one's settings are those of all.

    Attributes:
        members: at least one.
        weights: one each, adding up to 1.
    """

    members: tuple[TrainedRecognizer, ...]
    weights: tuple[float, ...] = (1.0,)

    @classmethod
    def of(cls, members: Sequence[TrainedRecognizer], weights: Sequence[float] | None = None) -> Ensemble:
        """These recognizers with these weights; None for the same weight each.

        Raises:
            InputError: they know other classes.
        """
        first = members[0]
        for other in members[1:]:
            if set(other.class_names) != set(first.class_names):
                raise InputError(
                    f"{first.name} and {other.name} know other classes: average only recognizers of the same ones"
                )
        given = np.asarray(weights if weights is not None else [1.0] * len(members), dtype=np.float64)
        return cls(tuple(members), tuple((given / given.sum()).tolist()))

    @property
    def main(self) -> TrainedRecognizer:
        """The one whose class names, threshold and length of clips count."""
        return self.members[0]

    @property
    def name(self) -> str:
        """As told in results, e.g. "ntu120 j+b"."""
        if len(self.members) == 1:
            return self.main.name
        names = {member.name for member in self.members}
        streams = "+".join(member.preprocessing.stream for member in self.members)
        return f"{'+'.join(sorted(names))} {streams}" if len(names) == 1 else "+".join(m.name for m in self.members)

    @property
    def class_names(self) -> tuple[str, ...]:
        """One a class."""
        return self.main.class_names

    @property
    def max_instances(self) -> int:
        """How many persons of a group are looked at, at most."""
        return max(member.preprocessing.max_instances for member in self.members)

    def probabilities(
        self, sequences: Sequence[PoseSequence], device: str = "cpu", test_clips: int | None = None
    ) -> np.ndarray:
        """The probability of each class in each sequence, (N, K) float64; see `TrainedRecognizer.probabilities`."""
        total = np.zeros((len(sequences), len(self.class_names)))
        for member, weight in zip(self.members, self.weights, strict=True):
            columns = [member.class_names.index(name) for name in self.class_names]
            total += weight * member.probabilities(sequences, device, test_clips)[:, columns]
        return total
