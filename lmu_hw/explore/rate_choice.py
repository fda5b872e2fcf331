"""The cheapest hardware of a design that reaches a rate on a device."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._support.validation import check_positive
from ..api.design import Design
from ..errors import ScheduleError, SpecError, ToolError
from ..generate import in_format
from ..measure.synthesis import yowasp_tools
from ..measure.synthesis.devices import TARGETS, Device
from ..program.codec import to_data
from ..rtl.hardware_plan import hardware_plan
from ..rtl.layer_style import Layers
from ..rtl.options import Hardware
from ..rtl.parallel_style import Parallel
from ..rtl.schedule import why_not
from .estimates import estimate
from .explored_point import DeviceFigures, FigureBasis
from .point_tasks import device_figures_of
from .rate_candidates import rate_candidates

MARGIN = 0.8
"""The first design of a style is placed and routed from this share of the rate on, as estimated."""
MAX_FITS = 6
"""Most designs that are placed and routed."""
_RATE = re.compile(r"(\d+(?:\.\d+)?(?:e\d+)?)\s*([kMG]?)\Z")
_FACTORS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
Watch = Callable[[str], object]
"""Called with a line on each design that is placed and routed."""


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
        few = layers = ""
        if hardware.sections_per_multiplier is not None:
            few = f" --sections-per-multiplier {hardware.sections_per_multiplier}"
        if hardware.layers is not None:
            layers = f" --layers {hardware.layers.value}"
        if hardware.layers is Layers.LANES:
            layers += f" --lanes {hardware.lanes}"
        style = f"--parallel {hardware.parallel.value}{few} --pipeline {hardware.pipeline}"
        return f"{style}{layers}{port}"

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
    shared_only: bool = False,
    fit: bool = False,
    seed: int = 1,
    watch: Watch = lambda _: None,
) -> RatedHardware:
    """Return the cheapest hardware of a design that reaches a rate on a device.

    The cheapest takes the smallest share of the device. Candidates are shared multipliers with 1,
    2, 4 .. 64 lanes, and for a memory that can have them a multiplier for a few sections, as few
    as any number of multipliers needs, and one for each coefficient, each with all numbers of
    registers; all of one signal. A feed-forward network has those of its memory of which none is
    both faster and cheaper, with layers of each kind, and with as many lanes as above.

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
    shared_only : bool
        Shared multipliers alone, as the kits with Verilog need.
    fit : bool
        Place and route the candidates, the cheapest first, until one reaches the rate. Else the
        estimates decide. Once one of a style is measured, the others of the style are estimated by
        the same ratio.
    seed : int
        Of the placement.
    watch : callable, optional

    Raises
    ------
    SpecError
        If the rate is no number, the device has no placer, the program has no Verilog, or nothing
        reaches the rate; the text names the fastest.
    ToolError
        With ``fit``, if a tool is missing.
    """
    wanted = rate_of(rate)
    check_placer(target)
    if refused := why_not(design.program):
        raise SpecError(f"the program has no Verilog: {refused}")
    base = Hardware(streams=streams, state_port=state_port)
    if fit:
        yowasp_tools.check((target,))
    candidates = _candidates(design, base, target, shared_only)
    able = [one for one in candidates if one.figures.fits]
    if not able:
        raise SpecError(f"no hardware of this design fits {target.name}: take {target.larger}")
    able.sort(key=lambda one: (one.figures.share, one.figures.luts, -one.rate))
    if fit:
        return _fitting(design, wanted, target, able, seed, watch)
    found = next((one for one in able if one.rate >= wanted), None)
    if found is None:
        raise SpecError(_too_fast(wanted, target, max(able, key=lambda one: one.rate)))
    return found


def check_placer(target: Device) -> None:
    """Raise `SpecError` unless a device has a placer, and so a clock."""
    if target.placer is None:
        able = devices_with_placer()
        raise SpecError(f"target must be a device with a placer: {able}, not {target.name}")


def devices_with_placer() -> str:
    """Return the names of the devices whose clock can be measured, for messages."""
    return ", ".join(each.name for each in TARGETS.values() if each.placer is not None)


def _candidates(
    design: Design, base: Hardware, target: Device, shared_only: bool
) -> Iterator[RatedHardware]:
    """Yield the hardware that the program can have, with estimates."""
    program, safe = design.program, in_format(design.program, design.certificate().claims)
    fewest: int | None = None
    for hardware in rate_candidates(base, program, target, safe, shared_only=shared_only):
        try:
            plan = hardware_plan(program, hardware, safe)
        except ScheduleError:
            continue
        if hardware.parallel is Parallel.SHARED:
            if fewest is not None and plan.cycles_per_step >= fewest:
                continue  # these lanes save no cycle
            fewest = plan.cycles_per_step
        figures = estimate(program, plan, target)
        yield RatedHardware(hardware=hardware, figures=figures)


def _fitting(
    design: Design,
    wanted: float,
    target: Device,
    able: list[RatedHardware],
    seed: int,
    watch: Watch,
) -> RatedHardware:
    """Return the first candidate that reaches the rate when it is placed and routed."""
    left = list(able)
    ratios: dict[Parallel, float] = {}
    best: RatedHardware | None = None
    refused: ToolError | None = None
    for number in range(1, MAX_FITS + 1):
        one = next(
            (c for c in left if c.rate * ratios.get(c.hardware.parallel, 1 / MARGIN) >= wanted),
            None,
        )
        if one is None:
            break
        left.remove(one)
        watch(f"{number}: {one.options}, {rate_text(one.rate)} steps/s estimated")
        try:
            placed = _placed(design, one.hardware, target, seed)
        except ToolError as error:
            refused = error  # it does not fit, or has no route
            watch(f"{number}: {error}")
            continue
        ratios[one.hardware.parallel] = placed.rate / one.rate
        enough = placed.rate >= wanted
        found = "enough" if enough else "too slow"
        watch(f"{number}: {rate_text(placed.rate)} steps/s measured, {found}")
        if enough:
            return placed
        best = placed if best is None or placed.rate > best.rate else best
    if best is None and refused is not None:
        raise SpecError(
            f"rate must be lower than {rate_text(wanted)} steps/s on {target.name}: what may reach "
            f"it is not placed and routed: {refused}"
        )
    raise SpecError(_too_fast(wanted, target, best or max(able, key=lambda one: one.rate)))


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
