"""Labelled clips from one .npz of arrays of equal shape, the simplest way to bring keypoints of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skelact.data.clips import ClipSet
from skelact.errors import InputError
from skelact.keypoints import LAYOUTS

# Such files need not say how large the frame was; webcams are mostly 4:3.
ASSUMED_WIDTH, ASSUMED_HEIGHT = 640, 480
_GROUPS = ("group", "person")


def read_npz(path: str | Path, group_by: str | None = None) -> ClipSet:
    """Clips from a file with `keypoints`, `label`, `class_names`, and `person` or `group`.

    `keypoints` is (clips, frames, V, 3) or (clips, persons, frames, V, 3): x / width, y / height and score, in
    COCO-WholeBody's order (V = 133), that of the Expressive Keypoints (65) or COCO's (17). Optional are `length`
    (frames in use of each clip), `width` and `height` of each clip's frame, and `name`.

    Args:
        path: the file.
        group_by: the array that says which clips belong together, e.g. "session"; None for `group`, or `person`.

    Raises:
        InputError: missing, not such a file, or with labels, coordinates or shapes that cannot be right.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no file of clips at {path}")
    try:
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    except Exception as error:  # numpy and zipfile raise nearly anything for what is damaged or no .npz
        raise InputError(f"{path} is not a readable .npz file: {error}") from error
    group = group_by or next((name for name in _GROUPS if name in arrays), _GROUPS[0])
    missing = sorted({"keypoints", "label", "class_names", group} - arrays.keys())
    if missing:
        lacks = ", ".join("person (or group)" if name == "group" and not group_by else name for name in missing)
        raise InputError(f"{path} is no file of labelled clips: it lacks {lacks}")
    _check_types(arrays, group, path)
    layout = _check_keypoints(arrays["keypoints"], path)
    count = len(arrays["keypoints"])
    _check_counts(arrays, group, count, path)
    try:
        return _clip_set(arrays, group, layout, path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _check_types(arrays: dict[str, np.ndarray], group: str, path: Path) -> None:
    for name in {"label", group, "class_names", "length", "width", "height", "name"} & arrays.keys():
        if arrays[name].ndim != 1:
            raise InputError(f"{path}: {name} has shape {arrays[name].shape}, expected 1 axes")
    if arrays["keypoints"].dtype.kind not in "fiu":
        raise InputError(f"{path}: keypoints are {arrays['keypoints'].dtype}, expected numbers")
    for name in {"label", "length", "width", "height"} & arrays.keys():
        if arrays[name].dtype.kind not in "iu":
            raise InputError(f"{path}: {name} is {arrays[name].dtype}, expected whole numbers")
    for name, kinds in ((group, "iuU"), ("class_names", "U"), ("name", "U")):
        if name in arrays and arrays[name].dtype.kind not in kinds:
            wanted = "text" if kinds == "U" else "whole numbers or text"
            raise InputError(f"{path}: {name} is {arrays[name].dtype}, expected {wanted}")


def _check_keypoints(keypoints: np.ndarray, path: Path) -> str:
    """The layout of (clips, frames, V, 3) or (clips, persons, frames, V, 3)."""
    layouts = {len(layout): name for name, layout in LAYOUTS.items() if layout.wholebody}
    if keypoints.ndim not in (4, 5) or keypoints.shape[-1] != 3 or keypoints.shape[-2] not in layouts:
        raise InputError(
            f"{path}: keypoints are {keypoints.shape}, expected (clips, frames, V, 3), or with persons before the "
            f"frames, and V one of {', '.join(map(str, sorted(layouts)))}"
        )
    if not np.isfinite(keypoints).all():
        raise InputError(f"{path}: some coordinates are not finite numbers: mark what was not seen by score 0")
    return layouts[keypoints.shape[-2]]


def _check_counts(arrays: dict[str, np.ndarray], group: str, count: int, path: Path) -> None:
    for name in sorted({"label", group, "length", "width", "height", "name"} & arrays.keys()):
        if len(arrays[name]) != count:
            raise InputError(f"{path}: {count} clips but {name} of shape {arrays[name].shape}")
    if count == 0:
        raise InputError(f"{path} holds no clips")
    frames = arrays["keypoints"].shape[-3]
    lengths = arrays.get("length", np.array([frames]))
    if lengths.min() < 1 or lengths.max() > frames:
        raise InputError(f"{path}: a clip's length is not between 1 and {frames} frames")


def _clip_set(arrays: dict[str, np.ndarray], group: str, layout: str, path: Path) -> ClipSet:
    keypoints = arrays["keypoints"]
    if keypoints.ndim == 4:
        keypoints = keypoints[:, None]
    count, persons, frames = keypoints.shape[:3]
    rows = keypoints.swapaxes(1, 2).reshape(-1, *keypoints.shape[3:])  # frame by frame; no copy for one person
    width = arrays.get("width", np.full(count, ASSUMED_WIDTH))
    height = arrays.get("height", np.full(count, ASSUMED_HEIGHT))
    names = arrays.get("name", np.array([f"{path.stem}/{k}" for k in range(count)]))
    if len(set(names.tolist())) < count:
        raise InputError("two clips have the same name: names must be unique")
    return ClipSet(
        rows[..., :2],
        rows[..., 2],
        offsets=np.arange(count) * persons * frames,
        frames=arrays.get("length", np.full(count, frames)).astype(np.int64),
        instances=np.full(count, persons),
        sizes=np.stack([width, height], axis=-1).astype(np.int64),
        labels=arrays["label"].astype(np.int64),
        names=names,
        groups=arrays[group].astype(np.str_),
        class_names=tuple(arrays["class_names"].tolist()),
        layout=layout,
        relative=True,
    )
