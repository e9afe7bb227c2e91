"""Persons drawn into pictures: skeletons with hands and feet, and tags that say who does what."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from skelact.keypoints import FACE, LEFT_HAND, RIGHT_HAND, get_layout
from skelact.sequence import PoseSequence
from skelact.tags import DARK, LIGHT, Box, Colour, draw_tag

# Told apart by people who see colours differently as well (Okabe and Ito, 2008), one a person.
COLOURS: tuple[Colour, ...] = (
    (233, 180, 86), (0, 159, 230), (115, 158, 0), (66, 228, 240), (178, 114, 0), (0, 94, 213), (167, 121, 204),
)  # fmt: skip
HAND_COLOURS: Mapping[str, Colour] = {"left": (50, 225, 130), "right": (200, 70, 255)}
SEEN = 0.3  # a keypoint less sure than this is not drawn
SHIFT = 4  # coordinates are drawn to a sixteenth of a pixel
# Keypoints further from the picture than so many of its longer side are no help, and would overflow.
FARTHEST = 4.0
# Sizes in pixels, of a picture with a shorter side of 480 pixels; and what part of a person they may be at most.
LINE, LINE_SHARE = 2.5, 1 / 80
TEXT, TEXT_SHARE = 15.0, 1 / 10
LEAST_TEXT = 11
DOT, EDGE = 0.9, 1 / 3  # radius of a keypoint and width of the edge, in thicknesses of links
FINGER_SHARE = 1 / 24  # of a hand
LEAST_FACE = 40  # pixels; of a smaller face no keypoints are drawn


@dataclass(frozen=True)
class _Person:
    """One person in one frame.

    Attributes:
        track_id: their number.
        points: (V, 2) float32, pixels of the picture.
        seen: (V,) bool, the keypoints to draw.
        box: left, top, right, bottom, pixels.
        line: thickness of their body's links, pixels.
        text: size of their tag's text, pixels.
    """

    track_id: int
    points: np.ndarray
    seen: np.ndarray
    box: tuple[float, float, float, float]
    line: float
    text: int


def colour_of(track_id: int) -> Colour:
    """The colour of a person: always the same for a track id."""
    return COLOURS[track_id % len(COLOURS)]


def text_size(width: int, height: int) -> int:
    """Size of text, pixels, in a picture of this width and height."""
    return max(LEAST_TEXT, round(TEXT * min(width, height) / 480))


def draw_persons(
    image: np.ndarray,
    sequence: PoseSequence,
    frame_index: int,
    captions: Mapping[int, str],
    taken: tuple[Box, ...] = (),
) -> None:
    """Draw the persons of one frame into its picture.

    Args:
        image: (H, W, 3) uint8, BGR; changed. It may have another size than the sequence's frames.
        sequence: in any layout.
        frame_index: the row of the sequence.
        captions: what to write beside the track id of some persons.
        taken: where no tags should be.
    """
    persons = [person for k in range(sequence.num_instances) if (person := _person(image, sequence, k, frame_index))]
    for person in persons:
        _draw_corners(image, person)
        _draw_skeleton(image, person, sequence.layout)
    tags = list(taken)
    for person in persons:
        text = " ".join((str(person.track_id), captions.get(person.track_id, "")))
        where = person.box[0], person.box[1]
        tags.append(draw_tag(image, text, where, colour_of(person.track_id), person.text, tags))


def _person(image: np.ndarray, sequence: PoseSequence, instance: int, frame_index: int) -> _Person | None:
    """A person as to be drawn, or None if nothing of them is seen."""
    height, width = image.shape[:2]
    factor = np.array([width / sequence.width, height / sequence.height])
    points = sequence.keypoints[instance, frame_index] * factor
    near = (np.abs(points) < FARTHEST * max(width, height)).all(axis=1)  # which nan is not
    seen = near & (sequence.scores[instance, frame_index] > SEEN)
    if not seen.any():
        return None
    box = sequence.boxes[instance, frame_index].reshape(2, 2) * factor
    if not (np.isfinite(box).all() and (box[1] > box[0]).all()):
        box = np.stack([points[seen].min(axis=0), points[seen].max(axis=0)])
    box = np.clip(box, 0, [width - 1, height - 1])
    extent, unit = float((box[1] - box[0]).max()), min(width, height) / 480
    largest = text_size(width, height)
    return _Person(
        int(sequence.track_ids[instance]),
        points,
        seen,
        (*map(float, box.ravel()),),  # type: ignore[arg-type]
        max(1.0, min(LINE * unit, extent * LINE_SHARE)),
        round(min(largest, max(LEAST_TEXT, largest / 2, extent * TEXT_SHARE))),
    )


def _draw_corners(image: np.ndarray, person: _Person) -> None:
    """The corners of a person's box, which hide less than the box."""
    left, top, right, bottom = person.box
    reach = min(right - left, bottom - top) / 6
    lines = [
        [(x, y + (reach if y == top else -reach)), (x, y), (x + (reach if x == left else -reach), y)]
        for x in (left, right)
        for y in (top, bottom)
    ]
    fixed = [_fixed(np.array(line)) for line in lines]
    cv2.polylines(image, fixed, False, colour_of(person.track_id), max(1, round(person.line * 0.7)), cv2.LINE_AA, SHIFT)


