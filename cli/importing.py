"""`skelact models import`: checkpoints of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelact.cli.common import Overwrite


def import_checkpoint(
    file: Annotated[Path, typer.Argument(help="A .pth of PYSKL or of the SkeleT authors.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The .safetensors to write.", show_default="the file's name, here"),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="A text file with one class name a line.", show_default="class 0, class 1, ...")
    ] = None,
    stream: Annotated[str, typer.Option(help="The stream it was trained on: j, b, jm or bm.")] = "j",
    overwrite: Overwrite = False,
) -> None:
    """Bring in a checkpoint by its parameters' names, for `skelact predict --model`.

    The architecture is read from the names and shapes; all must fit.
    """
    from skelact.formats.writing import check_output
    from skelact.models.checkpoints import fill, infer_architecture, load_state_dict_file
    from skelact.models.cost import count_parameters
    from skelact.models.preprocessing import Preprocessing
    from skelact.recognition import TrainedRecognizer, save_recognizer

    target = output or Path(file.with_suffix(".safetensors").name)
    check_output(target, overwrite)
    state = load_state_dict_file(file)
    architecture = infer_architecture(state, str(file))
    model = fill(architecture, state, str(file))
    names = _labels(labels, model.num_classes)
    preprocessing = Preprocessing(architecture.layout, stream, score_channel=architecture.in_channels == 3)
    save_recognizer(TrainedRecognizer(model, preprocessing, names, target.stem, {"imported": file.name}), target)
    kind = f"{'skelet-' if architecture.skelet else ''}{architecture.blocks} on {architecture.layout}"
    typer.echo(f"{target}: {kind}, {model.num_classes} classes, {count_parameters(model):,} parameters")


def _labels(file: Path | None, count: int) -> tuple[str, ...]:
    from skelact.errors import InputError

    if file is None:
        return tuple(f"class {k}" for k in range(count))
    try:
        names = tuple(file.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the labels in {file}: {error}") from error
    if len(names) != count:
        raise InputError(f"{file} names {len(names)} classes, the checkpoint has {count}")
    return names
