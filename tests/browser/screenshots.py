"""Compares a page with its committed screenshot: small, and block by block.

A screenshot is scaled down to `WIDTH` and cut into blocks. A block differs where its mean colour
does, so that another version of the browser, which moves edges of letters, passes, and a picture
that is missing does not.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .chromium import OpenedPage

WIDTH = 200
"""Width of a screenshot [pixels]."""
BLOCK = 8
"""Side of a block [pixels]: 40 pixels of the page."""
TOLERANCE = 16.0
"""Largest difference of the mean colour of a block, of 255."""
MAX_SHARE = 0.01
"""Largest share of blocks that may differ."""
MAX_HEIGHT = 0.02
"""Largest difference of the height, relative: a longer number may break a line."""


@dataclass(frozen=True, kw_only=True)
class Screenshots:
    """Compares pages with screenshots in a folder.

    Attributes
    ----------
    folder : Path
        Of the committed screenshots.
    update : bool
        Write them instead.
    scratch : Path
        Receives the screenshot of a page that differs.
    """

    folder: Path
    update: bool
    scratch: Path

    def check(self, name: str, shown: OpenedPage) -> None:
        """Assert that a page looks as it did."""
        got = taken(shown)
        path = self.folder / f"{name}.png"
        if self.update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(small_png(got))
        assert path.exists(), f"{path.name} is missing; pytest --update-golden writes it"
        reason = difference(read_png(path.read_bytes()), got)
        if reason:
            seen = self.scratch / path.name
            seen.write_bytes(small_png(got))
            pytest.fail(
                f"{path.name}: {reason}; see {seen}; --update-golden writes it, if that is meant",
                pytrace=False,
            )

    def check_themes(self, name: str, shown: OpenedPage) -> None:
        """Assert that a page looks as it did in light, in dark and on paper."""
        shown.theme()
        self.check(f"{name}-light", shown)
        shown.theme(dark=True)
        self.check(f"{name}-dark", shown)
        shown.theme(paper=True)
        self.check(f"{name}-print", shown)
        shown.theme()


def taken(shown: OpenedPage) -> Any:
    """Return a screenshot of the whole page, scaled down; uint8, shape (height, WIDTH, 3)."""
    png = shown.page.screenshot(full_page=True, animations="disabled", caret="hide")
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    height = max(1, round(image.height * WIDTH / image.width))
    return np.asarray(image.resize((WIDTH, height), Image.Resampling.BOX))


def small_png(pixels: Any) -> bytes:
    """Return pixels as a PNG of 128 colours."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).quantize(128, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return file.getvalue()


def read_png(data: bytes) -> Any:
    """Return the pixels of a PNG."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def difference(wanted: Any, got: Any) -> str:
    """Return how two screenshots differ, or an empty text."""
    tall, height = wanted.shape[0], got.shape[0]
    if abs(height - tall) > max(2, MAX_HEIGHT * tall):
        return f"it is {height} pixels high instead of {tall}"
    from PIL import Image

    if height != tall:
        got = np.asarray(Image.fromarray(got).resize((WIDTH, tall), Image.Resampling.BOX))
    apart = np.abs(blocks(wanted) - blocks(got)).max(axis=2) > TOLERANCE
    if apart.mean() <= MAX_SHARE:
        return ""
    row, column = np.argwhere(apart)[0] * BLOCK
    return f"{100 * apart.mean():.1f} % of its blocks differ, the first at row {row}, {column}"


def blocks(pixels: Any) -> Any:
    """Return the mean colour of every block; float, shape (rows, columns, 3)."""
    height, width = (n - n % BLOCK for n in pixels.shape[:2])
    cut = pixels[:height, :width].astype(np.float64)
    return cut.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean(axis=(1, 3))
