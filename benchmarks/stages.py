"""Where the time goes in code that knows nothing of being measured: its functions are wrapped while a block runs."""

from __future__ import annotations

import functools
import pkgutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch


class Clock:
    """Seconds by stage, wall and processor (of all threads); a stage within another counts for the inner one only.

    For one thread at a time.

    Attributes:
        wall, cpu: seconds by stage.
    """

    def __init__(self) -> None:
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.cpu: defaultdict[str, float] = defaultdict(float)
        self._stages: list[str] = []
        self._since = (0.0, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What runs inside is of this stage."""
        self._charge()
        self._stages.append(name)
        try:
            yield
        finally:
            self._charge()
            self._stages.pop()

    def _charge(self) -> None:
        """The time since the last change of stage, to the stage that ran."""
        now = time.perf_counter(), time.process_time()
        if self._stages:
            self.wall[self._stages[-1]] += now[0] - self._since[0]
            self.cpu[self._stages[-1]] += now[1] - self._since[1]
        self._since = now


@contextmanager
def watched(clock: Clock, functions: Sequence[tuple[str, str]]) -> Iterator[None]:
    """While the block runs, calls of functions are on the clock.

    Args:
        clock: takes the times.
        functions: pairs of a stage and the function's place, e.g. "skelact.video:VideoReader.__next__".
    """
    with ExitStack() as stack:
        for stage, place in functions:
            owner, _, name = place.replace(":", ".").rpartition(".")
            function = pkgutil.resolve_name(place)
            stack.enter_context(patch.object(pkgutil.resolve_name(owner), name, _timed(clock, stage, function)))
        yield


def _timed(clock: Clock, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*given: Any, **named: Any) -> Any:
        with clock.stage(stage):
            return function(*given, **named)

    return run
