"""Fixtures of the tests that open pages; all of them are left to `make browser`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .chromium import OpenedPage, require_browser, started
from .screenshots import Screenshots

SCREENSHOTS = Path(__file__).resolve().parents[1] / "golden" / "pages"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a running browser."""
    with started(require_browser(), tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., OpenedPage]]:
    """Return ``visit(place, **options)``, which opens a file or an address in a fresh context.

    Options are those of playwright's ``new_context``. Nothing moves by itself, such as a
    scroll that the keyboard started.
    """
    contexts = []

    def opened(place: Path | str, **options: Any) -> OpenedPage:
        size = {"width": 1000, "height": 700}
        given = {
            "viewport": size,
            "device_scale_factor": 0.5,
            "reduced_motion": "reduce",
            **options,
        }
        context = browser.new_context(**given)
        contexts.append(context)
        context.set_default_timeout(20_000)
        visited = OpenedPage(page=context.new_page())
        visited.watch()
        visited.page.goto(place.as_uri() if isinstance(place, Path) else place)
        return visited

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def screenshots(request: pytest.FixtureRequest, tmp_path: Path) -> Screenshots:
    """Return the comparison with the committed screenshots; --update-golden writes them."""
    return Screenshots(
        folder=SCREENSHOTS, update=request.config.getoption("--update-golden"), scratch=tmp_path
    )
