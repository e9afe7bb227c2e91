"""A folder of pictures as the frames of a video."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from skelact.batch.inputs import is_video
from skelact.errors import InputError
from skelact.video import ASSUMED_FPS, Frame, check_size

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def is_picture(name: str) -> bool:
    """Whether a file is a picture, by its ending, and not hidden."""
    return not name.startswith(".") and Path(name).suffix.lower() in PICTURE_ENDINGS


def is_picture_folder(place: str | Path) -> bool:
    """Whether a folder holds the pictures of one video: pictures, and neither videos nor folders."""
    try:
        entries = list(os.scandir(place))
    except OSError:
        return False
    entries = [entry for entry in entries if not entry.name.startswith(".")]
    if any(entry.is_dir() or is_video(entry.name) for entry in entries):
        return False
    return any(is_picture(entry.name) for entry in entries)


def natural_order(name: str) -> tuple[object, ...]:
    """A key by which 9.jpg comes before 10.jpg."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts), name


class PictureReader:
    """The pictures of a folder as frames, in the order of their names; a context manager and an iterator.

    Numbers in names count as numbers. Pictures that cannot be read are left out, with a note, and their time passes;
    those of another size are scaled to the first one's, with a note.

    Attributes:
        source: the folder as it was given.
        width, height: of the first picture, pixels.
        fps: frames per second, as given.
        stated_frames: how many pictures there are.
        frames_read: how many frames were handed out so far.
    """

    def __init__(self, source: str | Path, fps: float = ASSUMED_FPS) -> None:
        """Read the first picture.

        Args:
            source: a folder with pictures.
            fps: how many of them make a second.

        Raises:
            InputError: the folder holds no pictures, cannot be read, or none of its pictures can.
        """
        self.source = str(source)
        folder = Path(source)
        try:
            names = sorted((name for name in os.listdir(folder) if is_picture(name)), key=natural_order)
        except OSError as error:
            raise InputError(f"folder {self.source!r} cannot be read: {error.strerror}") from None
        if not names:
            raise InputError(f"no pictures in folder {self.source!r}: they end with {', '.join(PICTURE_ENDINGS)}")
        self._paths = [folder / name for name in names]
        self.fps = fps
        self.stated_frames: int | None = len(names)
        self.frames_read = 0
        self._unread = self._resized = 0
        self._frames = self._decode()
        self._first: Frame | None = next(self._frames, None)
        if self._first is None:
            raise InputError(
                f"none of the {len(names)} pictures in folder {self.source!r} can be read: they are damaged, or no "
                "pictures"
            )
        self.height, self.width = self._first.image.shape[:2]
        check_size(self.source, self.width, self.height)

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        frame, self._first = self._first or next(self._frames), None
        self.frames_read += 1
        return frame

    def close(self) -> None:
        """End the iteration."""
        self._first, self._frames = None, iter(())

    def notes(self) -> tuple[str, ...]:
        """What a reader of the results should know, one sentence each; complete once iteration has ended."""
        notes = [f"the folder of pictures states no rate: {self.fps:g} frames per second are assumed"]
        if self._unread:
            notes.append(f"{self._unread} of {len(self._paths)} pictures cannot be read, and are left out")
        if self._resized:
            notes.append(f"{self._resized} pictures of another size are scaled to {self.width} x {self.height}")
        return tuple(notes)

    def _decode(self) -> Iterator[Frame]:
        size = (0, 0)
        index = 0
        for place, path in enumerate(self._paths):
            image: np.ndarray | None = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                self._unread += 1
                continue
            height, width = image.shape[:2]
            size = size if index else (width, height)
            if (width, height) != size:
                image = cv2.resize(image, size)
                self._resized += 1
            yield Frame(image, index, place / self.fps)
            index += 1
