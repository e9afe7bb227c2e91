"""Which files predictions go to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skelact.batch.inputs import Item
from skelact.errors import OutputError, UsageError
from skelact.outputs.files import Tables, plan_outputs, write_outputs
from skelact.predictor import Predictor
from tests.sides import places, sides

TWO = [Item(Path("day/a.mp4"), Path("a.npz")), Item(Path("day/b/c.mp4"), Path("b/c.npz"))]


def test_one_video_goes_to_the_file_named(tmp_path: Path) -> None:
    (plan,) = plan_outputs(TWO[:1], {"srt": str(tmp_path / "x.srt"), "csv": str(tmp_path / "t.csv")})
    assert plan == {"srt": tmp_path / "x.srt", "csv": tmp_path / "t.csv"}


def test_several_videos_go_to_a_folder_that_mirrors_theirs(tmp_path: Path) -> None:
    plans = plan_outputs(TWO, {"render": str(tmp_path / "out"), "report": f"{tmp_path}/new.d/"})
    assert [plan["render"] for plan in plans] == [tmp_path / "out/a.mp4", tmp_path / "out/b/c.mp4"]
    assert plans[1]["report"] == tmp_path / "new.d/b/c.html"


def test_a_table_may_tell_of_several(tmp_path: Path) -> None:
    plans = plan_outputs(TWO, {"csv": str(tmp_path / "all.csv")})
    tables = Tables()
    for source, plan in zip(("a.mp4", "b.mp4"), plans, strict=True):
        tables.add(Predictor(recognizer=sides()).predict(places(["left"], source=source)), plan)
    tables.write()
    lines = (tmp_path / "all.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["source", "a.mp4", "b.mp4"]


@pytest.mark.parametrize(
    ("items", "wanted", "why"),
    [
        (TWO, {"srt": "x.srt"}, "is one file for 2 videos: give a folder"),
        (TWO[:1], {"srt": "x.txt"}, "ends with .srt, or a folder"),
        (TWO[:1], {"render": "x.avi"}, "ends with .mp4, or a folder"),
    ],
)
def test_names_that_cannot_be(items: list[Item], wanted: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        plan_outputs(items, wanted)


def test_files_that_cannot_be_written_are_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "there.srt").write_text("mine")
    with pytest.raises(OutputError, match=r"there\.srt' exists"):
        plan_outputs(TWO[:1], {"srt": str(tmp_path / "there.srt")})
    assert plan_outputs(TWO[:1], {"srt": str(tmp_path / "there.srt")}, overwrite=True)
    with pytest.raises(OutputError, match="cannot be written"):
        plan_outputs(TWO[:1], {"srt": str(tmp_path / "there.srt" / "x.srt")})
    assert (tmp_path / "there.srt").read_text() == "mine"
    assert os.listdir(tmp_path) == ["there.srt"]


def test_all_files_come_from_one_prediction(tmp_path: Path) -> None:
    recognizer = sides()
    prediction = Predictor(recognizer=recognizer).predict(places(["left"] * 3 + ["right"] * 3))
    wanted = {kind: str(tmp_path / f"x.{kind}") for kind in ("srt", "vtt")}
    wanted |= {"render": str(tmp_path / "x.mp4"), "report": str(tmp_path / "x.html")}
    (plan,) = plan_outputs(TWO[:1], wanted)
    write_outputs(prediction, plan, recognizer)
    assert sorted(os.listdir(tmp_path)) == ["x.html", "x.mp4", "x.srt", "x.vtt"]
    assert all((tmp_path / name).stat().st_size > 50 for name in os.listdir(tmp_path))
