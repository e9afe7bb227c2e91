"""Times as people read them."""

from __future__ import annotations

import pytest

from skelact.results import clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00.0"),
        (9.96, "0:10.0"),
        (59.96, "1:00.0"),
        (62.3, "1:02.3"),
        (3599.99, "1:00:00.0"),
        (3723.4, "1:02:03.4"),
    ],
)
def test_hours_are_told_where_there_are_some(seconds: float, text: str) -> None:
    assert clock(seconds) == text
