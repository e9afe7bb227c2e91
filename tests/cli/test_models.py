"""`skelact models`."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from skelact.models import create_model, list_models
from skelact.models.zoo import ZOO
from skelact.pose import list_detectors, list_estimators
from tests.publishing import publish, serving


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    """Delivers the stream j of ntu120; its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    publish(tmp_path / "published" / "j.pth")
    with serving(tmp_path / "published") as address:
        streams = tuple((stream, f"{address}/{stream}.pth") for stream in ("j", "b"))
        monkeypatch.setitem(ZOO, "ntu120", replace(ZOO["ntu120"], addresses=streams))
        yield address


def test_list_tells_every_model_with_its_licence(skelact):
    found = json.loads(skelact("models", "list", "--json").stdout)
    assert [row["name"] for row in found["recognizers"]] == list(ZOO)
    assert [row["name"] for row in found["pose estimators"]] == list_estimators()
    assert [row["name"] for row in found["person detectors"]] == list_detectors()
    assert found["networks"] == list_models()
    rows = [row for kind in ("recognizers", "pose estimators", "person detectors") for row in found[kind]]
    assert all(row["licence"] and row["files"] for row in rows)
    table = skelact("models", "list").stdout
    assert all(row["name"] in table for row in rows)


def test_list_tells_what_is_here(skelact, publisher):
    def state() -> str:
        return next(line for line in skelact("models", "list").stdout.splitlines() if "ntu120" in line)

    assert "to be pulled" in state()
    skelact("models", "pull", "ntu120")
    assert re.search(r"j is here, 0\.\d MB", state())
    found = json.loads(skelact("models", "list", "--json").stdout)["recognizers"][0]
    assert [file["here"] for file in found["files"]] == [True, False]


@pytest.mark.parametrize("name", ZOO)
def test_show_prints_the_card(skelact, name):
    card = skelact("models", "show", name).stdout
    for part in ("Licence", "Data", "Accuracy", "Not for", "Weights"):
        assert part in card


def test_show_tells_where_weights_come_from_and_go_to(skelact):
    shown = skelact("models", "show", "rtmw-m").stdout
    for part in ("pose estimator", "256 x 192", "non-commercial", "Weights (torch)", "Weights (onnx)"):
        assert part in shown
    assert shown.count("https://") == 2
    assert shown.count("SHA-256  none is published") == 2
    assert shown.count(f"to go to {skelact('models', 'path', 'rtmw-m').stdout.strip()}") == 1


def test_pull_and_path_agree(skelact, publisher):
    missing = skelact("models", "path", "ntu120")
    assert missing.status == 5
    assert "ntu120 (j)" in missing.stderr
    pulled = skelact("models", "pull", "ntu120")
    assert (pulled.status, pulled.stderr) == (0, "")
    here = skelact("models", "path", "ntu120")
    assert (here.status, here.stderr) == (0, "")
    assert here.stdout == missing.stdout
    assert pulled.stdout == f"ntu120 (j): pulled, {here.stdout}"
    assert skelact("models", "pull", "ntu120", "--offline").stdout == f"ntu120 (j): is here, {here.stdout}"


def test_what_cannot_be_pulled_does_not_stop_the_rest(skelact, publisher):
    done = skelact("models", "pull", "ntu120", "asl-words", "--streams", "b,j")
    assert done.status == 2  # before anything is pulled: asl-words has no bones
    assert "unknown stream of asl-words 'b'" in done.stderr
    assert done.stdout == ""
    done = skelact("models", "pull", "ntu120", "--streams", "b,j")
    assert done.status == 5
    assert "its server answers 404" in done.stderr
    assert done.stdout.startswith("ntu120 (j): pulled")


def test_pull_without_names_is_what_predict_uses(skelact):
    done = skelact("models", "pull", "--offline")
    assert done.status == 5
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 3
    for part in ("ntu120", "rtmw", "rtmdet_m"):
        assert part in done.stderr


def test_models_that_come_with_the_install(skelact, tmp_path):
    done = skelact("models", "pull", "asl-words", "mediapipe", "--offline")
    assert done.status == 0
    assert done.stdout.count("comes with the install") == 2
    for name in ("asl-words", "mediapipe"):
        where = skelact("models", "path", name)
        assert where.status == 0
        assert Path(where.stdout.strip()).exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("verb", ["show", "pull", "path"])
def test_an_unknown_name_suggests_the_nearest(skelact, verb):
    done = skelact("models", verb, "rtmw-s")
    assert done.status == 2
    assert re.search("unknown model 'rtmw-s': did you mean 'rtmw-[lmx]'", done.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_pull_to_a_full_disk(skelact, publisher):
    target = Path(skelact("models", "path", "ntu120").stdout.strip())
    target.parent.mkdir(parents=True)
    target.with_name("j.pth.part").symlink_to("/dev/full")
    done = skelact("models", "pull", "ntu120")
    assert done.status == 5
    assert "no space is left for j.pth" in done.stderr


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
