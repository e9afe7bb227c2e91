"""What training gives, on a made-up task; resuming, several processes and precision have files of their own."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.data.augment import Augmentation
from skelact.data.clips import ClipSet
from skelact.errors import InputError, OutputError, SkelactError, UsageError
from skelact.recognition import USUAL_CLIP_SECONDS, TrainedRecognizer, load_recognizer
from skelact.training.evaluate import evaluate
from skelact.training.settings import load_settings
from skelact.training.train import train
from tests.training.gestures import TINY, files, gestures, same, weights

RUN_FILES = {"settings.json", "log.csv", "last.pth", "best.safetensors"}
Trained = tuple[TrainedRecognizer, list[tuple[int, int, float]]]  # with (step, steps, loss) of every step


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Sums come out the same only if they are always split the same way."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return gestures(12)


@pytest.fixture(scope="module")
def trained() -> Trained:
    """SkeleT, trained on one person, with the losses on the way."""
    steps: list[tuple[int, int, float]] = []
    settings = replace(
        TINY, model="skelet-stgcnpp", layout="expressive65", normalize="person", epochs=15, optimizer="adamw", lr=0.02,
        batch_size=6,
    )  # fmt: skip
    clips = gestures(24, layout="expressive65")
    one = clips.subset(clips.groups == "person0")
    return train(one, settings, name="hands", on_step=lambda *step: steps.append(step)), steps


def test_the_loss_falls(trained: Trained) -> None:
    _, steps = trained
    assert [step for step, _, _ in steps] == list(range(1, 31))
    assert {total for _, total, _ in steps} == {30}
    losses = [loss for _, _, loss in steps]
    # The median, for where a batch holds one class only, its normalisation takes away what tells the classes apart.
    assert np.median(losses[-9:]) < 0.5 * np.median(losses[:4])


def test_a_person_not_seen_in_training_is_understood(trained: Trained) -> None:
    clips = gestures(24, layout="expressive65")
    evaluation = evaluate(trained[0], clips.subset(clips.groups == "person1"))
    assert (evaluation.probabilities.argmax(axis=1) == evaluation.labels).mean() >= 0.9


def test_a_recognizer_is_ready_to_use(trained: Trained) -> None:
    recognizer, _ = trained
    assert not recognizer.model.training
    assert recognizer.class_names == ("sideways", "down")
    assert recognizer.name == "hands"
    assert recognizer.preprocessing.normalize == "person"
    record = recognizer.training
    assert record["lr"] == 0.02
    assert (record["clips"], record["epochs_run"], record["best_epoch"]) == (12, 15, 15)
    assert record["seconds"] > 0
    assert record["parameters"] == sum(tensor.numel() for tensor in recognizer.model.parameters())
    assert "best_top1" not in record


def test_a_recognizer_knows_how_long_clips_are_and_what_means_no_action(clips: ClipSet) -> None:
    settings = replace(TINY, epochs=1)
    timed = train(replace(clips, clip_seconds=1.5), replace(settings, no_action="down"))
    assert (timed.clip_seconds, timed.no_action) == (1.5, "down")
    untimed = train(clips, settings)
    assert (untimed.clip_seconds, untimed.no_action) == (USUAL_CLIP_SECONDS, "")


def test_the_same_seed_gives_the_same_weights(clips: ClipSet) -> None:
    settings = replace(TINY, model="skelet-stgcnpp", layout="expressive65", instance_pooling=True, max_instances=2)
    clips = gestures(4, layout="expressive65")
    first, again, other = (weights(train(clips, replace(settings, seed=seed))) for seed in (1, 1, 2))
    assert same(first, again)
    assert not torch.equal(other["cls_head.fc_cls.weight"], first["cls_head.fc_cls.weight"])


def test_every_epoch_draws_anew_with_worker_processes_too(clips: ClipSet) -> None:
    # One batch an epoch and weights that stay: only the draws differ.
    settings = replace(TINY, lr=0, weight_decay=0, epochs=3, augment=Augmentation(rotation=20))
    losses: dict[int, list[float]] = {}
    for workers in (0, 1):
        told: list[float] = []
        train(
            clips.subset(np.arange(4)),
            replace(settings, workers=workers),
            on_step=lambda step, steps, loss, told=told: told.append(loss),
        )
        losses[workers] = told
    assert losses[0] == losses[1]
    assert np.abs(np.diff(losses[0])).min() > 1e-5


@pytest.mark.parametrize(
    ("count", "changes", "steps"),
    [
        pytest.param(2, {}, 1, id="fewer clips than a batch"),
        pytest.param(7, {}, 1, id="clips left over wait"),
        pytest.param(3, {"repeat": 3}, 2, id="an epoch of several passes"),
        pytest.param(7, {"accumulate": 2}, 1, id="a step in two parts"),
    ],
)
def test_steps_of_an_epoch(clips: ClipSet, count: int, changes: dict[str, int], steps: int) -> None:
    told: list[int] = []
    settings = replace(TINY, epochs=1, **changes)  # type: ignore[arg-type]
    train(clips.subset(np.arange(count)), settings, on_step=lambda step, *_: told.append(step))
    assert told == list(range(1, steps + 1))


def rates(tmp_path: Path, clips: ClipSet, **changes: object) -> list[float]:
    """The rate of each step: one step an epoch, as the log has them."""
    settings = replace(TINY, epochs=6, **changes)  # type: ignore[arg-type]
    train(clips.subset(np.arange(4)), settings, run_dir=tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open() as file:
        return [float(row["lr"]) for row in csv.DictReader(file)]


def test_the_rate_falls_along_a_cosine(tmp_path: Path, clips: ClipSet) -> None:
    expected = 0.05 * (1 + np.cos(np.pi * np.arange(6) / 6)) / 2
    np.testing.assert_allclose(rates(tmp_path, clips), expected, rtol=1e-6)


def test_the_rate_climbs_first_where_a_warm_up_is_wanted(tmp_path: Path, clips: ClipSet) -> None:
    found = rates(tmp_path, clips, warmup=0.5, optimizer="adamw")
    np.testing.assert_allclose(found[:3], 0.05 * np.linspace(0.01, 1, 3), rtol=1e-6)
    assert np.all(np.diff(found[3:]) < 0)


def test_adamw_decays_the_weights_of_layers_only(clips: ClipSet) -> None:
    settings = replace(TINY, epochs=1, optimizer="adamw", lr=1e-3)
    few = clips.subset(np.arange(4))
    free, decayed = (weights(train(few, replace(settings, weight_decay=decay))) for decay in (0, 100))
    differ = {name for name, tensor in free.items() if not torch.equal(tensor, decayed[name]) and "running" not in name}
    assert {free[name].ndim for name in differ} == {2, 4}
    assert not any(name.endswith((".A", ".bias")) for name in differ)
    assert "cls_head.fc_cls.weight" in differ


def test_validation_chooses_the_best_epoch(tmp_path: Path, clips: ClipSet) -> None:
    others = gestures(6, seed=1)
    swapped = replace(others, labels=1 - others.labels, class_names=("down", "sideways"))
    recognizer = train(clips, replace(TINY, epochs=4, lr=0.02), validation=swapped, run_dir=tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    top1 = [float(row["top1"]) for row in rows]
    record = recognizer.training
    assert [int(row["step"]) for row in rows] == [3, 6, 9, 12]
    assert record["best_top1"] == max(top1)
    assert record["best_epoch"] == 1 + top1.index(max(top1))
    # What was validated is what is kept: one test clip, the same averages of batch normalisation.
    again = evaluate(recognizer, swapped)
    assert (again.probabilities.argmax(axis=1) == again.labels).mean() == record["best_top1"]


def test_training_stops_early_when_validation_gets_no_better(clips: ClipSet) -> None:
    settings = replace(TINY, lr=0, weight_decay=0, epochs=9, early_stopping=2)
    record = train(clips.subset(np.arange(4)), settings, validation=gestures(4, seed=1)).training
    assert (record["epochs_run"], record["best_epoch"]) == (3, 1)


def test_validation_every_other_epoch_and_at_the_end(tmp_path: Path, clips: ClipSet) -> None:
    settings = replace(TINY, epochs=3, validate_every=2)
    train(clips.subset(np.arange(4)), settings, validation=gestures(4), run_dir=tmp_path / "run")
    with (tmp_path / "run" / "log.csv").open() as file:
        assert [bool(row["top1"]) for row in csv.DictReader(file)] == [False, True, True]


def test_an_average_of_the_weights_moves_little(clips: ClipSet) -> None:
    settings = replace(TINY, epochs=2)
    start, moved, averaged = (
        weights(train(clips, replace(settings, **change)))["cls_head.fc_cls.weight"]
        for change in ({"lr": 0.0, "weight_decay": 0.0}, {}, {"ema": 0.01})
    )
    assert 0 < (averaged - start).norm() < 0.5 * (moved - start).norm()


def test_batch_normalisation_settles_in_a_short_run(clips: ClipSet) -> None:
    # After one step its running averages are still nine tenths of what they started with, a variance of 1.
    settings = replace(TINY, epochs=1, lr=0, weight_decay=0, batch_size=12)
    state = weights(train(clips, settings))
    x = torch.from_numpy(np.stack([clips.clip(k).keypoints for k in range(12)]))
    assert x.std() > 10  # pixels; the network sees -1..1
    assert state["backbone.data_bn.running_var"].max() < 0.2


def test_balanced_classes_are_drawn_equally_often(clips: ClipSet) -> None:
    from skelact.data.dataset import ClipDataset
    from skelact.training.runner import BatchedSampler

    few = clips.subset(np.flatnonzero((clips.labels == 0) | (np.arange(12) < 3)))
    dataset = ClipDataset(few, TINY.preprocessing(), training=True, repeat=2)
    sampler = BatchedSampler(dataset, batch_size=4, seed=0, balanced=True)
    epochs = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        numbers = list(sampler)
        assert len(set(numbers)) == 12  # no two are changed alike
        epochs.append([k % len(few) for k in numbers])
    assert len(epochs[0]) == len(sampler) == 12
    assert np.bincount(few.labels[epochs[0]]).tolist() == [6, 6]
    assert set(np.flatnonzero(few.labels == 0)) <= set(epochs[0])
    assert epochs[0] == epochs[2] != epochs[1]


def test_a_run_leaves_these_files_and_no_others(
    tmp_path: Path, clips: ClipSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = replace(TINY, epochs=1)
    recognizer = train(clips, settings, validation=clips, name="mine", run_dir=tmp_path / "a" / "run")
    assert files(tmp_path / "a" / "run") == RUN_FILES
    assert files(tmp_path) == {"a"}
    assert load_settings(tmp_path / "a" / "run" / "settings.json") == settings
    best = load_recognizer(tmp_path / "a" / "run" / "best.safetensors")
    assert same(weights(best), weights(recognizer))
    assert (best.name, best.training) == ("mine", recognizer.training)
    state = torch.load(tmp_path / "a" / "run" / "last.pth", weights_only=True)
    assert state["epoch"] == 1


def test_training_without_a_folder_leaves_nothing_and_says_nothing(
    clips: ClipSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    train(clips, replace(TINY, epochs=1), validation=clips)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""


def test_a_folder_with_a_run_is_left_alone(tmp_path: Path, clips: ClipSet) -> None:
    train(clips.subset(np.arange(2)), replace(TINY, epochs=1), run_dir=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputError, match="holds a run already: resume it"):
        train(clips, TINY, run_dir=tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        pytest.param({"model": "stgcnp"}, UsageError, "did you mean 'stgcnpp'", id="an unknown network"),
        pytest.param({"batch_size": 1}, UsageError, "one clip to normalise by: choose at least 2", id="one clip"),
        pytest.param({"accumulate": 4}, UsageError, "leaves one clip to normalise by: choose at least 8", id="parts"),
        pytest.param(
            {"batch_size": 32, "accumulate": 8}, InputError, "12 clips an epoch are too few", id="too few for parts"
        ),
        pytest.param({"lr": 1e30, "epochs": 3}, SkelactError, r"^the (loss|weights) .*: train again with a smaller lr",
                     id="a rate far too high"),
    ],
)  # fmt: skip
def test_settings_that_cannot_train(
    clips: ClipSet, tmp_path: Path, changes: dict[str, object], error: type[SkelactError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        train(clips, replace(TINY, **changes), run_dir=tmp_path / "run")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("training", "validation", "error", "message"),
    [
        pytest.param(gestures().subset(np.arange(0, 12, 2)), None, InputError, "at least two classes", id="one class"),
        pytest.param(gestures().subset(np.arange(0)), None, InputError, "at least two classes", id="no clips"),
        pytest.param(
            gestures(), gestures().subset(np.arange(0)), InputError, "no clips to validate on", id="no others"
        ),
        pytest.param(
            gestures(), gestures(class_names=("up", "left")), UsageError, "no clip of any of the classes", id="others"
        ),
    ],
)
def test_clips_that_cannot_train(
    training: ClipSet, validation: ClipSet | None, error: type[SkelactError], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(training, TINY, validation=validation)


def test_a_damaged_clip_is_named_by_worker_processes_too(clips: ClipSet) -> None:
    keypoints = clips.keypoints.copy()
    keypoints[clips.offsets[5]] = np.nan
    for workers in (0, 1):
        with pytest.raises(InputError, match=r"^clip 'clip5' has coordinates that are not finite") as caught:
            train(replace(clips, keypoints=keypoints), replace(TINY, workers=workers))
        assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def source(clips: ClipSet) -> TrainedRecognizer:
    return train(clips, replace(TINY, epochs=1), name="source")


def test_fine_tuning_copies_network_and_classes_by_name(clips: ClipSet, source: TrainedRecognizer) -> None:
    still = replace(TINY, epochs=1, lr=0, weight_decay=0, seed=9, clip_len=5)
    kept = weights(train(clips, still, init=source))
    assert all(
        torch.equal(kept[name], tensor)
        for name, tensor in weights(source).items()
        if "num_" not in name and "running" not in name
    )
    renamed = replace(clips, class_names=("new", "sideways"))
    fresh, mixed = (weights(train(renamed, still, init=init)) for init in (None, source))
    head = "cls_head.fc_cls.weight"
    assert torch.equal(mixed[head][1], weights(source)[head][0])
    assert torch.equal(mixed[head][0], fresh[head][0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stream": "b"}, "its stream is j, not b"),
        ({"normalize": "person"}, "its normalize is image, not person, in_channels is 3, not 5"),
        ({"model": "dgstgcn"}, "its blocks is stgcnpp, not dgstgcn"),
        ({"channels": "16,32,64"}, "its channels is"),
    ],
    ids=["another stream", "another normalisation", "another network", "other channels"],
)
def test_fine_tuning_from_what_does_not_fit(
    clips: ClipSet, source: TrainedRecognizer, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=f"cannot start from source: {message}"):
        train(clips, replace(TINY, **changes), init=source)  # type: ignore[arg-type]
