"""The work of an exploration, as tasks for workers: each returns results for the store.

A task holds no result of another task, so that a worker that is lost loses nothing but its own
task, which another worker runs again.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from .._support.version import __version__
from ..api.design import Design
from ..errors import (
    CertificateError,
    FormatError,
    LMUHWError,
    RangeError,
    ScheduleError,
    SpecError,
    ToolError,
    UnstableError,
)
from ..firmware.boards import installed
from ..firmware.boards.microcontrollers import Board
from ..measure.footprint.footprint_report import counted_steps, measure
from ..measure.synthesis import yowasp_tools
from ..measure.synthesis.devices import Device
from ..measure.synthesis.synth_report import DeviceReport
from ..program.codec import to_data
from ..program.size import ram_bits, rom_bits
from ..quantize.memory_design import QuantizedMemory
from ..rtl.hardware_plan import HardwarePlan, cycles_between_inputs
from ..rtl.options import Hardware
from ..rtl.parallel_style import Parallel
from ..rtl.schedule import why_not
from .estimates import ESTIMATES_VERSION, estimate
from .explored_point import BoardFigures, DeviceFigures, FigureBasis
from .explored_source import ExploredSource, Settings, source_key
from .quality import Judge
from .result_store import ResultKind, StoredResult

REFUSALS = (
    CertificateError,
    FormatError,
    RangeError,
    ScheduleError,
    SpecError,
    UnstableError,
)
"""Errors that a point has whenever it is tried: they are results too."""
Target = Device | Board
PLACEMENT_SEED = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class WorkContext:
    """What all tasks of an exploration share; each worker has one.

    Parameters
    ----------
    source : ExploredSource
    judge : Judge
    targets : tuple of Device or Board
    version : str
        Version of lmu-hw of the client: that of a worker must be the same.
    """

    source: ExploredSource
    judge: Judge
    targets: tuple[Target, ...]
    version: str = __version__
    designs: dict[tuple[tuple[str, str], ...], Design] = field(default_factory=dict, repr=False)

    def design(self, settings: Settings) -> Design:
        """Return the design of a point; the last one is kept, as its hardware may follow."""
        key = tuple(settings.items())
        if key not in self.designs:
            design = self.source.design(settings)
            self.designs.clear()
            self.designs[key] = design
        return self.designs[key]

    def design_request(self, settings: Settings) -> dict[str, Any]:
        """Return what a design depends on."""
        found = self.source.request(settings)
        return {"source": source_key(self.source), "settings": found, **versions()}

    def score_request(self, digest: str) -> dict[str, Any]:
        """Return what a score depends on."""
        return {
            "program": digest,
            "source": source_key(self.source),
            "judge": dict(self.judge.identity),
            **versions(),
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: no design."""
        return {**self.__dict__, "designs": {}}


@cache
def versions() -> dict[str, str]:
    """Return the versions that words may depend on."""
    names = ("numpy", "scipy")
    return {"lmu-hw": __version__, **{name: metadata.version(name) for name in names}}


def plan_request(digest: str, hardware: Hardware) -> dict[str, Any]:
    """Return what the schedule of a program depends on."""
    return {"program": digest, "hardware": hardware.to_data(), "lmu-hw": __version__}


