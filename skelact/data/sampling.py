"""Uniform sampling of frames (UniformSample of PoseConv3D, Duan et al. 2022, section 3.3; method of PYSKL)."""

from __future__ import annotations

import numpy as np

TEST_SEED = 289800


def sample_frames(
    num_frames: int, clip_len: int, num_clips: int = 1, random: np.random.RandomState | None = None
) -> np.ndarray:
    """Frame indices of clips that cover a whole sequence.

    The sequence is cut into `clip_len` equal parts and one frame drawn from each; where there are fewer than two
    frames a part, a random subset is left out, and a sequence shorter than a clip loops.

    Args:
        num_frames: T of the sequence, at least 1.
        clip_len: frames of a clip.
        num_clips: clips to draw.
        random: where training draws from. Without it the draw is that of testing: seeded anew for every sample,
            and the starts of looping clips spread evenly.

    Returns:
        (num_clips, clip_len) int64 in [0, num_frames).
    """
    training = random is not None
    if random is None:
        random = np.random.RandomState(TEST_SEED)
    clips = []
    for clip in range(num_clips):
        if not training:
            random.rand()  # the reference draws a crop ratio here, always 1, and the stream must stay aligned
        if num_frames < clip_len:
            if training:
                start = random.randint(0, num_frames)
            else:
                start = clip if num_frames < num_clips else clip * num_frames // num_clips
            frames = np.arange(start, start + clip_len)
        elif num_frames < 2 * clip_len:
            skipped = np.zeros(clip_len + 1, dtype=np.int64)
            skipped[random.choice(clip_len + 1, num_frames - clip_len, replace=False)] = 1
            frames = np.arange(clip_len) + np.cumsum(skipped)[:-1]
        else:
            starts = np.arange(clip_len + 1) * num_frames // clip_len
            frames = starts[:-1] + random.randint(np.diff(starts))
        clips.append(frames % num_frames)
    return np.stack(clips).astype(np.int64)
