"""A prediction as the plain values that a page's script draws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from skelact.drawing import colour_of
from skelact.report.explained import Explained
from skelact.report.figure import HEIGHT, PLACES, WIDTH, figure_links
from skelact.report.skeletons import css_colour, skeletons
from skelact.results import Prediction, Timeline

# Of a timeline: classes that have a curve, and points that it has at most.
MOST_CURVES = 6
MOST_POINTS = 1500
TOP_KEYPOINTS = 10


def page_content(prediction: Prediction, explained: Sequence[Explained]) -> dict[str, Any]:
    """All that the script needs, but for the video.

    Args:
        prediction: of a group and, maybe, of its persons.
        explained: which keypoints mattered for some actions.
    """
    timelines = (prediction.group, *prediction.individuals)
    rows = [_timeline(each, prediction) for each in timelines]
    told = [segment["action"] for row in rows for segment in row["segments"]]
    curves = [curve["action"] for row in rows for curve in row["curves"]]
    return {
        "seconds": prediction.seconds,
        "threshold": prediction.threshold,
        "noAction": prediction.no_action,
        "oneClip": prediction.is_one_clip,
        "actions": list(dict.fromkeys([*told, *(one.importance.action for one in explained), *curves])),
        "timelines": rows,
        "skeletons": skeletons(prediction.sequence),
        "explained": [_explained(one) for one in explained],
    }


def timeline_name(timeline: Timeline) -> str:
    """What a timeline is called."""
    return "Group" if timeline.person is None else f"Person {timeline.person}"


def keypoint_title(name: str) -> str:
    """The name of a keypoint as told, e.g. left_index4 as "left index 4"."""
    return re.sub(r"(?<=[a-z])(?=[0-9])", " ", name.replace("_", " "))


def _timeline(timeline: Timeline, prediction: Prediction) -> dict[str, Any]:
    return {
        "name": timeline_name(timeline),
        "person": timeline.person,
        "colour": None if timeline.person is None else css_colour(colour_of(timeline.person)),
        "actions": [{"name": one.name, "probability": round(one.probability, 4)} for one in timeline.actions],
        "segments": [
            {
                "start": one.start,
                "end": one.end,
                "action": one.action,
                "probability": round(one.probability, 4),
                "persons": list(one.persons),
            }
            for one in timeline.segments
        ],
        **_curves(timeline, prediction),
    }


def _curves(timeline: Timeline, prediction: Prediction) -> dict[str, Any]:
    """The probabilities of a few classes over time, in thousandths; none for steps in which nobody was seen.

    Those told come first, then those that were most probable in any step. Of a long video the most in each of
    `MOST_POINTS` parts is kept, so that no peak is lost.
    """
    rows = timeline.probabilities
    if not len(rows):
        return {"times": [], "curves": []}
    names = prediction.class_names
    peaks = [names[k] for k in rows.max(axis=0).argsort()[::-1]]
    told = sorted({one.action for one in timeline.segments}, key=peaks.index)
    chosen = list(dict.fromkeys([*told, *peaks]))[:MOST_CURVES]
    each = -(-len(rows) // MOST_POINTS)
    starts = np.arange(0, len(rows), each)
    places = [names.index(name) for name in chosen]
    most = np.maximum.reduceat(rows[:, places], starts, axis=0)
    seen = np.maximum.reduceat(rows.any(axis=1), starts)
    return {
        "times": np.round(timeline.times[starts] + (each - 1) / 2 * prediction.stride, 3).tolist(),
        "curves": [
            {
                "action": name,
                "values": [
                    round(float(value) * 1000) if there else None for value, there in zip(column, seen, strict=True)
                ],
            }
            for name, column in zip(chosen, most.T, strict=True)
        ],
    }


def _explained(one: Explained) -> dict[str, Any]:
    found = one.importance
    ranking = found.ranking
    largest = float(found.shares.max()) or 1.0
    return {
        "action": found.action,
        "start": one.start,
        "end": one.end,
        "persons": list(one.persons),
        "weighed": found.weights is not None,
        "size": [WIDTH, HEIGHT],
        "lines": [[*start, *end] for start, end in figure_links(found.names)],
        "dots": [
            [*PLACES[name], round(float(share) / largest, 3), keypoint_title(name)]
            for name, share in zip(found.names, found.shares, strict=True)
            if name in PLACES
        ],
        "top": [
            {
                "name": keypoint_title(found.names[k]),
                "both": round(float(found.shares[k]), 4),
                "gradient": round(float(found.gradients[k]), 4),
                "weight": None if found.weights is None else round(float(found.weights[k]), 4),
            }
            for k in ranking[:TOP_KEYPOINTS]
        ],
    }
