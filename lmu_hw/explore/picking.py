"""Pick one point of an exploration."""

from __future__ import annotations

from collections.abc import Sequence

from .constraints import PointLimits
from .explored_point import ExploredPoint
from .pareto_front import PROGRAM, costs_of

OFF_FRONT = 10.0
"""Distance of a point that a front does not know."""


def picked(
    points: Sequence[ExploredPoint], limits: PointLimits, fronts: Sequence[str]
) -> tuple[ExploredPoint | None, str]:
    """Return the point to take, and why; None where no point keeps the limits.

    With a limit of the loss: of the points that keep all limits and fit all targets, the one that
    takes the smallest share of the target it fills most; without targets, the one with the fewest
    bits of tables and words; of equal points, the one with the smaller loss, then with fewer
    cycles. Without one: the point of the fronts that is nearest to the best of every objective,
    each on a scale from 0, the best on its front, to 1, the worst.

    Parameters
    ----------
    points : sequence of ExploredPoint
    limits : PointLimits
    fronts : sequence of str
        The targets, or `PROGRAM`. A point without figures of a target, such as one without
        hardware, does not fit it.
    """
    able = [p for p in points if not p.refused and _fits_all(p, fronts)]
    keeping = [p for p in able if not limits.misses(p)]
    if not keeping:
        return None, _why_none(points, able, limits)
    kept = ", ".join(limits.lines())
    kept = f" of {len(keeping):,} points" + (f" with {kept}" if kept else "")
    if limits.max_loss is None:
        return (
            _nearest(keeping, fronts),
            f"nearest to the best of every objective{kept}; give --max-loss for the cheapest",
        )
    best = min(keeping, key=_cost)
    what = "smallest share of the targets" if best.figures else "fewest bits"
    return best, f"{what}{kept}"


def _fits_all(point: ExploredPoint, fronts: Sequence[str]) -> bool:
    fits = {figures.target for figures in point.figures if figures.fits}
    return all(name in fits for name in fronts if name != PROGRAM)


def _cost(point: ExploredPoint) -> tuple[float, float, float, int]:
    memory = (point.rom_bits or 0) + (point.ram_bits or 0)
    size = max((f.share for f in point.figures), default=float(memory))
    loss = point.quality.loss if point.quality else 0.0
    return size, loss, float(point.cycles_per_step or 0), point.number


def _nearest(points: Sequence[ExploredPoint], fronts: Sequence[str]) -> ExploredPoint:
    """Return the point with the smallest sum of squared distances over all fronts."""
    distance = {point.number: 0.0 for point in points}
    for front in fronts:
        costs = {point.number: costs_of(point, front) for point in points}
        known = [c for p in points if front in p.fronts and (c := costs[p.number]) is not None]
        for place, column in enumerate(zip(*known, strict=True)):
            low, scale = min(column), max(column) - min(column) or 1.0
            for number, found in costs.items():
                off = OFF_FRONT if found is None else (found[place] - low) / scale
                distance[number] += off * off
    return min(points, key=lambda p: (distance[p.number], p.number))


def _why_none(
    points: Sequence[ExploredPoint], able: Sequence[ExploredPoint], limits: PointLimits
) -> str:
    """Return which limit is in the way: the one that most points miss."""
    if not able:
        without = [p.no_hardware for p in points if p.no_hardware and not p.refused]
        more = f"; {len(without):,} have no hardware: {without[0]}" if without else ""
        return f"none of {len(points):,} points fits all targets: give larger ones{more}"
    counts: dict[str, int] = {}
    for point in able:
        for text in limits.misses(point):
            counts[text] = counts.get(text, 0) + 1
    worst = max(counts, key=lambda text: counts[text])
    return (
        f"no point keeps all limits: {counts[worst]:,} of {len(able):,} that fit miss {worst}; "
        "allow more, or add values"
    )
