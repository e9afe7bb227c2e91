from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wholebody import annotated, box, keypoints

from skelact.keypoints import FACE, LEFT_HAND, RIGHT_HAND, get_layout
from skelact.pose import View, create_estimator, holistic
from skelact.pose.landmarks import to_wholebody

MIRROR = list(get_layout("wholebody133").mirror)
ONE = np.array([7])
NOBODY = SimpleNamespace(pose_landmarks=None)


@pytest.fixture
def estimator():
    created = create_estimator("mediapipe")
    yield created
    created.close()


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """A public-domain portrait, head to waist, that comes with matplotlib."""
    matplotlib = pytest.importorskip("matplotlib")
    file = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    image = cv2.imread(str(file))
    if image is None:
        pytest.skip("this matplotlib comes without its sample portrait")
    return image


def whole(image: np.ndarray) -> np.ndarray:
    return np.array([[0, 0, image.shape[1], image.shape[0]]])


def frames(file: Path, count: int) -> list[np.ndarray]:
    video = cv2.VideoCapture(str(file))
    return [video.read()[1] for _ in range(count)]


def test_a_portrait(estimator, portrait):
    assert not estimator.top_down
    poses = estimator.estimate([View(portrait, whole(portrait), ONE)])[0]
    points, scores = poses.keypoints[0], poses.scores[0]
    assert poses.keypoints.shape == (1, 133, 2)
    assert poses.keypoints.dtype == poses.scores.dtype == np.float32
    assert (scores[[0, 1, 2, 5, 6]] > 0.9).all()
    assert (scores[23:91] == 1).all()
    assert not scores[[18, 21]].any()
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert points[5, 0] > points[0, 0] > points[6, 0]  # she faces the camera: her left is on the picture's right
    assert points[1, 1] < points[0, 1] < points[5, 1]
    jaw, right_eye, left_eye, mouth = points[23:40], points[59:65], points[65:71], points[71:83]
    assert jaw[0, 0] < right_eye[:, 0].mean() < points[23 + 30, 0] < left_eye[:, 0].mean() < jaw[16, 0]
    assert right_eye[:, 1].max() < points[23 + 30, 1] < mouth[:, 1].min() < jaw[8, 1]
    size = np.ptp(points[23:91, 1])
    assert np.linalg.norm(points[1] - left_eye.mean(axis=0)) < 0.1 * size
    assert np.linalg.norm(points[2] - right_eye.mean(axis=0)) < 0.1 * size


def test_a_mirrored_picture_gives_mirrored_keypoints(portrait, estimator):
    poses = estimator.estimate([View(portrait, whole(portrait), ONE)])[0]
    mirrored = estimator.estimate([View(np.ascontiguousarray(portrait[:, ::-1]), whole(portrait), ONE + 1)])[0]
    back = mirrored.keypoints[0][MIRROR] * (-1, 1) + (portrait.shape[1] - 1, 0)
    both = (poses.scores[0] > 0.5) & (mirrored.scores[0][MIRROR] > 0.5)
    face = np.ptp(poses.keypoints[0, 23:91, 1])
    distance = np.linalg.norm(poses.keypoints[0] - back, axis=1)[both] / face
    assert both[[1, 2, 5, 6]].all()
    assert both[23:91].all()
    assert np.median(distance) < 0.03
    assert distance.max() < 0.2


def test_a_box_is_looked_at_alone_and_placed_in_the_whole_frame(portrait, estimator):
    height, width = portrait.shape[:2]
    wide = np.full((height + 40, 3 * width, 3), 90, np.uint8)
    wide[30 : 30 + height, 2 * width :] = portrait
    boxes = np.array([[2 * width + 60, 60, 3 * width - 60, height + 30], [0, 0, width, height]])
    poses = estimator.estimate([View(wide, boxes, np.array([1, 2]))])[0]
    alone = estimator.estimate([View(portrait, whole(portrait), np.array([3]))])[0]
    np.testing.assert_allclose(
        poses.keypoints[0, 23:91] - (2 * width, 30), alone.keypoints[0, 23:91], atol=0.05 * height
    )
    assert not poses.scores[1].any()
    assert not poses.keypoints[1].any()


