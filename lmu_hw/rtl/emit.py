"""Emits the Verilog of a program, with ROM files, a testbench and a Makefile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .._support.identifiers import COLLISION_MACRO
from .._support.templates import environment, hex_word
from ..program.integer_program import DenseUpdate, MemoryUpdate, Program, Role, Spiking, Vector
from .block_memories import RomContents
from .engine import Engine
from .interface import interface_context, spans
from .ladder_unit import ladder_contents
from .lane_widths import depth_to_clear, widths
from .neuron_levels import neuron_contents
from .polynomial import piece_contents
from .requantizer import fields_of, param_contents
from .rom_layouts import rom_layouts
from .schedule import BankPlace, BufferHalf, Kind, RomRun, Schedule, pipeline_timing
from .section_fetch import section_contents
from .sequencer import control_contents
from .streams import Streams
from .verilog import wrapped_comments
from .verilog_modules import verilog_of
from .weight_fetch import weight_contents, words_in_row

RESET_CYCLES = 40_000
"""Cycles that the plain testbench spends on resets in flight; three resets are always made."""
SCHEDULE = "schedule.json"
"""File with the facts about the schedule that a simulator needs."""


def emit(
    program: Program,
    schedule: Schedule,
    version: str = "",
    streams: Streams = Streams.PLAIN,
) -> dict[str, str]:
    """Return the files of the ``rtl/`` directory, name to text.

    Parameters
    ----------
    program : Program
    schedule : Schedule
        Schedule of the same program.
    version : str
        Version of lmu-hw, for the headers.
    streams : Streams
        Naming scheme of the ports.

    Returns
    -------
    dict
        ``<name>.v``, ``<name>.f`` (file list), ``<name>_*.mem`` (ROM contents, one word a line),
        ``<name>_roms.txt`` (explanation of the ROM words), ``<name>.vlt`` (Verilator lint waivers),
        ``tb_<name>.v``, ``Makefile``, ``schedule.json``. The same program always gives the same
        text.
    """
    name = program.name
    env = environment()
    tool = f"lmu-hw {version}".strip()
    roms = [rom for rom in _roms(schedule, name) if rom.contents.is_memory]
    context = _context(program, schedule, name, tool, streams)
    context["roms"] = [rom.contents.file for rom in roms]
    header = env.get_template("rtl/header.v.j2").render(context).rstrip()
    context["header"] = wrapped_comments(header)
    context["modules"] = verilog_of(Engine(program, schedule, name), name, context["top"])
    files = {
        f"{name}.v": env.get_template("rtl/design.v.j2").render(context),
        f"{name}.f": env.get_template("rtl/files.f.j2").render(context),
        f"{name}.vlt": env.get_template("rtl/lint.vlt.j2").render(context),
        f"tb_{name}.v": env.get_template("rtl/tb.v.j2").render(context),
        "Makefile": env.get_template("rtl/Makefile.j2").render(context),
        SCHEDULE: json.dumps(_figures(schedule, streams), indent=2) + "\n",
    }
    return files | rom_files(schedule, name, f"{tool}, program {program.digest}; do not edit\n")


def rom_files(schedule: Schedule, name: str, head: str) -> dict[str, str]:
    """Return the ROM files of a schedule and, if there are any, the explanation of their words.

    Parameters
    ----------
    schedule : Schedule
    name : str
        Prefix of the files.
    head : str
        First line of the explanation.
    """
    roms = [rom for rom in _roms(schedule, name) if rom.contents.is_memory]
    files = {rom.contents.file: "".join(f"{word}\n" for word in rom.hex_words) for rom in roms}
    if roms:
        files[f"{name}_roms.txt"] = "\n".join([head, *map(_listing, roms)])
    return files


@dataclass(frozen=True, slots=True)
class _Rom:
    """A ROM with its description, and optional notes, one per word."""

    contents: RomContents
    what: str
    notes: tuple[str, ...] = ()

    @property
    def hex_words(self) -> list[str]:
        return [hex_word(w, self.contents.width) for w in self.contents.words]


def _roms(plan: Schedule, name: str) -> Iterator[_Rom]:
    """Yield every ROM of a design."""
    runs = [run for listing in plan.listings for run in listing.runs]
    control = control_contents(plan, f"{name}_control.mem")
    notes = tuple(_note(plan, run) for run in runs)
    yield _Rom(control, "runs of cycles in the order of a step", notes)
    if plan.weights:
        weights = weight_contents(plan, widths(plan).weight, f"{name}_weights.mem")
        in_row = words_in_row(len(plan.weights))
        what = f"a weight for each of {plan.lanes} lanes, lane 0 lowest"
        yield _Rom(weights, what + (f", {in_row} times in a row" if in_row > 1 else ""))
    if plan.jobs:
        what = f"shift (less {fields_of(plan).shift_min}), multiplier and bias of each result"
        yield _Rom(param_contents(plan, f"{name}_params.mem"), what)
        if plan.functions:
            pieces = piece_contents(plan, f"{name}_pieces.mem")
            names = ", ".join(f.name for f in plan.functions)
            yield _Rom(pieces, f"coefficients of the pieces of {names}")
    if plan.chains:
        sections = section_contents(plan, f"{name}_sections.mem")
        yield _Rom(sections, "coefficients and shifts of the sections")
    if plan.spiking:
        neurons = neuron_contents(plan, f"{name}_neurons.mem")
        yield _Rom(neurons, "constants of each state, and whether it is an outer one (bit 0)")
    if plan.ladders:
        ladder = ladder_contents(plan, f"{name}_ladder.mem")
        yield _Rom(ladder, "coefficients and shifts of the ladders in the order of use")


def _note(plan: Schedule, run: RomRun) -> str:
    """Return the description of a run for the control ROM listing."""
    parts = [run.kind.name.lower().ljust(8), f"{run.cycles:5} cycles"]
    if run.source is not None:
        parts.append(f"of {run.source[0]}[{run.word}]")
    if run.kind is Kind.FEED:
        feed = plan.feeds[run.job]
        parts.append(f"to memory {feed.op}, channel {feed.channel}")
    elif run.begin:
        parts.append(f"begins {plan.jobs[run.job].name}")
    if run.first:
        parts.append("first")
    if run.last:
        parts.append("last")
    if run.times > 1:
        parts.append(f"; the last {run.body} of these, {run.times} times in all")
    if run.end:
        parts.append("; end")
    return " ".join(parts)


def _listing(rom: _Rom) -> str:
    """Return the commented listing of a ROM."""
    contents = rom.contents
    head = f"{contents.file}: {len(contents.words)} words of {contents.width} bits, {rom.what}\n"
    noted = enumerate(zip(rom.hex_words, rom.notes, strict=True)) if rom.notes else ()
    return head + "".join(f"{address:6}  {word}  {note}\n" for address, (word, note) in noted)


def _figures(plan: Schedule, streams: Streams) -> dict[str, Any]:
    return {
        "lanes": plan.lanes,
        "streams": streams.value,
        "state_port": plan.state_port,
        "interval": plan.interval,
        "cycles_per_step": plan.due.cycles,
        "cycles_per_quiet_step": plan.quiet.cycles,
        "cycle_formula": plan.cycle_formula,
        "latency": plan.latency,
        "cycles_after_reset": depth_to_clear(plan),
    }


def _context(
    program: Program, plan: Schedule, name: str, tool: str, streams: Streams
) -> dict[str, Any]:
    inputs, outputs = program.with_role(Role.INPUT), program.with_role(Role.OUTPUT)
    windows = {op.window for op in program.ops if isinstance(op, MemoryUpdate)}
    return {
        "name": name,
        "tool": tool,
        "title": " ".join(program.title.split()),
        "digest": program.digest,
        "collision_macro": COLLISION_MACRO,
        "count": _count,
        "fifo_depth": plan.fifo_depth,
        "abouts": [v for v in program.vectors if v.about],
        "n_in": plan.n_in,
        "n_out": plan.n_out,
        "inputs": list(spans(inputs)),
        "outputs": list(spans(outputs)),
        "vectors": [_vector_line(v, plan) for v in program.vectors],
        "windows": sorted(windows),
        "lanes": plan.lanes,
        "interval": plan.interval,
        "has_scale": pipeline_timing(program, plan.lanes, plan.interval).scale_bits > 0,
        "functions": [f.name for f in plan.functions],
        "chains": len(plan.chains),
        "ladders": len(plan.ladders),
        "neurons": list(_neurons(program, plan)),
        "every": program.output_every,
        "on_demand": program.output_every == 0,
        "multiplies": program.multiplies_per_step + program.multiplies_per_output,
        "cycles_per_step": plan.due.cycles,
        "cycles_per_quiet_step": plan.quiet.cycles,
        "cycles_per_output": None,
        "cycle_formula": plan.cycle_formula,
        "quiet_formula": plan.quiet.formula,
        "latency": plan.latency,
        "dies": not any(isinstance(op, DenseUpdate) for op in program.ops),
        "phases": plan.due.phases,
        "layouts": list(rom_layouts(plan, name)),
        "clear_cycles": depth_to_clear(plan),
        **_resets(plan, program.output_every),
        **interface_context(plan, name, streams, depth_to_clear(plan)),
    }


def _neurons(program: Program, plan: Schedule) -> Iterator[str]:
    """Yield the neurons of each memory whose states travel as spikes."""
    for chain in plan.chains:
        op, neurons = program.ops[chain.op], chain.neurons
        if neurons is not None and isinstance(op, Spiking):
            n = op.neurons(program.vector)
            model = f"Poisson neurons, {neurons.generators} random number generators"
            model = model if neurons.generators else "integrate-and-fire neurons"
            rounds = neurons.rounds
            yield f"{n} {model}, {rounds} cycle{'s' if rounds > 1 else ''} for each state"


def _resets(plan: Schedule, every: int) -> dict[str, int]:
    """Return the range of cycles for the testbench's resets in flight, and their number."""
    moments = depth_to_clear(plan) + plan.latency + plan.due.cycles
    cycles = moments // 2 + depth_to_clear(plan) + plan.latency + every * plan.due.cycles
    return {"moments": moments, "resets": max(3, min(moments, RESET_CYCLES // cycles))}


def _count(n: int) -> str:
    return f"{n} word" if n == 1 else f"{n} words"


def _vector_line(v: Vector, plan: Schedule) -> str:
    words = f"{v.fmt.min} to {v.fmt.max}"
    places = dict.fromkeys(p for (name, _), p in plan.places.items() if name == v.name)
    rows = " ".join(_rows(place, plan) for place in places)
    return f"{v.name:16} {v.fmt!s:9} {v.length:7}  {words:26} {rows}".rstrip()


def _rows(place: BankPlace, plan: Schedule) -> str:
    if place.half is BufferHalf.ONLY:
        return str(place.row)
    return f"{place.row}/{place.row + plan.half_rows}" if place.half is BufferHalf.OLD else ""
