"""Many videos on a Ray cluster of two processes."""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
from pathlib import Path

import pytest

from skelact.batch.inputs import expand
from skelact.batch.ray_engine import shares
from skelact.batch.run import Means, extract_folder
from skelact.errors import UsageError
from skelact.settings import ExtractSettings
from tests.batch.commands import outputs, start, videos

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra ray")


@needs_ray
def test_actors_of_a_cluster_one_of_which_is_killed(tmp_path: Path) -> None:
    texts = {f"v{k}": f"frames={k + 2}" for k in range(6)}
    clips = videos(tmp_path / "clips", **texts, bad="hello", dies="frames=3 die=once", kills="frames=3 die=always")
    process = start(clips, "-o", tmp_path / "out", "--engine", "ray", "--workers", 2)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3, err  # of "bad"
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["counts"] == {"done": 7, "skipped": 0, "nobody": 0, "failed": 2, "left": 0}
    assert outputs(tmp_path / "out") == ["dies.npz", *(f"v{k}.npz" for k in range(6))]
    reasons = {Path(entry["source"]).stem: entry["reason"] for entry in report["videos"]}
    assert reasons["kills"] == "its actor died 3 times, as for want of memory: try it alone"
    assert reasons["bad"].endswith("is not a video")


@needs_ray
def test_an_address_where_nothing_answers(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = "{}:{}".format(*taken.getsockname())
        items = expand([str(videos(tmp_path / "clips", a="frames=3"))], tmp_path / "out")
        with pytest.raises(UsageError, match=f"no Ray cluster answers at '{address}'.*: start one by `ray start"):
            extract_folder(
                items, ExtractSettings(pose="mediapipe"), tmp_path / "out", Means(engine="ray", address=address)
            )


def test_without_ray_one_sentence_tells_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    clips = videos(tmp_path / "clips", a="frames=3")
    items = expand([str(clips)], tmp_path / "out")
    with pytest.raises(UsageError, match=r"Ray is not installed: pip install 'skelact\[ray\]', or leave --engine out"):
        extract_folder(items, ExtractSettings(pose="mediapipe"), tmp_path / "out", Means(engine="ray"))


SHARES = {
    "a core each": ([{"CPU": 4.0}], "auto", None, 100, [1] * 4),
    "two on one machine": ([{"CPU": 8.0}], "auto", 2, 100, [4] * 2),
    "no more than there are videos": ([{"CPU": 8.0}], "auto", None, 2, [4] * 2),
    "no more than there are cores": ([{"CPU": 2.0}], "auto", 16, 100, [1] * 2),
    "a share fits a machine": ([{"CPU": 2.0}, {"CPU": 2.0}], "auto", 1, 100, [2]),
    "shares fit uneven machines": ([{"CPU": 3.0}, {"CPU": 5.0}], "auto", 4, 100, [1] * 4),
    "GPUs that are not wanted": ([{"CPU": 4.0, "GPU": 2.0}], "cpu", 2, 100, [2] * 2),
    "a machine without cores": ([{"memory": 1.0}, {"CPU": 2.0}], "auto", None, 100, [1] * 2),
}


@pytest.mark.parametrize(("nodes", "device", "workers", "items", "cores"), SHARES.values(), ids=SHARES)
def test_shares_of_cores(
    nodes: list[dict[str, float]], device: str, workers: int | None, items: int, cores: list[int]
) -> None:
    assert shares(nodes, device, workers, items) == [{"num_cpus": count} for count in cores]
    assert sum(node.get("CPU", 0) // cores[0] for node in nodes) >= len(cores)


@pytest.mark.parametrize(("workers", "count"), [(None, 3), (2, 2), (9, 3)])
def test_a_gpu_each(workers: int | None, count: int) -> None:
    nodes = [{"CPU": 8.0, "GPU": 2.0}, {"CPU": 8.0}, {"CPU": 8.0, "GPU": 1.0}]
    assert shares(nodes, "auto", workers, 100) == [{"num_gpus": 1, "num_cpus": 1}] * count
