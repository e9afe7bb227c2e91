"""Many videos in this process: what is done, skipped, recorded, refused; stand-ins for videos."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelact.batch.inputs import Item, expand
from skelact.batch.job import Existing
from skelact.batch.report import Report
from skelact.batch.run import Means, extract_all, extract_folder
from skelact.errors import OutputError, SkelactError, UsageError, WeightsError
from skelact.formats.npz import load_sequence, save_sequence
from skelact.formats.writing import atomic_write
from skelact.settings import ExtractSettings
from tests.batch import standin
from tests.batch.commands import outputs, videos

SETTINGS = ExtractSettings(pose="mediapipe", device="cpu")


def run(folder: Path, out: Path, settings: ExtractSettings = SETTINGS, **options: Any) -> Report:
    return extract_folder(expand([str(folder)], out), settings, out, make=standin.make, **options)


def told(report: Report) -> dict[str, str]:
    """Name to status."""
    return {result.item.source.stem: result.status for result in report.results}


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Two videos with persons, one without, one that is none and one that raises."""
    return videos(
        tmp_path / "clips", a="frames=4 persons=2", sub__b="frames=6", empty="frames=5 persons=0", text="hello",
        odd="raise=strange",
    )  # fmt: skip


def test_each_video_gets_a_file_and_a_line_in_the_report(clips: Path, tmp_path: Path) -> None:
    report = run(clips, tmp_path / "out")
    assert told(report) == {"a": "done", "empty": "nobody", "odd": "failed", "b": "done", "text": "failed"}
    assert outputs(tmp_path / "out") == ["a.npz", "empty.npz", "sub/b.npz"]
    assert load_sequence(tmp_path / "out" / "a.npz").num_instances == 2
    assert load_sequence(tmp_path / "out" / "empty.npz").num_instances == 0
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written == report.to_dict()
    assert written["counts"] == {"done": 2, "skipped": 0, "nobody": 1, "failed": 2, "left": 0}
    assert written["settings"]["pose"] == "mediapipe"
    assert written["estimators"] == {"mediapipe": 3}
    assert written["stopped"] is None
    entries = {Path(entry["source"]).stem: entry for entry in written["videos"]}
    assert entries["a"]["output"] == str(tmp_path / "out" / "a.npz")
    assert (entries["a"]["frames"], entries["a"]["persons"]) == (4, 2)
    assert entries["a"]["seconds"] >= 0
    assert entries["empty"]["reason"] == "nobody was seen in its 5 frames"
    assert entries["odd"]["reason"] == "RuntimeError: strange"
    assert entries["odd"]["output"] is None
    assert entries["text"]["reason"] == f"'{clips}/text.mp4' is not a video"


STATUSES = {
    "all well": ({"a": "frames=3"}, 0),
    "nobody in one": ({"a": "frames=3", "b": "frames=3 persons=0"}, 4),
    "an unreadable one after one without persons": ({"a": "persons=0 frames=3", "b": "hello"}, 3),
    "the first failure counts": ({"a": "hello", "b": "raise=odd"}, 3),
}


@pytest.mark.parametrize(("texts", "status"), STATUSES.values(), ids=STATUSES)
def test_the_exit_status_is_that_of_the_worst_kind(tmp_path: Path, texts: dict[str, str], status: int) -> None:
    folder = videos(tmp_path / "clips", **texts)
    assert run(folder, tmp_path / "out").exit_status == status
    assert run(folder, tmp_path / "out").exit_status == status  # finished or not


def test_a_second_run_skips_what_is_finished_and_tries_failures_again(clips: Path, tmp_path: Path) -> None:
    run(clips, tmp_path / "out")
    (clips / "text.mp4").write_text("frames=2")
    written = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in outputs(tmp_path / "out")}
    report = run(clips, tmp_path / "out", replace(SETTINGS, device="auto", offline=True))
    assert told(report) == {"a": "skipped", "b": "skipped", "empty": "nobody", "odd": "failed", "text": "done"}
    assert {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in written} == written
    skipped = next(result for result in report.results if result.status == "skipped").to_dict()
    assert (skipped["frames"], skipped["persons"], skipped["seconds"]) == (4, 2, None)


def again(clips: Path, out: Path, changed: str) -> str:
    """The status of the video whose name is given, in a second run."""
    return told(run(clips, out))[changed]


def test_what_finished_means(tmp_path: Path) -> None:
    clips, out = videos(tmp_path / "clips", a="frames=4"), tmp_path / "out"
    run(clips, out)
    os.utime(clips / "a.mp4", (1, 1))
    assert again(clips, out, "a") == "skipped", "the same content at another time"
    (clips / "a.mp4").write_text("frames=5")
    assert again(clips, out, "a") == "done", "other content of the same size"
    assert load_sequence(out / "a.npz").num_frames == 5
    (clips / "a.mp4").write_text("frames=12")
    assert again(clips, out, "a") == "done", "other content of another size"
    content = (out / "a.npz").read_bytes()
    (out / "a.npz").write_bytes(content[:-50])
    assert again(clips, out, "a") == "done", "an output that was cut short"
    assert (out / "a.npz").read_bytes() == content
    (out / "a.npz").write_bytes(b"")
    assert again(clips, out, "a") == "done", "an empty output"
    (clips / "a.mp4").unlink()
    report = extract_folder([Item(clips / "a.mp4", out / "a.npz")], SETTINGS, out, make=standin.make)
    assert report.failures[0].reason == f"there is no file '{clips}/a.mp4': check its name and folder"


