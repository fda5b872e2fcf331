"""Placement, routing and timing of a netlist, with nextpnr."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import yowasp_tools
from .devices import HARNESS_PINS, Device
from .netlists import NETLIST
from .pin_harness import CORE

LOG, REPORT, PINS = "nextpnr.log", "timing.json", "pins.cst"
LARGE_LUTS = 12_000
"""Designs of this many LUTs or more take other options of nextpnr, `LARGE`."""
LARGE = ("--placer", "static", "--router", "router2")
"""Spread the cells, and resolve conflicts of wires together.

Of a design of 31,000 LUTs the default router had 8 % of the wires after seven minutes; ``router2``
kept 1,700 wires in conflict where the default placer had put the cells close together.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathBlock:
    """A block on the critical path.

    Attributes
    ----------
    block : str
        Instance path; ``top`` or ``harness`` outside all blocks.
    delay_ns : float
        Delay in it [ns].
    """

    block: str
    delay_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPath:
    """The slowest path between two registers.

    Attributes
    ----------
    delay_ns : float
        Delay of the whole path [ns].
    start, end : str
        Blocks of the start and end registers.
    blocks : tuple of PathBlock
        Blocks along the path, in order.
    """

    delay_ns: float
    start: str
    end: str
    blocks: tuple[PathBlock, ...]

    def __str__(self) -> str:
        crossed = " -> ".join(f"{b.block} {b.delay_ns:.1f}" for b in self.blocks)
        return f"{self.delay_ns:.1f} ns: {crossed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Result of nextpnr.

    Attributes
    ----------
    fmax_mhz : float
        Highest clock rate [MHz].
    logic_cells : int
        Used logic cells of the device, harness included.
    critical_path : CriticalPath
    """

    fmax_mhz: float
    logic_cells: int
    critical_path: CriticalPath


def arguments(target: Device, seed: int, freq: float | None, luts: int) -> tuple[str, ...]:
    """Return the command line for a design of ``luts`` LUTs on a target."""
    pins = ("-o", f"cst={PINS}") if target.pins else ()
    wanted = () if freq is None else ("--freq", f"{freq:g}")
    return (
        *target.options,
        *pins,
        *wanted,
        *(LARGE if luts >= LARGE_LUTS else ()),
        *("--json", NETLIST, "--report", REPORT, "--seed", str(seed)),
        *("--timing-allow-fail", "-q", "-l", LOG),
    )


def place_and_route(
    target: Device,
    work_dir: Path,
    blocks: Iterable[str],
    seed: int,
    freq: float | None,
    luts: int,
) -> Timing:
    """Run nextpnr in a directory that holds a netlist.

    Parameters
    ----------
    target : Device
        Must have a placer.
    work_dir : Path
    blocks : iterable of str
        Instance paths of the design's blocks, for the critical path.
    seed : int
    freq : float or None
        Target clock rate [MHz]. None: as fast as possible.
    luts : int
        LUTs of the netlist, which decide on placer and router.

    Raises
    ------
    ToolError
        If nextpnr is missing or fails.
    """
    assert target.placer is not None
    if target.pins:
        lines = [f'IO_LOC "{n}" {p};' for n, p in zip(HARNESS_PINS, target.pins, strict=True)]
        (work_dir / PINS).write_text("\n".join([*lines, ""]), encoding="utf-8")
    yowasp_tools.run(target.placer, arguments(target, seed, freq, luts), work_dir, LOG)
    report = json.loads((work_dir / REPORT).read_text(encoding="utf-8"))
    # the design has one clock
    clock, fmax = min(report["fmax"].items(), key=lambda item: item[1]["achieved"])
    steps = next(
        p["path"] for p in report["critical_paths"] if p["from"] == p["to"] == f"posedge {clock}"
    )
    path = crossed(steps, blocks, target)
    return Timing(
        fmax_mhz=round(fmax["achieved"], 2),
        logic_cells=report["utilization"][target.cells]["used"],
        critical_path=CriticalPath(
            delay_ns=round(math.fsum(step["delay"] for step in steps), 2),
            start=path[0][0],
            end=path[-1][0],
            blocks=tuple(PathBlock(block=b, delay_ns=round(delay, 2)) for b, delay in path),
        ),
    )


def crossed(
    steps: list[dict[str, Any]], blocks: Iterable[str], target: Device
) -> list[tuple[str, float]]:
    """Return the blocks along a path and the delay in each; a wire counts to the block it drives.

    Parameters
    ----------
    steps : list of dict
        Steps reported by nextpnr, each with a delay [ns] and the cell that it drives.
    blocks : iterable of str
        Instance paths.
    target : Device
    """
    nested_first = sorted(blocks, key=len, reverse=True)
    prefix = f"{CORE}." if target.harness else ""

    def owner(cell: str) -> str | None:
        if cell.startswith("$"):
            # a cell made by the placer has no instance path
            return None
        if not cell.startswith(prefix):
            return "harness"
        cell = cell.removeprefix(prefix)
        return next((b for b in nested_first if cell.startswith(f"{b}.")), "top")

    found: list[tuple[str, float]] = []
    for step in steps:
        block = owner(step["to"]["cell"])
        if found and block in (None, found[-1][0]):
            found[-1] = (found[-1][0], found[-1][1] + step["delay"])
        else:
            found.append((block or "top", step["delay"]))
    return found
