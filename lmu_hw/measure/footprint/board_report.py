"""Result of `lmu-hw footprint`: flash, RAM, stack and instructions of a step on each target."""

from __future__ import annotations

from dataclasses import dataclass

from ..._support.tables import html_table
from ...firmware.boards.toolchain import OPTIMIZE
from ...program.codec import Report
from .cycle_estimate import CycleEstimate

COLUMNS = ("instructions with an output", "worst step", "without", "worst step without")
"""Columns of instructions in a notebook's table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashUsage:
    """Flash [bytes].

    Attributes
    ----------
    code : int
        Generated functions.
    tables : int
        Constants that stay in flash.
    library : int
        Called functions of the compiler's libraries.
    library_functions : tuple of str
        Their names.
    data : int
        Initial values of variables, and constants that are copied to RAM.
    total : int
        Sum of code, tables, library and data.
    functions : dict of str to int
        Size of each generated function.
    """

    code: int
    tables: int
    library: int
    library_functions: tuple[str, ...]
    data: int
    total: int
    functions: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RamUsage:
    """RAM [bytes].

    Attributes
    ----------
    state : int
        One instance of the design.
    data, bss : int
        Global variables with and without an initial value.
    stack : int
        Deepest stack of any function of the interface.
    total : int
        Sum of all.
    """

    state: int
    data: int
    bss: int
    stack: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Stack frame of a function [bytes]."""

    function: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StackDepths:
    """Deepest stack of each function of the interface [bytes].

    Attributes
    ----------
    init, reset, step, run, save, load : int
        Deepest stack of ``NAME_init`` and so on.
    chain : tuple of Frame
        The deepest call chain of ``NAME_step``, outermost first.
    not_counted : tuple of str
        Library functions whose frames are not in these figures, because the compiler omits them.
    """

    init: int
    reset: int
    step: int
    run: int
    save: int
    load: int
    chain: tuple[Frame, ...]
    not_counted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstStep:
    """Most instructions of a step.

    Attributes
    ----------
    reached : int
        Most instructions of any step that was counted, those of the search included.
    input : str
        Input of that step; see `measure.footprint.worst_inputs`.
    step : int
        Its number in that input, from 0.
    bound : int or None
        All branches that words decide go the longer way in the same step, of the ways that any
        step of the search took. None where the machine code could not be followed, as on AVR.
    all_ways : int or None
        The same over all ways of the code. Those that no step took saturate the words of a memory,
        which loaded states can do also where the certificate says that inputs cannot.
    """

    reached: int
    input: str
    step: int
    bound: int | None
    all_ways: int | None

    def __str__(self) -> str:
        text = f"{self.reached:,} reached ({self.input}, step {self.step:,})"
        if self.bound is not None:
            text += f", at most {self.bound:,}"
        if self.all_ways != self.bound:
            text += f"; {self.all_ways:,} with ways that no step took"
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionCounts:
    """Executed instructions of a step.

    Attributes
    ----------
    steps : int
        Steps of noise that were counted for ``mean``, ``min`` and ``max``.
    mean : float
    min, max : int
    macs : int
        Multiply-accumulates of a step.
    per_mac : float or None
        Mean divided by ``macs``; None where there are none.
    worst : WorstStep
        Over these and all other inputs.
    """

    steps: int
    mean: float
    min: int
    max: int
    macs: int
    per_mac: float | None
    worst: WorstStep

    def __str__(self) -> str:
        return f"{self.mean:,.1f} ({self.min:,} to {self.max:,})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """Instructions of steps with and without an output; None where there are no such steps.

    Both are None for a core that QEMU does not emulate.
    """

    with_output: InstructionCounts | None
    without_output: InstructionCounts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardReport:
    """Footprint of a design on one target.

    Attributes
    ----------
    target, core : str
        Name of the target, as ``--target`` takes it, and of its core.
    compiler : str
        Compiler and version.
    options : tuple of str
        Options of the compiler, those of ``cflags`` last.
    cflags : tuple of str
        Options of the caller.
    flash : FlashUsage
    ram : RamUsage
    stack : StackDepths
    instructions : Instructions
    cycles : CycleEstimate or None
        Estimate of LLVM's model of the core, where it was asked for.
    """

    target: str
    core: str
    compiler: str
    options: tuple[str, ...]
    cflags: tuple[str, ...]
    flash: FlashUsage
    ram: RamUsage
    stack: StackDepths
    instructions: Instructions
    cycles: CycleEstimate | None = None

    def __str__(self) -> str:
        flash, ram, stack = self.flash, self.ram, self.stack
        library = ", ".join(flash.library_functions)
        from_library = f", library {flash.library:,} ({library})" if library else ""
        chain = " > ".join(f"{frame.function} {frame.bytes}" for frame in stack.chain)
        calls = f", and that of {' and '.join(stack.not_counted)}" if stack.not_counted else ""
        lines = [
            f"{self.target} ({self.core}, {self.compiler} {' '.join((OPTIMIZE[0], *self.cflags))})",
            f"  flash         {flash.total:,} bytes: code {flash.code:,}, tables "
            f"{flash.tables:,}{from_library}",
            f"  RAM           {ram.total:,} bytes: state {ram.state:,}, globals "
            f"{ram.data + ram.bss:,}, stack {ram.stack:,}",
            f"  stack         {stack.step:,} bytes of a step: {chain}{calls}",
        ]
        both = (self.instructions.with_output, self.instructions.without_output)
        for kind, counts in zip(("with", "without"), both, strict=True):
            if counts is not None:
                per_mac = "" if counts.per_mac is None else f", {counts.per_mac:.2f} per MAC"
                lines.append(
                    f"  instructions  {counts.mean:,.1f} a step {kind} an output "
                    f"({counts.min:,} to {counts.max:,}){per_mac}"
                )
                lines.append(f"  worst step    {counts.worst}")
        if both == (None, None):
            lines.append(f"  instructions  not counted: QEMU has no {self.core}")
        if self.cycles is not None:
            lines += self.cycles.lines(self.core)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class FootprintReport(Report):
    """Footprint of a design on each target.

    ``str`` gives the text that ``lmu-hw footprint`` prints; notebooks show a table.

    Attributes
    ----------
    title : str
    digest : str
        Digest of the program.
    multiplies_per_step, multiplies_per_output : int
        Multiplies of every step, and more of a step with an output.
    steps : int
        Steps of noise that were counted.
    seed : int
        Seed of their inputs.
    searched : int
        Steps of other inputs among which the worst step was searched.
    edited : tuple of str
        C files that were edited since they were generated.
    targets : tuple of BoardReport
    not_measured : dict of str to str
        Targets that were left out, each with the reason.
    """

    title: str
    digest: str
    multiplies_per_step: int
    multiplies_per_output: int
    steps: int
    seed: int
    searched: int
    edited: tuple[str, ...]
    targets: tuple[BoardReport, ...]
    not_measured: dict[str, str]

    def __str__(self) -> str:
        lines = [self.title]
        if self.edited:
            lines.append(f"edited since it was generated: {', '.join(self.edited)}")
        lines += map(str, self.targets)
        lines += [f"{name} NOT MEASURED: {why}" for name, why in self.not_measured.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = ("target", "flash [bytes]", "RAM [bytes]", "stack of a step [bytes]")
        rows: list[tuple[str, ...]] = [(*head, *COLUMNS)]
        for t in self.targets:
            n_bytes = (t.flash.total, t.ram.total, t.stack.step)
            counts = (t.instructions.with_output, t.instructions.without_output)
            cells = [cell for c in counts for cell in ((str(c), str(c.worst)) if c else ("-", "-"))]
            rows.append((t.target, *(f"{n:,}" for n in n_bytes), *cells))
        rows += [(name, *["-"] * (len(rows[0]) - 1)) for name in self.not_measured]
        return html_table(rows, caption=self.title)