DIFFERENT = {
    "another estimator": ({"pose": "rtmw-m"}, r"pose mediapipe, not rtmw-m"),
    "a detector": ({"detector": "rtmdet-nano"}, r"detector none, not rtmdet-nano"),
    "detection in fewer frames": ({"detect_every": 7}, r"detect-every none, not 7"),
    "tracks as they were": ({"merge": False}, r"merge yes, not no"),
    "one person": ({"persons": 1}, r"persons none, not 1"),
}


@pytest.mark.parametrize(("changes", "message"), DIFFERENT.values(), ids=DIFFERENT)
def test_outputs_of_other_settings_stop_before_anything_is_done(
    clips: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    run(clips, tmp_path / "out")
    videos(clips, later="frames=3")
    before = (tmp_path / "out" / "a.npz").read_bytes()
    with pytest.raises(OutputError, match=rf"'.*a.npz' was made by other settings \({message}\): .*--overwrite"):
        run(clips, tmp_path / "out", replace(SETTINGS, **changes))
    assert (tmp_path / "out" / "a.npz").read_bytes() == before
    assert not (tmp_path / "out" / "later.npz").exists()


def test_a_checkpoint_is_known_by_its_content(clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pth").write_bytes(b"weights")
    (tmp_path / "b.pth").write_bytes(b"weights")
    (tmp_path / "c.pth").write_bytes(b"others")
    run(clips, tmp_path / "out", replace(SETTINGS, detector=str(tmp_path / "a.pth")))
    report = run(clips, tmp_path / "out", replace(SETTINGS, detector=str(tmp_path / "b.pth")))
    assert told(report)["a"] == "skipped"
    with pytest.raises(OutputError, match="detector sha256:"):
        run(clips, tmp_path / "out", replace(SETTINGS, detector=str(tmp_path / "c.pth")))


def test_overwrite_replaces_what_is_something_else_and_goes_on_where_it_was(clips: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", replace(SETTINGS, pose="rtmw-m")
    run(clips, out)
    (out / "sub" / "b.npz").write_text("mine")
    save_sequence(standin.sequence(7, 1, 0, "old"), out / "empty.npz", overwrite=True)
    report = run(clips, out, other, existing=Existing(overwrite=True))
    assert told(report) == {"a": "done", "b": "done", "empty": "nobody", "odd": "failed", "text": "failed"}
    assert {load_sequence(out / name).estimator for name in outputs(out)} == {"rtmw-m"}
    assert told(run(clips, out, other, existing=Existing(overwrite=True)))["a"] == "skipped"


def test_outputs_that_do_not_tell_their_settings(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    save_sequence(standin.sequence(7, 1, 0, "old"), tmp_path / "out" / "a.npz")
    with pytest.raises(OutputError, match="does not tell by which settings"):
        run(clips, tmp_path / "out")
    report = run(clips, tmp_path / "out", existing=Existing(unsigned=True))
    assert told(report)["a"] == "skipped"
    os.utime(tmp_path / "out" / "a.npz", (1, 1))
    assert told(run(clips, tmp_path / "out", existing=Existing(unsigned=True)))["a"] == "done"


IN_THE_WAY = {
    "a folder in the place of an output": ("out/a.npz/", "'.*a.npz' is in the way and not a file"),
    "a text in the place of an output": ("out/a.npz", "'.*a.npz' is in the way and holds no keypoints"),
    "a file in the place of the folder": ("out", "'.*out' is a file: give a folder"),
    "a file above the folder": ("", "'.*out' cannot be written"),
    "a report of something else": ("out/report.json", "is in the way and no report of skelact"),
}


@pytest.mark.parametrize(("place", "message"), IN_THE_WAY.values(), ids=IN_THE_WAY)
def test_what_is_in_the_way_is_found_before_the_work(clips: Path, tmp_path: Path, place: str, message: str) -> None:
    root = tmp_path / "root"
    if place.endswith("/"):
        (root / place).mkdir(parents=True)
    else:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("mine")
    with pytest.raises(OutputError, match=message):
        run(clips, root / "out")
    assert not (root / "out" / "empty.npz").exists()
    assert place.endswith("/") or (root / place).read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "error", "status"), [("weights", WeightsError, 5), ("full", OutputError, 6)], ids=["weights", "full disk"]
)
def test_what_would_fail_for_all_stops_and_keeps_what_is_done(
    tmp_path: Path, text: str, error: type[SkelactError], status: int
) -> None:
    clips = videos(tmp_path / "clips", a="frames=3", b=text, c="frames=3")
    with pytest.raises(error) as stopped:
        run(clips, tmp_path / "out")
    assert stopped.value.exit_status == status
    assert outputs(tmp_path / "out") == ["a.npz"]
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert written["stopped"] == str(stopped.value)
    assert written["counts"] == {"done": 1, "skipped": 0, "nobody": 0, "failed": 0, "left": 2}


def test_an_interruption_keeps_what_is_done_and_tells_of_it(tmp_path: Path) -> None:
    clips = videos(tmp_path / "clips", a="frames=3", b="frames=3", c="frames=3")

    def interrupt(done: int, total: int | None) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(clips, tmp_path / "out", on_video=interrupt)
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (written["stopped"], written["counts"]["done"], written["counts"]["left"]) == ("interrupted", 2, 1)
    assert told(run(clips, tmp_path / "out")) == {"a": "skipped", "b": "skipped", "c": "done"}


def test_a_video_that_changes_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    clips = videos(tmp_path / "clips", grows="frames=3 append", goes="frames=3 vanish", stays="frames=3")
    report = run(clips, tmp_path / "out")
    reasons = {result.item.source.stem: result.reason for result in report.failures}
    assert "grows.mp4' changed while it was read: run again when it is complete" in reasons["grows"]
    assert "goes.mp4' went away while it was read" in reasons["goes"]
    assert outputs(tmp_path / "out") == ["stays.npz"]


def test_warnings_are_told_with_their_video(tmp_path: Path) -> None:
    clips = videos(tmp_path / "clips", a="frames=3 warn", b="frames=3")
    assert [result.notes for result in run(clips, tmp_path / "out").results] == [("a warning",), ()]


def test_a_name_that_is_not_utf8_is_told_in_a_report_that_is(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "clips") + b"/\xff.mp4")).write_text("hello")
    run(tmp_path / "clips", tmp_path / "out")
    (entry,) = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["videos"]
    assert "udcff.mp4" in entry["source"]


