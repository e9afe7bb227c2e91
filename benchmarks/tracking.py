"""How well persons are tracked, on MOT17 with given detections: `python -m benchmarks.tracking ../shared/tracking`.

The folder holds one folder a sequence with `seqinfo.ini`, `gt.txt` and `det.txt` (MOTChallenge's formats). The second
half of each is tracked, because the detector (YOLOX) has seen the first, from detections with a score of 0.1 or more.
MOTA, IDF1, switches of identity and HOTA are TrackEval's, with its preprocessing for MOT17. Settings of
`skelact.tracking` were chosen on the four sequences of `CHOSEN` only: two with a still and two with a moving camera.

Every tracker is scored on all it gives out, and without persons seen in fewer than `MIN_FRAMES` frames, whom
`skelact extract` leaves out too. Frames per second are of one core, the tracker alone. In rows of detect-every N,
`skelact.detection` looks into every N-th frame and into those between where it has to; `looked` is the share.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import csv
import io
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from skelact import motion, tracking
from skelact.assemble import MIN_FRAMES
from skelact.boxes import overlaps
from skelact.detection import FrameDetector
from skelact.pose.base import Detections

CHOSEN = ("MOT17-04", "MOT17-05", "MOT17-09", "MOT17-10")
LEAST_SCORE = 0.1
EVERY = (2, 3, 5, 8)
BATCH = 8  # frames that are detected together, at least
NEVER = 1 << 30
# The tracker without one of its parts: module, constant, value.
WITHOUT = {
    "without height": (tracking, "HEIGHT_WEIGHT", 0.0),
    "without camera": (motion, "CAMERA_TRACKS", NEVER),
    "without weak boxes after a gap": (tracking, "WEAK_GAP", 0),
    "certain from 0.5": (tracking, "CERTAIN", 0.5),
    "certain from 0.6": (tracking, "CERTAIN", 0.6),
    "memory 0.5 s": (tracking, "MEMORY_SECONDS", 0.5),
    "memory 2 s": (tracking, "MEMORY_SECONDS", 2.0),
}

Tracks = list[tuple[np.ndarray, np.ndarray]]  # boxes (P, 4) and ids (P,) of each frame


class OnlineTracker(Protocol):
    def update(self, detections: Detections) -> tuple[np.ndarray, np.ndarray]: ...


@dataclass(frozen=True)
class Half:
    """The second half of a sequence.

    Attributes:
        name, fps: of the sequence.
        detections: of each frame.
        truth: rows of `gt.txt`, frames counted from 1 within the half.
    """

    name: str
    fps: float
    detections: list[Detections]
    truth: np.ndarray


class GreedyOverlap:
    """The simplest tracker there is: a box goes on with the box of the last frame that it overlaps most."""

    def __init__(self, fps: float) -> None:
        self._boxes, self._ids, self._next = np.zeros((0, 4), np.float32), np.zeros(0, np.int64), 0

    def update(self, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
        boxes = detections.boxes[detections.scores >= 0.6]
        shares, ids = overlaps(self._boxes, boxes), np.full(len(boxes), -1)
        while shares.size and shares.max() >= 0.3:
            row, column = np.unravel_index(shares.argmax(), shares.shape)
            ids[column] = self._ids[row]
            shares[row], shares[:, column] = 0, 0
        new = ids < 0
        ids[new] = self._next + np.arange(new.sum())
        self._next += int(new.sum())
        self._boxes, self._ids = boxes, ids
        return boxes, ids


class MmdetByteTracker:
    """mmdet's ByteTracker with its published settings."""

    def __init__(self, fps: float) -> None:
        from skelact.openmmlab import prepare

        prepare()
        from mmdet.models.task_modules.tracking import KalmanFilter
        from mmdet.models.trackers import ByteTracker

        self._tracker = ByteTracker(
            obj_score_thrs={"high": 0.6, "low": 0.1},
            init_track_thr=0.7,
            match_iou_thrs={"high": 0.1, "low": 0.5, "tentative": 0.3},
            num_tentatives=3,
            num_frames_retain=30,
        )
        self._tracker.motion = KalmanFilter()
        self._frame = 0

    def update(self, detections: Detections) -> tuple[np.ndarray, np.ndarray]:
        import torch
        from mmdet.structures import DetDataSample
        from mmengine.structures import InstanceData

        found = InstanceData(
            bboxes=torch.from_numpy(detections.boxes),
            scores=torch.from_numpy(detections.scores),
            labels=torch.zeros(len(detections.scores), dtype=torch.long),
        )
        tracked = self._tracker.track(DetDataSample(pred_instances=found, metainfo={"frame_id": self._frame}))
        self._frame += 1
        return tracked.bboxes.numpy(), tracked.instances_id.numpy()


