"""Segments as a table of comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from skelact.results import Prediction

HEADER = ("source", "person", "start", "end", "action", "probability", "persons")
Row = tuple[str, ...]


def table_rows(prediction: Prediction) -> list[Row]:
    """A row a segment: those of the group with an empty `person`, then those of each person.

    `start` and `end` are seconds from the start of the video, `persons` the track ids looked at, with spaces between.
    """
    return [
        (
            prediction.source,
            "" if timeline.person is None else str(timeline.person),
            f"{one.start:.3f}",
            f"{one.end:.3f}",
            one.action,
            f"{one.probability:.4f}",
            " ".join(map(str, one.persons)),
        )
        for timeline in (prediction.group, *prediction.individuals)
        for one in timeline.segments
    ]


def to_csv(rows: Iterable[Row]) -> str:
    """The text of a file: the header, and these rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    return text.getvalue()
