"""Pareto fronts: the points that no other point is at least as good as in every objective."""

from __future__ import annotations

from collections.abc import Sequence

from ..firmware.boards.microcontrollers import Board
from ..measure.synthesis.devices import Device
from .explored_point import BoardFigures, ExploredPoint

Costs = tuple[float, ...]
"""What is minimized; finite."""
PROGRAM = "program"
"""Name of the front of explorations without targets."""


def objectives_of(target: Device | Board | None) -> tuple[str, ...]:
    """Return what the front of a target minimizes; without a target that of `PROGRAM`.

    ``share`` is that of the device, ``time`` that of a step, ``bits`` those of tables and words.
    """
    if target is None:
        return ("loss", "bits", "multiplies")
    last = ("share", "time") if isinstance(target, Device) else ("flash", "instructions")
    return ("loss", *last)


def costs_of(point: ExploredPoint, target: str) -> Costs | None:
    """Return the objectives of a point on a target; None for a point that cannot be on its front.

    Such a point has no quality, no figures, or does not fit. A device without a clock figure counts
    cycles instead of time.
    """
    if point.quality is None:
        return None
    loss = point.quality.loss
    if target == PROGRAM:
        assert point.rom_bits is not None, "a point with a quality has a program"
        return loss, float(point.rom_bits + (point.ram_bits or 0)), float(point.multiplies or 0)
    figures = next((f for f in point.figures if f.target == target), None)
    if figures is None or not figures.fits:
        return None
    if isinstance(figures, BoardFigures):
        return loss, float(figures.flash), figures.instructions
    assert point.cycles_per_step is not None, "a point with figures of a device has a schedule"
    rate = figures.steps_per_second
    return loss, figures.share, float(point.cycles_per_step) if rate is None else 1.0 / rate


def non_dominated(costs: Sequence[Costs]) -> list[int]:
    """Return the places of the Pareto-optimal points, in ascending order.

    Of points with equal costs only the first is kept.

    Examples
    --------
    >>> non_dominated([(1, 3), (2, 2), (2, 3), (3, 1), (1, 3)])
    [0, 1, 3]
    """
    found: list[int] = []
    # after sorting, no point can be dominated by a later one
    for place in sorted(range(len(costs)), key=lambda k: (costs[k], k)):
        now = costs[place]
        if not any(all(a <= b for a, b in zip(costs[k], now, strict=True)) for k in found):
            found.append(place)
    return sorted(found)


def front_of(points: Sequence[ExploredPoint], target: str) -> set[int]:
    """Return the numbers of the points on the front of a target."""
    able = [(point.number, costs_of(point, target)) for point in points]
    found = [(number, costs) for number, costs in able if costs is not None]
    return {found[k][0] for k in non_dominated([costs for _, costs in found])}
