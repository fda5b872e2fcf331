"""Round the resistors of the memory where only their products count.

Poles depend on products of resistors; the rest scales a node, which the taps make good. So

- of two integrators that feed each other the product of both resistors is kept: ``rho**2`` of a
  section of the cascade, ``k_i**2`` of the ladder;
- a section of the cascade stays all-pass for its damping as rounded. It passes on ``w / R_w - x_1 /
  R_x`` and has the input resistor R_in and the damping resistor R_d: ``R_x = R_w R_d / (2 R_in)``.

Factors are taken from the values of the series near the exact ones so that the last comes closest.
Products of values of a geometric series are on its grid again, but its digits are rounded: that
leaves half to three quarters of the error of nearest values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product

from .request import AnalogRequest, CircuitStructure
from .series import SERIES, ValueSeries
from .structures import MemoryStructure

NEAR = 1.06
"""Largest change of a factor."""
SCALE = 0.05
"""Price of a change of a factor, which scales a node, over that of an error of the product."""

Resistors = dict[tuple[str, str], float]
"""Resistor of every stage for every input, by the names of stage and input [ohm]."""


def round_memory(request: AnalogRequest, structure: MemoryStructure, exact: Resistors) -> Resistors:
    """Return resistors of the series for all inputs of all stages.

    Parameters
    ----------
    request : AnalogRequest
    structure : MemoryStructure
    exact : dict of (str, str) to float
        Resistors before rounding.
    """
    series = SERIES[request.series.value]
    if not series.digits:
        return dict(exact)
    bounds = request.r_min, request.r_max
    rounded = {key: series.nearest(value, *bounds) for key, value in exact.items()}
    if structure.kind is CircuitStructure.DIRECT:
        return rounded
    for key in exact:
        back = key[::-1]
        if key < back and back in exact:
            whole, wanted = exact[key] * exact[back], (exact[key],)
            pairs = ((r, whole / r) for r in _near(series, request, exact[key]))
            rounded[key], rounded[back] = _closest(series, request, wanted, pairs)
    for stage in structure.stages:
        if not stage.integrates:
            (w, _), (x, _) = stage.inputs
            keys = (stage.name, w), (x, w), (stage.name, x)
            first = exact[keys[0]], exact[keys[1]]
            factors = product(*(_near(series, request, value) for value in first))
            choices = ((r_w, r_in, r_w * rounded[x, x] / (2.0 * r_in)) for r_w, r_in in factors)
            rounded |= zip(keys, _closest(series, request, first, choices), strict=True)
    return rounded


def _near(series: ValueSeries, request: AnalogRequest, value: float) -> tuple[float, ...]:
    """Return the values of the series near a value and within the bounds."""
    low, high = max(request.r_min, value / NEAR), min(request.r_max, value * NEAR)
    return series.within(low, high) or (series.nearest(value, request.r_min, request.r_max),)


def _closest(
    series: ValueSeries,
    request: AnalogRequest,
    wanted: tuple[float, ...],
    choices: Iterable[tuple[float, ...]],
) -> tuple[float, ...]:
    """Return the choice whose last value is closest to one of the series, that value in its place.

    The values before the last are close to those wanted, if that costs little.
    """

    def last(choice: tuple[float, ...]) -> float:
        within = min(max(choice[-1], request.r_min), request.r_max)
        return series.nearest(within, request.r_min, request.r_max)

    def price(choice: tuple[float, ...]) -> float:
        change = sum(abs(math.log(r / w)) for r, w in zip(choice, wanted, strict=False))
        return abs(math.log(choice[-1] / last(choice))) + SCALE * change

    best = min(choices, key=price)
    return (*best[:-1], last(best))
