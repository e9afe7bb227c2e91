"""What benchmarks/live.py measures."""

from __future__ import annotations

from benchmarks import live


def test_a_line_says_how_far_behind_results_are() -> None:
    row = live.measure(live.SAMPLE, 0.5, 25.0)
    assert (row["video"], row["size"], row["rate"]) == ("sample.mp4", "640x480", 25.0)
    assert 0 <= row["dropped"] < 1
    assert 0 < row["median_ms"] <= row["p95_ms"] <= row["max_ms"]
    assert row["fps"] > 0
    assert row["cpu_ms"] > 0
