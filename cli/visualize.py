"""`skelact visualize`: the keypoints of a sequence as a video or a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelact.cli.common import Overwrite, progress

if TYPE_CHECKING:
    from skelact.sequence import PoseSequence


def visualize(
    source: Annotated[
        Path,
        typer.Argument(metavar="SEQ", help="An .npz that `skelact extract` or `skelact convert` wrote."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="The .mp4 to write; or a .png or .jpg for the picture of one frame.",
            show_default="the sequence's name with .mp4, here",
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(help="Draw over this video, in which the keypoints were found.", show_default="a dark ground"),
    ] = None,
    time: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Of a picture, the frame: seconds since the first.",
            show_default="where most keypoints are seen",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Draw keypoints, over their video or without it: skeletons with feet and hands, and track ids."""
    from skelact.drawing import draw_persons
    from skelact.errors import NobodySeenError, UsageError
    from skelact.formats.npz import load_sequence
    from skelact.formats.writing import check_output
    from skelact.render import PICTURE_ENDINGS, draw_picture, draw_video
    from skelact.video_writer import ENDING

    target = output or Path(f"{source.stem}{ENDING}")
    picture = target.suffix.lower() in PICTURE_ENDINGS
    if not picture and target.suffix.lower() != ENDING:
        raise UsageError(f"-o {str(target)!r}: end it with {ENDING}, or for one picture with .png or .jpg")
    if not picture and time is not None:
        raise UsageError("--time is for a picture: end -o with .png or .jpg")
    check_output(target, overwrite)
    sequence = load_sequence(source)
    if not sequence.present.any():
        raise NobodySeenError(f"nobody was seen in {str(source)!r}: there is nothing to draw")
    if picture:
        draw_picture(sequence, target, _frame_at(sequence, time), video=video, overwrite=overwrite)
    else:
        with progress(source.name, "frames") as on_frame:
            draw_video(
                sequence,
                target,
                lambda image, frame_index, _: draw_persons(image, sequence, frame_index, {}),
                video=video,
                overwrite=overwrite,
                on_frame=on_frame,
            )
    typer.echo(f"{source} -> {target}: {_contents(sequence, picture)}")


def _frame_at(sequence: PoseSequence, time: float | None) -> int:
    """The row of the sequence that is nearest to a time in seconds, or that shows most."""
    from skelact.drawing import SEEN
    from skelact.errors import UsageError

    if time is None:
        return int((sequence.scores > SEEN).sum(axis=(0, 2)).argmax())
    times = sequence.timestamps - sequence.timestamps[0]
    end = float(times[-1]) + 1 / sequence.fps
    if time > end:
        raise UsageError(f"--time {time:g} is behind the end: the sequence is of {end:.1f} s")
    return int(abs(times - time).argmin())


def _contents(sequence: PoseSequence, picture: bool) -> str:
    persons = "1 person" if sequence.num_instances == 1 else f"{sequence.num_instances} persons"
    return persons if picture else f"{persons}, {sequence.num_frames} frames"
