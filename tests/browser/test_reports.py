"""Reports of every kind of design in a browser: whole, silent, usable by keyboard, as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .chromium import OpenedPage
from .page_checks import (
    check_accessible,
    check_ids,
    check_keyboard,
    check_pictures,
    check_skip_link,
    check_sorting,
)
from .pages import PAGES
from .screenshots import Screenshots

pytestmark = pytest.mark.browser
MAX_BYTES = 2_000_000


@pytest.fixture(scope="class")
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of the report of a class."""
    kind: str = request.cls.kind
    return PAGES[kind](tmp_path_factory.mktemp(kind) / "out")


@pytest.fixture
def shown(report: Path, visit: Callable[..., OpenedPage]) -> Iterator[OpenedPage]:
    """Return the page, opened; at the end nothing may have gone wrong in it."""
    page = visit(report)
    yield page
    page.check_quiet()


class ReportChecks:
    """What holds of every report; make browser runs a class in one process, which writes it once.

    Attributes
    ----------
    kind : str
        Key of `tests.browser.pages.PAGES`.
    pictures : int
        Pictures of the report, at least.
    """

    kind: str
    pictures: int

    def test_pictures_are_there_and_have_texts(self, shown: OpenedPage, report: Path) -> None:
        check_pictures(shown, self.pictures)
        assert report.stat().st_size < MAX_BYTES

    def test_it_is_accessible(self, shown: OpenedPage) -> None:
        check_accessible(shown)

    def test_the_keyboard_reaches_everything(self, shown: OpenedPage) -> None:
        check_keyboard(shown)
        check_skip_link(shown)
        if shown.page.locator("table.sortable").count():
            check_sorting(shown)

    def test_it_looks_as_it_did(self, shown: OpenedPage, screenshots: Screenshots) -> None:
        screenshots.check_themes(f"report-{self.kind}", shown)

    def test_links_lead_somewhere(self, shown: OpenedPage) -> None:
        check_ids(shown)

    def test_a_narrow_window_scrolls_in_one_direction(
        self, report: Path, visit: Callable[..., OpenedPage]
    ) -> None:
        narrow = visit(report, viewport={"width": 360, "height": 640})
        assert narrow.page.evaluate("document.documentElement.scrollWidth") <= 360
        narrow.check_quiet()

    def test_commands_can_be_copied(self, shown: OpenedPage) -> None:
        button = shown.page.locator("button.copy").first
        button.focus()
        shown.page.keyboard.press("Enter")
        shown.wait_until(lambda: shown.page.text_content(".announcer") == "Copied")
        assert shown.page.evaluate("document.activeElement.classList.contains('copy')")


class TestMemory(ReportChecks):
    kind, pictures = "memory", 9


class TestNetwork(ReportChecks):
    kind, pictures = "network", 7


class TestSpiking(ReportChecks):
    kind, pictures = "spiking", 9


class TestAnalog(ReportChecks):
    kind, pictures = "analog", 4


def test_every_report_is_opened() -> None:
    opened = {kind.kind for kind in ReportChecks.__subclasses__()}
    assert opened == PAGES.keys()
