"""The keypoint layouts: trees, links and mirrors, and the views of one layout in another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.errors import UsageError
from skelact.keypoints import BODY, FACE, FEET, LAYOUTS, LEFT_HAND, RIGHT_HAND, Layout, get_layout

every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


@every_layout
def test_names_are_unique_and_indexed(layout: Layout) -> None:
    assert len(set(layout.keypoint_names)) == len(layout)
    assert [layout.index[name] for name in layout.keypoint_names] == list(range(len(layout)))


@every_layout
def test_mirror_is_an_involution(layout: Layout) -> None:
    assert sorted(layout.mirror) == list(range(len(layout)))
    assert [layout.mirror[partner] for partner in layout.mirror] == list(range(len(layout)))


@every_layout
def test_mirror_swaps_left_and_right_names(layout: Layout) -> None:
    for name, partner in zip(layout.keypoint_names, layout.mirror, strict=True):
        mirrored = layout.keypoint_names[partner]
        if name.startswith("left_"):
            assert mirrored == name.replace("left_", "right_", 1)
        elif not name.startswith(("right_", "face_")):
            assert mirrored == name


@every_layout
def test_mirror_maps_the_skeleton_onto_itself(layout: Layout) -> None:
    if layout.name == "wholebody133":
        pytest.skip("the face's points are chained in one direction along each curve")
    undirected = {frozenset(link) for link in layout.links}
    assert {frozenset((layout.mirror[a], layout.mirror[b])) for a, b in undirected} == undirected
    assert [layout.mirror[layout.parents[k]] for k in range(len(layout))] == [
        layout.parents[layout.mirror[k]] for k in range(len(layout))
    ]


@every_layout
def test_parents_form_a_tree(layout: Layout) -> None:
    assert len(layout.parents) == len(layout)
    assert [k for k, parent in enumerate(layout.parents) if k == parent] == [layout.center]
    for start in range(len(layout)):
        steps, k = 0, start
        while k != layout.center:
            k, steps = layout.parents[k], steps + 1
            assert steps < len(layout), f"a circle of parents from {layout.keypoint_names[start]}"


@every_layout
def test_links_are_valid_distinct_and_connect_everything(layout: Layout) -> None:
    assert len({frozenset(link) for link in layout.links}) == len(layout.links)
    reached, fresh = {layout.center}, {layout.center}
    while fresh:
        fresh = {b for link in layout.links for a, b in (link, link[::-1]) if a in fresh} - reached
        reached |= fresh
    assert reached == set(range(len(layout)))


def test_links_equal_the_reference(shared: Path) -> None:
    with np.load(shared / "reference" / "graphs.npz", allow_pickle=False) as reference:
        assert {tuple(link) for link in reference["links"].tolist()} == set(get_layout("expressive65").links)
        assert len(reference["links"]) == len(get_layout("expressive65").links)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("coco17", {"body": 17, "feet": 0, "face": 0, "hands": 0}),
        ("expressive65", {"body": 17, "feet": 6, "face": 0, "hands": 42}),
        ("wholebody133", {"body": 17, "feet": 6, "face": 68, "hands": 42}),
    ],
)
def test_places_finds_the_parts_of_the_body(name: str, parts: dict[str, int]) -> None:
    layout = get_layout(name)
    found = {
        "body": len(layout.places(BODY)),
        "feet": len(layout.places(FEET)),
        "face": len(layout.places(FACE)),
        "hands": len(layout.places(LEFT_HAND)) + len(layout.places(RIGHT_HAND)),
    }
    assert found == parts


@given(first=st.integers(0, 132), length=st.integers(0, 133))
def test_places_are_where_the_wholebody_keypoints_are(first: int, length: int) -> None:
    wanted = range(first, min(first + length, 133))
    for layout in LAYOUTS.values():
        places = layout.places(wanted)
        assert [layout.wholebody[k] for k in places] == [k for k in layout.wholebody if k in wanted]


def test_an_unknown_layout_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'coco17'"):
        get_layout("coco-17")
