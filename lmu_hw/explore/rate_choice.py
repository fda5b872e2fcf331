"""The cheapest hardware of a design that reaches a rate on a device."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .._support.validation import check_positive
from ..api.design import Design
from ..errors import ScheduleError, SpecError, ToolError
from ..generate import in_format
from ..measure.synthesis import yowasp_tools
from ..measure.synthesis.devices import Device
from ..program.codec import to_data
from ..rtl.hardware_plan import hardware_plan
from ..rtl.options import MAX_LANES, MAX_PIPELINE, MIN_PIPELINE, Hardware
from ..rtl.parallel_style import Parallel
from ..rtl.schedule import why_not
from .estimates import estimate
from .explored_point import DeviceFigures, FigureBasis
from .point_tasks import device_figures_of

MARGIN = 0.8
"""Designs are placed and routed from this share of the rate on, as estimated."""
MAX_FITS = 4
"""Most designs that are placed and routed."""
_RATE = re.compile(r"(\d+(?:\.\d+)?(?:e\d+)?)\s*([kMG]?)\Z")
_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedHardware:
    """Hardware of a design, and its figures on a device.

    Attributes
    ----------
    hardware : Hardware
    figures : DeviceFigures
        Estimated, or measured by place and route.
    """

    hardware: Hardware
    figures: DeviceFigures

    @property
    def rate(self) -> float:
        """Steps a second of one signal [1/s]."""
        return self.figures.steps_per_second or 0.0

    @property
    def options(self) -> str:
        """The options of ``generate`` that make it."""
        hardware = self.hardware
        port = " --state-port" * hardware.state_port
        if hardware.parallel is Parallel.SHARED:
            return f"--lanes {hardware.lanes}{port}"
        return f"--parallel {hardware.parallel.value} --pipeline {hardware.pipeline}{port}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"hardware": self.hardware.to_data(), "figures": to_data(self.figures)}

    def __str__(self) -> str:
        found = self.figures
        return (
            f"{self.options}: {rate_text(self.rate)} steps/s {found.basis.value} on "
            f"{found.target}, {100 * found.share:.1f} % of it"
        )


def rate_of(value: object) -> float:
    """Return a rate [1/s], given as a number or as ``5M``.

    Raises
    ------
    SpecError
        If it is neither, or not > 0.
    """
    if isinstance(value, str):
        match = _RATE.match(value.strip())
        if match is None:
            raise SpecError(f"rate must be steps a second, such as 5M or 250k, not {value!r}")
        value = float(match[1]) * _FACTORS[match[2]]
    return check_positive("rate", value)


def rate_text(rate: float) -> str:
    """Return a rate with a suffix, such as 27.1M."""
    for suffix in ("G", "M", "k"):
        if rate >= _FACTORS[suffix]:
            return f"{rate / _FACTORS[suffix]:.4g}{suffix}"
    return f"{rate:.4g}"


def hardware_for_rate(
    design: Design,
    rate: float | str,
    target: Device,
    *,
    streams: str = "plain",
    state_port: bool = False,
    fit: bool = False,
    seed: int = 1,
) -> RatedHardware:
    """Return the cheapest hardware of a design that reaches a rate on a device.

    The cheapest takes the smallest share of the device. Candidates are shared multipliers with 1,
    2, 4 .. 64 lanes, and for a memory that can have it a multiplier for each coefficient with 1 to
    6 registers; all of one signal.

    Parameters
    ----------
    design : Design
    rate : float or str
        Steps a second [1/s], such as ``5e6`` or ``"5M"``.
    target : Device
        With a placer.
    streams : str
        Of the ports; ``"axi"`` leaves shared multipliers alone.
    state_port : bool
    fit : bool
        Place and route the candidates, the cheapest first, until one reaches the rate. Else the
        estimates decide.
    seed : int
        Of the placement.

    Raises
    ------
    SpecError
        If the rate is no number, the device has no placer, the program has no Verilog, or nothing
        reaches the rate; the text names the fastest.
    ToolError
        With ``fit``, if a tool is missing.
    """
    wanted = rate_of(rate)
    if target.placer is None:
        raise SpecError(f"target must have a placer to reach a rate, and {target.name} has none")
    if refused := why_not(design.program):
        raise SpecError(f"the program has no Verilog: {refused}")
    base = Hardware(streams=streams, state_port=state_port)
    able = [one for one in _candidates(design, base, target) if one.figures.fits]
    if not able:
        raise SpecError(f"no hardware of this design fits {target.name}: take {target.larger}")
    able.sort(key=lambda one: (one.figures.share, one.figures.luts, -one.rate))
    if fit:
        return _fitting(design, wanted, target, able, seed)
    found = next((one for one in able if one.rate >= wanted), None)
    if found is None:
        raise SpecError(_too_fast(wanted, target, max(able, key=lambda one: one.rate)))
    return found


def _candidates(design: Design, base: Hardware, target: Device) -> Iterator[RatedHardware]:
    """Yield the hardware that the program can have, with estimates."""
    safe = in_format(design.program, design.certificate().claims)
    fewest: int | None = None
    for hardware in _options(base):
        try:
            plan = hardware_plan(design.program, hardware, safe)
        except ScheduleError:
            continue
        if hardware.parallel is Parallel.SHARED:
            if fewest is not None and plan.cycles_per_step >= fewest:
                continue  # these lanes save no cycle
            fewest = plan.cycles_per_step
        figures = estimate(design.program, plan, target)
        yield RatedHardware(hardware=hardware, figures=figures)


def _options(base: Hardware) -> Iterator[Hardware]:
    lanes = 1
    while lanes <= MAX_LANES:
        yield replace(base, lanes=lanes)
        lanes *= 2
    for pipeline in range(MIN_PIPELINE, MAX_PIPELINE + 1):
        try:
            yield replace(base, parallel=Parallel.FULL, pipeline=pipeline)
        except SpecError:
            return  # other port names


def _fitting(
    design: Design, wanted: float, target: Device, able: list[RatedHardware], seed: int
) -> RatedHardware:
    """Return the first candidate that reaches the rate when it is placed and routed."""
    yowasp_tools.check((target,))
    near = [one for one in able if one.rate >= MARGIN * wanted][:MAX_FITS]
    if not near:
        raise SpecError(_too_fast(wanted, target, max(able, key=lambda one: one.rate)))
    best, refused = None, None
    for one in near:
        try:
            placed = _placed(design, one.hardware, target, seed)
        except ToolError as error:
            refused = error  # it does not fit, or has no route
            continue
        if placed.rate >= wanted:
            return placed
        best = placed if best is None or placed.rate > best.rate else best
    if best is None:
        assert refused is not None
        raise refused
    raise SpecError(_too_fast(wanted, target, best))


def _placed(design: Design, hardware: Hardware, target: Device, seed: int) -> RatedHardware:
    """Return hardware with the figures of place and route."""
    with tempfile.TemporaryDirectory(prefix="lmu-hw-rate-") as place:
        build = design.write(Path(place) / "design", hardware)
        (found,) = build.synth(target.name, seed=seed).targets
    return RatedHardware(hardware=hardware, figures=device_figures_of(found, target))


def _too_fast(wanted: float, target: Device, fastest: RatedHardware) -> str:
    basis = "estimated" if fastest.figures.basis is FigureBasis.ESTIMATED else "measured"
    return (
        f"rate must be at most {rate_text(fastest.rate)} steps/s on {target.name}, {basis} with "
        f"{fastest.options}, the fastest hardware of this design that fits, not "
        f"{rate_text(wanted)}: take {target.larger}, or fewer bits"
    )
