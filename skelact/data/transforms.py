"""From keypoints in pixels to the tensor a recognizer takes.

Shapes: I instances, T frames, V keypoints, C channels. Points are (I, T, V, 2) and scores (I, T, V), float32.
"""

from __future__ import annotations

import numpy as np

from skelact.data.sampling import sample_frames
from skelact.errors import InputError
from skelact.keypoints import LEFT_HAND, RIGHT_HAND, Layout, get_layout
from skelact.models.preprocessing import Preprocessing

UNSEEN = 0.01  # a score up to this means that the keypoint was not seen, as published
CONFIDENT = 0.3  # a score above this counts as seen where the recognizer is told only seen or not seen
PALM = (5, 9, 17)  # bases of index, middle and little finger from the hand's root on: rigid, whatever the fingers do
USUAL_PALM, LEAST_PALM = 0.35, 0.15  # shoulder widths: where no hand was seen, and the least to divide by


def normalize_by_image(points: np.ndarray, scores: np.ndarray, width: float, height: float) -> np.ndarray:
    """Points in pixels to -1..1 over the frame, (0, 0) where not seen. Returns (I, T, V, 2)."""
    half = np.array([width, height], dtype=np.float32) / 2
    return np.where(scores[..., None] > UNSEEN, (points - half) / half, np.float32(0))


def normalize_by_person(points: np.ndarray, scores: np.ndarray, layout: Layout) -> np.ndarray:
    """Points in pixels to shoulder widths from the middle of the shoulders, person by person.

    The middle is that of each frame and the width the median over frames, so that where a person sits in the
    picture, how far away and how they sway does not matter. Frames without shoulders take the nearest ones.
    Returns (I, T, V, 2), (0, 0) where not seen.
    """
    out = np.zeros_like(points)
    for person, (where, seen) in enumerate(zip(points, scores > UNSEEN, strict=True)):
        if seen.any():
            middle, width = _shoulders(where, seen, layout)
            out[person] = np.where(seen[..., None], (where - middle[:, None]) / width, 0)
    return out


def _shoulders(points: np.ndarray, seen: np.ndarray, layout: Layout) -> tuple[np.ndarray, float]:
    """The middle (T, 2) and the width of the shoulders of one person, pixels, from (T, V, 2) and (T, V)."""
    pair = [layout.index.get(f"{side}_shoulder", 0) for side in ("left", "right")]
    frames = np.flatnonzero(seen[:, pair].all(axis=1))
    if "left_shoulder" in layout.index and len(frames):
        shoulders = points[frames][:, pair]
        width = float(np.median(np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=-1)))
        time = np.arange(len(points))
        middle = np.stack([np.interp(time, frames, shoulders.mean(axis=1)[:, axis]) for axis in (0, 1)], axis=-1)
        if width > 1e-6:
            return middle.astype(np.float32), width
    # No shoulders: the middle and a quarter of the extent of what was seen.
    found = points[seen]
    extent = float(np.ptp(found, axis=0).max()) / 4
    return np.broadcast_to(found.mean(axis=0), (len(points), 2)), extent if extent > 1e-6 else 1.0


def normalize_by_body(points: np.ndarray, scores: np.ndarray, layout: Layout) -> np.ndarray:
    """Points in pixels to trunk lengths from where the hips are in the middle of the clip, person by person.

    Unlike `normalize_by_person` this keeps the path of a person through the picture; `body_middle` tells it apart
    from the pose. Returns (I, T, V, 2), (0, 0) where not seen.
    """
    out = np.zeros_like(points)
    seen = scores > UNSEEN
    middle = body_middle(fill_gaps(points, scores), scores, layout)
    for person in np.flatnonzero(seen.any(axis=(1, 2))):
        size = _body_size(points[person], seen[person], layout)
        start = np.median(middle[person][seen[person].any(axis=-1)], axis=0)
        out[person] = np.where(seen[person][..., None], (points[person] - start) / size, 0)
    return out


def body_middle(filled: np.ndarray, scores: np.ndarray, layout: Layout) -> np.ndarray:
    """The middle of the hips in each frame, (I, T, 2), of points whose gaps are filled.

    Where the hips are hardly ever seen it is that of the shoulders, and without those of all that was seen.
    """
    seen = scores > UNSEEN
    middle = np.zeros((*filled.shape[:2], 2), np.float32)
    hips, shoulders = ([layout.index[f"{side}_{joint}"] for side in ("left", "right")] for joint in ("hip", "shoulder"))
    for person in range(len(filled)):
        with_hips, with_shoulders = (int(seen[person][:, pair].all(axis=-1).sum()) for pair in (hips, shoulders))
        ever = seen[person].any(axis=0)
        if with_hips or with_shoulders:
            pair = hips if with_hips >= 0.5 * with_shoulders else shoulders
            middle[person] = filled[person][:, pair].mean(axis=1)
        elif ever.any():
            middle[person] = filled[person][:, ever].mean(axis=1)
    return middle


