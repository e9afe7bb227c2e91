"""How fast keypoints come out of a video, here and elsewhere: `python -m benchmarks.extract STAGE [WHO ...]`.

STAGE is `all` (from the video file to keypoints) or one of its steps: decode, detect, pose, track, write. WHO are those
to compare (default: everybody who does that stage), each in a process of its own, in turns (A B A B), so that what
else the machine does falls on all alike. Appends a line for each to benchmarks/extract/results.csv: medians over the
rounds, processor time (of all threads; with one thread it hardly depends on the machine's load), peak memory of the
process, and for `pose` how far the keypoints, from the same boxes, are from those of the first WHO.

The video is 1280 x 720, with a known number of persons: tiles of a man who juggles, at different times, every second
one mirrored. RTMDet-nano's weights are real; the pose network's are random, which does for speed and for agreement.
Needs the folder of development material (--material), onnxruntime and onnx for `*-onnx`, rtmlib for `rtmlib`.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from benchmarks.extract_contenders import CONTENDERS, Outcome, measure, prepare
from benchmarks.extract_input import ACROSS, TILE, Job, random_onnx

RESULTS = Path(__file__).with_name("extract") / "results.csv"
PACKAGES = ("torch", "mmpose", "mmdet", "mediapipe", "opencv-python", "onnxruntime", "rtmlib")
SOURCE = "videos/juggle.mp4"
PART = (slice(20, 720), slice(480, 978))  # where the man is; rows and columns
FPS, STEP = 25, 23  # frames a second; frames a person is ahead of the one before
WARM_UP = 2  # frames
CLOSE = 0.5  # pixels


def compose(source: Path, persons: int, frames: int, file: Path) -> str:
    """A video with so many persons."""
    capture = cv2.VideoCapture(str(source))
    read = [capture.read()[1][PART] for _ in range(frames + STEP * (persons - 1))]
    tiles = [cv2.resize(image, TILE, interpolation=cv2.INTER_AREA) for image in read]
    width, height = TILE
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (width * ACROSS, height * 2))
    for t in range(frames):
        canvas = np.full((height * 2, width * ACROSS, 3), 114, np.uint8)
        for k in range(persons):
            top, left = height * (k // ACROSS), width * (k % ACROSS)
            tile = tiles[t + STEP * k]
            canvas[top : top + height, left : left + width] = tile[:, ::-1] if k % 2 else tile
        writer.write(canvas)
    writer.release()
    return str(file)


def compare(stage: str, names: list[str], job: Job, videos: Sequence[str], threads: int) -> dict[str, list[Outcome]]:
    """What everybody makes of the videos, in turns."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    workers = {
        name: ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=prepare, initargs=(threads,))
        for name in names
    }
    if any(name.endswith("onnx") or name == "rtmlib" for name in names):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as exporting:  # whose memory is not theirs
            exporting.submit(random_onnx, job).result()
    try:
        for video in videos:
            for name, worker in workers.items():
                outcomes[name].append(worker.submit(measure, stage, name, job, video).result())
    finally:
        for worker in workers.values():
            worker.shutdown()
    return outcomes


def line(name: str, rounds: list[Outcome], first: list[Outcome], told: dict[str, Any]) -> dict[str, Any]:
    """What the results say of somebody."""
    frames = told["frames"]
    seconds = median(outcome.seconds for outcome in rounds)
    found = rounds[0].found / frames
    row = {
        **told,
        "who": name,
        "found": round(found, 2),
        "fps": round(frames / seconds, 2),
        "persons_per_second": round(found * frames / seconds, 2),
        "ms": round(1000 * seconds / frames, 1),
        "cpu_ms": round(1000 * median(outcome.cpu for outcome in rounds) / frames, 1),
        "peak_mb": max(outcome.peak_mb for outcome in rounds),
        "load": round(float(np.mean([outcome.load for outcome in rounds])), 1),
        "px_max": "",
        "px_close": "",
    }
    if rounds[0].keypoints is not None and first[0].keypoints is not None:
        apart = np.linalg.norm(rounds[0].keypoints - first[0].keypoints, axis=-1)
        row |= {"px_max": round(float(apart.max()), 3), "px_close": round(float((apart <= CLOSE).mean()), 4)}
    return row


def machine(device: str) -> str:
    """The processor that the networks run on."""
    if device != "cpu":
        import torch

        return torch.cuda.get_device_name(torch.device(device))
    models = [text.partition(":")[2].strip() for text in Path("/proc/cpuinfo").read_text().splitlines()
              if text.startswith("model name")]  # fmt: skip
    return f"{models[0] if models else platform.machine()}, {os.cpu_count()} cores"


def installed(package: str) -> str:
    """Name and version, or that it is not there."""
    try:
        return f"{package} {version(package)}"
    except ModuleNotFoundError:
        return f"no {package}"


def append(results: Path, rows: list[dict[str, Any]]) -> None:
    """Add lines to the results, with the header before the first one."""
    new = not results.exists()
    results.parent.mkdir(exist_ok=True)
    with results.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        if new:
            writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Read the command line, compare, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=sorted({stage for stage, _ in CONTENDERS}))
    parser.add_argument("who", nargs="*")
    parser.add_argument("--persons", type=int, nargs="+", default=[4], choices=range(1, 2 * ACROSS + 1))
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pose", default="rtmpose-m")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    known = [name for stage, name in CONTENDERS if stage == options.stage]
    names = options.who or known
    if unknown := set(names) - set(known):
        parser.error(f"nobody called {', '.join(sorted(unknown))} does {options.stage}: choose from {', '.join(known)}")
    command = f"python -m benchmarks.extract {shlex.join(sys.argv[1:])}"
    told = {"stage": options.stage, "frames": options.frames, "rounds": options.rounds, "threads": options.threads}
    told |= {"pose": options.pose, "device": options.device}
    about = {"machine": machine(options.device), "versions": "; ".join(map(installed, PACKAGES)), "command": command}
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # for the processes to come
    for persons in options.persons:
        with tempfile.TemporaryDirectory() as folder:
            source = options.material / SOURCE
            warm_up = compose(source, persons, WARM_UP, Path(folder) / "warm_up.mp4")
            video = compose(source, persons, options.frames, Path(folder) / "persons.mp4")
            job = Job(options.pose, options.device, str(options.material.resolve()), folder)
            videos = [warm_up, *[video] * options.rounds]
            outcomes = {
                name: rounds[1:] for name, rounds in compare(options.stage, names, job, videos, options.threads).items()
            }
        first = outcomes[names[0]]
        rows = [line(name, outcomes[name], first, told | {"persons": persons}) | about for name in names]
        append(options.results, rows)
        for row in rows:
            print({key: value for key, value in row.items() if key not in about and value != ""}, flush=True)


if __name__ == "__main__":
    main()
