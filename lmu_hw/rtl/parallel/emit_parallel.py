"""Emits the Verilog of `--parallel full` and `--parallel ring`, with its testbench."""

from __future__ import annotations

import json
from typing import Any

from amaranth.hdl import Shape

from ..._support.identifiers import COLLISION_MACRO
from ..._support.templates import environment
from ...program.integer_program import Program, Role, Vector
from ..block_memories import Ram
from ..emit import RESET_CYCLES, SCHEDULE
from ..interface import spans
from ..lane_widths import payload_shape
from ..rounder import Rounder
from ..state_port import StateCommand
from ..verilog import wrapped_comments
from ..verilog_modules import verilog_of
from .cascade_plan import CHAIN, CascadePlan
from .constant_adaptor import ConstantAdaptor
from .constant_rounder import ConstantRounder
from .delay_line import DelayLine
from .full_plan import FullPlan
from .full_section import FullSection
from .moving_state import command_cycles, most_cycles
from .output_columns import OutputColumns
from .parallel_core import parallel_core
from .ring_plan import RingPlan
from .ring_unit import RingUnit
from .signal_state_port import (
    CLEAR_CYCLES,
    SignalStatePort,
    command_shape,
    load_cycles,
    save_cycles,
)
from .signal_store import SignalStore
from .table_adaptor import TableAdaptor
from .zero_run_flags import ZeroRunFlags

BLOCKS: dict[str, type] = {
    "section": FullSection,
    "first": ConstantAdaptor,
    "second": ConstantAdaptor,
    "round_a": ConstantRounder,
    "round_b": ConstantRounder,
    "inner_states": SignalStore,
    "outer_states": SignalStore,
    "counts": SignalStore,
    "zero_run_flags": ZeroRunFlags,
    "output_columns": OutputColumns,
    "column": Ram,
    "state_port": SignalStatePort,
    "unit": RingUnit,
    "adaptor": TableAdaptor,
    "rounder_a": Rounder,
    "rounder_b": Rounder,
    "inner_line": DelayLine,
    "outer_line": DelayLine,
}
"""Class of every module, by instance name without its number."""
PARTS: dict[str, type] = {"state": SignalStatePort}
"""Ports whose names start like this are those of another block."""


def emit_parallel(plan: CascadePlan, version: str = "") -> dict[str, str]:
    """Return the files of the ``rtl/`` directory, name to text.

    Parameters
    ----------
    plan : CascadePlan
    version : str
        Version of lmu-hw, for the headers.

    Returns
    -------
    dict
        Those of `lmu_hw.rtl.emit.emit`; there are no ROMs.
    """
    name, env = plan.program.name, environment()
    context = _context(plan, f"lmu-hw {version}".strip())
    header = env.get_template("rtl/header_parallel.v.j2").render(context).rstrip()
    context["header"] = wrapped_comments(header)
    context["modules"] = verilog_of(parallel_core(plan), name, name, BLOCKS, PARTS)
    return {
        f"{name}.v": env.get_template("rtl/design.v.j2").render(context),
        f"{name}.f": env.get_template("rtl/files.f.j2").render(context),
        f"{name}.vlt": env.get_template("rtl/lint.vlt.j2").render(context),
        f"tb_{name}.v": env.get_template("rtl/tb_parallel.v.j2").render(context),
        "Makefile": env.get_template("rtl/Makefile.j2").render(context),
        SCHEDULE: json.dumps(_figures(plan), indent=2) + "\n",
    }


def _figures(plan: CascadePlan) -> dict[str, Any]:
    return {
        "parallel": plan.style.value,
        "pipeline": plan.pipeline,
        **own_figures(plan),
        "streams": "plain",
        "state_port": plan.state_port,
        "words_per_transfer": plan.words_per_transfer,
        "cycles_per_step": plan.cycles_per_step,
        "cycle_formula": plan.cycle_formula,
        "latency": plan.latency,
        "latency_formula": plan.latency_formula,
        "cycles_after_reset": plan.clear_cycles,
    }


def own_figures(plan: CascadePlan) -> dict[str, Any]:
    """Return the options of one style."""
    if isinstance(plan, RingPlan):
        return {"sections_per_multiplier": plan.sections_per_multiplier}
    return {"interleave": plan.interleave}


def _context(plan: CascadePlan, tool: str) -> dict[str, Any]:
    return {
        **memory_context(plan.program, plan, tool),
        "zero_outputs": True,
        "n_out": plan.n_out,
        "cycles_per_step": plan.cycles_per_step,
        "cycle_formula": plan.cycle_formula,
        "latency": plan.latency,
        "latency_formula": plan.latency_formula,
        **_resets(plan),
    }


