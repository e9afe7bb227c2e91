"""The page, in a browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from skelact.report import write_report
from skelact.sequence import PoseSequence
from skelact.serve.limits import Limits
from tests.serve.asking import SOON, HeldPredictor, create_app, sequence_bytes, write_plain_report
from tests.sides import places
from tests.videos import HEIGHT, WIDTH

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
uvicorn = pytest.importorskip("uvicorn", reason="needs the extra serve")


@pytest.fixture
def page(
    request: pytest.FixtureRequest, browser: sync_api.Browser, predictor: HeldPredictor
) -> Iterator[sync_api.Page]:
    """The page of a running server, which writes plain reports; what goes wrong in it fails the test."""
    app = create_app(predictor, Limits(upload_mb=1), [], getattr(request, "param", write_plain_report))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    latest = time.monotonic() + SOON
    while not server.started and time.monotonic() < latest:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(1000 * SOON)
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Failed to load" not in message.text else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://127.0.0.1:{port}/")
    yield page
    context.close()
    server.should_exit = True
    thread.join(SOON)
    assert faults == []
    assert [url for url in asked if not url.startswith((f"http://127.0.0.1:{port}/", "data:"))] == []


def video(clip: bytes, name: str = "clip.mp4") -> sync_api.FilePayload:
    return {"name": name, "mimeType": "video/mp4", "buffer": clip}


def test_a_video_is_chosen_and_its_actions_are_seen(page, clip):
    page.set_input_files("#file", video(clip, "<b>my</b> clip.mp4"))
    page.wait_for_selector("#report:visible")
    assert page.inner_text("#result h2") == "<b>my</b> clip.mp4"
    assert page.locator("td.action").all_inner_texts() == ["left", "right"]
    assert "6.0 s, 1 person" in page.inner_text("#summary")
    with page.expect_popup() as opened:
        page.click("#report")
    assert opened.value.inner_text("p") == "left right"
    page.reload()
    page.wait_for_selector("#report:visible")
    assert page.locator("td.action").all_inner_texts() == ["left", "right"]
    page.click("#delete")
    page.wait_for_selector("#choose:visible")
    assert "#" not in page.url


@pytest.mark.parametrize("page", [write_report], indirect=True)
def test_a_report_runs_and_cannot_ask_the_server_anything(page, predictor, clip):
    predictor.found = replace(predictor.found, width=WIDTH, height=HEIGHT)
    page.set_input_files("#file", video(clip))
    page.wait_for_selector("#report:visible")
    report = page.context.new_page()
    faults = []
    report.on("console", lambda message: faults.append(message.text))
    report.on("pageerror", lambda error: faults.append(str(error)))
    report.goto(page.evaluate("document.querySelector('#report').href"))
    report.wait_for_selector("#clock:has-text('0:00.0')")
    assert "right" in report.inner_text("header")
    assert report.evaluate("document.querySelector('video').src").startswith("blob:")
    assert faults == []
    assert report.evaluate("fetch('/health').then(() => 'read', () => 'refused')") == "refused"


def test_it_works_without_a_mouse(page, predictor, clip):
    predictor.go.clear()
    choosers: list[sync_api.FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))
    page.wait_for_timeout(200)  # the browser is told to hand them over, and does not say when it does
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    latest = time.monotonic() + SOON
    while not choosers and time.monotonic() < latest:
        page.wait_for_timeout(20)
    choosers[0].set_files(video(clip))
    page.wait_for_selector("text=/Looking: frame 0 of 20/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "cancel"
    page.keyboard.press("Enter")
    page.wait_for_selector("#choose:visible")


def test_a_video_is_dropped(page, clip):
    transfer = page.evaluate_handle(
        "bytes => { const data = new DataTransfer(); data.items.add(new File([new Uint8Array(bytes)], 'dropped.mp4'));"
        " return data; }",
        list(clip),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    page.wait_for_selector("#result:visible")
    assert page.inner_text("#result h2") == "dropped.mp4"


def test_several_persons_are_told_apart(page, predictor, tmp_path):
    predictor.settings = replace(predictor.settings, per_person=True)
    both: PoseSequence = places(["left"] * 6, ["right"] * 6)
    page.set_input_files("#file", video(sequence_bytes(both, tmp_path), "two.npz"))
    page.wait_for_selector("#result:visible")
    assert page.locator("h3").all_inner_texts() == ["The group", "Person 7", "Person 8"]
    assert "No action is told" in page.inner_text("#told")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a poem", "is no video of a kind that is taken"), (bytes(1_100_000), "larger than the 1 MB")],
    ids=["a text", "too large"],
)
def test_what_is_refused_is_said(page, content, words):
    page.set_input_files("#file", video(content))
    page.wait_for_selector("#error:visible")
    assert words in page.inner_text("#error")
    assert page.is_visible("#choose")


def test_nobody_seen_is_said(page, predictor, clip):
    predictor.found = places([None, None])
    page.set_input_files("#file", video(clip))
    page.wait_for_selector("#error:visible")
    assert page.inner_text("#error").startswith("Nobody was seen in clip.mp4")


def test_a_page_of_another_site_can_use_nothing(browser, page, predictor, clip, tmp_path: Path):
    other = browser.new_page()
    (tmp_path / "evil.html").write_text("<title>evil</title>")
    other.goto((tmp_path / "evil.html").as_uri())
    script = """async address => {
        const form = new FormData();
        form.append("file", new File(["x"], "a.mp4"));
        try { return (await fetch(address + "jobs", {method: "POST", body: form, mode: "no-cors"})).type; }
        catch (error) { return "refused"; }
    }"""
    other.evaluate(script, page.url)
    readable = "address => fetch(address + 'health').then(() => 'read', () => 'refused')"
    assert other.evaluate(readable, page.url) == "refused"
    other.close()
    assert predictor.began == []
