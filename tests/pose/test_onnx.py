"""Networks as ONNX files against the same networks in torch, and against hand-made ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from wholebody import annotated, overlaps

onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install 'skelact[onnx]')")
import onnx_models  # noqa: E402

from benchmarks.random_pose import write_checkpoint, write_onnx  # noqa: E402
from skelact.errors import UsageError, WeightsError  # noqa: E402
from skelact.pose import View, create_detector, create_estimator, topdown, zoo  # noqa: E402
from skelact.pose.onnx_topdown import OnnxTopDown  # noqa: E402

BOXES = np.array([[40, 30, 120, 200], [100, 10, 180, 90], [-30, 50, 60, 260], [150, 150, 320, 240]], np.float32)
IDS = np.arange(len(BOXES))
LARGE = 1000.0  # random weights answer with large numbers; so scores stay below 1 and can be compared


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    coarse = np.random.default_rng(1).integers(0, 256, (15, 20, 3), dtype=np.uint8)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def rtmpose(tmp_path_factory) -> tuple[zoo.EstimatorRow, Path, Path]:
    row = replace(zoo.ESTIMATORS["rtmpose-m"], full_response=LARGE)
    folder = tmp_path_factory.mktemp("rtmpose")
    checkpoint = write_checkpoint(row, folder / "random.pth")
    return row, checkpoint, write_onnx(row, checkpoint, folder / "random.onnx")


def test_keypoints_are_those_of_the_same_network_in_torch(rtmpose, image):
    row, checkpoint, file = rtmpose
    views = [View(image, BOXES, IDS), View(image[::-1].copy(), BOXES[:1], IDS[:1]), View(image, BOXES[:0], IDS[:0])]
    theirs = topdown.TopDown(row, row.network, checkpoint).estimate(views)
    ours = OnnxTopDown(row, file).estimate(views)
    assert [len(poses.scores) for poses in ours] == [4, 1, 0]
    for one, other in zip(ours, theirs, strict=True):
        assert one.keypoints.dtype == one.scores.dtype == np.float32
        np.testing.assert_allclose(one.keypoints, other.keypoints, atol=0.01)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    other = OnnxTopDown(row, file).estimate([View(image[..., ::-1].copy(), BOXES, IDS)])[0]
    changed = np.abs(other.keypoints - ours[0].keypoints).max(axis=2) > 1
    assert changed.mean() > 0.5  # what is compared depends on the images


def test_crops_go_in_chunks_and_an_onnx_file_chooses_its_backend(rtmpose, image, monkeypatch):
    _, _, file = rtmpose
    estimator = create_estimator("rtmpose-m", weights=file)
    assert isinstance(estimator, OnnxTopDown)
    assert estimator.top_down
    assert estimator.name == "rtmpose-m"
    together = estimator.estimate([View(image, BOXES, IDS)])[0]
    monkeypatch.setattr(topdown, "MAX_BATCH", 3)
    chunks = estimator.estimate([View(image, BOXES, IDS)])[0]
    np.testing.assert_allclose(chunks.keypoints, together.keypoints, atol=0.01)


@pytest.mark.parametrize("batch", ["batch", 1], ids=["free batch", "one at a time"])
def test_a_keypoint_is_where_its_response_is_highest(tmp_path, batch):
    file = onnx_models.brightest(tmp_path / "brightest.onnx", 48, 64, batch=batch)
    frame = np.zeros((300, 400, 3), np.uint8)
    places = np.array([[60, 70], [250, 200], [330, 40]])
    for x, y in places:
        cv2.circle(frame, (int(x), int(y)), 8, (255, 255, 255), -1)
    frame = cv2.GaussianBlur(frame, (0, 0), 5)
    boxes = np.hstack([places - 25, places + np.array([20, 35])])
    poses = create_estimator("rtmpose-m", weights=file).estimate([View(frame, boxes, np.arange(3))])[0]
    # A pixel of the crops is 1.2 of the frame.
    assert np.abs(poses.keypoints - places[:, None]).max() <= 1.2
    assert (poses.scores == 1).all()


def test_boxes_are_brought_back_to_the_image_and_weak_ones_and_others_left_out(tmp_path):
    dets = [
        [32, 16, 64, 48, 0.9],
        [-9, -9, 16, 16, 0.8],
        [8, 8, 24, 24, 0.5],
        [0, 0, 9, 9, 0.05],
        [70, 65, 80, 80, 0.3],
    ]
    file = onnx_models.detector(tmp_path / "small.onnx", 80, 80, dets, [0, 0, 2, 0, 0])
    detector = create_detector(str(file))
    assert detector.name == "small"
    # 160 x 120 is halved to 80 x 60: the last box lies in the padding.
    found = detector.detect([np.zeros((120, 160, 3), np.uint8)] * 2)
    for each in found:
        np.testing.assert_allclose(each.boxes, [[64, 32, 128, 96], [0, 0, 32, 32]], atol=1e-4)
        np.testing.assert_allclose(each.scores, [0.9, 0.8])
        assert each.boxes.dtype == each.scores.dtype == np.float32
    assert detector.detect([]) == []


@pytest.fixture(scope="module")
def nano(shared):
    return create_detector(str(shared / "weights" / "rtmdet_nano_person_320_nms.onnx"))


def test_real_weights_find_what_they_find_in_torch(nano, shared):
    other = create_detector(str(shared / "weights" / "rtmdet_nano_person.pth"))
    video = cv2.VideoCapture(str(shared / "videos" / "street.mp4"))
    images = [image for image, _ in annotated(shared)] + [video.read()[1] for _ in range(3)]
    unpaired = total = 0
    for image in images:
        ours, theirs = nano.detect([image])[0], other.detect([image])[0]
        paired = overlaps(ours.boxes, theirs.boxes) > 0.99
        first, second = np.nonzero(paired)
        np.testing.assert_allclose(ours.boxes[first], theirs.boxes[second], atol=0.1)
        np.testing.assert_allclose(ours.scores[first], theirs.scores[second], atol=1e-4)
        unpaired += (~paired.any(axis=1)).sum() + (~paired.any(axis=0)).sum()
        total += len(theirs.scores)
    assert total > 150
    assert unpaired <= 0.02 * total


def test_several_images_give_what_each_one_gives(nano, shared):
    video = cv2.VideoCapture(str(shared / "videos" / "street.mp4"))
    images = [video.read()[1] for _ in range(3)]
    for alone, together in zip(images, nano.detect(images), strict=True):
        np.testing.assert_array_equal(nano.detect([alone])[0].boxes, together.boxes)


def text(file: Path) -> Path:
    file.write_text("no network")
    return file


def cut(file: Path) -> Path:
    whole = onnx_models.brightest(file, 48, 64).read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    return file


def custom_operator(file: Path) -> Path:
    nodes = [onnx_models.node("Launch", ["input"], ["out"], domain="elsewhere")]
    gives = {"out": (onnx_models.FLOAT, ["batch", 3, 8, 8])}
    return onnx_models.write(file, nodes, {}, takes=("batch", 3, 8, 8), gives=gives)


def identity(file: Path, takes: tuple, kind: int = onnx_models.FLOAT) -> Path:
    gives = {"out": (kind, list(takes))}
    return onnx_models.write(
        file, [onnx_models.node("Identity", ["input"], ["out"])], {}, takes=takes, gives=gives, kind=kind
    )


def data_elsewhere(file: Path) -> Path:
    """Weights that are to be read from a file outside the network's folder."""
    from onnx.external_data_helper import set_external_data

    (file.parent.parent / "elsewhere.bin").write_bytes(bytes(64))
    model = onnx_models.onnx.load(onnx_models.brightest(file, 48, 64))
    tensor = model.graph.initializer[0]
    set_external_data(tensor, "../elsewhere.bin", 0, len(tensor.raw_data))
    tensor.ClearField("raw_data")
    file.write_bytes(model.SerializeToString())
    return file


