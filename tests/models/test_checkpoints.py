"""Checkpoints by parameter name: strict, whatever the file, and without running what it holds."""

from __future__ import annotations

import itertools
import os
import pickle
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reference import checkpoint_shapes, filled
from safetensors.torch import save_file
from torch import Tensor

from skelact.errors import InputError, SkelactError, UsageError, WeightsError
from skelact.keypoints import LAYOUTS
from skelact.models import Architecture, Recognizer, create_model, list_models, load_reference
from skelact.models.architecture import MODELS, stage_channels
from skelact.models.checkpoints import fill, infer_architecture, load_state_dict_file

State = dict[str, Tensor]
Change = dict[str, Tensor | None]
SMALL = Architecture("stgcnpp", skelet=False, layout="coco17", channels=(12, 12, 24))
quiet = pytest.mark.filterwarnings("ignore:Detected pickle protocol")
BIAS = "backbone.gcn.1.gcn.bn.bias"


@pytest.fixture
def state() -> State:
    """Of a small network with 4 classes."""
    return Recognizer(SMALL, 4).state_dict()


def architectures() -> list[Architecture]:
    """Every model on every layout it has, with every number of transformations, at several widths."""
    found = []
    for width, base in itertools.product((0.125, 0.25, 1), MODELS.values()):
        for layout, count, inputs in itertools.product(LAYOUTS, (0, 1, 2), (3, 5)):
            channels = stage_channels(*(int(width * c) for c in (64, 128, 256)))
            # A full-sized network takes long to make: one on its own layout will do.
            if (width == 1 and (layout, count, inputs) != (base.layout, 2, 3)) or (inputs, width) == (5, 0.125):
                continue
            with suppress(UsageError):
                found.append(replace(base, layout=layout, transformations=count, channels=channels, in_channels=inputs))
    plain = [entry for entry in MODELS.values() if not entry.skelet]
    pooled = replace(MODELS["skelet-stgcnpp-ip"], channels=stage_channels(8, 16, 32))
    return [
        *found,
        *(replace(entry, in_channels=5, channels=(16, 16, 32)) for entry in plain),
        *(replace(entry, channels=(8, 8), instances_normalized=3) for entry in plain),
        *(replace(pooled, embedding=embedding) for embedding in ("V", "VC")),
    ]


@pytest.mark.parametrize("architecture", architectures(), ids=str)
def test_the_architecture_is_read_from_names_and_shapes(architecture: Architecture) -> None:
    assert infer_architecture(Recognizer(architecture, 2).state_dict()) == architecture


def test_the_architecture_of_pyskl_s_ctrgcn_is_read_too() -> None:
    shapes = checkpoint_shapes("ctrgcn_coco17")
    assert "backbone.net.0.gcn1.alpha" in shapes
    published = replace(MODELS["ctrgcn"], instances_normalized=2)
    assert infer_architecture(filled(shapes)) == published
    assert load_reference(filled(shapes), "ctrgcn").architecture == published


def test_a_real_checkpoint_of_pyskl(shared: Path) -> None:
    state = load_state_dict_file(shared / "weights" / "pyskl_hagrid.pth")
    architecture = infer_architecture(state)
    assert (architecture.blocks, architecture.skelet, architecture.layout) == ("stgcnpp", False, "hand21")
    assert architecture.in_channels == 2
    model = fill(architecture, state, "hagrid")
    assert model.num_classes == 40
    assert not model.training
    with torch.no_grad():
        assert model(torch.randn(1, 1, 8, 21, 2)).isfinite().all()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, state[name]), name


@pytest.mark.parametrize("embedding", [None, "V", "VC"])
def test_load_reference_finds_the_embedding_by_itself(embedding: str | None) -> None:
    source = create_model("skelet-stgcnpp-ip", 3, embedding=embedding)
    loaded = load_reference(source.state_dict(), "skelet_stgcnpp_ip")
    assert loaded.architecture == source.architecture
    assert loaded.num_classes == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({BIAS: None}, f"missing: {BIAS}$"),
        ({"backbone.extra": torch.ones(2)}, "unexpected: backbone.extra$"),
        ({BIAS: torch.ones(7)}, rf"of another shape: {BIAS} \(7,\) for \(12,\)$"),
        ({BIAS: None, "a": torch.ones(1)}, f"missing: {BIAS}; unexpected: a$"),
        ({f"extra.{k:02}": torch.ones(1) for k in range(20)}, r"extra\.07 and 12 more$"),
        ({"cls_head.fc_cls.weight": None}, "has no cls_head.fc_cls.weight: it is no checkpoint"),
    ],
)
def test_every_name_and_shape_must_fit(state: State, change: Change, message: str) -> None:
    changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
    with pytest.raises(WeightsError, match=f"^j.pth .*{message}"):
        fill(SMALL, changed, "j.pth")


