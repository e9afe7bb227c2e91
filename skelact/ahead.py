"""Work done ahead of the one who waits for it, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")


class _Failed:
    """What the source raised instead of an item."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


_END = _Failed(StopIteration())


def ahead(items: Iterable[Item], depth: int = 1) -> Generator[Item, None, None]:
    """The same items, made in a thread while the caller works on those before.

    An exception of the source is raised where its item would have come. Closing the generator ends the thread after
    the item it is at, and waits for that.

    Args:
        items: iterated in the thread.
        depth: how many finished items may wait, at least 1.
    """
    waiting: queue.Queue[Item | _Failed] = queue.Queue(depth)
    stop = threading.Event()

    def put(entry: Item | _Failed) -> None:
        while not stop.is_set():
            try:
                return waiting.put(entry, timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put(item)
                if stop.is_set():
                    return
            put(_END)
        except BaseException as error:  # whatever it is belongs to who waits for the item
            put(_Failed(error))

    thread = threading.Thread(target=work, daemon=True, name="skelact-ahead")
    thread.start()
    try:
        while (entry := waiting.get()) is not _END:
            if isinstance(entry, _Failed):
                raise entry.error
            yield entry
    finally:
        stop.set()
        thread.join()
