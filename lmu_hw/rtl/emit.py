"""From a program to Verilog text, ROM files, a bench and its Makefile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth.back import rtlil

from ..program import Cascade, Dense, Program, Role, Vector
from ..schedule import Region, Schedule
from ..templates import environment, hex_word
from .cascade_sequencer import CascadeSequencer
from .datapath import Datapath
from .engine import Engine, payload_shape, rom_contents
from .fifo import OutputFifo
from .mac import MultiplyAccumulate
from .memories import Ram, Rom, RomContents, VerilogPlatform
from .operands import Operands
from .rounder import Rounder
from .row_sequencer import RowSequencer
from .shifter import Shifter
from .silence import SilenceCounter
from .verilog import parse, to_verilog

BLOCKS: dict[str, type] = {
    "memory": Ram,
    "coef_rom": Rom,
    "row_rom": Rom,
    "silence": SilenceCounter,
    "fifo": OutputFifo,
    "fifo.words": Ram,
    "datapath": Datapath,
    "datapath.operands": Operands,
    "datapath.mac": MultiplyAccumulate,
    "datapath.shifter": Shifter,
    "datapath.round_a": Rounder,
    "datapath.round_b": Rounder,
}
"""The class of every module but the sequencers."""


def emit(program: Program, schedule: Schedule, version: str = "") -> dict[str, str]:
    """Return the files of the hardware's folder, name to text.

    Parameters
    ----------
    program : Program
    schedule : Schedule
        Of the same program.
    version : str
        Of lmu-hw, for the headers.

    Returns
    -------
    dict
        ``<name>.v``, ``<name>_coef.mem`` and ``<name>_rows.mem`` (where they are needed),
        ``tb_<name>.v``, ``Makefile``. The same text from the same program, always.
    """
    name = program.name
    env = environment()
    tool = f"lmu-hw {version}".strip()
    contents = rom_contents(schedule, name)
    context = _context(program, schedule, name, tool)
    context["roms"] = any(rom.is_memory for rom in contents)
    context["header"] = env.get_template("rtl/header.v.j2").render(context).rstrip()
    context["modules"] = _modules(Engine(program, schedule, name), name)
    files = {
        f"{name}.v": env.get_template("rtl/design.v.j2").render(context),
        f"tb_{name}.v": env.get_template("rtl/tb.v.j2").render(context),
        "Makefile": env.get_template("rtl/Makefile.j2").render(context),
    }
    whats = (
        f"{tool}, program {program.digest}: coefficients in execution order",
        f"{tool}, program {program.digest}: of each row bias and shift, less {schedule.shift_min}",
    )
    for rom, what in zip(contents, whats, strict=True):
        if rom.is_memory:
            files[rom.file] = _rom_text(rom, what)
    return files


def _rom_text(rom: RomContents, what: str) -> str:
    return "\n".join([f"// {what}; do not edit", *(hex_word(w, rom.width) for w in rom.words), ""])


def _context(program: Program, schedule: Schedule, name: str, tool: str) -> dict[str, Any]:
    inputs, outputs = program.with_role(Role.INPUT), program.with_role(Role.OUTPUT)
    regions = {r.name: r for r in schedule.regions}
    windows = [op.window for op in program.ops if isinstance(op, Cascade | Dense)]
    return {
        "name": name,
        "tool": tool,
        "title": " ".join(program.title.split()),
        "digest": program.digest,
        "count": _count,
        "fifo_depth": schedule.fifo_depth,
        "abouts": [v for v in program.vectors if v.about],
        "n_in": schedule.n_in,
        "n_out": schedule.n_out,
        "in_width": payload_shape(inputs).width,
        "out_width": payload_shape(outputs).width,
        "inputs": list(_spans(inputs)),
        "outputs": list(_spans(outputs)),
        "vectors": [_vector_line(v, regions.get(v.name)) for v in program.vectors],
        "window": windows[0] if windows else 0,
        "multiplies": program.multiplies_per_step,
        "cycles_per_step": schedule.cycles_per_step,
        "cycle_formula": schedule.cycle_formula,
        "phases": schedule.phases,
    }


def _count(n: int) -> str:
    return f"{n} word" if n == 1 else f"{n} words"


def _vector_line(v: Vector, region: Region | None) -> str:
    words = f"{v.fmt.min} to {v.fmt.max}"
    where = "" if region is None else f"{region.base}{', two banks' if region.banks == 2 else ''}"
    return f"{v.name:16} {v.fmt!s:9} {v.length:7}  {words:26} {where}".rstrip()


def _spans(vectors: tuple[Vector, ...]) -> Iterator[dict[str, Any]]:
    """Yield where in a step's words each vector is, and its format."""
    start = 0
    for v in vectors:
        end = start + v.length
        yield {
            "name": v.name,
            "label": f"{v.name} ({v.fmt})",
            "start": start,
            "end": end,
            "width": v.fmt.width,
            "signed": v.fmt.signed,
        }
        start = end


def _modules(engine: Engine, name: str) -> str:
    """Return the Verilog modules of an engine, each under the first line of its docstring."""
    text = rtlil.convert(engine, name=name, platform=VerilogPlatform(name), emit_src=False)
    blocks = dict(BLOCKS)
    for phase in engine.schedule.phases:
        blocks[phase.name] = CascadeSequencer if phase.kind == "cascade" else RowSequencer
    comments = {f"{name}.{path}": _summary(block) for path, block in blocks.items()}
    return to_verilog(parse(text), {name: _summary(Engine), **comments})


def _summary(block: type) -> str:
    return (block.__doc__ or "").partition("\n")[0].replace("`", "")
