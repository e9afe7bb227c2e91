"""Keypoint layouts as data: names, links, parents and left-right pairs.

COCO-WholeBody order (133): body 0-16, feet 17-22, face 23-90, left hand 91-111, right hand 112-132.
Expressive Keypoints (65, Yang et al. 2024, section 3.1) are COCO-WholeBody without the face.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skelact.errors import UsageError, unknown_name

Link = tuple[int, int]
Groups = tuple[tuple[int, ...], ...]

BODY_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
FEET_NAMES = ["left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel"]
FINGERS = ("thumb", "index", "middle", "ring", "little")
BODY = range(0, 17)
FEET = range(17, 23)
FACE = range(23, 91)
LEFT_HAND = range(91, 112)
RIGHT_HAND = range(112, 133)

# PYSKL's links and bones of COCO-17 (child, parent); the nose is the centre.
_COCO_LINKS: tuple[Link, ...] = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 5), (12, 6), (9, 7), (7, 5), (10, 8), (8, 6), (5, 0), (6, 0),
    (1, 0), (3, 1), (2, 0), (4, 2),
)  # fmt: skip
_COCO_PARENTS = (0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 0, 0, 11, 12, 13, 14)

# COCO-WholeBody's skeleton, used by the Expressive Keypoints: closed loops at head, trunk and feet.
_WHOLEBODY_BODY_LINKS: tuple[Link, ...] = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8), (7, 9), (8, 10),
    (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (0, 4), (0, 3), (0, 5), (0, 6),
)  # fmt: skip
_FEET_LINKS: tuple[Link, ...] = (
    (17, 18),
    (18, 19),
    (19, 17),
    (20, 21),
    (21, 22),
    (22, 20),
    (15, 19),
    (16, 22),
)
_FEET_PARENTS = (19, 19, 15, 22, 22, 16)


def _hand_names(side: str) -> list[str]:
    prefix = f"{side}_" if side else ""
    return [f"{prefix}hand_root"] + [f"{prefix}{finger}{joint}" for finger in FINGERS for joint in range(1, 5)]


def _hand_links(root: int) -> list[Link]:
    """The links of a hand whose root has index `root`: root to base, base to tip, finger by finger."""
    links = []
    for finger in range(5):
        base = root + 1 + 4 * finger
        links.append((root, base))
        links += [(base + k, base + k + 1) for k in range(3)]
    return links


def _hand_parents(root: int, root_parent: int) -> list[int]:
    parents = [root_parent]
    for finger in range(5):
        base = root + 1 + 4 * finger
        parents += [root, base, base + 1, base + 2]
    return parents


def _face_mirror() -> list[int]:
    """The left-right partners of the 68 face points (the order of 300-W), relative to the first."""
    partner = list(range(68))
    for first, last in ((0, 16), (17, 26), (31, 35), (48, 54), (60, 64)):
        for k in range(last - first + 1):
            partner[first + k] = last - k
    for a, b in ((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46), (55, 59), (56, 58), (65, 67)):
        partner[a], partner[b] = b, a
    return partner


@dataclass(frozen=True)
class Layout:
    """An order of keypoints.

    Attributes:
        name: as on the command line.
        keypoint_names: one name a keypoint, in order.
        links: directed links (child, parent) of the graph the networks start from.
        parents: the keypoint each bone starts at, one a keypoint; the root names itself.
        mirror: the keypoint each one becomes when the image is mirrored left to right.
        wholebody: the index of each keypoint in COCO-WholeBody's 133; empty where there is none.
        center: the keypoint that distances in the graph are counted from.
    """

    name: str
    keypoint_names: tuple[str, ...]
    links: tuple[Link, ...]
    parents: tuple[int, ...]
    mirror: tuple[int, ...]
    wholebody: tuple[int, ...]
    center: int = 0

    def __len__(self) -> int:
        return len(self.keypoint_names)

    @cached_property
    def index(self) -> dict[str, int]:
        """Keypoint name to its place in this layout."""
        return {name: k for k, name in enumerate(self.keypoint_names)}

    def places(self, wholebody: range) -> np.ndarray:
        """The places in this layout of a range of COCO-WholeBody keypoints; empty where it has none."""
        return np.flatnonzero([k in wholebody for k in self.wholebody])


def _mirror_by_name(names: Sequence[str]) -> list[int]:
    place = {name: k for k, name in enumerate(names)}
    swap = {"left": "right", "right": "left"}
    mirrored = []
    for name in names:
        side, _, rest = name.partition("_")
        mirrored.append(place[f"{swap[side]}_{rest}"] if side in swap else place[name])
    return mirrored


def _expressive65() -> Layout:
    names = [*BODY_NAMES, *FEET_NAMES, *_hand_names("left"), *_hand_names("right")]
    links = [*_WHOLEBODY_BODY_LINKS, *_hand_links(23), *_hand_links(44), *_FEET_LINKS, (9, 23), (10, 44)]
    parents = [*_COCO_PARENTS, *_FEET_PARENTS, *_hand_parents(23, 9), *_hand_parents(44, 10)]
    wholebody = (*BODY, *FEET, *LEFT_HAND, *RIGHT_HAND)
    return Layout("expressive65", tuple(names), tuple(links), tuple(parents), tuple(_mirror_by_name(names)), wholebody)


def _wholebody133() -> Layout:
    face = [f"face_{k}" for k in range(68)]
    names = [*BODY_NAMES, *FEET_NAMES, *face, *_hand_names("left"), *_hand_names("right")]
    # The face hangs off the nose; its points follow one another within each of its seven curves.
    starts = (0, 17, 22, 27, 31, 36, 42, 48, 60)
    face_parents = [0 if k in starts else 23 + k - 1 for k in range(68)]
    face_links = [(23 + k, parent) for k, parent in enumerate(face_parents)]
    links = [*_WHOLEBODY_BODY_LINKS, *_hand_links(91), *_hand_links(112), *_FEET_LINKS, (9, 91), (10, 112)]
    parents = [*_COCO_PARENTS, *_FEET_PARENTS, *face_parents, *_hand_parents(91, 9), *_hand_parents(112, 10)]
    mirror = _mirror_by_name(names)
    mirror[23:91] = [23 + k for k in _face_mirror()]
    return Layout("wholebody133", tuple(names), (*links, *face_links), tuple(parents), tuple(mirror), tuple(range(133)))


def _coco17() -> Layout:
    return Layout(
        "coco17",
        tuple(BODY_NAMES),
        _COCO_LINKS,
        _COCO_PARENTS,
        tuple(_mirror_by_name(BODY_NAMES)),
        tuple(BODY),
    )


def _hand21() -> Layout:
    names = _hand_names("")
    parents = _hand_parents(0, 0)
    links = tuple((k, parents[k]) for k in range(1, 21))
    return Layout("hand21", tuple(names), links, tuple(parents), tuple(range(21)), ())


LAYOUTS = {layout.name: layout for layout in (_coco17(), _expressive65(), _wholebody133(), _hand21())}


def get_layout(name: str) -> Layout:
    """The layout of that name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    try:
        return LAYOUTS[name]
    except KeyError:
        raise unknown_name("layout", name, LAYOUTS) from None


