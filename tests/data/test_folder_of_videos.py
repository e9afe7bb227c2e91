"""A folder of labelled videos: extracted once, and again where they changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelact.cli.clips import load_clips
from skelact.data.sources import load_dataset
from skelact.errors import OutputError, UsageError
from skelact.settings import ExtractSettings
from tests.batch import standin
from tests.batch.commands import outputs, videos

SETTINGS = ExtractSettings(pose="mediapipe", device="cpu")


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes by two persons, a file that is no video and a video without persons."""
    monkeypatch.setattr("skelact.pipeline.extractor", standin.make)
    texts = {f"{label}__{person}_1": f"frames={k + 4}" for k, (label, person) in enumerate(PAIRS)}
    return videos(tmp_path / "clips", **texts, wave__anna_2="hello", walk__ben_2="frames=3 persons=0")


PAIRS = [("wave", "anna"), ("wave", "ben"), ("walk", "anna"), ("walk", "ben")]


@pytest.mark.parametrize("workers", [None, 2])
def test_videos_become_labelled_clips(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], workers: int | None
) -> None:
    loaded = load_clips([str(clips)], SETTINGS, workers=workers)
    assert loaded.names.tolist() == ["walk/anna_1", "walk/ben_1", "wave/anna_1", "wave/ben_1"]
    assert loaded.frames.tolist() == [6, 7, 4, 5]
    assert loaded.groups.tolist() == ["anna", "ben", "anna", "ben"]
    told = capsys.readouterr().err
    assert f"wave/anna_2 is left out: '{clips}/wave/anna_2.mp4' is not a video" in told
    assert "walk/ben_2 is left out: nobody was seen" in told
    assert outputs(tmp_path / "clips.sequences") == [
        "walk/anna_1.npz", "walk/ben_1.npz", "walk/ben_2.npz", "wave/anna_1.npz", "wave/ben_1.npz",
    ]  # fmt: skip


def test_only_what_changed_is_extracted_again(clips: Path, tmp_path: Path) -> None:
    load_clips([str(clips)], SETTINGS)
    kept = tmp_path / "clips.sequences"
    before = {name: (kept / name).stat().st_mtime_ns for name in outputs(kept)}
    (clips / "wave" / "ben_1.mp4").write_text("frames=12")
    assert load_clips([str(clips)], SETTINGS).frames.tolist() == [6, 7, 4, 12]
    after = {name: (kept / name).stat().st_mtime_ns for name in outputs(kept)}
    assert {name for name in after if after[name] != before[name]} == {"wave/ben_1.npz"}


def test_other_settings_want_another_folder(clips: Path, tmp_path: Path) -> None:
    load_clips([str(clips)], SETTINGS)
    other = ExtractSettings(pose="rtmw-m", device="cpu")
    with pytest.raises(OutputError, match=r"pose mediapipe, not rtmw-m\): delete it .* or give .* by --sequences"):
        load_clips([str(clips)], other)
    assert len(load_clips([str(clips)], other, sequences=tmp_path / "others")) == 4


def test_without_extraction_the_sequences_have_to_be_there(clips: Path) -> None:
    with pytest.raises(UsageError, match="is a folder of videos: give the folder of their sequences"):
        load_dataset([str(clips)])
