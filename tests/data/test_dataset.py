"""Clips as a torch dataset."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skelact.data.augment import Augmentation
from skelact.data.clips import ClipSet
from skelact.data.dataset import NONE, ClipDataset
from skelact.errors import InputError, UsageError
from skelact.models.preprocessing import Preprocessing
from tests.data.clips import random_clip, random_clips

SIGNS = Preprocessing(normalize="person", clip_len=8, test_clips=2, max_instances=1)
SOME = Augmentation(mirror=0.5, rotation=15, speed=0.4, jitter=0.01)


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return random_clips(3, classes=2, layout="wholebody133", frames=20)


def inputs(clips: ClipSet, epoch: int = 0, **options: object) -> list[np.ndarray]:
    dataset = ClipDataset(clips, SIGNS, **{"training": True, "augmentation": SOME, "seed": 1, **options})
    dataset.set_epoch(epoch)
    return [dataset[k][0] for k in range(len(dataset))]


def test_items_are_inputs_with_labels(clips: ClipSet) -> None:
    for training, shape in ((True, (1, 1, 8, 65, 5)), (False, (2, 1, 8, 65, 5))):
        dataset = ClipDataset(clips, SIGNS, training=training)
        assert len(dataset) == 3
        assert [dataset[k][1] for k in range(3)] == [0, 1, 0]
        assert dataset[0][0].shape == shape
        assert dataset[0][0].dtype == np.float32


@pytest.mark.parametrize("augmentation", [NONE, SOME], ids=["as they are", "augmented"])
def test_a_draw_is_decided_by_seed_epoch_and_index(clips: ClipSet, augmentation: Augmentation) -> None:
    first = inputs(clips, augmentation=augmentation)
    backwards = ClipDataset(clips, SIGNS, training=True, augmentation=augmentation, seed=1)
    for k in (2, 1, 0):
        np.testing.assert_array_equal(backwards[k][0], first[k])
    for other in (inputs(clips, epoch=1, augmentation=augmentation), inputs(clips, seed=2, augmentation=augmentation)):
        assert not np.array_equal(first[0], other[0])


def test_equal_clips_are_changed_differently(clips: ClipSet) -> None:
    first, second = inputs(clips.subset(np.array([0, 0])))
    assert not np.array_equal(first, second)


def test_every_pass_of_an_epoch_draws_anew(clips: ClipSet) -> None:
    twice = inputs(clips, repeat=2)
    assert len(twice) == 6
    assert not np.array_equal(twice[0], twice[3])


def test_test_clips_are_not_random(clips: ClipSet) -> None:
    first = inputs(clips, training=False)
    for other in (inputs(clips, training=False, epoch=1), inputs(clips, training=False, seed=2)):
        for one, again in zip(first, other, strict=True):
            np.testing.assert_array_equal(one, again)


def test_only_the_frames_of_the_clip_are_used(clips: ClipSet) -> None:
    shorter = replace(clips, frames=np.array([20, 20, 7]))
    alone = ClipSet.from_clips([shorter.clip(2)], clips.class_names, clips.layout)
    for one, again in zip(inputs(shorter, training=False)[2:], inputs(alone, training=False), strict=True):
        np.testing.assert_array_equal(one, again)


def test_the_data_themselves_stay_as_they_are(clips: ClipSet) -> None:
    before = clips.keypoints.copy()
    inputs(clips)
    np.testing.assert_array_equal(clips.keypoints, before)


def test_a_layout_is_taken_out_of_a_larger_one() -> None:
    whole = random_clip(layout="wholebody133")
    body = replace(whole, keypoints=whole.keypoints[:, :, :17], scores=whole.scores[:, :, :17])
    settings = Preprocessing(layout="coco17", clip_len=4, test_clips=1)
    items = [
        ClipDataset(ClipSet.from_clips([clip], ("wave",), layout), settings, training=False)[0][0]
        for clip, layout in ((whole, "wholebody133"), (body, "coco17"))
    ]
    np.testing.assert_array_equal(*items)


def test_keypoints_that_are_not_there_are_told() -> None:
    with pytest.raises(InputError, match="layout coco17 have no keypoints for layout expressive65"):
        ClipDataset(random_clips(layout="coco17"), Preprocessing(), training=True)


def test_some_clips_become_the_way_from_one_action_to_another(clips: ClipSet) -> None:
    idle = replace(clips, class_names=("wave", "nothing"))
    dataset = ClipDataset(idle, SIGNS, training=True, repeat=100, no_action="nothing", transitions=0.5)
    labels = np.array([dataset[k][1] for k in range(300)])
    own = np.tile(idle.labels, 100)
    assert (labels[own == 1] == 1).all()
    assert 0.3 < (labels[own == 0] == 1).mean() < 0.7
    assert dataset[0][0].shape == (1, 1, 8, 65, 5)
    tested = ClipDataset(idle, SIGNS, training=False, no_action="nothing", transitions=0.5)
    assert [tested[k][1] for k in range(3)] == idle.labels.tolist()


def test_transitions_need_a_class(clips: ClipSet) -> None:
    with pytest.raises(UsageError, match="it is 'nothing', and the classes are a, b"):
        ClipDataset(clips, SIGNS, training=True, no_action="nothing", transitions=0.5)
