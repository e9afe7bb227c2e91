"""Trained recognizers as files, and what they make of sequences."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from skelact.data.npz import read_npz
from skelact.errors import InputError, OutputError, WeightsError
from skelact.models import Architecture, Recognizer
from skelact.models.preprocessing import Preprocessing
from skelact.models.zoo import ZOO
from skelact.recognition import FORMAT, TrainedRecognizer, load_recognizer, mean_probabilities, save_recognizer
from skelact.sequence import PoseSequence
from skelact.training.evaluate import evaluate

SMALL = Architecture("stgcnpp", skelet=False, layout="coco17", channels=(12, 24))
NAMES = ("walk", "jump", "größer als")


@pytest.fixture
def recognizer() -> TrainedRecognizer:
    torch.manual_seed(0)
    model = Recognizer(SMALL, len(NAMES)).eval()
    torch.nn.init.normal_(model.cls_head.fc_cls.weight)
    return TrainedRecognizer(model, Preprocessing("coco17", clip_len=10), NAMES, "small", {"epochs": 3})


def sequence(seed: int = 0, instances: int = 1, frames: int = 12, score: float = 0.9) -> PoseSequence:
    random = np.random.default_rng(seed)
    return PoseSequence(
        keypoints=random.uniform(0, 480, (instances, frames, 133, 2)).astype(np.float32),
        scores=np.full((instances, frames, 133), score, np.float32),
        boxes=np.zeros((instances, frames, 4), np.float32),
        track_ids=np.arange(instances),
        timestamps=np.arange(frames) / 25,
        width=640,
        height=480,
        fps=25.0,
        source="clip.mp4",
    )


def test_what_is_saved_is_loaded(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    save_recognizer(recognizer, tmp_path / "new" / "small.safetensors")
    loaded = load_recognizer(tmp_path / "new" / "small.safetensors")
    assert not loaded.model.training
    assert loaded.model.architecture == SMALL
    for field in ("preprocessing", "class_names", "name", "training"):
        assert getattr(loaded, field) == getattr(recognizer, field)
    np.testing.assert_array_equal(loaded.probabilities([sequence()])[0], recognizer.probabilities([sequence()])[0])


def test_what_was_measured_is_saved(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    measured = {"temperature": 2.5, "clip_seconds": 1.25, "no_action": NAMES[0], "threshold": 0.4}
    save_recognizer(replace(recognizer, **measured), tmp_path / "small.safetensors")  # type: ignore[arg-type]
    loaded = load_recognizer(tmp_path / "small.safetensors")
    assert {name: getattr(loaded, name) for name in measured} == measured


def test_a_file_is_replaced_as_a_whole(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    path = tmp_path / "small.safetensors"
    path.write_bytes(b"before")
    save_recognizer(recognizer, path)
    save_recognizer(replace(recognizer, name="second"), path)
    assert load_recognizer(path).name == "second"
    assert os.listdir(tmp_path) == [path.name]


def test_who_may_read_the_folder_may_read_the_file(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    (tmp_path / "other").touch()
    save_recognizer(recognizer, tmp_path / "small.safetensors")
    assert (tmp_path / "small.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_folder_or_a_place_below_a_file_cannot_be_written(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path, tmp_path / "file" / "small.safetensors"):
        with pytest.raises(OutputError):
            save_recognizer(recognizer, path)
    assert (tmp_path / "file").read_text() == "mine"


def write(
    path: Path, recognizer: TrainedRecognizer, form: str = FORMAT, text: str | None = None, **changes: object
) -> Path:
    """A file whose description is changed: fields of its parts, or, where not a dict, the part itself."""
    description: dict[str, object] = {
        "architecture": asdict(recognizer.model.architecture),
        "preprocessing": asdict(recognizer.preprocessing),
        "class_names": list(recognizer.class_names),
        "name": recognizer.name,
        "training": recognizer.training,
        "temperature": 1.0,
        "clip_seconds": 3.0,
        "no_action": "",
        "threshold": 0.0,
    }
    for name, change in changes.items():
        old = description.get(name)
        description[name] = {**old, **change} if isinstance(old, dict) and isinstance(change, dict) else change
    metadata = {"format": form, "description": json.dumps(description) if text is None else text}
    save_file(recognizer.model.state_dict(), path, metadata)
    return path


def test_the_writer_of_these_tests_writes_good_files(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    assert load_recognizer(write(tmp_path / "a.safetensors", recognizer)).class_names == NAMES


DESCRIPTIONS = {
    "not JSON": ({"text": "{"}, "its description is damaged or of a later version"),
    "a list": ({"text": "[]"}, "its description is damaged or of a later version"),
    "nothing": ({"text": "null"}, "its description is damaged or of a later version"),
    "no parts": ({"text": "{}"}, "its description is damaged or of a later version"),
    "an unknown option of the network": ({"architecture": {"attention": True}}, "of a later version"),
    "an unknown option of the input": ({"preprocessing": {"smooth": 3}}, "of a later version"),
    "too few names": (
        {"class_names": ["walk", "jump"]},
        r"\('coco17', 3, 3\), the description says \('coco17', 3, 2\)",
    ),
    "another layout": ({"preprocessing": {"layout": "expressive65"}}, r"description says \('expressive65', 3, 3\)"),
    "other channels": ({"preprocessing": {"normalize": "person"}}, r"description says \('coco17', 5, 3\)"),
    "another network": (
        {"architecture": {"channels": [12, 36]}},
        "checkpoint of another architecture: of another shape",
    ),
    "a deeper network": ({"architecture": {"channels": [12, 24, 24]}}, "missing: backbone.gcn.2"),
    "another tool's": ({"form": "pt"}, "has no description of a skelact recognizer.*skelact models import"),
}


@pytest.mark.parametrize("case", DESCRIPTIONS)
def test_a_description_that_does_not_fit_says_why(tmp_path: Path, recognizer: TrainedRecognizer, case: str) -> None:
    changes, message = DESCRIPTIONS[case]
    with pytest.raises(WeightsError, match=message):
        load_recognizer(write(tmp_path / "odd.safetensors", recognizer, **changes))


ODD_DESCRIPTIONS = {
    "names that are none": {"class_names": None},
    "a backbone of a later version": {"architecture": {"blocks": "transformer"}},
    "a layout of a later version": {"architecture": {"layout": "hand42"}},
    "a stream of a later version": {"preprocessing": {"stream": "angles"}},
    "no stages": {"architecture": {"channels": []}},
    "less than no channels": {"architecture": {"in_channels": -1}},
    "clips of no frames": {"preprocessing": {"clip_len": 0}},
    "a temperature of 0": {"temperature": 0},
    "a temperature below 0": {"temperature": -1.5},
    "a temperature that is no number": {"temperature": float("nan")},
    "a temperature without end": {"temperature": float("inf")},
    "clips of no length": {"clip_seconds": 0},
    "a threshold above 1": {"threshold": 1.5},
    "a threshold that is no number": {"threshold": float("nan")},
    "a class of no action that there is not": {"no_action": "fly"},
    "a temperature in words": {"temperature": "warm"},
    "clips of a word's length": {"preprocessing": {"clip_len": "long"}},
    "no persons": {"preprocessing": {"max_instances": 0}},
}


@pytest.mark.parametrize("case", ODD_DESCRIPTIONS)
def test_values_that_cannot_be_are_refused(tmp_path: Path, recognizer: TrainedRecognizer, case: str) -> None:
    with pytest.raises(WeightsError, match=r"odd\.safetensors"):
        load_recognizer(write(tmp_path / "odd.safetensors", recognizer, **ODD_DESCRIPTIONS[case]))


@pytest.mark.parametrize("share", [0, 1e-4, 0.5, 0.999])
def test_a_file_that_was_cut_short(tmp_path: Path, recognizer: TrainedRecognizer, share: float) -> None:
    path = tmp_path / "cut.safetensors"
    save_recognizer(recognizer, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(WeightsError, match=r"cut\.safetensors is not a readable safetensors file"):
        load_recognizer(path)


@pytest.mark.parametrize("content", [b"hello", bytes(100), b"PK\x03\x04" + bytes(100)])
def test_a_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match="is not a readable safetensors file"):
        load_recognizer(tmp_path / "other.safetensors")


def test_weights_without_a_description(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    save_file(recognizer.model.state_dict(), tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="no description of a skelact recognizer"):
        load_recognizer(tmp_path / "bare.safetensors")


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(InputError, match="no recognizer at"):
            load_recognizer(path)


def test_probabilities_are_the_mean_over_test_clips(recognizer: TrainedRecognizer) -> None:
    probabilities = recognizer.probabilities([sequence(frames=30)])[0]
    assert probabilities.shape == (3,)
    assert probabilities.dtype == np.float64
    assert probabilities.sum() == pytest.approx(1)
    assert (probabilities > 0).all()
    single = replace(recognizer, preprocessing=replace(recognizer.preprocessing, test_clips=1))
    assert not np.allclose(single.probabilities([sequence(frames=30)])[0], probabilities, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 30.0])
def test_a_temperature_divides_the_logits_of_each_test_clip(recognizer: TrainedRecognizer, temperature: float) -> None:
    """Which is not the same as to sharpen or flatten their mean."""
    hot = replace(recognizer, temperature=temperature)
    model = recognizer.model
    divided = Recognizer(SMALL, 3).eval()
    divided.load_state_dict(model.state_dict())
    with torch.no_grad():
        for parameter in divided.cls_head.fc_cls.parameters():
            parameter.div_(temperature)
    expected = replace(recognizer, model=divided).probabilities([sequence(frames=30)])[0]
    np.testing.assert_allclose(hot.probabilities([sequence(frames=30)])[0], expected, atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 20))
def test_a_temperature_does_not_change_the_class_of_one_test_clip(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(scale=5, size=(1, 7)).astype(np.float32)
    assert mean_probabilities(logits, temperature).argmax() == logits.argmax()
    sure = mean_probabilities(logits, temperature).max(), mean_probabilities(logits).max()
    assert (sure[0] <= sure[1] + 1e-9) == (temperature >= 1) or sure[0] == pytest.approx(sure[1])


def test_damaged_weights_are_not_taken_for_an_answer(recognizer: TrainedRecognizer) -> None:
    with torch.no_grad():
        recognizer.model.cls_head.fc_cls.weight[0, 0] = float("inf")
    with pytest.raises(WeightsError, match="output is not finite"):
        recognizer.probabilities([sequence()])[0]


def test_probabilities_are_the_same_every_time(recognizer: TrainedRecognizer) -> None:
    first = recognizer.probabilities([sequence()])[0]
    np.testing.assert_array_equal(recognizer.probabilities([sequence()])[0], first)
    assert not np.allclose(recognizer.probabilities([sequence(seed=1)])[0], first, atol=1e-4)


def test_persons_beyond_those_looked_at_do_not_matter(recognizer: TrainedRecognizer) -> None:
    crowd = sequence(instances=4)
    np.testing.assert_allclose(
        recognizer.probabilities([crowd])[0], recognizer.probabilities([crowd.select([0, 1])])[0], atol=1e-6
    )
    assert not np.allclose(
        recognizer.probabilities([crowd])[0], recognizer.probabilities([crowd.select([0])])[0], atol=1e-4
    )


@pytest.mark.parametrize(
    "empty", [sequence(instances=0), sequence(score=0), sequence(frames=0)], ids=["I", "score", "T"]
)
def test_nobody_has_no_probabilities_among_those_who_do(recognizer: TrainedRecognizer, empty: PoseSequence) -> None:
    first, nobody, last = recognizer.probabilities([sequence(), empty, sequence(seed=1)])
    assert not nobody.any()
    np.testing.assert_allclose(first, recognizer.probabilities([sequence()])[0], atol=1e-6)
    np.testing.assert_allclose(last, recognizer.probabilities([sequence(seed=1)])[0], atol=1e-6)


def faces_only() -> PoseSequence:
    scores = np.zeros((1, 12, 133), np.float32)
    scores[..., 23:91] = 0.9
    return replace(sequence(), scores=scores)


@pytest.mark.parametrize("unseen", [faces_only(), sequence(score=0.01)], ids=["faces only", "scores that mean unseen"])
def test_an_input_without_keypoints_is_not_labelled(recognizer: TrainedRecognizer, unseen: PoseSequence) -> None:
    assert not recognizer.probabilities([unseen]).any()


def test_fewer_test_clips_where_asked_for(recognizer: TrainedRecognizer) -> None:
    single = replace(recognizer, preprocessing=replace(recognizer.preprocessing, test_clips=1))
    long = [sequence(frames=30)]
    np.testing.assert_array_equal(recognizer.probabilities(long, test_clips=1), single.probabilities(long))


def test_a_sequence_without_the_keypoints_needed(recognizer: TrainedRecognizer) -> None:
    body = sequence().to_layout("coco17")
    whole = replace(
        recognizer,
        model=Recognizer(replace(SMALL, layout="expressive65"), 3).eval(),
        preprocessing=Preprocessing("expressive65", clip_len=10),
    )
    np.testing.assert_array_equal(recognizer.probabilities([body])[0], recognizer.probabilities([sequence()])[0])
    with pytest.raises(InputError, match="a sequence in layout coco17 has no keypoints for layout expressive65"):
        whole.probabilities([body])[0]


def test_network_input_and_names_must_fit(recognizer: TrainedRecognizer) -> None:
    with pytest.raises(WeightsError, match="layout, channels and classes"):
        replace(recognizer, class_names=("walk",))


def test_the_bundled_recognizer_is_whole() -> None:
    path = ZOO["asl-words"].bundled
    assert path is not None
    bundled = load_recognizer(path)
    assert bundled.name == "asl-words"
    assert len(set(bundled.class_names)) == len(bundled.class_names) > 10
    assert bundled.probabilities([sequence()])[0].sum() == pytest.approx(1)


def test_the_bundled_recognizer_understands_clips_it_was_trained_on(shared: Path) -> None:
    path = ZOO["asl-words"].bundled
    assert path is not None
    clips = read_npz(shared / "data" / "asl10_words.npz").skip_frames(1)
    clips = replace(clips, class_names=tuple("no sign" if name == "-" else name for name in clips.class_names))
    some = np.random.default_rng(0).choice(len(clips), 20, replace=False)
    # Too few clips for a figure, and far above chance, which is one in seventeen: weights and input fit together.
    assert evaluate(load_recognizer(path), clips.subset(some)).top1 >= 0.75
