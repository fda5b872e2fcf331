"""explore.html in a browser: plots, table and chosen point are one; by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lmu_hw.explore.exploration_page import exploration_page

from ..factories.explorations import exploration
from .chromium import OpenedPage
from .page_checks import (
    check_accessible,
    check_ids,
    check_keyboard,
    check_pictures,
    check_skip_link,
    check_sorting,
)
from .screenshots import Screenshots

pytestmark = pytest.mark.browser
Visit = Callable[..., OpenedPage]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of an exploration of 240 points with made figures."""
    path = tmp_path_factory.mktemp("explore") / "explore.html"
    path.write_text(exploration_page(exploration(240)), encoding="utf-8")
    return path


@pytest.fixture
def shown(page: Path, visit: Visit) -> Iterator[OpenedPage]:
    """Return the page, opened; at the end nothing may have gone wrong in it."""
    found = visit(page)
    found.page.wait_for_selector("#left-plot svg")
    yield found
    found.check_quiet()


def test_it_has_no_barriers(visit: Visit, tmp_path: Path) -> None:
    # axe-core looks at every mark of a plot: fewer of them
    path = tmp_path / "explore.html"
    path.write_text(exploration_page(exploration(40)), encoding="utf-8")
    shown = visit(path)
    shown.page.wait_for_selector("#left-plot svg")
    check_pictures(shown, 2)
    check_ids(shown)
    # with a point chosen there is more to look at
    shown.page.click("#all tbody button")
    shown.wait_until(lambda: shown.page.locator("#card button.copy").count() > 0)
    check_accessible(shown)
    shown.check_quiet()


def test_the_keyboard_reaches_everything(shown: OpenedPage) -> None:
    check_keyboard(shown)
    check_skip_link(shown)
    check_sorting(shown)


def test_it_looks_as_it_did(shown: OpenedPage, screenshots: Screenshots) -> None:
    screenshots.check_themes("explore", shown)


def test_a_narrow_window_scrolls_in_one_direction(page: Path, visit: Visit) -> None:
    narrow = visit(page, viewport={"width": 360, "height": 640})
    narrow.page.wait_for_selector("#left-plot svg")
    assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 360
    narrow.check_quiet()


def test_the_arrow_keys_choose_points_of_the_front(shown: OpenedPage) -> None:
    shown.page.focus("#left-plot .plot")
    cards = []
    for key in ("ArrowRight", "ArrowRight", "End", "Home"):
        shown.page.keyboard.press(key)
        card = shown.page.inner_text("#card")
        assert "lmu-hw generate" in card
        cards.append(card)
    assert len(set(cards)) >= 3
    assert shown.page.evaluate("document.activeElement.closest('#left-plot') !== null")


def test_the_table_sorts_and_chooses_by_keyboard(shown: OpenedPage) -> None:
    heads = shown.page.locator("#all thead button")
    names = heads.all_inner_texts()
    column = len(names) - 1
    for expected in ("ascending", "descending"):
        shown.page.locator("#all thead button").nth(column).focus()
        shown.page.keyboard.press("Enter")
        head = shown.page.locator("#all thead th").nth(column)
        shown.wait_until(lambda head=head: head.get_attribute("aria-sort") is not None)
        assert head.get_attribute("aria-sort") in ("ascending", "descending"), expected
        assert shown.page.evaluate("document.activeElement.closest('#all thead') !== null")
    button = shown.page.locator("#all tbody button").first
    number = button.inner_text()
    button.focus()
    shown.page.keyboard.press("Enter")
    assert number in shown.page.inner_text("#card")


def test_a_filter_leaves_fewer_points(shown: OpenedPage) -> None:
    before = shown.page.inner_text("#shown")
    shown.page.click("#filters summary")
    box = shown.page.locator("#settings input").first
    box.focus()
    shown.page.keyboard.press("Space")
    shown.wait_until(lambda: shown.page.inner_text("#shown") != before)
    shown.page.click("#clear")
    shown.wait_until(lambda: shown.page.inner_text("#shown") == before)
