"""`AnalogRequest`: what circuit is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np

from .._support.validation import check_int, check_real
from ..errors import SpecError
from .amplifiers import IDEAL, check_supply, find_amplifier
from .circuit import AmplifierModel
from .quantities import parse_quantity, parse_share

MAX_ORDER = 32
"""Largest order: what is tried; parts of 1 % still make all of it."""
MAX_TAPS = 64
MAX_TOLERANCE = 0.5
"""Largest tolerance of a part: beyond it a value may be next to nothing."""
BOUNDS = {"r_min": 1e3, "r_max": 1e6, "c_min": 1e-10, "c_max": 1e-6}
"""Default range of resistances [ohm] and capacitances [F]."""

RANGES = {
    "theta": (1e-12, 1e6, "s"),
    "supply": (1e-3, 1e3, "V"),
    "r_min": (1e-9, 1e15, "ohm"),
    "r_max": (1e-9, 1e15, "ohm"),
    "c_min": (1e-21, 1e6, "F"),
    "c_max": (1e-21, 1e6, "F"),
}
"""What the equations and ngspice are good for, far beyond what can be built."""

E = TypeVar("E", bound=Enum)


class CircuitStructure(Enum):
    """Coordinates of the state space that become integrators."""

    CASCADE = "cascade"
    """A chain of all-pass sections of first and second order."""
    LADDER = "ladder"
    """The Schwarz form: a chain of coupled integrators, of which the first is damped."""
    DIRECT = "direct"
    """Orthonormal Legendre coordinates, all coupled with all."""


class CircuitForm(Enum):
    """Parts that make an integrator."""

    OP_AMP = "op-amp"
    """Operational amplifiers, resistors and capacitors."""
    GM_C = "gm-c"
    """Transconductors and capacitors, as on a chip."""


class PartSeries(Enum):
    """Values of resistors that exist."""

    E96 = "E96"
    E24 = "E24"
    EXACT = "exact"
    """Any value: parts of a chip, or a check of the circuit itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogRequest:
    """A memory as an analog circuit: options of ``lmu-hw analog``, checked.

    Parameters
    ----------
    order : int
        Number of Legendre coefficients d, 1 to 32.
    theta : float
        Window [s].
    taps : tuple of float
        Delays in fractions of the window, 0 to 1.
    structure : CircuitStructure
    form : CircuitForm
    series : PartSeries
        Of the resistors (op-amp) or transconductances (gm-c).
    tolerance : float
        Of every part, as a share: the values are within +- this.
    supply : float
        Between both rails [V]; signals are around its middle.
    amplifier : AmplifierModel
    r_min, r_max : float
        Range of resistances [ohm]; of 1 / transconductance for gm-c.
    c_min, c_max : float
        Range of capacitances [F].

    Raises
    ------
    SpecError
        If a value is out of range.
    """

    order: int
    theta: float
    taps: tuple[float, ...]
    structure: CircuitStructure = CircuitStructure.CASCADE
    form: CircuitForm = CircuitForm.OP_AMP
    series: PartSeries = PartSeries.E96
    tolerance: float = 0.01
    supply: float = 5.0
    amplifier: AmplifierModel
    r_min: float = BOUNDS["r_min"]
    r_max: float = BOUNDS["r_max"]
    c_min: float = BOUNDS["c_min"]
    c_max: float = BOUNDS["c_max"]

    def __post_init__(self) -> None:
        check_int("order", self.order, 1, MAX_ORDER)
        if not 1 <= len(self.taps) <= MAX_TAPS:
            raise SpecError(f"taps must be 1 to {MAX_TAPS} delays, not {len(self.taps)}")
        for tap in self.taps:
            if not 0 <= check_real("taps", tap) <= 1:
                raise SpecError(f"taps must be fractions of theta from 0 to 1, not {tap!r}")
        if len(set(self.taps)) < len(self.taps):
            raise SpecError("taps must be different delays: one of them is given twice")
        if self.tolerance > MAX_TOLERANCE:
            raise SpecError(
                f"tolerance must be at most {MAX_TOLERANCE:.0%}, not {self.tolerance:.4g}: "
                "no filter is made of such parts"
            )
        for name, (low, high, unit) in RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise SpecError(
                    f"{name} must be {low:g} to {high:g} {unit}, not {getattr(self, name):g}"
                )
        if self.form is CircuitForm.OP_AMP:
            check_supply(self.amplifier, self.supply)
        if self.limit <= 0.05 * self.supply:
            raise SpecError(
                f"supply must be more than {2 * self.amplifier.headroom / 0.9:.3g} V for "
                f"{self.amplifier.name}, whose output stays {self.amplifier.headroom:g} V from "
                f"either rail, not {self.supply:g}: raise --supply or choose another --opamp"
            )
        if self.form is CircuitForm.OP_AMP and self.amplifier.slew < self.steepest:
            raise SpecError(
                f"slew rate of {self.amplifier.name} must be at least {self.steepest / 1e6:.3g} "
                f"V/us for signals of {self.limit:.3g} V at {self.bandwidth:.3g} Hz, not "
                f"{self.amplifier.slew / 1e6:.3g}: choose another --opamp, or a longer theta"
            )
        for least, largest in (("r_min", "r_max"), ("c_min", "c_max")):
            if not getattr(self, least) < getattr(self, largest):
                raise SpecError(f"{least} must be less than {largest}")

    @property
    def limit(self) -> float:
        """Largest magnitude of an output of an amplifier, from the middle of the supply [V]."""
        return self.supply / 2 - self.amplifier.headroom

    @property
    def steepest(self) -> float:
        """Largest slope of a signal within the limit and the band, by Bernstein [V/s]."""
        return 2.0 * math.pi * self.bandwidth * self.limit

    @property
    def bandwidth(self) -> float:
        """Band of the error [Hz]: d / 6 periods in the window."""
        return self.order / 6 / self.theta


