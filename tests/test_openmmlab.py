from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from skelact.errors import WeightsError
from skelact.openmmlab import LeftOut, load_checkpoint, prepare


def overlap(a: np.ndarray, b: np.ndarray, offset: int) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + offset)
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + offset)
    areas = [(box[2] - box[0] + offset) * (box[3] - box[1] + offset) for box in (a, b)]
    union = sum(areas) - width * height
    return width * height / union if union else 0.0


def plain_nms(boxes: np.ndarray, scores: np.ndarray, threshold: float, offset: int) -> list[int]:
    kept: list[int] = []
    for k in sorted(range(len(boxes)), key=lambda k: -scores[k]):
        if all(overlap(boxes[k], boxes[other], offset) <= threshold for other in kept):
            kept.append(k)
    return kept


corners = st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(0, 25)] * 2)


@settings(deadline=None, max_examples=200)
@given(
    found=st.lists(corners, min_size=1, max_size=12),
    seed=st.integers(0, 2**16),
    threshold=st.floats(0.05, 0.95),
    offset=st.sampled_from([0, 1]),
)
def test_nms_of_mmcv_keeps_what_a_plain_one_keeps(found, seed, threshold, offset):
    prepare()
    from mmcv.ops import nms

    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h in found], np.float32)
    scores = np.random.default_rng(seed).permutation(len(boxes)).astype(np.float32) / len(boxes)
    overlaps = [overlap(a, b, offset) for a in boxes for b in boxes]
    assume(all(abs(value - threshold) > 1e-4 for value in overlaps))  # rounding decides at the threshold itself

    kept, places = nms(torch.from_numpy(boxes), torch.from_numpy(scores), threshold, offset)

    assert places.tolist() == plain_nms(boxes, scores, threshold, offset)
    np.testing.assert_array_equal(kept[:, :4].numpy(), boxes[places.numpy()])


def test_an_operator_that_is_not_there_says_so():
    prepare()
    import mmcv

    if list(Path(mmcv.__file__).parent.glob("_ext*")):
        pytest.skip("mmcv is compiled here and has all its operators")
    from mmcv.ops import soft_nms

    with pytest.raises(NotImplementedError, match=r"softnms.*compiled mmcv"):
        soft_nms(np.zeros((1, 4), np.float32), np.ones(1, np.float32))


class Attack:
    """Runs a command when it is unpickled without care."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class Reach:
    """Reaches for an attribute when it is unpickled without care."""

    def __reduce__(self):
        return getattr, (torch.nn.Parameter, "__init__")


@pytest.mark.parametrize("way", ["ours", "mmengine's"])
def test_a_malicious_checkpoint_is_refused_and_does_not_run(tmp_path, way):
    prepare()
    from mmengine.runner import CheckpointLoader

    load = load_checkpoint if way == "ours" else functools.partial(CheckpointLoader.load_checkpoint, logger="silent")
    file, trace = tmp_path / "attack.pth", tmp_path / "ran"
    torch.save({"state_dict": {"a": torch.ones(1)}, "meta": Attack(f"touch {trace}")}, file)

    with pytest.raises(WeightsError, match=r"it names \w+\.system"):
        load(str(file))
    assert not trace.exists()


def test_getattr_in_a_checkpoint_reaches_nothing(tmp_path):
    torch.save({"state_dict": {"a": torch.ones(1)}, "reach": Reach()}, tmp_path / "reach.pth")
    assert load_checkpoint(tmp_path / "reach.pth")["reach"] is None


def test_a_checkpoint_of_mmengines_runner_is_read(tmp_path):
    prepare()
    from mmengine.logging import MessageHub

    hub = MessageHub.get_instance("test_openmmlab")
    hub.update_scalar("train/loss", 0.5)
    hub.update_info("epoch", 3)
    meta = {"mean": np.float32(0.25), "best": np.float64(0.5), "iter": np.int64(7), "names": ["left"], "epoch": 3}
    content = {
        "state_dict": {"a": torch.arange(3.0)},
        "meta": {**meta, "sigmas": np.linspace(0, 1, 5)},
        "message_hub": hub.state_dict(),
    }
    torch.save(content, tmp_path / "epoch_3.pth")

    loaded = load_checkpoint(tmp_path / "epoch_3.pth")

    assert loaded["state_dict"]["a"].tolist() == [0, 1, 2]
    assert isinstance(loaded["meta"].pop("sigmas"), LeftOut)
    assert loaded["meta"] == meta
    MessageHub.get_instance("test_openmmlab_resumed").load_state_dict(loaded["message_hub"])
    assert MessageHub.get_instance("test_openmmlab_resumed").get_info("epoch") == 3


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_checkpoint_is_one_sentence(tmp_path, content):
    file = tmp_path / "bad.pth"
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad\.pth") as caught:
        load_checkpoint(file)
    assert "\n" not in str(caught.value)


def test_half_a_checkpoint_and_none_at_all(tmp_path):
    file = tmp_path / "half.pth"
    torch.save({"state_dict": {"a": torch.ones(10_000)}}, file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(WeightsError, match=r"half\.pth"):
        load_checkpoint(file)
    with pytest.raises(WeightsError, match="no checkpoint at"):
        load_checkpoint(tmp_path / "none.pth")
    torch.save(torch.ones(2), tmp_path / "tensor.pth")
    with pytest.raises(WeightsError, match="holds a Tensor"):
        load_checkpoint(tmp_path / "tensor.pth")


@settings(deadline=None, max_examples=150)
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_checkpoint_is_read_or_refused_never_worse(tmp_path_factory, changes):
    file = tmp_path_factory.getbasetemp() / "damaged.pth"
    content = {"state_dict": {"a": torch.ones(3)}, "meta": {"sigmas": np.ones(4), "epoch": [1, (2,)]}}
    torch.save(content, file, _use_new_zipfile_serialization=False)
    damaged = bytearray(file.read_bytes())
    for place, byte in changes:
        damaged[int(place * len(damaged))] = byte
    file.write_bytes(damaged)
    with contextlib.suppress(WeightsError):
        assert isinstance(load_checkpoint(file), dict)


def run_python(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)


def test_a_broken_torchvision_is_replaced_and_all_stays_quiet(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("raise RuntimeError('operator nms does not exist')\n")
    code = """
import torch
from skelact.openmmlab import prepare
prepare(); prepare()
import mmdet.apis, mmpose.apis, mmpose.visualization, torchmetrics.functional.classification
from mmdet.models.trackers import ByteTracker, OCSORTTracker
from torchvision.transforms import ToPILImage
assert ToPILImage()(torch.full((3, 4, 6), 0.5)).size == (6, 4)
assert ToPILImage()(torch.full((3, 4, 6), 0.5)).getpixel((0, 0)) == (127, 127, 127)
"""
    done = run_python(code, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_working_torchvision_and_a_compiled_mmcv_are_left_alone(tmp_path):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text("")
    (tmp_path / "torchvision" / "transforms.py").write_text("ToPILImage = 'the real one'\n")
    (tmp_path / "_ext.py").write_text("nms = 'the compiled one'\n")
    code = f"""
import mmcv
mmcv.__path__.append({str(tmp_path)!r})
from skelact.openmmlab import prepare
prepare()
import mmcv._ext, torchvision.transforms
print(mmcv._ext.nms, torchvision.transforms.ToPILImage, sep=', ')
"""
    done = run_python(code, tmp_path)
    assert done.stdout == "the compiled one, the real one\n", done.stderr
