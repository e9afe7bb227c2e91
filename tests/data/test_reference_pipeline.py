"""Sampler, normalisation and streams against numbers computed with the authors' implementation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelact.data.sampling import sample_frames
from skelact.data.transforms import normalize, to_clips
from skelact.models.preprocessing import STREAMS, Preprocessing

COPY = Path(__file__).resolve().parents[1] / "data_files" / "reference_pipeline.npz"
CASES = ("M1_T37", "M2_T130", "M3_T260")
WIDTH, HEIGHT = 1920, 1080
KEPT_OF_TEN = [0, 4, 9]  # the clips that the reference holds
every_stream = pytest.mark.parametrize("stream", STREAMS)


@pytest.fixture(scope="module")
def numbers() -> dict[str, np.ndarray]:
    return dict(np.load(COPY))


def clips(numbers: dict[str, np.ndarray], case: str, stream: str, num_clips: int) -> np.ndarray:
    settings = Preprocessing(stream=stream)
    points, scores = normalize(numbers[f"in_kp_{case}"], numbers[f"in_score_{case}"], WIDTH, HEIGHT, settings)
    return to_clips(points, scores, settings, num_clips)[KEPT_OF_TEN if num_clips == 10 else slice(None)]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("num_clips", [1, 10])
def test_the_same_frames_are_sampled(numbers: dict[str, np.ndarray], case: str, num_clips: int) -> None:
    frames = int(case.partition("_T")[2])
    wanted = numbers[f"inds_clips{num_clips}_{case}"].reshape(num_clips, 100)
    np.testing.assert_array_equal(sample_frames(frames, 100, num_clips), wanted)


@every_stream
@pytest.mark.parametrize("num_clips", [1, 10])
def test_the_streams_agree(numbers: dict[str, np.ndarray], stream: str, num_clips: int) -> None:
    found = clips(numbers, "M1_T37", stream, num_clips)
    wanted = numbers[f"{stream}_clips{num_clips}_M1_T37"]
    assert found.shape == (len(wanted), 2, 100, 65, 3)
    np.testing.assert_allclose(found[:, 0][:, numbers["frames"]], wanted, atol=1e-6, rtol=0)
    assert not found[:, 1].any()


@every_stream
@pytest.mark.parametrize("case", CASES)
def test_whole_clips_agree(shared: Path, case: str, stream: str) -> None:
    with np.load(shared / "reference" / "pipeline.npz") as archive:
        numbers = {name: archive[name] for name in archive.files if name.endswith(case)}
    for num_clips in (1, 10):
        wanted = numbers[f"{stream}_clips{num_clips}_{case}"]
        np.testing.assert_allclose(clips(numbers, case, stream, num_clips), wanted, atol=1e-6, rtol=0)
