"""mmpose's networks with random weights: no published ones come with the project."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skelact.errors import UsageError, WeightsError
from skelact.pose import View, create_estimator, networks, topdown, zoo

BOXES = np.array(
    [[40, 30, 120, 200], [100, 10, 180, 90], [-30, 50, 60, 260], [150, 150, 320, 240], [5, 5, 9, 11]], np.float32
)
IDS = np.arange(len(BOXES))
LARGE = 2.0  # more than these random weights answer with, so that scores stay below 1 and can be compared


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    smooth = torch.rand(1, 3, 15, 20, generator=torch.Generator().manual_seed(1)) * 255
    large = torch.nn.functional.interpolate(smooth, (240, 320), mode="bicubic")[0].clip(0, 255)
    return large.permute(1, 2, 0).numpy().astype(np.uint8)


@pytest.fixture(scope="module", params=["rtmpose-m", "rtmw-m"])
def checkpoint(request, tmp_path_factory):
    row = zoo.ESTIMATORS[request.param]
    torch.manual_seed(0)
    network = networks.build(networks.read_config(row.network), "mmpose").train()
    network.init_weights()
    for parameter in network.parameters():
        if parameter.ndim < 2:  # scales and biases
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    # Normalised by pictures, or no answer would depend on what is seen.
    pictures = torch.nn.functional.interpolate(4 * torch.rand(8, 3, 8, 6) - 2, (256, 192), mode="bicubic")
    with torch.no_grad():
        network(pictures, None, mode="tensor")
    file = tmp_path_factory.mktemp("random") / f"{row.name}.pth"
    torch.save({"state_dict": network.state_dict(), "meta": {}}, file)
    return row, file


@pytest.fixture(scope="module")
def estimator(checkpoint):
    row, file = checkpoint
    return topdown.TopDown(replace(row, full_response=LARGE), row.network, file)


def test_the_same_as_mmposes_own_inference(checkpoint, estimator, image):
    from mmpose.apis import inference_topdown, init_model

    row, file = checkpoint
    model = init_model(str(zoo.config_file(row.network)), str(file), device="cpu")
    model.test_cfg["flip_test"] = False
    theirs = [result.pred_instances for result in inference_topdown(model, image, BOXES)]

    ours = estimator.estimate([View(image, BOXES, IDS)])[0]
    scales = topdown.crop(image, BOXES, 192, 256).scales

    assert ours.keypoints.shape == (5, 133, 2)
    assert ours.keypoints.dtype == ours.scores.dtype == np.float32
    assert (ours.scores > 0).mean() > 0.9
    for k, person in enumerate(theirs):
        seen = ours.scores[k] > 0
        np.testing.assert_allclose(ours.keypoints[k][seen], person.keypoints[0][seen], atol=0.01)
        np.testing.assert_allclose(ours.scores[k], np.clip(person.keypoint_scores[0] / LARGE, 0, 1), atol=1e-4)
    assert np.ptp(ours.keypoints[0], axis=0).min() > 10
    in_crop = (ours.keypoints - BOXES.reshape(5, 2, 2).mean(axis=1)[:, None])[[0, 1]] * scales[[0, 1], None, None]
    assert (np.abs(in_crop[0] - in_crop[1]).max(axis=-1) > 1).mean() > 0.05  # they depend on what is seen


def test_a_person_does_not_depend_on_the_others(estimator, image, monkeypatch):
    together = estimator.estimate([View(image, BOXES, IDS)])[0]
    monkeypatch.setattr(topdown, "CPU_BATCH", 2)
    in_chunks = estimator.estimate([View(image, BOXES[::-1], IDS)])[0]
    alone = estimator.estimate([View(image, BOXES[2:3], IDS[:1])])[0]
    for other, mine in ((in_chunks.keypoints[::-1], together.keypoints), (alone.keypoints, together.keypoints[2:3])):
        np.testing.assert_allclose(other, mine, atol=0.5)
    np.testing.assert_allclose(in_chunks.scores[::-1], together.scores, atol=1e-4)


def test_nobody_gives_empty_arrays(estimator, image):
    poses = estimator.estimate([View(image, np.zeros((0, 4), np.float32), np.zeros(0, np.int64))])[0]
    assert poses.keypoints.shape == (0, 133, 2)
    assert poses.scores.shape == (0, 133)


def test_scores_end_at_one_and_a_box_without_extent_is_survived(checkpoint, image):
    row, file = checkpoint
    estimator = topdown.TopDown(replace(row, full_response=0.01), row.network, file)
    assert estimator.top_down
    poses = estimator.estimate([View(image, np.array([[50, 50, 50, 50], [10, 10, 200, 200]]), np.arange(2))])[0]
    assert np.isfinite(poses.keypoints).all()
    assert poses.scores.max() == 1
    assert poses.scores.min() >= 0


def test_what_is_not_seen_is_zero(checkpoint, image, tmp_path):
    row, file = checkpoint
    state = networks.read_state(file)
    silent = {name: torch.zeros_like(value) if "cls_" in name else value for name, value in state.items()}
    torch.save({"state_dict": silent}, tmp_path / "silent.pth")
    poses = create_estimator(row.name, weights=tmp_path / "silent.pth").estimate([View(image, BOXES[:1], IDS[:1])])[0]
    assert not poses.scores.any()
    assert not poses.keypoints.any()


def test_a_checkpoint_of_another_network_is_refused(checkpoint):
    row, file = checkpoint
    other = "rtmw-m" if row.name == "rtmpose-m" else "rtmpose-m"
    with pytest.raises(WeightsError, match=f"{file.name} is no checkpoint of {other}: .*(missing|shape)"):
        create_estimator(other, weights=file)
    with pytest.raises(UsageError, match="cuda:99"):
        create_estimator(row.name, weights=file, device="cuda:99")


@settings(deadline=None, max_examples=30)
@given(
    x=st.floats(-50, 300),
    y=st.floats(-50, 200),
    width=st.floats(2, 400),
    height=st.floats(2, 400),
)
def test_crops_are_mmposes(image, x, y, width, height):
    from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine

    box = np.array([[x, y, x + width, y + height]], np.float32)
    sample = GetBBoxCenterScale()({"img": image, "bbox": box, "bbox_score": np.ones(1)})
    theirs = TopdownAffine(input_size=(192, 256))(sample)["img"]
    ours = topdown.crop(image, box, 192, 256).pixels[0]
    np.testing.assert_array_equal(ours, theirs)
