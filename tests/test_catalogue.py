"""Weights by name: where they lie, and pulling them from a publisher on this machine."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from skelact.catalogue import DETECTOR, ESTIMATOR, RECOGNIZER, default_entries, find_entry, list_entries, pull
from skelact.errors import UsageError, WeightsError
from skelact.models.zoo import ZOO
from skelact.pose import list_detectors, list_estimators, zoo
from skelact.recognizers import find_recognizer
from tests.publishing import publish, serving


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The folder that the publisher delivers."""
    (tmp_path / "published").mkdir()
    return tmp_path / "published"


@pytest.fixture
def publisher(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Delivers ntu120's streams, rtmdet-nano, and rtmdet-nano as ONNX, if they are put into `published`."""
    with serving(published) as address:
        streams = tuple((stream, f"{address}/{stream}.pth") for stream in ("j", "b"))
        monkeypatch.setitem(ZOO, "ntu120", replace(ZOO["ntu120"], addresses=streams))
        row = zoo.DETECTORS["rtmdet-nano"]
        publish(published / "nano.pth")
        sha256 = hashlib.sha256((published / "nano.pth").read_bytes()).hexdigest()
        network = replace(row.network, address=f"{address}/nano.pth", sha256=sha256)
        monkeypatch.setitem(zoo.DETECTORS, "rtmdet-nano", replace(row, network=network))
        monkeypatch.setitem(zoo.ONNX_ARCHIVES, "rtmdet-nano", zoo.OnnxArchive(f"{address}/nano.zip"))
        yield address


def test_everything_with_a_name_is_listed() -> None:
    entries = list_entries()
    assert [e.name for e in entries if e.kind == RECOGNIZER] == list(ZOO)
    assert [e.name for e in entries if e.kind == ESTIMATOR] == list_estimators()
    assert [e.name for e in entries if e.kind == DETECTOR] == list_detectors()
    assert all(entry.licence and entry.about and entry.files for entry in entries)


def test_only_what_comes_with_the_install_is_here_at_first(home: Path) -> None:
    here = {entry.name for entry in list_entries() if any(file.is_here for file in entry.files)}
    assert here == {"asl-words", "mediapipe", "mediapipe-lite"}
    assert here == {entry.name for entry in list_entries() if not entry.is_downloaded}
    assert not home.exists()


def test_the_defaults_are_those_of_predict() -> None:
    assert [entry.name for entry in default_entries()] == ["ntu120", "rtmw-l", "rtmdet-m"]


def test_a_stream_that_is_pulled_is_found_by_predict(publisher: str, published: Path) -> None:
    import torch

    from skelact.models import create_model

    torch.save({"state_dict": create_model("stgcnpp", 120).state_dict()}, published / "b.pth")
    entry = find_entry("ntu120")
    joints, bones = entry.choose(["j", "b"])
    assert not bones.is_here
    assert bones.size is None
    pull(entry, bones)
    assert bones.is_here
    assert bones.size == (published / "b.pth").stat().st_size
    assert not joints.is_here
    bones.path.rename(joints.path)  # where `find_recognizer` looks for joints
    assert find_recognizer("ntu120", offline=True).name == "ntu120"


def test_a_network_is_pulled_once(publisher: str, published: Path) -> None:
    entry = find_entry("rtmdet-nano")
    (file,) = entry.choose()
    pull(entry, file)
    (published / "nano.pth").unlink()
    pull(entry, file)
    assert zoo.weights_file(zoo.DETECTORS["rtmdet-nano"].network, offline=True) == file.path


def test_an_onnx_file_is_here_once_it_is_unpacked(publisher: str, published: Path) -> None:
    with zipfile.ZipFile(published / "nano.zip", "w") as archive:
        archive.writestr("a/folder/end2end.onnx", b"network")
    entry = find_entry("rtmdet-nano")
    (file,) = entry.choose(backend="onnx")
    pull(entry, file)
    assert file.is_here
    assert file.path.read_bytes() == b"network"
    assert zoo.onnx_file("rtmdet-nano", offline=True) == file.path


def test_what_comes_with_the_install_needs_no_pulling(home: Path) -> None:
    for name in ("asl-words", "mediapipe"):
        entry = find_entry(name)
        pull(entry, entry.choose()[0], offline=True)
    assert not home.exists()


def test_a_login_page_is_not_taken_for_weights(publisher: str, published: Path) -> None:
    (published / "j.pth").write_text("<html>log in</html>")
    entry = find_entry("ntu120")
    (file,) = entry.choose()
    with pytest.raises(WeightsError, match="holds no weights") as caught:
        pull(entry, file)
    for part in (str(file.path), file.address, "delete it"):
        assert part in str(caught.value)


def test_another_file_in_place_of_weights_with_a_checksum(publisher: str, published: Path) -> None:
    (published / "nano.pth").write_bytes(b"other")
    entry = find_entry("rtmdet-nano")
    with pytest.raises(WeightsError, match="rather than"):
        pull(entry, entry.choose()[0])
    assert not entry.choose()[0].is_here


def test_offline_is_one_sentence_with_address_and_place() -> None:
    for name, backend in (("ntu120", "torch"), ("rtmw-l", "torch"), ("rtmw-l", "onnx")):
        entry = find_entry(name)
        (file,) = entry.choose(backend=backend)
        with pytest.raises(WeightsError, match="not in the cache") as caught:
            pull(entry, file, offline=True)
        assert file.address in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "streams", "backend", "message"),
    [
        ("ntu120", ["jj"], "torch", "unknown stream of ntu120 'jj': did you mean 'j'"),
        ("asl-words", ["b"], "torch", "unknown stream of asl-words 'b'.* known: j"),
        ("rtmpose-m", ["j"], "onnx", "nothing of rtmpose-m is published for the backend onnx: choose torch"),
        ("rtmw-l", ["j"], "tensorrt", "for the backend tensorrt: choose torch or onnx"),
    ],
)
def test_what_is_not_published(name: str, streams: list[str], backend: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_entry(name).choose(streams, backend)


def test_an_unknown_name_suggests_the_nearest_of_any_kind() -> None:
    for name, nearest in (("ntu-120", "ntu120"), ("rtmw_l", "rtmw-l"), ("rtmdet-nona", "rtmdet-nano")):
        with pytest.raises(UsageError, match=f"did you mean {nearest!r}"):
            find_entry(name)
