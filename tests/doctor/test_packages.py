"""Versions, imports and clashes of packages, in troubles that are known."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from packaging.requirements import Requirement

from skelact.doctor import ABSENT, FAILED, OK, WARNING, Finding, packages


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is installed, in place of what is: to be filled."""
    found: dict[str, str] = {}
    monkeypatch.setattr(packages, "installed", found.get)
    return found


@pytest.mark.parametrize(
    ("need", "found", "state", "told"),
    [
        ("numpy<2,>=1.26", {"numpy": "1.26.4"}, OK, "1.26.4"),
        ("numpy<2,>=1.26", {"numpy": "2.1.0"}, WARNING, "built for numpy 1"),
        ("setuptools<81", {"setuptools": "81.0"}, WARNING, "pkg_resources"),
        ("mmcv-lite<2.2,>=2.1.0", {"mmcv": "2.1.0"}, OK, "2.1.0"),
        ("mmcv-lite<2.2,>=2.1.0", {"mmcv": "2.2.0"}, WARNING, "mmdet 3.3 refuses"),
        ("mediapipe==0.10.21", {"mediapipe": "0.10.31"}, WARNING, "without the models"),
        ("opencv-python<4.12,>=4.8", {"opencv-python-headless": "4.11.0.86"}, OK, "4.11.0.86"),
        ("rich<15,>=13", {"rich": "15.0"}, WARNING, "not tested"),
        ("torch<2.14,>=2.6", {"torch": "2.13.0+cpu"}, OK, "2.13.0"),
        ("torch<2.14,>=2.6", {}, FAILED, "not installed"),
    ],
)
def test_releases(versions: dict[str, str], need: str, found: dict[str, str], state: str, told: str) -> None:
    versions.update(found)
    finding = packages.check_version(Requirement(need))
    assert finding.state == state
    assert told in finding.told
    assert (f"pip install '{Requirement(need).name}" in finding.remedy) == (state != OK)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ImportError("libGL.so.1: cannot open shared object file: No such file or directory"), "libgl1"),
        (ValueError("numpy.dtype size changed, may indicate binary incompatibility"), "numpy<2"),
        (ModuleNotFoundError("No module named 'pkg_resources'"), "setuptools<81"),
        (AssertionError("MMCV==2.2.0 is used but incompatible"), "mmcv-lite"),
        (OSError("libcudart.so.13: cannot open shared object file"), "pytorch.org"),
        (RuntimeError("something\nelse"), "constraints.txt"),
    ],
)
def test_packages_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch, error: Exception, remedy: str) -> None:
    def fail(_: str) -> None:
        raise error

    monkeypatch.setattr(packages, "import_module", fail)
    finding = packages.check_import(Finding("cv2", OK, "4.11"), "cv2")
    assert finding.state == FAILED
    assert remedy in finding.remedy
    assert "\n" not in finding.told


def test_a_torchvision_for_another_torch_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(packages, "import_module", fail)
    finding = packages.check_import(Finding("torchvision", OK, "0.28.0"), "torchvision")
    assert finding.state == OK
    assert "skelact does without it" in finding.told
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))  # as skelact.openmmlab leaves it
    assert packages.check_import(Finding("torchvision", OK, "0.28.0"), "torchvision") == finding


@pytest.mark.parametrize(
    ("found", "clashes"),
    [
        ({"opencv-python": "4.11.0.86", "opencv-contrib-python": "4.11.0.86"}, []),
        ({"opencv-python": "4.11.0.86", "opencv-contrib-python": "4.10.0.84"}, ["opencv-python"]),
        ({"mmcv": "2.1.0", "mmcv-lite": "2.1.0"}, ["mmcv-lite"]),
    ],
)
def test_packages_that_overwrite_each_other(
    versions: dict[str, str], found: dict[str, str], clashes: list[str]
) -> None:
    versions.update(found)
    findings = list(packages.check_clashes())
    assert [finding.name.split(" and ")[0] for finding in findings] == clashes
    assert all(finding.state == WARNING and "pip uninstall" in finding.remedy for finding in findings)


def test_extras_are_there_absent_or_unfit(versions: dict[str, str]) -> None:
    needs = [Requirement("fastapi<1,>=0.115"), Requirement("uvicorn<1,>=0.30")]
    assert packages.check_extra("serve", "a server", needs).state == ABSENT
    versions.update({"fastapi": "0.120", "uvicorn": "0.35"})
    assert packages.check_extra("serve", "a server", needs) == Finding("serve", OK, "fastapi 0.120, uvicorn 0.35")
    versions["uvicorn"] = "1.0"
    assert packages.check_extra("serve", "a server", needs).state == WARNING
