"""Published archives: their rows, their unpacking, and what is said before a download. Needs no onnxruntime."""

from __future__ import annotations

import hashlib
import re
import sys
import zipfile
from pathlib import Path

import pytest

from skelact.errors import UsageError, WeightsError
from skelact.pose import archives, create_detector, create_estimator, zoo

WEIGHTS = bytes(range(256)) * 100
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()


def archive(file: Path, *names: str, content: bytes = WEIGHTS) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as files:
        for name in names:
            files.writestr(name, content)
    return file


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "member",
    [
        pytest.param("end2end.onnx", id="at the top"),
        pytest.param("20230831/rtmdet/end2end.onnx", id="in folders"),
        pytest.param("../../end2end.onnx", id="above the archive"),
        pytest.param("/end2end.onnx", id="at the root of the disk"),
    ],
)
def test_only_the_member_is_unpacked_beside_its_archive(tmp_path, member):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    found = archives.unpacked(archive(folder / "net_1.zip", member, "x/detail.json"), "end2end.onnx", DIGEST)
    assert found == folder / "net_1.onnx"
    assert found.read_bytes() == WEIGHTS
    assert names(tmp_path) == {"a", "a/b", "a/b/net_1.zip", "a/b/net_1.onnx"}


def test_it_is_unpacked_once_and_again_where_it_was_cut(tmp_path):
    packed = archive(tmp_path / "net.zip", "end2end.onnx")
    found = archives.unpacked(packed, "end2end.onnx")
    before = found.stat().st_mtime_ns, found.stat().st_ino
    archives.unpacked(packed, "end2end.onnx")
    assert (found.stat().st_mtime_ns, found.stat().st_ino) == before
    found.write_bytes(WEIGHTS[:-1])
    assert archives.unpacked(packed, "end2end.onnx").read_bytes() == WEIGHTS


def damaged(file: Path) -> Path:
    content = bytearray(archive(file, "end2end.onnx", content=bytes(1000) + WEIGHTS).read_bytes())
    content[60:90] = bytes(30)
    file.write_bytes(content)
    return file


def no_zip(file: Path) -> Path:
    file.write_text("<html>log in</html>")
    return file


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(no_zip, "not a zip file", id="a login page"),
        pytest.param(damaged, "cannot be unpacked", id="damaged inside"),
        pytest.param(lambda file: archive(file, "end2end.onnx.txt"), "holds 0 files end2end.onnx", id="without it"),
        pytest.param(lambda file: archive(file, "a/end2end.onnx", "b/end2end.onnx"), "holds 2 files", id="with two"),
        pytest.param(lambda file: archive(file, "end2end.onnx", content=b"x" * 50_000), "too large", id="too large"),
        pytest.param(lambda file: archive(file, "end2end.onnx", content=b"x"), f"rather than {DIGEST}", id="another"),
    ],
)
def test_an_archive_that_cannot_be_used_is_one_sentence_and_leaves_nothing(tmp_path, monkeypatch, make, message):
    monkeypatch.setattr(archives, "MAX_BYTES", 40_000)
    packed = make(tmp_path / "net.zip")
    with pytest.raises(WeightsError, match=f"net.*{message}") as caught:
        archives.unpacked(packed, "end2end.onnx", DIGEST)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == {"net.zip"}


@pytest.mark.parametrize("name", zoo.ONNX_ARCHIVES)
def test_an_archive_is_of_a_network_of_the_zoo(name, monkeypatch, tmp_path):
    row = zoo.ONNX_ARCHIVES[name]
    assert name in {**zoo.ESTIMATORS, **zoo.DETECTORS}
    assert re.fullmatch(r"https://download\.openmmlab\.com/mmpose/v1/projects/\w+/onnx_sdk/\S+\.zip", row.address)
    for digest in (row.sha256, row.member_sha256):
        assert digest is None or re.fullmatch("[0-9a-f]{64}", digest)
    size = re.search(r"(\d+) x (\d+)", {**zoo.ESTIMATORS, **zoo.DETECTORS}[name].about)
    assert name in zoo.DETECTORS or f"{size[1]}x{size[2]}" in row.address
    calls = []

    def fetch(address, *, sha256, folder, offline=False, progress=None):
        calls.append((address, sha256, folder, offline))
        return archive(tmp_path / "net.zip", "end2end.onnx")

    monkeypatch.setattr("skelact.download.fetch", fetch)
    if row.member_sha256:
        with pytest.raises(WeightsError, match=row.member_sha256):
            zoo.onnx_file(name)
    else:
        assert zoo.onnx_file(name).read_bytes() == WEIGHTS
    assert calls == [(row.address, row.sha256, "pose", False)]


def test_a_network_without_a_published_file_is_named(monkeypatch):
    pytest.importorskip("onnxruntime")
    with pytest.raises(UsageError, match=r"no ONNX file of rtmpose-l is published: choose one of rtmw-l, .*dwpose-l"):
        create_estimator("rtmpose-l", backend="onnx")


CREATIONS = [
    pytest.param(lambda **options: create_estimator("rtmw-l", backend="onnx", **options), id="an estimator"),
    pytest.param(lambda **options: create_detector("rtmdet-nano", backend="onnx", **options), id="a detector"),
    pytest.param(lambda **options: create_detector("some.onnx", **options), id="a detector's file"),
]


@pytest.mark.parametrize("create", CREATIONS)
def test_without_onnxruntime_nothing_is_downloaded_and_the_extra_is_named(create, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("skelact.download.fetch", lambda *_, **__: pytest.fail("was downloaded"))
    with pytest.raises(UsageError, match=r"pip install 'skelact\[onnx\]', or choose --backend torch"):
        create()


@pytest.mark.parametrize("create", CREATIONS[:2])
def test_offline_an_archive_that_is_not_there_is_one_sentence(create, monkeypatch, tmp_path):
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=r"https://download\.openmmlab\.com/\S+onnx_sdk/\S+\.zip"):
        create(offline=True)
