"""The keypoints of a sequence as few bytes, for a page that draws them."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from skelact.drawing import FARTHEST, HAND_COLOURS, SEEN, colour_of
from skelact.keypoints import LEFT_HAND, RIGHT_HAND, Layout, get_layout
from skelact.sequence import PoseSequence
from skelact.tags import Colour

# Of all keypoints together; of longer videos every other frame is taken, or fewer.
MOST_BYTES = 8 << 20
# Whole numbers: so many a longer side of the frame, and what stands for not seen.
UNITS, UNSEEN = 8000, -32768
_DRAWN = {"wholebody133": "expressive65"}  # without the face


def skeletons(sequence: PoseSequence) -> dict[str, Any]:
    """The persons of a sequence as plain values, which `overlay.js` draws.

    Returns:
        times: milliseconds since the first frame, of the frames taken.
        units: whole numbers a pixel.
        links: pairs of places in the keypoints, each with what of the body it is.
        persons: of each the track id, the colour, the first frame of those taken, and the numbers x, y of each
            keypoint from there on, as little-endian int16 in base64.
    """
    sequence = sequence.to_layout(_DRAWN.get(sequence.layout, sequence.layout))
    layout = get_layout(sequence.layout)
    present = sequence.present
    spans = [(there[0], there[-1] + 1) for row in present if len(there := np.flatnonzero(row))]
    numbers = sum(int(stop - start) for start, stop in spans) * len(layout) * 4
    step = max(1, -(-numbers // MOST_BYTES))
    since = sequence.timestamps - sequence.timestamps[0]
    units = UNITS / max(sequence.width, sequence.height)
    persons = []
    for k in np.flatnonzero(present[:, ::step].any(axis=1)):
        there = np.flatnonzero(present[k, ::step])
        frames = slice(there[0] * step, there[-1] * step + 1, step)
        points = _packed(sequence.keypoints[k, frames], sequence.scores[k, frames], units)
        track_id = int(sequence.track_ids[k])
        persons.append(
            {"id": track_id, "colour": css_colour(colour_of(track_id)), "first": int(there[0]), "points": points}
        )
    return {
        "times": np.round(since[::step] * 1000).astype(int).tolist(),
        "units": units,
        "size": [sequence.width, sequence.height],
        "keypoints": len(layout),
        "links": [[int(child), int(parent), part_of(layout, child)] for child, parent in layout.links],
        "hands": {side: css_colour(colour) for side, colour in HAND_COLOURS.items()},
        "persons": persons,
    }


def _packed(keypoints: np.ndarray, scores: np.ndarray, units: float) -> str:
    seen = (scores > SEEN) & (np.abs(keypoints) < FARTHEST * UNITS / units).all(axis=-1)  # NaN is not below anything
    numbers = np.where(seen[..., None], np.round(np.where(seen[..., None], keypoints, 0) * units), UNSEEN)
    return base64.b64encode(numbers.astype("<i2").tobytes()).decode()


def part_of(layout: Layout, keypoint: int) -> str:
    """ "left" or "right" for a keypoint of that hand, else "body"."""
    if not layout.wholebody:  # a hand alone
        return "right"
    place = layout.wholebody[keypoint]
    return "left" if place in LEFT_HAND else "right" if place in RIGHT_HAND else "body"


def css_colour(colour: Colour) -> str:
    """Blue, green, red as #rrggbb."""
    return "#{2:02x}{1:02x}{0:02x}".format(*colour)
