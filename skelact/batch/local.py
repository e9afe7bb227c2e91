"""Many videos in processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait

from skelact.batch.inputs import Item
from skelact.batch.job import Factory, Result, Work, failed
from skelact.errors import SkelactError
from skelact.settings import ExtractSettings

TRIES = 3  # of a video on which its process dies
_PROCESSES = multiprocessing.get_context("spawn")  # CUDA and threads do not survive a fork


def run_local(items: Sequence[Item], settings: ExtractSettings, workers: int, make: Factory) -> Iterator[Result]:
    """Do videos in so many processes, each with models of its own; with one, in this process.

    GPUs are dealt out in turn where the device is auto or cuda, and processor cores in equal shares. A process that
    dies, as for want of memory, costs the video it was at, which is tried `TRIES` times; another takes its place.

    Args:
        items: the videos.
        settings: how to extract.
        workers: how many processes.
        make: makes what extracts.

    Yields:
        The results, as they come.

    Raises:
        UsageError, WeightsError, OutputError: as of `Work`; what is being done is left.
    """
    if workers == 1:
        yield from map(Work(settings, make), items)
        return
    count = min(workers, len(items))
    threads = max(1, _cores() // workers)
    waiting = deque((item, 1) for item in items)
    all_workers = [_Worker(settings, make, k, threads) for k in range(count)]
    idle = list(all_workers)
    busy: dict[Connection, _Worker] = {}
    try:
        while waiting or busy:
            while waiting and idle:
                worker = idle.pop()
                worker.begin(*waiting.popleft())
                busy[worker.pipe] = worker
            for pipe in [pipe for pipe in wait(list(busy)) if isinstance(pipe, Connection)]:
                worker = busy.pop(pipe)
                result = worker.result()
                if isinstance(result, SkelactError):
                    raise result
                if result is None and worker.attempt < TRIES:
                    waiting.append((worker.item, worker.attempt + 1))
                else:
                    yield result or failed(worker.item, worker.why_dead())
                idle.append(worker)
    finally:
        for worker in all_workers:
            worker.kill()


class _Worker:
    """A process that does one video at a time, started when there is one, and again after its death."""

    def __init__(self, settings: ExtractSettings, make: Factory, index: int, threads: int) -> None:
        self._arguments = (settings, make, index)
        self._threads = threads
        self._process: multiprocessing.process.BaseProcess | None = None
        self.pipe: Connection
        self.item: Item
        self.attempt: int

    def begin(self, item: Item, attempt: int) -> None:
        self.item, self.attempt = item, attempt
        if self._process is None or not self._process.is_alive():
            self._start()
        with suppress(OSError):  # it died just now: `result` tells
            self.pipe.send(item)

    def _start(self) -> None:
        self.kill()
        self.pipe, theirs = _PROCESSES.Pipe()
        process = _PROCESSES.Process(target=_serve, args=(theirs, *self._arguments))
        with _for_children(self._threads):
            process.start()
            self._process = process
        theirs.close()

    def result(self) -> Result | SkelactError | None:
        """What the process sent; None if it died instead."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self.kill()
            return None

    def why_dead(self) -> str:
        code = self._process.exitcode if self._process else None
        cause = signal.Signals(-code).name if code is not None and code < 0 else f"exit status {code}"
        return f"its process died {self.attempt} times ({cause}), as for want of memory: try it alone"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self.pipe.close()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def _for_children(threads: int) -> Iterator[None]:
    """What a process that is started inherits: so many threads, and no Ctrl-C, of which this one takes care."""
    limits = {"OMP_NUM_THREADS": str(threads), "OPENCV_FOR_THREADS_NUM": str(threads)}
    before = {name: os.environ.get(name) for name in limits}
    resource_tracker.ensure_running()  # its start would let the signal through again
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update({name: value for name, value in limits.items() if before[name] is None})
    try:
        yield
    finally:
        for name in limits:
            if before[name] is None:
                del os.environ[name]
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _serve(pipe: Connection, settings: ExtractSettings, make: Factory, index: int) -> None:
    """Do what comes through the pipe until its other end is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work = Work(deal_gpu(settings, index), make)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            answer: Result | SkelactError = work(item)
        except SkelactError as error:
            answer = error
        pipe.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def deal_gpu(settings: ExtractSettings, index: int) -> ExtractSettings:
    """The settings for one of several processes: with the GPU whose turn it is, where any of several may be used."""
    if settings.device not in ("auto", "cuda"):
        return settings
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return replace(settings, device=f"cuda:{index % gpus}") if gpus > 1 else settings
