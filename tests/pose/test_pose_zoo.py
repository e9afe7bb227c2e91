from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from skelact.errors import UsageError, WeightsError
from skelact.pose import create_detector, create_estimator, list_detectors, list_estimators, networks, zoo

WITH_NETWORK = [row for row in zoo.ESTIMATORS.values() if row.network is not None]
DOWNLOADED = [*WITH_NETWORK, *zoo.DETECTORS.values()]


def test_the_defaults_come_first():
    trained = ["rtmw-l", "rtmw-m", "rtmw-x", "rtmpose-m", "rtmpose-l", "dwpose-l"]
    assert list_estimators() == [*trained, "mediapipe", "mediapipe-lite"]
    assert list_detectors() == ["rtmdet-m", "rtmdet-nano"]


@pytest.mark.parametrize("row", [*WITH_NETWORK, *zoo.DETECTORS.values()], ids=lambda row: row.name)
def test_a_row_names_a_configuration_and_weights_of_the_installed_mmpose(row):
    assert zoo.config_file(row.network).is_file()
    assert re.fullmatch(r"https://download\.openmmlab\.com/\S+\.pth", zoo.weights_address(row.network))
    assert row.name == "rtmw-m" or re.fullmatch(r"[0-9a-f]{64}", row.network.sha256)
    size = re.search(r"(\d+) x (\d+)", row.about)
    if row.name.startswith(("rtmw", "rtmpose")):
        assert f"{size[1]}x{size[2]}" in zoo.weights_address(row.network)


@pytest.mark.parametrize("row", WITH_NETWORK, ids=lambda row: row.name)
def test_every_estimator_is_a_network_of_133_keypoints_at_its_size(row):
    config = networks.read_config(row.network)
    network = networks.build(config, "mmpose")
    height, width = map(int, re.search(r"(\d+) x (\d+)", row.about).groups())
    assert config.codec.input_size == (width, height)
    assert network.head.out_channels == 133
    assert not any("SyncBatchNorm" in type(part).__name__ for part in network.modules())


@pytest.mark.parametrize("row", DOWNLOADED, ids=lambda row: row.name)
def test_weights_are_fetched_with_their_digest(row, monkeypatch):
    calls = []

    def fetch(address, *, sha256, folder, offline=False, progress=None):
        calls.append((address, sha256, folder, offline))
        return Path("weights.pth")

    monkeypatch.setattr("skelact.download.fetch", fetch)
    assert zoo.weights_file(row.network, offline=True) == Path("weights.pth")
    assert calls == [(zoo.weights_address(row.network), row.network.sha256, "pose", True)]


@pytest.mark.parametrize("create", [create_estimator, create_detector])
def test_offline_weights_that_are_not_there_are_one_sentence(create, monkeypatch, tmp_path):
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"https://download\.openmmlab\.com/"):
        create("rtmw-l" if create is create_estimator else "rtmdet-m", offline=True)


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'rtmpose-l'"):
        create_estimator("rtmpose-ll")
    with pytest.raises(UsageError, match="did you mean 'rtmdet-nano'"):
        create_detector("rtmdet-nana")


@pytest.mark.parametrize("path", ["weights/none.pth", "none.pth"])
def test_a_detector_file_that_is_not_there(path):
    with pytest.raises(WeightsError, match=f"no checkpoint at {path}"):
        create_detector(path)


def test_parameters_that_do_not_fit_are_named(tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 2))
    good = {"0.weight": torch.ones(2, 3), "0.bias": torch.ones(2), "1.weight": torch.ones(2, 2)}
    state = {**good, "0.bias": torch.ones(5), "head.weight": torch.ones(1)}
    with pytest.raises(WeightsError) as caught:
        networks.fill(network, state, "small", tmp_path / "other.pth")
    for part in ("other.pth is no checkpoint of small", "first 1.bias", "first head.weight", "(5,) instead of (2,)"):
        assert part in str(caught.value)
    networks.fill(network, {**good, "1.bias": torch.zeros(2)}, "small", tmp_path / "good.pth")
    assert network[0].weight.tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize("content", [{}, {"state_dict": {}}, {"state_dict": [1]}, {"epoch": 3}])
def test_a_checkpoint_without_parameters(tmp_path, content):
    torch.save(content, tmp_path / "empty.pth")
    with pytest.raises(WeightsError, match="holds no parameters"):
        networks.read_state(tmp_path / "empty.pth")


def test_constants_of_the_input_are_no_parameters(tmp_path):
    torch.save({"state_dict": {"data_preprocessor.mean": torch.ones(3), "a": torch.ones(1)}}, tmp_path / "old.pth")
    assert list(networks.read_state(tmp_path / "old.pth")) == ["a"]
