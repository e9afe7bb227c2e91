"""One video after another: who waits, what is being done, and results for as long as they are kept."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skelact.errors import SkelactError
from skelact.serve.limits import BusyError, JobCancelledError, Limits
from skelact.serve.uploads import Upload

UNEXPECTED = "this should not happen: whoever runs the server finds the reason in what it prints"
logger = logging.getLogger("skelact.serve")


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes:
        stage: "keypoints" or "report".
        done: frames.
        total: frames, as far as the video tells.
    """

    stage: str
    done: int
    total: int | None


class Job:
    """A video and what becomes of it.

    Attributes:
        id: nobody guesses it: who knows it may see the result.
        upload: the video; its file is there until the job has ended.
        wants_report: whether a page is to be written about it.
        progress: None before the first frames are done.
        result: `Prediction.to_dict`, as soon as it is known.
        report: the page, once it is written.
        report_error: why there is none.
        ended: seconds of `time.monotonic`; None until then.
    """

    future: Future[None]

    def __init__(self, upload: Upload, wants_report: bool) -> None:
        self.id = secrets.token_urlsafe(16)
        self.upload = upload
        self.wants_report = wants_report
        self.progress: Progress | None = None
        self.result: dict[str, Any] | None = None
        self.report: Path | None = None
        self.report_error: str | None = None
        self.ended: float | None = None
        self._unwanted = threading.Event()

    @property
    def state(self) -> str:
        """One of waiting, running, done, failed and cancelled."""
        if not self.future.done():
            return "running" if self.future.running() else "waiting"
        if self.future.cancelled() or isinstance(self.future.exception(), JobCancelledError):
            return "cancelled"
        return "failed" if self.future.exception() else "done"

    @property
    def error(self) -> BaseException | None:
        """What a failed job failed of."""
        return self.future.exception() if self.state == "failed" else None

    def cancel(self) -> None:
        """End it: at once if it waits, else when the frames at hand are done."""
        self._unwanted.set()
        self.future.cancel()

    def advance(self, progress: Progress) -> None:
        """Tell how far it is.

        Raises:
            JobCancelledError: it is no longer wanted.
        """
        if self._unwanted.is_set():
            raise JobCancelledError
        self.progress = progress

    def to_dict(self, position: int | None) -> dict[str, Any]:
        """Plain values; the place in the queue, from 1, is of a job that waits."""
        error = self.error
        return {
            "id": self.id,
            "name": self.upload.name,
            "state": self.state,
            "position": position,
            "progress": asdict(self.progress) if self.progress and self.state == "running" else None,
            "result": self.result,
            "report": f"/jobs/{self.id}/report" if self.report else None,
            "report_error": self.report_error,
            "error": sentence(error, self.upload) if error else None,
        }


def sentence(error: BaseException, upload: Upload) -> str:
    """What to tell the sender of an error."""
    if isinstance(error, SkelactError):
        return upload.named(str(error))
    return UNEXPECTED


class Jobs:
    """Jobs in the order in which they came, done one after another in one thread."""

    def __init__(self, work: Callable[[Job], None], limits: Limits) -> None:
        """Begin with none.

        Args:
            work: does a job, from its upload to its result.
            limits: how many may wait, how many and for how long results are kept.
        """
        self._work, self._limits = work, limits
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="skelact-serve")
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self._arriving = 0
        self._closed = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue, held for an upload that is on its way.

        Raises:
            BusyError: there is none.
        """
        with self._lock:
            if self._closed:
                raise BusyError("the server is being stopped")
            if len(self._waiting()) + self._arriving >= self._limits.waiting:
                raise BusyError(f"the queue of {self._limits.waiting} is full: try again in a while")
            self._arriving += 1
        try:
            yield
        finally:
            with self._lock:
                self._arriving -= 1

    def submit(self, upload: Upload, wants_report: bool) -> Job:
        """Put a job at the end of the queue; its folder is deleted with it.

        Raises:
            BusyError: the server is being stopped.
        """
        job = Job(upload, wants_report)
        with self._lock:
            if self._closed:
                shutil.rmtree(upload.folder, ignore_errors=True)
                raise BusyError("the server is being stopped")
            job.future = self._executor.submit(self._run, job)
            self._jobs[job.id] = job
        job.future.add_done_callback(lambda _: self._end(job))
        return job

    def get(self, job_id: str) -> Job | None:
        """The job of this id, if it is still kept."""
        self.sweep()
        return self._jobs.get(job_id)

    def position(self, job: Job) -> int | None:
        """The place of a waiting job in the queue, 1 for the next."""
        waiting = self._waiting()
        return waiting.index(job) + 1 if job in waiting else None

    def count_waiting(self) -> int:
        """How many wait."""
        return len(self._waiting())

    def forget(self, job: Job) -> None:
        """Cancel a job unless it has ended, and delete all that there is of it."""
        with self._lock:
            self._jobs.pop(job.id, None)
        job.cancel()
        if job.ended is not None:
            shutil.rmtree(job.upload.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Forget the results that are too old or too many."""
        with self._lock:
            ended = [job for job in self._jobs.values() if job.ended is not None]
            ended.sort(key=lambda job: job.ended or 0.0)
            oldest = time.monotonic() - 60 * self._limits.keep_minutes
            surplus = len(ended) - self._limits.keep_results
            gone = [job for k, job in enumerate(ended) if k < surplus or (job.ended or 0.0) < oldest]
        for job in gone:
            self.forget(job)

    def close(self) -> None:
        """Take nothing more, cancel what is not done, and wait until the one at work has stopped."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        self._executor.shutdown(wait=True)

    def _waiting(self) -> list[Job]:
        with self._lock:
            return [job for job in self._jobs.values() if job.state == "waiting"]

    def _run(self, job: Job) -> None:
        try:
            self._work(job)
        except (SkelactError, JobCancelledError):
            raise
        except Exception:
            logger.exception("a job failed as it should not")
            raise

    def _end(self, job: Job) -> None:
        """What follows the end of a job, whatever that was: its video is deleted."""
        job.upload.delete()
        with self._lock:
            job.ended = time.monotonic()
            forgotten = job.id not in self._jobs
        if forgotten:
            shutil.rmtree(job.upload.folder, ignore_errors=True)
        self.sweep()
