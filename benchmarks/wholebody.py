"""Where estimators put keypoints that people have labelled: `python -m benchmarks.wholebody ../shared/wholebody`.

The folder holds a `test_coco_wholebody.json`, annotations as COCO-WholeBody (Jin et al., ECCV 2020) has them, and their
images. Each estimator whose weights are in the cache is given the true boxes. For the body, the feet, the face and the
hands it tells which share of the labelled keypoints was found at all (score above 0), and how far those lie from their
labels: the mean distance as a share of the square root of the box's area and of its height, each person's box for
that person's keypoints, and the median of the first. Every labelled keypoint counts alike, also hidden ones.

Four images with 14 annotated persons, of whom 12 have keypoints, show whether an estimator is broken. They are too few
to tell two good ones apart. The table is also written to `benchmarks/wholebody.csv` (or `-o`).
"""

from __future__ import annotations

import argparse
import csv
import importlib.metadata
import io
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from skelact.errors import WeightsError
from skelact.formats.writing import atomic_write
from skelact.keypoints import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND
from skelact.pose import PoseEstimator, View, create_estimator, list_estimators

ANNOTATIONS = "test_coco_wholebody.json"
PARTS = {"body": [*BODY], "feet": [*FEET], "face": [*FACE], "hands": [*LEFT_HAND, *RIGHT_HAND]}
LIBRARIES = {"mediapipe": "mediapipe"}  # the others are MMPose's


@dataclass(frozen=True)
class Row:
    """What was measured of one part of the body: shares, not percentages."""

    estimator: str
    library: str
    part: str
    persons: int
    labelled: int
    found: float
    error_of_root_area: float
    median_of_root_area: float
    error_of_height: float


@dataclass(frozen=True)
class Person:
    """The labels (133, 2) of a person and which of them there are (133,), the box x1 y1 x2 y2, and what was found."""

    points: np.ndarray
    labelled: np.ndarray
    box: np.ndarray
    found: np.ndarray
    scores: np.ndarray


def persons(folder: Path, estimator: PoseEstimator) -> Iterator[Person]:
    """Everybody annotated, with the keypoints of the estimator."""
    truth = json.loads((folder / ANNOTATIONS).read_text())
    for image in truth["images"]:
        annotations = [entry for entry in truth["annotations"] if entry["image_id"] == image["id"]]
        boxes = np.array([entry["bbox"] for entry in annotations], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        picture = cv2.imread(str(folder / image["file_name"]))
        with closing(estimator):
            poses = estimator.estimate([View(picture, boxes, np.arange(len(boxes)))])[0]
        for k, entry in enumerate(annotations):
            labels = labels_of(entry)
            yield Person(labels[:, :2], labels[:, 2] > 0, boxes[k], poses.keypoints[k], poses.scores[k])


def labels_of(entry: dict[str, Any]) -> np.ndarray:
    """(133, 3) x, y and whether there is a label, in the order of COCO-WholeBody."""
    lists = (entry[name] for name in ("keypoints", "foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts"))
    return np.concatenate([np.array(values, np.float64).reshape(-1, 3) for values in lists])


def measure(name: str, people: list[Person]) -> Iterator[Row]:
    """One row a part of the body."""
    package = LIBRARIES.get(name, "mmpose")
    library = f"{package} {importlib.metadata.version(package)}"
    for part, places in PARTS.items():
        labelled, by_area, by_height, owners = 0, [], [], 0
        for person in people:
            here = person.labelled[places]
            labelled += int(here.sum())
            owners += bool(here.any())
            both = here & (person.scores[places] > 0)
            distance = np.linalg.norm((person.found - person.points)[places][both], axis=1)
            width, height = person.box[2:] - person.box[:2]
            by_area.extend(distance / np.sqrt(width * height))
            by_height.extend(distance / height)
        figures = (np.mean(by_area), np.median(by_area), np.mean(by_height)) if by_area else (np.nan,) * 3
        rounded = [round(float(figure), 4) for figure in figures]
        yield Row(name, library, part, owners, labelled, round(len(by_area) / max(1, labelled), 3), *rounded)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in list_estimators():
        try:
            estimator = create_estimator(name, offline=True)
        except WeightsError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            continue
        rows += measure(name, list(persons(arguments.folder, estimator)))
    table = Table(*Row.__annotations__)
    for row in rows:
        table.add_row(*map(str, asdict(row).values()))
    Console(width=160).print(table)
    text = io.StringIO()
    writer = csv.DictWriter(text, Row.__annotations__, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    with atomic_write(arguments.output, overwrite=True) as file:
        file.write(text.getvalue().encode())


if __name__ == "__main__":
    main()
