"""Settings of a training run: by name, from files, and what they refuse."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelact.errors import InputError, SkelactError, UsageError
from skelact.training.settings import RECIPES, TrainSettings, load_settings, recipe, settings_from


def test_the_defaults_are_the_published_recipe() -> None:
    published = recipe("published")
    assert published == TrainSettings()
    assert (published.epochs, published.repeat, published.batch_size, published.lr) == (24, 5, 128, 0.1)
    assert (published.optimizer, published.momentum, published.weight_decay) == ("sgd", 0.9, 5e-4)
    assert not any(asdict(published)["augment"].values())


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_a_settings_file(tmp_path: Path, name: str) -> None:
    settings = recipe(name)
    (tmp_path / "settings.json").write_text(json.dumps(asdict(settings)))
    assert load_settings(tmp_path / "settings.json") == settings


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ("lr=0.05", "lr", 0.05),
        ("lr=1", "lr", 1.0),
        ("epochs=3", "epochs", 3),
        ("stream=bm", "stream", "bm"),
        ("embedding=", "embedding", ""),
        ("upper_body=True", "upper_body", True),
        ("augment.mirror=0.5", "augment.mirror", 0.5),
    ],
)
def test_a_change_by_name(change: str, key: str, value: object) -> None:
    settings = TrainSettings(upper_body=False).change([change])
    outer, _, inner = key.rpartition(".")
    found = getattr(getattr(settings, outer) if outer else settings, inner)
    assert found == value
    assert type(found) is type(value)


def test_changes_add_up_and_the_last_counts() -> None:
    assert TrainSettings().change(["lr=1", "epochs=2", "lr=0.5"]) == replace(TrainSettings(), lr=0.5, epochs=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("lr", "'lr' is no key=value"),
        ("learnrate=1", "unknown setting 'learnrate'"),
        ("epoch=1", "did you mean 'epochs'"),
        ("augment.miror=1", "did you mean 'augment.mirror'"),
        ("augment=1", "unknown setting 'augment'"),
        ("epochs=1.5", "epochs is '1.5': it must be a whole number"),
        ("lr=fast", "lr is 'fast': it must be a number"),
        ("upper_body=1", "upper_body is '1': it must be true or false"),
        ("epochs=0", "epochs is 0: it must be at least 1"),
        ("lr=-1", "lr is -1.0: it must be a number that is not negative"),
        ("lr=nan", "lr is nan"),
        ("lr=inf", "lr is inf"),
        ("weight_decay=nan", "weight_decay is nan"),
        ("momentum=1", "momentum is 1.0: it must be at least 0 and below 1"),
        ("ema=nan", "ema is nan"),
        ("seed=-1", "seed is -1"),
        ("seed=4294967296", "seed is 4294967296"),
        ("optimizer=adam", "did you mean 'adamw'"),
        ("precision=float64", "unknown precision 'float64'"),
        ("accumulate=3", "batch_size 128 cannot be computed in 3 equal parts"),
    ],
)
def test_a_change_that_cannot_be(change: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        TrainSettings().change([change])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": "3"}, "epochs is '3': it must be a int"),
        ({"epochs": True}, "epochs is True"),
        ({"lr": None}, "lr is None"),
        ({"augment": None}, "augment is None"),
        ({"augment": {"mirror": "0.5"}}, "augment.mirror is '0.5'"),
        ({"colour": 1}, "unknown setting 'colour'"),
    ],
)
def test_plain_values_that_cannot_be(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings_from(values)
    assert message in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["lr", "augment", "mirror"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*asdict(TrainSettings()), "other"]), json_values, max_size=4))
def test_any_plain_values_are_settings_or_refused(values: dict[str, object]) -> None:
    try:
        settings = settings_from(values)
    except SkelactError:
        return
    assert settings_from(asdict(settings)) == settings


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"lr": 1', "\xff"], ids=["empty", "list", "open", "cut", "bytes"])
def test_a_file_that_holds_no_settings(tmp_path: Path, content: str) -> None:
    (tmp_path / "settings.json").write_bytes(content.encode("latin1"))
    with pytest.raises(InputError, match="settings"):
        load_settings(tmp_path / "settings.json")


def test_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read settings"):
        load_settings(tmp_path / "none.json")


def test_the_network_of_settings() -> None:
    settings = TrainSettings(instance_pooling=True, embedding="VC", normalize="person")
    architecture = settings.architecture()
    assert (architecture.blocks, architecture.instance_pooling, architecture.embedding) == ("dgstgcn", True, "VC")
    assert architecture.in_channels == settings.preprocessing().channels == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "skelet-dgstgc"}, "did you mean 'skelet-dgstgcn'"),
        ({"embedding": "VC"}, "belongs to Instance Pooling"),
        ({"stream": "k"}, "unknown stream 'k'"),
        ({"layout": "coco18"}, "did you mean 'coco17'"),
        ({"channels": "64,128"}, "it must be three whole numbers, as 64,128,256"),
        ({"clip_len": 0}, "clip_len is 0"),
    ],
    ids=["network", "embedding alone", "stream", "layout", "channels", "length"],
)
def test_a_network_that_cannot_be(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        replace(TrainSettings(), **changes).architecture()  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_an_unknown_recipe() -> None:
    with pytest.raises(UsageError, match="did you mean 'published'"):
        recipe("publish")