# Bones and how long they are, in trunk lengths: where the trunk itself is hidden or foreshortened, the longest counts.
_SHOULDERS, _HIPS = ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")
_TRUNK_LENGTHS = (
    (_SHOULDERS, _HIPS, 1.0),
    (_SHOULDERS[:1], _SHOULDERS[1:], 0.62),
    *(
        ((f"{side}_{one}",), (f"{side}_{other}",), length)
        for side in ("left", "right")
        for one, other, length in (
            ("shoulder", "elbow", 0.5),
            ("elbow", "wrist", 0.45),
            ("hip", "knee", 0.75),
            ("knee", "ankle", 0.72),
        )
    ),
)


def _body_size(points: np.ndarray, seen: np.ndarray, layout: Layout) -> float:
    """The trunk length of one person as it would be seen upright, pixels, from (T, V, 2) and (T, V)."""
    sizes = []
    for one, other, length in _TRUNK_LENGTHS:
        ends = [[layout.index[name] for name in end] for end in (one, other)]
        frames = seen[:, ends[0] + ends[1]].all(axis=-1)
        if frames.any():
            bone = points[frames][:, ends[0]].mean(axis=1) - points[frames][:, ends[1]].mean(axis=1)
            sizes.append(float(np.median(np.linalg.norm(bone, axis=-1))) / length)
    if sizes and max(sizes) > 1e-6:
        return max(sizes)
    extent = float(np.ptp(points[seen], axis=0).max()) / 2
    return extent if extent > 1e-6 else 1.0


