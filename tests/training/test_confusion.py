"""Confusion matrices as tables and pictures."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from skelact.errors import OutputError, UsageError
from skelact.training.confusion import MOST_PIXELS, confusion_csv, confusion_png, save_confusion
from skelact.training.metrics import confusion_matrix
from tests.training.predictions import predictions


def test_the_table_holds_counts_under_the_classes_names() -> None:
    names = ("a, b", 'say "hi"', "größer")
    counts = np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]])
    rows = list(csv.reader(io.StringIO(confusion_csv(counts, names).decode("utf-8"))))
    assert rows == [
        ["true class", *names],
        ["a, b", "3", "1", "0"],
        ['say "hi"', "0", "2", "0"],
        ["größer", "0", "0", "0"],
    ]


def picture(counts: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(confusion_png(counts, names), np.uint8), cv2.IMREAD_GRAYSCALE)


def test_the_picture_is_darker_where_more_clips_of_a_class_are() -> None:
    """Of all counts only where they stand differs: a diagonal darkens the diagonal."""
    names = tuple(f"class {k}" for k in range(9))
    straight, crossed = (
        picture(40 * counts, names).astype(int) for counts in (np.eye(9, dtype=int), np.eye(9, dtype=int)[::-1])
    )
    assert straight.shape == crossed.shape
    rows, columns = np.nonzero(np.abs(straight - crossed) > 60)
    top, left, side = rows.min(), columns.min(), np.ptp(rows) + 1
    corner = (slice(top + 3, top + side // 12), slice(left + 3, left + side // 12))
    assert straight[corner].mean() < 100 < 200 < crossed[corner].mean()


SIZES = {"two classes": 2, "sixteen classes": 16, "sixty classes": 60}


@pytest.mark.parametrize("classes", SIZES.values(), ids=SIZES)
def test_the_picture_grows_with_the_classes(classes: int) -> None:
    names = tuple(f"class {k}" for k in range(classes))
    image = picture(np.eye(classes, dtype=int) * 7, names)
    # Every class has at least the 20 pixels that a readable name needs.
    assert min(image.shape) >= 20 * classes
    assert max(image.shape) <= MOST_PIXELS


ODD_NAMES = {
    "formulas": ("$x$ and $", "\\frac", "100 %"),
    "other scripts": ("行く", "يمشي", "größer als"),
    "very long": ("walking " * 40, "b", "c"),
    "nothing": ("", " ", "c"),
}


@pytest.mark.parametrize("names", ODD_NAMES.values(), ids=ODD_NAMES)
def test_any_names_can_be_drawn(names: tuple[str, ...], recwarn: pytest.WarningsRecorder) -> None:
    assert max(picture(np.arange(9).reshape(3, 3), names).shape) < 1500
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_the_ending_chooses_and_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    made = predictions(classes=3)
    save_confusion(made, tmp_path / "new" / "m.PNG")
    save_confusion(made, tmp_path / "m.csv")
    assert (tmp_path / "new" / "m.PNG").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "m.csv").read_bytes() == confusion_csv(confusion_matrix(made), made.class_names)
    with pytest.raises(OutputError, match="exists"):
        save_confusion(made, tmp_path / "m.csv")
    save_confusion(replace(made, source="again"), tmp_path / "m.csv", overwrite=True)
    with pytest.raises(UsageError, match=r"written as \.png or \.csv, not as"):
        save_confusion(made, tmp_path / "m.jpg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.csv", "new"]
