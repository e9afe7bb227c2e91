"""Which persons of a video an action belongs to: fragments of one person joined, pictures left out, the main ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from skelact.keypoints import BODY, get_layout
from skelact.sequence import PoseSequence

LEAST_PRESENCE = 0.25  # of the frames in which the one seen longest is seen

# Fragments of one person: limits chosen on MOT17-02, -04, -09 and -11. See benchmarks/merging.py.
MAX_GAP = 2.0  # seconds
MAX_DISTANCE = 0.3  # heights of the box between where a person is expected and where one is
MAX_GROWTH = 0.25  # natural logarithm of the ratio of heights
END = 0.5  # seconds of a track from which its velocity is taken
BORDER = 0.005  # of the frame's width; who is cut off by it may be leaving or coming

# Pictures of persons. The keypoints of sharp stills, 130 to 230 pixels tall and pasted into videos under sensor noise
# and coding, wander by at most 0.013 in 13 s (MediaPipe), those of real persons by at least 0.019 in the quietest two
# seconds found. On a blurred still of 144 pixels they wandered by 0.17: such pictures are kept.
STILL = 0.015  # heights of the box within which every keypoint of the body stays
MIN_STILL = 10.0  # seconds; for less, persons may stand as still as a picture
BLOCK = 1.0  # seconds over which keypoints are averaged, for an estimator trembles on any picture
STEADY_SCORE, STEADY_SHARE = 0.3, 0.8  # a keypoint tells something where it scores so high in so many of the frames
LEAST_KEYPOINTS = 5


@dataclass(frozen=True)
class _Track:
    """Where a person comes from and goes to.

    Attributes:
        frames: the first and the last one they are in.
        times: of those, seconds.
        centers: (2, 2) of the box in those, pixels.
        heights: (2,) of the box in those, pixels.
        velocities: (2, 2) at the beginning and at the end, pixels a second.
        cut: whether the box touches a side of the picture there.
    """

    frames: tuple[int, int]
    times: tuple[float, float]
    centers: np.ndarray
    heights: np.ndarray
    velocities: np.ndarray
    cut: tuple[bool, bool]


def merge_fragments(sequence: PoseSequence, cuts: Iterable[int] = ()) -> PoseSequence:
    """The same sequence with the tracks of one person joined, where somebody was lost for a while.

    A track goes on in one that begins later, within `MAX_GAP` and in the same shot, if the second begins where the
    velocity of the first at its end leads to, the first ends where the velocity of the second leads back to, and the
    sizes agree; the best fitting pair first, each end and beginning once. Who ends and begins at a side of the
    picture is not joined: one leaves and another one comes. Nothing is filled in between.

    On the second halves of MOT17, on boxes alone (benchmarks/merging.py), 6 pairs are joined: IDF1 rises from 82.3 to
    82.4, no sequence loses, and 174 of 176 switches are left. That both velocities must fit was decided with all seven
    sequences in view: with one of the two, 22 pairs are joined, and one sequence loses 5 of IDF1. The keypoints'
    proportions are of no help: lengths of limbs (MediaPipe) differ as much between two seconds of one person as
    between two persons.

    Args:
        sequence: as extracted; tracks are told by their boxes.
        cuts: the frames in which a new shot begins; nobody is joined across them.

    Returns:
        The sequence, ordered by presence; joined persons keep the number of their first track; a note says how many
        tracks went into others.
    """
    tracks = {k: track for k in range(sequence.num_instances) if (track := _track(sequence, k))}
    starts = np.sort(np.fromiter(cuts, np.int64))
    pairs = sorted(_fitting(tracks, starts))
    follower: dict[int, int] = {}
    taken: set[int] = set()
    for _, first, second in pairs:
        if first not in follower and second not in taken:
            follower[first] = second
            taken.add(second)
    if not follower:
        return sequence
    chains = [_chain(k, follower) for k in range(sequence.num_instances) if k not in taken]
    present = sequence.present.sum(axis=1)
    chains.sort(key=lambda chain: -sum(present[k] for k in chain))
    merged = sequence.select([chain[0] for chain in chains])
    for row, chain in enumerate(chains):
        for k in chain[1:]:
            span = slice(tracks[k].frames[0], tracks[k].frames[1] + 1)
            merged.keypoints[row, span] = sequence.keypoints[k, span]
            merged.scores[row, span] = sequence.scores[k, span]
            merged.boxes[row, span] = sequence.boxes[k, span]
    tracks_are = "1 track is" if len(taken) == 1 else f"{len(taken)} tracks are"
    return replace(merged, notes=(*sequence.notes, f"{tracks_are} joined to those of persons lost before"))


def drop_still(sequence: PoseSequence) -> PoseSequence:
    """The same sequence without pictures of persons: posters, screens that stand still, dummies.

    Dropped is who is there for `MIN_STILL` or longer and of whom no keypoint of the body ever leaves a range of
    `STILL` heights of their box, averaged over a second. Living persons sway, breathe and fidget more than that; one
    who sleeps may not. Pictures are kept where the camera moves, where somebody walks past in front, and in videos
    that are shorter. A mirror image moves with its person and is kept.

    Returns:
        The sequence, with a note of how many persons it lacks.
    """
    still = [_is_still(sequence, k) for k in range(sequence.num_instances)]
    if not any(still):
        return sequence
    who = "1 person is" if sum(still) == 1 else f"{sum(still)} persons are"
    kept = sequence.select(np.flatnonzero(np.logical_not(still)))
    note = f"{who} left out as a picture: no keypoint moved in {MIN_STILL:g} s or more"
    return replace(kept, notes=(*sequence.notes, note))


def main_persons(sequence: PoseSequence, count: int) -> PoseSequence:
    """At most so many persons: those seen long, large in the picture and moving; in the order of the sequence.

    As is usual for NTU RGB+D, whose rooms hold passers-by and seated watchers: who is seen for less than a quarter
    of the time falls away (as short tracks do in its denoising by Zhang et al. 2019, who then rank by motion alone);
    the others rank by the product of frames seen, mean height of their box, and motion plus a tenth, so that one who
    stands still near the camera goes before a passer-by far away. Motion is the mean spread of the body's keypoints
    over time, in heights of the box.

    Args:
        sequence: everybody.
        count: how many to keep, at least 1.

    Returns:
        The same sequence with these; without anybody never seen.
    """
    frames = sequence.present.sum(axis=1)
    candidates = np.flatnonzero(frames >= max(1.0, LEAST_PRESENCE * frames.max(initial=0)))
    weights = np.array([frames[k] * _height(sequence, k) * (0.1 + _motion(sequence, k)) for k in candidates])
    best = candidates[np.argsort(-weights, kind="stable")[:count]]
    return sequence.select(np.sort(best))


def _height(sequence: PoseSequence, k: int) -> float:
    """Mean height of a person's box in the frames they are seen in, pixels, at least 1."""
    boxes = sequence.boxes[k, sequence.present[k]]
    return max(1.0, float((boxes[:, 3] - boxes[:, 1]).mean()))


