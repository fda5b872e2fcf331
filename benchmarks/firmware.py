"""Instructions that the generated C takes on microcontrollers: docs/results/firmware.md.

    PYTHONPATH=. python benchmarks/firmware.py

Needs cross compilers and QEMU. Every run compares the words of its steps with the interpreter's.
The counts of executed instructions are exact; QEMU does not model a pipeline.

Some of its programs cannot be compiled from a model, so it imports the emitter.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bulk_speed import network
from lmu_hw.firmware import emit, scratch_bytes, tables
from lmu_hw.firmware.boards.microcontrollers import TARGETS, Board
from lmu_hw.firmware.boards.toolchain import build, compile_object
from lmu_hw.measure.footprint import stack
from lmu_hw.measure.footprint.footprint_report import CountedSteps, measure
from lmu_hw.measure.footprint.worst_inputs import NamedInput
from lmu_hw.memory.spec import parse
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LinearMemory,
    LMULayer,
)
from lmu_hw.program.codec import to_data
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Linear, Program, Role, Vector
from lmu_hw.program.output_timing import with_output_every
from lmu_hw.quantize.calibration import Calibration
from lmu_hw.quantize.quantize_memory import quantize_memory
from lmu_hw.quantize.word_lengths import Widths
from lmu_hw.verify.backends import board_c
from lmu_hw.verify.stimulus import Reference

TABLE = Path(__file__).parent.parent / "docs" / "results" / "firmware.md"
ROWS, COLUMNS = 212, 468
"""The hidden layer of the psMNIST network: 212 units, 256 words of memory and 212 of its own."""
CORES = {
    "M4": "c-m4",
    "M33": "c-m33",
    "M55": "c-m55",
    "M3": "c-m3",
    "M0": "c-m0",
    "RV32": "c-rv32",
}
CMSIS_NN = (2.49, 2.48, 0.88, 5.11)
"""M4, M33, M55 and M3: arm_nn_vec_mat_mult_t, 16-bit activations, 8-bit weights, same size."""
STEPS = 5


def weights(bits: int) -> np.ndarray:
    """Return random rows, the largest weight of each at its limit."""
    rows = np.random.default_rng(0).standard_normal((ROWS, COLUMNS))
    peak = np.abs(rows).max(axis=1, keepdims=True)
    return np.rint(rows / peak * ((1 << bits - 1) - 1)).astype(int)


def affine(bits: int) -> Program:
    """Return 212 rows of 468 weights and words of 16 bits, in and out."""
    fmt = QFormat(1, 15)
    vectors = (
        Vector(name="x", length=COLUMNS, role=Role.INPUT, fmt=fmt),
        Vector(name="unused", length=1, role=Role.STATE, fmt=fmt),
        Vector(name="y", length=ROWS, role=Role.OUTPUT, fmt=fmt),
    )
    op = Linear(
        sources=("x",),
        target="y",
        n_channels=1,
        rows=tuple(tuple(int(w) for w in row) for row in weights(bits)),
        aligns=(0,),
        biases=(0,) * ROWS,
        multipliers=(1,) * ROWS,
        shifts=(bits + 5,) * ROWS,
    )
    return Program(title="affine", vectors=vectors, ops=(op,))


def memory(**keys: object) -> Program:
    """Return a memory with outputs on request only: all other steps just update it."""
    return with_output_every(
        quantize_memory(parse({"bits": 16, "output": "state", **keys})).program, 0
    )


def psmnist() -> Program:
    """Return the paper's network, random weights of 8 bits, with an output at every step."""
    x = np.random.default_rng(1).random((64, 784))
    design = Calibration(network(), x[:, :, None]).design(Widths(weight_bits=8), title="benchmark")
    return with_output_every(design.program, 1)


