"""What frames come from."""

from __future__ import annotations

import os
from pathlib import Path

from skelact.images import PictureReader, is_picture_folder
from skelact.video import VideoReader

Reader = VideoReader | PictureReader


def find_video(source: str) -> str | None:
    """The video, or folder of pictures, that keypoints name as their source, if it is still there."""
    there = is_picture_folder(source) or (os.path.isfile(source) and not source.endswith(".npz"))
    return source if there else None


def open_reader(source: str | Path) -> Reader:
    """The frames of a video file, or of a folder of pictures.

    Raises:
        InputError: see `VideoReader` and `PictureReader`.
    """
    return PictureReader(source) if os.path.isdir(source) else VideoReader(source)
