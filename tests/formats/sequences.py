"""Sequences to write and read, and what of them has to come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from skelact.formats.table import Format
from skelact.keypoints import get_layout
from skelact.sequence import PoseSequence


def walkers(layout: str = "wholebody133", frames: int = 6, persons: int = 2, seed: int = 0) -> PoseSequence:
    """Persons side by side who walk to the right, every keypoint seen."""
    random, v = np.random.default_rng(seed), len(get_layout(layout))
    keypoints = random.uniform([40, 100], [100, 300], (persons, 1, v, 2)).repeat(frames, axis=1).astype(np.float32)
    keypoints[..., 0] += 3 * np.arange(frames)[None, :, None] + 250 * np.arange(persons)[:, None, None]
    return PoseSequence(
        keypoints,
        random.uniform(0.5, 1, keypoints.shape[:3]).astype(np.float32),
        np.concatenate([keypoints.min(axis=2), keypoints.max(axis=2)], axis=-1),
        track_ids=np.arange(persons) * 5 + 3,
        timestamps=np.arange(frames) / 25,
        width=800,
        height=480,
        fps=25.0,
        source="walk.mp4",
        estimator="none",
        layout=layout,
    )


@st.composite
def odd_sequences(draw: st.DrawFn, layouts: tuple[str, ...]) -> PoseSequence:
    """Persons who come and go, with keypoints that were not seen, boxes alone, and numbers of any size."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    persons, frames = draw(st.integers(0, 3)), draw(st.integers(1, 5))
    layout = draw(st.sampled_from(layouts))
    v = len(get_layout(layout))
    scale = draw(st.sampled_from([1.5, 300.0, 9000.0]))
    there = random.random((persons, frames)) < draw(st.sampled_from([0.3, 0.7, 1.0]))
    seen = there[..., None] & (random.random((persons, frames, v)) < draw(st.sampled_from([0.0, 0.5, 1.0])))
    steps = random.uniform(0.01, 0.1, frames) if draw(st.booleans()) else np.full(frames, 0.04)
    ids = draw(st.lists(st.integers(0, 2**60), min_size=persons, max_size=persons, unique=True))
    low = random.uniform(-scale, scale, (persons, frames, 2))
    boxes = np.concatenate([low, low + random.uniform(1, scale, low.shape)], axis=-1)
    scores = random.choice([1e-6, 0.37, 1.0], (persons, frames, v))
    return PoseSequence(
        (random.uniform(-scale, scale, (persons, frames, v, 2)) * seen[..., None]).astype(np.float32),
        (scores * seen).astype(np.float32),
        (boxes * there[..., None]).astype(np.float32),
        track_ids=np.array(ids, np.int64),
        timestamps=np.cumsum(steps) - steps[0],
        width=draw(st.integers(1, 9999)),
        height=draw(st.integers(1, 9999)),
        fps=25.0,
        layout=layout,
    )


def expected(sequence: PoseSequence, target: Format) -> PoseSequence:
    """What has to come back of a sequence, by the format's row in the table."""
    visible = sequence.present if "boxes" not in target.keeps else (sequence.boxes != 0).any(axis=-1)
    if "track ids" in target.keeps and target.name != "npz":  # the others list who is there, frame by frame
        sequence = sequence.select(np.flatnonzero(visible.any(axis=1)))
    if "frames with nobody at the end" not in target.keeps:
        sequence = sequence.frames(0, int(np.flatnonzero(visible.any(axis=0)).max()) + 1)
    if "track ids" not in target.keeps:
        sequence = replace(sequence, track_ids=np.arange(sequence.num_instances))
    if "times of uneven frames" not in target.keeps:
        sequence = replace(sequence, timestamps=np.arange(sequence.num_frames) / sequence.fps)
    return sequence


def assert_kept(found: PoseSequence, wanted: PoseSequence, target: Format) -> None:
    """Compare what the format keeps, in the precision its docstring tells."""
    assert sorted(found.track_ids.tolist()) == sorted(wanted.track_ids.tolist())
    found = found.select([found.track_ids.tolist().index(track) for track in wanted.track_ids.tolist()])
    assert found.num_frames == wanted.num_frames
    np.testing.assert_allclose(found.timestamps, wanted.timestamps, atol=1e-9)
    assert (found.width, found.height, found.fps) == (wanted.width, wanted.height, wanted.fps)
    coarse = 0.02 if target.name == "mot" else 0.002  # float32 has steps of 0.001 at 9000 pixels
    if "boxes" in target.keeps:
        np.testing.assert_allclose(found.boxes, wanted.boxes, atol=coarse)
    if "keypoints" not in target.keeps:
        assert not found.present.any()
        return
    if wanted.num_instances:
        assert found.layout == (target.reads_as or wanted.layout) or target.name == "coco"
        found = found.to_layout(wanted.layout) if found.layout != wanted.layout else found
    else:
        return
    seen = wanted.scores > 0
    assert np.array_equal(found.scores > 0, seen)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1.1e-4)
    np.testing.assert_allclose(found.keypoints[seen], wanted.keypoints[seen], atol=coarse)