@pytest.mark.parametrize("name", list_models())
def test_a_checkpoint_of_another_model_is_refused(name: str) -> None:
    other = "dgstgcn" if name == "stgcnpp" else "stgcnpp"
    state = {key: torch.empty(shape) for key, shape in checkpoint_shapes(f"{other}_coco17").items()}
    with pytest.raises(WeightsError, match="checkpoint of another architecture: missing: "):
        load_reference(state, name)


@pytest.mark.parametrize(
    "change",
    [
        {"cls_head.fc_cls.weight": None},
        {"backbone.data_bn.weight": None},
        {"backbone.gcn.0.gcn.A": torch.ones(3, 5, 5)},
        {"backbone.gcn.0.gcn.bn.weight": torch.ones(5)},
    ],
    ids=["no head", "no input normalization", "graph of no layout", "channels of no block"],
)
def test_what_is_no_recognizer_has_no_architecture(state: State, change: Change) -> None:
    changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
    with pytest.raises(WeightsError, match=r"^odd\.pth is no checkpoint of a known skeleton recognizer"):
        infer_architecture(changed, "odd.pth")


def assert_same(found: State, wanted: State) -> None:
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_pth_files_are_unwrapped(tmp_path: Path, state: State, wrapped: bool, prefix: str) -> None:
    named = {prefix + name: tensor for name, tensor in state.items()}
    torch.save({"meta": {"epoch": 3}, "state_dict": named} if wrapped else named, tmp_path / "a.pth")
    assert_same(load_state_dict_file(tmp_path / "a.pth"), state)


def test_safetensors_files_are_taken(tmp_path: Path, state: State) -> None:
    save_file(state, tmp_path / "a.safetensors")
    assert_same(load_state_dict_file(tmp_path / "a.safetensors"), state)


class Intruder:
    """Unpickled freely, it would make a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.mark),)


@quiet
@pytest.mark.parametrize("raw", [True, False], ids=["a bare pickle", "inside torch's archive"])
def test_code_in_a_pickle_does_not_run(tmp_path: Path, raw: bool) -> None:
    content = {"state_dict": {"weight": torch.ones(1), "extra": Intruder(tmp_path / "broken in")}}
    if raw:
        (tmp_path / "a.pth").write_bytes(pickle.dumps(content))
    else:
        torch.save(content, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"a\.pth .*more than weights"):
        load_state_dict_file(tmp_path / "a.pth")
    assert not (tmp_path / "broken in").exists()


@pytest.mark.parametrize("missing", ["a.pth", "a.safetensors", "folder"])
def test_a_missing_checkpoint(tmp_path: Path, missing: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=f"no checkpoint at .*{missing}"):
        load_state_dict_file(tmp_path / missing)


@pytest.mark.parametrize("content", [b"", b"epoch,loss\n1,0.5\n", b"\x89PNG\r\n\x1a\n" + bytes(64), b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_files_that_are_no_checkpoint(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=name) as raised:
        load_state_dict_file(tmp_path / name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [[torch.ones(1)], {"a": 1}, {0: torch.ones(1)}, {"state_dict": {"a": [1.0]}}])
def test_files_of_something_else_than_named_tensors(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match=r"a\.pth holds no state dict of tensors"):
        load_state_dict_file(tmp_path / "a.pth")


@quiet
@settings(max_examples=150, deadline=None)
@given(content=st.binary(min_size=1, max_size=40))
@example(content=b"0.")
@example(content=b"J\x01")
@example(content=b"}a.")
def test_no_bytes_give_anything_but_one_sentence(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("bytes") / "a.pth"
    path.write_bytes(content)
    with pytest.raises(SkelactError):
        load_state_dict_file(path)


@quiet
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("damage") / "a.pth"
    torch.save({"state_dict": {"a": torch.ones(3)}}, path, _use_new_zipfile_serialization=data.draw(st.booleans()))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(WeightsError):
        assert all(isinstance(tensor, Tensor) for tensor in load_state_dict_file(path).values())
