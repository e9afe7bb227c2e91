"""What is taken for what: the confusion matrix as a picture and as a table."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skelact.errors import UsageError
from skelact.formats.writing import atomic_write
from skelact.training.evaluate import Evaluation
from skelact.training.metrics import confusion_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PIXELS = 8000  # along a side
_DPI = 150
_POINTS = 72  # of an inch
_LONGEST_NAME = 40
_LARGE = 40  # classes from which on names stand on all four sides


def save_confusion(evaluation: Evaluation, path: Path, overwrite: bool = False) -> None:
    """Write the confusion matrix, as a picture for a .png and as a table for a .csv.

    Raises:
        UsageError: another ending.
        OutputError: the file exists and `overwrite` is not set, or it cannot be written.
    """
    check_ending(path)
    content = _WRITERS[path.suffix.lower()](confusion_matrix(evaluation), evaluation.class_names)
    with atomic_write(path, overwrite) as file:
        file.write(content)


def check_ending(path: Path) -> None:
    """Make sure that `save_confusion` can write a file of that name.

    Raises:
        UsageError: it cannot; says which it can.
    """
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(f"a confusion matrix is written as {' or '.join(_WRITERS)}, not as {str(path)!r}")


def confusion_csv(counts: np.ndarray, class_names: tuple[str, ...]) -> bytes:
    """Counts (C, C) as a table in UTF-8: a row a class, a column what its clips were taken for."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["true class", *class_names])
    table.writerows([name, *row] for name, row in zip(class_names, counts.tolist(), strict=True))
    return text.getvalue().encode()


def confusion_png(counts: np.ndarray, class_names: tuple[str, ...]) -> bytes:
    """Counts (C, C) as a picture that grows with C.

    Each cell is shaded by the root of its share of the row, so that what a class is taken for now and then is seen.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    c = len(class_names)
    cell = float(np.clip(8 / c, 0.16, 0.5))  # inches
    figure = Figure(figsize=(c * cell, c * cell))
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, vmin=0, vmax=1))
    _name_axes(axes, class_names, min(cell * _POINTS * 0.7, 10))
    _write_counts(axes, counts, shares, cell * _POINTS)
    # Labels stand outside the axes; the picture is cut around them.
    dpi = min(_DPI, MOST_PIXELS / (c * cell + 5))
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # drawn as an empty box
        figure.savefig(out, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.15)
    return out.getvalue()


def _name_axes(axes: Axes, class_names: tuple[str, ...], size: float) -> None:
    labels = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in class_names]
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(range(len(labels)), labels, fontsize=size, parse_math=False)
    axes.set_xlabel("predicted", fontsize=11)
    axes.set_ylabel("true class", fontsize=11)
    large = len(labels) > _LARGE
    axes.tick_params(length=2, top=large, labeltop=large, right=large, labelright=large)
    edges = np.arange(1, len(labels)) - 0.5
    for lines in (axes.hlines, axes.vlines):
        lines(edges, -0.5, len(labels) - 0.5, color="0.9", linewidth=0.4)


def _write_counts(axes: Axes, counts: np.ndarray, shares: np.ndarray, cell: float) -> None:
    """The counts that fit into a cell of that many points at a readable size; 0 is left out."""
    for row, column in np.argwhere(counts):
        text = str(counts[row, column])
        size = min(cell * 0.55, cell * 0.9 / (0.65 * len(text)), 10)  # a digit is about 0.65 as wide as high
        if size >= 4:
            colour = "white" if shares[row, column] > 0.3 else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour, in_layout=False)


_WRITERS: dict[str, Callable[[np.ndarray, tuple[str, ...]], bytes]] = {".png": confusion_png, ".csv": confusion_csv}
