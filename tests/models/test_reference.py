"""The networks against numbers computed with the authors' implementation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from reference import DATA_FILES, REFERENCE_MODELS, checkpoint_shapes, filled, reference_architecture, reference_input

from skelact.models import load_reference
from skelact.models.checkpoints import infer_architecture


@pytest.mark.parametrize("name", REFERENCE_MODELS)
def test_logits_agree_with_the_reference(name: str) -> None:
    wanted = np.load(DATA_FILES / "reference_logits.npz")[name]
    model = load_reference(filled(checkpoint_shapes(name)), name)
    with torch.inference_mode():
        logits = model(reference_input(name)).double().numpy()
    assert not model.training
    assert logits.shape == wanted.shape
    assert np.abs(logits - wanted).max() <= 1e-4 * np.abs(wanted).max()


def test_names_and_shapes_are_those_of_the_published_checkpoints(shared: Path) -> None:
    published = json.loads((shared / "reference" / "state_dicts.json").read_text())
    assert set(published) == set(REFERENCE_MODELS)
    for name, shapes in published.items():
        assert checkpoint_shapes(name) == {parameter: tuple(shape) for parameter, shape in shapes.items()}, name
        state = {parameter: torch.empty(shape) for parameter, shape in shapes.items()}
        assert infer_architecture(state) == reference_architecture(name), name


@pytest.mark.parametrize("file", ["logits", "graphs"])
def test_the_copies_of_reference_numbers_are_exact(shared: Path, file: str) -> None:
    copy, original = np.load(DATA_FILES / f"reference_{file}.npz"), np.load(shared / "reference" / f"{file}.npz")
    assert set(copy.files) == set(original.files)
    for name in original.files:
        np.testing.assert_array_equal(copy[name], original[name], err_msg=name)
