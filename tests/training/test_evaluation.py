"""Predictions for labelled clips, and files of them."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.data.clips import Clip, ClipSet
from skelact.data.transforms import normalize, to_clips
from skelact.errors import InputError, OutputError, SkelactError, UsageError, WeightsError
from skelact.models import Architecture, Recognizer
from skelact.models.preprocessing import Preprocessing
from skelact.recognition import TrainedRecognizer, mean_probabilities
from skelact.training.evaluate import Evaluation, evaluate, held_out, load_predictions, save_predictions
from tests.data.clips import random_clip, random_clips
from tests.training.predictions import predictions

SMALL = Architecture("stgcnpp", skelet=False, layout="coco17", channels=(8, 16))


@pytest.fixture
def recognizer() -> TrainedRecognizer:
    torch.manual_seed(0)
    model = Recognizer(SMALL, 3).eval()
    torch.nn.init.normal_(model.cls_head.fc_cls.weight)
    return TrainedRecognizer(model, Preprocessing("coco17", clip_len=5, test_clips=3), ("a", "b", "c"), "small", {})


def alone(recognizer: TrainedRecognizer, clip: Clip) -> np.ndarray:
    """(K, C) logits of one clip, without any batching."""
    settings = recognizer.preprocessing
    points, scores = normalize(clip.keypoints, clip.scores, clip.width, clip.height, settings)
    inputs = to_clips(points, scores, settings, settings.test_clips)
    with torch.inference_mode():
        return recognizer.model(torch.from_numpy(inputs)).numpy()


@pytest.mark.parametrize("batch_size", [1, 4, 32], ids=["smaller than a sample", "of parts", "of several samples"])
@pytest.mark.parametrize("workers", [0, 2])
def test_predictions_do_not_depend_on_batches_or_workers(
    recognizer: TrainedRecognizer, batch_size: int, workers: int
) -> None:
    clips = random_clips(7, layout="coco17")
    told: list[tuple[int, int]] = []
    made = evaluate(recognizer, clips, batch_size=batch_size, workers=workers, on_clip=lambda *n: told.append(n))
    expected = np.stack([alone(recognizer, clips.clip(k)) for k in range(7)])
    np.testing.assert_allclose(made.logits, expected, atol=1e-5)
    np.testing.assert_allclose(made.probabilities, mean_probabilities(expected), atol=1e-6)
    assert made.names.tolist() == clips.names.tolist()
    assert made.groups.tolist() == clips.groups.tolist()
    assert (made.stream, made.source, made.temperature) == ("j", "small", 1.0)
    assert told[-1] == (7, 7)


def test_probabilities_are_those_at_the_recognizers_temperature(recognizer: TrainedRecognizer) -> None:
    clips = random_clips(4, layout="coco17")
    hot = evaluate(replace(recognizer, temperature=5.0), clips)
    np.testing.assert_allclose(hot.logits, evaluate(recognizer, clips).logits, atol=1e-6)
    np.testing.assert_allclose(hot.probabilities, mean_probabilities(hot.logits, 5.0))
    assert hot.temperature == 5.0


def test_classes_are_matched_by_name(recognizer: TrainedRecognizer) -> None:
    clips = random_clips(6, layout="coco17")
    other = replace(clips, labels=np.array([2, 1, 3, 0])[clips.labels], class_names=("-", "b", "a", "c"))
    other = replace(other, labels=np.where(clips.labels == 2, 3, other.labels))
    made = evaluate(recognizer, other)
    assert made.class_names == ("a", "b", "c")
    np.testing.assert_array_equal(made.labels, clips.labels)
    np.testing.assert_allclose(made.probabilities, evaluate(recognizer, clips).probabilities, atol=1e-6)


def test_clips_in_which_nobody_was_seen_count_too(recognizer: TrainedRecognizer) -> None:
    clip = random_clip(layout="coco17")
    empty = replace(clip, scores=np.zeros_like(clip.scores), name="nobody")
    made = evaluate(recognizer, ClipSet.from_clips([clip, empty], ("a", "b", "c"), "coco17"))
    assert made.names.tolist() == ["clip0", "nobody"]


def not_finite(clips: ClipSet) -> ClipSet:
    keypoints = clips.keypoints.copy()
    keypoints[-1] = np.nan
    return replace(clips, keypoints=keypoints)


UNFIT = {
    "no clips": (lambda c: c.subset(np.zeros(6, bool)), "there are no clips to test on"),
    "a class too many": (
        lambda c: replace(c, class_names=("a", "run", "c")),
        r"small does not know 1 of the 3 classes of these clips \('run'\)",
    ),
    "other labels": (
        lambda c: replace(c, class_names=("x", "y", "z")),
        "knows none of the classes of these clips: it knows 'a', 'b', 'c', and they are of 'x', 'y', 'z'",
    ),
    "coordinates that are no numbers": (not_finite, "clip 'clip5' has coordinates that are not finite"),
}


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(("change", "message"), UNFIT.values(), ids=UNFIT)
def test_clips_that_cannot_be_tested_on(recognizer: TrainedRecognizer, change, message: str, workers: int) -> None:
    with pytest.raises(InputError, match=message) as raised:
        evaluate(recognizer, change(random_clips(6, layout="coco17")), workers=workers)
    assert "\n" not in str(raised.value)


def test_a_class_without_clips_may_be_unknown(recognizer: TrainedRecognizer) -> None:
    clips = random_clips(6, layout="coco17")
    assert len(evaluate(recognizer, replace(clips, class_names=("a", "b", "c", "run")))) == 6


def test_damaged_weights_are_told(recognizer: TrainedRecognizer) -> None:
    with torch.no_grad():
        recognizer.model.cls_head.fc_cls.bias[1] = float("nan")
    with pytest.raises(WeightsError, match="output is not finite"):
        evaluate(recognizer, random_clips(2, layout="coco17"))


def split_clips() -> ClipSet:
    first = np.arange(6) < 4
    return replace(random_clips(6), splits={"xsub_train": first, "xsub_val": ~first, "none": np.zeros(6, bool)})


CHOICES = {
    "everything": (random_clips(6), None, (), [0, 1, 2, 3, 4, 5]),
    "a group": (random_clips(6), None, ("person1",), [1, 3, 5]),
    "a split": (split_clips(), "xsub", (), [4, 5]),
    "a part of a split": (split_clips(), "xsub_train", (), [0, 1, 2, 3]),
    "a group where there are splits": (split_clips(), None, ("person0",), [0, 2, 4]),
}


@pytest.mark.parametrize(("clips", "split", "groups", "chosen"), CHOICES.values(), ids=CHOICES)
def test_what_is_tested_on(clips: ClipSet, split, groups, chosen: list[int]) -> None:
    assert held_out(clips, split, groups).names.tolist() == [f"clip{k}" for k in chosen]


BAD_CHOICES = {
    "both": ("xsub", ("person0",), UsageError, "give one of them"),
    "neither": (None, (), UsageError, "choose a part to test on among none, xsub_train, xsub_val"),
    "an unknown part": ("xset", (), UsageError, "there is no split part 'xset'"),
    "an unknown group": (None, ("person9",), UsageError, "no clips of group person9"),
    "an empty part": ("none", (), InputError, "split part 'none' has no clips"),
}


@pytest.mark.parametrize(("split", "groups", "error", "message"), BAD_CHOICES.values(), ids=BAD_CHOICES)
def test_parts_that_cannot_be_tested_on(split, groups, error: type[SkelactError], message: str) -> None:
    with pytest.raises(error, match=message):
        held_out(split_clips(), split, groups)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    made = predictions()
    save_predictions(made, tmp_path / "new" / "p.npz")
    loaded = load_predictions(tmp_path / "new" / "p.npz")
    for name in ("names", "groups", "labels", "probabilities"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(made, name))
    assert (loaded.class_names, loaded.stream) == (made.class_names, made.stream)
    assert loaded.source == str(tmp_path / "new" / "p.npz")
    assert loaded.logits is None


def test_a_file_is_replaced_only_when_asked_to(tmp_path: Path) -> None:
    (tmp_path / "p.npz").write_text("mine")
    with pytest.raises(OutputError):
        save_predictions(predictions(), tmp_path / "p.npz")
    assert (tmp_path / "p.npz").read_text() == "mine"
    save_predictions(predictions(), tmp_path / "p.npz", overwrite=True)
    assert len(load_predictions(tmp_path / "p.npz")) == 60


def write(path: Path, **changes: object) -> Path:
    """A file of predictions with some arrays replaced, or left out where None."""
    made = predictions(clips=4, classes=2)
    arrays = {name: getattr(made, name) for name in ("names", "groups", "labels", "probabilities", "class_names")}
    arrays = {"version": 1, "stream": "j", **arrays, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_the_writer_of_these_tests_writes_good_files(tmp_path: Path) -> None:
    assert len(load_predictions(write(tmp_path / "p.npz"))) == 4


P = predictions(clips=4, classes=2).probabilities
BAD_FILES = {
    "clips for training": ({"probabilities": None, "keypoints": np.zeros(3)}, "holds no predictions, as it lacks prob"),
    "a later version": ({"version": 2}, "has version 2, and this skelact reads 1"),
    "no clips": (
        {"names": np.array([], str), "groups": np.array([], str), "labels": np.array([], int), "probabilities": P[:0]},
        "there are no clips",
    ),
    "a single class": (
        {"class_names": np.array(["a"]), "labels": np.zeros(4, int), "probabilities": P[:, :1]},
        "one cl",
    ),
    "probabilities that are no numbers": ({"probabilities": P * np.nan}, "not finite"),
    "probabilities below 0": ({"probabilities": P - 0.9}, "below 0"),
    "logits": ({"probabilities": P * 7}, "do not add up to 1"),
    "too few labels": ({"labels": np.zeros(3, int)}, r"labels is \(3,\), not \(4,\)"),
    "a label beyond the classes": (
        {"labels": np.array([0, 1, 2, 0])},
        "labels run from 0 to 2, but there are 2 classes",
    ),
    "labels with fractions": ({"labels": np.zeros(4)}, "labels is float64"),
    "names that repeat": ({"names": np.array(["a", "b", "b", "c"])}, "names of clips or classes repeat"),
    "classes that repeat": ({"class_names": np.array(["a", "a"])}, "names of clips or classes repeat"),
    "too few classes": ({"class_names": np.array(["a", "b", "c"])}, r"probabilities is \(4, 2\), not \(4, 3\)"),
    "pickles": ({"names": np.array(["a", "b", "c", None], dtype=object)}, "damaged or cut short"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_hold_no_predictions(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        load_predictions(write(tmp_path / "odd.npz", **changes))
    assert "odd.npz" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_files_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    with pytest.raises(InputError, match="there are no predictions at"):
        load_predictions(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_predictions(tmp_path)
    path.write_text("hello")
    with pytest.raises(InputError, match=r"is not an \.npz file"):
        load_predictions(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InputError, match="holds no predictions, as it lacks"):
        load_predictions(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short(tmp_path: Path, share: float) -> None:
    path = tmp_path / "p.npz"
    save_predictions(predictions(), path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match="damaged or cut short"):
        load_predictions(path)


def test_predictions_must_fit_together() -> None:
    made = predictions()
    with pytest.raises(InputError, match="groups is"):
        replace(made, groups=made.groups[1:])
    assert isinstance(replace(made, logits=None), Evaluation)