def _draw_skeleton(image: np.ndarray, person: _Person, layout: str) -> None:
    """The links and keypoints of a person: body, feet and hands, and where it is large their face."""
    parts = _parts(layout)
    strokes = []
    for part in ("body", "left", "right"):
        places = parts.places[part][person.seen[parts.places[part]]]
        if not len(places):
            continue
        links = parts.links[part][person.seen[parts.links[part]].all(axis=1)]
        extent = float(np.ptp(person.points[places], axis=0).max())
        line = person.line if part == "body" else max(1.0, min(person.line * 0.6, extent * FINGER_SHARE))
        colour = HAND_COLOURS.get(part, colour_of(person.track_id))
        strokes.append((_fixed(person.points[links]), _fixed(person.points[places]), line, colour))
    for lines, dots, line, _ in strokes:  # a dark edge first, to be seen on any ground
        if edge := round(line * EDGE):
            cv2.polylines(image, list(lines), False, DARK, round(line) + 2 * edge, cv2.LINE_AA, SHIFT)
            _draw_dots(image, dots, line * DOT + edge, DARK)
    for lines, dots, line, colour in strokes:
        cv2.polylines(image, list(lines), False, colour, round(line), cv2.LINE_AA, SHIFT)
        _draw_dots(image, dots, line * DOT, colour)
    face = person.points[parts.places["face"][person.seen[parts.places["face"]]]]
    if len(face) and np.ptp(face, axis=0).max() >= LEAST_FACE:
        _draw_dots(image, _fixed(face), person.line / 3, LIGHT)


def _draw_dots(image: np.ndarray, dots: np.ndarray, radius: float, colour: Colour) -> None:
    for dot in dots.tolist():
        cv2.circle(image, dot, round(radius * (1 << SHIFT)), colour, -1, cv2.LINE_AA, SHIFT)


def _fixed(points: np.ndarray) -> np.ndarray:
    """Coordinates as OpenCV draws them: whole numbers of sixteenths of a pixel."""
    return np.round(points * (1 << SHIFT)).astype(np.int32)


@dataclass(frozen=True)
class _Parts:
    """Of the parts body, left, right and face of a layout: places of keypoints, and (L, 2) of the ends of links."""

    places: Mapping[str, np.ndarray]
    links: Mapping[str, np.ndarray]


@functools.cache
def _parts(name: str) -> _Parts:
    """The parts of a layout; a link belongs to a hand if one end does."""
    layout = get_layout(name)
    ranges = {"face": FACE, "left": LEFT_HAND, "right": RIGHT_HAND}
    # A hand alone has no places in a whole body: it is drawn like a body.
    owner = [
        next((part for part in ranges if k in ranges[part]), "body") for k in layout.wholebody or [0] * len(layout)
    ]
    places: dict[str, list[int]] = {part: [] for part in ("body", *ranges)}
    links: dict[str, list[tuple[int, int]]] = {part: [] for part in ("body", *ranges)}
    for k, part in enumerate(owner):
        places[part].append(k)
    for link in layout.links:
        owners = {owner[link[0]], owner[link[1]]}
        links[next((part for part in ranges if part in owners), "body")].append(link)
    return _Parts(
        {part: np.array(found, np.int64) for part, found in places.items()},
        {part: np.array(found, np.int64).reshape(-1, 2) for part, found in links.items()},
    )
