"""The rows of the accuracy table are settings that can be trained."""

from __future__ import annotations

import pytest

from benchmarks.accuracy.rows import BASE, ROWS, TASKS
from skelact.training.settings import recipe


def test_the_row_that_others_are_compared_with_is_there() -> None:
    assert BASE in ROWS


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_network_and_its_folds(name: str) -> None:
    row = ROWS[name]
    recipe(row.recipe).change(row.changes).architecture()
    tested = {person for _, person in TASKS[row.task].folds}
    assert set(row.test_on) <= tested
