"""What becomes of a video that is sent to the server."""

from __future__ import annotations

import threading
import time

import pytest

from skelact.errors import NobodySeenError, OutputError
from skelact.serve.limits import Limits
from tests.serve.asking import SOON, files_in, running, send, until
from tests.sides import places


def test_a_video_is_sent_followed_and_answered(start, clip):
    client = start()
    answer = send(client, clip)
    assert answer.status_code == 202
    assert answer.json()["name"] == "clip.mp4"
    job = until(client, answer.json())
    assert (job["state"], job["error"], job["position"]) == ("done", None, None)
    assert [segment["action"] for segment in job["result"]["segments"]] == ["left", "right"]
    assert job["result"]["source"] == "clip.mp4"
    report = client.get(job["report"])
    assert report.text == "<!doctype html><p>left right"
    assert report.headers["content-type"].startswith("text/html")


def test_a_program_waits_for_the_answer(start, clip):
    client = start()
    answer = send(client, clip, address="/predict")
    assert answer.status_code == 200
    assert [segment["action"] for segment in answer.json()["segments"]] == ["left", "right"]
    assert files_in(client) == []


def test_the_video_is_deleted_once_it_was_looked_at(start, predictor, clip):
    predictor.go.clear()
    client = start()
    job = send(client, clip).json()
    until(client, job, "running")
    assert files_in(client) == ["upload.mp4"]
    predictor.go.set()
    until(client, job)
    assert files_in(client) == ["report.html"]


def test_videos_are_done_in_the_order_in_which_they_came(start, predictor, clip):
    predictor.go.clear()
    client = start()
    first = until(client, send(client, clip, "first.mp4").json(), "running")
    others = [send(client, clip, f"{name}.mp4").json() for name in ("second", "third")]
    assert [until(client, job, "waiting")["position"] for job in others] == [1, 2]
    assert client.get("/health").json()["waiting"] == 2
    predictor.go.set()
    for job in (first, *others):
        assert until(client, job)["state"] == "done"
    assert len(predictor.began) == len(set(predictor.began)) == 3


def test_progress_is_told_while_it_is_looked_at(start, predictor, clip):
    predictor.go.clear()
    client = start()
    job = until(client, send(client, clip).json(), "running")
    latest = time.monotonic() + SOON
    while job["progress"] is None and time.monotonic() < latest:
        job = until(client, job, "running")
    assert job["progress"] == {"stage": "keypoints", "done": 0, "total": 20}
    predictor.go.set()
    assert until(client, job)["progress"] is None


def test_the_result_is_told_while_its_report_is_written(start, clip):
    go = threading.Event()

    def write_slowly(prediction, path, *, on_frame, **_):
        go.wait(SOON)
        path.write_text("late")

    client = start(write_slowly)
    job = send(client, clip).json()
    latest = time.monotonic() + SOON
    while job["result"] is None and time.monotonic() < latest:
        job = client.get(f"/jobs/{job['id']}").json()
    assert (job["state"], job["report"]) == ("running", None)
    assert client.get(f"/jobs/{job['id']}/report").status_code == 404
    go.set()
    assert until(client, job)["report"]


def test_without_its_report_a_result_is_still_one(start, clip):
    def fail(*_, **__):
        raise OutputError("no space is left")

    client = start(fail)
    job = until(client, send(client, clip).json())
    assert (job["state"], job["report"], job["report_error"]) == ("done", None, "no space is left")
    assert job["result"]["segments"]
    assert client.get(f"/jobs/{job['id']}/report").json() == {"error": "no space is left"}


@pytest.mark.parametrize("held_at", ["waiting", "running"])
def test_a_job_is_cancelled(start, predictor, clip, held_at):
    predictor.go.clear()
    client = start()
    first = until(client, send(client, clip).json(), "running")
    job = send(client, clip).json() if held_at == "waiting" else first
    assert client.delete(f"/jobs/{job['id']}").status_code == 202
    assert until(client, job)["state"] == "cancelled"


def test_one_that_is_cancelled_makes_way_for_the_next(start, predictor, clip):
    predictor.go.clear()
    client = start()
    first = until(client, send(client, clip).json(), "running")
    second = send(client, clip).json()
    client.delete(f"/jobs/{first['id']}")
    assert until(client, second, "running")
    predictor.go.set()
    assert until(client, second)["state"] == "done"
    assert len(files_in(client)) == 1  # the report of the second


