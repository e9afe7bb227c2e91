"""One line of what the doctor says."""

from __future__ import annotations

from dataclasses import dataclass

OK, ABSENT, WARNING, FAILED = "ok", "absent", "warning", "failed"


@dataclass(frozen=True)
class Finding:
    """What was found of one thing.

    Attributes:
        name: the thing.
        state: ok; absent, for something that one can do without; warning, for something that works, but may not do so
            well or for long; failed.
        told: what was found.
        remedy: what to do about it, one sentence; "" where there is nothing to do.
    """

    name: str
    state: str
    told: str
    remedy: str = ""
