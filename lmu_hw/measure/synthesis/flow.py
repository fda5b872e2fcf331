"""Synthesis, placement and routing of a build directory for devices."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from ..._support.progress import progress
from ..._support.validation import check_int, check_positive
from ...errors import EmitError, ModelFileError, SpecError, ToolError, read_error
from ...program.integer_program import Program
from ...rtl.hardware_plan import HardwarePlan, cycles_between_inputs
from ...rtl.inventory import Inventory, inventory
from ...rtl.schedule import why_not
from ...verify.load_build import check_manifest, edited, load_program, plan_of
from . import yowasp_tools
from .devices import TARGETS, Device
from .expected import Expected
from .netlists import DeviceNetlist, synthesize
from .nextpnr import place_and_route
from .pin_harness import TOP, harness, ports_of
from .synth_report import (
    CellUnits,
    DeviceReport,
    HarnessUsage,
    MemoryUsage,
    PredictedUsage,
    ProductUsage,
    RoutedDesign,
    SynthReport,
    Usage,
)

MAX_SEED = 2**31 - 1
MAX_FREQ = 1000.0
"""Above the clock rate of every device here [MHz]."""
NO_CELLS_LEFT = "no BELs remaining"
"""What nextpnr says when packing took more cells than the device has."""
FIRST_RUN = "the first run of the tool takes half a minute longer"


def synth(
    build_dir: Path,
    targets: tuple[Device, ...],
    *,
    seed: int = 1,
    freq: float | None = None,
    keep: Path | None = None,
    quiet: bool = False,
) -> SynthReport:
    """Synthesize, place and route the Verilog of a build directory.

    Parameters
    ----------
    build_dir : Path
    targets : tuple of Device
    seed : int
        Seed of the placement.
    freq : float, optional
        Target clock rate [MHz]. Default: as fast as possible.
    keep : Path, optional
        A new directory for scripts, logs and netlists, with a subdirectory for each target.
    quiet : bool
        No progress.

    Returns
    -------
    SynthReport

    Raises
    ------
    SpecError
        If the program has no Verilog.
    ModelFileError
        If the build directory is damaged.
    ToolError
        If a tool is missing or fails, the design does not fit, or part of it is missing from the
        netlist.
    """
    if not targets:
        raise SpecError(f"targets must name a device: {', '.join(TARGETS)}")
    check_int("seed", seed, 0, MAX_SEED)
    if freq is not None and check_positive("freq", freq) > MAX_FREQ:
        raise SpecError(f"freq must be at most {MAX_FREQ:g} MHz, not {freq:g}")
    program = load_program(build_dir)
    if refused := why_not(program):
        raise SpecError(f"the program has no Verilog: {refused}")
    check_manifest(build_dir, program)
    yowasp_tools.check(targets)
    if keep is not None and (keep.is_file() or (keep.is_dir() and any(keep.iterdir()))):
        raise EmitError(f"{keep} must be a new or empty directory")
    plan = plan_of(build_dir, program)
    design = _Design(build_dir, program, plan)
    return SynthReport(
        digest=program.digest,
        title=program.title,
        lanes=plan.lanes,
        cycles_per_step=cycles_between_inputs(plan),
        seed=seed,
        freq_mhz=freq,
        edited=tuple(design.edited),
        targets=tuple(design.on(target, seed, freq, keep, quiet) for target in targets),
    )


class _Design:
    """The Verilog of a build directory, and the inventory of its parts."""

    def __init__(self, build_dir: Path, program: Program, plan: HardwarePlan) -> None:
        self.name, self.plan = program.name, plan
        self.edited = edited(build_dir)
        for file in self.edited:
            if not (build_dir / file).is_file():
                raise ModelFileError(
                    f"{build_dir / file} is missing; generate the build directory again"
                )
        self.parts: Inventory = inventory(program, plan)
        sources = [build_dir / "rtl" / f"{self.name}.v"]
        sources += sorted((build_dir / "rtl").glob(f"{self.name}_*.mem"))
        try:
            self.files = {path.name: path.read_text(encoding="utf-8") for path in sources}
        except OSError as error:
            raise read_error(Path(error.filename), error) from error
        except UnicodeDecodeError as error:
            raise ModelFileError(
                f"{build_dir}/rtl is damaged: {error}; generate the build directory again"
            ) from error

    def on(
        self, target: Device, seed: int, freq: float | None, keep: Path | None, quiet: bool
    ) -> DeviceReport:
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
    ) -> DeviceReport:
        for name, text in self.files.items():
            (work / name).write_text(text, encoding="utf-8")
        if target.harness:
            ports = ports_of(self.files[f"{self.name}.v"], self.name)
            (work / f"{TOP}.v").write_text(harness(ports, self.name), encoding="utf-8")
        expected = Expected(target, self.parts)
        with progress(f"{target.name}: synthesis ({FIRST_RUN})", 0, quiet):
            netlist = synthesize(target, self.name, work)
        expected.check(netlist, self.edited)
        used = {key: getattr(netlist, key) for key in target.capacity}
        expected.check_fit(used, self.plan.lanes)
        has = target.capacity
        return DeviceReport(
            target=target.name,
            device=target.device,
            luts=Usage(used=netlist.luts, available=has["luts"]),
            ffs=Usage(used=netlist.ffs, available=has["ffs"]),
            dsps=PredictedUsage(used=netlist.dsps, available=has["dsps"], estimate=expected.dsps),
            block_rams=PredictedUsage(
                used=netlist.block_rams,
                available=has["block_rams"],
                estimate=expected.block_rams,
            ),
            units=CellUnits(dsps=target.dsp_unit, block_rams=target.ram_unit),
            products=tuple(
                ProductUsage(name=p.name, bits=p.widths, dsps=n) for p, n in expected.products
            ),
            memories=tuple(
                MemoryUsage(
                    name=m.storage.name,
                    words=m.storage.depth,
                    bits=m.storage.width,
                    style=m.style,
                    block_rams=m.blocks,
                )
                for m in expected.memories
            ),
            routed=self._place(target, netlist, work, seed, freq, quiet),
        )

    def _place(
        self,
        target: Device,
        netlist: DeviceNetlist,
        work: Path,
        seed: int,
        freq: float | None,
        quiet: bool,
    ) -> RoutedDesign | None:
        if target.placer is None:
            return None
        with progress(f"{target.name}: place and route ({FIRST_RUN})", 0, quiet):
            try:
                timing = place_and_route(target, work, self.parts.blocks, seed, freq, netlist.luts)
            except ToolError as error:
                full = NO_CELLS_LEFT in str(error)
                subject = f"the design does not fit {target.name}" if full else target.name
                seed_too = "" if full else "another --seed, "
                raise ToolError(
                    f"{subject}: {error}; with {netlist.luts} of {target.capacity['luts']} "
                    f"LUTs used; take fewer bits or lanes, {seed_too}or {target.larger}",
                    command=error.command,
                    exit_code=error.exit_code,
                    tail=error.tail,
                ) from error
        return RoutedDesign(
            logic_cells=timing.logic_cells,
            harness=HarnessUsage(luts=netlist.harness_luts, ffs=netlist.harness_ffs),
            fmax_mhz=timing.fmax_mhz,
            steps_per_second=round(timing.fmax_mhz * 1e6 / cycles_between_inputs(self.plan), 1),
            critical_path=timing.critical_path,
        )


def _keep(work: Path, keep: Path | None, target: Device) -> None:
    """Copy the files of the tools to the directory ``keep``, if given."""
    if keep is not None:
        shutil.copytree(work, keep / target.name)
