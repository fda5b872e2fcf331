"""Placement, routing and timing of a netlist, with nextpnr."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import tools
from .harness import CORE
from .targets import HARNESS_PINS, Target
from .yosys import NETLIST

LOG, REPORT, PINS = "nextpnr.log", "timing.json", "pins.cst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What nextpnr made of a netlist.

    Parameters
    ----------
    fmax_mhz : float
    logic_cells : int
        Of the device that are taken, harness included.
    delay_ns : float
        Of the critical path.
    start, end : str
        Blocks of its two registers.
    blocks : tuple of (str, float)
        The blocks that it crosses, in order, and its delay in each [ns].
    """

    fmax_mhz: float
    logic_cells: int
    delay_ns: float
    start: str
    end: str
    blocks: tuple[tuple[str, float], ...]


def arguments(target: Target, seed: int, freq: float | None) -> tuple[str, ...]:
    """Return the command line for a target."""
    pins = ("-o", f"cst={PINS}") if target.pins else ()
    wanted = () if freq is None else ("--freq", f"{freq:g}")
    return (
        *target.options,
        *pins,
        *wanted,
        *("--json", NETLIST, "--report", REPORT, "--seed", str(seed)),
        *("--timing-allow-fail", "-q", "-l", LOG),
    )


def place_and_route(
    target: Target, folder: Path, blocks: Iterable[str], seed: int, freq: float | None
) -> Timing:
    """Run nextpnr in a folder that holds a netlist.

    Parameters
    ----------
    target : Target
        With a placer.
    folder : Path
    blocks : iterable of str
        Instance paths of the design's blocks, by which the critical path is told.
    seed : int
    freq : float or None
        Clock aimed at [MHz].

    Raises
    ------
    ToolError
        If it is missing or fails.
    """
    assert target.placer is not None
    if target.pins:
        lines = [f'IO_LOC "{n}" {p};' for n, p in zip(HARNESS_PINS, target.pins, strict=True)]
        (folder / PINS).write_text("\n".join([*lines, ""]), encoding="utf-8")
    tools.run(target.placer, arguments(target, seed, freq), folder, LOG)
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    # there is one clock
    clock, fmax = min(report["fmax"].items(), key=lambda item: item[1]["achieved"])
    steps = next(
        p["path"]
        for p in report["critical_paths"]
        if p["from"] == p["to"] == f"posedge {clock}"
    )
    owner = _Owner(blocks, target)
    crossed = _crossed(steps, owner)
    return Timing(
        fmax_mhz=round(fmax["achieved"], 2),
        logic_cells=report["utilization"][target.cells]["used"],
        delay_ns=round(math.fsum(step["delay"] for step in steps), 2),
        start=crossed[0][0],
        end=crossed[-1][0],
        blocks=tuple((block, round(delay, 2)) for block, delay in crossed),
    )


class _Owner:
    """Knows which block a placed cell belongs to."""

    def __init__(self, blocks: Iterable[str], target: Target) -> None:
        self.blocks = sorted(blocks, key=len, reverse=True)
        self.prefix = f"{CORE}." if target.harness else ""

    def __call__(self, cell: str) -> str | None:
        """Return the block; None for a cell without a name of its own."""
        if cell.startswith("$"):
            return None
        if not cell.startswith(self.prefix):
            return "harness"
        cell = cell.removeprefix(self.prefix)
        return next((b for b in self.blocks if cell.startswith(f"{b}.")), "top")


def _crossed(steps: list[dict[str, Any]], owner: _Owner) -> list[tuple[str, float]]:
    """Return the blocks along a path and the delay in each; a wire counts where it leads."""
    crossed: list[tuple[str, float]] = []
    for step in steps:
        block = owner(step["to"]["cell"])
        if crossed and block in (None, crossed[-1][0]):
            crossed[-1] = (crossed[-1][0], crossed[-1][1] + step["delay"])
        else:
            crossed.append((block or "top", step["delay"]))
    return crossed
