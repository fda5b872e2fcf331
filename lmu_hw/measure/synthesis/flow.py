"""From a build directory to figures of a device."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..._support.progress import progress
from ...errors import EmitError, ModelFileError, SpecError, ToolError, read_error
from ...program.integer_program import Program
from ...rtl.inventory import Inventory, inventory
from ...rtl.schedule import Schedule, why_not
from ...verify.load_build import check_manifest, edited, load_program, plan_of
from . import yowasp_tools
from .devices import Device
from .estimate import estimate
from .expected import Expected
from .families import Style
from .netlists import DeviceNetlist, synthesize
from .nextpnr import place_and_route
from .pin_harness import TOP, harness, ports_of

FIRST_RUN = "half a minute longer when it is the tool's first here"


def synth(
    build_dir: Path,
    targets: tuple[Device, ...],
    *,
    seed: int = 1,
    freq: float | None = None,
    keep: Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Synthesize, place and route the Verilog of a build directory.

    Parameters
    ----------
    build_dir : Path
    targets : tuple of Device
    seed : int
        Of placement.
    freq : float, optional
        Clock aimed at [MHz].
    keep : Path, optional
        A new folder for scripts, logs and netlists, in a folder for each target.
    quiet : bool
        No progress.

    Returns
    -------
    dict
        digest, cycles_per_step, edited files, seed, and for each target its figures.

    Raises
    ------
    SpecError
        If there is no Verilog of the program.
    ModelFileError
        If the folder is damaged.
    ToolError
        If a tool is missing or fails, the design does not fit, or part of it is missing from the
        netlist.
    """
    program = load_program(build_dir)
    if refused := why_not(program):
        raise SpecError(f"there is no Verilog of this program: {refused}")
    check_manifest(build_dir, program)
    yowasp_tools.check(targets)
    if keep is not None and (keep.is_file() or (keep.is_dir() and any(keep.iterdir()))):
        raise EmitError(f"{keep} must be a new or empty folder")
    plan = plan_of(build_dir, program)
    design = _Design(build_dir, program, plan)
    return {
        "digest": program.digest,
        "title": program.title,
        "lanes": plan.lanes,
        "cycles_per_step": plan.cycles_per_step,
        "seed": seed,
        "freq_mhz": freq,
        "edited": design.edited,
        "targets": [design.on(target, seed, freq, keep, quiet) for target in targets],
    }


class _Design:
    """The Verilog of a folder, and what it must consist of."""

    def __init__(self, build_dir: Path, program: Program, plan: Schedule) -> None:
        self.name, self.plan = program.name, plan
        self.edited = edited(build_dir)
        for file in self.edited:
            if not (build_dir / file).is_file():
                raise ModelFileError(f"{build_dir / file} is missing; generate the folder again")
        self.parts: Inventory = inventory(program, plan)
        sources = [build_dir / "rtl" / f"{self.name}.v"]
        sources += sorted((build_dir / "rtl").glob(f"{self.name}_*.mem"))
        try:
            self.files = {path.name: path.read_text(encoding="utf-8") for path in sources}
        except OSError as error:
            raise read_error(Path(error.filename), error) from error
        except UnicodeDecodeError as error:
            raise ModelFileError(
                f"{build_dir}/rtl is damaged: {error}; generate it again"
            ) from error

    def on(
        self, target: Device, seed: int, freq: float | None, keep: Path | None, quiet: bool
    ) -> dict[str, Any]:
        """Return the figures of the design on a target."""
        with tempfile.TemporaryDirectory(prefix="lmu-hw-synth-") as temporary:
            work = Path(temporary)
            try:
                figures = self._run(target, work, seed, freq, quiet)
            except ToolError:
                _keep(work, keep, target)
                raise
            _keep(work, keep, target)
            return figures

    def _run(
        self, target: Device, work: Path, seed: int, freq: float | None, quiet: bool
    ) -> dict[str, Any]:
        for name, text in self.files.items():
            (work / name).write_text(text, encoding="utf-8")
        if target.harness:
            ports = ports_of(self.files[f"{self.name}.v"], self.name)
            (work / f"{TOP}.v").write_text(harness(ports, self.name), encoding="utf-8")
        expected = Expected(target, self.parts)
        guess = estimate(target, self.parts)
        with progress(f"{target.name}: synthesis ({FIRST_RUN})", 0, quiet):
            netlist = synthesize(target, self.name, work)
        expected.check(netlist, self.edited)
        used = {key: getattr(netlist, key) for key in target.capacity}
        expected.check_fit(used, self.plan.lanes)
        figures: dict[str, Any] = {
            "target": target.name,
            "device": target.device,
            **{
                key: {
                    "used": used[key],
                    "available": target.capacity[key],
                    "estimate": getattr(guess, key),
                    "estimate_error_percent": _percent(getattr(guess, key), used[key]),
                }
                for key in used
            },
            "units": {"dsps": target.dsp_unit, "block_rams": target.ram_unit},
            "products": [
                {"name": p.name, "bits": list(p.widths), "dsps": n} for p, n in expected.products
            ],
            "memories": [
                {
                    "name": m.storage.name,
                    "words": m.storage.depth,
                    "bits": m.storage.width,
                    "in": m.style.value,
                    "block_rams": m.blocks,
                }
                for m in expected.memories
            ],
        }
        return figures | self._timing(target, netlist, work, seed, freq, quiet)

    def _timing(
        self,
        target: Device,
        netlist: DeviceNetlist,
        work: Path,
        seed: int,
        freq: float | None,
        quiet: bool,
    ) -> dict[str, Any]:
        cycles = self.plan.cycles_per_step
        nothing = {"logic_cells": None, "fmax_mhz": None, "steps_per_second": None}
        if target.placer is None:
            return nothing | {"critical_path": None, "note": "synthesis only: no clock figure"}
        with progress(f"{target.name}: place and route ({FIRST_RUN})", 0, quiet):
            try:
                timing = place_and_route(target, work, self.parts.blocks, seed, freq)
            except ToolError as error:
                raise ToolError(
                    f"{target.name}: {error}; with {netlist.luts} of {target.capacity['luts']} "
                    "LUTs used; take fewer bits or lanes, another --seed, or "
                    f"{target.larger}",
                    command=error.command,
                    exit_code=error.exit_code,
                    tail=error.tail,
                ) from error
        return {
            "logic_cells": timing.logic_cells,
            "harness": {"luts": netlist.harness_luts, "ffs": netlist.harness_ffs},
            "fmax_mhz": timing.fmax_mhz,
            "steps_per_second": round(timing.fmax_mhz * 1e6 / cycles, 1),
            "critical_path": {
                key: value
                for key, value in asdict(timing).items()
                if key in ("delay_ns", "start", "end")
            }
            | {"blocks": [{"block": b, "delay_ns": d} for b, d in timing.blocks]},
        }