def fill_gaps(points: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Points of keypoints lost for some frames, drawn straight between the frames that have them.

    A keypoint never seen stays at (0, 0); scores keep telling what was seen. Returns (I, T, V, 2).
    """
    seen = scores > UNSEEN
    time = np.arange(points.shape[1])[:, None]
    before = np.maximum.accumulate(np.where(seen, time, -1), axis=1)
    after = np.minimum.accumulate(np.where(seen, time, len(time))[:, ::-1], axis=1)[:, ::-1]
    # At the ends, the nearest frame that has it; where none has, any.
    first = np.where(before < 0, np.minimum(after, len(time) - 1), before)
    last = np.where(after == len(time), np.maximum(before, 0), after)
    share = ((time - first) / np.maximum(last - first, 1)).astype(np.float32)[..., None]
    start, end = (np.take_along_axis(points, frame[..., None], axis=1) for frame in (first, last))
    ever = seen.any(axis=1, keepdims=True)[..., None]
    return np.where(ever, start + (end - start) * share, points).astype(points.dtype)


def relative_to_hand(points: np.ndarray, scores: np.ndarray, layout: Layout) -> np.ndarray:
    """Each hand keypoint relative to its own hand's root, in palm lengths; 0 for the others. (I, T, V, 2).

    A palm length is that of the clip, so that a large hand, or one nearer to the camera, gives the same numbers as
    a small one: see `palm_lengths`.
    """
    relative = np.zeros_like(points)
    hands = [places for hand in (LEFT_HAND, RIGHT_HAND) if len(places := layout.places(hand))]
    if hands:
        lengths = palm_lengths(points, scores, hands)
        for places, length in zip(hands, lengths.T, strict=True):
            away = points[:, :, places] - points[:, :, places[:1]]
            relative[:, :, places] = away / length[:, None, None, None]
    return relative


def palm_lengths(points: np.ndarray, scores: np.ndarray, hands: list[np.ndarray]) -> np.ndarray:
    """The mean distance of three finger bases from the hand's root, in each clip's longer quarter of frames.

    A palm turned towards or away from the camera looks shorter than it is, hence the upper quartile. A hand never seen
    counts as long as the person's other one.

    Args:
        points, scores: (I, T, V, 2) and (I, T, V).
        hands: the places (21,) of each hand's keypoints.

    Returns:
        (I, hands) in the unit of points, at least LEAST_PALM.
    """
    lengths = np.zeros((len(points), len(hands)), dtype=points.dtype)
    for hand, places in enumerate(hands):
        bases = points[:, :, places[list(PALM)]] - points[:, :, places[:1]]
        found = np.linalg.norm(bases, axis=-1).mean(axis=-1)
        for person, seen in enumerate(scores[:, :, places[0]] > UNSEEN):
            if seen.any():
                lengths[person, hand] = np.percentile(found[person, seen], 75)
    other = lengths.max(axis=1, keepdims=True)
    lengths = np.where(lengths > 0, lengths, np.where(other > 0, other, np.float32(USUAL_PALM)))
    return np.maximum(lengths, np.float32(LEAST_PALM))


def seen_or_not(points: np.ndarray, scores: np.ndarray, width: float, height: float) -> np.ndarray:
    """1 for keypoints found with confidence inside the frame, else 0. (I, T, V).

    Estimators differ in what their scores mean and in whether they guess beyond the frame; this they share.
    """
    inside = ((points >= 0) & (points <= np.array([width, height], dtype=np.float32))).all(axis=-1)
    return (inside & (scores > CONFIDENT)).astype(np.float32)


def hide_lower_body(scores: np.ndarray, layout: Layout) -> np.ndarray:
    """The scores with 0 from the hips down. (I, T, V)."""
    hidden = layout.places(range(11, 23))
    out = scores.copy()
    out[:, :, hidden] = 0
    return out


def hide_hands(scores: np.ndarray, layout: Layout) -> np.ndarray:
    """The scores with 0 for both hands. (I, T, V)."""
    out = scores.copy()
    for hand in (LEFT_HAND, RIGHT_HAND):
        out[:, :, layout.places(hand)] = 0
    return out


def make_stream(data: np.ndarray, layout: Layout, stream: str) -> np.ndarray:
    """Joints (I, T, V, C) to one of the four streams, the same shape.

    A bone is a keypoint minus its parent; motion is the next frame minus this one, 0 in the last. The score goes the
    same way, as in the authors' pipeline, but for COCO-17, where PYSKL's published weights expect the mean of both.
    """
    mean_score = layout.name == "coco17" and data.shape[-1] > 2
    if stream in ("b", "bm"):
        ends = data[:, :, list(layout.parents)]
        data = _difference(data, ends, mean_score)
    if stream in ("jm", "bm"):
        motion = np.zeros_like(data)
        motion[:, :-1] = _difference(data[:, 1:], data[:, :-1], mean_score)
        data = motion
    return data


def _difference(one: np.ndarray, other: np.ndarray, mean_score: bool) -> np.ndarray:
    out = one - other
    if mean_score:
        out[..., 2] = (one[..., 2] + other[..., 2]) / 2
    return out


def normalize(
    points: np.ndarray, scores: np.ndarray, width: float, height: float, settings: Preprocessing
) -> tuple[np.ndarray, np.ndarray]:
    """Points and scores as `settings` wants them, before any augmentation."""
    layout = get_layout(settings.layout)
    if points.shape[2] != len(layout):
        raise InputError(f"{points.shape[2]} keypoints where layout {settings.layout} has {len(layout)}")
    points, scores = points.astype(np.float32), scores.astype(np.float32)
    if settings.upper_body:
        scores = hide_lower_body(scores, layout)
    if not settings.hands:
        scores = hide_hands(scores, layout)
    if settings.normalize == "body":
        scores = seen_or_not(points, scores, width, height)
        return normalize_by_body(points, scores, layout), scores
    if settings.normalize == "person":
        scores = seen_or_not(points, scores, width, height)
        return normalize_by_person(points, scores, layout), scores
    return normalize_by_image(points, scores, width, height), scores


def to_clips(
    points: np.ndarray,
    scores: np.ndarray,
    settings: Preprocessing,
    num_clips: int = 1,
    random: np.random.RandomState | None = None,
) -> np.ndarray:
    """Normalised points and scores to the recognizer's input.

    Args:
        points, scores: as `normalize` returns them.
        settings: of the recognizer.
        num_clips: clips to draw.
        random: see `sample_frames`.

    Returns:
        (num_clips, max_instances, clip_len, V, C) float32.
    """
    layout = get_layout(settings.layout)
    if settings.normalize != "image":
        points = fill_gaps(points, scores)
    extra = []
    if settings.normalize == "person":
        extra = [relative_to_hand(points, scores, layout)]
    elif settings.normalize == "body":
        path = np.broadcast_to(body_middle(points, scores, layout)[:, :, None], points.shape)
        ever = (scores > UNSEEN).any(axis=1)[:, None, :, None]
        points, extra = np.where(ever, points - path, np.float32(0)), [path]
    channels = [points, *([scores[..., None]] if settings.score_channel else []), *extra]
    data = make_stream(np.concatenate(channels, axis=-1), layout, settings.stream)
    if settings.normalize == "body" and data.shape[1] < settings.clip_len:
        # Slower rather than over and over again: the path of a looping clip would jump.
        data = data[:, np.arange(settings.clip_len) * data.shape[1] // settings.clip_len]
    frames = sample_frames(data.shape[1], settings.clip_len, num_clips, random)
    chosen = data[: settings.max_instances, frames]  # (I, clips, T, V, C)
    clips = np.zeros((num_clips, settings.max_instances, settings.clip_len, *data.shape[2:]), dtype=np.float32)
    clips[:, : chosen.shape[0]] = chosen.swapaxes(0, 1)
    return clips
