"""Chromium under playwright, with fonts of our own; all that a page does wrong is recorded."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lmu_hw.cli.tool_checks import BROWSERS

from ..tools import require, tools_required

OPTIONS = (
    "--disable-gpu",
    "--disable-lcd-text",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)
"""Text and colours that do not depend on a screen."""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>{fonts}</dir>
<cachedir>{cache}</cachedir>
<alias><family>sans-serif</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias><family>system-ui</family><prefer><family>DejaVu Sans</family></prefer></alias>
<alias><family>serif</family><prefer><family>DejaVu Serif</family></prefer></alias>
<alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
"""
"""The fonts of Matplotlib and no others: screenshots are those of every machine."""
LOCAL = ("file", "data", "blob", "about")
"""Schemes of requests that stay on the machine."""


def require_browser() -> str:
    """Return the path of a browser; skip the running test, or fail it in CI, without one."""
    if find_spec("playwright") is None or find_spec("axe_playwright_python") is None:
        reason = "playwright not found; make browser installs it"
        if tools_required():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    require("|".join(BROWSERS))
    return next(path for name in BROWSERS if (path := shutil.which(name)))


@contextlib.contextmanager
def started(program: str, scratch: Path) -> Iterator[Any]:
    """Run a browser; ``scratch`` holds what it writes."""
    import matplotlib
    from playwright.sync_api import sync_playwright

    fonts = scratch / "fonts.conf"
    shipped = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    fonts.write_text(FONTS.format(fonts=shipped, cache=scratch / "cache"))
    env = os.environ | {"FONTCONFIG_FILE": str(fonts), "HOME": str(scratch), "TZ": "UTC"}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*OPTIONS], env=env)
        yield browser
        browser.close()


@dataclass(kw_only=True, eq=False)
class OpenedPage:
    """A page that was opened, with all that went wrong in it since.

    Attributes
    ----------
    page : playwright.sync_api.Page
    problems : list of str
        Errors and warnings on the console, uncaught exceptions, failed requests, and requests that
        leave the machine.
    """

    page: Any
    problems: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Record problems from now on."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"exception: {error}"))
        self.page.on("request", self._request)
        self.page.on(
            "requestfailed", lambda request: self.problems.append(f"failed: {request.url[:200]}")
        )

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        url = urlsplit(request.url)
        if url.scheme not in LOCAL and not re.fullmatch(r"127\.0\.0\.1(:\d+)?", url.netloc):
            self.problems.append(f"request: {request.url[:200]}")

    def check_quiet(self) -> None:
        """Assert that nothing went wrong."""
        assert not self.problems, "\n".join(self.problems)

    def wait_until(self, holds: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for something; the policy of our pages forbids playwright's own way."""
        latest = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < latest, "it does not come"
            self.page.wait_for_timeout(20)

    def theme(self, *, dark: bool = False, paper: bool = False) -> None:
        """Show the page in the dark theme, or as printed."""
        self.page.emulate_media(
            media="print" if paper else "screen", color_scheme="dark" if dark else "light"
        )
