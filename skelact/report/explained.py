"""Which keypoints mattered for the actions that a prediction tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skelact.ensemble import Ensemble
from skelact.importance import Importance, explain
from skelact.results import Prediction, Segment, Timeline
from skelact.timelines import WINDOW_CLIPS
from skelact.windows import seen_in, windows_around

# So many of the actions told, the most probable first: each takes the time of some predictions.
MOST_ACTIONS = 12


@dataclass(frozen=True)
class Explained:
    """An action, and what it hung on where it was most probable.

    Attributes:
        importance: of each keypoint.
        start, end: of what the recognizer looked at, seconds from the start of the video.
        persons: track ids of those it looked at.
    """

    importance: Importance
    start: float
    end: float
    persons: tuple[int, ...]


def explain_actions(prediction: Prediction, recognizer: Ensemble, device: str = "cpu") -> list[Explained]:
    """Explain each action told, or the most probable one of a single clip, where it is most probable.

    Args:
        prediction: of a group and, maybe, of its persons.
        recognizer: what predicted.
        device: where it runs.
    """
    best: dict[str, tuple[Timeline, Segment]] = {}
    for timeline in (prediction.group, *prediction.individuals):
        for segment in timeline.segments:
            if segment.action not in best or segment.probability > best[segment.action][1].probability:
                best[segment.action] = timeline, segment
    if not best and prediction.is_one_clip:
        top = prediction.actions[0]
        whole = Segment(0.0, prediction.seconds, top.name, top.probability, prediction.persons)
        best[top.name] = prediction.group, whole
    chosen = sorted(best.values(), key=lambda found: -found[1].probability)[:MOST_ACTIONS]
    return [_explained(prediction, recognizer, device, *found) for found in chosen]


def _explained(
    prediction: Prediction, recognizer: Ensemble, device: str, timeline: Timeline, segment: Segment
) -> Explained:
    """The action in the very frames and persons that were looked at in its most probable step."""
    sequence, present = prediction.sequence, prediction.sequence.present
    inside = np.flatnonzero((timeline.times >= segment.start) & (timeline.times < segment.end))
    column = timeline.probabilities[inside, prediction.class_names.index(segment.action)]
    step = timeline.times[inside[column.argmax()]] if len(inside) else (segment.start + segment.end) / 2
    window = next(windows_around(np.array([step]), sequence.timestamps, prediction.window))
    one_clip = prediction.is_one_clip
    seen = np.flatnonzero(present.any(axis=1)) if one_clip else seen_in(present, window)
    if timeline.person is not None:
        seen = np.flatnonzero(sequence.track_ids == timeline.person)
    chosen = seen[: recognizer.max_instances]
    part = sequence.frames(window.start, window.stop).select(chosen)
    importance = explain(recognizer, part, segment.action, device, None if one_clip else WINDOW_CLIPS)
    since = sequence.timestamps - sequence.timestamps[0]
    end = float(since[window.stop - 1] + 1 / sequence.fps)
    return Explained(importance, float(since[window.start]), end, tuple(part.track_ids.tolist()))
