"""The Pareto fronts of an exploration as tables of text, for terminals and notebooks."""

from __future__ import annotations

from collections.abc import Sequence

from .explored_point import BoardFigures, DeviceFigures, ExploredPoint, FigureBasis, Metric

MOST_ROWS = 20
"""Rows of a front in text; all are in the CSV file and on the page."""
HEADS = {
    DeviceFigures: ("LUTs", "mult", "BRAM", "of device", "MHz", "steps/s", ""),
    BoardFigures: ("flash", "RAM", "instructions", "of board", ""),
}


def front_rows(points: Sequence[ExploredPoint], target: str) -> list[tuple[str, ...]]:
    """Return the head and a row for each point of the front of a target."""
    if not points:
        return []
    figures = [next((f for f in p.figures if f.target == target), None) for p in points]
    metric = next((p.quality.metric for p in points if p.quality), Metric.ERROR)
    last = ("KiB", "multiplies") if figures[0] is None else HEADS[type(figures[0])]
    rows = [("point", *points[0].settings, *_quality_head(metric), *last)]
    for point, found in zip(points[:MOST_ROWS], figures, strict=False):
        cells = _program(point) if found is None else _cells(found)
        quality = _quality(point)
        rows.append((str(point.number), *point.settings.values(), *quality, *cells))
    return rows


def score_text(metric: Metric, value: float) -> str:
    """Return a score or a loss as text.

    Examples
    --------
    >>> score_text(Metric.ACCURACY, 0.94), score_text(Metric.ERROR, 0.00012)
    ('94.00 %', '0.012 %')
    """
    if metric in (Metric.ACCURACY, Metric.NRMSE):
        return f"{100 * value:.2f} %"
    return f"{100 * value:.3g} %"


def _quality_head(metric: Metric) -> tuple[str, ...]:
    both = metric in (Metric.ACCURACY, Metric.NRMSE)
    return (metric.value, "loss") if both else (metric.value,)


def _quality(point: ExploredPoint) -> tuple[str, ...]:
    quality = point.quality
    assert quality is not None, "a point of a front has a quality"
    values = (quality.score, quality.loss)[: len(_quality_head(quality.metric))]
    return tuple(score_text(quality.metric, value) for value in values)


def _program(point: ExploredPoint) -> tuple[str, ...]:
    bits = (point.rom_bits or 0) + (point.ram_bits or 0)
    return f"{bits / 8192:.2f}", f"{point.multiplies or 0:,}"


def _cells(figures: DeviceFigures | BoardFigures) -> tuple[str, ...]:
    share, basis = f"{100 * figures.share:.1f} %", figures.basis.value
    if isinstance(figures, BoardFigures):
        counts = (figures.flash, figures.ram, round(figures.instructions))
        return (*(f"{n:,}" for n in counts), share, basis)
    clock, rate = figures.clock_mhz, figures.steps_per_second
    return (
        *(f"{n:,}" for n in (figures.luts, figures.dsps, figures.block_rams)),
        share,
        "-" if clock is None else f"{clock:.1f}",
        "-" if rate is None else f"{rate:,.0f}",
        "measured" if figures.basis is FigureBasis.MEASURED else "estimated",
    )
