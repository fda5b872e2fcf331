"""Instructions that the generated C takes on microcontrollers: docs/results/firmware.md.

    PYTHONPATH=. python benchmarks/firmware.py [--only SECTION ...]

Needs cross compilers, QEMU and llvm-mca of LLVM 19 or later. Every run compares the words of its
steps with the interpreter's. The counts of executed instructions are exact; QEMU does not model a
pipeline. The estimated cycles of one section are those of LLVM's models.

Some of its programs cannot be compiled from a model, so it imports the emitter.
"""

from __future__ import annotations

import argparse
import tempfile
import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.firmware_limits import LIMITS
from benchmarks.firmware_programs import (
    COLUMNS,
    ROWS,
    affine,
    beats,
    memories,
    memory,
    networks,
    psmnist,
    with_output_memory,
)
from benchmarks.results_file import with_section
from lmu_hw.firmware import emit, scratch_bytes, tables
from lmu_hw.firmware.boards.microcontrollers import TARGETS, Board
from lmu_hw.firmware.boards.toolchain import DoesNotFitError, build, compile_object
from lmu_hw.measure.footprint import stack
from lmu_hw.measure.footprint.board_report import BoardReport, InstructionCounts
from lmu_hw.measure.footprint.cycle_estimate import MODELS, analyzer
from lmu_hw.measure.footprint.footprint_report import CountedSteps, measure
from lmu_hw.measure.footprint.worst_inputs import NamedInput
from lmu_hw.program.integer_program import Linear, Program, Role
from lmu_hw.verify.backends import board_c
from lmu_hw.verify.stimulus import Reference

TABLE = Path(__file__).parent.parent / "docs" / "results" / "firmware.md"
CORES = {
    "M0": "c-m0",
    "M3": "c-m3",
    "M4": "c-m4",
    "M33": "c-m33",
    "M55": "c-m55",
    "RV32": "c-rv32",
}
"""Those that QEMU runs; the M7 executes what the M4 does."""
KINDS = {"4 x 16": (4, 16), "8 x 16": (8, 16), "16 x 16": (16, 16), "8 x 8": (8, 8)}
"""Bits of weights and of words."""
STEPS = 5


