"""`skelact extract`: a video to the keypoints of its persons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelact.cli.common import Detector, Device, Json, Offline, Overwrite, Pose, print_json, print_table, progress, warn

if TYPE_CHECKING:
    from skelact.sequence import PoseSequence


def extract(
    video: Annotated[Path, typer.Argument(help="A video file.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The .npz to write.", show_default="the video's name with .npz, here"),
    ] = None,
    pose: Pose = None,
    detector: Detector = None,
    device: Device = "auto",
    offline: Offline = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Find body, hand and foot keypoints of the persons in a video.

    Frames -> persons -> tracks -> 133 keypoints each (COCO-WholeBody), saved as one .npz that `predict` takes.
    """
    from skelact.errors import NobodySeenError
    from skelact.formats.npz import save_sequence
    from skelact.formats.writing import check_output
    from skelact.pipeline import extract as run

    target = output or Path(f"{video.stem}.npz")
    check_output(target, overwrite)
    with progress(video.name, "frames") as on_frame:
        sequence = run(
            video, pose=pose, detector=detector, device=device, offline=offline, on_frame=on_frame, warn=warn
        )
    if not sequence.present.any():
        raise NobodySeenError(f"nobody was seen in the {sequence.num_frames} frames of {video}: nothing is written")
    save_sequence(sequence, target, overwrite)
    for note in sequence.notes:
        warn(note)
    if as_json:
        print_json(summary(sequence, target))
    else:
        _print(sequence, target)


def summary(sequence: PoseSequence, target: Path) -> dict[str, Any]:
    """What was found, person by person, as plain values; shares are of the frames of the video."""
    from skelact.keypoints import FEET, LEFT_HAND, RIGHT_HAND

    parts = {"left_hand": LEFT_HAND, "right_hand": RIGHT_HAND, "feet": FEET}
    persons = []
    for k in range(sequence.num_instances):
        seen = sequence.scores[k] > 0
        shares = {name: round(float(seen[:, list(part)].any(axis=1).mean()), 3) for name, part in parts.items()}
        frames = int(sequence.present[k].sum())
        persons.append({"track": int(sequence.track_ids[k]), "frames": frames, **shares})
    return {
        "source": sequence.source,
        "output": str(target),
        "estimator": sequence.estimator,
        "frames": sequence.num_frames,
        "fps": sequence.fps,
        "width": sequence.width,
        "height": sequence.height,
        "persons": persons,
        "notes": list(sequence.notes),
    }


def _print(sequence: PoseSequence, target: Path) -> None:
    found = summary(sequence, target)
    persons = found["persons"]
    rows = [
        [str(p["track"]), f"{p['frames']} of {sequence.num_frames}"]
        + [f"{p[part]:.0%}" for part in ("left_hand", "right_hand", "feet")]
        for p in persons
    ]
    count = "1 person" if len(persons) == 1 else f"{len(persons)} persons"
    print_table(
        f"{sequence.source}: {count}, by {sequence.estimator}, saved to {target}",
        ["track", "frames", "left hand seen", "right hand seen", "feet seen"],
        rows,
        numbers={0, 1, 2, 3, 4},
    )
