"""Estimates of a design's figures on a target, from its program and schedule alone.

Multipliers and block RAMs are exact: those that `lmu_hw.measure.synthesis` predicts. So are cycles,
tables and state. LUTs, flip-flops, clock rate, code, stack and instructions are sums of the
design's sizes times factors that were fitted to measured designs; docs/results/estimates.md has
their errors.
"""

from __future__ import annotations

from functools import lru_cache
from typing import overload

from ..firmware.boards.microcontrollers import Board
from ..measure.synthesis.devices import Device
from ..measure.synthesis.families import multiplier_units, place
from ..program.integer_program import Program
from ..rtl.hardware_plan import HardwarePlan, cycles_between_inputs
from ..rtl.networks.network_plan import NetworkPlan
from ..rtl.parallel.cascade_plan import CascadePlan
from .design_parts import DesignParts, design_parts
from .explored_point import BoardFigures, DeviceFigures, FigureBasis
from .fitted_sums import fitted_sums, fitted_version
from .logic_terms import clock_terms, logic_terms
from .network_parts import NetworkParts, layer_terms, network_parts
from .parallel_parts import ParallelParts, parallel_parts, parallel_terms
from .program_terms import ProgramTerms, Terms, program_terms

METHOD = "5"
"""Changes with the terms; the factors have a digest of their own."""
ESTIMATES_VERSION = f"{METHOD}-{fitted_version()}"
"""Changes whenever an estimate changes: part of the key under which estimates are stored."""
NARROWEST_PERIOD = 1.0
"""Shortest clock period that is ever estimated [ns]."""


@overload
def estimate(program: Program, plan: HardwarePlan | None, target: Device) -> DeviceFigures: ...
@overload
def estimate(program: Program, plan: HardwarePlan | None, target: Board) -> BoardFigures: ...
def estimate(
    program: Program, plan: HardwarePlan | None, target: Device | Board
) -> DeviceFigures | BoardFigures:
    """Return the estimated figures of a program on a target.

    Parameters
    ----------
    program : Program
    plan : HardwarePlan or None
        Plan of the Verilog; None for a board.
    target : Device or Board

    Returns
    -------
    DeviceFigures or BoardFigures
        A design that is larger than its target has a share over 1.
    """
    if isinstance(target, Board):
        return board_figures(program_terms(program), program.output_every, target)
    assert plan is not None, "a device needs the plan"
    return device_figures(_parts(_SamePlan(plan)), target)


class _SamePlan:
    """A plan that is compared by identity: hashing one takes longer than the estimate."""

    def __init__(self, plan: HardwarePlan) -> None:
        self.plan = plan

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _SamePlan) and self.plan is other.plan

    def __hash__(self) -> int:
        return id(self.plan)


Parts = DesignParts | ParallelParts | NetworkParts
"""Memories, multiplications and sizes of a design in each style."""


@lru_cache(maxsize=2)
def _parts(same: _SamePlan) -> Parts:
    # shared by all devices of a point
    plan = same.plan
    if isinstance(plan, CascadePlan):
        return parallel_parts(plan)
    if isinstance(plan, NetworkPlan):
        return network_parts(plan)
    return design_parts(plan)


def device_figures(parts: Parts, target: Device) -> DeviceFigures:
    """Return the estimated figures of a design on an FPGA device.

    Parameters
    ----------
    parts : DesignParts, ParallelParts or NetworkParts
    target : Device
    """
    family, logic = target.family, logic_figures(parts, target)
    used: dict[str, int] = {
        "luts": max(1, round(logic["luts"])),
        "ffs": max(1, round(logic["ffs"])),
        "dsps": sum(multiplier_units(family, p.widths, p.result) for p in parts.products),
        "block_rams": sum(place(family, s).blocks for s in parts.storages),
    }
    clock = rate = None
    if target.placer is not None:
        clock = 1e3 / max(NARROWEST_PERIOD, logic["period_ns"])
        rate = clock * 1e6 / cycles_between_inputs(parts.plan)
    return DeviceFigures(
        target=target.name,
        basis=FigureBasis.ESTIMATED,
        share=_share(used, target.capacity),
        clock_mhz=None if clock is None else round(clock, 1),
        steps_per_second=None if rate is None else round(rate),
        luts=used["luts"],
        ffs=used["ffs"],
        dsps=used["dsps"],
        block_rams=used["block_rams"],
    )


def logic_figures(parts: Parts, target: Device) -> dict[str, float]:
    """Return the LUTs, the flip-flops and the shortest clock period, ``"period_ns"``.

    Parameters
    ----------
    parts : DesignParts, ParallelParts or NetworkParts
    target : Device
    """
    family = target.family
    if isinstance(parts, ParallelParts):
        return _summed("parallel ", parallel_terms(parts, family), target)
    if isinstance(parts, DesignParts):
        logic = logic_terms(parts, family)
        terms = {"luts": logic, "ffs": logic, "period_ns": clock_terms(parts, family)}
        return _summed("", terms, target)
    found = [logic_figures(p, target) for p in (parts.memory, parts.lanes) if p is not None]
    found.append(_summed("layers ", layer_terms(parts, family), target))
    return {
        kind: (max if kind == "period_ns" else sum)(each[kind] for each in found)
        for kind in found[0]
    }


def _summed(kinds: str, terms: dict[str, Terms], target: Device) -> dict[str, float]:
    """Return the fitted sum of each kind of terms."""
    sums = fitted_sums()
    return {
        kind: sums[kinds + kind].of(own, target.name if kind == "period_ns" else target.family.name)
        for kind, own in terms.items()
    }


def _share(used: dict[str, int], available: dict[str, int]) -> float:
    """Return the largest share of a device that a design takes; infinite where there is none."""
    shares = [
        n / available[kind] if available[kind] else float("inf") for kind, n in used.items() if n
    ]
    return round(max(shares), 4)


def board_figures(terms: ProgramTerms, output_every: int, target: Board) -> BoardFigures:
    """Return the estimated figures of a program on a microcontroller.

    Parameters
    ----------
    terms : ProgramTerms
    output_every : int
        Of the program; 1: every step has an output.
    target : Board
    """
    core = core_of(target)
    sums = fitted_sums()

    def instructions(step: Terms) -> float:
        return round(sums[f"instructions {core}"].of(step, core), 1)

    flash = terms.tables + round(sums[f"code {core}"].of(terms.code, core))
    ram = terms.state + terms.scratch + round(sums[f"stack {core}"].of(terms.code, core))
    return BoardFigures(
        target=target.name,
        basis=FigureBasis.ESTIMATED,
        flash=flash,
        ram=ram,
        instructions=instructions(terms.step),
        instructions_without=None if output_every == 1 else instructions(terms.quiet_step),
        share=round(max(flash / target.flash[1], ram / target.ram[1]), 4),
    )


def core_of(target: Board) -> str:
    """Return the name of the board whose core the factors were fitted on."""
    return {"c-uno": "c-avr"}.get(target.name, target.name)
