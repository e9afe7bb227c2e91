"""Memory and time of training data as large as NTU RGB+D 120, mapped from disk: `python -m benchmarks.large_dataset`.

Writes a folder of that many clips (two persons, 65 keypoints, 60 to 100 frames; a few random clips again and again,
about 7 GB, deleted afterwards), opens it, and lets a DataLoader with worker processes deliver training batches. Of
each process, private memory is what it costs by itself, shared memory the pages it has in common with others: of
the mapped files, which the system may drop at any time, and of what a worker has inherited. Anonymous memory is what
no file stands for, private or inherited.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from skelact.data.clips import Clip
from skelact.data.dataset import ClipDataset
from skelact.data.storage import ClipWriter, open_clips
from skelact.training.settings import TrainSettings

CLASSES = tuple(f"class {k}" for k in range(120))
VARIANTS = 64


def write(folder: Path, clips: int) -> None:
    random = np.random.default_rng(0)
    made = []
    for _ in range(VARIANTS):
        shape = (2, int(random.integers(60, 101)), 65)
        points = random.uniform(0, 1080, (*shape, 2)).astype(np.float32)
        made.append(Clip(points, random.random(shape, dtype=np.float32), 1920, 1080, 0, "", ""))
    with ClipWriter(folder, CLASSES, "expressive65") as writer:
        for k in range(clips):
            name = f"S001C001P{k % 106 + 1:03d}R{k:06d}A001"
            writer.add(replace(made[k % VARIANTS], label=k % len(CLASSES), name=name, group=name[8:12]))
        writer.splits["xsub_train"] = random.random(clips) < 0.55


def memory(process: int | str = "self") -> dict[str, int]:
    """Resident memory of a process by Linux' own account, MB."""
    told = dict(re.findall(r"(\w+): +(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text()))
    private = int(told["Private_Clean"]) + int(told["Private_Dirty"])
    shared = int(told["Shared_Clean"]) + int(told["Shared_Dirty"])
    return {"private": private // 1000, "anonymous": int(told["Anonymous"]) // 1000, "shared": shared // 1000}


def measure(folder: Path, workers: int, batches: int) -> dict[str, object]:
    settings = TrainSettings()
    before = memory()
    start = time.perf_counter()
    clips = open_clips(folder)
    training = clips.part("xsub_train")
    opened = time.perf_counter() - start
    dataset = ClipDataset(training, settings.preprocessing(), training=True, repeat=settings.repeat)
    loader = iter(
        DataLoader(dataset, settings.batch_size, shuffle=True, num_workers=workers, multiprocessing_context="fork")
    )
    start = time.perf_counter()
    next(loader)
    first = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(batches - 1):
        next(loader)
    seconds = time.perf_counter() - start
    return {
        "clips": len(clips),
        "training_clips": len(training),
        "folder_mb": sum(file.stat().st_size for file in folder.iterdir()) // 1_000_000,
        "open_seconds": round(opened, 2),
        "first_batch_seconds": round(first, 2),
        "clips_per_second": round((batches - 1) * settings.batch_size / seconds),
        "memory_mb": {
            "before": before,
            "parent": memory(),
            "workers": [memory(worker.pid or 0) for worker in multiprocessing.active_children()],
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory and time of training data as large as NTU RGB+D 120.")
    parser.add_argument("--clips", type=int, default=114_480)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where there is room for 8 GB; default: the system's temporary one")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        start = time.perf_counter()
        write(Path(folder) / "clips", arguments.clips)
        written = time.perf_counter() - start
        found = measure(Path(folder) / "clips", arguments.workers, arguments.batches)
    print(json.dumps({"write_seconds": round(written, 1), **found}, indent=1))


if __name__ == "__main__":
    main()