@pytest.mark.parametrize("kind", ["black", "noise"])
def test_no_person_has_no_scores(estimator, kind):
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), dtype=np.uint8)
    image = noise if kind == "noise" else np.zeros_like(noise)
    poses = estimator.estimate([View(image, whole(image), ONE)])[0]
    assert not poses.scores.any()
    assert not poses.keypoints.any()
    empty = estimator.estimate([View(image, np.zeros((0, 4)), np.zeros(0, np.int64))])[0]
    assert empty.keypoints.shape == (0, 133, 2)


def test_its_libraries_write_nothing(capfd, portrait, estimator):
    nobody = np.zeros_like(portrait)
    for image in (nobody, portrait, portrait):
        estimator.estimate([View(image, whole(image), ONE)])[0]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("face", [True, False])
def test_frames_that_overlap_give_what_the_solution_gives(portrait, face):
    """Five pictures of a portrait that moves, all in the graph at a time."""
    from mediapipe.python.solutions.holistic import Holistic as Solution

    images = [np.roll(portrait, 6 * k, axis=1) for k in range(5)]
    estimator, solution = holistic.Holistic(face=face), Solution(model_complexity=1)
    overlapping = estimator.estimate([View(image, whole(image), ONE) for image in images])
    height, width = portrait.shape[:2]
    for image, poses in zip(images, overlapping, strict=True):
        points, scores = to_wholebody(solution.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
        seen = scores > 0
        assert seen[list(FACE)].all()
        if not face:
            seen[list(FACE)] = False
        np.testing.assert_array_equal(poses.scores[0], scores * seen)
        np.testing.assert_allclose(poses.keypoints[0][seen], (points * (width, height))[seen], rtol=1e-6)
    estimator.close()
    solution.close()


def test_persons_side_by_side_are_as_one_after_another(portrait):
    """Three portraits that move, the third one present only in every second frame."""
    height, width = portrait.shape[:2]
    views = []
    for step in range(4):
        wide = np.full((height + 40, 3 * width + 40, 3), 90, np.uint8)
        boxes = np.array(
            [[k * width + 8 * step, 5 * step, (k + 1) * width + 8 * step, height + 5 * step] for k in range(3)]
        )
        for left, top, right, bottom in boxes:
            wide[top:bottom, left:right] = portrait
        present = [0, 1, 2] if step % 2 else [1, 0]
        views.append(View(wide, boxes[present], np.array(present)))
    side_by_side, in_turn = create_estimator("mediapipe"), create_estimator("mediapipe")
    together = side_by_side.estimate(views)
    for view, poses in zip(views, together, strict=True):
        assert (poses.scores > 0).any(axis=1).all()
        for k in range(len(view.boxes)):
            one = in_turn.estimate([View(view.image, view.boxes[k : k + 1], view.track_ids[k : k + 1])])[0]
            np.testing.assert_array_equal(poses.keypoints[k], one.keypoints[0])
            np.testing.assert_array_equal(poses.scores[k], one.scores[0])
    side_by_side.close()
    in_turn.close()


def test_stderr_is_back_after_graphs_were_opened_side_by_side(capfd, estimator, portrait):
    box = whole(portrait)
    estimator.estimate([View(portrait, np.concatenate([box, box, box]), np.arange(3))])
    assert capfd.readouterr() == ("", "")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"


@pytest.fixture
def graphs(monkeypatch):
    """MediaPipe's graphs replaced by ones that see nobody; each notes what it was shown and whether it is closed."""
    made = []

    class Graph:
        most_open = 0

        def __init__(self, face, lite):
            self.shapes, self.closed = [], False
            made.append(self)
            Graph.most_open = max(Graph.most_open, sum(not graph.closed for graph in made))

        def process(self, images):
            assert not self.closed
            self.shapes += [image.shape for image in images]
            return [NOBODY] * len(images)

        def close(self):
            self.closed = True

    monkeypatch.setattr(importlib.import_module("skelact.pose.graph"), "HolisticGraph", Graph)
    return made


def test_each_person_has_a_graph_and_the_longest_unseen_gives_way(graphs, estimator):
    image = np.zeros((100, 200, 3), np.uint8)
    everyone = np.arange(holistic.MAX_PEOPLE)
    boxes = np.tile([20, 20, 60, 80], (len(everyone), 1))
    for k in everyone:  # one by one, as threads side by side would open their graphs in any order
        estimator.estimate([View(image, boxes[:1], everyone[k : k + 1])])
    estimator.estimate([View(image, boxes[:1], everyone[:1])])[0]
    assert len(graphs) == holistic.MAX_PEOPLE
    assert len(graphs[0].shapes) == 2

    estimator.estimate([View(image, boxes[:1], np.array([99]))])[0]
    assert [graph.closed for graph in graphs] == [False, True, *[False] * (holistic.MAX_PEOPLE - 1)]
    estimator.close()
    assert all(graph.closed for graph in graphs)


def crowd(people, frames=3):
    image = np.zeros((100, 200, 3), np.uint8)
    return [View(image, np.tile([20, 20, 60, 80], (people, 1)), np.arange(people)) for _ in range(frames)]


def test_a_crowd_is_looked_at_with_no_more_graphs_than_may_be_held(graphs, estimator):
    estimator.estimate(crowd(holistic.MAX_PEOPLE + 3))
    assert len(graphs) == holistic.MAX_PEOPLE + 3
    assert all(len(graph.shapes) == 3 for graph in graphs)
    assert graphs[0].most_open <= holistic.MAX_PEOPLE
    lasting = [graph for graph in graphs if not graph.closed]
    assert len(lasting) == holistic.MAX_PEOPLE - holistic.TURNS

    estimator.estimate(crowd(holistic.MAX_PEOPLE + 3))
    assert all(len(graph.shapes) == 6 for graph in lasting)
    assert len(graphs) == holistic.MAX_PEOPLE + 3 + holistic.TURNS + 3
    assert graphs[0].most_open <= holistic.MAX_PEOPLE
    estimator.close()
    assert all(graph.closed for graph in graphs)


@pytest.mark.parametrize("how", ["a graph fails", "Ctrl-C"])
def test_the_others_stop_where_one_breaks_off(graphs, estimator, monkeypatch, how):
    estimator.estimate(crowd(3, frames=1))
    stubborn, *others = graphs

    pressed = []
    at_work = threading.Barrier(3)
    begun = threading.local()

    def begin():
        """Return once all three are at work."""
        if not hasattr(begun, "done"):
            begun.done = True
            at_work.wait(timeout=60)

    def process(images):
        if how == "Ctrl-C":
            if not pressed:
                begin()
                time.sleep(0.1)  # until who started them waits for them
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            pressed.append(1)
            time.sleep(0.2)  # a look takes a while, within which the others are told
            return [NOBODY] * len(images)
        raise RuntimeError("a packet was lost")

    def slow(images):
        if how == "Ctrl-C":
            begin()
        time.sleep(0.02)
        looks.extend(images)
        return [NOBODY] * len(images)

    looks: list[np.ndarray] = []
    monkeypatch.setattr(stubborn, "process", process)
    for other in others:
        monkeypatch.setattr(other, "process", slow)
    with pytest.raises(KeyboardInterrupt if how == "Ctrl-C" else RuntimeError):
        estimator.estimate(crowd(3, frames=500))
    assert len(looks) < 2 * 250
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("skelact-person")]
    estimator.close()
    assert all(graph.closed for graph in graphs)


