"""A prediction as one file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelact.errors import OutputError
from skelact.report import footage, skeletons, write_report
from skelact.results import Prediction
from skelact.video import VideoReader
from tests.report.conftest import SECONDS, film, predict
from tests.sides import FPS, HEIGHT, NAMES, WIDTH, places, sides

NASTY = '</script><script>alert(1)</script> & "quotes" <b>'


def written(prediction: Prediction, folder: Path, **options: Any) -> str:
    write_report(prediction, folder / "page.html", recognizer=sides(), **options)
    return (folder / "page.html").read_text(encoding="utf-8")


def part(page: str, start: str) -> str:
    """What is between a start tag and the end of its element."""
    return page.split(start, 1)[1].split("</script>" if start.startswith("<script") else "</style>", 1)[0]


def content(page: str) -> dict[str, Any]:
    return json.loads(part(page, '<script type="application/json" id="content">'))


def saved_video(page: str, folder: Path) -> Path:
    path = folder / "inside.mp4"
    path.write_bytes(base64.b64decode(part(page, '<script type="text/plain" id="video">')))
    return path


def test_the_page_holds_the_timelines_of_all(prediction, tmp_path):
    found = content(written(prediction, tmp_path))
    assert [row["name"] for row in found["timelines"]] == ["Group", "Person 7", "Person 8"]
    told = [[(one["action"], one["start"], one["end"]) for one in row["segments"]] for row in found["timelines"]]
    expected = [[(one.action, one.start, one.end) for one in line.segments] for line in prediction.individuals]
    assert told[1:] == expected
    assert [action for action, _, _ in told[1]] == ["left", "right"]


def test_steps_in_which_nobody_was_seen_have_no_probability(prediction, tmp_path):
    row = content(written(prediction, tmp_path))["timelines"][2]
    away = [value for time, value in zip(row["times"], row["curves"][0]["values"], strict=True) if 4.3 < time < 4.7]
    there = [value for time, value in zip(row["times"], row["curves"][0]["values"], strict=True) if time < 3]
    assert away
    assert set(away) == {None}
    assert None not in there


def test_the_skeletons_are_where_the_keypoints_are(prediction, tmp_path):
    found = content(written(prediction, tmp_path))["skeletons"]
    assert [person["id"] for person in found["persons"]] == [7, 8]
    sequence = prediction.sequence.to_layout("expressive65")
    for person, keypoints, scores in zip(found["persons"], sequence.keypoints, sequence.scores, strict=True):
        numbers = np.frombuffer(base64.b64decode(person["points"]), "<i2").reshape(-1, 65, 2)
        seen = scores[person["first"] :][: len(numbers)] > 0
        assert (numbers[~seen] == skeletons.UNSEEN).all()
        pixels = numbers / found["units"]
        np.testing.assert_allclose(pixels[seen], keypoints[person["first"] :][: len(numbers)][seen], atol=0.05)


def test_keypoints_of_a_long_video_are_thinned_to_a_size(prediction, tmp_path, monkeypatch):
    whole = skeletons.skeletons(prediction.sequence)
    size = sum(len(base64.b64decode(person["points"])) for person in whole["persons"])
    monkeypatch.setattr(skeletons, "MOST_BYTES", size // 3)
    few = skeletons.skeletons(prediction.sequence)
    assert sum(len(base64.b64decode(person["points"])) for person in few["persons"]) <= 1.1 * size / 3
    assert few["times"] == whole["times"][:: len(whole["times"]) // len(few["times"])]


def test_keypoints_that_are_no_numbers_or_far_away_are_left_out():
    sequence = places(["left"])
    keypoints = sequence.keypoints.copy()
    keypoints[0, 0, :3] = [[np.nan, 1], [1e9, 1], [-1e9, np.inf]]
    found = skeletons.skeletons(replace(sequence, keypoints=keypoints))
    numbers = np.frombuffer(base64.b64decode(found["persons"][0]["points"]), "<i2").reshape(-1, 65, 2)
    assert (numbers[0, :3] == skeletons.UNSEEN).all()
    assert (numbers[0, 3:] != skeletons.UNSEEN).all()


def test_nothing_of_the_page_is_from_elsewhere(prediction, tmp_path):
    page = written(prediction, tmp_path)
    for embedded in ('<script type="application/json" id="content">', '<script type="text/plain" id="video">'):
        page = page.replace(part(page, embedded), "")
    markup = page.replace(part(page, "<script>"), "")
    assert re.findall(r"\b(?:src|href|action|srcset|poster|data)\s*=\s*[\"']?[^\s>]+", markup) == []
    assert re.findall(r"@import|url\(|\bimport\b|fetch\(|XMLHttpRequest|WebSocket|sendBeacon", page) == []
    assert set(re.findall(r"\w+://[^\s\"'<]+", page)) == {"http://www.w3.org/2000/svg"}  # the name of SVG elements


def test_the_policy_lets_the_page_run_its_own_script_only(prediction, tmp_path):
    page = written(prediction, tmp_path)
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1])
    for kind, start in (("script", "<script>"), ("style", "<style>")):
        digest = base64.b64encode(hashlib.sha256(part(page, start).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert page.index("Content-Security-Policy") < page.index("<title>")


def test_names_from_outside_stay_text(prediction, tmp_path):
    nasty = replace(
        prediction,
        source=f"videos/{NASTY}",
        model=NASTY,
        estimator=NASTY,
        notes=(NASTY,),
        sequence=replace(prediction.sequence, source=NASTY),
    )
    page = written(nasty, tmp_path, title=NASTY)
    assert page.count("<script") == 3
    assert page.count("</script>") == 3
    assert "<b>" not in page
    assert unescape(re.search("<title>(.*?)</title>", page)[1]) == NASTY


def test_the_names_of_actions_stay_text(video, tmp_path):
    recognizer = sides()
    named = replace(recognizer.main, class_names=(NASTY, *NAMES[1:]))
    sequence = places(["left"] * 3, source="")
    from skelact.ensemble import Ensemble
    from skelact.predictor import Predictor

    prediction = Predictor(recognizer=Ensemble.of([named])).predict(sequence)
    write_report(prediction, tmp_path / "page.html", recognizer=Ensemble.of([named]))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<script") == 3
    assert content(page)["timelines"][0]["segments"][0]["action"] == NASTY


def test_a_file_name_that_is_no_text_is_told_as_far_as_it_is(prediction, tmp_path):
    page = written(replace(prediction, source="clip\udcff.mp4"), tmp_path)
    assert "<title>clip?.mp4</title>" in page


def test_the_video_is_inside_with_its_times(prediction, tmp_path):
    seen: list[tuple[int, int | None]] = []
    page = written(prediction, tmp_path, on_frame=lambda done, total: seen.append((done, total)))
    with VideoReader(saved_video(page, tmp_path)) as reader:
        frames = list(reader)
    assert (reader.width, reader.height) == (WIDTH, HEIGHT)
    np.testing.assert_allclose([frame.time for frame in frames], prediction.sequence.timestamps, atol=1e-3)
    assert seen[-1] == (60, 60)
    assert [frame.image.mean() for frame in frames[::20]] == pytest.approx([40, 80, 120], abs=6)


def test_a_large_video_is_scaled_down_and_a_long_one_has_fewer_frames(tmp_path, monkeypatch):
    source = film(tmp_path / "large.mp4", width=1280, height=300)
    sequence = replace(places(["left"] * 6, source=str(source)), width=1280, height=300)
    prediction = predict(sequence, per_person=False)
    with VideoReader(saved_video(written(prediction, tmp_path), tmp_path)) as reader:
        assert (reader.width, reader.height) == (640, 150)
    monkeypatch.setattr(footage, "QUALITIES", (footage.Quality(640, 30), footage.Quality(64, 2.5)))
    monkeypatch.setattr(footage, "MOST_BYTES", 20_000)
    with VideoReader(saved_video(written(prediction, tmp_path, overwrite=True), tmp_path)) as reader:
        assert [round(frame.time, 2) for frame in reader] == [round(0.4 * k, 2) for k in range(15)]
        assert reader.width == 64


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda source, _: replace(source, source="gone.mp4"), "was not there"),
        (lambda source, _: replace(source, source=""), "was not there"),
        (lambda source, folder: replace(source, source=str(folder / "text.mp4")), "could not be read"),
        (lambda source, _: replace(source, sequence=replace(source.sequence, width=320)), "another size"),
    ],
    ids=["gone", "keypoints only", "not a video", "another video"],
)
def test_without_the_video_the_page_says_why(prediction, tmp_path, change, reason):
    (tmp_path / "text.mp4").write_text("no video")
    page = written(change(prediction, tmp_path), tmp_path)
    assert reason in re.search('<ul class="notes">(.*?)</ul>', page)[1]
    assert part(page, '<script type="text/plain" id="video">') == ""


def test_a_video_that_is_too_long_is_left_out_without_decoding_it(prediction, tmp_path, monkeypatch):
    monkeypatch.setattr(footage, "MOST_BYTES", 100)
    decoded: list[int] = []
    page = written(prediction, tmp_path, on_frame=lambda done, _: decoded.append(done))
    assert "too long to be inside a file" in page
    assert decoded == []


def test_each_action_told_has_its_keypoints(prediction, tmp_path):
    explained = content(written(prediction, tmp_path))["explained"]
    assert {one["action"] for one in explained} == {"left", "right"}
    for one in explained:
        assert len(one["top"]) == 10
        assert 0 < one["end"] - one["start"] <= 1.01
        assert all(each["weight"] is None and 0 < each["gradient"] < 1 for each in one["top"])
        assert len(one["dots"]) == 17


def test_one_clip_without_an_action_tells_the_most_probable(tmp_path):
    prediction = predict(places(["left"], source=""), threshold=1.0, window=None, stride=None, per_person=False)
    page = written(prediction, tmp_path)
    assert "no action: the most probable is left" in page
    assert "No action is probable enough to be told." in page
    assert [one["action"] for one in content(page)["explained"]] == ["left"]


def test_an_output_that_cannot_be_written_is_told_before_the_work(prediction, tmp_path):
    (tmp_path / "page.html").write_text("mine")
    decoded: list[int] = []
    with pytest.raises(OutputError, match="exists"):
        written(prediction, tmp_path, on_frame=lambda done, _: decoded.append(done))
    assert decoded == []
    assert (tmp_path / "page.html").read_text() == "mine"


def test_after_a_failure_what_was_there_stays(prediction, tmp_path):
    (tmp_path / "page.html").write_text("mine")

    def stop(done: int, _: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(prediction, tmp_path, overwrite=True, on_frame=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "mine"


def test_the_size_is_that_of_video_and_keypoints(prediction, tmp_path):
    page = written(prediction, tmp_path)
    video = part(page, '<script type="text/plain" id="video">')
    points = sum(len(person["points"]) for person in content(page)["skeletons"]["persons"])
    assert points == pytest.approx(4 / 3 * 65 * 4 * (60 + 60), rel=0.01)
    assert len(page) - len(video) - points < 80_000
    assert FPS * SECONDS == 60
