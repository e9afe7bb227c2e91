"""What joining fragments does to tracks, on MOT17: `python -m benchmarks.merging ../shared/tracking`.

The tracks of `benchmarks.tracking` (second halves, without persons seen in fewer than three frames), as they are and
after `skelact.grouping.merge_fragments`, scored alike. Boxes stand for persons: there are no keypoints. The limits of
`skelact.grouping` were chosen on the sequences of `CHOSEN`; that both velocities must fit, with all in view.
"""

from __future__ import annotations

import argparse
import configparser
import csv
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tracking as benchmark
from benchmarks.tracking import Half, Scorer, Tracks, read_half, run, without_fleeting
from skelact.grouping import merge_fragments
from skelact.sequence import PoseSequence
from skelact.tracking import Tracker

CHOSEN = ("MOT17-02", "MOT17-04", "MOT17-09", "MOT17-11")


def to_sequence(tracks: Tracks, half: Half, width: int) -> PoseSequence:
    numbers = np.unique(np.concatenate([ids for _, ids in tracks])).astype(np.int64)
    boxes = np.zeros((len(numbers), len(tracks), 4), np.float32)
    for t, (found, ids) in enumerate(tracks):
        boxes[np.searchsorted(numbers, ids), t] = found
    scores = np.repeat(boxes.any(axis=2)[..., None].astype(np.float32), 17, axis=2)
    times = np.arange(len(tracks)) / half.fps
    return PoseSequence(
        np.zeros((*scores.shape, 2), np.float32), scores, boxes, numbers, times, width, 0, half.fps, layout="coco17"
    )


def to_tracks(sequence: PoseSequence) -> Tracks:
    present = sequence.present
    return [(sequence.boxes[there, t], sequence.track_ids[there]) for t, there in enumerate(present.T)]


def measure(folder: Path) -> list[dict[str, Any]]:
    """The rows of the table: each sequence and the groups of them, without and with joining."""
    halves, widths = [], {}
    for path in sorted(folder.glob("*/seqinfo.ini")):
        config = configparser.ConfigParser()
        config.read(path)
        halves.append(read_half(path.parent))
        widths[path.parent.name] = int(config["Sequence"]["imWidth"])
    found = {name: without_fleeting(tracks) for name, tracks in run(halves, Tracker)[0].items()}
    joined, pairs = {}, {}
    for half in halves:
        before = to_sequence(found[half.name], half, widths[half.name])
        after = merge_fragments(before)
        joined[half.name], pairs[half.name] = to_tracks(after), before.num_instances - after.num_instances
    rows = []
    with tempfile.TemporaryDirectory() as place, benchmark.changed(benchmark, "CHOSEN", CHOSEN):  # type: ignore[arg-type]
        scorer = Scorer(halves, Path(place))
        for name, tracks in (("as tracked", found), ("joined", joined)):
            for group, figures in scorer.score(tracks).items():
                count = pairs.get(group, sum(pairs.values()) if group == "all" else "")
                rows.append({"tracks": name, "sequences": group, "pairs": count if name == "joined" else 0, **figures})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="MOTA, IDF1, switches and HOTA without and with joined fragments.")
    parser.add_argument("folder", type=Path, help="a folder with one folder for each sequence")
    parser.add_argument("--out", type=Path, help="CSV to write")
    arguments = parser.parse_args()
    rows = measure(arguments.folder)
    for row in rows:
        print("  ".join(f"{value!s:12}" for value in row.values()))
    if arguments.out:
        with arguments.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
