"""The persons of a video that an action belongs to, among everybody in the picture."""

from __future__ import annotations

import numpy as np

from skelact.keypoints import BODY, get_layout
from skelact.sequence import PoseSequence

LEAST_PRESENCE = 0.25  # of the frames in which the one seen longest is seen


def main_persons(sequence: PoseSequence, count: int) -> PoseSequence:
    """At most so many persons: those seen long, large in the picture and moving; in the order of the sequence.

    As is usual for NTU RGB+D, whose rooms hold passers-by and seated watchers: who is seen for less than a quarter
    of the time falls away (as short tracks do in its denoising by Zhang et al. 2019, who then rank by motion alone);
    the others rank by the product of frames seen, mean height of their box, and motion plus a tenth, so that one who
    stands still near the camera goes before a passer-by far away. Motion is the mean spread of the body's keypoints
    over time, in heights of the box.

    Args:
        sequence: everybody.
        count: how many to keep, at least 1.

    Returns:
        The same sequence with these; without anybody never seen.
    """
    frames = sequence.present.sum(axis=1)
    candidates = np.flatnonzero(frames >= max(1.0, LEAST_PRESENCE * frames.max(initial=0)))
    weights = np.array([frames[k] * _height(sequence, k) * (0.1 + _motion(sequence, k)) for k in candidates])
    best = candidates[np.argsort(-weights, kind="stable")[:count]]
    return sequence.select(np.sort(best))


def _height(sequence: PoseSequence, k: int) -> float:
    """Mean height of a person's box in the frames they are seen in, pixels, at least 1."""
    boxes = sequence.boxes[k, sequence.present[k]]
    return max(1.0, float((boxes[:, 3] - boxes[:, 1]).mean()))


def _motion(sequence: PoseSequence, k: int) -> float:
    places = get_layout(sequence.layout).places(BODY)
    spreads = []
    for place in places:
        seen = sequence.scores[k, :, place] > 0
        if seen.sum() > 1:
            spreads.append(np.linalg.norm(sequence.keypoints[k, seen, place].std(axis=0)))
    return float(np.mean(spreads)) / _height(sequence, k) if spreads else 0.0
