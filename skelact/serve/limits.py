"""What a server takes and for how long it keeps it, and the errors of what it does not take."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from skelact.errors import SkelactError, UsageError

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """How much a server takes.

    Attributes:
        upload_mb: size of a file, in millions of bytes.
        seconds: length of a video.
        work_seconds: spent on one video, until its frames at hand are done.
        waiting: how many videos may wait for their turn, or be on their way, beside the one that is looked at.
        keep_minutes: how long a result is kept.
        keep_results: how many results are kept at most.

    Raises:
        UsageError: one of them is no number above 0.
    """

    upload_mb: float = 200
    seconds: float = 600
    work_seconds: float = 3600
    waiting: int = 16
    keep_minutes: float = 30
    keep_results: int = 50

    def __post_init__(self) -> None:
        """Check the numbers."""
        for one in fields(self):
            value = getattr(self, one.name)
            if not 0 < value < math.inf:
                raise UsageError(f"the limit {one.name.replace('_', ' ')} is {value}: give a number above 0")

    @property
    def upload_bytes(self) -> int:
        """The size of a file."""
        return int(self.upload_mb * MEGABYTE)


class TooLargeError(SkelactError):
    """An upload, a video, or the work on it is more than the limits allow."""


class UnsupportedError(SkelactError):
    """An upload that is neither a video nor a sequence."""


class BusyError(SkelactError):
    """As many wait as may wait."""


class JobCancelledError(Exception):
    """Somebody no longer wants the result."""
