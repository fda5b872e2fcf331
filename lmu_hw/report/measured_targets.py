"""Devices and microcontrollers that a report measures a design on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from .._support.name_lookup import look_up
from ..errors import SpecError, ToolError
from ..firmware.boards import installed
from ..firmware.boards.microcontrollers import TARGETS as MICROCONTROLLERS
from ..firmware.boards.microcontrollers import Board
from ..measure.footprint.board_report import FootprintReport
from ..measure.footprint.footprint_report import footprint
from ..measure.synthesis import yowasp_tools
from ..measure.synthesis.devices import TARGETS as DEVICES
from ..measure.synthesis.devices import Device
from ..measure.synthesis.flow import synth
from ..measure.synthesis.synth_report import SynthReport
from ..program.integer_program import Program
from ..rtl.schedule import why_not

R = TypeVar("R", SynthReport, FootprintReport)
DEFAULT = ("ecp5-25k", "c-m4")
"""Targets of a report that names none."""
NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredTargets:
    """Figures of a design on devices and microcontrollers.

    Attributes
    ----------
    synthesis : SynthReport or None
        None where no device was measured.
    footprint : FootprintReport or None
        None where no microcontroller was measured.
    not_measured : dict of str to str
        Why a target has no figures, by its name.
    """

    synthesis: SynthReport | None = None
    footprint: FootprintReport | None = None
    not_measured: dict[str, str] = field(default_factory=dict)


def chosen(names: Sequence[str] | None) -> tuple[Device | Board, ...]:
    """Return the targets of these names; of None those of `DEFAULT`.

    Raises
    ------
    SpecError
        If there is no target of a name.
    """
    every: dict[str, Device | Board] = {**DEVICES, **MICROCONTROLLERS}
    names = DEFAULT if names is None else names
    if NONE in names:
        if len(names) > 1:
            raise SpecError(f"targets must be {NONE} alone, or without it, not {','.join(names)}")
        return ()
    return look_up(names, every, "target")


def check_tools(targets: Sequence[Device | Board], program: Program) -> None:
    """Check that targets can be measured, before the work starts.

    Raises
    ------
    SpecError
        If the program has no Verilog, and one of them is a device.
    ToolError
        If a tool is missing.
    """
    for target in targets:
        if isinstance(target, Device) and (refused := why_not(program)):
            raise SpecError(
                f"{target.name} cannot be measured: the program has no Verilog ({refused})"
            )
        _check_tool(target)


def measure_targets(
    build_dir: Path,
    program: Program,
    targets: Sequence[Device | Board],
    *,
    seed: int = 1,
    quiet: bool = True,
) -> MeasuredTargets:
    """Measure a build directory on targets, as far as their tools are there and it fits.

    Parameters
    ----------
    build_dir : Path
    program : Program
    targets : sequence of Device or Board
    seed : int
        Seed of the placement on devices.
    quiet : bool
        No progress.
    """
    synthesized: list[SynthReport] = []
    compiled: list[FootprintReport] = []
    not_measured: dict[str, str] = {}
    for target in targets:
        try:
            if isinstance(target, Device):
                if refused := why_not(program):
                    not_measured[target.name] = f"the program has no Verilog: {refused}"
                    continue
                _check_tool(target)
                synthesized.append(synth(build_dir, (target,), seed=seed, quiet=quiet))
            else:
                _check_tool(target)
                compiled.append(footprint(build_dir, (target,), quiet=quiet))
        except ToolError as error:
            # a design that does not fit, or a tool that fails: the rest of the report stands
            not_measured[target.name] = str(error)
    return MeasuredTargets(
        synthesis=_joined(synthesized),
        footprint=_joined(compiled),
        not_measured=not_measured,
    )


def _joined(reports: Sequence[R]) -> R | None:
    """Return reports of one target each as one report; None where there are none."""
    if not reports:
        return None
    targets: tuple[Any, ...] = tuple(target for report in reports for target in report.targets)
    return replace(reports[0], targets=targets)


def _check_tool(target: Device | Board) -> None:
    if isinstance(target, Device):
        yowasp_tools.check((target,))
    else:
        installed.check(target)
