"""COCO's and COCO-WholeBody's JSON: real annotations, other readers, and faults told by annotation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelact.errors import InputError, UsageError
from skelact.formats.coco import read_coco, write_coco
from skelact.formats.gathering import Given
from skelact.keypoints import FACE, FEET, LEFT_HAND, RIGHT_HAND
from tests.formats.sequences import walkers

TOLD = Given(fps=25.0)
PARTS = {"foot": FEET, "face": FACE, "lefthand": LEFT_HAND, "righthand": RIGHT_HAND}


def triples(count: int, flag: float = 2) -> list[float]:
    return [value for k in range(count) for value in (100 + k, 200 + k, flag)]


def annotation(image: int = 1, **changes: Any) -> dict[str, Any]:
    whole = {
        "id": 1,
        "image_id": image,
        "category_id": 1,
        "bbox": [90, 190, 40, 50],
        "track_id": 3,
        "keypoints": triples(17),
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def parts(flag: float = 2, **valid: bool) -> dict[str, Any]:
    keys = {f"{part}_kpts": triples(len(places), flag) for part, places in PARTS.items()}
    return keys | {f"{part}_valid": valid.get(part, True) for part in PARTS}


def content(*annotations: dict[str, Any], images: Any = None) -> dict[str, Any]:
    images = [{"id": 1, "width": 640, "height": 480}] if images is None else images
    return {"images": images, "annotations": list(annotations), "categories": []}


def saved(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_the_annotations_of_coco_wholebody(shared: Path) -> None:
    path = shared / "wholebody" / "test_coco_wholebody.json"
    truth = json.loads(path.read_text())
    sequence = read_coco(path, TOLD)
    assert sequence.num_frames == 4
    assert (sequence.width, sequence.height) == (640, 429)
    assert "4 sizes" in sequence.notes[0]
    order = sorted(image["id"] for image in truth["images"])
    assert sequence.boxes.any(axis=-1).sum() == 14
    for wanted in truth["annotations"]:
        frame = order.index(wanted["image_id"])
        corner = np.array(wanted["bbox"][:2])
        k = int(np.abs(sequence.boxes[:, frame, :2] - corner).sum(axis=1).argmin())
        body = np.array(wanted["keypoints"]).reshape(17, 3)
        assert np.array_equal(sequence.scores[k, frame, :17] > 0, body[:, 2] > 0)
        np.testing.assert_allclose(sequence.keypoints[k, frame, :17], body[:, :2])
        for part, places in PARTS.items():
            found = np.array(wanted[f"{part}_kpts"]).reshape(-1, 3)
            seen = (found[:, 2] > 0) & bool(wanted[f"{part}_valid"])
            assert np.array_equal(sequence.scores[k, frame, list(places)] > 0, seen), part
            np.testing.assert_allclose(sequence.keypoints[k, frame, list(places)][seen], found[seen, :2], rtol=1e-6)


def test_what_is_written_is_read_by_cocos_own_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from xtcocotools.coco import COCO

    sequence = walkers()
    write_coco(sequence, tmp_path / "a.json")
    coco = COCO(str(tmp_path / "a.json"))
    assert len(coco.getImgIds()) == 6
    assert len(coco.loadAnns(coco.getAnnIds(imgIds=[5]))) == 2
    assert coco.loadCats(1)[0]["name"] == "person"
    first = coco.loadAnns(coco.getAnnIds(imgIds=[0]))[0]
    assert first["num_keypoints"] == 17
    np.testing.assert_allclose(
        np.reshape(first["lefthand_kpts"], (21, 3))[:, :2], sequence.keypoints[0, 0, 91:112], atol=1e-3
    )


def test_what_is_written_is_read_by_mmposes_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from skelact.openmmlab import prepare

    prepare()
    from mmpose.datasets.datasets import CocoWholeBodyDataset

    sequence = walkers(persons=1, frames=2)
    write_coco(sequence, tmp_path / "a.json")
    found = CocoWholeBodyDataset(ann_file=str(tmp_path / "a.json"), data_prefix={"img": ""}, test_mode=True)
    assert len(found) == 2
    np.testing.assert_allclose(found[1]["keypoints"][0], sequence.keypoints[0, 1], atol=1e-3)
    np.testing.assert_allclose(found[1]["bbox"][0], sequence.boxes[0, 1], atol=1e-2)
    assert (found[1]["keypoints_visible"] > 0).all()


FORMS: dict[str, tuple[Any, str, tuple[int, int]]] = {
    "COCO's 17": (content(annotation()), "coco17", (1, 1)),
    "133 by parts": (content(annotation(**parts())), "wholebody133", (1, 1)),
    "133 in one list": (content(annotation(keypoints=triples(133))), "wholebody133", (1, 1)),
    "nobody": (content(), "wholebody133", (0, 1)),
    "a crowd": (content(annotation(iscrowd=1)), "wholebody133", (0, 1)),
    "a box alone": (content(annotation(keypoints=None)), "wholebody133", (1, 1)),
    "a box of a cat": (content(annotation(keypoints=None, category_id=17)), "wholebody133", (0, 1)),
    "no box": (content(annotation(bbox=None)), "coco17", (1, 1)),
    "images by frame_id": (
        content(annotation(9), images=[{"id": k, "frame_id": t, "width": 8, "height": 4} for k, t in ((9, 7), (4, 9))]),
        "coco17", (1, 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("value", "layout", "shape"), FORMS.values(), ids=FORMS)
def test_forms(tmp_path: Path, value: Any, layout: str, shape: tuple[int, int]) -> None:
    sequence = read_coco(saved(tmp_path / "a.json", value), TOLD)
    assert sequence.layout == layout
    assert (sequence.num_instances, sequence.num_frames) == shape


def test_images_are_frames_in_the_order_of_their_ids(tmp_path: Path) -> None:
    images = [{"id": k, "width": 8, "height": 4} for k in (30, 10, 20)]
    sequence = read_coco(saved(tmp_path / "a.json", content(annotation(20), annotation(30), images=images)), TOLD)
    assert sequence.present.tolist() == [[False, True, True]]


@pytest.mark.parametrize(("flag", "score"), [(0, 0), (1, 1), (2, 1), (0.25, 0.25)])
def test_flags_are_scores(tmp_path: Path, flag: float, score: float) -> None:
    value = content(annotation(keypoints=triples(17, flag), **parts(flag)))
    assert (read_coco(saved(tmp_path / "a.json", value), TOLD).scores == score).all()


def test_a_part_that_is_not_valid_was_not_seen(tmp_path: Path) -> None:
    sequence = read_coco(saved(tmp_path / "a.json", content(annotation(**parts(lefthand=False, face=False)))), TOLD)
    seen = sequence.scores[0, 0] > 0
    assert not seen[list(LEFT_HAND)].any()
    assert not seen[list(FACE)].any()
    assert seen[list(RIGHT_HAND)].all()
    assert seen[list(FEET)].all()


def test_a_list_of_results(tmp_path: Path) -> None:
    results = [
        {"image_id": t, "category_id": 1, "score": 0.9, "keypoints": triples(133, 0.5), "bbox": [90 + t, 190, 150, 150]}
        for t in (2, 3, 5)
    ]
    sequence = read_coco(saved(tmp_path / "a.json", results), Given((640, 480), 10.0))
    assert sequence.present.tolist() == [[True, True, False, True]]
    assert (sequence.scores[0, 0] == 0.5).all()
    assert sequence.boxes[0, 0].tolist() == [92, 190, 242, 340]


IMAGES = [{"id": 1, "width": 640, "height": 480}, {"id": 1, "width": 640, "height": 480}]
TEXT = json.dumps(content(annotation()))
FAULTS: dict[str, tuple[Any, str]] = {
    "cut short": (TEXT[:-60], "cut short or empty"),
    "cut within images": (TEXT[:20], "cut short or empty"),
    "empty": ("", "cut short or empty"),
    "NaN": (TEXT.replace("200", "NaN", 1), "NaN and Infinity are none"),
    "another object": ({"a": 1}, "has no images"),
    "images that are numbers": (content(images=[3]), "image 0: it is no object"),
    "an image without id": (content(images=[{"width": 1}]), "image 0: id is 'None'"),
    "an image's id twice": (content(images=IMAGES), "image 1: its id 1 is there twice"),
    "a frame_id twice": (
        content(images=[{"id": k, "frame_id": 1, "width": 8, "height": 8} for k in (1, 2)]), "two images have the same"
    ),
    "an annotation of no image": (content(annotation(7)), "annotation 0: there is no image 7"),
    "an annotation that is a number": (content(3), "annotation 0: it is no object"),
    "a track twice": (content(annotation(), annotation()), "frame 0: track 3 is there twice"),
    "a track in words": (content(annotation(track_id="a")), "track_id is 'a'"),
    "no triples": (content(annotation(keypoints=[1, 2])), "keypoints has 2 numbers, which are no multiple"),
    "18 keypoints": (content(annotation(keypoints=triples(18))), "a person has 18 keypoints"),
    "a hand of 20": (content(annotation(**parts() | {"lefthand_kpts": triples(20)})), "lefthand_kpts has 20 keypoints"),
    "keypoints in lists": (content(annotation(keypoints=[[1, 2, 2]] * 17)), "keypoints has 17 x 3 numbers, where any"),
    "null": (content(annotation(keypoints=[None] * 51)), "keypoints has values that are not finite"),
    "half a box": (content(annotation(bbox=[1, 2])), "bbox has 2 numbers, where 4"),
    "scores for others": (content(annotation(keypoint_scores=[1.0])), "keypoint_scores has 1 numbers, where 17"),
    "brackets without end": ('{"images": ' + "[" * 100_000, "brackets are more than 64 deep"),
    "no result": ([], "holds no frames"),
    "a result without an image": ([{"keypoints": triples(17)}], "result 0: image_id is 'None'"),
    "a result of an image beyond belief": ([annotation(10**9)], "result 0: the number of a frame is"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "message"), FAULTS.values(), ids=FAULTS)
def test_faults_are_told_in_one_sentence(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        read_coco(saved(tmp_path / "a.json", value), Given((640, 480), 25.0))
    assert "a.json" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "told", "message"),
    [
        (content(annotation()), Given(), "give --fps"),
        ([annotation()], TOLD, "give --size"),
        (content(annotation(), images=[{"id": 1}]), TOLD, "give --size"),
        (content(annotation()), Given((64, 48), 25), "states frames of 640x480, not 64x48"),
    ],
    ids=["no rate", "results without size", "images without size", "another size than the file's"],
)
def test_what_has_to_be_given(tmp_path: Path, value: Any, told: Given, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_coco(saved(tmp_path / "a.json", value), told)
