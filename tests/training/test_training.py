"""Training on a small made-up task: the right hand goes sideways or down."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.data.dataset import ClipSet
from skelact.errors import InputError, SkelactError, UsageError
from skelact.keypoints import get_layout
from skelact.models.preprocessing import Preprocessing
from skelact.recognition import TrainedRecognizer, load_recognizer, save_recognizer
from skelact.training.evaluate import Evaluation, evaluate
from skelact.training.train import TrainSettings, train

SETTINGS = Preprocessing(normalize="person", clip_len=4, test_clips=1, max_instances=1, upper_body=True)
SHORT = TrainSettings(model="skelet-stgcnpp", epochs=1, batch_size=4)
FRAMES = 12
Trained = tuple[TrainedRecognizer, list[tuple[int, int, float]]]  # with (step, steps, loss) of every step


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Sums come out the same only if they are always split the same way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made_up_clips(count: int = 24) -> ClipSet:
    """Half of them by one person, half by another."""
    random = np.random.default_rng(0)
    names = get_layout("wholebody133").index
    body = random.uniform(0.3, 0.7, (133, 2))
    body[names["left_shoulder"]], body[names["right_shoulder"]] = (0.6, 0.5), (0.4, 0.5)
    hand = [k for name, k in names.items() if name.startswith("right_") and ("wrist" in name or k >= 112)]
    keypoints = np.full((count, FRAMES, 133, 3), 0.9, np.float32)
    labels = np.arange(count) % 2
    for clip, label in zip(keypoints, labels, strict=True):
        clip[..., :2] = body + random.normal(0, 0.01, 2)
        clip[:, hand, label] += np.linspace(0, 0.3, FRAMES)[:, None] + random.normal(0, 0.01, (FRAMES, 1))
    return ClipSet(keypoints, labels, np.arange(count) * 2 // count, np.full(count, FRAMES), ("sideways", "down"))


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return made_up_clips()


@pytest.fixture(scope="module")
def trained(clips: ClipSet) -> Trained:
    """Trained on the first person, with the losses on the way."""
    steps: list[tuple[int, int, float]] = []
    settings = TrainSettings(
        "skelet-stgcnpp", epochs=15, batch_size=4, lr=3e-3, label_smoothing=0, augmented=False, seed=3
    )
    recognizer = train(
        clips.subset(clips.groups == 0), settings, SETTINGS, name="hands", on_step=lambda *step: steps.append(step)
    )
    return recognizer, steps


@pytest.fixture(scope="module")
def tested(clips: ClipSet, trained: Trained) -> Evaluation:
    return evaluate(trained[0], clips.subset(clips.groups == 1), batch_size=5)


def test_the_loss_falls(trained: Trained) -> None:
    _, steps = trained
    assert [step for step, _, _ in steps] == list(range(1, 46))
    assert {total for _, total, _ in steps} == {45}
    losses = [loss for _, _, loss in steps]
    # The median, for where a batch holds one class only, its normalisation takes away what tells the classes apart.
    assert np.median(losses[-12:]) < 0.3 * np.median(losses[:4])


def test_a_person_not_seen_in_training_is_understood(tested: Evaluation) -> None:
    assert len(tested.labels) == 12
    assert tested.top1 >= 0.9


def test_a_recognizer_is_ready_to_use(trained: Trained) -> None:
    recognizer, _ = trained
    assert not recognizer.model.training
    assert recognizer.class_names == ("sideways", "down")
    assert recognizer.name == "hands"
    assert recognizer.preprocessing == SETTINGS
    assert recognizer.training["clips"] == 12
    assert recognizer.training["epochs"] == 15


def test_a_saved_recognizer_gives_the_same_probabilities(
    tmp_path: Path, clips: ClipSet, trained: Trained, tested: Evaluation
) -> None:
    save_recognizer(trained[0], tmp_path / "hands.safetensors")
    again = evaluate(load_recognizer(tmp_path / "hands.safetensors"), clips.subset(clips.groups == 1), batch_size=5)
    np.testing.assert_array_equal(again.probabilities, tested.probabilities)


def test_classes_are_matched_by_name_and_progress_is_told(clips: ClipSet, trained: Trained, tested: Evaluation) -> None:
    held_out = clips.subset(clips.groups == 1)
    renamed = replace(held_out, labels=2 - held_out.labels, class_names=("other", "down", "sideways"))
    told: list[tuple[int, int]] = []
    swapped = evaluate(trained[0], renamed, batch_size=5, on_clip=lambda *progress: told.append(progress))
    np.testing.assert_array_equal(swapped.probabilities, tested.probabilities)
    np.testing.assert_array_equal(swapped.labels, tested.labels)
    assert told == [(5, 12), (10, 12), (12, 12)]


def test_the_same_seed_gives_the_same_weights(clips: ClipSet) -> None:
    few = clips.subset(np.arange(4))

    def weights(seed: int) -> dict[str, torch.Tensor]:
        return train(few, replace(SHORT, seed=seed, epochs=2), SETTINGS).model.state_dict()

    first, again, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(again[name], tensor) for name, tensor in first.items())
    assert not torch.equal(other["cls_head.fc_cls.weight"], first["cls_head.fc_cls.weight"])


def test_every_epoch_draws_anew(clips: ClipSet) -> None:
    losses: list[float] = []
    # One batch an epoch and weights that stay: only the draws differ.
    train(
        clips.subset(np.arange(4)),
        replace(SHORT, lr=0, weight_decay=0, epochs=3),
        SETTINGS,
        on_step=lambda step, steps, loss: losses.append(loss),
    )
    assert np.abs(np.diff(losses)).min() > 1e-5


@pytest.mark.parametrize(("count", "epochs", "steps"), [(2, 1, 1), (7, 1, 1), (8, 1, 2)])
def test_few_clips_train_at_the_full_rate(clips: ClipSet, count: int, epochs: int, steps: int) -> None:
    told: list[int] = []
    few = clips.subset(np.arange(count))
    fresh = train(few, replace(SHORT, epochs=epochs, lr=0), SETTINGS).model.cls_head.fc_cls.weight
    moved = train(
        few, replace(SHORT, epochs=epochs, lr=0.1), SETTINGS, on_step=lambda step, *_: told.append(step)
    ).model.cls_head.fc_cls.weight
    assert told == list(range(1, steps + 1))
    # The first step of AdamW moves a weight by the rate, of which there is a hundredth at first and then all.
    assert (moved - fresh).abs().max() > (0.05 if steps > 1 else 0.0005)


def test_a_loss_that_is_no_number_stops_training(clips: ClipSet) -> None:
    with pytest.raises(SkelactError, match=r"^the loss became (nan|inf) at step \d+: train again with a smaller --lr$"):
        train(clips, replace(SHORT, lr=1e30, epochs=3), SETTINGS)


def test_training_takes_two_classes(clips: ClipSet) -> None:
    with pytest.raises(InputError, match="at least two classes"):
        train(clips.subset(clips.labels == 0), SHORT, SETTINGS)


def test_an_unknown_network(clips: ClipSet) -> None:
    with pytest.raises(UsageError, match="did you mean 'skelet-stgcnpp'"):
        train(clips, replace(SHORT, model="skelet-stgcnp"), SETTINGS)


@pytest.mark.parametrize("count", [2, 3])
def test_plain_ctrgcn_refuses_single_persons(clips: ClipSet, count: int) -> None:
    with pytest.raises(SkelactError, match="ctrgcn"):
        train(clips.subset(np.arange(count)), replace(SHORT, model="ctrgcn", batch_size=7), SETTINGS)


def test_training_leaves_no_files(clips: ClipSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(clips.subset(np.arange(2)), SHORT, SETTINGS)
    assert list(tmp_path.iterdir()) == []
