"""Videos that are texts, and what "extracts" them: importable, so that processes of their own find it.

A text like "frames=5 persons=2 seconds=0.1" tells what comes out and how long that takes. "die" kills the process,
"die=once" only the first time; "raise=odd" raises an error, "weights" and "full" those that stop everything; "append"
writes to the video and "vanish" deletes it while it is read.

As a program it is `skelact` with this in the place of extraction.
"""

from __future__ import annotations

import errno
import os
import signal
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from skelact.errors import InputError, WeightsError
from skelact.formats.writing import write_error
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings


def make(settings: ExtractSettings, warn: Callable[[str], None]) -> Callable[..., PoseSequence]:
    """In the place of `skelact.pipeline.extractor`."""

    def extract(source: Path) -> PoseSequence:
        text = source.read_text()
        told = dict(word.partition("=")[::2] for word in text.split())
        if not told.keys() & {"frames", "die", "raise", "weights", "full"}:
            raise InputError(f"{str(source)!r} is not a video")
        if "die" in told:
            _die(source, told["die"])
        if "raise" in told:
            raise RuntimeError(told["raise"])
        if "weights" in told:
            raise WeightsError("there are no weights")
        if "full" in told:
            raise write_error(source, OSError(errno.ENOSPC, "full"))
        if "warn" in told:
            warn("a warning")
        time.sleep(float(told.get("seconds", 0)))
        if "append" in told:
            source.write_text(f"{text} and more")
        if "vanish" in told:
            source.unlink()
        return sequence(
            int(told.get("frames", 3)), int(told.get("persons", 1)), zlib.crc32(text.encode()), settings.pose
        )

    return extract


def sequence(frames: int, persons: int, seed: int, estimator: str | None) -> PoseSequence:
    """Keypoints at random."""
    random = np.random.default_rng(seed)
    shape = (persons, frames, 133)
    return PoseSequence(
        (random.random((*shape, 2)) * 300).astype(np.float32),
        random.uniform(0.1, 1, shape).astype(np.float32),
        np.tile(np.array([0, 0, 300, 300], np.float32), (persons, frames, 1)),
        np.arange(persons),
        np.arange(frames) / 30,
        640,
        480,
        30.0,
        estimator=str(estimator),
    )


def _die(source: Path, when: str) -> None:
    mark = source.with_suffix(".died")
    if when != "once" or not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    from skelact import pipeline
    from skelact.cli import main
    from tests.batch import standin

    vars(pipeline)["extractor"] = standin.make
    main()