def _keep(work: Path, keep: Path | None, target: Device) -> None:
    """Copy what the tools left to the folder that was asked for."""
    if keep is not None:
        shutil.copytree(work, keep / target.name)


def _percent(guess: int, used: int) -> float | None:
    """Return the error of an estimate; None where nothing is used."""
    return None if used == 0 else round(100 * (guess - used) / used, 1)


def text(result: dict[str, Any]) -> str:
    """Return a result as a table for people."""
    lines = [line for t in result["targets"] for line in _lines(t, result)]
    if result["edited"]:
        lines.insert(0, f"edited since it was generated: {', '.join(result['edited'])}")
    return "\n".join([result["title"], *lines])


def _lines(t: dict[str, Any], result: dict[str, Any]) -> list[str]:
    def share(key: str) -> str:
        used, available = t[key]["used"], t[key]["available"]
        part = f", {100 * used / available:.0f} %" if available else ""
        return f"{used:,} of {available:,}{part}"

    def logic(key: str) -> str:
        x = t[key]
        return f"{share(key)}; estimated {x['estimate']:,} ({x['estimate_error_percent']:+.1f} %)"

    def blocks(key: str, unit: str, parts: list[str]) -> str:
        # what is used is as expected, or there would have been an error
        kind = f"; {unit} each" if unit else ""
        return f"{share(key)}{kind}{': ' if parts else ''}{', '.join(parts)}"

    def by_name(key: str, count: str) -> list[str]:
        total: dict[str, int] = {}
        for part in t[key]:
            total[part["name"]] = total.get(part["name"], 0) + part[count]
        return [f"{name} {n}" for name, n in total.items() if n]

    rams = by_name("memories", "block_rams")
    small = [m["name"] for m in t["memories"] if m["in"] != Style.BLOCK.value]
    lines = [
        f"{t['target']} ({t['device']})",
        f"  LUTs          {logic('luts')}",
        f"  flip-flops    {logic('ffs')}",
        f"  multipliers   {blocks('dsps', t['units']['dsps'], by_name('products', 'dsps'))}",
        f"  block RAM     {blocks('block_rams', t['units']['block_rams'], rams)}",
    ]
    if small:
        lines.append(f"  in LUTs       {', '.join(small)}")
    if t["fmax_mhz"] is None:
        return [*lines, f"  clock         {t['note']}; {result['cycles_per_step']:,} cycles a step"]
    path = t["critical_path"]
    crossed = " -> ".join(f"{b['block']} {b['delay_ns']:.1f}" for b in path["blocks"])
    return [
        *lines,
        f"  clock         {t['fmax_mhz']:.1f} MHz; {result['cycles_per_step']:,} cycles a step: "
        f"{t['steps_per_second']:,.0f} steps a second",
        f"  critical path {path['delay_ns']:.1f} ns: {crossed}",
    ]