def _motion(sequence: PoseSequence, k: int) -> float:
    places = get_layout(sequence.layout).places(BODY)
    spreads = []
    for place in places:
        seen = sequence.scores[k, :, place] > 0
        if seen.sum() > 1:
            spreads.append(np.linalg.norm(sequence.keypoints[k, seen, place].std(axis=0)))
    return float(np.mean(spreads)) / _height(sequence, k) if spreads else 0.0


def _track(sequence: PoseSequence, k: int) -> _Track | None:
    """The two ends of a person's track; None for who has no boxes."""
    there = np.flatnonzero((sequence.boxes[k, :, 2:] > sequence.boxes[k, :, :2]).all(axis=1))
    if not len(there):
        return None
    frames = int(there[0]), int(there[-1])
    times = sequence.timestamps[there]
    boxes = np.asarray(sequence.boxes[k, there], np.float64)
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    margin = BORDER * sequence.width
    beside = (boxes[[0, -1], 0] <= margin) | (boxes[[0, -1], 2] >= sequence.width - margin)
    return _Track(
        frames,
        (float(times[0]), float(times[-1])),
        centers[[0, -1]],
        (boxes[:, 3] - boxes[:, 1])[[0, -1]],
        np.stack(
            [_velocity(times, centers, times <= times[0] + END), _velocity(times, centers, times >= times[-1] - END)]
        ),
        (bool(beside[0]), bool(beside[1])),
    )