def test_progress_counts_all_videos(clips: Path, tmp_path: Path) -> None:
    counted: list[tuple[int, int | None]] = []
    run(clips, tmp_path / "out", on_video=lambda done, total: counted.append((done, total)))
    assert counted == [(k, 5) for k in range(1, 6)]


def test_shards_have_reports_of_their_own(clips: Path, tmp_path: Path) -> None:
    run(clips, tmp_path / "out", shard=(3, 16))
    assert json.loads((tmp_path / "out" / "report-3-of-16.json").read_text())["shard"] == "3/16"


def test_drafts_of_dead_processes_are_swept_and_others_stay(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with atomic_write(out / "x"):
        (living,) = out.glob(".skelact-*.part")
        machine, process = living.name.split("-")[1:3]
        dead = out / f".skelact-{machine}-{2**22 + 1}-00000000.part"  # beyond the highest number of a process
        elsewhere, forgotten = out / ".skelact-00000000-1-00000000.part", out / ".skelact-00000000-1-00000001.part"
        for draft in (dead, elsewhere, forgotten):
            draft.touch()
        os.utime(forgotten, (1, 1))
        run(clips, out)
        assert int(process) == os.getpid()
        assert (living.exists(), dead.exists(), elsewhere.exists(), forgotten.exists()) == (True, False, True, False)


WRONG = {
    "an unknown engine": ({"engine": "rey"}, "did you mean 'ray'"),
    "no workers": ({"workers": 0}, "workers is 0: give 1 or more"),
    "an address without Ray": ({"address": "10.0.0.1:6379"}, "--engine ray"),
}


@pytest.mark.parametrize(("means", "message"), WRONG.values(), ids=WRONG)
def test_wrong_means(means: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Means(**means)


def test_without_an_estimator_all_videos_get_the_same(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "cache"))  # without weights
    monkeypatch.setattr("skelact.pipeline.extractor", standin.make)
    warnings: list[str] = []
    settings = ExtractSettings(device="cpu", offline=True)
    items = [Item(clips / "a.mp4", tmp_path / "out" / "a.npz")]
    (result,) = extract_all(items, settings, warn=warnings.append)
    assert result.to_dict()["estimator"] == "mediapipe"
    assert len(warnings) == 1
    assert warnings[0].startswith("MediaPipe stands in for rtmw-l")
    (result,) = extract_all(items, replace(settings, pose="mediapipe"))
    assert result.status == "skipped", "named or stood in for: it is the same"


def test_arrays_survive(clips: Path, tmp_path: Path) -> None:
    run(clips, tmp_path / "out")
    text = (clips / "a.mp4").read_text()
    expected = standin.make(SETTINGS, print)(clips / "a.mp4")
    assert text == "frames=4 persons=2"
    assert np.array_equal(load_sequence(tmp_path / "out" / "a.npz").keypoints, expected.keypoints)
