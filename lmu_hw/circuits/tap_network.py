"""`TapNetwork`: the weights of a tap and the resistors that make them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from .request import AnalogRequest, PartSeries
from .series import SERIES

NEGLIGIBLE = 2e-3
"""A weight below this needs no resistor within the bounds."""
NOTHING = 1e-9
"""A weight below this has no resistor."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TapNetwork:
    """Weights of one tap: its voltage is ``sum_j weights_j`` times the voltages of the states.

    Attributes
    ----------
    weights : float array, shape (d,)
        As resistors of the series make them; 0: the state has no resistor.
    exact : float array, shape (d,)
        As fitted, before they were rounded.
    unit : float
        Resistor of weight 1, the feedback of the tap's amplifier [ohm]; a weight w has ``unit /
        abs(w)``.
    inner : float
        Feedback of the amplifier that sums the positive weights, and the resistor from its output
        to the tap's amplifier [ohm]. Below ``unit`` that output swings less.
    """

    weights: Array
    exact: Array
    unit: float
    inner: float

    def resistors(self, sign: float) -> list[tuple[int, float, float]]:
        """Return state, resistor and resistor before rounding of each weight of a sign."""
        return [
            (int(j), self.unit / abs(float(self.weights[j])), self.unit / abs(float(self.exact[j])))
            for j in np.flatnonzero(sign * self.weights > 0.0)
        ]


def unit_resistors(request: AnalogRequest, weights: Array, swing: float) -> tuple[float, ...]:
    """Return resistors of weight 1, of the series, for which few weights are out of bounds.

    Parameters
    ----------
    request : AnalogRequest
    weights : float array, shape (d,)
    swing : float
        As of `inner_resistor`.

    Returns
    -------
    tuple of float
        The first is the middle of the bounds, in ratios, or below where small weights need it; the
        others are the next below, down to a third. The largest weight is within the bounds.
    """
    sizes = np.abs(weights[np.abs(weights) > NEGLIGIBLE])
    small, large = (float(sizes.min()), float(sizes.max())) if len(sizes) else (1.0, 1.0)
    lowest = min(request.r_min * max(large, swing, 1.0) * 1.02, request.r_max)
    highest = min(math.sqrt(request.r_min * request.r_max), small * request.r_max)
    highest = max(highest, lowest)
    series = SERIES[request.series.value]
    if not series.digits:
        return (highest,)
    found = series.within(max(lowest, highest / 3.0), highest)
    return found[::-1] or (series.nearest(highest, request.r_min, request.r_max),)


def inner_resistor(request: AnalogRequest, unit: float, swing: float) -> float:
    """Return the resistors about the amplifier of the positive weights.

    Parameters
    ----------
    request : AnalogRequest
    unit : float
        Resistor of weight 1 [ohm].
    swing : float
        Swing of the sum of the positive weights over the largest that a node may have.
    """
    if swing <= 1.0:
        return unit
    return max(SERIES[request.series.value].around(unit / swing)[0], request.r_min)


def weights_near(request: AnalogRequest, unit: float, weight: float) -> tuple[float, ...]:
    """Return the weights next to one that resistors of the series and within the bounds make.

    The series ``exact`` makes all weights: its bounds are not for taps, so that an ideal circuit
    is exact.
    """
    if abs(weight) < NOTHING:
        return (0.0,)
    if request.series is PartSeries.EXACT:
        return (weight,)
    sign, resistor = math.copysign(1.0, weight), unit / abs(weight)
    if resistor > request.r_max:
        return 0.0, sign * unit / SERIES[request.series.value].around(request.r_max)[0]
    near = SERIES[request.series.value].around(max(resistor, request.r_min))
    return tuple(sign * unit / r for r in near if request.r_min <= r <= request.r_max)