def test_a_result_is_deleted_when_one_asks_for_it(start, clip):
    client = start()
    job = until(client, send(client, clip).json())
    assert client.delete(f"/jobs/{job['id']}").status_code == 204
    assert client.get(f"/jobs/{job['id']}").status_code == 404
    assert client.get(job["report"]).status_code == 404
    assert files_in(client) == []


def test_more_than_may_wait_are_told_to_come_again(start, predictor, clip):
    predictor.go.clear()
    client = start(waiting=1)
    until(client, send(client, clip).json(), "running")
    waiting = send(client, clip).json()
    for address in ("/jobs", "/predict"):
        answer = send(client, clip, address=address)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "the queue of 1 is full" in answer.json()["error"]
    client.delete(f"/jobs/{waiting['id']}")
    assert send(client, clip).status_code == 202


def test_results_are_deleted_after_a_time_though_nobody_asks(start, clip, monkeypatch):
    monkeypatch.setattr("skelact.serve.app.SWEEP_SECONDS", 0.05)
    client = start(keep_minutes=0.3 / 60)
    job = until(client, send(client, clip).json())
    latest = time.monotonic() + SOON
    while files_in(client) and time.monotonic() < latest:
        time.sleep(0.05)
    assert files_in(client) == []
    assert client.get(f"/jobs/{job['id']}").status_code == 404


def test_only_so_many_results_are_kept(start, clip):
    client = start(keep_results=2)
    jobs = [until(client, send(client, clip).json()) for _ in range(3)]
    assert [client.get(f"/jobs/{job['id']}").status_code for job in jobs] == [404, 200, 200]
    assert files_in(client) == ["report.html"] * 2


def test_the_end_of_the_server_stops_all_and_leaves_nothing(predictor, clip):
    predictor.go.clear()
    with running(predictor) as client:
        first = until(client, send(client, clip).json(), "running")
        send(client, clip)
        folder, jobs = client.app.state.folder, client.app.state.jobs
        assert list(folder.iterdir())
    assert jobs.get(first["id"]).state == "cancelled"
    assert not folder.exists()
    assert len(predictor.began) == 1


def test_who_waits_while_the_server_ends_is_told(start, predictor, clip):
    predictor.go.clear()
    client = start()
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(send(client, clip, address="/predict")))
    waiter.start()
    latest = time.monotonic() + SOON
    while not predictor.began and time.monotonic() < latest:
        time.sleep(0.01)
    client.app.state.jobs.close()
    waiter.join(SOON)
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [
        (503, "the server is being stopped")
    ]
    assert send(client, clip).status_code == 503


def test_a_sentence_about_nobody_comes_with_the_senders_name_of_the_video(start, predictor, clip):
    predictor.found = places([None, None])
    client = start()
    job = until(client, send(client, clip, "empty <room>.mp4").json())
    assert (job["state"], job["result"]) == ("failed", None)
    assert job["error"] == "nobody was seen in empty <room>.mp4: there is no action to name"
    answer = send(client, clip, "empty <room>.mp4", "/predict")
    assert (answer.status_code, answer.json()["error"]) == (422, job["error"])


def test_a_fault_of_ours_is_logged_and_not_shown(start, predictor, clip, caplog):
    predictor.fault = ZeroDivisionError("secret detail")
    client = start()
    job = until(client, send(client, clip).json())
    assert job["state"] == "failed"
    answer = send(client, clip, address="/predict")
    assert answer.status_code == 500
    assert job["error"] == answer.json()["error"]
    assert "secret detail" not in job["error"]
    assert "secret detail" in caplog.text
    predictor.fault = NobodySeenError("nobody")
    assert until(client, send(client, clip).json())["error"] == "nobody"  # it goes on


def test_limits_are_numbers_above_0():
    from skelact.errors import UsageError

    for name in ("upload_mb", "seconds", "work_seconds", "waiting", "keep_minutes", "keep_results"):
        with pytest.raises(UsageError, match=name.replace("_", " ")):
            Limits(**{name: 0})