def cost(program: Program, name: str) -> dict[str, Any]:
    """Return the cost of a program on a target, after a comparison of all words and states.

    Every step has an output; if the caller decides that, only the last one.
    """
    target = TARGETS[name]
    rng = np.random.default_rng(1)
    fmts = [v.fmt for v in program.with_role(Role.INPUT) for _ in range(v.length)]
    low, high = [f.min // 2 for f in fmts], [f.max // 2 for f in fmts]
    inputs = rng.integers(low, high, (STEPS, len(fmts)))
    due = np.full(STEPS, program.output_every == 1)
    due[-1] = True
    with tempfile.TemporaryDirectory() as name:
        c_dir, place = Path(name) / "c", Path(name) / "build"
        c_dir.mkdir()
        place.mkdir()
        for file, text in emit(program, version="benchmark").items():
            (c_dir / file).write_text(text)
        block = Reference(program, 1).run(inputs[:, None])
        result = board_c.run(target, c_dir.parent, program, [block], 1)
        assert result.mismatches == 0, result.first
        steps = CountedSteps(inputs=(NamedInput(name="noise", words=inputs),), due=due)
        return to_data(measure(target, c_dir, program, steps, quiet=True))


def memories() -> list[tuple[str, Program]]:
    """Return memories with their names."""
    return [
        ("cascade, d = 64", memory(order=64)),
        ("cascade, d = 64, 32-bit states", memory(order=64, state_bits=32)),
        ("cascade, d = 256", memory(order=256)),
        ("dense, d = 64", memory(order=64, realization="dense")),
    ]


def with_output_memory() -> list[tuple[str, Program]]:
    """Return designs with all coefficients of the memory as their output, by name."""
    keys = {"bits": 16, "order": 64, "output": "memory"}
    ladder = {**keys, "discretizer": "bilinear", "realization": "ladder"}
    return [
        ("cascade and d^2 readout", quantize_memory(parse(keys)).program),
        ("ladder", quantize_memory(parse(ladder)).program),
        ("ladder, 4 substeps", quantize_memory(parse({**ladder, "substeps": 4})).program),
    ]


def row(*cells: object) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def matrices() -> list[str]:
    """Return the table of matrix times vector."""
    lines = [row("weights", *CORES), row(*["---"] * (1 + len(CORES)))]
    for bits in (8, 4, 16):
        program = affine(bits)
        found = (
            cost(program, name)["instructions"]["with_output"]["mean"] for name in CORES.values()
        )
        lines.append(row(f"{bits} bits", *(f"{n / (ROWS * COLUMNS):.2f}" for n in found)))
    return [*lines, row("CMSIS-NN, 8 bits", *CMSIS_NN, "", "")]


def memory_updates() -> list[str]:
    """Return the table of memories."""
    lines = [row("memory", *CORES), row(*["---"] * (1 + len(CORES)))]
    for name, program in memories():
        found = [cost(program, core)["instructions"]["without_output"] for core in CORES.values()]
        lines.append(row(name, *(f"{n['mean']:,.0f}" for n in found)))
    return lines


def memory_outputs() -> list[str]:
    """Return the table of memories that are the output themselves."""
    lines = [
        row("d = 64", "multiplies", "tables [bytes]", *CORES),
        row(*["---"] * (3 + len(CORES))),
    ]
    for name, program in with_output_memory():
        found = [cost(program, core)["instructions"]["with_output"] for core in CORES.values()]
        sizes = program.multiplies_per_step, sum(table.n_bytes for table in tables(program))
        counts = (f"{n['mean']:,.0f}" for n in found)
        lines.append(row(name, *(f"{n:,}" for n in sizes), *counts))
    return lines


def networks() -> list[str]:
    """Return the tables of the network."""
    program = psmnist()
    heads = ("core", "instructions a step", "code", "tables", "state", "stack", "globals")
    lines = [row(*heads), row(*["---"] * len(heads))]
    code = {}
    for core, name in CORES.items():
        if name == "c-m0":
            continue  # its board has 16 kB
        found = cost(program, name)
        flash, ram = found["flash"], found["ram"]
        code[core] = flash["code"]
        sizes = (
            flash["code"],
            flash["tables"],
            ram["state"],
            ram["stack"],
            ram["data"] + ram["bss"],
        )
        steps = found["instructions"]["with_output"]["mean"]
        lines.append(row(core, *(f"{n:,.0f}" for n in (steps, *sizes))))
    return [*lines, FLASH, *flash_parts(program, code["M4"])]


def beats() -> Program:
    """Return the network of `examples/ecg_detector`, with random weights."""
    rng = np.random.default_rng(2)
    hidden, score = rng.standard_normal((128, 16)) / 4, rng.standard_normal((1, 128)) / 16
    layers = (
        LMULayer(memory=LinearMemory(order=16, theta=84), n_in=1),
        DenseLayer(W=hidden, b=np.zeros(128), activation=Activation.TANH),
        DenseLayer(W=score, b=np.zeros(1), activation=Activation.LINEAR),
    )
    net = FloatNetwork(names=("memory", "hidden", "score"), layers=layers, every_step=False)
    x = rng.uniform(-1, 1, (64, 84, 1))
    return Calibration(net, x).design(Widths(weight_bits=8), title="benchmark").program


def stacks() -> list[str]:
    """Return the table of the stack of a step by optimization level."""
    lines = [row("design, scratch arrays", "core", *LEVELS), row(*["---"] * (2 + len(LEVELS)))]
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
        sizes[PARTS[table.name.rpartition("_")[2]]] += table.n_bytes
    own = sum(n for what, n in sizes.items() if what != ACTIVATION)
    n_weights = sum(len(op.rows) * len(op.rows[0]) for op in program.ops if isinstance(op, Linear))
    total = code + sum(sizes.values())
    lines = [row("in the flash", "bytes"), row("---", "---")]
    lines += [row(what, f"{n:,}") for what, n in [*sizes.items(), ("code", code)]]
    lines += [
        row("total", f"{total:,}"),
        row("total without the network's parameters: code and activation", f"{total - own:,}"),
        row(f"total less {n_weights:,} bytes of weights", f"{total - n_weights:,}"),
    ]
    return lines


def main() -> None:
    """Count everything and write the table."""
    lines = [
        HEAD,
        *matrices(),
        MEMORIES,
        *memory_updates(),
        OUTPUTS,
        *memory_outputs(),
        NETWORK,
        *networks(),
    ]
    lines += [STACK, *stacks()]
    TABLE.write_text("\n".join(lines) + "\n")
    print(TABLE.read_text())


HEAD = f"""# Instructions on microcontrollers

Executed instructions of the generated C on microcontrollers, counted in QEMU. They are not cycles.
gcc 12, -O2; Cortex-M4 and M33 with their DSP instructions, M55 with Helium, the others in plain C.
The words of every step equal the interpreter's.

The inner loops alone take, with 8-bit weights and 16-bit words, 1.125 instructions per
multiply-accumulate on M4 and M33, and .3125 on the M55: the limits of this packing. The figures of
CMSIS-NN were measured once, not by this script.

Repeat: `PYTHONPATH=. python benchmarks/firmware.py` (a minute).

## Matrix times vector

Instructions per multiply-accumulate of {ROWS} x {COLUMNS} weights and 16-bit activations, the
rounding of the results included. The CMSIS-NN row is its kernel for the same types.
"""
MEMORIES = """
## Memories

Instructions of a step that updates the memory and has no output: 16-bit input, not in a zero-input
run.
"""
OUTPUTS = """
The memory itself as the output, in every step: the cascade multiplies by the matrix of its readout,
the [ladder](../explanation/ladder.md) of the bilinear discretization scales every other word. The
waves with 4 substeps have 34 bits, more than a register. In a zero-input run a ladder's step takes
a fifth to two thirds more.
"""
NETWORK = """
## psMNIST network

d = 256, n = 212, 10 classes, 8-bit weights, an output at every step: 102,017 weights. All columns
but the instructions are bytes. Globals are variables of the C itself; the caller owns the state.
"""
FLASH = """
Flash of the same network on the M4. The table of the activation leaves out pieces whose results are
all at a limit: 183 of the 256 pieces of a 16-bit tanh are stored.
"""
STACK = """
## Stack by optimization level

Bytes of the deepest chain of calls of a step, frames of the compiler's libraries not counted, by
`lmu-hw footprint --cflags LEVEL`. What the header states is the scratch arrays alone; the rest is
saved registers and, without optimization, every variable and a frame for every small function.
"""
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


if __name__ == "__main__":
    main()
