"""What frames come from."""

from __future__ import annotations

import os
from pathlib import Path

from skelact.images import PictureReader
from skelact.video import VideoReader

Reader = VideoReader | PictureReader


def open_reader(source: str | Path) -> Reader:
    """The frames of a video file, or of a folder of pictures.

    Raises:
        InputError: see `VideoReader` and `PictureReader`.
    """
    return PictureReader(source) if os.path.isdir(source) else VideoReader(source)
