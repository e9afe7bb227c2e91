"""Versions of what is installed, whether it can be imported, and troubles that are known."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from skelact.doctor.finding import ABSENT, FAILED, OK, WARNING, Finding

PYTHONS = ((3, 10), (3, 11))
# What is told one by one and imported, under the name it is imported by; of the rest only what is missing or unfit.
MODULES = {
    "numpy": "numpy",
    "torch": "torch",
    "torchvision": "torchvision",
    "mmengine": "mmengine",
    "mmcv-lite": "mmcv",
    "mmdet": "mmdet.models",
    "mmpose": "mmpose.models",
    "mediapipe": "mediapipe.python.solutions.holistic",
    "opencv-python": "cv2",
    "av": "av",
}
# The extras that users choose, with what they bring.
EXTRAS = {
    "onnx": "--backend onnx",
    "ray": "--engine ray",
    "serve": "skelact serve",
    "tensorboard": "curves of training runs",
}
# Packages that put the same folder in place: another one of the row will do where the one named is not there.
SAME_FOLDER = (
    ("mmcv-lite", "mmcv"),
    ("opencv-python", "opencv-contrib-python", "opencv-python-headless", "opencv-contrib-python-headless"),
)
# Why a release outside of the bounds is trouble.
REASONS = {
    "numpy": "the wheels of xtcocotools and MediaPipe are built for numpy 1",
    "setuptools": "mmengine imports pkg_resources, which later releases lack",
    "mmcv-lite": "mmdet 3.3 refuses to be imported beside mmcv 2.2",
    "mediapipe": "later wheels come without the models",
    "opencv-python": "4.12 needs numpy 2",
    "opencv-contrib-python": "4.12 needs numpy 2",
}
# What an import says when it fails, as a regular expression, and the remedy.
FAILURES = (
    (r"libGL\.so", "install the system's OpenGL library (Debian and Ubuntu: apt-get install libgl1)"),
    (r"libgthread|libglib", "install GLib (Debian and Ubuntu: apt-get install libglib2.0-0)"),
    (r"numpy\.dtype size changed|_ARRAY_API|NumPy 1\.x|numpy\.core", "run: pip install 'numpy<2'"),
    (r"pkg_resources", "run: pip install 'setuptools<81'"),
    (r"MMCV==|mmcv.*incompatible", "run: pip install 'mmcv-lite>=2.1,<2.2'"),
    (r"libcudart|libcublas|libcudnn|libnv", "install torch for this machine, see https://pytorch.org/get-started"),
)
REINSTALL = "install skelact again, with its constraints.txt: pip install -c constraints.txt ."


def check() -> Iterator[Finding]:
    """Python, skelact, what it needs, and what it can use."""
    yield _python()
    try:
        needs = [Requirement(text) for text in requires("skelact") or []]
        yield Finding("skelact", OK, version("skelact"))
    except PackageNotFoundError:
        yield Finding("skelact", FAILED, "it is not installed, only lies here", "run: pip install -c constraints.txt .")
        return
    needed = {need.name: need for need in needs if not (need.marker and "extra" in str(need.marker))}
    for name in [*MODULES, *(name for name in needed if name not in MODULES)]:
        finding = check_version(needed.get(name, Requirement(name)))
        if finding.state in (OK, WARNING) and name in MODULES:
            finding = check_import(finding, MODULES[name])
        if name in MODULES or finding.state != OK:
            yield finding
    yield from check_clashes()
    for extra, brings in EXTRAS.items():
        wanted = [need for need in needs if need.marker and need.marker.evaluate({"extra": extra})]
        yield check_extra(extra, brings, [need for need in wanted if need.name not in needed])


def installed(name: str) -> str | None:
    """The version of a package, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_version(need: Requirement) -> Finding:
    """Whether what is needed is there, in a release that was tested."""
    row = next((row for row in SAME_FOLDER if need.name in row), (need.name,))
    name = next((each for each in (need.name, *row) if installed(each)), None)
    if name is None:
        return Finding(need.name, FAILED, "not installed", f"run: pip install '{_plain(need)}'")
    found = installed(name) or ""
    if not need.specifier.contains(found, prereleases=True):
        reason = REASONS.get(need.name, "this release was not tested")
        told = f"{found}, outside of {need.specifier}: {reason}"
        return Finding(name, WARNING, told, f"run: pip install '{_plain(need)}'")
    return Finding(name, OK, found)


def check_import(finding: Finding, module: str) -> Finding:
    """The same finding if the module can be imported; else why not."""
    if finding.name == "torchvision":
        return _check_torchvision(finding)
    try:
        if module.startswith(("mmcv", "mmdet", "mmpose")):
            import_module("skelact.openmmlab").prepare()
        import_module(module)
    except Exception as error:  # a broken build fails with whatever its first broken line raises
        text = " ".join(f"{type(error).__name__}: {error}".split())
        remedy = next((remedy for pattern, remedy in FAILURES if re.search(pattern, text)), REINSTALL)
        return Finding(finding.name, FAILED, f"{finding.told} cannot be imported ({text[:200]})", remedy)
    if module == "mmcv":
        return Finding(finding.name, finding.state, f"{finding.told}, {_operators()}", finding.remedy)
    return finding


def check_clashes() -> Iterator[Finding]:
    """Packages that overwrite each other's files."""
    for row in SAME_FOLDER:
        there = {name: found for name in row if (found := installed(name))}
        if len(there) > 1 and (len(set(there.values())) > 1 or "mmcv" in there):
            told = " and ".join(f"{name} {found}" for name, found in there.items())
            yield Finding(
                " and ".join(there), WARNING, f"{told} write the same files: the one installed last is used, in part",
                f"run: pip uninstall -y {' '.join(there)}; then {REINSTALL}",
            )  # fmt: skip


def check_extra(extra: str, brings: str, needs: list[Requirement]) -> Finding:
    """What an extra of the package brings."""
    missing = [need for need in needs if installed(need.name) is None]
    if missing:
        names = ", ".join(need.name for need in missing)
        return Finding(extra, ABSENT, f"not installed: {names}", f"`pip install 'skelact[{extra}]'` brings {brings}")
    unfit = [found for need in needs if (found := check_version(need)).state != OK]
    if unfit:
        return Finding(extra, WARNING, f"{unfit[0].name} {unfit[0].told}", unfit[0].remedy)
    return Finding(extra, OK, ", ".join(f"{need.name} {installed(need.name)}" for need in needs))


def _plain(need: Requirement) -> str:
    return f"{need.name}{need.specifier}"


def _python() -> Finding:
    told = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] not in PYTHONS:
        remedy = "make an environment of Python 3.10 or 3.11, for which all packages have wheels"
        return Finding("Python", WARNING, told, remedy)
    return Finding("Python", OK, told)


def _check_torchvision(finding: Finding) -> Finding:
    """Beside a CPU build of torch, PyPI's torchvision cannot be imported; skelact does without it."""
    unused = Finding(finding.name, OK, f"{finding.told}, built for another torch: skelact does without it")
    loaded = sys.modules.get("torchvision")
    if loaded is not None:  # without a file it is the stand-in of skelact.openmmlab
        return finding if getattr(loaded, "__file__", None) else unused
    try:
        import_module("torchvision.transforms")
    except Exception:
        return unused
    return finding


def _operators() -> str:
    extension = sys.modules.get("mmcv._ext")
    if extension is None or getattr(extension, "__file__", None):
        return "with compiled operators"
    return "without compiled operators: skelact has its own of the one it needs"
