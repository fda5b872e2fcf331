"""Emits the Verilog of feed-forward networks whose layers work beside their memory."""

from __future__ import annotations

import json
from typing import Any

from ..._support.templates import environment
from ...program.integer_program import Role
from ..emit import SCHEDULE, rom_files
from ..engine import Engine
from ..fifo import OutputFifo
from ..layers.layer_core import LAYER_BLOCKS, LayerCore
from ..layers.layer_plan import LayerPlan
from ..parallel.emit_parallel import BLOCKS as MEMORY_BLOCKS
from ..parallel.emit_parallel import PARTS as MEMORY_PARTS
from ..parallel.emit_parallel import memory_context, own_figures
from ..parallel.full_core import FullCore
from ..parallel.ring_core import RingCore
from ..parallel.ring_plan import RingPlan
from ..parallel.word_columns import WordColumns
from ..rom_layouts import rom_layouts
from ..schedule import Schedule
from ..verilog import wrapped_comments
from ..verilog_modules import BLOCKS as LANE_BLOCKS
from ..verilog_modules import PARTS as LANE_PARTS
from ..verilog_modules import verilog_of
from .input_appender import InputAppender
from .network_core import NetworkCore
from .network_plan import NetworkPlan

PARTS: dict[str, type] = {**LANE_PARTS, **MEMORY_PARTS}
"""Ports whose names start like this are those of another block."""


def blocks_of(plan: NetworkPlan) -> dict[str, type]:
    """Return the class of every module, by instance name without its number."""
    memory = RingCore if isinstance(plan.memory, RingPlan) else FullCore
    if isinstance(plan.layers, LayerPlan):
        own = {**LAYER_BLOCKS, "layers": LayerCore, "inputs": OutputFifo}
    else:
        own = {**LANE_BLOCKS, "layers": Engine, "input_appender": InputAppender}
    columns = {"output_columns": WordColumns} if plan.memory.serial else {}
    return {**own, **MEMORY_BLOCKS, **columns, "states": memory}


def emit_network(plan: NetworkPlan, version: str = "") -> dict[str, str]:
    """Return the files of the ``rtl/`` directory, name to text.

    Parameters
    ----------
    plan : NetworkPlan
    version : str
        Version of lmu-hw, for the headers.

    Returns
    -------
    dict
        Those of `lmu_hw.rtl.emit.emit`; a pipeline of layers has no ROMs.
    """
    name, env = plan.program.name, environment()
    tool = f"lmu-hw {version}".strip()
    roms: dict[str, str] = {}
    if isinstance(plan.layers, Schedule):
        head = f"{tool}, program {plan.program.digest}; do not edit\n"
        roms = rom_files(plan.layers, name, head)
    context = _context(plan, tool) | {"roms": [file for file in roms if file.endswith(".mem")]}
    header = env.get_template("rtl/header_network.v.j2").render(context).rstrip()
    context["header"] = wrapped_comments(header)
    context["modules"] = verilog_of(NetworkCore(plan, name), name, name, blocks_of(plan), PARTS)
    bench = "rtl/tb.v.j2" if isinstance(plan.layers, Schedule) else "rtl/tb_parallel.v.j2"
    return {
        f"{name}.v": env.get_template("rtl/design.v.j2").render(context),
        f"{name}.f": env.get_template("rtl/files.f.j2").render(context),
        f"{name}.vlt": env.get_template("rtl/lint.vlt.j2").render(context),
        f"tb_{name}.v": env.get_template(bench).render(context),
        "Makefile": env.get_template("rtl/Makefile.j2").render(context),
        SCHEDULE: json.dumps(_figures(plan), indent=2) + "\n",
        **roms,
    }


def _figures(plan: NetworkPlan) -> dict[str, Any]:
    lanes = {"lanes": plan.lanes} if isinstance(plan.layers, Schedule) else {}
    return {
        "parallel": plan.style.value,
        "pipeline": plan.memory.pipeline,
        **own_figures(plan.memory),
        "layers": plan.layer_style.value,
        **lanes,
        "streams": "plain",
        "state_port": plan.state_port,
        "words_per_transfer": plan.words_per_transfer,
        "cycles_per_step": plan.cycles_per_step,
        "cycle_formula": plan.cycle_formula,
        "cycles_per_output": plan.cycles_per_output,
        "output_formula": plan.output_formula,
        "latency": plan.latency,
        "latency_formula": plan.latency_formula,
    }


def _context(plan: NetworkPlan, tool: str) -> dict[str, Any]:
    program = plan.program
    memory = memory_context(program, plan.memory, tool)
    # outputs of the memory that are its states are in no table of the header
    memory |= {
        key: [n for n in memory[key] if n not in plan.split.raw] for key in ("limited", "free")
    }
    return {
        **memory,
        "zero_outputs": False,
        "every": program.output_every,
        "on_demand": program.output_every == 0,
        "n_in": plan.n_in,
        "n_out": plan.n_out,
        "quiet_cycles": plan.quiet_cycles,
        "cycles_per_step": plan.cycles_per_step,
        "cycles_per_quiet_step": plan.quiet_cycles,
        "cycles_per_output": plan.cycles_per_output,
        "cycle_formula": plan.cycle_formula,
        "output_formula": plan.output_formula,
        "latency": plan.latency,
        "latency_formula": plan.latency_formula,
        "latency_parts": ", ".join(name for name, _ in plan.latency_parts),
        "state_signed": any(v.fmt.signed for v in program.with_role(Role.STATE)),
        **_layers(plan),
        **_resets(plan),
    }


def _layers(plan: NetworkPlan) -> dict[str, Any]:
    """Return what the header says about the layers."""
    layers = plan.layers
    common = {
        "pipelined": isinstance(layers, LayerPlan),
        "layer_cycles": layers.cycles_per_step,
        "layer_inputs": layers.n_in,
        "layer_formula": layers.cycle_formula,
    }
    if isinstance(layers, LayerPlan):
        counts = {"multiplier": layers.multipliers, "adder": layers.adders}
        shown = [f"{n} {what}{'s' * (n > 1)}" for what, n in counts.items() if n]
        lanes = layers.requantizers
        shown += [f"{lanes} lane{'s' * (lanes > 1)} that round{'s' * (lanes == 1)} sums"]
        held = plan.memory.fifo_depth + layers.fifo_depth
        return {**common, "layer_parts": shown, "fifo_steps": held}
    return {
        **common,
        "lanes": layers.lanes,
        "interval": layers.interval,
        "layouts": list(rom_layouts(layers, plan.program.name)),
    }


def _resets(plan: NetworkPlan) -> dict[str, int]:
    """Return the range of cycles for the testbench's resets in flight, and their number."""
    return {"moments": plan.latency + plan.cycles_per_output, "resets": 3}