UNFIT = [
    pytest.param(lambda file: file, "there is no ONNX file at", id="missing"),
    pytest.param(text, "is no ONNX file that onnxruntime can use", id="a text"),
    pytest.param(cut, "is no ONNX file that onnxruntime can use", id="cut short"),
    pytest.param(custom_operator, "is no ONNX file that onnxruntime can use", id="with a custom operator"),
    pytest.param(data_elsewhere, "is no ONNX file that onnxruntime can use", id="with weights in another folder"),
    pytest.param(lambda file: identity(file, (1, 5)), "rather than float images", id="of something else than images"),
    pytest.param(
        lambda file: identity(file, (1, 3, 64, 48), onnx_models.onnx.TensorProto.FLOAT16),
        r"tensor\(float16\)",
        id="in half precision",
    ),
    pytest.param(lambda file: identity(file, (4, 3, 64, 48)), "rather than float images", id="of four images at once"),
    pytest.param(
        lambda file: identity(file, (1, 3, 64, 48)), r"outputs have the shapes \[\(3, 64, 48\)\]", id="an image"
    ),
]


@pytest.mark.parametrize(("make", "message"), UNFIT)
@pytest.mark.parametrize("kind", ["estimator", "detector"])
def test_a_file_that_does_not_fit_is_one_sentence(tmp_path, make, message, kind):
    (tmp_path / "nets").mkdir()
    file = make(tmp_path / "nets" / "some.onnx")
    with pytest.raises(WeightsError, match=rf"some\.onnx.*{message}|{message}.*some\.onnx") as caught:
        create_detector(str(file)) if kind == "detector" else create_estimator("rtmpose-m", weights=file)
    assert "\n" not in str(caught.value)


def test_another_number_of_keypoints_and_a_pose_network_as_detector_are_refused(tmp_path):
    body = onnx_models.brightest(tmp_path / "body.onnx", 48, 64, keypoints=17)
    with pytest.raises(WeightsError, match=r"body\.onnx is no whole-body network: .*48 x 64.*\(17, 48\), \(17, 64\)"):
        create_estimator("rtmw-l", weights=body)
    with pytest.raises(WeightsError, match=r"body\.onnx is no detector"):
        create_detector(str(body))


def test_a_gpu_that_onnxruntime_cannot_use_is_told_of(monkeypatch):
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has CUDA")
    monkeypatch.setattr("skelact.pose.onnx_session.resolve_device", lambda name: name)
    with pytest.raises(UsageError, match="cannot use cuda:1: install onnxruntime-gpu"):
        create_detector("rtmdet-nano", backend="onnx", device="cuda:1")
