from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from skelact.keypoints import get_layout
from skelact.pose.landmarks import BLAZEPOSE_BODY, BLAZEPOSE_FEET, MESH_FACE, to_wholebody

LAYOUT = get_layout("wholebody133")


def part(points, visibility=0.0):
    return SimpleNamespace(landmark=[SimpleNamespace(x=x, y=y, visibility=visibility) for x, y in points])


def result(pose=None, face=None, left=None, right=None):
    return SimpleNamespace(
        pose_landmarks=pose, face_landmarks=face, left_hand_landmarks=left, right_hand_landmarks=right
    )


def numbered(count, start=0):
    """Points that tell their number: 0.001 a point to the right."""
    return part([((start + k) / 1000, 0.5) for k in range(count)], 0.75)


def test_body_and_feet_have_mediapipes_own_names():
    from mediapipe.python.solutions.pose import PoseLandmark

    points, scores = to_wholebody(result(numbered(33)))
    sources = np.rint(points[:, 0] * 1000).astype(int)
    for name, place in LAYOUT.index.items():
        if place < 17:
            assert PoseLandmark(sources[place]).name.lower() == name
    feet = {"left_big_toe": "left_foot_index", "left_heel": "left_heel"}
    feet |= {name.replace("left", "right"): source.replace("left", "right") for name, source in feet.items()}
    for name, source in feet.items():
        assert PoseLandmark(sources[LAYOUT.index[name]]).name.lower() == source
    seen = [place for place in range(133) if scores[place] > 0]
    assert seen == [place for place in range(23) if "small_toe" not in LAYOUT.keypoint_names[place]]
    # The nose is landmark 0, in the corner; it is seen all the same.
    np.testing.assert_allclose(scores[seen], 0.75)


def test_hands_and_face_go_to_their_places():
    points, scores = to_wholebody(result(numbered(33), numbered(468, 100), numbered(21, 600), numbered(21, 700)))
    sources = np.rint(points[:, 0] * 1000).astype(int)
    assert sources[LAYOUT.index["left_hand_root"]] == 600
    assert sources[LAYOUT.index["left_thumb4"]] == 604
    assert sources[LAYOUT.index["right_little4"]] == 720
    assert tuple(sources[23:91] - 100) == MESH_FACE
    assert (scores[23:] == 1).all()


def test_tables_are_complete_and_name_nothing_twice():
    assert (len(BLAZEPOSE_BODY), len(BLAZEPOSE_FEET), len(MESH_FACE)) == (17, 6, 68)
    assert len({*BLAZEPOSE_BODY, *BLAZEPOSE_FEET}) == 17 + 5
    assert len(set(MESH_FACE)) == 68


def test_what_is_outside_of_the_picture_is_not_seen():
    points = [(0.5, 0.5)] * 33
    points[15], points[16], points[27], points[28] = (-0.01, 0.5), (1.01, 0.5), (0.5, 1.2), (1.0, 1.0)
    places, scores = to_wholebody(result(part(points, 0.9), left=part([(0.5, -1)] * 21)))
    unseen = ["left_wrist", "right_wrist", "left_ankle", "left_hand_root"]
    for name in unseen:
        assert scores[LAYOUT.index[name]] == 0
        assert not places[LAYOUT.index[name]].any()
    assert scores[LAYOUT.index["right_ankle"]] > 0.8


def test_nobody_and_hands_without_a_body():
    for nobody in (result(), result(left=numbered(21))):
        points, scores = to_wholebody(nobody)
        assert not points.any()
        assert not scores.any()
