"""What looking for persons in every N-th frame only costs: python -m benchmarks.detect_every DETECTOR VIDEO...

Every frame is looked into once; then `skelact.detection.FrameDetector` is given these boxes for N = 1, 2, 3, ... and
what it interpolates is compared with what the detector had found there. Printed for each N: the share of frames looked
into; the overlap (IoU) of the certain boxes found in the frames between with the nearest interpolated one, mean and the
lowest of a hundred; and the share of them with which none overlaps by half.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from skelact.boxes import overlaps
from skelact.chain import read_batches
from skelact.detection import FrameDetector
from skelact.pose import Detections, create_detector
from skelact.tracking import CERTAIN
from skelact.video import VideoReader

STEPS = (1, 2, 3, 4, 5, 8, 10)


class Replay:
    """A detector that tells again what was found; the images are the frames' numbers."""

    name = "replay"

    def __init__(self, found: Sequence[Detections]) -> None:
        self.found = found

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        return [self.found[int(image)] for image in images]


def detect_all(detector: str, video: str) -> tuple[list[Detections], list[bool]]:
    network = create_detector(detector)
    found: list[Detections] = []
    cuts: list[bool] = []
    with VideoReader(video) as reader:
        for batch in read_batches(reader, 8):
            found += network.detect(batch.images)
            cuts += batch.cuts
    return found, cuts


def compare(found: list[Detections], cuts: list[bool], every: int) -> tuple[int, list[float]]:
    """How many frames were looked into, and the best overlap with each certain box of the others."""
    finder, looks, best = FrameDetector(Replay(found), every), 0, []
    length = max(1, 8 // every) * every
    for start in range(0, len(found), length):
        stop = min(start + length, len(found))
        images = [np.array(t) for t in range(start, stop)]
        for t, each in enumerate(finder.detect(images, cuts[start:stop]), start):
            looks += each.looked
            certain = found[t].boxes[found[t].scores >= CERTAIN]
            if not each.looked and len(certain):
                mine = each.detections.boxes
                best += overlaps(certain, mine).max(axis=1).tolist() if len(mine) else [0.0] * len(certain)
    return looks, best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("detector", help="a name or a file")
    parser.add_argument("videos", nargs="+")
    options = parser.parse_args()
    print("video,every,frames,looked into,boxes,mean IoU,1st percentile,none by half")
    everything: dict[int, tuple[int, int, list[float]]] = {step: (0, 0, []) for step in STEPS}
    for video in options.videos:
        found, cuts = detect_all(options.detector, video)
        for step in STEPS:
            looks, best = compare(found, cuts, step)
            tell(video.rpartition("/")[2], step, len(found), looks, best)
            frames, looked, boxes = everything[step]
            everything[step] = frames + len(found), looked + looks, boxes + best
    for step, (frames, looked, boxes) in everything.items():
        tell("all", step, frames, looked, boxes)


def tell(video: str, every: int, frames: int, looks: int, best: list[float]) -> None:
    figures = (np.mean(best), np.percentile(best, 1), np.mean(np.array(best) < 0.5)) if best else (1.0, 1.0, 0.0)
    print(f"{video},{every},{frames},{looks / frames:.2f},{len(best)},{','.join(f'{x:.3f}' for x in figures)}")


if __name__ == "__main__":
    main()
