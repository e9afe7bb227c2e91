"""The benchmark of a prediction by stage: its clock, its sums, and a run on some frames of the sample."""

from __future__ import annotations

import csv
import pkgutil
from pathlib import Path

import pytest

from benchmarks import predict as benchmark
from benchmarks import stages
from benchmarks.stages import Clock, watched


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """One whose time goes on by `Hands.move` only."""
    monkeypatch.setattr(stages.time, "perf_counter", lambda: Hands.seconds)
    monkeypatch.setattr(stages.time, "process_time", lambda: Hands.seconds / 2)
    return Clock()


class Hands:
    """Of a clock."""

    seconds = 0.0

    @classmethod
    def move(cls, seconds: float) -> float:
        cls.seconds += seconds
        return seconds


def test_a_stage_within_another_counts_for_itself_alone(clock: Clock) -> None:
    with clock.stage("outer"):
        Hands.move(1)
        for _ in range(2):
            with clock.stage("inner"):
                Hands.move(10)
        Hands.move(100)
    Hands.move(1000)
    assert clock.wall == {"outer": 101, "inner": 20}
    assert clock.cpu == {"outer": 50.5, "inner": 10}


def test_functions_are_watched_for_a_while_and_do_what_they_did(clock: Clock) -> None:
    place = f"{__name__}:Hands.move"
    with watched(clock, [("move", place)]), clock.stage("rest"):
        Hands.seconds += 1
        assert Hands.move(2) == 2
    Hands.move(4)
    assert clock.wall == {"move": 2, "rest": 1}


def test_what_raises_is_on_the_clock_too(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(seconds: float) -> None:
        Hands.seconds += seconds
        raise StopIteration

    monkeypatch.setattr(f"{__name__}.Hands.move", end)
    with watched(clock, [("move", f"{__name__}:Hands.move")]), pytest.raises(StopIteration):
        Hands.move(3)
    assert clock.wall == {"move": 3}


@pytest.mark.parametrize(("stage", "place"), benchmark.FUNCTIONS)
def test_every_function_watched_is_there(stage: str, place: str) -> None:
    assert callable(pkgutil.resolve_name(place))


def test_a_run_on_some_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results.csv"
    arguments = [str(benchmark.SAMPLE), "--frames", "10", "--material", str(tmp_path), "--results", str(results)]
    benchmark.main(arguments)
    rows = {row["stage"]: row for row in csv.DictReader(results.open())}
    assert set(rows) >= {stage for stage, _ in benchmark.FUNCTIONS} - {"detect"}  # without a detector
    assert {(row["frames"], row["persons"], row["setup"]) for row in rows.values()} == {("10", "1", "mediapipe")}
    seconds = {stage: float(row["seconds"]) for stage, row in rows.items()}
    beside = {"prediction", "rest", "reading ahead", "render", "encode", "report"}
    stages = sum(seconds[stage] for stage in set(seconds) - beside)
    assert seconds["prediction"] == pytest.approx(stages, abs=1e-3)
    known = sum(seconds[stage] for stage in ("decode", "pose", "network"))
    assert seconds["rest"] == pytest.approx(seconds["prediction"] - known, abs=1e-3)
    assert float(rows["rest"]["share"]) == pytest.approx(seconds["rest"] / seconds["prediction"], abs=1e-3)
    assert "rest" in capsys.readouterr().out
