"""From a name, or a file, to a recognizer; streams of one averaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.ensemble import Ensemble
from skelact.errors import InputError, UsageError, WeightsError
from skelact.models import Architecture, Recognizer, create_model
from skelact.models.preprocessing import Preprocessing
from skelact.models.zoo import ZOO, zoo_entry
from skelact.recognition import TrainedRecognizer, save_recognizer
from skelact.recognizers import find_ensemble, find_recognizer
from skelact.sequence import PoseSequence
from tests.formats.sequences import walkers
from tests.publishing import serving


def made_up(instances: int, frames: int, seed: int = 0) -> PoseSequence:
    """Persons who walk to the right."""
    return walkers(frames=frames, persons=instances, seed=seed)


@pytest.fixture
def recognizer() -> TrainedRecognizer:
    torch.manual_seed(0)
    model = Recognizer(Architecture("stgcnpp", skelet=False, layout="coco17", channels=(12, 24)), 4).eval()
    torch.nn.init.normal_(model.cls_head.fc_cls.weight)
    return TrainedRecognizer(model, Preprocessing("coco17", clip_len=10), ("sit", "stand", "walk", "jump"), "four", {})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("SKELACT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def publish(path: Path, classes: int = 120) -> dict[str, torch.Tensor]:
    """A checkpoint as PYSKL publishes them, with weights of no use; its tensors."""
    torch.manual_seed(1)
    model = create_model("stgcnpp", classes)
    torch.nn.init.normal_(model.cls_head.fc_cls.weight)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"meta": {"epoch": 16}, "state_dict": model.state_dict()}, path)
    return model.state_dict()


def assert_weights(recognizer: TrainedRecognizer, state: dict[str, torch.Tensor]) -> None:
    for name, tensor in recognizer.model.state_dict().items():
        assert torch.equal(tensor, state[name]), name


@pytest.mark.parametrize(("name", "nearest"), [("ntu-120", "ntu120"), ("asl_words", "asl-words")])
def test_an_unknown_recognizer_suggests_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"unknown model {name!r}: did you mean {nearest!r}"):
        find_recognizer(name)
    with pytest.raises(UsageError, match=f"did you mean {nearest!r}"):
        zoo_entry(name)


def test_a_file_that_is_missing_or_no_recognizer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no recognizer at .*mine\.safetensors"):
        find_recognizer(str(tmp_path / "mine.safetensors"))
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(WeightsError, match=r"notes\.txt"):
        find_recognizer(str(tmp_path / "notes.txt"))


def test_the_bundled_recognizer_needs_no_network(home: Path) -> None:
    assert find_recognizer("asl-words", offline=True).name == "asl-words"
    assert not home.exists()


def test_the_default_falls_back_to_the_bundled_recognizer_and_says_so(home: Path) -> None:
    warnings: list[str] = []
    assert find_recognizer(None, offline=True, warn=warnings.append).name == "asl-words"
    assert len(warnings) == 1
    for part in ("asl-words", "ntu120", "the network is not used", str(home / "ntu120" / "j.pth")):
        assert part in warnings[0]


def test_a_recognizer_asked_for_by_name_does_not_fall_back(home: Path) -> None:
    with pytest.raises(WeightsError, match="the network is not used"):
        find_recognizer("ntu120", offline=True)
    assert not home.exists()


def test_ntu120_from_a_file_put_in_the_cache_by_hand(home: Path) -> None:
    state = publish(home / "ntu120" / "j.pth")
    warnings: list[str] = []
    recognizer = find_recognizer(None, offline=True, warn=warnings.append)
    assert warnings == []
    assert_weights(recognizer, state)
    assert len(set(recognizer.class_names)) == 120
    assert (recognizer.class_names[0], recognizer.class_names[54]) == ("drink water", "hugging other person")
    assert recognizer.probabilities([made_up(2, 20)])[0].sum() == pytest.approx(1)


def test_ntu120_is_downloaded_once(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = publish(tmp_path / "published" / "j.pth")
    with serving(tmp_path / "published") as address:
        monkeypatch.setitem(ZOO, "ntu120", replace(ZOO["ntu120"], addresses=(("j", f"{address}/j.pth"),)))
        online = find_recognizer("ntu120")
    offline = find_recognizer("ntu120", offline=True)
    assert_weights(online, state)
    assert_weights(offline, state)


def test_weights_of_another_data_set_are_refused(home: Path) -> None:
    publish(home / "ntu120" / "j.pth", classes=60)
    with pytest.raises(WeightsError, match=r"classes are \('coco17', 3, 60\)"):
        find_recognizer("ntu120", offline=True)


def test_a_login_page_in_place_of_the_weights_is_refused(home: Path) -> None:
    (home / "ntu120").mkdir(parents=True)
    (home / "ntu120" / "j.pth").write_text("<html>log in</html>")
    with pytest.raises(WeightsError, match=r"j\.pth is not read"):
        find_recognizer("ntu120", offline=True)


def test_every_entry_of_the_zoo_has_a_card_and_a_licence() -> None:
    for name, entry in ZOO.items():
        assert entry.name == name
        assert entry.card.read_text(encoding="utf-8").startswith(f"# {name}\n")
        assert entry.licence
        assert entry.about


def test_the_labels_are_those_of_the_data_set(shared: Path) -> None:
    assert ZOO["ntu120"].class_names() == tuple((shared / "facts" / "nturgbd_120.txt").read_text().splitlines())


def test_a_stream_is_published_or_not() -> None:
    assert ZOO["ntu120"].address("bm").endswith("/bm.pth")
    with pytest.raises(UsageError, match="unknown stream of ntu120 'bones'"):
        ZOO["ntu120"].address("bones")


def test_streams_of_a_model_are_averaged_by_the_published_weights(home: Path) -> None:
    states = {stream: publish(home / "ntu120" / f"{stream}.pth") for stream in ("j", "b", "jm", "bm")}
    ensemble = find_ensemble(streams=("j", "b", "jm", "bm"), offline=True)
    assert ensemble.name == "ntu120 j+b+jm+bm"
    assert ensemble.weights == pytest.approx((0.3, 0.3, 0.2, 0.2))
    assert [member.preprocessing.stream for member in ensemble.members] == list(states)
    sequences = [made_up(2, 30), made_up(1, 30, seed=1)]
    expected = sum(
        weight * member.probabilities(sequences)
        for weight, member in zip(ensemble.weights, ensemble.members, strict=True)
    )
    np.testing.assert_allclose(ensemble.probabilities(sequences), expected)
    assert not np.allclose(ensemble.members[0].probabilities(sequences), expected, rtol=1e-3, atol=0)


def test_one_stream_alone(home: Path) -> None:
    publish(home / "ntu120" / "b.pth")
    ensemble = find_ensemble(["ntu120"], ("b",), offline=True)
    assert (len(ensemble.members), ensemble.members[0].preprocessing.stream) == (1, "b")


@pytest.mark.parametrize(
    ("models", "streams", "why"),
    [
        (["asl-words"], ("j", "b"), "unknown stream of asl-words 'b'"),
        (["ntu120"], ("j", "jm"), "no weights are published for streams j, jm"),
        (["mine.safetensors"], ("j", "b"), "unknown recognizer 'mine.safetensors'"),
    ],
)
def test_streams_that_there_are_not(home: Path, models: list[str], streams: tuple[str, ...], why: str) -> None:
    for stream in ("j", "jm"):
        publish(home / "ntu120" / f"{stream}.pth")
    with pytest.raises(UsageError, match=why):
        find_ensemble(models, streams, offline=True)


def test_several_recognizers_are_averaged_by_class_name(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    turned = replace(recognizer, class_names=recognizer.class_names[::-1], name="turned")
    for one in (recognizer, turned):
        save_recognizer(one, tmp_path / f"{one.name}.safetensors")
    both = find_ensemble([str(tmp_path / f"{one.name}.safetensors") for one in (recognizer, turned)])
    assert both.name == "four+turned"
    first = recognizer.probabilities([made_up(1, 20)])[0]
    np.testing.assert_allclose(both.probabilities([made_up(1, 20)])[0], (first + first[::-1]) / 2)


def test_recognizers_of_other_classes_are_not_averaged(recognizer: TrainedRecognizer) -> None:
    other = replace(recognizer, class_names=("sit", "stand", "walk", "fly"), name="birds")
    with pytest.raises(InputError, match="four and birds know other classes"):
        Ensemble.of([recognizer, other])
