"""Bars of a report: shares of devices, delays of critical paths, bytes of microcontrollers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._support.svg_pictures import (
    BLUE,
    BLUE_FILL,
    GREEN,
    GREEN_FILL,
    GREY_FILL,
    INK,
    MUTED,
    ORANGE,
    ORANGE_FILL,
    PURPLE,
    PURPLE_FILL,
    RED,
    RED_FILL,
    page_style,
    svg_of,
    themed,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW = 9.0, 0.34
"""Width of a picture, and height of a bar with its distance [inches]."""
LETTER = 0.072
"""Width of a letter, amply [inches]."""
STYLES = (
    (BLUE_FILL, BLUE, ""),
    (ORANGE_FILL, ORANGE, "//"),
    (GREEN_FILL, GREEN, "\\\\"),
    (PURPLE_FILL, PURPLE, "||"),
    (RED_FILL, RED, "--"),
)
"""Area, edge and hatch of the parts of a bar, in the order of use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareBar:
    """A bar that shows a share of a whole.

    Attributes
    ----------
    name : str
    share : float
        0 to 1.
    text : str
        Beside the bar.
    """

    name: str
    share: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBar:
    """A bar of parts in a row.

    Attributes
    ----------
    name : str
    parts : tuple of (str, float)
        Name and size of each.
    text : str
        Behind the bar.
    """

    name: str
    parts: tuple[tuple[str, float], ...]
    text: str


def share_picture(groups: Sequence[tuple[str, Sequence[ShareBar]]]) -> bytes:
    """Return bars of shares, group by group, as SVG in both themes."""
    n = sum(len(bars) for _, bars in groups)
    with page_style():
        height = ROW * (n + 1.1 * len(groups)) + 0.5
        figure, ax = _figure(height, 1.35, 2.5)
        y, names = 0.0, []
        for title, bars in groups:
            ax.text(-1.3 / (WIDTH - 3.85), y, title, fontweight="bold", va="center",
                    transform=ax.get_yaxis_transform())  # fmt: skip
            for bar in bars:
                y += 1.0
                names.append((y, bar.name))
                ax.barh(y, 1.0, 0.62, facecolor=GREY_FILL, edgecolor="none")
                if bar.share:
                    ax.barh(y, bar.share, 0.62, facecolor=BLUE_FILL, edgecolor=BLUE, linewidth=1.0)
                ax.text(1.02, y, bar.text, va="center", fontsize=9, color=INK)
            y += 1.1
        _rows(ax, names, y - 0.5)
        ax.set(xlim=(0, 1), xlabel="share of the device [%]")
        ax.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}")
        return themed(svg_of(figure))


def part_picture(bars: Sequence[PartBar], unit: str) -> bytes:
    """Return bars of parts, with a legend of the parts' names, as SVG in both themes."""
    kinds = list(dict.fromkeys(name for bar in bars for name, _ in bar.parts))
    many = len(kinds) > len(STYLES)
    most = max(sum(size for _, size in bar.parts) for bar in bars) or 1.0
    with page_style():
        height = ROW * 1.25 * len(bars) + (0.6 if many else 0.95)
        figure, ax = _figure(height, 1.35, 1.6, 0.6 if many else 0.92)
        inch = (WIDTH - 2.95) / most
        names = []
        for y, bar in enumerate(bars):
            names.append((y, bar.name))
            start = 0.0
            for k, (name, size) in enumerate(bar.parts):
                fill, edge, hatch = STYLES[(k if many else kinds.index(name)) % len(STYLES)]
                if size:
                    ax.barh(y, size, 0.68, start, facecolor=fill, edgecolor=edge,
                            linewidth=0.9, hatch=None if many else hatch)  # fmt: skip
                if many and len(name) * LETTER < size * inch:
                    ax.text(start + size / 2, y, name, ha="center", va="center", fontsize=8.5)
                start += size
            ax.text(start + 0.1 / inch, y, bar.text, va="center", fontsize=9, color=INK)
        _rows(ax, names, len(bars) - 0.5)
        ax.set(xlim=(0, most * 1.001), xlabel=unit)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        if not many:
            _legend(figure, kinds)
        return themed(svg_of(figure))


def _figure(height: float, left: float, right: float, below: float = 0.55) -> tuple[Figure, Axes]:
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    rcParams["hatch.linewidth"] = 0.5
    figure = Figure(figsize=(WIDTH, height))
    size = (1 - (left + right) / WIDTH, 1 - (below + 0.05) / height)
    return figure, figure.add_axes((left / WIDTH, below / height, *size))


def _rows(ax: Axes, names: Sequence[tuple[float, str]], last: float) -> None:
    ax.set_yticks([y for y, _ in names], [name for _, name in names], color=INK, fontsize=9.5)
    ax.set_ylim(last, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)


def _legend(figure: Any, kinds: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    patches = [
        Patch(facecolor=fill, edgecolor=edge, hatch=hatch, label=name)
        for name, (fill, edge, hatch) in zip(kinds, STYLES, strict=False)
    ]
    figure.legend(
        handles=patches,
        loc="lower left",
        bbox_to_anchor=(1.35 / WIDTH, 0.0),
        ncols=len(patches),
        fontsize=9,
        labelcolor=MUTED,
        handlelength=1.4,
        borderaxespad=0.1,
    )