def make_request(
    order: Any,
    theta: Any,
    taps: Any = (1.0,),
    *,
    structure: Any = "cascade",
    form: Any = "op-amp",
    series: Any = "E96",
    tolerance: Any = 0.01,
    supply: Any = 5.0,
    opamp: Any = None,
    r_min: Any = None,
    r_max: Any = None,
    c_min: Any = None,
    c_max: Any = None,
) -> AnalogRequest:
    """Return the request of options given as numbers or as texts such as ``1ms`` and ``1%``.

    Raises
    ------
    SpecError
        If a value is not understood or out of range.
    """
    given = {"r_min": r_min, "r_max": r_max, "c_min": c_min, "c_max": c_max}
    bounds = {
        key: parse_quantity(key, value, "ohm" if key.startswith("r") else "F")
        for key, value in given.items()
        if value is not None
    }
    kind = _choice("form", form, CircuitForm)
    if opamp is None and kind is CircuitForm.GM_C:
        # no part's offset or headroom is a transconductor's
        opamp = IDEAL
    return AnalogRequest(
        order=order,
        theta=parse_quantity("theta", theta, "s"),
        taps=_taps(taps),
        structure=_choice("structure", structure, CircuitStructure),
        form=kind,
        series=_choice("series", series, PartSeries),
        tolerance=parse_share("tolerance", tolerance),
        supply=parse_quantity("supply", supply, "V"),
        amplifier=opamp if isinstance(opamp, AmplifierModel) else find_amplifier(opamp),
        **bounds,
    )


def _taps(value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError:
            raise SpecError(f"taps must be numbers separated by commas, not {value!r}") from None
    if isinstance(value, Sequence) or np.ndim(value) == 1:
        return tuple(check_real("taps", tap) for tap in value)
    return (check_real("taps", value),)


def _choice(name: str, value: Any, kind: type[E]) -> E:
    """Return the member with a value, whatever the case of its letters."""
    if isinstance(value, kind):
        return value
    for member in kind:
        if isinstance(value, str) and value.lower() == member.value.lower():
            return member
    known = ", ".join(str(member.value) for member in kind)
    raise SpecError(f"{name} must be one of {known}, not {value!r}")
