"""Seconds per second of video, by stage, from the file to what is written: python -m benchmarks.predict [VIDEO...].

By default the sample and the videos of the development material (--material), with MediaPipe alone and behind
RTMDet-nano, by the recognizer asl-words. Appends to benchmarks/predict.csv for each video and setup a line a stage,
with wall time and processor time of all threads (which hardly depends on the machine's load), and the lines

    prediction      all but pictures (`render` with its `encode`, `report`), stage after stage: what shares are of
    rest            what of it is neither decoding nor a network; aim: a share of less than 0.10
    reading ahead   the same as users run it, decoding in a thread of its own, but without writing

Models are loaded, and used once, before the clock starts; but MediaPipe's graphs, opened anew for each video, count.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.extract import append, installed, machine
from benchmarks.stages import Clock, watched
from skelact.outputs.files import Tables, write_text
from skelact.predictor import Predictor
from skelact.render import render
from skelact.report import write_report
from skelact.results import Prediction
from skelact.settings import ExtractSettings, PredictSettings
from skelact.video import Frame, VideoReader

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).with_suffix(".csv")
SAMPLE = ROOT / "assets" / "sample.mp4"
ENDINGS = {".mp4", ".avi", ".mkv"}
PACKAGES = ("torch", "mmdet", "mediapipe", "opencv-python", "av")

DECODING_AND_NETWORKS = {"decode", "detect", "pose", "network"}
PICTURES = ("render", "encode", "report")
# A stage within another counts for itself alone: `track` is what FrameDetector does beside the detector.
FUNCTIONS = (
    ("decode", "skelact.video:VideoReader.__init__"),
    ("decode", "skelact.video:VideoReader.__next__"),
    ("shots", "skelact.shots:ShotDetector.is_cut"),
    ("detect", "skelact.pose.detectors:RTMDet.detect"),
    ("track", "skelact.detection:FrameDetector.detect"),
    ("track", "skelact.tracking:Tracker.update"),
    ("pose", "skelact.pose.holistic:Holistic.estimate"),
    ("assemble", "skelact.assemble:Assembly.add"),
    ("assemble", "skelact.assemble:Assembly.sequence"),
    ("refine", "skelact.pipeline:refine"),
    ("windows", "skelact.predictor:look"),
    ("preprocess", "skelact.recognition:TrainedRecognizer.probabilities"),
    ("network", "skelact.recognition:class_logits"),
    ("segments", "skelact.segments:Segmenter.add"),
    ("segments", "skelact.segments:Segmenter.finish"),
)
ENCODING = (
    ("encode", "skelact.video_writer:VideoWriter.write"),
    ("encode", "skelact.video_writer:VideoWriter.__exit__"),
)


@dataclass(frozen=True)
class Measured:
    """A prediction, and seconds by stage, wall and processor."""

    prediction: Prediction
    wall: dict[str, float]
    cpu: dict[str, float]


def measure(predictor: Predictor, video: Path, folder: Path) -> Measured:
    """Predict and write everything, one stage after another."""
    clock = Clock()
    # Decoding in a thread of its own would be on the clock of whatever the first thread does meanwhile.
    with watched(clock, FUNCTIONS), patch("skelact.pipeline.ahead", _not_ahead):
        with clock.stage("other"):
            prediction = predictor.predict(video)
        with clock.stage("json, csv"):
            write_text(folder / "actions.json", json.dumps(prediction.to_dict(), indent=2), overwrite=True)
            tables = Tables()
            tables.add(prediction, {"csv": folder / "actions.csv"})
            tables.write(overwrite=True)
    with watched(clock, ENCODING), clock.stage("render"):
        render(prediction, folder / "drawn.mp4", video=video, overwrite=True)
    with clock.stage("report"):
        write_report(prediction, folder / "page.html", recognizer=predictor.recognizer, overwrite=True)
    return Measured(prediction, dict(clock.wall), dict(clock.cpu))


def _not_ahead(items: Any, depth: int = 1) -> Iterator[Any]:
    yield from items


def lines(measured: Measured, ahead: tuple[float, float]) -> list[dict[str, Any]]:
    """What the results say of a video: a line a stage, and sums.

    Args:
        measured: of it.
        ahead: wall and processor seconds of a prediction that decodes ahead.
    """
    seconds = measured.prediction.seconds
    times = {stage: (measured.wall[stage], measured.cpu[stage]) for stage in measured.wall}

    def total(stages: Iterator[str]) -> tuple[float, float]:
        wall, cpu = zip(*(times[stage] for stage in stages), strict=True)
        return sum(wall), sum(cpu)

    prediction = total(stage for stage in times if stage not in PICTURES)
    rest = total(stage for stage in times if stage not in {*DECODING_AND_NETWORKS, *PICTURES})
    sums = {"prediction": prediction, "rest": rest, "reading ahead": ahead}
    return [
        {
            "stage": stage,
            "seconds": round(wall / seconds, 5),
            "cpu_seconds": round(cpu / seconds, 5),
            "share": round(wall / prediction[0], 4),
            "cpu_share": round(cpu / prediction[1], 4),
        }
        for stage, (wall, cpu) in {**times, **sums}.items()
    ]


@contextmanager
def shortened(frames: int | None) -> Iterator[None]:
    """While the block runs, videos end after so many frames."""
    if frames is None:
        yield
        return
    following = VideoReader.__next__

    def following_or_end(reader: VideoReader) -> Frame:
        if reader.frames_read >= frames:
            raise StopIteration
        return following(reader)

    with patch.object(VideoReader, "__next__", following_or_end):
        yield


def report(predictor: Predictor, video: Path, setup: str, folder: Path) -> list[dict[str, Any]]:
    """The lines of one video."""
    load = os.getloadavg()[0]
    start = time.perf_counter(), time.process_time()
    predictor.predict(video)
    ahead = time.perf_counter() - start[0], time.process_time() - start[1]
    measured = measure(predictor, video, folder)
    sequence = measured.prediction.sequence
    told = {
        "video": video.name,
        "setup": setup,
        "size": f"{sequence.width}x{sequence.height}",
        "fps": round(sequence.fps, 2),
        "frames": measured.prediction.frames,
        "persons": len(measured.prediction.persons),
    }
    return [told | line | {"load": round(load, 1)} for line in lines(measured, ahead)]


def videos_in(folder: Path) -> list[Path]:
    """The videos of a folder, by name."""
    return sorted(file for file in folder.glob("*") if file.suffix in ENDINGS)


def setups(material: Path) -> dict[str, ExtractSettings]:
    """What finds the keypoints; the detector's weights are in the material."""
    alone = {"mediapipe": ExtractSettings(pose="mediapipe", offline=True)}
    weights = material / "weights" / "rtmdet_nano_person.pth"
    if not weights.exists():
        return alone
    return {**alone, "rtmdet-nano + mediapipe": ExtractSettings("mediapipe", str(weights), offline=True)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, measure, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--material", type=Path, default=Path("../shared"))
    parser.add_argument("--frames", type=int, help="of each video, from its start; default: all")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(options.threads)
    videos = options.videos or [SAMPLE, *videos_in(options.material / "videos")]
    command = f"python -m benchmarks.predict {shlex.join(sys.argv[1:] if arguments is None else arguments)}".strip()
    about = {"threads": options.threads, "machine": machine("cpu"), "versions": "; ".join(map(installed, PACKAGES))}
    for setup, extraction in setups(options.material).items():
        predictor = Predictor(PredictSettings(models=("asl-words",)), extraction)
        with shortened(options.frames):
            predictor.predict(videos[0])
        for video in videos:
            with tempfile.TemporaryDirectory(prefix="skelact-") as folder, shortened(options.frames):
                rows = report(predictor, video, setup, Path(folder))
            append(options.results, [row | about | {"command": command} for row in rows])
            print(f"{setup}, {video.name}, {rows[0]['persons']} persons, load {rows[0]['load']}")
            for row in rows:
                seconds = f"{row['seconds']:8.4f} s {row['cpu_seconds']:8.4f} s of processors"
                print(f"  {row['stage']:14} {seconds} {row['cpu_share']:7.2%}")


if __name__ == "__main__":
    main()
