"""What all networks have in common, model by model, and what the options change."""

from __future__ import annotations

import copy
import io
from functools import cache

import pytest
import torch
from reference import filled
from torch import Tensor, nn

from skelact.errors import SkelactError, UsageError
from skelact.keypoints import get_layout
from skelact.models import Recognizer, create_model, list_models
from skelact.models.architecture import MODELS, architecture_of, stage_channels
from skelact.models.instance_pooling import InstancePooling
from skelact.models.layers import joint_batch_norm
from skelact.models.recognizer import folded

CLASSES = 5
POOLED = [name for name in list_models() if MODELS[name].instance_pooling]
every_model = pytest.mark.parametrize("name", list_models())


@cache
def model(name: str) -> Recognizer:
    """In eval mode, with parameters that are nowhere 0 or 1 as fresh ones are; tests leave it as it is."""
    network = create_model(name, CLASSES)
    network.load_state_dict(filled({key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}))
    return network.eval()


def clips(name: str, samples: int = 2, instances: int = 2, frames: int = 4, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(samples, instances, frames, len(get_layout(MODELS[name].layout)), 3, generator=generator)


@every_model
@pytest.mark.parametrize(("instances", "frames"), [(2, 1), (4, 9)])
def test_any_number_of_frames_and_persons(name: str, instances: int, frames: int) -> None:
    with torch.no_grad():
        logits = model(name)(clips(name, instances=instances, frames=frames))
    assert logits.shape == (2, CLASSES)
    assert logits.isfinite().all()


@every_model
def test_one_person_or_three(name: str) -> None:
    with torch.no_grad():
        for instances in (1, 3):
            assert model(name)(clips(name, instances=instances)).shape == (2, CLASSES)


@every_model
def test_the_features_have_a_quarter_of_the_frames_and_the_coarsest_keypoints(name: str) -> None:
    architecture = MODELS[name]
    with torch.no_grad():
        features = model(name).backbone(clips(name, frames=8))
    keypoints = 11 if architecture.skelet else len(get_layout(architecture.layout))
    assert features.shape == (2, 1 if architecture.instance_pooling else 2, 256, 2, keypoints)


@every_model
def test_gradients_reach_every_parameter(name: str) -> None:
    network = model(name)
    network.zero_grad()
    network(clips(name)).square().sum().backward()
    without = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    network.zero_grad()
    assert without == []


@every_model
def test_a_sample_does_not_depend_on_its_batch_in_eval_mode(name: str) -> None:
    x = clips(name)
    with torch.no_grad():
        together, again = model(name)(x), model(name)(x)
        alone = torch.cat([model(name)(sample) for sample in x.split(1)])
    assert torch.equal(together, again)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@every_model
def test_samples_of_different_clips_differ(name: str) -> None:
    with torch.no_grad():
        first, second = model(name)(clips(name, frames=1))
    assert (first - second).abs().max() > 1e-3


@every_model
def test_a_saved_state_gives_the_same_network(name: str) -> None:
    buffer = io.BytesIO()
    torch.save(model(name).state_dict(), buffer)
    buffer.seek(0)
    other = create_model(name, CLASSES).eval()
    other.load_state_dict(torch.load(buffer, weights_only=True))
    with torch.no_grad():
        assert torch.equal(other(clips(name)), model(name)(clips(name)))


@every_model
def test_the_order_of_persons_does_not_matter(name: str) -> None:
    x = clips(name, instances=4)
    with torch.no_grad():
        torch.testing.assert_close(model(name)(x[:, [2, 0, 3, 1]]), model(name)(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", POOLED)
def test_instance_pooling_takes_one_to_ten_persons(name: str) -> None:
    with torch.no_grad():
        for instances in range(1, 11):
            x = clips(name, samples=1, instances=instances, frames=1)
            assert model(name).backbone(x).shape == (1, 1, 256, 1, 11)


@pytest.mark.parametrize("embedding", [None, "V", "VC"])
def test_instance_pooling_gives_one_skeleton_whatever_the_order(embedding: str | None) -> None:
    pooling = InstancePooling(3, 64, 65, embedding).eval()
    x = torch.randn(2, 6, 4, 65, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = pooling(x)
        assert y.shape == (2, 64, 4, 65)
        torch.testing.assert_close(pooling(x.flip(1)), y)
        # All take part: without any one of them the skeleton is another.
        for left_out in range(6):
            rest = [k for k in range(6) if k != left_out]
            assert (pooling(x[:, rest]) - y).abs().max() > 1e-4


def test_a_repeated_person_changes_nothing_in_instance_pooling() -> None:
    pooling = InstancePooling(3, 64, 65).eval()
    x = torch.randn(1, 2, 4, 65, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(pooling(x[:, [0, 1, 1]]), pooling(x))


def test_instance_pooling_drops_its_residual_in_training_only() -> None:
    x = torch.randn(1, 2, 4, 65, 3, generator=torch.Generator().manual_seed(0))
    always, never = InstancePooling(3, 64, 65, drop_residual=1), InstancePooling(3, 64, 65, drop_residual=0)
    never.load_state_dict(always.state_dict())
    with torch.no_grad():
        assert not torch.allclose(always(x), never(x))
        # The same running statistics for both: what is left is the residual.
        never.load_state_dict(always.state_dict())
        torch.testing.assert_close(always.eval()(x), never.eval()(x))


def test_fresh_dynamic_graphs_are_closed_and_mappings_average() -> None:
    fresh = create_model("skelet-dgstgcn", CLASSES).state_dict()
    gates = [tensor for key, tensor in fresh.items() if key.endswith((".alpha", ".beta", ".add_coeff"))]
    assert gates
    assert not any(tensor.any() for tensor in gates)
    for stage, groups in ((4, 2), (7, 4)):
        mapping = fresh[f"backbone.gcn.{stage}.gcn.M"]
        assert len(mapping) == groups
        torch.testing.assert_close(mapping.sum(dim=1), torch.ones(groups, mapping.shape[2]), atol=3e-4, rtol=0)


@pytest.mark.parametrize("blocks", ["stgcnpp", "dgstgcn", "ctrgcn"])
@pytest.mark.parametrize("layout", ["coco17", "hand21", "expressive65", "wholebody133"])
def test_plain_backbones_take_any_layout(blocks: str, layout: str) -> None:
    network = create_model(blocks, CLASSES, layout=layout, in_channels=2, channels=(16, 16, 32)).eval()
    with torch.no_grad():
        assert network(torch.randn(1, 2, 4, len(get_layout(layout)), 2)).shape == (1, CLASSES)
        assert network.backbone(torch.randn(1, 2, 4, len(get_layout(layout)), 2)).shape[2:4] == (32, 2)


def test_names_may_have_underscores_and_a_layout() -> None:
    assert create_model("stgcnpp_expressive65", 2).architecture.layout == "expressive65"
    assert create_model("skelet_stgcnpp_ip", 2).architecture == MODELS["skelet-stgcnpp-ip"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("skelet-dgstcgn", {}, "unknown model 'skelet-dgstcgn': did you mean 'skelet-dgstgcn'"),
        ("stgcnpp", {"pooling": True}, "unknown model option 'pooling': did you mean 'instance_pooling'"),
        ("stgcnpp", {"layout": "coco18"}, "unknown layout 'coco18': did you mean 'coco17'"),
        ("stgcnpp", {"instance_pooling": True}, "begins with skelet-"),
        ("skelet-stgcnpp", {"layout": "hand21"}, "which layout hand21 has not: choose a plain backbone"),
        ("skelet-stgcnpp", {"layout": "coco17", "transformations": 1}, "choose 0 or 2 transformations"),
        ("skelet-stgcnpp", {"transformations": 3}, "transformations is 3: SkeleT has from 0 to 2"),
        ("skelet-stgcnpp", {"channels": (64, 128)}, "SkeleT has 10 stages, not 2"),
        ("skelet-stgcnpp", {"instances_normalized": 2}, "leave instances_normalized at 1"),
        ("stgcnpp", {"transformations": 1}, "transformations belong to the SkeleT models"),
        ("stgcnpp", {"instances_normalized": 0}, "instances_normalized is 0"),
        ("stgcnpp", {"channels": (5,)}, "stage 1 of stgcnpp cannot take 5 channels to 5"),
        ("ctrgcn", {"channels": (8, 10)}, "stage 2 of ctrgcn cannot take 8 channels to 10: it divides them by 4"),
        ("skelet-dgstgcn", {"channels": (8,) * 10}, "stage 5 of dgstgcn .* at least 16"),
        ("skelet-stgcnpp", {"channels": (*(16,) * 6, 18, *(32,) * 3)}, "stage 8 of stgcnpp cannot take 18 channels"),
    ],
)
def test_what_cannot_be_built_says_why(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        create_model(name, CLASSES, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("skelet-stgcnpp-ip", {"embedding": "T"}),
        ("stgcnpp", {"blocks": "transformer"}),
        ("stgcnpp", {"channels": ()}),
    ],
)
def test_options_that_cannot_be_are_refused(name: str, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        create_model(name, CLASSES, **options)


def test_a_network_that_normalizes_pairs_refuses_an_odd_number_of_persons() -> None:
    paired = create_model("ctrgcn", CLASSES, channels=(8, 8), instances_normalized=2)
    assert paired(clips("ctrgcn", instances=4)).shape == (2, CLASSES)
    with pytest.raises(SkelactError, match="takes persons 2 at a time, not 1"):
        paired(clips("ctrgcn", instances=1))


@pytest.mark.parametrize("blocks", ["stgcnpp", "dgstgcn", "ctrgcn"])
@pytest.mark.parametrize(
    ("layout", "transformations", "keypoints"),
    [("expressive65", 0, 65), ("expressive65", 1, 27), ("wholebody133", 2, 11), ("coco17", 0, 17), ("coco17", 2, 11)],
)
def test_skelet_takes_any_layout_of_a_body(blocks: str, layout: str, transformations: int, keypoints: int) -> None:
    network = create_model(
        f"skelet-{blocks}", CLASSES, layout=layout, transformations=transformations, channels=stage_channels(8, 16, 32)
    )
    x = torch.randn(2, 1, 8, len(get_layout(layout)), 3)
    network(x).square().sum().backward()
    assert network.eval().backbone(x).shape == (2, 1, 32, 2, keypoints)
    mapped = [key for key in network.state_dict() if key.endswith(".residual.M")]
    assert len(mapped) == (1 if layout == "coco17" and transformations else transformations)


@pytest.mark.parametrize("name", ["skelet-dgstgcn", "skelet-stgcnpp", "skelet-ctrgcn", "stgcnpp", "dgstgcn", "ctrgcn"])
@pytest.mark.parametrize("widths", [(8, 16, 32), (16, 64, 128), (64, 128, 256)])
def test_channels_at_three_resolutions(name: str, widths: tuple[int, int, int]) -> None:
    channels = stage_channels(*widths)
    assert channels == (widths[0],) * 4 + (widths[1],) * 3 + (widths[2],) * 3
    assert architecture_of(name, channels=channels).channels == channels


@pytest.mark.parametrize("training", [True, False])
def test_a_group_may_be_padded_with_zero_persons(training: bool) -> None:
    """As published: absent persons take part in the maxima and in the statistics of the first BatchNorms."""
    network = create_model("skelet-stgcnpp-ip", CLASSES, channels=stage_channels(8, 16, 32)).train(training)
    x = clips("skelet-stgcnpp-ip", instances=3)
    padded = torch.cat([x, torch.zeros_like(x)], dim=1)
    network(padded).square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    norm = network.backbone.data_bn
    if training:
        values = padded.flatten(0, 2).flatten(1)
        torch.testing.assert_close(norm.running_mean, 0.1 * values.mean(dim=0))
        torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * values.var(dim=0))
    else:
        more = torch.cat([padded, torch.zeros_like(x)], dim=1)
        torch.testing.assert_close(network(more), network(padded))  # one absent person or many, the maximum is the same


def test_joint_batch_norms_are_the_norms_one_by_one() -> None:
    joint, apart = [nn.BatchNorm2d(3), nn.BatchNorm2d(5)], [nn.BatchNorm2d(3), nn.BatchNorm2d(5)]
    x = torch.randn(4, 8, 3, 2)
    for norms in (joint, apart):
        norms[1].weight.data.fill_(0.5)
    for training in (True, False):
        for norm in (*joint, *apart):
            norm.train(training)
        wanted = torch.cat([norm(part) for norm, part in zip(apart, x.split([3, 5], dim=1), strict=True)], dim=1)
        torch.testing.assert_close(joint_batch_norm(joint, x), wanted)
        for one, other in zip(joint, apart, strict=True):
            torch.testing.assert_close(one.state_dict(), other.state_dict())


def test_norms_that_average_over_all_batches_are_joined_too() -> None:
    norms = [nn.BatchNorm2d(3, momentum=None), nn.BatchNorm2d(5, momentum=None)]
    x = torch.randn(6, 8, 3, 2)
    for batch in x.chunk(3):
        joint_batch_norm(norms, batch)
    torch.testing.assert_close(norms[1].running_mean, x[:, 3:].mean(dim=(0, 2, 3)))


def test_importance_off_the_diagonal_counts_where_the_mapping_is_loaded() -> None:
    """The product with an identity is left out; a checkpoint may hold another matrix in its place."""
    block = create_model("skelet-stgcnpp", CLASSES, channels=stage_channels(8, 16, 32)).eval().backbone.gcn[1].gcn
    x, state = torch.randn(2, 8, 4, 65), copy.deepcopy(block.state_dict())
    shifted = state["M"].roll(1, dims=2)
    with torch.no_grad():
        assert (block._mapped(x)[0] - x).abs().max() < 1e-6
        block.load_state_dict({**state, "M": shifted, "WM": state["WM"] * 2})
        torch.testing.assert_close(block._mapped(x)[0], 2 * x.roll(1, dims=3))
        block.load_state_dict({**state, "WM": state["WM"] * 3})
        torch.testing.assert_close(block._mapped(x)[0], 3 * x)


def test_normalised_features_are_folded_into_the_head() -> None:
    network = create_model("skelet-stgcnpp", CLASSES, channels=stage_channels(8, 16, 32))
    names = set(network.state_dict())
    network.normalize_features()
    x = torch.randn(4, 1, 8, 65, 3)
    for _ in range(3):
        network(x)
    network.eval()
    state = folded(network.state_dict())
    assert set(state) == names
    plain = create_model("skelet-stgcnpp", CLASSES, channels=stage_channels(8, 16, 32)).eval()
    plain.load_state_dict(state)
    torch.testing.assert_close(plain(x), network(x), rtol=1e-4, atol=1e-5)
    assert (plain.cls_head.fc_cls.bias - network.cls_head.fc_cls.bias).abs().max() > 1e-3
    assert folded(state) == state


@pytest.mark.parametrize("name", ["skelet-stgcnpp", "skelet-dgstgcn", "skelet-ctrgcn", "stgcnpp", "dgstgcn", "ctrgcn"])
def test_stages_start_as_their_shortcuts_and_learn_from_there(name: str) -> None:
    network = create_model(name, CLASSES, channels=stage_channels(8, 16, 32))
    network.zero_init_residuals()
    stage = network.backbone.gcn[1]
    keypoints = network.backbone.data_bn.num_features // 3
    features = torch.randn(4, 8, 6, keypoints).relu()
    if "ctrgcn" not in name:
        torch.testing.assert_close(stage(features), stage.residual(features) if stage.residual else features)
    started = [block.bn.weight for block in (stage.gcn, stage.tcn) if hasattr(block, "bn")]
    assert started
    assert all(weight.eq(0).all() for weight in started)
    # What stands behind a zero learns first, and what stands before it from the second step on.
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        network(torch.randn(4, 1, 6, keypoints, 3)).square().sum().backward()
        optimizer.step()
    assert all(weight.ne(0).any() for weight in started)