@cache
def counted(program: Program, name: str) -> BoardReport:
    """Return the cost of a program on a target, after a comparison of all words and states.

    Every step has an output; if the caller decides that, only the last one.

    Raises
    ------
    DoesNotFitError
        If the program is larger than the board's memory.
    """
    target = TARGETS[name]
    rng = np.random.default_rng(1)
    fmts = [v.fmt for v in program.with_role(Role.INPUT) for _ in range(v.length)]
    low, high = [f.min // 2 for f in fmts], [f.max // 2 for f in fmts]
    inputs = rng.integers(low, high, (STEPS, len(fmts)))
    due = np.full(STEPS, program.output_every == 1)
    due[-1] = True
    with tempfile.TemporaryDirectory() as place:
        c_dir = Path(place) / "c"
        c_dir.mkdir()
        for file, text in emit(program, version="benchmark").items():
            (c_dir / file).write_text(text)
        if target.runs:
            block = Reference(program, 1).run(inputs[:, None])
            result = board_c.run(target, c_dir.parent, program, [block], 1)
            assert result.mismatches == 0, result.first
        steps = CountedSteps(inputs=(NamedInput(name="noise", words=inputs),), due=due)
        return measure(target, c_dir, program, steps, cycles=analyzer(), quiet=True)


def mean(counts: InstructionCounts | None) -> float:
    """Return the mean instructions of steps of a kind that a benchmark's program has."""
    assert counts is not None
    return counts.mean


def row(*cells: object) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def head(*cells: str) -> list[str]:
    """Return the first two rows of a table."""
    return [row(*cells), row(*["---"] * len(cells))]


def paragraph(text: str) -> str:
    """Return a text in lines of 100 characters."""
    return textwrap.fill(" ".join(text.split()), 100, break_on_hyphens=False)


def matrices() -> list[str]:
    """Return the table of matrix times vector, each figure with its limit."""
    lines = head("weights x words [bits]", *CORES)
    for kind, bits in KINDS.items():
        program = affine(*bits)
        cells = []
        for core, name in CORES.items():
            macs = mean(counted(program, name).instructions.with_output) / (ROWS * COLUMNS)
            cells.append(f"**{macs:.3f}** / {LIMITS[core][kind].limit:.3f}")
        lines.append(row(kind, *cells))
    lines += ["", paragraph(LIMIT), "", *head("limit", *CORES)]
    return lines + [row(kind, *(LIMITS[core][kind] for core in CORES)) for kind in KINDS]


def cycles() -> list[str]:
    """Return the table of estimated cycles of the inner loops of matrix times vector."""
    lines = [f"By llvm-mca of LLVM {analyzer().version.partition('.')[0]}.", ""]
    lines += head(
        *("weights x words [bits]", "core", "instructions (exact)", "cycles (estimated)"),
        *("instructions per MAC (exact)", "cycles per MAC (estimated)"),
    )
    for kind, bits in KINDS.items():
        program = affine(*bits)
        for name in MODELS:
            report = counted(program, name)
            assert report.cycles is not None
            loop = report.cycles.loops[0]  # the largest share: that of the rows
            macs = ROWS * COLUMNS / loop.iterations
            per_mac = (f"{n / macs:.2f}" for n in (loop.instructions, loop.estimated_cycles))
            each = loop.instructions, f"{loop.estimated_cycles:.1f}"
            lines.append(row(kind, name.removeprefix("c-").upper(), *each, *per_mac))
    return lines


def memory_updates() -> list[str]:
    """Return the table of memories."""
    lines = head("memory", *CORES)
    for name, program in memories():
        found = [counted(program, core).instructions.without_output for core in CORES.values()]
        lines.append(row(name, *(f"{mean(n):,.0f}" for n in found)))
    return lines


def memory_outputs() -> list[str]:
    """Return the table of memories that are the output themselves."""
    lines = head("d = 64", "multiplies", "tables [bytes]", *CORES)
    for name, program in with_output_memory(64):
        found = [counted(program, core).instructions.with_output for core in CORES.values()]
        sizes = program.multiplies_per_step, sum(table.n_bytes for table in tables(program))
        lines.append(row(name, *(f"{n:,}" for n in sizes), *(f"{mean(n):,.0f}" for n in found)))
    return lines


def small_memories() -> list[str]:
    """Return the table of small memories on the smallest core."""
    lines = head(
        *("d = 16, 16 bits, Cortex-M0", "instructions a step", "flash", "of it tables"),
        *("RAM", "of it stack"),
    )
    for name, program in with_output_memory(16)[:2]:
        report = counted(program, "c-m0")
        sizes = report.flash.total, report.flash.tables, report.ram.total, report.ram.stack
        steps = mean(report.instructions.with_output)
        lines.append(row(name, *(f"{n:,.0f}" for n in (steps, *sizes))))
    return lines


def all_networks() -> list[str]:
    """Return the tables of networks."""
    lines = head(
        *("network", "core", "a step", "a step with an output", "code", "tables", "state"),
        *("stack", "globals"),
    )
    for title, program in networks().items():
        for core, name in {**CORES, "M85": "c-m85"}.items():
            try:
                report = counted(program, name)
            except DoesNotFitError as error:
                lines.append(row(title, core, *["-"] * 7))
                print(f"{title}: {error}")
                continue
            counts = report.instructions.without_output, report.instructions.with_output
            steps = (f"{n.mean:,.0f}" if n else "" for n in counts)
            flash, ram = report.flash, report.ram
            sizes = flash.code, flash.tables, ram.state, ram.stack, ram.data + ram.bss
            lines.append(row(title, core, *steps, *(f"{n:,}" for n in sizes)))
    code = counted(psmnist(), "c-m4").flash.code
    return [*lines, "", paragraph(FLASH), "", *flash_parts(psmnist(), code)]


def stacks() -> list[str]:
    """Return the table of the stack of a step by optimization level."""
    lines = head("design, scratch arrays", "core", *LEVELS)
    for what, program in STACKS.items():
        made = program()
        for core, name in CORES.items():
            if core in ("M3", "M33", "M55"):
                continue  # as the M4
            found = (stack_of(made, TARGETS[name], level) for level in LEVELS)
            lines.append(row(f"{what}, {scratch_bytes(made):,}", core, *(f"{n:,}" for n in found)))
    return lines


def stack_of(program: Program, target: Board, level: str) -> int:
    """Return the deepest stack of a step [bytes] with an option of the compiler."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for file, text in emit(program, version="benchmark").items():
            (place / file).write_text(text)
        image = build(target, program, place, place, level)
        product = compile_object(target, program, place, place, level, stack.option(target))
        graph = stack.read(target, product, image)
    return stack.deepest(graph, f"{program.name}_step").n_bytes


def flash_parts(program: Program, code: int) -> list[str]:
    """Return the table of the flash: its parts, and how much of it are not parameters."""
    sizes = dict.fromkeys(PARTS.values(), 0)
    for table in tables(program):
        part = PARTS.get(table.name.rpartition("_")[2], "other tables")
        sizes[part] = sizes.get(part, 0) + table.n_bytes
    own = sum(n for what, n in sizes.items() if what != ACTIVATION)
    n_weights = sum(len(op.rows) * len(op.rows[0]) for op in program.ops if isinstance(op, Linear))
    total = code + sum(sizes.values())
    lines = head("in the flash", "bytes")
    lines += [row(what, f"{n:,}") for what, n in [*sizes.items(), ("code", code)]]
    lines += [
        row("total", f"{total:,}"),
        row("total without the network's parameters: code and activation", f"{total - own:,}"),
        row(f"total less {n_weights:,} bytes of weights", f"{total - n_weights:,}"),
    ]
    return lines


LIMIT = """The limits are counted from the instructions of one pass of the inner loop as the
kernels arrange it: loads + instructions that take weights out of packed numbers + multiplications
and additions, over the multiply-accumulates of the pass. They leave out the loop itself, the
rounding of results, and what a core with few registers keeps in memory. On the M55 the end of the
loop (`letp`) is the last term: such a loop ends with as many lanes as there are words left, so it
is not unrolled. Words of 8 bits win nothing on M4 and M33, which multiply two words at a time,
whatever their width."""
FLASH = """Flash of the psMNIST network on the M4. The table of the activation leaves out pieces
whose results are all at a limit: 183 of the 256 pieces of a 16-bit tanh are stored."""
LEVELS = ("-O0", "-O1", "-O2", "-Os", "-O3")
STACKS: dict[str, Callable[[], Program]] = {
    "memory, d = 16, three taps": lambda: memory(order=16, theta=64, output="taps=0,0.5,1"),
    "memory, d = 6, states of 32 bits": lambda: memory(order=6, state_bits=32),
    "network of `examples/ecg_detector`": beats,
}
ACTIVATION = "activation: pieces of the tanh"
PARTS = {
    "rows": "weights, rows padded to an even number of columns",
    "bias": "bias, scale and shift of the rows",
    "scale": "bias, scale and shift of the rows",
    "shift": "bias, scale and shift of the rows",
    "coef": "coefficients of the memory",
    "values": ACTIVATION,
    "slopes": ACTIVATION,
}
HEAD = """# Instructions on microcontrollers

Executed instructions of the generated C on microcontrollers, counted in QEMU. They are not cycles;
[one table](#estimated-cycles) has an estimate of those. gcc 12, -O2; Cortex-M4 and M33 with their
DSP instructions, M55 with Helium, the others in plain C. The words of every step equal the
interpreter's. QEMU has no Cortex-M85: its C is compiled only.

Repeat: `PYTHONPATH=. python benchmarks/firmware.py` (minutes; `--only NAME` for one section).
"""
SECTIONS: dict[str, tuple[str, str, Callable[[], list[str]]]] = {
    "matrices": (
        "Matrix times vector",
        f"""Instructions per multiply-accumulate of {ROWS} x {COLUMNS} weights, the rounding of the
results included, **measured** / limit of the packing.""",
        matrices,
    ),
    "cycles": (
        "Estimated cycles",
        """**Estimated by a model, not measured**: cycles of one iteration of the inner loops above
in LLVM's models of the cores, beside the exact instructions of the same loop, as `lmu-hw footprint
--cycles` gives them. The models know no caches, wait states of the flash or taken branches, and
`letp` counts as free. The M7's model issues two instructions at a time; LLVM has no model of the
M33 of its own.""",
        cycles,
    ),
    "updates": (
        "Memories",
        """Instructions of a step that updates the memory and has no output: 16-bit input, not in a
zero-input run.""",
        memory_updates,
    ),
    "outputs": (
        "Memories as the output",
        """The memory itself as the output, in every step: the cascade multiplies by the matrix of
its readout, the [ladder](../explanation/ladder.md) of the bilinear discretization scales every
other word. The waves with 4 substeps have 34 bits, more than a register. In a zero-input run a
ladder's step takes a fifth to two thirds more.""",
        memory_outputs,
    ),
    "small": (
        "Small memories on the smallest core",
        """Words of more than 16 bits are multiplied in two parts where the sums of both fit 32
bits, without 64-bit products. Flash and RAM in bytes; the RAM is state, globals and the deepest
stack.""",
        small_memories,
    ),
    "networks": (
        "Networks",
        """Weights of 8 bits. psMNIST: d = 256, n = 212, 10 classes, random weights, an output at
every step: 102,017 weights. ECG beats: the network of `examples/ecg_detector`, d = 16, 128 units,
random weights. Spoken digits: `examples/models/digits.npz`, 20 channels of d = 6, 600 units.
Activations and inputs have 16 bits unless said. All columns but the instructions are bytes;
globals are variables of the C itself, and the caller owns the state. A dash: it does not fit the
board, a micro:bit with 256 kB of flash and 16 kB of RAM.""",
        all_networks,
    ),
    "stack": (
        "Stack by optimization level",
        """Bytes of the deepest chain of calls of a step, frames of the compiler's libraries not
counted, by `lmu-hw footprint --cflags LEVEL`. What the header states is the scratch arrays alone;
the rest is saved registers and, without optimization, every variable and a frame for every small
function.""",
        stacks,
    ),
}


def main() -> None:
    """Count everything, or the sections that are asked for, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="sections to measure again")
    only = parser.parse_args().only
    page = TABLE.read_text()
    if not only:
        page = HEAD + page[page.index("\n## ") :]
    for name in only or SECTIONS:
        title, text, make = SECTIONS[name]
        page = with_section(page, title, "\n".join((paragraph(text), "", *make())))
        TABLE.write_text(page)
        print(f"{name}: done", flush=True)
    print(page)


if __name__ == "__main__":
    main()
