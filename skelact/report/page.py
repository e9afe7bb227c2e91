"""A prediction as one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import skelact
from skelact.ensemble import Ensemble
from skelact.formats.writing import atomic_write, check_output
from skelact.report.content import page_content, timeline_name
from skelact.report.explained import explain_actions
from skelact.report.footage import OnFrame, small_video
from skelact.results import Prediction, clock

SCRIPTS = ("page.js", "player.js", "overlay.js", "timelines.js", "chart.js", "keypoints.js", "start.js")
NOTHING = "no action"
MOST_NAMES = 8  # in the first line
NO_ROW = '<tr class="empty"><td colspan="5">No action is probable enough to be told.</td></tr>'


def write_report(
    prediction: Prediction,
    path: Path,
    *,
    recognizer: Ensemble,
    device: str = "cpu",
    title: str | None = None,
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
) -> None:
    """Write a page about a prediction that a browser opens without a network.

    It holds the video, if that is still there and not too long, the skeletons over it, timelines to click,
    probabilities over time, and which keypoints mattered for each action told.

    Args:
        prediction: with the keypoints of all frames.
        path: the .html.
        recognizer: what predicted; it is asked which keypoints mattered.
        device: where it runs.
        title: of the page; None for the name of the video's file.
        overwrite: whether the file may be replaced.
        on_frame: called after each frame of the video with those done and those there are.

    Raises:
        OutputError: the page cannot be written; told before the work.
    """
    path = Path(path)
    check_output(path, overwrite)
    video, left_out = small_video(prediction, on_frame)
    explained = explain_actions(prediction, recognizer, device)
    script, style = "\n".join(map(_part, SCRIPTS)), _part("page.css")
    page = Template(_part("page.html")).substitute(
        policy=_policy(script, style),
        title=_text(title or Path(prediction.source).name or "Keypoints"),
        answer=_text(_answer(prediction)),
        facts=_facts(prediction),
        notes="".join(f"<li>{_text(note)}</li>" for note in (*prediction.notes, *filter(None, [left_out]))),
        segments="".join(_segment_rows(prediction)) or NO_ROW,
        version=_text(skelact.__version__),
        style=style,
        script=script,
        data=_embedded_json(page_content(prediction, explained)),
        video=base64.b64encode(video).decode(),
    )
    with atomic_write(path, overwrite) as file:
        file.write(page.encode())


def _part(name: str) -> str:
    """A file beside this one."""
    return (files("skelact.report") / name).read_text(encoding="utf-8")


def _text(text: str) -> str:
    """A text as HTML; bytes of a file name that are not valid UTF-8 become question marks."""
    return escape(text.encode(errors="replace").decode())


def _embedded_json(content: object) -> str:
    """JSON that no text in it can end early within a <script>."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _policy(script: str, style: str) -> str:
    """What the page may do: run its own script and style and play its own video, and nothing else."""
    own = (
        f"{kind}-src 'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
        for kind, content in (("script", script), ("style", style))
    )
    return "; ".join(["default-src 'none'", *own, "media-src blob:", "base-uri 'none'", "form-action 'none'"])


def _answer(prediction: Prediction) -> str:
    """What it says, in a line."""
    if prediction.is_one_clip:
        if prediction.segments:
            return f"{prediction.segments[0].action}, {prediction.segments[0].probability:.0%}"
        top = prediction.actions[0]
        return f"{NOTHING}: the most probable is {top.name}, {top.probability:.0%}"
    if prediction.segments:
        return _listed(segment.action for segment in prediction.segments)
    persons = [
        f"{timeline_name(one)}: {_listed(each.action for each in one.segments)}"
        for one in prediction.individuals
        if one.segments
    ]
    return _listed(persons) or NOTHING


def _listed(names: Iterable[str]) -> str:
    """Names with commas between, each once, of many the first."""
    unique = list(dict.fromkeys(names))
    rest = len(unique) - MOST_NAMES
    return ", ".join(unique[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def _facts(prediction: Prediction) -> str:
    sequence = prediction.sequence
    persons = ", ".join(map(str, prediction.persons[:12])) + (" …" if len(prediction.persons) > 12 else "")
    how = "taken as one clip"
    if not prediction.is_one_clip:
        how = f"{prediction.window:.3g} s at a time, every {prediction.stride:.3g} s"
    facts = {
        "Length": f"{prediction.seconds:.1f} s, {prediction.frames} frames",
        "Picture": f"{sequence.width} × {sequence.height}, {sequence.fps:.4g} frames/s",
        "Persons": f"{len(prediction.persons)} (number {persons})",
        "Keypoints": sequence.estimator or "not stated",
        "Model": prediction.model,
        "Looked at": how,
        "Threshold": f"{prediction.threshold:.0%}" if prediction.threshold else "none",
    }
    return "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(fact)}</dd></div>" for name, fact in facts.items())


def _segment_rows(prediction: Prediction) -> Iterable[str]:
    several = bool(prediction.individuals)
    for line in (prediction.group, *prediction.individuals):
        for segment in line.segments:
            who = timeline_name(line) if several else ", ".join(map(str, segment.persons))
            yield (
                f'<tr data-start="{segment.start:.3f}"><td class="number">{clock(segment.start)}</td>'
                f'<td class="number">{clock(segment.end)}</td><td class="action">{_text(segment.action)}</td>'
                f'<td class="number">{segment.probability:.0%}</td><td>{_text(who)}</td></tr>'
            )
