"""Result of `lmu-hw footprint`: flash, RAM, stack and instructions of a step on each target."""

from __future__ import annotations

from dataclasses import dataclass

from ..._support.tables import html_table
from ...firmware.boards.toolchain import OPTIMIZE
from ...program.codec import Report


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
class InstructionCounts:
    """Executed instructions of a step.

    Attributes
    ----------
    steps : int
        Steps that were counted.
    mean : float
    min, max : int
    macs : int
        Multiply-accumulates of a step.
    per_mac : float or None
        Mean divided by ``macs``; None where there are none.
    """

    steps: int
    mean: float
    min: int
    max: int
    macs: int
    per_mac: float | None

    def __str__(self) -> str:
        return f"{self.mean:,.1f} ({self.min:,} to {self.max:,})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructions:
    """Instructions of steps with and without an output; None where there are no such steps."""

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
        Options of the compiler.
    flash : FlashUsage
    ram : RamUsage
    stack : StackDepths
    instructions : Instructions
    """

    target: str
    core: str
    compiler: str
    options: tuple[str, ...]
    flash: FlashUsage
    ram: RamUsage
    stack: StackDepths
    instructions: Instructions

    def __str__(self) -> str:
        flash, ram, stack = self.flash, self.ram, self.stack
        library = ", ".join(flash.library_functions)
        from_library = f", library {flash.library:,} ({library})" if library else ""
        chain = " > ".join(f"{frame.function} {frame.bytes}" for frame in stack.chain)
        calls = f", and that of {' and '.join(stack.not_counted)}" if stack.not_counted else ""
        lines = [
            f"{self.target} ({self.core}, {self.compiler} {OPTIMIZE[0]})",
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
        Steps that were counted.
    seed : int
        Seed of their inputs.
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
        rows: list[tuple[str, ...]] = [(*head, "instructions with an output", "without")]
        for t in self.targets:
            n_bytes = (t.flash.total, t.ram.total, t.stack.step)
            counts = (t.instructions.with_output, t.instructions.without_output)
            rows.append((t.target, *(f"{n:,}" for n in n_bytes), *(str(c or "-") for c in counts)))
        rows += [(name, "-", "-", "-", "-", "-") for name in self.not_measured]
        return html_table(rows, caption=self.title)
