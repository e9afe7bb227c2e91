"""Cameras and streams, predicted as they go."""

from __future__ import annotations

import os
import re

_ADDRESS = re.compile(r"(rtsps?|rtmps?|https?|udp|tcp|srt|mms)://", re.IGNORECASE)


def is_index(source: str) -> bool:
    """Whether a source is the number of a camera."""
    return source.isdecimal()


def is_live(source: str) -> bool:
    """Whether a source is a camera, by its number, or the address of a stream; else, and if it exists, it is a file."""
    return (is_index(source) and not os.path.exists(source)) or _ADDRESS.match(source) is not None
