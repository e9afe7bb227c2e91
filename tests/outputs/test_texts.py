"""Segments as subtitles and tables."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.outputs.subtitles import to_srt, to_vtt
from skelact.outputs.table import HEADER, table_rows, to_csv
from skelact.predictor import Predictor
from skelact.results import Prediction, Segment
from skelact.settings import PredictSettings
from tests.sides import places, sides


def prediction(per_person: bool = False) -> Prediction:
    """One person stands left, then right; the other one right."""
    predictor = Predictor(PredictSettings(per_person=per_person), recognizer=sides(1))
    return predictor.predict(places(["left"] * 3 + ["right"] * 3, [None, *["right"] * 5]))


def with_segments(*segments: Segment) -> Prediction:
    whole = prediction()
    return replace(whole, group=replace(whole.group, segments=segments))


def test_subtitles_tell_what_the_group_does() -> None:
    first, second = prediction().segments
    text = to_srt(with_segments(replace(first, probability=0.974), second))
    assert text.startswith("1\n00:00:00,000 --> 00:00:0")
    assert "\nleft (97%)\n\n2\n00:00:0" in text
    assert to_vtt(prediction()).startswith("WEBVTT\n\n00:00:00.000 --> 00:00:0")


def test_subtitles_tell_what_each_person_does_where_that_is_known() -> None:
    text = to_srt(prediction(per_person=True))
    assert [line.split(" (")[0] for line in text.splitlines() if "(" in line] == ["7: left", "8: right", "7: right"]


@pytest.mark.parametrize(
    ("seconds", "srt"),
    [
        (0.0, "00:00:00,000"),
        (59.9996, "00:01:00,000"),
        (61.25, "00:01:01,250"),
        (3599.9999, "01:00:00,000"),
        (360000.5, "100:00:00,500"),
    ],
)
def test_times_carry_over(seconds: float, srt: str) -> None:
    text = to_srt(with_segments(Segment(seconds, seconds + 1, "wave", 0.5, (1,))))
    assert text.splitlines()[1].split(" --> ")[0] == srt
    assert srt.replace(",", ".") in to_vtt(with_segments(Segment(seconds, seconds + 1, "wave", 0.5, (1,))))


@pytest.mark.parametrize(
    ("name", "srt", "vtt"),
    [
        ("a\n\n2\n00:00:01,000 --> 00:00:02,000\nb", "a 2 00:00:01,000 → 00:00:02,000 b", None),
        ("<b>rock & roll</b>", "<b>rock & roll</b>", "&lt;b&gt;rock &amp; roll&lt;/b&gt;"),
        ("握手", "握手", "握手"),
    ],
    ids=["lines that look like another cue", "signs of markup", "any script"],
)
def test_names_stay_within_their_cue(name: str, srt: str, vtt: str | None) -> None:
    odd = with_segments(Segment(0, 1, name, 0.5, (1,)))
    assert to_srt(odd).splitlines()[2] == f"{srt} (50%)"
    assert to_srt(odd).count("-->") == to_vtt(odd).count("-->") == 1
    if vtt:
        assert f"{vtt} (50%)" in to_vtt(odd)


def test_other_programs_read_the_subtitles(tmp_path: Path) -> None:
    for name, text in (("a.srt", to_srt(prediction())), ("a.vtt", to_vtt(prediction()))):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with av.open(str(tmp_path / name)) as file:
            packets = [packet for packet in file.demux(subtitles=0) if packet.size]
        assert len(packets) == 2
        assert float(packets[0].pts * packets[0].time_base) == 0
        assert b"left" in bytes(packets[0])


def test_no_segments_are_no_subtitles() -> None:
    assert to_srt(with_segments()) == ""
    assert to_vtt(with_segments()) == "WEBVTT\n"


def test_a_table_has_a_line_a_segment() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(table_rows(prediction(per_person=True))))))
    assert list(rows[0]) == list(HEADER)
    assert [(row["person"], row["action"]) for row in rows] == [
        ("", "left"), ("", "right"), ("7", "left"), ("7", "right"), ("8", "right"),
    ]  # fmt: skip
    assert {row["source"] for row in rows} == {"clip.mp4"}
    assert rows[0]["persons"] == "7"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), st.floats(0, 1e5), st.floats(0, 1))
def test_a_table_gives_back_any_name(name: str, start: float, probability: float) -> None:
    segment = Segment(start, start + 1, name, probability, (1, 23))
    (row,) = csv.DictReader(io.StringIO(to_csv(table_rows(with_segments(segment)))))
    assert row["action"] == name
    assert float(row["start"]) == pytest.approx(start, abs=5e-4)
    assert float(row["probability"]) == pytest.approx(probability, abs=5e-5)
    assert re.fullmatch(r"1 23", row["persons"])