class Known:
    """A detector whose images are frame numbers."""

    name = "known"

    def __init__(self, detections: list[Detections]) -> None:
        self._detections = detections

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        return [self._detections[int(image)] for image in images]


def read_half(folder: Path) -> Half:
    config = configparser.ConfigParser()
    config.read(folder / "seqinfo.ini")
    about = config["Sequence"]
    length = int(about["seqLength"])
    before = length // 2
    found, truth = (np.loadtxt(folder / name, delimiter=",", ndmin=2) for name in ("det.txt", "gt.txt"))
    found = found[found[:, 6] >= LEAST_SCORE]
    truth = truth[truth[:, 0] > before]
    truth[:, 0] -= before
    detections = []
    for frame in range(before + 1, length + 1):
        rows = found[found[:, 0] == frame].astype(np.float32)
        corners = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)
        detections.append(Detections(corners, rows[:, 6]))
    return Half(folder.name, float(about["frameRate"]), detections, truth)


def detect_every(half: Half, every: int) -> tuple[list[Detections], float]:
    """The detections as `skelact extract --detect-every` has them, and the share of frames looked into."""
    finder, found = FrameDetector(Known(half.detections), every), []
    length = max(1, BATCH // every) * every
    for start in range(0, len(half.detections), length):
        frames = [np.array(t) for t in range(start, min(start + length, len(half.detections)))]
        found += finder.detect(frames, [False] * len(frames))
    return [each.detections for each in found], float(np.mean([each.looked for each in found]))


def without_fleeting(tracks: Tracks) -> Tracks:
    """The tracks of those seen in `MIN_FRAMES` frames or more, as `skelact.assemble` keeps them."""
    ids, seen = np.unique(np.concatenate([ids for _, ids in tracks]), return_counts=True)
    kept = ids[seen >= MIN_FRAMES]
    return [(boxes[np.isin(own, kept)], own[np.isin(own, kept)]) for boxes, own in tracks]


@contextlib.contextmanager
def changed(module: Any, name: str, value: float) -> Iterator[None]:
    """A constant of a module set to another value for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


class Scorer:
    """TrackEval on tracks of some sequences."""

    def __init__(self, halves: list[Half], folder: Path) -> None:
        self._halves, self._folder = halves, folder
        for half in halves:
            self._write(f"truth/{half.name}/gt/gt.txt", half.truth)

    def _write(self, name: str, rows: np.ndarray) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savetxt(path, rows, fmt=["%d", "%d", *["%.3f"] * (rows.shape[1] - 2)], delimiter=",")

    def score(self, tracks: dict[str, Tracks]) -> dict[str, dict[str, float]]:
        """MOTA, IDF1, switches and HOTA of each sequence and of the groups of them, by name."""
        import trackeval

        for name, frames in tracks.items():
            self._write(f"found/tracker/data/{name}.txt", _rows(frames))
        config = {
            "GT_FOLDER": str(self._folder / "truth"),
            "TRACKERS_FOLDER": str(self._folder / "found"),
            "SEQ_INFO": {half.name: len(half.detections) for half in self._halves},
            "GT_LOC_FORMAT": "{gt_folder}/{seq}/gt/gt.txt",
            "SKIP_SPLIT_FOL": True,
            "PRINT_CONFIG": False,
        }
        metrics: dict[str, Any] = {
            "CLEAR": trackeval.metrics.CLEAR({"PRINT_CONFIG": False}),
            "Identity": trackeval.metrics.Identity({"PRINT_CONFIG": False}),
            "HOTA": trackeval.metrics.HOTA(),
        }
        with contextlib.redirect_stdout(io.StringIO()):
            dataset = trackeval.datasets.MotChallenge2DBox(config)
            each = {}
            for half in self._halves:
                raw = dataset.get_raw_seq_data("tracker", half.name)
                data = dataset.get_preprocessed_seq_data(raw, "pedestrian")
                each[half.name] = {name: metric.eval_sequence(data) for name, metric in metrics.items()}
        names = list(each)
        groups = {name: [name] for name in names}
        groups["chosen four"] = [name for name in names if name in CHOSEN]
        groups["other three"] = [name for name in names if name not in CHOSEN]
        groups["all"] = names
        result = {}
        for group, members in groups.items():
            if not members:
                continue
            total = {
                key: metric.combine_sequences({name: each[name][key] for name in members})
                for key, metric in metrics.items()
            }
            result[group] = {
                "mota": round(100 * total["CLEAR"]["MOTA"], 1),
                "idf1": round(100 * total["Identity"]["IDF1"], 1),
                "switches": int(total["CLEAR"]["IDSW"]),
                "hota": round(100 * float(np.mean(total["HOTA"]["HOTA"])), 1),
            }
        return result


def _rows(tracks: Tracks) -> np.ndarray:
    rows = [
        [t, track_id + 1, x1, y1, x2 - x1, y2 - y1, 1, -1, -1, -1]
        for t, (boxes, ids) in enumerate(tracks, start=1)
        for (x1, y1, x2, y2), track_id in zip(boxes.tolist(), ids.tolist(), strict=True)
    ]
    return np.array(rows, np.float64).reshape(-1, 10)


def run(
    halves: list[Half], create: Callable[[float], OnlineTracker], every: int = 1
) -> tuple[dict[str, Tracks], float, float]:
    """The tracks of each sequence, frames a second, and the share of frames looked into."""
    tracks, seconds, looked, frames = {}, 0.0, 0.0, 0
    for half in halves:
        detections, share = detect_every(half, every)
        tracker = create(half.fps)
        start = time.process_time()
        tracks[half.name] = [tracker.update(each) for each in detections]
        seconds += time.process_time() - start
        looked += share * len(detections)
        frames += len(detections)
    return tracks, frames / seconds, looked / frames


def measure(halves: list[Half], contenders: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of the table, of the named contenders or all."""
    jobs: dict[str, tuple[Callable[[float], OnlineTracker], int, Any]] = {
        "greedy overlap": (GreedyOverlap, 1, None),
        "mmdet ByteTracker": (MmdetByteTracker, 1, None),
        "skelact": (tracking.Tracker, 1, None),
        **{f"skelact, {name}": (tracking.Tracker, 1, change) for name, change in WITHOUT.items()},
        **{f"skelact, detect-every {every}": (tracking.Tracker, every, None) for every in EVERY},
    }
    result = []
    with tempfile.TemporaryDirectory() as folder:
        scorer = Scorer(halves, Path(folder))
        for name in contenders or jobs:
            create, every, change = jobs[name]
            with changed(*change) if change else contextlib.nullcontext():
                tracks, speed, looked = run(halves, create, every)
            for least in (1, MIN_FRAMES):
                kept = tracks if least == 1 else {key: without_fleeting(frames) for key, frames in tracks.items()}
                for group, figures in scorer.score(kept).items():
                    shared = {"looked": round(looked, 3), "frames_per_second": round(speed)}
                    result.append({"tracker": name, "least_frames": least, "sequences": group, **figures, **shared})
            print(line(result[-1]), flush=True)
    return result


def line(row: dict[str, Any]) -> str:
    figures = " / ".join(str(row[key]) for key in ("mota", "idf1", "switches", "hota"))
    return f"{row['tracker']:45} {figures:28} {row['frames_per_second']:5} frames/s  looked {row['looked']:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="MOTA, IDF1, switches and HOTA on the second halves of MOT17.")
    parser.add_argument("folder", type=Path, help="a folder with one folder for each sequence")
    parser.add_argument("--out", type=Path, help="CSV to write")
    parser.add_argument("--only", action="append", help="a row by its name, as often as wanted; default: all")
    arguments = parser.parse_args()
    halves = [read_half(path.parent) for path in sorted(arguments.folder.glob("*/seqinfo.ini"))]
    if not halves:
        parser.error(f"{arguments.folder} holds no sequence (a folder with seqinfo.ini, gt.txt and det.txt)")
    import torch

    torch.set_num_threads(1)
    print(f"MOTA / IDF1 / switches / HOTA of persons seen in {MIN_FRAMES} frames or more")
    rows = measure(halves, arguments.only)
    if arguments.out:
        packages = {name: version(name) for name in ("trackeval", "mmdet", "lap", "numpy")}
        about = {"python": platform.python_version(), **packages, "device": f"cpu, 1 of {os.cpu_count()} cores"}
        with arguments.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], *about], lineterminator="\n")
            writer.writeheader()
            writer.writerows({**row, **about} for row in rows)


if __name__ == "__main__":
    main()
