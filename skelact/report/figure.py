"""A person from the front, and their hands enlarged: where each keypoint is drawn to show how much it mattered."""

from __future__ import annotations

from collections.abc import Sequence

from skelact.keypoints import FINGERS, LAYOUTS

Point = tuple[float, float]
WIDTH, HEIGHT = 320.0, 250.0
# The right half of the body as one looks at it is the person's left.
_LEFT_BODY: dict[str, Point] = {
    "eye": (168, 27), "ear": (179, 31), "shoulder": (190, 66), "elbow": (203, 103), "wrist": (211, 138),
    "hip": (177, 132), "knee": (180, 181), "ankle": (181, 226), "heel": (179, 236), "small_toe": (194, 240),
    "big_toe": (188, 243),
}  # fmt: skip
_NECK: Point = (WIDTH / 2, 66.0)
# The palm of the left hand, fingers down; the thumb is away from the body.
_LEFT_HAND_ROOT: Point = (272.0, 130.0)
_FINGERS: dict[str, tuple[Point, ...]] = {
    "thumb": ((18, 16), (29, 29), (36, 41), (41, 52)),
    "index": ((13, 45), (17, 65), (19, 79), (20, 91)),
    "middle": ((1, 48), (1, 71), (1, 87), (1, 100)),
    "ring": ((-11, 45), (-14, 66), (-15, 80), (-16, 92)),
    "little": ((-21, 39), (-27, 55), (-30, 66), (-33, 76)),
}


def _body() -> dict[str, Point]:
    """The places of body, feet and both hands, by name."""
    left = {f"left_{name}": place for name, place in _LEFT_BODY.items()}
    left |= {f"left_{name}": place for name, place in _hand(_LEFT_HAND_ROOT).items()}
    right = {name.replace("left_", "right_", 1): (WIDTH - x, y) for name, (x, y) in left.items()}
    return {"nose": (WIDTH / 2, 36.0), **left, **right}


def _hand(root: Point, size: float = 1.0) -> dict[str, Point]:
    places = {"hand_root": root}
    for finger in FINGERS:
        for joint, (x, y) in enumerate(_FINGERS[finger], 1):
            places[f"{finger}{joint}"] = (root[0] + size * x, root[1] + size * y)
    return places


# A hand alone is drawn large, in the middle.
PLACES = {**_body(), **_hand((WIDTH / 2, 20.0), 2.1)}
_BODY_LAYOUT, _HAND_LAYOUT = LAYOUTS["expressive65"], LAYOUTS["hand21"]


def figure_links(names: Sequence[str]) -> list[tuple[Point, Point]]:
    """The lines of the figure for keypoints of these names."""
    layout = _HAND_LAYOUT if "hand_root" in names else _BODY_LAYOUT
    known = set(names)
    neck = [(PLACES["nose"], _NECK)] if "nose" in known else []
    ends = ((layout.keypoint_names[child], layout.keypoint_names[parent]) for child, parent in layout.links)
    return neck + [
        (PLACES[child], PLACES[parent])
        for child, parent in ends
        if child in known and parent in known and not _crosses(child, parent)
    ]


def _crosses(child: str, parent: str) -> bool:
    """Whether a link would be a long line through the figure: from the head to the trunk, or to an enlarged hand."""
    pair = {child.partition("_")[2] or child, parent.partition("_")[2] or parent}
    return pair in ({"nose", "shoulder"}, {"nose", "ear"}, {"wrist", "hand_root"})
