"""A prediction as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from skelact.cli.common import print_table

if TYPE_CHECKING:
    from skelact.results import Prediction, Timeline


def print_prediction(prediction: Prediction) -> None:
    """A prediction on stdout: of one clip its most probable actions, of a longer video its segments."""
    count = len(prediction.persons)
    persons = "1 person" if count == 1 else f"{count} persons"
    title = (
        f"{prediction.source}: {prediction.seconds:.1f} s, {persons}, keypoints by {prediction.estimator}, "
        f"actions by {prediction.model}"
    )
    if prediction.is_one_clip:
        _print_clip(prediction, title)
    else:
        _print_segments(prediction, title)


def _print_clip(prediction: Prediction, title: str) -> None:
    rows = [["", action.name, f"{action.probability:.3f}"] for action in prediction.actions]
    for each in prediction.individuals:
        rows += [[f"person {each.person}", one.name, f"{one.probability:.3f}"] for one in each.actions[:1]]
    if prediction.individuals:
        rows[0][0] = "group"
        print_table(title, ["who", "action", "probability"], rows, numbers={2})
    else:
        print_table(title, ["action", "probability"], [row[1:] for row in rows], numbers={1})
    if not prediction.segments:
        typer.echo(f"No action is told: {_why(prediction)}.")


def _why(prediction: Prediction) -> str:
    best = prediction.actions[0]
    if best.name == prediction.no_action:
        return f"the most probable is {best.name}"
    return f"none is as probable as {prediction.threshold:.2f}, the threshold"


def _print_segments(prediction: Prediction, title: str) -> None:
    rows = _rows(prediction.group, "group")
    for each in prediction.individuals:
        rows += _rows(each, f"person {each.person}")
    several = bool(prediction.individuals)  # then who does it is a column of its own
    print_table(
        f"{title}; windows of {prediction.window:.2f} s every {prediction.stride:.2f} s, "
        f"no action below {prediction.threshold:.2f}",
        ["start", "end", "action", "probability", *(["who"] if several else []), "persons"],
        [row if several else row[:4] + row[5:] for row in rows],
        numbers={0, 1, 3},
    )


def _rows(timeline: Timeline, who: str) -> list[list[str]]:
    """Start, end, action, probability, who, and the persons looked at."""
    from skelact.results import clock

    return [
        [
            clock(one.start),
            clock(one.end),
            one.action,
            f"{one.probability:.3f}",
            who,
            " ".join(map(str, one.persons)),
        ]
        for one in timeline.segments
    ] or [["", "", "no action", "", who, ""]]