def test_a_crop_stays_while_the_person_trembles_and_follows_when_they_walk(graphs, estimator):
    image = np.zeros((400, 600, 3), np.uint8)
    for shift in (0, 3, -4, 5):
        estimator.estimate([View(image, np.array([[200 + shift, 100, 300, 300 - shift]]), ONE)])[0]
    assert set(graphs[0].shapes) == {(250, 126, 3)}
    estimator.estimate([View(image, np.array([[500, 100, 600, 300]]), ONE)])[0]
    assert graphs[0].shapes[-1] == (250, 113, 3)  # at the frame's edge
    estimator.estimate([View(image, np.array([[520, 100, 560, 180]]), ONE)])[0]
    assert graphs[0].shapes[-1] == (100, 50, 3)


corner = st.floats(-100, 700)
extent = st.floats(0, 500)


@given(x=corner, y=corner, width=extent, height=extent)
def test_a_crop_is_never_empty_and_holds_the_box_it_was_made_for(x, y, width, height):
    box_ = np.array([x, y, x + width, y + height])
    left, top, right, bottom = holistic.around(box_, holistic.MARGIN, 640, 480)
    assert 0 <= left < right <= 640
    assert 0 <= top < bottom <= 480
    inside = np.clip(box_, 0, [640, 480, 640, 480])
    if width and height and inside[2] > inside[0] and inside[3] > inside[1]:
        assert left <= inside[0]
        assert top <= inside[1]
        assert right >= inside[2]
        assert bottom >= inside[3]
        assert holistic.stays((left, top, right, bottom), box_, 640, 480)


