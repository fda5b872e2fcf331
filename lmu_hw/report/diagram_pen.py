"""Boxes, arrows and texts of the diagrams of a report, in inches from the upper left corner."""

from __future__ import annotations

from collections.abc import Sequence
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
    PAPER,
    svg_of,
    themed,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE, TEXT, SMALL = 9.5, 8.5, 8.0
"""Sizes of letters [points]."""
LINE = 0.165
"""Distance of lines of text [inches]."""
STYLES = {
    "arithmetic": (ORANGE_FILL, ORANGE),
    "storage": (BLUE_FILL, BLUE),
    "control": (GREY_FILL, MUTED),
    "rom": (GREEN_FILL, GREEN),
    "ram": (BLUE_FILL, BLUE),
    "plain": (PAPER, INK),
}
"""Area and edge of a box, by its kind."""
STACK, MOST_COPIES = 0.06, 4
"""Offset of the boxes of a stack [inches], and most boxes of one."""
Point = tuple[float, float]


class DiagramPen:
    """Draws on a figure of its own; use it within `page_style`.

    Parameters
    ----------
    width, height : float
        Size of the picture [inches].
    """

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        self.figure: Figure = Figure(figsize=(width, height))
        self.ax: Any = self.figure.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, width), ylim=(height, 0))
        self.ax.axis("off")

    def box(
        self, at: Point, size: Point, kind: str = "plain", *, copies: int = 1, dashed: bool = False
    ) -> None:
        """Draw a box with its upper left corner at a point, as a stack if there are copies."""
        from matplotlib.patches import FancyBboxPatch

        fill, edge = STYLES[kind]
        for k in reversed(range(min(copies, MOST_COPIES))):
            self.ax.add_patch(
                FancyBboxPatch(
                    (at[0] + STACK * k, at[1] - STACK * k),
                    *size,
                    boxstyle="round,pad=0,rounding_size=0.05",
                    facecolor=fill,
                    edgecolor=edge,
                    linewidth=1.0,
                    linestyle=(0, (3, 2)) if dashed else "-",
                    zorder=3 - 0.1 * k,
                )
            )

    def text(
        self,
        at: Point,
        text: str,
        *,
        size: float = TEXT,
        bold: bool = False,
        ha: str = "center",
        color: str = INK,
        paper: bool = False,
    ) -> None:
        """Write a line of text, its middle at the height of a point."""
        self.ax.text(
            *at,
            text,
            fontsize=size,
            fontweight="bold" if bold else "normal",
            ha=ha,
            va="center_baseline",
            color=color,
            zorder=6,
            # a background in the colour of the page, where a wire passes
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0} if paper else None,
        )

    def line(self, points: Sequence[Point], *, dashed: bool = False) -> None:
        """Draw a line through points."""
        color, style = (MUTED, (0, (3, 2))) if dashed else (INK, "-")
        xs, ys = zip(*points, strict=True)
        self.ax.plot(xs, ys, color=color, lw=1.1, ls=style, zorder=2, solid_capstyle="butt")

    def arrow(self, points: Sequence[Point], *, dashed: bool = False, both: bool = False) -> None:
        """Draw a line through points with an arrow head at its end, or at both."""
        from matplotlib.patches import FancyArrowPatch

        color, style = (MUTED, (0, (3, 2))) if dashed else (INK, "-")
        if len(points) > 2:
            self.line(points[:-1], dashed=dashed)
        ends = [(points[-2], points[-1]), *([(points[1], points[0])] if both else [])]
        for start, end in ends:
            self.ax.add_patch(
                FancyArrowPatch(
                    start,
                    end,
                    arrowstyle="-|>",
                    mutation_scale=9,
                    linewidth=1.1,
                    linestyle=style,
                    color=color,
                    shrinkA=0,
                    shrinkB=0,
                    zorder=2,
                )
            )

    def svg(self) -> bytes:
        """Return the picture, in both themes."""
        return themed(svg_of(self.figure))
