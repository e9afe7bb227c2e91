"""Import of checkpoints by parameter name: the authors' and PYSKL's, strict and without free unpickling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from skelact.errors import InputError, UsageError, WeightsError
from skelact.keypoints import LAYOUTS, TRANSFORMATIONS
from skelact.models.architecture import Architecture, architecture_of
from skelact.models.recognizer import Recognizer

HEAD = "cls_head.fc_cls.weight"
# PYSKL names CTR-GCN's parts apart from the other backbones', and stores its untrained graph.
_CTRGCN_NAMES = ((r"^backbone\.net\.", "backbone.gcn."), (r"\.gcn1\.", ".gcn."), (r"\.tcn1\.", ".tcn."))


def load_state_dict_file(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .pth or .safetensors file, unwrapped from `state_dict` and from `module.` prefixes.

    Raises:
        InputError: the file is missing or unreadable.
        WeightsError: it holds something else than tensors, or more than `weights_only` admits.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no checkpoint at {path}: give the path of a .pth or .safetensors file")
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises nearly anything for what is damaged or no pickle
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
        raise WeightsError(
            f"{path} is not read, because it is damaged, no checkpoint, or holds more than weights ({reason})"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    ):
        raise WeightsError(f"{path} holds no state dict of tensors")
    return {name.removeprefix("module."): tensor for name, tensor in content.items()}


def load_reference(source: str | Path | Mapping[str, Tensor], name: str) -> Recognizer:
    """A recognizer filled from a checkpoint of the authors or of PYSKL, in eval mode.

    Args:
        source: a file or the state dict itself, with the names of `Yang et al.`'s or PYSKL's implementation.
        name: the model, e.g. "skelet_dgstgcn_ip" or "stgcnpp_coco17"; see `architecture_of`.

    Raises:
        InputError, WeightsError: unreadable, or parameters missing, unexpected or of another shape; lists them.
    """
    state = load_state_dict_file(source) if isinstance(source, str | Path) else dict(source)
    where = str(source) if isinstance(source, str | Path) else "the state dict"
    architecture = architecture_of(name)
    if architecture.instance_pooling:
        architecture = replace(architecture, embedding=_embedding(state))
    elif not architecture.skelet:
        architecture = replace(architecture, instances_normalized=_instances_normalized(state))
    return fill(architecture, state, where)


def fill(architecture: Architecture, state: Mapping[str, Tensor], where: str) -> Recognizer:
    """A recognizer of that architecture with exactly these parameters, in eval mode.

    Args:
        architecture: what to build; the class count comes from the head.
        state: parameter name to tensor.
        where: what to call the checkpoint in an error.

    Raises:
        WeightsError: the names or shapes differ; lists them.
    """
    if HEAD not in state:
        raise WeightsError(f"{where} has no {HEAD}: it is no checkpoint of a skeleton recognizer")
    model = Recognizer(architecture, num_classes=state[HEAD].shape[0])
    if architecture.blocks == "ctrgcn" and not architecture.skelet:
        state = _rename_ctrgcn(state)
    own = model.state_dict()
    problems = {
        "missing": sorted(own.keys() - state.keys()),
        "unexpected": sorted(state.keys() - own.keys()),
        "of another shape": sorted(
            f"{name} {tuple(state[name].shape)} for {tuple(own[name].shape)}"
            for name in own.keys() & state.keys()
            if own[name].shape != state[name].shape
        ),
    }
    if any(problems.values()):
        told = "; ".join(f"{kind}: {_shorten(names)}" for kind, names in problems.items() if names)
        raise WeightsError(f"{where} is a checkpoint of another architecture: {told}")
    model.load_state_dict(dict(state))
    return model.eval()


def _rename_ctrgcn(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for name, tensor in state.items():
        for pattern, new in _CTRGCN_NAMES:
            name = re.sub(pattern, new, name)
        if name != "backbone.A":
            renamed[name] = tensor
    return renamed


def _shorten(names: list[str], most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def infer_architecture(state: Mapping[str, Tensor], where: str = "the state dict") -> Architecture:
    """The architecture a checkpoint belongs to, read from its names and shapes.

    Raises:
        WeightsError: it matches none.
    """
    names = "\n".join(state)
    skelet = "basic_gcn_blocks" in names
    blocks = (
        "ctrgcn"
        if ".convs.0.conv4." in names
        else "dgstgcn"
        if ".gcn.pre.0." in names or (".basic_gcn_blocks.0.pre.0." in names)
        else "stgcnpp"
    )
    graphs, widths = _by_stage(state, r"(?:.+\.)?A"), _by_stage(state, r"bn\.weight")
    keypoints = [graph.shape[-1] for graph in graphs]
    layouts = [n for n, layout in LAYOUTS.items() if keypoints and len(layout) == keypoints[0]]
    if HEAD not in state or "backbone.data_bn.weight" not in state or not layouts or not widths:
        raise WeightsError(
            f"{where} is no checkpoint of a known skeleton recognizer: no {HEAD} or graph of a known layout"
        )
    together = 1 if skelet else _instances_normalized(state)
    # The coarsest graph tells how many transformations came before it.
    coarsest = {len(merge): number for number, merge in enumerate(TRANSFORMATIONS, start=1)}
    try:
        return Architecture(
            blocks,
            skelet,
            layouts[0],
            instance_pooling="instance_pooling_block" in names,
            embedding=_embedding(state),
            in_channels=state["backbone.data_bn.weight"].numel() // (keypoints[0] * together),
            channels=tuple(width.numel() for width in widths),
            transformations=coarsest.get(keypoints[-1], 0) if skelet else len(TRANSFORMATIONS),
            instances_normalized=together,
        )
    except UsageError as error:
        raise WeightsError(f"{where} is no checkpoint of a known skeleton recognizer: {error}") from error


def _by_stage(state: Mapping[str, Tensor], name: str) -> list[Tensor]:
    """The parameter of that name in each stage's graph convolution, the first of several, in the stages' order."""
    pattern = re.compile(rf"^backbone\.(?:gcn|net)\.(\d+)\.gcn1?\.{name}$")
    found: dict[int, Tensor] = {}
    for full, tensor in state.items():
        if match := pattern.match(full):
            found.setdefault(int(match[1]), tensor)
    return [found[stage] for stage in sorted(found)]


def _embedding(state: Mapping[str, Tensor]) -> str | None:
    embedding = state.get("backbone.instance_pooling_block.pos_embedding")
    return None if embedding is None else "V" if embedding.shape[-1] == 1 else "VC"


def _instances_normalized(state: Mapping[str, Tensor]) -> int:
    """How many persons a plain backbone's input BatchNorm takes together; 1 where that cannot be told."""
    graphs, norm = _by_stage(state, "A"), state.get("backbone.data_bn.weight")
    entries = _by_stage(state, r"(?:conv|pre\.0|convs\.0\.conv1)\.weight")
    if not graphs or not entries or norm is None:
        return 1
    return max(1, norm.numel() // (graphs[0].shape[-1] * entries[0].shape[1]))
