"""The tracking benchmark on made-up sequences whose figures are known, and on one real one."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import tracking as benchmark

pytest.importorskip("trackeval", reason="the metrics are TrackEval's: pip install trackeval")
LENGTH = 60


def write(folder: Path, name: str, hidden: range = range(0)) -> None:
    """Two persons who stand apart, of whom one is not detected in some frames (counted from 1)."""
    rows = [(t, k + 1, 100 + 300 * k, 50, 60, 180) for t in range(1, LENGTH + 1) for k in range(2)]
    target = folder / name
    target.mkdir(parents=True)
    info = f"[Sequence]\nname={name}\nframeRate=10\nseqLength={LENGTH}\n"
    (target / "seqinfo.ini").write_text(info)
    (target / "gt.txt").write_text("".join(f"{','.join(map(str, row))},1,1,1\n" for row in rows))
    found = [row for row in rows if not (row[1] == 2 and row[0] in hidden)]
    (target / "det.txt").write_text("".join(f"{','.join(map(str, row))},0.9,-1,-1,-1\n" for row in found))


def figures(folder: Path, trackers: list[str]) -> dict[tuple[str, str], dict[str, float]]:
    halves = [benchmark.read_half(path) for path in sorted(folder.iterdir())]
    rows = benchmark.measure(halves, trackers)
    return {(row["tracker"], row["sequences"]): row for row in rows if row["least_frames"] == benchmark.MIN_FRAMES}


def test_all_detected_is_all_tracked_and_a_gap_costs_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path, "MOT17-04")
    write(tmp_path, "MOT17-02", hidden=range(41, 46))
    found = figures(tmp_path, ["greedy overlap", "skelact"])
    for tracker in ("greedy overlap", "skelact"):
        perfect = found[tracker, "MOT17-04"]
        assert (perfect["mota"], perfect["idf1"], perfect["switches"]) == (100, 100, 0)
    # Of 60 true boxes in the second half 5 are not found.
    assert found["skelact", "MOT17-02"]["mota"] == pytest.approx(100 * 55 / 60, abs=0.1)
    assert found["skelact", "MOT17-02"]["switches"] == 0
    assert found["greedy overlap", "MOT17-02"]["switches"] == 1
    assert found["skelact", "chosen four"]["mota"] == 100
    assert found["skelact", "other three"] == {**found["skelact", "MOT17-02"], "sequences": "other three"}


def test_between_looked_into_frames_boxes_are_interpolated(tmp_path: Path) -> None:
    write(tmp_path, "MOT17-04")
    half = benchmark.read_half(tmp_path / "MOT17-04")
    detections, looked = benchmark.detect_every(half, 5)
    assert len(detections) == LENGTH // 2
    assert looked < 0.3
    np.testing.assert_allclose(detections[3].boxes, half.detections[3].boxes, atol=1e-3)


def test_a_constant_is_put_back_after_a_failure() -> None:
    before = benchmark.tracking.CERTAIN

    def fail() -> None:
        with benchmark.changed(benchmark.tracking, "CERTAIN", 0.9):
            raise ZeroDivisionError(benchmark.tracking.CERTAIN)

    with pytest.raises(ZeroDivisionError, match=r"0\.9"):
        fail()
    assert before == benchmark.tracking.CERTAIN


def test_the_table_is_written_with_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in", "MOT17-04")
    out = tmp_path / "out.csv"
    monkeypatch.setattr(sys, "argv", ["tracking", str(tmp_path / "in"), "--only", "skelact", "--out", str(out)])
    benchmark.main()
    rows = list(csv.DictReader(out.open()))
    assert {row["least_frames"] for row in rows} == {"1", "3"}
    assert all(row["trackeval"] and row["lap"] for row in rows)


def test_a_folder_without_sequences_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["tracking", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        benchmark.main()
    assert "holds no sequence" in capsys.readouterr().err


def test_on_a_real_crowd_more_is_kept_together_than_by_overlap_alone(shared: Path) -> None:
    half = benchmark.read_half(shared / "tracking" / "MOT17-09")
    rows = benchmark.measure([half], ["greedy overlap", "skelact"])
    idf1 = {row["tracker"]: row["idf1"] for row in rows if row["sequences"] == "all"}
    assert idf1["skelact"] > idf1["greedy overlap"]
