"""`skelact extract`: one video, and many."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from skelact.batch.origin import Origin
from skelact.formats.npz import load_origin, load_sequence
from skelact.video import VideoReader
from tests.batch import standin
from tests.batch.commands import videos
from tests.cli.conftest import SAMPLE


def write_video(path: Path, images: list[np.ndarray], fps: float = 30) -> None:
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (width, height))
    for image in images:
        writer.write(image)
    writer.release()


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A folder of two videos of a person, one of nobody, and a text."""
    with VideoReader(SAMPLE) as video:
        images = [frame.image for frame, _ in zip(video, range(26), strict=False)]
    folder = tmp_path / "real"
    (folder / "wave").mkdir(parents=True)
    write_video(folder / "a.avi", images[20:24])
    write_video(folder / "wave" / "a.avi", images[22:26])
    write_video(folder / "black.avi", [np.zeros_like(images[0])] * 3)
    (folder / "note.mp4").write_text("not what its name says")
    return folder


def test_real_videos_in_two_processes_and_again(skelact, real):
    done = skelact("extract", real, "-o", "out", "--pose", "mediapipe", "--workers", 2)
    assert done.status == 3
    assert f"error: {real}/note.mp4: '{real}/note.mp4' is not a video" in done.stderr
    assert "4 videos, report in out/report.json" in done.stdout
    report = json.loads(Path("out/report.json").read_text())
    assert report["counts"] == {"done": 2, "skipped": 0, "nobody": 1, "failed": 1, "left": 0}
    assert load_sequence(Path("out/wave/a.npz")).num_instances == 1
    assert load_sequence(Path("out/black.npz")).num_instances == 0
    (real / "note.mp4").unlink()
    again = skelact("extract", real, "-o", "out", "--pose", "mediapipe", "--json")
    assert again.status == 4  # of the black one
    assert json.loads(again.stdout) == json.loads(Path("out/report.json").read_text())
    assert json.loads(again.stdout)["counts"] == {"done": 0, "skipped": 2, "nobody": 1, "failed": 0, "left": 0}


def test_one_real_video_is_one_file(skelact, real):
    done = skelact("extract", real / "a.avi", "--pose", "mediapipe", "--json")
    assert done.status == 0
    told = json.loads(done.stdout)
    assert told["output"] == "a.npz"
    assert told["frames"] == 4
    assert Origin.parse(load_origin(Path("a.npz"))).settings["pose"] == "mediapipe"
    assert "'a.npz' exists" in skelact("extract", real / "a.avi", "--pose", "mediapipe").stderr
    Path("out").mkdir()
    shutil.move("a.npz", "out/a.npz")
    many = skelact("extract", real / "a.avi", "-o", "out", "--pose", "mediapipe", "--json")
    assert json.loads(many.stdout)["counts"]["skipped"] == 1, "it tells where it is from like one of many"


def test_nobody_in_one_video_writes_nothing(skelact, real):
    done = skelact("extract", real / "black.avi", "--pose", "mediapipe", "-o", "black.npz")
    assert done.status == 4
    assert "nobody was seen in the 3 frames" in done.stderr
    assert not Path("black.npz").exists()


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-in videos, and what takes them for videos."""
    monkeypatch.setattr("skelact.pipeline.extractor", standin.make)
    return videos(tmp_path / "clips", a="frames=3", b="frames=4", c="frames=5", sub__d="frames=6")


def extract(skelact, *arguments):
    return skelact("extract", *arguments, "--pose", "mediapipe", "--device", "cpu")


MANY = {
    "a folder": (["clips", "-o", "out"], ["a.npz", "b.npz", "c.npz", "sub/d.npz"]),
    "a pattern": (["clips/*.mp4", "-o", "out"], ["a.npz", "b.npz", "c.npz"]),
    "a list": (["list.txt", "-o", "out"], ["b.npz", "sub/d.npz"]),
    "several files": (["clips/a.mp4", "clips/b.mp4", "-o", "out"], ["a.npz", "b.npz"]),
    "one file to a folder": (["clips/a.mp4", "-o", "out/"], ["a.npz"]),
    "one shard": (["clips", "-o", "out", "--shard", "2/3"], ["b.npz"]),
}


@pytest.mark.parametrize(("arguments", "expected"), MANY.values(), ids=MANY)
def test_many_videos_go_to_a_folder(skelact, clips, tmp_path, arguments, expected):
    (tmp_path / "list.txt").write_text("clips/b.mp4\nclips/sub/d.mp4\n")
    done = extract(skelact, *arguments)
    assert done.status == 0
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.npz"))
    assert [name.removeprefix("clips/") for name in found] == expected
    assert done.stderr == ""


def test_shards_together_do_everything_once(skelact, clips, tmp_path):
    for part in (1, 2, 3):
        assert extract(skelact, "clips", "-o", "out", "--shard", f"{part}/3").status == 0
    whole = extract(skelact, "clips", "-o", "out", "--json")
    assert json.loads(whole.stdout)["counts"]["skipped"] == 4
    reports = [json.loads((tmp_path / "out" / f"report-{part}-of-3.json").read_text()) for part in (1, 2, 3)]
    assert [report["counts"]["done"] for report in reports] == [2, 1, 1]


def test_only_the_first_failures_are_told(skelact, clips, tmp_path):
    videos(tmp_path / "bad", **{f"v{k:02}": "hello" for k in range(13)})
    done = extract(skelact, "bad", "-o", "out")
    assert done.status == 3
    assert done.stderr.count("is not a video") == 10
    assert done.stderr.endswith("error: and 3 more, see out/report.json\n")


def test_other_settings_need_overwrite(skelact, clips):
    assert extract(skelact, "clips", "-o", "out").status == 0
    other = extract(skelact, "clips", "-o", "out", "--detect-every", 5, "--no-merge")
    assert other.status == 6
    assert "'out/a.npz' was made by other settings (detect-every none, not 5)" in other.stderr
    assert extract(skelact, "clips", "-o", "out", "--detect-every", 5, "--overwrite").status == 0


WRONG = {
    "several videos without a folder": (["clips"], 2, "give -o FOLDER"),
    "a part of one video": (["clips/a.mp4", "--shard", "1/2"], 2, "are for several videos"),
    "several workers for one video": (["clips/a.mp4", "--workers", 2], 2, "are for several videos"),
    "a shard that is none": (["clips", "-o", "out", "--shard", "3/2"], 2, "give K/N with K from 1 to N, as 3/16"),
    "an unknown engine": (["clips", "-o", "out", "--engine", "rays"], 2, "did you mean 'ray'"),
    "an empty folder": (["empty", "-o", "out"], 3, "no videos in folder 'empty'"),
    "a pattern without matches": (["clips/*.webm", "-o", "out"], 3, "no videos match 'clips/*.webm'"),
    "an empty list": (["empty.txt", "-o", "out"], 3, "list 'empty.txt' is empty"),
    "a file in the place of the folder": (["clips", "-o", "empty.txt"], 6, "'empty.txt' is a file"),
    "one video that is not there": (["clips/x.mp4"], 3, "there is no file 'clips/x.mp4'"),
}


@pytest.mark.parametrize(("arguments", "status", "told"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_sentence(skelact, clips, tmp_path, arguments, status, told):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").touch()
    done = extract(skelact, *arguments)
    assert done.status == status
    assert told in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()
