"""Which keypoints mattered for an action."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from skelact.ensemble import Ensemble
from skelact.errors import NobodySeenError, UsageError
from skelact.importance import WAY_POINTS, explain, input_gradients, learned_weights
from skelact.keypoints import TRANSFORMATIONS, get_layout
from skelact.models.architecture import stage_channels
from skelact.models.preprocessing import Preprocessing
from skelact.models.recognizer import create_model
from skelact.pipeline import extract
from skelact.recognition import TrainedRecognizer
from skelact.recognizers import find_recognizer
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings
from tests.cli.conftest import SAMPLE
from tests.sides import places, sides

INDEX = get_layout("wholebody133").index
CLASSES = ("one", "two", "three")
HAND = [name for name in get_layout("expressive65").keypoint_names if name.startswith("left_index")]


def network(layout: str = "expressive65", model: str = "skelet-stgcnpp") -> TrainedRecognizer:
    """A small network with fresh weights, whose normalisations are not those it started with."""
    torch.manual_seed(3)
    net = create_model(model, len(CLASSES), layout=layout, channels=stage_channels(8, 16, 32)).eval()
    for name, buffer in net.named_buffers():
        if name.endswith("running_var"):
            buffer.mul_(torch.rand_like(buffer) + 0.5)
    settings = Preprocessing(layout, clip_len=2, test_clips=1, max_instances=1)
    return TrainedRecognizer(net, settings, CLASSES, "small", {})


@pytest.fixture(scope="module")
def small() -> TrainedRecognizer:
    return network()


@pytest.fixture(scope="module")
def sample() -> PoseSequence:
    return extract(SAMPLE, ExtractSettings(pose="mediapipe", offline=True))


def hidden(sequence: PoseSequence, *names: str) -> PoseSequence:
    """The sequence without keypoints of these names."""
    chosen = [get_layout(sequence.layout).index[name] for name in names]
    scores, keypoints = sequence.scores.copy(), sequence.keypoints.copy()
    scores[:, :, chosen] = 0
    keypoints[:, :, chosen] = 0
    return replace(sequence, scores=scores, keypoints=keypoints)


def test_the_gradients_are_those_of_finite_differences():
    plain = network("coco17", "stgcnpp")
    sequence = places(["left", "right"])
    # Nobody stands still: of equal frames any may be the greatest, and there the slope is not one number.
    restless = sequence.keypoints + np.random.default_rng(1).normal(0, 30, sequence.keypoints.shape)
    sequence = replace(sequence, keypoints=restless.astype(np.float32))
    clips, _ = plain.clips(sequence, 1)
    exact, inputs = copy.deepcopy(plain.model).double(), torch.from_numpy(clips).double()
    step, slopes = 1e-5, np.zeros(17)
    for keypoint in range(17):
        alone = torch.zeros_like(inputs)
        alone[:, :, :, keypoint] = inputs[:, :, :, keypoint]
        for way in (np.arange(WAY_POINTS) + 0.5) / WAY_POINTS:
            with torch.no_grad():
                change = exact(way * inputs + step * alone) - exact(way * inputs - step * alone)
            slopes[keypoint] += float(change[0, 1]) / (2 * step)
    expected = np.maximum(slopes, 0)
    found = input_gradients(plain, sequence, "two")
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-3, atol=1e-6)


def test_the_gradients_of_a_mean_are_the_shares_of_what_it_is_of():
    recognizer = sides(persons=1)
    sequence = places(["middle", "right"])
    found = explain(recognizer, sequence, "right")
    clips, _ = recognizer.main.clips(sequence, 2)
    expected = np.maximum(clips[..., 0].sum(axis=(0, 1, 2)), 0)
    np.testing.assert_allclose(found.gradients, expected / expected.sum(), rtol=1e-5)
    assert found.weights is None
    np.testing.assert_array_equal(found.shares, found.gradients)


@pytest.mark.parametrize("stream", ["j", "b"])
def test_a_keypoint_that_was_not_seen_matters_nothing(small, stream):
    blind = replace(small, preprocessing=replace(small.preprocessing, stream=stream))
    found = explain(Ensemble.of([blind]), hidden(places(["left", "right"]), *HAND), "one")
    assert [found.shares[found.names.index(name)] for name in HAND] == [0] * len(HAND)
    assert not set(HAND) & {found.names[k] for k in found.ranking}
    assert found.ranking


def test_all_shares_add_up_to_one_and_the_ranking_falls(small):
    found = explain(Ensemble.of([small]), places(["left", "right"]), "three")
    for shares in (found.gradients, found.weights, found.shares):
        assert shares is not None
        assert shares.sum() == pytest.approx(1)
        assert (shares >= 0).all()
    ranked = found.shares[list(found.ranking)]
    assert (np.diff(ranked) <= 0).all()


def test_fresh_weights_are_the_means_over_the_groups_that_merge(small):
    weights = dict(zip(get_layout("expressive65").keypoint_names, learned_weights(small), strict=True))
    fine, coarse = TRANSFORMATIONS
    for whole in coarse.values():
        for finger in whole:
            for name in set(fine[finger]) & set(weights):
                parts = len([part for part in fine[finger] if part in weights])
                assert weights[name] == pytest.approx(1 / (len(coarse) * len(whole) * parts), rel=1e-3)


def test_a_keypoint_that_the_network_lets_through_more_weighs_more(small):
    net = copy.deepcopy(small.model)
    place = get_layout("expressive65").index["left_wrist"]
    before = learned_weights(small)
    with torch.no_grad():
        net.backbone.gcn[2].gcn.WM[:, place, place] = -7.0  # it is as much, whatever the sign
    after = learned_weights(replace(small, model=net))
    assert after[place] > 2 * before[place]
    others = np.arange(len(after)) != place
    np.testing.assert_allclose(after[others] / before[others], after[0] / before[0], rtol=1e-5)


def test_members_are_averaged_with_their_weights_over_the_keypoints_of_all(small):
    other = network("coco17", "stgcnpp")
    both = Ensemble.of([other, small], [1, 3])
    sequence = places(["left", "right"])
    found = explain(both, sequence, "two")
    assert len(found.names) == 65
    expected = np.zeros(65)
    expected[:17] += 0.25 * input_gradients(other, sequence, "two")
    expected += 0.75 * input_gradients(small, sequence, "two")
    np.testing.assert_allclose(found.gradients, expected, rtol=1e-6)
    np.testing.assert_allclose(found.weights, learned_weights(small), rtol=1e-6)


def test_an_unknown_action_names_the_nearest(small):
    with pytest.raises(UsageError, match="did you mean 'three'"):
        explain(Ensemble.of([small]), places(["left"]), "thre")


def test_where_nobody_was_seen_there_is_nothing_to_explain(small):
    with pytest.raises(NobodySeenError, match=r"nobody was seen in clip\.mp4"):
        explain(Ensemble.of([small]), places([None]), "one")


@pytest.mark.parametrize("count", [3, 5, 10])
def test_without_the_keypoints_that_mattered_most_the_sign_is_less_probable(count, sample):
    recognizer = Ensemble.of([find_recognizer("asl-words")])
    found = explain(recognizer, sample, "thank-you")
    seen = [k for k, name in enumerate(found.names) if sample.scores[:, :, INDEX[name]].any()]
    ranked = [found.names[k] for k in sorted(seen, key=lambda k: -found.shares[k])]
    column = recognizer.class_names.index("thank-you")
    without_most, without_least = hidden(sample, *ranked[:count]), hidden(sample, *ranked[-count:])
    most, least = recognizer.probabilities([without_most, without_least])[:, column]
    assert most < least
