"""What cannot be read as a video is told in one sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skelact.errors import InputError
from skelact.video import VideoReader
from tests.videos import stating, write_stream, write_video


def _folder(tmp_path: Path) -> Path:
    return tmp_path


def _pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe.mp4")
    return tmp_path / "pipe.mp4"


def _file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(tmp_path: Path) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return make


def _without_pictures(tmp_path: Path) -> Path:
    path = write_video(tmp_path / "clip.mp4")
    content = path.read_bytes()
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    path.write_bytes(content[:start] + bytes(end - start) + content[end:])
    return path


def _without_index(tmp_path: Path) -> Path:
    path = write_video(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes()[:600])
    return path


def _undecodable_name(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.avi", "MJPG").rename(tmp_path / os.fsdecode(b"\xff\xe9.avi"))


TEXT = b"these are words, and words are no film\n" * 200


def _pictures(width: int, height: int) -> Callable[[Path], Path]:
    """A stream of two pictures of that size."""
    return lambda folder: write_stream(folder / "clip.mjpeg", width, height, 2)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "absent.mp4", "there is no file"),
        (_folder, "is a folder"),
        (_pipe, "is a device or a pipe"),
        (_file("empty.mp4", b""), "is empty"),
        (_file("words.mp4", TEXT), "is not a video"),
        (_file("words.txt", TEXT), "is not a video"),
        (_file("noise.mp4", np.random.default_rng(0).bytes(5000)), "is not a video"),
        (_file("song.mp3", b"ID3\x04" + bytes(400)), "holds sound only"),
        (_file("song.wav", b"RIFF\x00\x01\x00\x00WAVEfmt " + bytes(400)), "holds sound only"),
        (_file("list.mp4", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), "is a list of other files"),
        (_pictures(65000, 1100), "frames of 65000 x 1100 pixels, more than 64 million: scale it down"),
        (_pictures(65000, 2), "one side more than 64 times the other"),
        (_pictures(2, 65000), "one side more than 64 times the other"),
        (stating("FFV1", 100_000, 2), "one side more than 64 times the other"),
        (stating("FFV1", 30_000, 30_000), "is AVI, but no picture in it can be opened"),
        (_without_pictures, "no frame of it decodes"),
        (_without_index, "was cut short"),
        (_undecodable_name, "not valid UTF-8"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, make: Callable[[Path], Path], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        VideoReader(path)
    assert repr(str(path)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4")
    path.chmod(0)
    root = os.geteuid() == 0  # whom no permission binds
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(InputError, match="cannot be read: Permission denied"):
            VideoReader(path)
    finally:
        if root:
            os.seteuid(0)