def memory_context(program: Program, plan: CascadePlan, tool: str) -> dict[str, Any]:
    """Return what templates say about a design's ports and vectors, and about its memory.

    Parameters
    ----------
    program : Program
        That of the design.
    plan : CascadePlan
        Of the memory.
    tool : str
        Name and version of lmu-hw.
    """
    shown = plan.program.with_role(Role.OUTPUT)
    names = [*plan.op.states, *(v.name for v in shown), CHAIN]
    return {
        "name": program.name,
        "tool": tool,
        "title": " ".join(program.title.split()),
        "digest": program.digest,
        "collision_macro": COLLISION_MACRO,
        "axi": False,
        "roms": [],
        "store": plan.interleave > 1,
        "count": lambda n: _count(n, "word"),
        "count_of": _count,
        "inputs": list(spans(program.with_role(Role.INPUT))),
        "outputs": list(spans(program.with_role(Role.OUTPUT))),
        "vectors": [_line(v) for v in program.vectors],
        "abouts": [v for v in program.vectors if v.about],
        "n_sections": len(plan.op.sections),
        "pipeline": plan.pipeline,
        "interleave": plan.interleave,
        "loop": plan.loop if isinstance(plan, FullPlan) else 0,
        "ring": _ring(plan) if isinstance(plan, RingPlan) else None,
        "window": plan.op.window,
        "limited": [n for n in names if n in plan.limited],
        "free": [n for n in names if n not in plan.limited],
        "fifo_depth": plan.fifo_depth,
        "fifo_steps": plan.fifo_depth,
        "clear_cycles": plan.clear_cycles,
        **_ports(program, plan),
    }


def _ring(plan: RingPlan) -> dict[str, Any]:
    """Return what the header says about units and slots."""
    schedule = plan.schedule
    return {
        "units": plan.multipliers,
        "rows": plan.rows,
        "half": schedule.half,
        "run": schedule.run,
        "sections": [", ".join(map(str, schedule.sections(k))) for k in range(plan.multipliers)],
    }


def _ports(program: Program, plan: CascadePlan) -> dict[str, Any]:
    """Return the widths of the ports, and the cycles of the state port."""
    found: dict[str, Any] = {
        "in_width": payload_shape(program.with_role(Role.INPUT)).width,
        "out_width": payload_shape(program.with_role(Role.OUTPUT)).width,
        "state_port": plan.state_port,
    }
    if plan.state_port:
        states, n_state = program.with_role(Role.STATE), program.n_words(Role.STATE)
        found |= {
            "n_state": n_state,
            "states": list(spans(states)),
            "state_width": payload_shape(states).width,
            "command_width": Shape.cast(command_shape(plan.interleave)).width,
            **_state_cycles(plan, n_state),
        }
    return found


def _state_cycles(plan: CascadePlan, n_state: int) -> dict[str, Any]:
    """Return the published cycles of each command, and those that the testbench measures.

    ``command_cycles`` are those of CLEAR, SAVE and LOAD. In a ring they depend on the slot of the
    command: the most are published, and the testbench gives its commands in the last slot.
    """
    codes = (StateCommand.CLEAR, StateCommand.SAVE, StateCommand.LOAD)
    most = exact = (CLEAR_CYCLES, save_cycles(n_state), load_cycles(n_state))
    if isinstance(plan, RingPlan):
        # the only slot in which a step can start too
        last = plan.cycles_per_step - 1
        most = tuple(most_cycles(plan, code) for code in codes)
        exact = tuple(command_cycles(plan, code, last) for code in codes)
    published = zip(codes, most, strict=True)
    return {
        **{f"state_{code.name.lower()}_cycles": cycles for code, cycles in published},
        "command_cycles": exact,
    }


def _resets(plan: CascadePlan) -> dict[str, int]:
    """Return the range of cycles for the testbench's resets in flight, and their number."""
    moments = plan.clear_cycles + plan.latency + 2 * plan.cycles_per_step
    outputs = (2 * plan.interleave + 1) * plan.cycles_per_step
    cycles = moments // 2 + plan.clear_cycles + plan.latency + outputs
    return {"moments": moments, "resets": max(3, min(moments, RESET_CYCLES // cycles // 4))}


def _line(v: Vector) -> str:
    return f"{v.name:16} {v.fmt!s:9} {v.length:7}  {v.fmt.min} to {v.fmt.max}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
