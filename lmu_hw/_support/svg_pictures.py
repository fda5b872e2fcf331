"""Pictures drawn with Matplotlib: one style, light and dark, the same bytes for the same data.

Pictures of HTML pages are drawn within `page_style`, in the colours named here and no others.
`themed` then makes one SVG of both themes: a style inside it switches the colours by the reader's
preference. Every colour has a contrast of 4.5 or more to the page in both themes, except those of
grids and fills, which carry no text. Colours are never the only difference: vary dashes or
markers.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ToolError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1b2330", "#566070", "#d5dae1", "#fdfdfe"
"""Lines and text; axes and secondary text; grids; the page."""
BLUE, ORANGE, GREEN, RED, PURPLE = "#1f63b5", "#b1500a", "#0f746c", "#b3233a", "#6b3fb0"
"""Signals, in the order of use."""
BLUE_FILL, ORANGE_FILL, GREEN_FILL = "#cfe0f4", "#fadfc6", "#c9e8e3"
RED_FILL, PURPLE_FILL, GREY_FILL = "#f6d3d8", "#e3d8f3", "#e6e9ee"
"""Areas behind text in `INK`."""
PIXEL_BLUE = "#3f86d6"
"""Of images of pixels, which no style can switch: visible on both pages."""
DARK = {
    INK: "#e7ebf1",
    MUTED: "#a6b0bd",
    GRID: "#38414d",
    PAPER: "#14181e",
    BLUE: "#74b3ff",
    ORANGE: "#ffab5c",
    GREEN: "#52cfbd",
    RED: "#ff8a9a",
    PURPLE: "#c5a5ff",
    BLUE_FILL: "#1d3c61",
    ORANGE_FILL: "#5a3613",
    GREEN_FILL: "#12463f",
    RED_FILL: "#5c202b",
    PURPLE_FILL: "#41306a",
    GREY_FILL: "#29313b",
}
"""The colour of the dark theme in place of each."""
SERIES = (BLUE, ORANGE, GREEN, PURPLE, RED)
"""Colours of several lines in one picture."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (3, 1)))
"""Line style of each of `SERIES`."""
PAGE_SETTINGS = {
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": "medium",
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": "small",
    "lines.linewidth": 1.4,
    "font.size": 10.0,
    # the first is Matplotlib's own, the others are for readers without it
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica"],
    "patch.edgecolor": INK,
}
"""Matplotlib's parameters within `page_style`."""

REMEDY = "python -m pip install 'lmu-hw[plots]'"


def check_matplotlib() -> None:
    """Check that Matplotlib is installed.

    Raises
    ------
    ToolError
        If it is missing.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ToolError(f"pictures need {error.name}: {REMEDY}") from error


@contextlib.contextmanager
def picture_style(settings: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Draw and write pictures inside this: settings of the user do not reach them.

    Parameters
    ----------
    settings : mapping, optional
        Further parameters of Matplotlib, by name.
    """
    check_matplotlib()
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        # names inside an SVG without it are random; text stays text
        matplotlib.rcParams["svg.hashsalt"] = "lmu-hw"
        matplotlib.rcParams["svg.fonttype"] = "none"
        matplotlib.rcParams.update(settings or {})
        yield


def svg_of(figure: Figure) -> bytes:
    """Return a figure as SVG, without a date."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


@contextlib.contextmanager
def page_style() -> Iterator[None]:
    """Draw pictures of HTML pages inside this, in the colours above."""
    check_matplotlib()
    from cycler import cycler

    cycle = cycler(color=SERIES, linestyle=DASHES)
    with picture_style({**PAGE_SETTINGS, "axes.prop_cycle": cycle}):
        yield


def themed(svg: bytes) -> bytes:
    """Return a picture drawn within `page_style` with the colours of both themes.

    Coordinates are rounded to hundredths of a point, and the name of the drawing library is left
    out.
    """
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", svg.decode(), flags=re.DOTALL)
    text = re.sub(r'\b(d|x|y)="[^"]*"', _rounded, text)
    # the ground of a hatch has an attribute of its own
    rules = "".join(
        f"[{selector}]{{{prop}:{dark}!important}}"
        for light, dark in DARK.items()
        for prop, selector, found in (
            ("fill", f'style*="fill: {light}"', f"fill: {light}"),
            ("stroke", f'style*="stroke: {light}"', f"stroke: {light}"),
            ("fill", f'fill="{light}"', f'fill="{light}"'),
        )
        if found in text
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>" if rules else ""
    # after the opening tag, whose attributes hold no angle bracket
    return re.sub(r"<svg\b[^>]*>", lambda tag: tag[0] + style, text, count=1).encode()


def _rounded(attribute: re.Match[str]) -> str:
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])
