"""What ``lmu-hw verify`` says of an analog memory: its circuit, and units with drawn parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._support.array_types import Array
from ..errors import CircuitMismatchError
from ..memory.delay_error import percent
from ..program.codec import Report, to_data, written
from .circuit_report import CircuitReport
from .sample_agreement import AGREEMENT

LIKELY = 0.95
"""Share of the units whose largest error is given beside median and largest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSpread:
    """Errors of units: NRMSE of all taps in the band, to six digits; None: an unstable unit.

    Attributes
    ----------
    median, likely, largest : float or None
        `likely`: not exceeded by 95 % of the units.
    """

    median: float | None
    likely: float | None
    largest: float | None

    def __str__(self) -> str:
        texts = ["unstable" if x is None else percent(x) for x in self._values]
        return f"median {texts[0]}, 95 % of the units up to {texts[1]}, largest {texts[2]}"

    @property
    def _values(self) -> tuple[float | None, ...]:
        return self.median, self.likely, self.largest


@dataclass(frozen=True, slots=True, kw_only=True)
class ToleranceReport:
    """A Monte Carlo over the tolerances of the parts.

    Attributes
    ----------
    units : int
        Number of units drawn.
    seed : int
    tolerance : float
        Of every part, as a share.
    unstable : int
        Units with a pole that is not in the left half plane.
    errors : ErrorSpread
    calibrated : ErrorSpread or None
        With the taps fitted to each unit.
    sample : int
        Units that ngspice computed too.
    difference : float
        Largest difference of their errors between NumPy and ngspice, relative.
    """

    units: int
    seed: int
    tolerance: float
    unstable: int
    errors: ErrorSpread
    calibrated: ErrorSpread | None = field(default=None, metadata=written(optional=True))
    sample: int
    difference: float

    @property
    def agrees(self) -> bool:
        """Whether NumPy and ngspice agree on the sample."""
        return self.difference <= AGREEMENT

    def __str__(self) -> str:
        lines = [
            f"{self.units:,} units with parts of {percent(self.tolerance)}, seed {self.seed}: "
            f"{self.unstable} unstable",
            f"  error: {self.errors}",
        ]
        if self.calibrated is not None:
            lines.append(f"  taps fitted to each unit: {self.calibrated}")
        verdict = "ok" if self.agrees else "FAILED"
        lines.append(
            f"  {verdict}: {self.sample} of them in ngspice, errors within "
            f"{percent(self.difference)} of NumPy's (limit {percent(AGREEMENT)})"
        )
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AnalogVerification(Report):
    """What ``lmu-hw verify`` found of an analog memory.

    Attributes
    ----------
    circuit : CircuitReport
        The netlist in ngspice against the float memory and the design.
    tolerance : ToleranceReport or None
        Of a Monte Carlo.
    """

    circuit: CircuitReport
    tolerance: ToleranceReport | None

    @property
    def passed(self) -> bool:
        """Whether every limit is kept."""
        return self.circuit.passed and (self.tolerance is None or self.tolerance.agrees)

    def check(self) -> None:
        """Raise the error of the first limit that is missed.

        Raises
        ------
        CircuitMismatchError
        """
        self.circuit.check()
        if self.tolerance is not None and not self.tolerance.agrees:
            raise CircuitMismatchError(
                "errors of drawn units, against NumPy's",
                percent(self.tolerance.difference),
                percent(AGREEMENT),
                "an amplifier is not linear: take a faster one or a longer theta",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON data: what ``verify --json`` prints."""
        more = {} if self.tolerance is None else {"tolerance": to_data(self.tolerance)}
        return {**self.circuit.to_dict(), **more, "ok": self.passed}

    def __str__(self) -> str:
        parts = [str(self.circuit)]
        if self.tolerance is not None:
            parts += ["", str(self.tolerance)]
        return "\n".join(parts)


def error_spread(errors: Array) -> ErrorSpread:
    """Return median, likely and largest of errors; infinity is an unstable unit."""
    # without interpolation, which infinity would spoil
    shares = np.quantile(errors, [0.5, LIKELY, 1.0], method="higher")
    median, likely, largest = (float(f"{x:.6g}") if np.isfinite(x) else None for x in shares)
    return ErrorSpread(median=median, likely=likely, largest=largest)
