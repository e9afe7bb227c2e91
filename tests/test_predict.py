"""From a name to a recognizer, and from a sequence to its actions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from skelact.errors import InputError, NobodySeenError, UsageError, WeightsError
from skelact.formats import save_sequence
from skelact.models import Architecture, Recognizer, create_model
from skelact.models.preprocessing import Preprocessing
from skelact.models.zoo import ZOO, zoo_entry
from skelact.predict import find_recognizer, predict, predict_sequence
from skelact.recognition import TrainedRecognizer, save_recognizer
from skelact.sequence import PoseSequence
from skelact.settings import ExtractSettings


def sequence(instances: int = 1, frames: int = 20) -> PoseSequence:
    """Random keypoints of a whole body in each frame."""
    random = np.random.default_rng(0)
    return PoseSequence(
        keypoints=random.uniform(0, 480, (instances, frames, 133, 2)).astype(np.float32),
        scores=np.full((instances, frames, 133), 0.9, np.float32),
        boxes=np.zeros((instances, frames, 4), np.float32),
        track_ids=np.arange(instances),
        timestamps=np.arange(frames) / 25,
        width=640,
        height=480,
        fps=25.0,
        source="clip.mp4",
        estimator="rtmw-l + rtmdet-m",
        notes=("28 of 50 stated frames decode",),
    )


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


def test_the_most_probable_actions_come_first(recognizer: TrainedRecognizer) -> None:
    probabilities = recognizer.probabilities(sequence())
    prediction = predict_sequence(sequence(), recognizer, top_k=3)
    assert [action.probability for action in prediction.actions] == sorted(probabilities, reverse=True)[:3]
    for action in prediction.actions:
        assert probabilities[recognizer.class_names.index(action.name)] == action.probability


def test_a_prediction_tells_what_it_comes_from(recognizer: TrainedRecognizer) -> None:
    prediction = predict_sequence(sequence(instances=2), recognizer)
    assert (prediction.source, prediction.model, prediction.estimator) == ("clip.mp4", "four", "rtmw-l + rtmdet-m")
    assert (prediction.persons, prediction.frames) == (2, 20)
    assert prediction.seconds == pytest.approx(0.8)
    assert prediction.notes == ("28 of 50 stated frames decode",)
    assert len(prediction.actions) == 4
    plain = json.loads(json.dumps(prediction.to_dict()))
    assert plain["actions"][0] == {"name": prediction.actions[0].name, "probability": prediction.actions[0].probability}


def test_persons_not_looked_at_are_noted(recognizer: TrainedRecognizer) -> None:
    prediction = predict_sequence(sequence(instances=5), recognizer)
    assert prediction.persons == 5
    assert prediction.notes[-1] == "four looks at 2 of the 5 persons: those seen longest"


@pytest.mark.parametrize("top_k", [0, -1])
def test_no_action_is_none_to_ask_for(recognizer: TrainedRecognizer, top_k: int) -> None:
    with pytest.raises(UsageError, match=f"top-k is {top_k}"):
        predict_sequence(sequence(), recognizer, top_k=top_k)


@pytest.mark.parametrize(("instances", "frames"), [(0, 20), (0, 0), (1, 0)])
def test_an_empty_sequence_is_not_labelled(recognizer: TrainedRecognizer, instances: int, frames: int) -> None:
    with pytest.raises(NobodySeenError, match=r"nobody was seen in clip\.mp4"):
        predict_sequence(sequence(instances, frames), recognizer)


def test_a_sequence_of_one_frame(recognizer: TrainedRecognizer) -> None:
    prediction = predict_sequence(sequence(frames=1), recognizer, top_k=1)
    assert prediction.seconds == pytest.approx(0.04)
    assert len(prediction.actions) == 1


def test_a_saved_sequence_and_a_saved_recognizer(tmp_path: Path, recognizer: TrainedRecognizer) -> None:
    save_sequence(sequence(), tmp_path / "clip.npz")
    save_recognizer(recognizer, tmp_path / "four.safetensors")
    wanted = predict_sequence(sequence(), recognizer)
    for model in (recognizer, str(tmp_path / "four.safetensors")):
        assert predict(tmp_path / "clip.npz", model=model, extraction=ExtractSettings(device="cpu")) == wanted


def test_a_source_that_is_missing_is_told_before_weights_are_asked_for(home: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file .*none\.npz"):
        predict(home / "none.npz", extraction=ExtractSettings(offline=True))


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
    actions = predict_sequence(sequence(instances=2), recognizer, top_k=120).actions
    assert {action.name for action in actions} == set(recognizer.class_names)
    assert sum(action.probability for action in actions) == pytest.approx(1)


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of a web server on this computer that delivers a folder."""

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args: object) -> None:
            """Nothing on stderr."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        thread.join()
        running.server_close()


def test_ntu120_is_downloaded_once(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = publish(tmp_path / "published" / "j.pth")
    with server(tmp_path / "published") as address:
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
