"""What a point must keep to be picked: loss, cells, rate, memory, devices that it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._support.name_lookup import look_up
from .._support.validation import check_positive
from ..errors import SpecError
from .explored_point import BoardFigures, DeviceFigures, ExploredPoint, Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLimits:
    """Limits of a point; None: no limit.

    Parameters
    ----------
    max_loss : float, optional
        Largest `PointQuality.loss`, as a share.
    max_lut, max_dsp, max_bram : int, optional
        Most LUTs, multipliers and block RAMs on every device.
    min_rate : float, optional
        Fewest steps a second on every device [1/s].
    max_cycles : int, optional
        Most clock cycles of a step.
    max_flash, max_ram : int, optional
        Most bytes on every microcontroller.
    max_instructions : float, optional
        Most instructions of a step with an output, on every microcontroller.
    fit : tuple of str
        Targets that it must fit.

    Raises
    ------
    SpecError
        If a limit is not a number, or not > 0; a loss may be 0.
    """

    max_loss: float | None = None
    max_lut: float | None = None
    max_dsp: float | None = None
    max_bram: float | None = None
    min_rate: float | None = None
    max_cycles: float | None = None
    max_flash: float | None = None
    max_ram: float | None = None
    max_instructions: float | None = None
    fit: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in LIMITS:
            value = getattr(self, name)
            if value is not None and not (
                name in ("max_loss", "max_dsp", "max_bram") and value == 0
            ):
                object.__setattr__(self, name, check_positive(name, value))

    def misses(self, point: ExploredPoint) -> tuple[str, ...]:
        """Return the limits that a point misses, as text."""
        if point.refused:
            return ("a design",)
        found = [text for name, text in self.texts().items() if self._misses(point, name)]
        fits = {figures.target: figures.fits for figures in point.figures}
        return (*found, *(f"fits {name}" for name in self.fit if not fits.get(name, False)))

    def texts(self) -> dict[str, str]:
        """Return the limits as text, by name."""
        return {
            name: f"{word} {'>=' if name == 'min_rate' else '<='} {_short(getattr(self, name))}"
            for name, word in LIMITS.items()
            if getattr(self, name) is not None
        }

    def lines(self) -> tuple[str, ...]:
        """Return all limits as text."""
        return (*self.texts().values(), *(f"fits {name}" for name in self.fit))

    def needs(self) -> dict[str, type[DeviceFigures] | type[BoardFigures]]:
        """Return the limits that only some kind of target has, with that kind."""
        return {name: kind for name, kind in KINDS.items() if getattr(self, name) is not None}

    def _misses(self, point: ExploredPoint, name: str) -> bool:
        limit = getattr(self, name)
        if name == "max_loss":
            return point.quality is None or point.quality.loss > limit + 1e-12
        if name == "max_cycles":
            return point.cycles_per_step is None or point.cycles_per_step > limit
        values = [
            getattr(figures, FIELDS[name])
            for figures in point.figures
            if isinstance(figures, KINDS[name])
        ]
        if name == "min_rate":
            # a target without a placer has no clock figure: it decides nothing
            rates = [value for value in values if value is not None]
            return not rates or min(rates) < limit
        return not values or max(values) > limit


LIMITS = {
    "max_loss": "loss",
    "max_lut": "LUTs",
    "max_dsp": "multipliers",
    "max_bram": "block RAMs",
    "min_rate": "steps/s",
    "max_cycles": "cycles",
    "max_flash": "flash bytes",
    "max_ram": "RAM bytes",
    "max_instructions": "instructions",
}
"""Words for the limits, by name."""
FIELDS = {
    "max_lut": "luts",
    "max_dsp": "dsps",
    "max_bram": "block_rams",
    "min_rate": "steps_per_second",
    "max_flash": "flash",
    "max_ram": "ram",
    "max_instructions": "instructions",
}
"""Fields of the figures that limits are about."""
KINDS: dict[str, type[DeviceFigures] | type[BoardFigures]] = {
    name: BoardFigures if field in ("flash", "ram", "instructions") else DeviceFigures
    for name, field in FIELDS.items()
}
DEFAULT_LOSS = {Metric.ACCURACY: 0.002, Metric.NRMSE: 0.002}
"""Largest loss by default; the other metrics have none."""


def limits_of(given: Mapping[str, Any], fit: Sequence[str]) -> PointLimits:
    """Return the limits in options by name; None is no limit.

    Raises
    ------
    SpecError
        If one is out of range.
    """
    look_up(list(given), LIMITS, "limit")
    return PointLimits(
        **{**given, "max_loss": loss_of(given.get("max_loss"))},
        fit=tuple(fit),
    )


def loss_of(text: Any) -> float | None:
    """Return a loss, a share such as 0.002 or the text ``0.2%``, as a float.

    Raises
    ------
    SpecError
        Unless it is 0 to below 1.
    """
    if text is None:
        return None
    value = text
    if isinstance(text, str):
        try:
            value = float(text.removesuffix("%")) / (100.0 if text.endswith("%") else 1.0)
        except ValueError:
            value = -1.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1.0:
        raise SpecError(f"max_loss must be a share such as 0.2% or 0.002, not {text!r}")
    return float(value)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.6g}"
