"""The page, in a browser that has no network to ask."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from skelact.report import write_report
from skelact.results import Prediction
from tests.report.conftest import SECONDS
from tests.sides import sides

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")

PATIENCE = 30.0  # seconds


@pytest.fixture(scope="module")
def pages(prediction: Prediction, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page with a video, one without, and one whose video is damaged."""
    folder = tmp_path_factory.mktemp("pages")
    named = {name: folder / f"{name}.html" for name in ("video", "bare", "damaged")}
    write_report(prediction, named["video"], recognizer=sides())
    write_report(replace(prediction, source="<b>gone</b>"), named["bare"], recognizer=sides())
    text = named["video"].read_text(encoding="utf-8")
    before, rest = text.split('<script type="text/plain" id="video">')
    damaged = "A" * rest.index("<") + rest[rest.index("<") :]
    named["damaged"].write_text(f'{before}<script type="text/plain" id="video">{damaged}', encoding="utf-8")
    return named


@pytest.fixture
def opened(browser: sync_api.Browser, pages: dict[str, Path]) -> Iterator:
    """Opens a page; what goes wrong in it, or is asked of elsewhere, fails the test."""
    faults: list[str] = []
    contexts = []

    def open_page(name: str = "video", **options: object) -> sync_api.Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: faults.append(str(error)))
        # That the tests read the canvas is no fault of the page.
        page.on("console", lambda told: faults.append(told.text) if "getImageData" not in told.text else None)
        page.on("request", lambda asked: faults.append(asked.url) if not asked.url.startswith(OWN) else None)
        page.goto(pages[name].as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


OWN = ("file:", "blob:")
LOADED = "document.querySelector('video').readyState >= 2"
DRAWN = """() => {
  const canvas = document.querySelector("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const sides = [0, 0];
  for (let k = 3; k < data.length; k += 4) if (data[k]) sides[(k >> 2) % canvas.width < canvas.width / 2 ? 0 : 1]++;
  return sides;
}"""


def until(page: sync_api.Page, condition: str) -> None:
    """Wait for a condition in the page, whose policy lets nothing but its own script run there."""
    latest = time.monotonic() + PATIENCE
    while not page.evaluate(condition):
        assert time.monotonic() < latest, f"it never came to {condition}"
        page.wait_for_timeout(20)


def time_of(page: sync_api.Page) -> float:
    return page.evaluate("document.querySelector('video').currentTime")


def test_the_video_is_there_in_full_length_and_the_skeletons_are_over_it(opened):
    page = opened()
    until(page, LOADED)
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(SECONDS, abs=0.05)
    assert page.evaluate("document.querySelector('video').videoWidth") == 640
    left, right = page.evaluate(DRAWN)  # one person on each side
    assert left > 50
    assert right > 50
    page.uncheck("#show-skeletons")
    page.uncheck("#show-labels")
    assert page.evaluate(DRAWN) == [0, 0]


def test_a_click_on_the_timeline_seeks_the_video(opened):
    page = opened()
    until(page, LOADED)
    page.locator("#legend").scroll_into_view_if_needed()
    box = page.locator("#tracks").bounding_box()
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 8)
    until(page, "!document.querySelector('video').seeking")
    assert time_of(page) == pytest.approx(0.75 * SECONDS, abs=0.02)
    until(page, "document.querySelector('#clock').textContent.startsWith('0:04.5')")
    assert page.locator("#now .what").all_inner_texts()[1] == "right"
    head = page.locator(".playhead").bounding_box()
    assert head["x"] == pytest.approx(box["x"] + 0.75 * box["width"], abs=3)
    page.locator(".track").nth(1).locator(".block").first.click(position={"x": 4, "y": 10})
    until(page, "document.querySelector('video').currentTime < 0.5")


def test_the_skeleton_moves_with_the_video(opened):
    page = opened()
    until(page, LOADED)
    page.uncheck("#show-labels")
    before = page.evaluate(DRAWN)
    page.locator("#segments tr[data-start]").nth(1).click()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    until(page, "document.querySelector('#clock').textContent.startsWith('0:05.0')")
    after = page.evaluate(DRAWN)
    assert min(before) > 50
    assert min(after) > 50
    until(page, "!document.querySelector('video').seeking")
    assert time_of(page) == pytest.approx(SECONDS - 1, abs=0.02)


def test_a_row_of_the_table_seeks_by_mouse_and_by_keyboard(opened, prediction):
    page = opened()
    until(page, LOADED)
    rows = page.locator("#segments tr[data-start]")
    starts = [segment.start for line in (prediction.group, *prediction.individuals) for segment in line.segments]
    assert rows.count() == len(starts) > 2
    place = max(range(len(starts)), key=lambda k: starts[k])
    rows.nth(place).click()
    until(page, "!document.querySelector('video').seeking")
    assert time_of(page) == pytest.approx(starts[place], abs=0.02)
    assert "current" in rows.nth(place).get_attribute("class")
    first = min(range(len(starts)), key=lambda k: starts[k])
    rows.nth(first).focus()
    page.keyboard.press("Enter")
    until(page, "!document.querySelector('video').seeking")
    assert time_of(page) == pytest.approx(starts[first], abs=0.02)


def test_space_plays_and_pauses(opened):
    page = opened()
    until(page, LOADED)
    page.keyboard.press("Space")
    until(page, "document.querySelector('video').currentTime > 0.3")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    until(page, "document.querySelector('video').paused")
    page.get_by_role("button", name="Play").wait_for()


def test_without_a_video_the_skeletons_play_on_a_clock_of_their_own(opened):
    page = opened("bare")
    assert page.locator("video").count() == 0
    assert page.inner_text("h1") == "b>"  # what is behind the last slash is the name of the file
    page.get_by_role("button", name="Play").click()
    until(page, "parseFloat(document.querySelector('#tracks').getAttribute('aria-valuenow')) > 0.3")
    page.get_by_role("button", name="Pause").click()
    page.keyboard.press("End")
    assert page.inner_text("#clock") == "0:06.0 / 0:06.0"
    assert sum(page.evaluate(DRAWN)) > 100


def test_a_video_that_does_not_play_is_told_and_the_skeletons_play_on(opened):
    page = opened("damaged")
    page.wait_for_selector("#fault:visible")
    assert "cannot play the video" in page.inner_text("#fault")
    page.get_by_role("button", name="Play").click()
    until(page, "parseFloat(document.querySelector('#tracks').getAttribute('aria-valuenow')) > 0.2")
    assert sum(page.evaluate(DRAWN)) > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(opened, scheme):
    page = opened("bare", color_scheme=scheme)
    ground, ink, soft = page.evaluate(
        """() => [document.querySelector("main > section"), document.querySelector(".answer"),
        document.querySelector(".meaning")].map((one, k) => getComputedStyle(one)[k ? "color" : "backgroundColor"])"""
    )
    assert contrast(ground, ink) > 7
    assert contrast(ground, soft) > 4.5
    for block in page.locator(".block").all():
        pair = block.evaluate("one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]")
        assert contrast(*pair) > 4.5


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as the WCAG define it, 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_on_a_phone_nothing_is_wider_than_the_page(opened):
    page = opened("bare", viewport={"width": 360, "height": 740}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_without_javascript_what_was_found_is_in_the_table(opened):
    page = opened("bare", java_script_enabled=False)
    assert "need JavaScript" in page.inner_text("noscript")
    assert page.locator("#segments tr[data-start]").count() > 2
