"""Files that come from outside: kept under names of our own, and looked into before any decoder sees them."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from skelact.errors import InputError, SkelactError
from skelact.formats.npz import load_sequence
from skelact.sequence import PoseSequence
from skelact.serve.limits import Limits, TooLargeError, UnsupportedError
from skelact.video import MAX_PIXELS, VideoReader

SEQUENCE = ".npz"
# How files of each kind begin, and their ending. Nothing else is given to FFmpeg: it also takes playlists, texts that
# make it open other files of this machine. No pattern may match the beginning of one, "#EXTM3U".
KINDS = tuple((re.compile(pattern, re.DOTALL), ending) for pattern, ending in (
    (rb".{4}ftyp", ".mp4"), (rb".{4}(moov|mdat|wide|free|skip)", ".mov"), (rb"RIFF.{4}AVI ", ".avi"),
    (rb"\x1a\x45\xdf\xa3", ".mkv"), (rb"OggS", ".ogv"), (rb"FLV\x01", ".flv"), (rb"\x00\x00\x01[\xba\xb3]", ".mpg"),
    (rb"\x00\x00\x00\x01", ".h264"), (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ".wmv"), (rb"G.{187}G", ".ts"),
    (rb".{4}G.{191}G", ".m2ts"), (rb"PK\x03\x04", SEQUENCE),
))  # fmt: skip
HEAD = 256  # bytes
# Of a sequence, once its archive is unpacked: an hour of ten persons at 30 frames a second takes half of that.
MAX_UNPACKED = 4 << 30
NAME_LENGTH = 200


@dataclass(frozen=True)
class Upload:
    """A file that somebody sent.

    Attributes:
        folder: its own, with nothing else in it.
        path: of the file.
        name: what the sender calls it: to show, never to open.
        fps: frames per second of a video; None for a sequence.
    """

    folder: Path
    path: Path
    name: str
    fps: float | None

    def named(self, sentence: str) -> str:
        """A sentence about the file with the sender's name of it in place of ours."""
        return sentence.replace(repr(str(self.path)), repr(self.name)).replace(str(self.path), self.name)

    def delete(self) -> None:
        """Remove the file, and leave its folder."""
        self.path.unlink(missing_ok=True)


def store(content: BinaryIO, name: str, root: Path, limits: Limits) -> Upload:
    """Put what was sent into a folder of its own, if it is something that can be looked at.

    Args:
        content: the file, at its start.
        name: what the sender calls it.
        root: the folder in which that folder is made.
        limits: its size and, of a video, the length that it states count.

    Raises:
        InputError: it is empty or not readable.
        TooLargeError: it is larger or longer than is taken.
        UnsupportedError: it is of no kind that is taken.
    """
    shown = "".join(character for character in name[-NAME_LENGTH:] if character.isprintable()) or "upload"
    head = content.read(HEAD)
    if not head:
        raise InputError(f"{shown!r} is empty (0 bytes): send it again")
    ending = next((ending for pattern, ending in KINDS if pattern.match(head)), None)
    if ending is None:
        raise UnsupportedError(
            f"{shown!r} is no video of a kind that is taken here (MP4, MOV, MKV, WebM, AVI, MPEG, WMV and some others) "
            "and no .npz sequence: convert it: ffmpeg -i INPUT -c:v libx264 OUTPUT.mp4"
        )
    content.seek(0)
    folder = Path(tempfile.mkdtemp(dir=root))
    path = folder / f"upload{ending}"
    try:
        with path.open("xb") as file:
            shutil.copyfileobj(content, file, 1 << 20)
        if path.stat().st_size > limits.upload_bytes:
            raise too_large(limits)
        return Upload(folder, path, shown, None if ending == SEQUENCE else _rate(path, limits))
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, SkelactError):
            raise type(error)(Upload(folder, path, shown, None).named(str(error))) from None
        raise


def too_large(limits: Limits) -> TooLargeError:
    """The error for a file of too many bytes."""
    return TooLargeError(f"the file is larger than the {limits.upload_mb:g} MB that are taken: cut it or scale it down")


def too_long(limits: Limits, seconds: float | None = None) -> TooLargeError:
    """The error for a video of too many seconds; None where only so much is known."""
    length = f"{seconds:.0f} s long, more" if seconds else "longer"
    return TooLargeError(f"the video is {length} than the {limits.seconds:g} s that are taken: cut it")


def _rate(path: Path, limits: Limits) -> float:
    """Frames per second of a video whose first frame decodes, and that states no more seconds than are taken."""
    with VideoReader(path) as video:
        seconds = (video.stated_frames or 0) / video.fps
        if seconds > limits.seconds:
            raise too_long(limits, seconds)
        return video.fps


def open_sequence(upload: Upload, limits: Limits) -> PoseSequence:
    """The sequence in an upload, with our name of the file for its source: nothing that it names is opened.

    Raises:
        InputError: it is damaged or no sequence.
        TooLargeError: it is longer or larger than is taken.
    """
    try:
        with zipfile.ZipFile(upload.path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{str(upload.path)!r} is damaged or cut short ({error}): send it again") from None
    if unpacked > MAX_UNPACKED:
        raise TooLargeError(f"the sequence takes more than {MAX_UNPACKED >> 30} GB once it is unpacked: cut it")
    sequence = load_sequence(upload.path)
    times = sequence.timestamps
    seconds = float(times[-1] - times[0] + 1 / sequence.fps) if len(times) else 0.0
    if seconds > limits.seconds:
        raise too_long(limits, seconds)
    if sequence.width * sequence.height > MAX_PIXELS:
        raise TooLargeError(f"the sequence is of frames of {sequence.width} x {sequence.height} pixels: scale it down")
    return PoseSequence(**{**vars(sequence), "source": str(upload.path)})
