"""Graphs of layouts and the mappings between resolutions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reference import DATA_FILES

from skelact.errors import UsageError
from skelact.keypoints import LAYOUTS, Layout, get_layout, transformation_groups
from skelact.models.graph import (
    adjacency,
    mapping_matrix,
    normalize_columns,
    resolution_graphs,
    skeleton_transformation,
    spatial_graph,
)

EXPRESSIVE = get_layout("expressive65")
# The authors write a sixth as 0.1667, which shows in the mapping to the coarsest skeleton and in its graph.
FOUR_DIGITS = 1e-4
every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))


@pytest.fixture(scope="module")
def numbers() -> dict[str, np.ndarray]:
    return dict(np.load(DATA_FILES / "reference_graphs.npz"))


def test_mappings_agree_with_the_reference(numbers: dict[str, np.ndarray]) -> None:
    to_27, to_11 = skeleton_transformation(EXPRESSIVE)
    np.testing.assert_allclose(to_27.numpy(), numbers["M65to27"], atol=1e-6)
    np.testing.assert_allclose(to_11.numpy(), numbers["M27to11"], atol=FOUR_DIGITS)


def test_graphs_of_all_resolutions_agree_with_the_reference(numbers: dict[str, np.ndarray]) -> None:
    graphs = resolution_graphs(EXPRESSIVE, skeleton_transformation(EXPRESSIVE))
    for graph, name, atol in zip(graphs, ("A65", "A27", "A11"), (1e-6, 1e-6, FOUR_DIGITS), strict=True):
        np.testing.assert_allclose(graph.numpy(), numbers[name], atol=atol, err_msg=name)


def test_graphs_follow_from_the_mappings(numbers: dict[str, np.ndarray]) -> None:
    mappings = [torch.from_numpy(numbers[name]) for name in ("M65to27", "M27to11")]
    for graph, name in zip(resolution_graphs(EXPRESSIVE, mappings), ("A65", "A27", "A11"), strict=True):
        np.testing.assert_allclose(graph.numpy(), numbers[name], atol=1e-6, err_msg=name)


def test_links_of_the_expressive_keypoints_agree_with_the_reference(numbers: dict[str, np.ndarray]) -> None:
    assert sorted(map(list, EXPRESSIVE.links)) == sorted(numbers["links"].tolist())


def test_each_keypoint_goes_into_one_coarser_keypoint() -> None:
    for mapping in skeleton_transformation(EXPRESSIVE):
        assert ((mapping > 0).sum(dim=1) == 1).all()
        torch.testing.assert_close(mapping.sum(dim=0), torch.ones(mapping.shape[1]), atol=3e-4, rtol=0)


@pytest.mark.parametrize(
    ("coarse", "members"),
    [
        (0, ["nose"]),
        (9, ["left_hand_root", "left_wrist"]),
        (16, ["right_ankle", "right_big_toe", "right_heel", "right_small_toe"]),
        (17, [f"left_thumb{k}" for k in range(1, 5)]),
        (26, [f"right_little{k}" for k in range(1, 5)]),
    ],
)
def test_what_merges_into_the_27(coarse: int, members: list[str]) -> None:
    mapping = skeleton_transformation(EXPRESSIVE)[0]
    assert sorted(EXPRESSIVE.keypoint_names[k] for k in torch.nonzero(mapping[:, coarse]).flatten()) == members


def test_a_hand_with_its_wrist_becomes_one_of_the_11() -> None:
    both = skeleton_transformation(EXPRESSIVE)[0] @ skeleton_transformation(EXPRESSIVE)[1]
    names = [EXPRESSIVE.keypoint_names[k] for k in torch.nonzero(both[:, 4]).flatten()]
    assert len(names) == 22
    assert {name.split("_")[0] for name in names} == {"left"}


def test_a_mapping_averages_its_groups() -> None:
    mapping = mapping_matrix(((0, 2), (1,)), 3)
    assert torch.tensor([1.0, 5.0, 3.0]).matmul(mapping).tolist() == [2.0, 5.0]


@every_layout
def test_a_graph_links_both_ways_and_each_keypoint_to_itself(layout: Layout) -> None:
    graph = adjacency(layout)
    assert torch.equal(graph, graph.T)
    assert (graph.diagonal() == 1).all()
    assert int((graph > 0).sum()) == len(layout) + 2 * len(set(layout.links))


@every_layout
def test_the_spatial_graph_splits_links_by_direction(layout: Layout) -> None:
    itself, inward, outward = spatial_graph(layout)
    child, parent = layout.links[0]
    assert torch.equal(itself, torch.eye(len(layout)))
    assert inward[parent, child] > 0
    assert outward[child, parent] > 0
    assert not ((inward > 0) & (outward > 0)).any()
    assert torch.equal((itself + inward + outward) > 0, adjacency(layout) > 0)


@every_layout
def test_columns_sum_to_one_or_stay_empty(layout: Layout) -> None:
    for graph in spatial_graph(layout):
        sums = graph.sum(dim=0)
        torch.testing.assert_close(sums, (graph > 0).any(dim=0).float())


def test_an_empty_column_is_not_divided_by_zero() -> None:
    assert normalize_columns(torch.tensor([[2.0, 0.0], [2.0, 0.0]])).tolist() == [[0.5, 0.0], [0.5, 0.0]]


@pytest.mark.parametrize(
    ("name", "sizes"), [("expressive65", [27, 11]), ("wholebody133", [27, 11]), ("coco17", [None, 11])]
)
def test_every_layout_of_a_body_becomes_the_same_coarser_skeletons(name: str, sizes: list[int | None]) -> None:
    layout = get_layout(name)
    mappings = skeleton_transformation(layout)
    assert [None if mapping is None else mapping.shape[1] for mapping in mappings] == sizes
    for mapping in filter(torch.is_tensor, mappings):
        assert ((mapping > 0).sum(dim=1) == 1).all()
        torch.testing.assert_close(mapping.sum(dim=0), torch.ones(mapping.shape[1]), atol=3e-4, rtol=0)
    graphs = resolution_graphs(layout, mappings)
    assert [len(graph) for graph in graphs] == [len(layout), sizes[0] or len(layout), 11]
    assert all(graph.isfinite().all() for graph in graphs)


def test_the_face_merges_into_nose_and_eyes_symmetrically() -> None:
    layout = get_layout("wholebody133")
    groups = transformation_groups(layout)[0]
    assert [len(groups[k]) for k in range(5)] == [47, 12, 12, 1, 1]
    assert {layout.mirror[k] for k in groups[1]} == set(groups[2])
    assert {layout.mirror[k] for k in groups[0]} == set(groups[0])
    # Apart from the face nothing differs from the Expressive Keypoints.
    expressive = transformation_groups(EXPRESSIVE)[0]
    for whole, part in zip(groups, expressive, strict=True):
        names = [layout.keypoint_names[k] for k in whole]
        assert [n for n in names if not n.startswith("face")] == [EXPRESSIVE.keypoint_names[k] for k in part]


def test_a_hand_has_no_body_to_transform() -> None:
    with pytest.raises(UsageError, match="layout hand21 has not"):
        skeleton_transformation(get_layout("hand21"))
