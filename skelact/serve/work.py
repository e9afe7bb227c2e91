"""What is done with an upload: its actions, and a page about them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skelact.errors import SkelactError
from skelact.predictor import Predictor
from skelact.serve.jobs import Job, Progress
from skelact.serve.limits import Limits, TooLargeError
from skelact.serve.uploads import open_sequence, too_long

OnFrame = Callable[[int, int | None], None]


def worker(predictor: Predictor, limits: Limits, write_report: Callable[..., Any]) -> Callable[[Job], None]:
    """A function that does a job.

    Args:
        predictor: whose models are used for one job after another.
        limits: the length of a video and the time of the work count.
        write_report: `skelact.report.write_report`, or what stands in for it.
    """

    def work(job: Job) -> None:
        started = time.monotonic()

        def watch(stage: str, fps: float | None = None) -> OnFrame:
            """Called between frames: keeps to the limits, also where a video states fewer frames than it has."""

            def on_frame(done: int, total: int | None) -> None:
                job.advance(Progress(stage, done, total))
                if fps and done > limits.seconds * fps:
                    raise too_long(limits)
                if time.monotonic() - started > limits.work_seconds:
                    raise TooLargeError(
                        f"the work on it takes longer than the {limits.work_seconds:g} s that it may: cut the video or "
                        "scale it down"
                    )

            return on_frame

        upload = job.upload
        source: Any = upload.path if upload.fps else open_sequence(upload, limits)
        prediction = predictor.predict(source, watch("keypoints", upload.fps))
        job.result = {**prediction.to_dict(), "source": upload.name}
        if not job.wants_report:
            return
        path: Path = upload.folder / "report.html"
        try:
            write_report(
                prediction,
                path,
                recognizer=predictor.recognizer,
                device=predictor.device,
                title=upload.name,
                on_frame=watch("report"),
            )
            job.report = path
        except SkelactError as error:
            job.report_error = upload.named(str(error))

    return work
