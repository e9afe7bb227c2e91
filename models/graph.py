"""Graphs of keypoint layouts and the mappings between their resolutions.

Yang et al. 2024, section 3.2: the keypoints are transformed to 27 and those to 11; a mapping matrix starts as the
average over each group and is learned, and the graph of the coarser skeleton follows from the finer one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from skelact.keypoints import Groups, Layout, transformation_groups


def adjacency(layout: Layout) -> Tensor:
    """(V, V) float32: identity plus every link in both directions, not normalised."""
    graph = torch.eye(len(layout))
    for child, parent in layout.links:
        graph[child, parent] += 1
        graph[parent, child] += 1
    return graph


def normalize_columns(graph: Tensor) -> Tensor:
    """The graph (V, V) with each column divided by its sum; empty columns stay empty."""
    sums = graph.sum(dim=0)
    return graph * torch.where(sums > 0, 1 / sums, torch.zeros_like(sums))


def spatial_graph(layout: Layout) -> Tensor:
    """(3, V, V): the identity, the inward and the outward links, each column-normalised (PYSKL's 'spatial')."""
    inward = torch.zeros(len(layout), len(layout))
    for child, parent in layout.links:
        inward[parent, child] = 1
    return torch.stack([torch.eye(len(layout)), normalize_columns(inward), normalize_columns(inward.T)])


def random_graph(num_subsets: int, num_keypoints: int) -> Tensor:
    """(S, V, V): a graph to be learned from scratch, as DG-STGCN starts (Duan et al. 2022, section 3.2)."""
    return torch.randn(num_subsets, num_keypoints, num_keypoints) * 0.02 + 0.04


def mapping_matrix(groups: Groups, num_keypoints: int) -> Tensor:
    """(V_in, V_out) whose column k averages over group k, so that x @ M maps features (..., V_in) to (..., V_out).

    Weights have four digits, as in the authors' matrices, so that fresh networks start from the very same numbers.
    """
    matrix = torch.zeros(num_keypoints, len(groups))
    for column, group in enumerate(groups):
        matrix[list(group), column] = float(f"{1 / len(group):.4g}")
    return matrix


def skeleton_transformation(layout: Layout) -> list[Tensor | None]:
    """The initial mappings, e.g. (65, 27) and (27, 11); None where a transformation merges nothing of the layout.

    Raises:
        UsageError: the layout has no body to transform.
    """
    mappings: list[Tensor | None] = []
    for groups in transformation_groups(layout):
        mappings.append(mapping_matrix(groups, sum(map(len, groups))) if groups else None)
    return mappings


def resolution_graphs(layout: Layout, mappings: Sequence[Tensor | None]) -> list[Tensor]:
    """The column-normalised graph of the layout and of each coarser skeleton, pinv(M) A M.

    Args:
        layout: the finest keypoints.
        mappings: from each resolution to the next coarser one, None where the keypoints stay.

    Returns:
        One graph (V_k, V_k) a resolution, finest first.
    """
    graph = adjacency(layout)
    graphs, total = [normalize_columns(graph)], torch.eye(len(layout))
    for mapping in mappings:
        if mapping is None:
            graphs.append(graphs[-1])
            continue
        total = total @ mapping
        graphs.append(normalize_columns(torch.linalg.pinv(total) @ graph @ total))
    return graphs
