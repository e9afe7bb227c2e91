"""Cameras and streams, predicted as they go."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"(rtsps?|rtmps?|https?|udp|tcp|srt|mms)://", re.IGNORECASE)


def is_live(source: str) -> bool:
    """Whether a source is a camera, by its number, or the address of a stream; else it is a file."""
    return source.isdecimal() or _ADDRESS.match(source) is not None