def figures_request(
    digest: str, hardware: Hardware, target: Target, basis: FigureBasis, tools: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the figures of a program on a target depend on; C depends on no hardware."""
    return {
        "program": digest,
        "hardware": hardware.to_data() if isinstance(target, Device) else None,
        "target": target.name,
        "basis": basis.value,
        "tools": dict(tools),
        "lmu-hw": __version__,
    }


def estimate_tools() -> dict[str, str]:
    """Return the version of the estimates, as `tools_of` those of the tools."""
    return {"estimates": ESTIMATES_VERSION}


def tools_of(target: Target) -> dict[str, str]:
    """Return the versions of the tools that measure on a target, here.

    Raises
    ------
    ToolError
        If one is missing.
    """
    if isinstance(target, Device):
        yowasp_tools.check((target,))
        names = [yowasp_tools.YOSYS, *([target.placer] if target.placer else [])]
        return {**{name: metadata.version(name) for name in names}, "seed": str(PLACEMENT_SEED)}
    installed.check(target)
    return {target.toolchain.compiler: _compiler_version(target.toolchain.compiler)}


@cache
def _compiler_version(compiler: str) -> str:
    done = subprocess.run(
        (compiler, "-dumpfullversion"), capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


@dataclass(frozen=True, kw_only=True)
class DesignTask:
    """Compile a design, judge it, and estimate it with some hardware.

    Parameters
    ----------
    settings : mapping of str to str
        Of the words only.
    hardware : tuple of Hardware
    judged : bool
        Its quality is wanted.
    boards : bool
        The estimates of the boards are wanted.
    """

    settings: Settings
    hardware: tuple[Hardware, ...] = ()
    judged: bool = True
    boards: bool = True

    @property
    def name(self) -> str:
        """What it works on, for the progress."""
        return named(self.settings)

    def run(self, context: WorkContext) -> Iterator[StoredResult]:
        """Yield the design, its quality, its schedules and the estimates."""
        request = context.design_request(self.settings)
        try:
            design = context.design(self.settings)
        except REFUSALS as error:
            yield _refused(ResultKind.DESIGN, request, error)
            return
        program = design.program
        yield StoredResult(kind=ResultKind.DESIGN, request=request, outcome=_summary(design))
        if self.judged:
            yield _quality(context, design, self.settings)
        for hardware in self.hardware:
            request = plan_request(program.digest, hardware)
            try:
                plan = design.schedule(hardware)
            except ScheduleError as error:
                yield _refused(ResultKind.PLAN, request, error)
                continue
            outcome = {"cycles_per_step": math.ceil(cycles_between_inputs(plan))}
            yield StoredResult(kind=ResultKind.PLAN, request=request, outcome=outcome)
            yield from self._estimates(context, design, plan, hardware, Device)
        if self.boards:
            yield from self._estimates(context, design, None, Hardware(), Board)

    def _estimates(
        self,
        context: WorkContext,
        design: Design,
        plan: HardwarePlan | None,
        hardware: Hardware,
        kind: type[Target],
    ) -> Iterator[StoredResult]:
        for target in context.targets:
            if isinstance(target, kind):
                request = figures_request(
                    design.program.digest,
                    hardware,
                    target,
                    FigureBasis.ESTIMATED,
                    estimate_tools(),
                )
                found = estimate(design.program, plan, target)
                yield StoredResult(kind=ResultKind.FIGURES, request=request, outcome=to_data(found))


@dataclass(frozen=True, kw_only=True)
class MeasureTask:
    """Measure a design on a target with real tools.

    Parameters
    ----------
    settings : mapping of str to str
        Of the words only.
    hardware : Hardware
    target : Device or Board
    tools : mapping of str to str
        Versions of the tools that are expected.
    estimated : DeviceFigures or BoardFigures
        What stands where the tools refuse.
    """

    settings: Settings
    hardware: Hardware
    target: Target
    tools: Mapping[str, str]
    estimated: DeviceFigures | BoardFigures

    @property
    def name(self) -> str:
        """What it works on, for the progress."""
        hardware = f" {_named(self.hardware)}" if isinstance(self.target, Device) else ""
        return f"{self.target.name}: {named(self.settings)}{hardware}"

    def run(self, context: WorkContext) -> Iterator[StoredResult]:
        """Yield the figures.

        Raises
        ------
        ToolError
            If a tool is missing or of another version, or was ended from outside.
        """
        here = tools_of(self.target)
        if here != dict(self.tools):
            raise ToolError(
                f"a worker must have the tools of the others for {self.target.name}: {self.tools}, "
                f"not {here}; install the same on all"
            )
        design = context.design(self.settings)
        try:
            outcome = to_data(_measured(design, self.hardware, self.target))
        except ToolError as error:
            if (error.exit_code or 0) < 0:
                raise  # ended by a signal: no result
            outcome = to_data(self.estimated)
            outcome |= {"basis": FigureBasis.MEASURED.value, "refused": str(error)}
        request = figures_request(
            design.program.digest, self.hardware, self.target, FigureBasis.MEASURED, self.tools
        )
        yield StoredResult(kind=ResultKind.FIGURES, request=request, outcome=outcome)


Task = DesignTask | MeasureTask


def named(settings: Settings) -> str:
    """Return settings in a line."""
    return " ".join(f"{name}={value}" for name, value in settings.items()) or "the design"


def _named(hardware: Hardware) -> str:
    if hardware.parallel is Parallel.SHARED:
        return f"lanes={hardware.lanes}"
    own = f"interleave={hardware.interleave}"
    if hardware.parallel is Parallel.RING:
        own = f"sections_per_multiplier={hardware.sections_per_multiplier}"
    if hardware.layers is not None:
        own += f" layers={hardware.layers.value} lanes={hardware.lanes}"
    return f"parallel={hardware.parallel.value} pipeline={hardware.pipeline} {own}"


def share_of_device(used: Mapping[str, int], device: Device) -> float:
    """Return the largest share of a device's cells of a kind; infinite where it has none.

    Parameters
    ----------
    used : mapping of str to int
        As `Device.capacity`.
    device : Device
    """
    shares = [
        n / device.capacity[kind] if device.capacity[kind] else float(n > 0) * 1e9
        for kind, n in used.items()
    ]
    return max(shares)


def _summary(design: Design) -> dict[str, Any]:
    program = design.program
    realization = None
    if isinstance(design.quantized, QuantizedMemory):
        realization = design.quantized.realization.value
    return {
        "digest": program.digest,
        "title": program.title,
        "realization": realization,
        "multiplies": program.multiplies_per_step + program.multiplies_per_output,
        "rom_bits": rom_bits(program),
        "ram_bits": ram_bits(program),
        "no_hardware": why_not(program) or "",
    }


def _quality(context: WorkContext, design: Design, settings: Settings) -> StoredResult:
    request = context.score_request(design.program.digest)
    try:
        outcome = to_data(context.judge.quality(design, settings))
    except REFUSALS as error:
        return _refused(ResultKind.SCORE, request, error)
    return StoredResult(kind=ResultKind.SCORE, request=request, outcome=outcome)


def _refused(kind: ResultKind, request: Mapping[str, Any], error: LMUHWError) -> StoredResult:
    return StoredResult(kind=kind, request=request, outcome={"refused": str(error)})


def _measured(design: Design, hardware: Hardware, target: Target) -> DeviceFigures | BoardFigures:
    if isinstance(target, Board):
        return _on_board(design, target)
    return _on_device(design, hardware, target)


def _on_device(design: Design, hardware: Hardware, device: Device) -> DeviceFigures:
    with tempfile.TemporaryDirectory(prefix="lmu-hw-explore-") as place:
        build = design.write(Path(place) / "design", hardware)
        (found,) = build.synth(device.name, seed=PLACEMENT_SEED).targets
    return device_figures_of(found, device)


def device_figures_of(found: DeviceReport, device: Device) -> DeviceFigures:
    """Return what the tools measured on a device as figures of a point."""
    used = {kind: getattr(found, kind).used for kind in device.capacity}
    routed = found.routed
    return DeviceFigures(
        target=device.name,
        basis=FigureBasis.MEASURED,
        **used,
        share=share_of_device(used, device),
        clock_mhz=None if routed is None else routed.fmax_mhz,
        steps_per_second=None if routed is None else routed.steps_per_second,
    )


def _on_board(design: Design, board: Board) -> BoardFigures:
    program = design.program
    with tempfile.TemporaryDirectory(prefix="lmu-hw-explore-") as place:
        for name, text in design.c().items():
            (Path(place) / name).write_text(text, encoding="utf-8")
        found = measure(board, Path(place), program, counted_steps(program), quiet=True)
    with_output, without = found.instructions.with_output, found.instructions.without_output
    assert with_output is not None, "the last step has an output"
    return BoardFigures(
        target=board.name,
        basis=FigureBasis.MEASURED,
        flash=found.flash.total,
        ram=found.ram.total,
        instructions=with_output.mean,
        instructions_without=None if without is None else without.mean,
        share=max(found.flash.total / board.flash[1], found.ram.total / board.ram[1]),
    )
