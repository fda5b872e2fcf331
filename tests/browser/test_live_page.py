"""The live page in a browser: steps, speed, keyboard, and what happens when the server ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lmu_hw.live import live_stream
from lmu_hw.live.live_demo import live_server
from lmu_hw.live.live_server import LiveServer

from .chromium import OpenedPage
from .page_checks import (
    check_accessible,
    check_ids,
    check_keyboard,
    check_pictures,
    check_skip_link,
)
from .pages import classifier
from .screenshots import Screenshots

pytestmark = pytest.mark.browser
Visit = Callable[..., OpenedPage]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, LiveServer]]:
    """Serve the pages of a small memory and of a network with a recording."""
    folder = tmp_path_factory.mktemp("live")
    model = classifier(folder / "network")
    np.savez(folder / "beats.npz", x=np.random.default_rng(0).normal(size=(2, 60, 2)))
    found = {
        "memory": live_server(None, rate=8000),
        "network": live_server(folder / "network", folder / "beats.npz", model=model),
    }
    for server in found.values():
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield found
    for server in found.values():
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no busy machine cut a step short."""
    monkeypatch.setattr(live_stream, "BUDGET", 3600.0)


def opened(visit: Visit, server: LiveServer, **options: Any) -> OpenedPage:
    """Open a page; without motion it waits for the reader."""
    shown = visit(server.url, **options)
    shown.page.wait_for_selector("html[data-ready]")
    return shown


def place(shown: OpenedPage) -> int:
    """Return the step that the page shows."""
    found = re.search(r"step ([\d,]+) of", shown.page.inner_text("#place"))
    assert found
    return int(found[1].replace(",", ""))


def run_to(shown: OpenedPage, step: int) -> None:
    """Press the right arrow until a step is shown."""
    shown.page.evaluate("() => document.activeElement.blur()")
    for _ in range(step - place(shown)):
        shown.page.keyboard.press("ArrowRight")
    wait_for_step(shown, step)


def wait_for_step(shown: OpenedPage, step: int) -> None:
    shown.wait_until(lambda: place(shown) == step)


@pytest.mark.parametrize("kind", ["memory", "network"])
def test_it_has_no_barriers_and_looks_as_it_did(
    visit: Visit, servers: dict[str, LiveServer], kind: str, screenshots: Screenshots
) -> None:
    shown = opened(visit, servers[kind])
    run_to(shown, 150 if kind == "memory" else 40)
    check_pictures(shown, 5 if kind == "memory" else 4)
    check_accessible(shown)
    check_ids(shown)
    check_keyboard(shown)
    check_skip_link(shown)
    shown.page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    screenshots.check_themes(f"live-{kind}", shown)
    shown.check_quiet()


def test_steps_are_those_of_the_stream(visit: Visit, servers: dict[str, LiveServer]) -> None:
    shown = opened(visit, servers["memory"])
    assert place(shown) == 0
    run_to(shown, 12)
    frame = servers["memory"].answer("look", {"stream": servers["memory"]._opened})
    assert frame["step"] == 12
    bars = shown.page.locator("#output-chart rect")
    assert bars.count() == len(frame["outputs"][0]) == 16
    # the tallest bar is that of the largest word
    heights = bars.evaluate_all("found => found.map(e => +e.getAttribute('height'))")
    assert np.argmax(heights) == np.argmax(np.abs(frame["outputs"][0]))
    assert f"{frame['rms_error']:.3f}"[:4] in shown.page.inner_text("#error-text")
    assert "12 of 128 samples" in shown.page.inner_text("#window-text")
    assert "step 12 of" in (shown.page.text_content(".announcer") or "")
    shown.page.keyboard.press("r")
    wait_for_step(shown, 0)
    shown.check_quiet()


def test_it_plays_and_pauses(visit: Visit, servers: dict[str, LiveServer]) -> None:
    shown = opened(visit, servers["memory"])
    shown.page.keyboard.press("Space")
    shown.wait_until(lambda: place(shown) > 20)
    shown.page.keyboard.press("Space")
    assert shown.page.inner_text("#play") == "Play"
    # a pause is announced when the last answer has come
    announced = shown.page.locator(".announcer")
    shown.wait_until(lambda: "step" in (announced.text_content() or ""))
    stopped = place(shown)
    assert f"step {stopped} of" in (announced.text_content() or "")
    shown.page.wait_for_timeout(300)
    assert place(shown) == stopped > 20
    before = shown.page.input_value("#speed")
    shown.page.keyboard.press("+")
    assert float(shown.page.input_value("#speed")) > float(before)
    shown.check_quiet()


def test_it_starts_by_itself_where_motion_is_welcome(
    visit: Visit, servers: dict[str, LiveServer]
) -> None:
    shown = opened(visit, servers["memory"], reduced_motion="no-preference")
    shown.wait_until(lambda: place(shown) > 0)
    assert shown.page.inner_text("#play") == "Pause"
    shown.check_quiet()


def test_another_output_word_is_drawn(visit: Visit, servers: dict[str, LiveServer]) -> None:
    shown = opened(visit, servers["memory"])
    run_to(shown, 60)
    line = shown.page.locator("#time-chart [data-layer=word]")
    before = line.get_attribute("d")
    shown.page.select_option("#word", "5")
    shown.wait_until(lambda: line.get_attribute("d") != before)
    assert place(shown) == 60
    shown.check_quiet()


def test_recordings_follow_each_other(visit: Visit, servers: dict[str, LiveServer]) -> None:
    shown = opened(visit, servers["network"])
    run_to(shown, 60)
    assert "recording 1 of 2" in shown.page.inner_text("#place")
    shown.page.click("#step")
    wait_for_step(shown, 1)
    assert "recording 2 of 2" in shown.page.inner_text("#place")
    assert re.search(r"label: \d", shown.page.inner_text("#output-text"))
    shown.check_quiet()


def test_a_server_that_has_ended_is_said(visit: Visit) -> None:
    with live_server(None) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        shown = opened(visit, server)
        server.shutdown()
        thread.join()
    # connections that are kept open would still be answered
    shown.page.context.set_offline(True)
    shown.page.click("#step")
    shown.page.wait_for_selector("#problem:not([hidden])")
    assert shown.page.inner_text("#problem") == "The server has ended: run lmu-hw demo again."


def test_a_narrow_window_scrolls_in_one_direction(
    visit: Visit, servers: dict[str, LiveServer]
) -> None:
    shown = opened(visit, servers["memory"], viewport={"width": 360, "height": 640})
    run_to(shown, 5)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 360
