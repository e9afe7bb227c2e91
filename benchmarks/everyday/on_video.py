"""What a recognizer says of each person in extracted sequences, in windows of two seconds.

Run: python benchmarks/everyday/on_video.py everyday.safetensors sequence.npz ...
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from skelact.formats.npz import load_sequence
from skelact.recognition import load_recognizer

SECONDS, STEP = 2.0, 0.5


def main() -> None:
    """Print a line for each person: how often each class is the most probable, and the mean probabilities."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recognizer", type=Path)
    parser.add_argument("sequences", type=Path, nargs="+")
    parser.add_argument("--windows", action="store_true", help="print every window")
    arguments = parser.parse_args()
    recognizer = load_recognizer(arguments.recognizer)
    names = recognizer.class_names
    for path in arguments.sequences:
        sequence = load_sequence(path)
        window, step = max(round(SECONDS * sequence.fps), 1), max(round(STEP * sequence.fps), 1)
        starts = range(0, max(sequence.num_frames - window, 0) + 1, step)
        for person in range(sequence.num_instances):
            alone = sequence.select([person])
            rows = []
            for start in starts:
                part = alone.frames(start, start + window)
                if part.present.mean() >= 0.5 and (part.scores[..., :17] > 0.3).any():
                    rows.append(recognizer.probabilities([part])[0])
                    if arguments.windows:
                        told = " ".join(f"{names[k]} {rows[-1][k]:.2f}" for k in rows[-1].argsort()[::-1][:3])
                        print(f"    {start / sequence.fps:5.1f} s  {told}")
            if not rows:
                continue
            table = np.array(rows)
            top = Counter(names[k] for k in table.argmax(axis=1))
            mean = table.mean(axis=0)
            told = " ".join(f"{names[k]} {mean[k]:.2f}" for k in mean.argsort()[::-1][:4])
            most = ", ".join(f"{name} {count}" for name, count in top.most_common())
            print(f"{path.stem} person {sequence.track_ids[person]}: {len(rows)} windows: {most} | mean {told}")


if __name__ == "__main__":
    main()
