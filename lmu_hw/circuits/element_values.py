"""Element values within the bounds of the request, and the list of numbered parts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from ..errors import SpecError
from .circuit import GROUND, Amplifier, Capacitor, Circuit, Part, Resistor, Transconductor
from .quantities import quantity_text
from .request import AnalogRequest
from .series import E6, E24, SERIES

DECADE = 10.0**0.5
"""Largest ratio of a capacitor to the one in the middle."""


class PartList:
    """Parts under headings, numbered in order: R1.., C1.., U1.., G1...

    Parameters
    ----------
    request : AnalogRequest
        Its series and bounds apply to every resistor, and to 1 / transconductance.
    circuit : Circuit, optional
        Parts that are there already.
    """

    def __init__(self, request: AnalogRequest, circuit: Circuit | None = None) -> None:
        self.request = request
        self.sections: dict[str, list[Part]] = {}
        if circuit is not None:
            self.sections = {name: list(parts) for name, parts in circuit.sections.items()}
        letters = (part.name[0] for parts in self.sections.values() for part in parts)
        self._counts = Counter(letters)
        self._tap = -1

    def begin(self, heading: str, tap: int = -1) -> None:
        """Add the following parts under a heading, as parts of a tap if its index is given."""
        self._parts = self.sections.setdefault(heading, [])
        self._tap = tap

    def resistor(self, first: str, second: str, exact: float, fitted: float | None = None) -> None:
        """Add a resistor; the value is ``fitted`` rounded to the series, default ``exact``."""
        self._parts.append(
            Resistor(
                name=self._reference("R"),
                nodes=(first, second),
                value=self._rounded(exact if fitted is None else fitted),
                exact=exact,
                tap=self._tap,
            )
        )

    def capacitor(self, first: str, second: str, value: float) -> None:
        """Add a capacitor."""
        name = self._reference("C")
        self._parts.append(Capacitor(name=name, nodes=(first, second), value=value, exact=value))

    def amplifier(self, minus: str, output: str) -> None:
        """Add an amplifier whose + input is at ground."""
        nodes = (GROUND, minus, output)
        self._parts.append(Amplifier(name=self._reference("U"), nodes=nodes, tap=self._tap))

    def transconductor(
        self, control: str, output: str, sign: float, exact: float, fitted: float | None = None
    ) -> None:
        """Add a transconductor of 1 / ``exact``, rounded as resistors are; a sign swaps inputs."""
        nodes = (control, GROUND, output) if sign > 0 else (GROUND, control, output)
        self._parts.append(
            Transconductor(
                name=self._reference("G"),
                nodes=nodes,
                value=1.0 / self._rounded(exact if fitted is None else fitted),
                exact=1.0 / exact,
                tap=self._tap,
            )
        )

    def tuples(self) -> dict[str, tuple[Part, ...]]:
        """Return the sections as of `Circuit`."""
        return {name: tuple(parts) for name, parts in self.sections.items()}

    def _reference(self, letter: str) -> str:
        self._counts[letter] += 1
        return f"{letter}{self._counts[letter]}"

    def _rounded(self, value: float) -> float:
        request = self.request
        series = SERIES[request.series.value]
        return series.nearest(value, request.r_min, request.r_max) if series.digits else value


def integrator_capacitors(request: AnalogRequest, gains: Iterable[float]) -> tuple[float, ...]:
    """Return what the capacitor of all integrators may be, of E6, with resistors within bounds.

    The first leaves resistors the most room; the others are those of the decade around it.

    Parameters
    ----------
    request : AnalogRequest
    gains : iterable of float
        Magnitudes of the gains from voltage to voltage over theta, each a resistor ``theta / (C
        gain)``.

    Raises
    ------
    SpecError
        If no capacitor serves; the message says what bounds would.
    """
    low, high = min(gains := list(gains)), max(gains)
    _check_spread(request, high / low)
    known = E6.within(request.c_min, request.c_max)
    if not known:
        bounds = f"{quantity_text(request.c_min, 'F')} to {quantity_text(request.c_max, 'F')}"
        raise SpecError(f"capacitors must be of the series E6, and none is from {bounds}: widen it")
    theta = request.theta
    # the middle of the resistors, in ratios, at the middle of their bounds
    middle = theta / math.sqrt(low * high) / math.sqrt(request.r_min * request.r_max)
    best = min(known, key=lambda c: max(c / middle, middle / c))
    largest, smallest = theta / (best * low), theta / (best * high)
    if largest > request.r_max:
        fitting = E6.around(theta / (low * request.r_max))[1]
        _refuse(request, "up", largest, best, f"raise --r-max to {_above(largest)}", fitting)
    if smallest < request.r_min:
        fitting = E6.around(theta / (high * request.r_min))[0]
        _refuse(request, "down", smallest, best, f"lower --r-min to {_below(smallest)}", fitting)
    others = [
        c
        for c in E6.within(max(request.c_min, best / DECADE), min(request.c_max, best * DECADE))
        if c != best and theta / (c * low) <= request.r_max and theta / (c * high) >= request.r_min
    ]
    return best, *others


def _refuse(
    request: AnalogRequest, way: str, needed: float, c: float, remedy: str, fitting: float
) -> None:
    """Raise the error of a theta that the bounds do not allow."""
    bound, other = (request.r_max, "max") if way == "up" else (request.r_min, "min")
    raise SpecError(
        f"theta of {quantity_text(request.theta, 's')} must have resistors {way} to "
        f"{quantity_text(needed, 'ohm')} with {quantity_text(c, 'F')}, beyond the bound of "
        f"{quantity_text(bound, 'ohm')}: {remedy} or --c-{other} to {quantity_text(fitting)}"
    )


def _above(value: float) -> str:
    return quantity_text(E24.around(1.02 * value)[1])


def _below(value: float) -> str:
    return quantity_text(E24.around(value / 1.02)[0])


def _check_spread(request: AnalogRequest, spread: float) -> None:
    if spread > request.r_max / request.r_min:
        raise SpecError(
            f"resistors of this memory must be {spread:.3g} times apart, more than --r-max / "
            f"--r-min = {request.r_max / request.r_min:.3g}: widen them"
        )


def summing_resistance(request: AnalogRequest, gains: Iterable[float]) -> float:
    """Return the feedback resistor of a sum, whose inputs have resistors ``value / gain``.

    The middle of all its resistors, in ratios, is at the middle of their bounds.

    Parameters
    ----------
    request : AnalogRequest
    gains : iterable of float
        Magnitudes of the gains from voltage to voltage.

    Raises
    ------
    SpecError
        If the bounds are closer than the values.
    """
    ratios = [1.0, *(1.0 / gain for gain in gains)]
    low, high = min(ratios), max(ratios)
    _check_spread(request, high / low)
    middle = math.sqrt(request.r_min * request.r_max) / math.sqrt(low * high)
    return SERIES[request.series.value].nearest(middle)
