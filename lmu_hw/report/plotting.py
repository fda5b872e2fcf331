"""What the pictures of reports share: a canvas, fewer points, and the finished `Picture`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.array_types import Array
from .._support.svg_pictures import svg_of, themed
from .section import Picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 9.2
"""Width of a figure, that of the text beside the contents [inch]."""
MOST_POINTS = 1200
"""Most points of a line; more are beyond what a page resolves."""


def canvas(height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a figure and its axes, of shape (rows, columns).

    Parameters
    ----------
    height : float
        [inch].
    rows, columns : int
    **options
        Of `matplotlib.figure.Figure.subplots`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def picture(name: str, figure: Figure, *, alt: str, caption: str) -> Picture:
    """Return a drawn figure as a picture of a report."""
    return Picture(name=name, svg=themed(svg_of(figure)), alt=alt, caption=caption)


def thinned(*lines: Array) -> tuple[Array, ...]:
    """Return lines of one length with at most `MOST_POINTS` points each, evenly chosen."""
    n = len(lines[0])
    if n <= MOST_POINTS:
        return lines
    kept = np.unique(np.round(np.linspace(0, n - 1, MOST_POINTS)).astype(int))
    return tuple(line[kept] for line in lines)


def short(value: float) -> float:
    """Return a figure to six digits, for JSON: the last bits of a float differ by machine."""
    return float(f"{value:.6g}")


def shortened(data: Any) -> Any:
    """Return plain JSON data with every float to six digits; numbers that JSON lacks are None."""
    if isinstance(data, Mapping):
        return {key: shortened(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [shortened(value) for value in data]
    if isinstance(data, float):
        return short(data) if math.isfinite(data) else None
    return data
