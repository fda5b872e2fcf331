"""The result of simulating an analog memory: a row for each tap, and checks with their limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._support.tables import columns, html_table
from ..errors import CircuitMismatchError, plain
from ..memory.delay_error import percent
from ..program.codec import Report, to_data, written
from .quantities import quantity_text


@dataclass(frozen=True, slots=True, kw_only=True)
class TapResult:
    """What ngspice found at the output of a tap.

    Attributes
    ----------
    node : str
    delay : float
        Fraction of theta.
    band_error : float
        NRMSE against the float memory of input that is flat over the band.
    delay_error, memory_delay_error : float
        Error of the delay itself at ``theta f = 1``, ``|H - exp(-j 2 pi delay)|``: of the circuit
        and of the float memory.
    transient_error : float
        NRMSE against the float memory over time, for band-limited input.
    noise_db : float
        Noise in the band, below a sine of full scale [dB].
    """

    node: str
    delay: float
    band_error: float
    delay_error: float
    memory_delay_error: float
    transient_error: float
    noise_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitCheck:
    """A measured value and its limit.

    Attributes
    ----------
    name : str
    value, limit : float
        As shares of 1, or in the unit.
    unit : str
        ``V``, ``dB``, or empty for shares.
    reason : str
        Where the limit is from.
    remedy : str
        What to do where it is missed.
    """

    name: str
    value: float
    limit: float
    unit: str = ""
    reason: str
    remedy: str = field(default="", metadata=written(skipped=True))

    @property
    def passed(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.limit

    def text(self, value: float) -> str:
        """Return a value with the unit."""
        if self.unit == "V":
            return quantity_text(value, "V", 5)
        return f"{value:.4f} {self.unit}" if self.unit else f"{100.0 * value:.4f} %"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CircuitReport(Report):
    """Comparison of a circuit in ngspice with the float memory.

    Attributes
    ----------
    title : str
        Title of the circuit.
    taps : tuple of TapResult
    peaks : mapping of str to float
        Largest magnitude of each node's voltage for the square wave at full scale [V].
    checks : tuple of CircuitCheck
    edited : tuple of str
        Files of the build directory that are not as they were written.
    """

    title: str
    taps: tuple[TapResult, ...]
    peaks: Mapping[str, float]
    checks: tuple[CircuitCheck, ...]
    edited: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every limit is kept."""
        return all(check.passed for check in self.checks)

    def check(self) -> None:
        """Raise the error of the first limit that is missed.

        Raises
        ------
        CircuitMismatchError
        """
        for check in self.checks:
            if not check.passed:
                raise CircuitMismatchError(
                    check.name, check.text(check.value), check.text(check.limit), check.remedy
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON data: what ``verify --json`` prints."""
        checks = [{**to_data(check), "ok": check.passed} for check in self.checks]
        return {"ok": self.passed, **to_data(self), "checks": checks}

    def __str__(self) -> str:
        verdicts = [
            ("ok" if c.passed else "FAILED", c.name, c.text(c.value), f"<= {c.text(c.limit)}")
            for c in self.checks
        ]
        rows = zip(columns(verdicts, n_left=2), self.checks, strict=True)
        lines = [
            self.title,
            "",
            *columns(self._rows()),
            "",
            *(f"{row}  {check.reason}" for row, check in rows),
            *(f"note: {name} was edited since it was written" for name in self.edited),
        ]
        return "\n".join(map(plain, lines))

    def _repr_html_(self) -> str:
        return html_table(self._rows(), caption=self.title)

    def _rows(self) -> list[tuple[str, ...]]:
        """Return the table of the taps."""
        head = ("tap", "delay", "in band", "over time", "|E(1)|", "memory's", "noise")
        return [
            head,
            *(
                (
                    tap.node,
                    f"{tap.delay:g} theta",
                    percent(tap.band_error),
                    percent(tap.transient_error),
                    percent(tap.delay_error),
                    percent(tap.memory_delay_error),
                    f"{-tap.noise_db:.1f} dB",
                )
                for tap in self.taps
            ),
        ]