def test_true_keypoints_of_several_people(shared, estimator):
    errors = {"body": [], "face": []}
    visible = 0
    number = 0
    for image, people in annotated(shared):
        people = [person for person in people if person["num_keypoints"]]
        boxes = np.array([box(person) for person in people])
        ids = number + np.arange(len(people))
        number += len(people)
        poses = estimator.estimate([View(image, boxes, ids)])[0]
        for k, person in enumerate(people):
            truth = keypoints(person)
            size = np.sqrt(np.prod(boxes[k, 2:] - boxes[k, :2]))
            distance = np.linalg.norm(poses.keypoints[k] - truth[:, :2], axis=1) / size
            annotated_ = truth[:, 2] > 0
            visible += annotated_[:17].sum()
            errors["body"] += distance[:17][annotated_[:17] & (poses.scores[k, :17] >= 0.3)].tolist()
            errors["face"] += distance[23:91][annotated_[23:91] & (poses.scores[k, 23:91] > 0)].tolist()
    # Distance by the square root of the box's area, 12 people: when this was written 173 of 181 annotated
    # keypoints of the body were found, median 0.037, mean 0.060; faces of 4, median 0.005.
    assert visible == 181
    assert len(errors["body"]) >= 150
    assert np.median(errors["body"]) < 0.05
    assert np.mean(errors["body"]) < 0.09
    assert len(errors["face"]) >= 2 * 68
    assert np.median(errors["face"]) < 0.01


@pytest.mark.parametrize(("clip", "hands"), [("ntu_drink_water.avi", (1, 0)), ("juggle.mp4", (1, 1))])
def test_a_person_in_a_video_is_followed(shared, estimator, clip, hands):
    found = [estimator.estimate([View(frame, whole(frame), ONE)])[0] for frame in frames(shared / "videos" / clip, 12)]
    points = np.array([poses.keypoints[0] for poses in found])
    scores = np.array([poses.scores[0] for poses in found])
    assert (scores[:, [0, 5, 6, 11, 12]] > 0.8).all()
    assert (points[:, 5, 0] > points[:, 6, 0]).all()
    height = np.ptp(points[:, [0, 15, 16], 1], axis=1).mean()
    for wanted, root, wrist in zip(hands, (91, 112), (9, 10), strict=True):
        seen = scores[:, root] > 0
        if wanted:
            assert seen.mean() > 0.3
        # A hand hangs on the wrist of its own side, not on the other one.
        assert (np.linalg.norm(points[seen, root] - points[seen, wrist], axis=1) < 0.06 * height).all()
    steps = np.linalg.norm(np.diff(points[:, [5, 6, 11, 12]], axis=0), axis=-1)
    assert steps.max() < 0.05 * height


def test_hands_without_a_body(shared, estimator):
    for frame in frames(shared / "videos" / "coffee_hands.mp4", 5):
        poses = estimator.estimate([View(frame, whole(frame), ONE)])[0]
        assert np.isfinite(poses.keypoints).all()
        assert not poses.scores[0, 23:91].any()  # no face is in this clip
        unseen = poses.scores[0] == 0
        assert not poses.keypoints[0][unseen].any()
        assert (poses.keypoints[0] <= (frame.shape[1], frame.shape[0])).all()


def test_the_smaller_network_finds_a_clear_hand_where_the_larger_one_does(shared):
    images = frames(shared / "videos" / "juggle.mp4", 8)
    views = [View(image, whole(image), ONE) for image in images]
    large, small = create_estimator("mediapipe"), create_estimator("mediapipe-lite")
    assert (large.name, small.name) == ("mediapipe", "mediapipe-lite")
    hands = [*LEFT_HAND, *RIGHT_HAND]
    for ours, theirs in zip(small.estimate(views), large.estimate(views), strict=True):
        both = [k for k in hands if ours.scores[0, k] and theirs.scores[0, k]]
        assert len(both) >= 21
        away = np.linalg.norm(ours.keypoints[0, both] - theirs.keypoints[0, both], axis=1)
        assert 0 < np.median(away) < 6  # pixels; the hands measure about 50
    large.close()
    small.close()
