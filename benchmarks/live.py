"""How far behind a camera the results are: python -m benchmarks.live [VIDEO...] [--seconds 20] [--fps 30].

Each video is played in a loop at --fps (default: its own rate), as MJPEG over HTTP by a process of its own, and watched
by asl-words on MediaPipe's keypoints. Appends to benchmarks/live.csv for each video a line with

    fps             frames looked at per second (aim: 25, or the video's rate where that is lower)
    dropped         share of the frames that came too fast
    median, p95, max  milliseconds from a frame's capture to its result (aim: 300)
    cpu_ms          processor time of all threads per frame looked at, decoding and recognition included: it hardly
                    depends on the machine's load, and cores * 1000 / cpu_ms is the most frames/s there can be
    load            average of the machine over the last minute; above its number of cores others compute too
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import shlex
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.extract import append, installed, machine
from benchmarks.mjpeg import MjpegServer, encoded, paced
from skelact.predictor import Predictor
from skelact.settings import ExtractSettings, PredictSettings
from skelact.video import VideoReader

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_suffix(".csv")
SAMPLE = ROOT / "assets" / "sample.mp4"
PACKAGES = ("torch", "mediapipe", "opencv-python")
MOST_FRAMES = 300  # of a video, held as JPEG


def serve(video: Path, fps: float | None, pipe: Connection) -> None:
    """Serve a video in a loop until the other end of the pipe closes; sends the address and the rate."""
    with VideoReader(video) as reader:
        pictures = encoded(frame.image for frame in itertools.islice(reader, MOST_FRAMES))
        rate = fps or reader.fps
    with MjpegServer(lambda: paced(itertools.cycle(pictures), rate)) as server:
        pipe.send((server.address, rate))
        try:
            pipe.recv()
        except EOFError:
            return


def measure(video: Path, seconds: float, fps: float | None) -> dict[str, object]:
    """One line of the table."""
    here, there = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    player = spawn.Process(target=serve, args=(video, fps, there), daemon=True)
    player.start()
    there.close()
    address, rate = here.recv()
    predictor = Predictor(PredictSettings(models=("asl-words",)), ExtractSettings(device="cpu", offline=True))
    latencies, segments, update = [], 0, None
    for update in predictor.live(address):
        if not latencies:
            begun, cpu, dropped = time.perf_counter(), time.process_time(), update.dropped
        latencies.append(1000 * update.latency)
        segments += len(update.ended)
        if time.perf_counter() - begun > seconds:
            break
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    here.close()
    player.join()
    assert update is not None
    dropped = update.dropped - dropped
    return {
        "video": video.name,
        "size": f"{update.image.shape[1]}x{update.image.shape[0]}",
        "rate": round(rate, 2),
        "seconds": round(wall, 1),
        "fps": round(len(latencies) / wall, 1),
        "dropped": round(dropped / (dropped + len(latencies)), 3),
        "median_ms": round(float(np.median(latencies))),
        "p95_ms": round(float(np.quantile(latencies, 0.95))),
        "max_ms": round(max(latencies)),
        "cpu_ms": round(1000 * cpu / len(latencies), 1),
        "segments": segments,
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, default=[SAMPLE], metavar="VIDEO")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--fps", type=float, help="play at this rate in place of the video's own")
    given = parser.parse_args()
    command = "python -m benchmarks.live " + shlex.join(sys.argv[1:])
    for video in given.videos:
        row = measure(video, given.seconds, given.fps)
        row |= {"machine": machine("cpu"), "versions": "; ".join(map(installed, PACKAGES)), "command": command.strip()}
        append(RESULTS, [row])
        print(", ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
