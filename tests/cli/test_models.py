"""`skelact models`."""

from __future__ import annotations

import json

import pytest
import torch

from skelact.models import create_model, list_models
from skelact.models.zoo import ZOO


def test_list_tells_every_model_with_its_licence(skelact):
    found = json.loads(skelact("models", "list", "--json").stdout)
    assert {row["name"] for row in found["trained"]} == set(ZOO)
    assert all(row["licence"] for row in found["trained"])
    assert found["networks"] == list_models()
    table = skelact("models", "list").stdout
    assert all(name in table for name in ZOO)


@pytest.mark.parametrize("name", ZOO)
def test_show_prints_the_card(skelact, name):
    card = skelact("models", "show", name).stdout
    for part in ("Licence", "Data", "Accuracy", "Not for"):
        assert part in card


def test_import_makes_a_checkpoint_usable(skelact, tmp_path):
    torch.save({"state_dict": create_model("stgcnpp", 3).state_dict()}, tmp_path / "mine.pth")
    (tmp_path / "labels.txt").write_text("sit\nstand\nlie\n")
    done = skelact("models", "import", "mine.pth", "--labels", "labels.txt")
    assert done.status == 0
    assert "stgcnpp on coco17, 3 classes" in done.stdout

    from skelact.recognition import load_recognizer

    assert load_recognizer(tmp_path / "mine.safetensors").class_names == ("sit", "stand", "lie")


def test_import_refuses_labels_of_another_number(skelact, tmp_path):
    torch.save(create_model("stgcnpp", 3).state_dict(), tmp_path / "mine.pth")
    (tmp_path / "labels.txt").write_text("sit\nstand\n")
    done = skelact("models", "import", "mine.pth", "--labels", "labels.txt")
    assert done.status == 3
    assert "names 2 classes, the checkpoint has 3" in done.stderr
    assert not (tmp_path / "mine.safetensors").exists()


def test_import_refuses_another_architecture(skelact, tmp_path):
    state = create_model("stgcnpp", 3).state_dict()
    del state["backbone.gcn.3.gcn.A"]
    torch.save(state, tmp_path / "mine.pth")
    done = skelact("models", "import", "mine.pth")
    assert done.status == 5
    assert "backbone.gcn.3.gcn.A" in done.stderr


def test_import_of_a_published_checkpoint(skelact, shared, tmp_path):
    done = skelact("models", "import", shared / "weights" / "pyskl_hagrid.pth")
    assert done.status == 0
    assert "stgcnpp on hand21, 40 classes" in done.stdout
    assert (tmp_path / "pyskl_hagrid.safetensors").exists()
