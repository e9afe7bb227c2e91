"""The annotated images of the development material."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np


def annotated(shared: Path) -> Iterator[tuple[np.ndarray, list[dict[str, Any]]]]:
    """Each image (H, W, 3), BGR, with its persons' annotations."""
    truth = json.loads((shared / "wholebody" / "test_coco_wholebody.json").read_text())
    for image in truth["images"]:
        persons = [person for person in truth["annotations"] if person["image_id"] == image["id"]]
        yield cv2.imread(str(shared / "wholebody" / image["file_name"])), persons


def box(person: dict[str, Any]) -> np.ndarray:
    """(4,) x1 y1 x2 y2."""
    x, y, width, height = person["bbox"]
    return np.array([x, y, x + width, y + height])


def keypoints(person: dict[str, Any]) -> np.ndarray:
    """(133, 3) x, y and visibility."""
    parts = ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
    return np.array([value for part in parts for value in person[part]], float).reshape(133, 3)


def overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (P, 4) with boxes (Q, 4): (P, Q)."""
    inter = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    inter = np.clip(inter, 0, None).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a, b)]
    return inter / (areas[0][:, None] + areas[1][None] - inter)
