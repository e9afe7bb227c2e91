"""Many videos on the machines of a Ray cluster, which share the folders of videos and outputs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from skelact.batch.inputs import Item
from skelact.batch.job import Factory, Result, Work, failed
from skelact.errors import SkelactError, UsageError
from skelact.settings import ExtractSettings

RETRIES = 2  # of a video whose actor dies
_ANSWER_SECONDS = 10.0
_STORE_BYTES = 100 * 1024**2  # of a cluster started here: videos and keypoints go by files, not through Ray


def run_ray(
    items: Sequence[Item], settings: ExtractSettings, workers: int | None, address: str | None, make: Factory
) -> Iterator[Result]:
    """Do videos in actors of a Ray cluster: one a GPU where there are any to be used, else one a share of the cores.

    Ray places the actors, starts one that died again and repeats what it was at, `RETRIES` times.

    Args:
        items: the videos; paths that all machines know.
        settings: how to extract.
        workers: how many actors; None for one a GPU, or one a core.
        address: of the cluster; None for that of RAY_ADDRESS, or else a new one on this machine.
        make: makes what extracts.

    Yields:
        The results, as they come.

    Raises:
        UsageError: Ray is not installed, no cluster answers, or its actors cannot start; or as of `Work`.
        WeightsError, OutputError: as of `Work`; what is being done is left.
    """
    ray = _library()
    started = _connect(ray, address)
    actors: list[Any] = []
    try:
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        options = shares(nodes, settings.device, workers, len(items))
        actor = ray.remote(max_restarts=-1, max_task_retries=RETRIES)(_Actor)
        actors += [actor.options(**share).remote(settings, make, os.getcwd()) for share in options]
        yield from _results(ray, actors, items)
    finally:
        for one in actors:
            ray.kill(one)
        if started:
            ray.shutdown()


def shares(nodes: Sequence[Mapping[str, float]], device: str, workers: int | None, items: int) -> list[dict[str, int]]:
    """What each actor is to have: a GPU and a core where there are GPUs to be used, else an equal share of the cores.

    Args:
        nodes: what each machine has, as {"CPU": 8.0, "GPU": 1.0}.
        device: as of `ExtractSettings`.
        workers: how many actors at most; None for one a GPU, or one a core.
        items: how many videos there are, beyond which no actor is of use.

    Returns:
        One entry an actor. All fit at once, each on one machine.
    """
    cores = [int(node.get("CPU", 0)) for node in nodes]
    gpus = int(sum(node.get("GPU", 0) for node in nodes))
    if gpus and device != "cpu":
        return [{"num_gpus": 1, "num_cpus": 1}] * min(workers or gpus, gpus, items)
    count = max(1, min(workers or sum(cores), sum(cores), items))
    share = max(1, min(sum(cores) // count, max(cores)))
    # Of shares that do not divide each machine, fewer fit: smaller ones then.
    while share > 1 and sum(core // share for core in cores) < count:
        share -= 1
    return [{"num_cpus": share}] * count


class _Actor:
    """A process somewhere in the cluster."""

    def __init__(self, settings: ExtractSettings, make: Factory, folder: str) -> None:
        os.chdir(folder)  # where relative paths begin
        self._work = Work(settings, make)

    def ready(self) -> None:
        """Answer once there is a process."""

    def work(self, item: Item) -> Result | SkelactError:
        try:
            return self._work(item)
        except SkelactError as error:
            return error


def _results(ray: Any, actors: list[Any], items: Sequence[Item]) -> Iterator[Result]:
    """Give each actor that is ready, or has done one, the next video."""
    waiting = list(reversed(items))
    asked: dict[Any, tuple[Any, Item | None]] = {actor.ready.remote(): (actor, None) for actor in actors}
    left = len(items)
    while left:
        (answer, *_), _ = ray.wait(list(asked))
        actor, item = asked.pop(answer)
        result = _answer(ray, answer, item)
        if isinstance(result, SkelactError):
            raise result
        if result:
            left -= 1
            yield result
        if waiting:
            item = waiting.pop()
            asked[actor.work.remote(item)] = (actor, item)


def _answer(ray: Any, answer: Any, item: Item | None) -> Result | SkelactError | None:
    try:
        return ray.get(answer)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[0]
        if item is None:
            return UsageError(f"a Ray actor cannot start ({reason}): install the same skelact on every machine")
        if isinstance(error, ray.exceptions.RayActorError):
            reason = f"its actor died {RETRIES + 1} times, as for want of memory: try it alone"
        return failed(item, reason)


def _library() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UsageError("Ray is not installed: pip install 'skelact[ray]', or leave --engine out") from None
    return ray


def _connect(ray: Any, address: str | None) -> bool:
    """Connect to a cluster, or start one; whether it is ours to end."""
    if ray.is_initialized():
        return False
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    place = address or os.environ.get("RAY_ADDRESS")
    if not place:
        ray.init("local", include_dashboard=False, object_store_memory=_STORE_BYTES, **quiet)
        return True
    try:
        _check_answers(place)
        ray.init(place, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UsageError(
            f"no Ray cluster answers at {place!r} ({reason}): start one by `ray start --head`, or leave --address out"
        ) from None
    return True


def _check_answers(place: str) -> None:
    """Make sure that something listens at an address, as Ray itself would try for many minutes.

    Raises:
        OSError: nothing does.
    """
    host, colon, port = place.rpartition("://")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
