"""What a recognizer wants its input to be; `skelact.data.transforms` makes it so."""

from __future__ import annotations

from dataclasses import dataclass

from skelact.errors import UsageError
from skelact.keypoints import get_layout

STREAMS = ("j", "b", "jm", "bm")
NORMALIZATIONS = ("image", "person", "body")


@dataclass(frozen=True)
class Preprocessing:
    """How a recognizer wants its input; stored with its weights.

    Attributes:
        layout: the keypoints, in order.
        stream: "j" joints, "b" bones, "jm" and "bm" their motion (Yang et al. 2024, section 4.2).
        normalize: "image" as published, relative to the frame; "person" relative to the shoulders, with a score
            of 1 or 0 (seen or not) and two more channels that hold each finger relative to its own hand, in palm
            lengths; "body" relative to the hips, with such a score and two more channels that hold the path of the
            hips.
        clip_len: frames of a clip.
        test_clips: clips averaged in testing.
        max_instances: persons of a clip; fewer are padded with zeros, more are left out.
        score_channel: whether the score is a channel beside x and y.
        upper_body: take everything below the shoulders but the arms and hands as not seen.
        hands: whether hands are looked at; else they count as not seen.
    """

    layout: str = "expressive65"
    stream: str = "j"
    normalize: str = "image"
    clip_len: int = 100
    test_clips: int = 10
    max_instances: int = 2
    score_channel: bool = True
    upper_body: bool = False
    hands: bool = True

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            UsageError: a value that is none of those there are.
        """
        get_layout(self.layout)
        if self.stream not in STREAMS:
            raise UsageError(f"unknown stream {self.stream!r}: choose one of {', '.join(STREAMS)}")
        if self.normalize not in NORMALIZATIONS:
            raise UsageError(f"unknown normalization {self.normalize!r}: choose one of {', '.join(NORMALIZATIONS)}")
        if self.normalize == "body" and "left_hip" not in get_layout(self.layout).index:
            raise UsageError(f"normalization by body needs hips, which layout {self.layout} does not have")
        for name in ("clip_len", "test_clips", "max_instances"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise UsageError(f"{name} is {value!r}: it must be a whole number of at least 1")

    @property
    def channels(self) -> int:
        """C of the tensor: x, y, the score where wanted, and x, y within the hand or of the path where wanted."""
        return 2 + self.score_channel + (2 if self.normalize != "image" else 0)