def _velocity(times: np.ndarray, centers: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(2,) slope of the straight lines fitted to these points; 0 for a single one."""
    if chosen.sum() < 2:
        return np.zeros(2)
    return np.polyfit(times[chosen] - times[chosen][0], centers[chosen], 1)[0]


def _fitting(tracks: dict[int, _Track], cuts: np.ndarray) -> Iterator[tuple[float, int, int]]:
    """Pairs of tracks of which the second may go on with the first: misfit in 0..1, first, second."""
    order = sorted(tracks, key=lambda k: tracks[k].times[0])
    begin = np.array([tracks[k].times[0] for k in order])
    for first, before in tracks.items():
        low, high = np.searchsorted(begin, [before.times[1], before.times[1] + MAX_GAP], side="right")
        for second in order[low:high]:
            after = tracks[second]
            shots = np.searchsorted(cuts, [before.frames[1], after.frames[0]], side="right")
            if shots[0] == shots[1] and not (before.cut[1] and after.cut[0]):
                misfit = _misfit(before, after)
                if misfit <= 1:
                    yield misfit, first, second


def _misfit(before: _Track, after: _Track) -> float:
    gap = after.times[0] - before.times[1]
    way = after.centers[0] - before.centers[1]
    height = (before.heights[1] + after.heights[0]) / 2
    # Either alone joins more, and costs IDF1 on some sequences.
    distance = max(np.linalg.norm(way - gap * velocity) for velocity in (before.velocities[1], after.velocities[0]))
    growth = abs(np.log(after.heights[0] / before.heights[1]))
    return float(max(distance / height / MAX_DISTANCE, growth / MAX_GROWTH))


def _chain(k: int, follower: dict[int, int]) -> list[int]:
    chain = [k]
    while chain[-1] in follower:
        chain.append(follower[chain[-1]])
    return chain


def _is_still(sequence: PoseSequence, k: int) -> bool:
    seen = np.flatnonzero((sequence.scores[k] > 0).any(axis=1))
    times = sequence.timestamps[seen]
    if not len(seen) or times[-1] - times[0] < MIN_STILL:
        return False
    places = get_layout(sequence.layout).places(BODY)
    scores = sequence.scores[k][seen][:, places]
    steady = ((scores >= STEADY_SCORE).mean(axis=0) >= STEADY_SHARE).nonzero()[0]
    if len(steady) < LEAST_KEYPOINTS:
        return False
    block = ((times - times[0]) // BLOCK).astype(int)
    points = sequence.keypoints[k][seen][:, places[steady]].astype(np.float64)
    weight = scores[:, steady] >= STEADY_SCORE
    means = []
    for number in np.unique(block):
        inside = block == number
        counts = weight[inside].sum(axis=0)
        sums = (points[inside] * weight[inside, :, None]).sum(axis=0)
        means.append(np.divide(sums, counts[:, None], out=np.full_like(sums, np.nan), where=counts[:, None] > 0))
    moved = np.nanmax(means, axis=0) - np.nanmin(means, axis=0)
    return bool(np.linalg.norm(moved, axis=1).max() <= STILL * _height(sequence, k))
