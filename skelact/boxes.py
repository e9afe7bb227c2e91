"""Geometry of boxes, x1 y1 x2 y2 in pixels."""

from __future__ import annotations

import numpy as np


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each of (P, 4) with each of (Q, 4) boxes: (P, Q), 0 where both are empty."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def match(first: np.ndarray, second: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """The places in (P, 4) and in (Q, 4) boxes of those that overlap each other most, by `least` or more."""
    if not len(first) or not len(second):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    shares = overlaps(first, second)
    partner, rows = shares.argmax(axis=1), np.arange(len(first))
    mutual = (shares.argmax(axis=0)[partner] == rows) & (shares[rows, partner] >= least)
    return rows[mutual], partner[mutual]
