"""Synthesis of Verilog to a netlist of device cells, with Yosys."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import ToolError
from . import yowasp_tools
from .devices import Device
from .families import Style
from .pin_harness import TOP

LOG, CELLS, NETLIST = "yosys.log", "cells.json", "netlist.json"

_MAPPED = re.compile(r"^(?:mapping memory (\S+) via (\S+)|using FF mapping for memory (\S+))$")

_CONFLICT = re.compile(r"^Warning: Driver-driver conflict for \\?(\S+)", re.MULTILINE)
"""A wire of which Yosys drops one of two drivers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceNetlist:
    """Cells of a synthesized design.

    Parameters
    ----------
    luts, ffs, dsps, block_rams : int
        Numbers of cells of the target, without the harness.
    harness_luts, harness_ffs : int
        LUTs and flip-flops of the harness.
    memories : dict of str to Style
        Implementation of every memory that Yosys mapped, by instance path.
    """

    luts: int
    ffs: int
    dsps: int
    block_rams: int
    harness_luts: int
    harness_ffs: int
    memories: dict[str, Style]


def script(target: Device, design: str) -> str:
    """Return the commands that synthesize a design.

    Parameters
    ----------
    target : Device
    design : str
        Name of its module, and of its file without the suffix ``.v``.
    """
    lines = [f"read_verilog {design}.v"]
    top = design
    if target.harness:
        top = TOP
        # not flattened until its cells are counted
        lines += [
            f"read_verilog {TOP}.v",
            f"hierarchy -top {TOP}",
            f"setattr -mod -set keep_hierarchy 1 {design}",
        ]
    lines += [f"{target.family.synth} -top {top}", f"tee -q -o {CELLS} stat -json"]
    if target.harness:
        lines += [f"setattr -mod -unset keep_hierarchy {design}", "flatten", "clean"]
    if target.pins:
        lines.append(f"iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O {TOP}")
    if target.placer is not None:
        lines.append(f"write_json {NETLIST}")
    return "\n".join([*lines, ""])


def synthesize(target: Device, design: str, work_dir: Path) -> DeviceNetlist:
    """Run Yosys in a directory that holds the Verilog and its ROMs.

    Raises
    ------
    ToolError
        If Yosys is missing or fails, or connects a driven wire to a constant.
    """
    (work_dir / "synth.ys").write_text(script(target, design), encoding="utf-8")
    yowasp_tools.run(yowasp_tools.YOSYS, ("-q", "-l", LOG, "-s", "synth.ys"), work_dir, LOG)
    log = yowasp_tools.read(work_dir / LOG)
    if conflict := _CONFLICT.search(log):
        raise ToolError(
            f"Yosys has connected {conflict[1]} to a constant, so the netlist is not this design; "
            "take another target"
        )
    modules = json.loads((work_dir / CELLS).read_text(encoding="utf-8"))["modules"]
    cells = {name.lstrip("\\"): m["num_cells_by_type"] for name, m in modules.items()}
    family, own, around = target.family, cells[design], cells.get(TOP, {})

    def ffs(found: dict[str, int]) -> int:
        return sum(n for cell, n in found.items() if cell.startswith(family.ffs))

    def luts(found: dict[str, int]) -> int:
        return sum(n * family.luts.get(cell, 0) for cell, n in found.items())

    return DeviceNetlist(
        luts=luts(own),
        ffs=ffs(own),
        dsps=sum(n * family.dsps.get(cell, 0) for cell, n in own.items()),
        block_rams=sum(n * family.rams.get(cell, 0) for cell, n in own.items()),
        harness_luts=luts(around),
        harness_ffs=ffs(around),
        memories=memories_of(log, design),
    )


def memories_of(log: str, design: str) -> dict[str, Style]:
    """Return every memory in a log of Yosys; chain.states is ``design.chain.states.mem``."""
    found = {}
    for match in filter(None, map(_MAPPED.match, log.splitlines())):
        # with AXI4-Stream port names the design is one level deeper
        path = (match[1] or match[3]).removeprefix(f"{design}.").removeprefix("core.")
        path = re.sub(r"\.mem$", "", path)
        if match[3]:
            found[path] = Style.LOGIC
        elif "LUTRAM" in match[2] or "DPR16" in match[2]:
            found[path] = Style.DISTRIBUTED
        else:
            found[path] = Style.BLOCK
    return found