def _first_merge() -> dict[str, tuple[str, ...]]:
    """The body's 17, left fingers, right fingers, and what merges into each (Yang et al. 2024, section 3.2).

    The paper drops the face. Where a layout has one, each eye takes its contour and brow, and the nose all the rest.
    """
    brows_and_eyes = {"right": (*range(17, 22), *range(36, 42)), "left": (*range(22, 27), *range(42, 48))}
    rest = [k for k in range(68) if k not in (*brows_and_eyes["left"], *brows_and_eyes["right"])]
    merge: dict[str, tuple[str, ...]] = {name: (name,) for name in BODY_NAMES}
    merge["nose"] += tuple(f"face_{k}" for k in rest)
    for side, points in brows_and_eyes.items():
        merge[f"{side}_eye"] += tuple(f"face_{k}" for k in points)
        merge[f"{side}_wrist"] += (f"{side}_hand_root",)
        merge[f"{side}_ankle"] += tuple(f"{side}_{part}" for part in ("big_toe", "small_toe", "heel"))
    for side in ("left", "right"):
        merge |= {f"{side}_{finger}": tuple(f"{side}_{finger}{k}" for k in range(1, 5)) for finger in FINGERS}
    return merge


def _second_merge() -> dict[str, tuple[str, ...]]:
    hands = {side: (f"{side}_wrist", *(f"{side}_{finger}" for finger in FINGERS)) for side in ("left", "right")}
    return {
        "head": BODY_NAMES[:5],
        "shoulders": ("left_shoulder", "right_shoulder"),
        "left_elbow": ("left_elbow",),
        "right_elbow": ("right_elbow",),
        "left_hand": hands["left"],
        "right_hand": hands["right"],
        "hips": ("left_hip", "right_hip"),
        "left_knee": ("left_knee",),
        "right_knee": ("right_knee",),
        "left_foot": ("left_ankle",),
        "right_foot": ("right_ankle",),
    }


# The two transformations of SkeleT: the name of each coarser keypoint to the names of those that merge into it.
TRANSFORMATIONS: tuple[Mapping[str, tuple[str, ...]], ...] = (_first_merge(), _second_merge())


def transformation_groups(layout: Layout) -> list[Groups | None]:
    """For each transformation the places of the finer keypoints that merge into each coarser one; None if none do.

    Raises:
        UsageError: the layout has keypoints that no transformation knows.
    """
    names, found = list(layout.keypoint_names), []
    for merge in TRANSFORMATIONS:
        groups = {coarse: tuple(names.index(k) for k in parts if k in names) for coarse, parts in merge.items()}
        groups = {coarse: places for coarse, places in groups.items() if places}
        if sum(map(len, groups.values())) != len(names):
            raise UsageError(
                f"Skeleton Transformation merges the parts of a body, which layout {layout.name} has not: "
                "choose a plain backbone for it"
            )
        found.append(tuple(groups.values()) if len(groups) < len(names) else None)
        names = list(groups)
    return found
