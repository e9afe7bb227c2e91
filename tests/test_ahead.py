"""Work done ahead in a thread: the same items, the same errors, and an end to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.ahead import ahead


@given(st.lists(st.one_of(st.none(), st.integers())), st.integers(1, 4))
def test_the_items_are_those_of_the_source_in_order(items: list[int | None], depth: int) -> None:
    assert list(ahead(iter(items), depth)) == items


@pytest.mark.parametrize("error", [ValueError("a damaged frame"), KeyboardInterrupt(), StopIteration()])
def test_an_error_comes_where_its_item_would_have(error: BaseException) -> None:
    class Source:
        def __init__(self) -> None:
            self.given = 0

        def __iter__(self) -> Iterator[int]:
            return self

        def __next__(self) -> int:
            self.given += 1
            if self.given > 2:
                raise error
            return self.given

    items = ahead(Source())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(type(error)):
        next(items)


def test_items_are_made_while_the_caller_works() -> None:
    made = threading.Event()

    def source() -> Iterator[int]:
        yield 0
        made.set()
        yield 1

    items = ahead(source())
    assert next(items) == 0
    assert made.wait(20), "the next item is made without being asked for"
    assert list(items) == [1]


def test_no_more_than_depth_items_wait() -> None:
    made = []

    def source() -> Iterator[int]:
        for k in range(100):
            made.append(k)
            yield k

    items = ahead(source(), depth=2)
    for wanted in range(5):
        assert next(items) == wanted
        assert len(made) <= wanted + 1 + 2 + 1, "those handed out, those that wait, and the one that is in hand"
    items.close()


def test_closing_ends_the_thread_and_the_source_is_left_alone() -> None:
    before = threading.active_count()

    def endless() -> Iterator[int]:
        k = 0
        while True:
            yield (k := k + 1)

    items = ahead(endless(), depth=3)
    next(items)
    items.close()
    assert threading.active_count() == before
    with pytest.raises(StopIteration):
        next(items)
