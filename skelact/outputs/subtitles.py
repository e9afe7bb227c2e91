"""Segments as subtitles: SubRip (.srt) and WebVTT (.vtt)."""

from __future__ import annotations

from html import escape

from skelact.results import Prediction, Segment


def to_srt(prediction: Prediction) -> str:
    """SubRip: what the group does, or with timelines of persons what each of them does."""
    blocks = [
        f"{number}\n{_clock(segment.start, ',')} --> {_clock(segment.end, ',')}\n{_one_line(text)}\n"
        for number, (segment, text) in enumerate(_cues(prediction), 1)
    ]
    return "\n".join(blocks)


def to_vtt(prediction: Prediction) -> str:
    """WebVTT, with the same cues as `to_srt`."""
    blocks = [
        f"{_clock(segment.start, '.')} --> {_clock(segment.end, '.')}\n{escape(_one_line(text), quote=False)}\n"
        for segment, text in _cues(prediction)
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _cues(prediction: Prediction) -> list[tuple[Segment, str]]:
    if not prediction.individuals:
        return [(segment, _text(segment)) for segment in prediction.segments]
    cues = [
        (segment, f"{timeline.person}: {_text(segment)}")
        for timeline in prediction.individuals
        for segment in timeline.segments
    ]
    return sorted(cues, key=lambda cue: cue[0].start)


def _text(segment: Segment) -> str:
    return f"{segment.action} ({segment.probability:.0%})"


def _one_line(text: str) -> str:
    """A name must neither end its cue, with a line break, nor look like the times of another."""
    return " ".join(text.split()).replace("-->", "→")


def _clock(seconds: float, mark: str) -> str:
    """Hours, minutes, seconds and milliseconds."""
    total = round(seconds * 1000)
    return f"{total // 3600000:02}:{total // 60000 % 60:02}:{total // 1000 % 60:02}{mark}{total % 1000:03}"
