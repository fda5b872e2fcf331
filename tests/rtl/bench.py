"""What the hardware tests share: programs of unusual shape, folders, Amaranth simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable, ResetInserter, Signal
from amaranth.sim import Simulator

from lmu_hw import vectors
from lmu_hw.fixedpoint import QFormat
from lmu_hw.program import Linear, Program, Role, Vector
from lmu_hw.rtl import emit
from lmu_hw.rtl.engine import Engine
from lmu_hw.schedule import schedule
from tests import programs
from tests.programs import PROGRAMS, cascade_program, copy, stimulus


def rows(n_rows: int, n_columns: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """Return random matrix rows."""
    table = np.random.default_rng(seed).integers(-127, 128, (n_rows, n_columns))
    return tuple(tuple(int(x) for x in row) for row in table)


def linear(sources: tuple[str, ...], target: str, shape: tuple[int, int], seed: int) -> Linear:
    """Return a linear operation with random words."""
    shifts = np.random.default_rng(seed).integers(7, 12, shape[0])
    return programs.linear(
        sources=sources,
        target=target,
        rows=rows(*shape, seed),
        shifts=tuple(int(s) for s in shifts),
        biases=tuple(range(shape[0])),
    )


def network() -> Program:
    """Return a recurrent network: two inputs, an encoder, a memory, a hidden layer that reads
    itself, outputs in another order than they are computed, one of them read again."""
    memory = cascade_program(sections="pr", seed=11)
    q = QFormat(2, 6)
    vectors_ = (
        Vector(name="h", length=3, fmt=q, role=Role.STATE),
        Vector(name="x", length=2, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="y", length=2, fmt=QFormat(3, 8), role=Role.OUTPUT),
        replace(memory.vector("u"), role=Role.INTERNAL),
        *memory.with_role(Role.STATE),
        Vector(name="k", length=1, fmt=QFormat(0, 5, signed=False), role=Role.INPUT),
        Vector(name="copy", length=3, fmt=QFormat(2, 4), role=Role.OUTPUT),
        Vector(name="positive", length=2, fmt=QFormat(1, 6, signed=False), role=Role.OUTPUT),
    )
    ops = (
        linear(("x", "h", "z_outer", "k"), "u", (1, 7), 1),
        memory.ops[0],
        linear(("x", "h", "z_inner"), "h", (3, 7), 2),
        copy("h", "copy"),
        linear(("copy", "h"), "y", (2, 6), 3),
        linear(("h", "u"), "positive", (2, 4), 4),
    )
    return Program(title="network", vectors=vectors_, ops=ops)


def feed_forward() -> Program:
    """Return a program without a memory and without a multiplication."""
    vectors_ = (
        Vector(name="x", length=4, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="s", length=4, fmt=QFormat(2, 5), role=Role.STATE),
        Vector(name="y", length=4, fmt=QFormat(3, 9), role=Role.OUTPUT),
    )
    ops = (copy("x", "s"), copy("s", "y"))
    return Program(title="copy", vectors=vectors_, ops=ops)


def rewritten() -> Program:
    """Return an output that is written twice a step, the second time as a memory's state."""
    memory = cascade_program(sections="rr", seed=5)
    u, z_inner, silence, _ = memory.vectors
    start = linear(("u",), "z_inner", (2, 1), 6)
    vectors_ = (u, replace(z_inner, role=Role.OUTPUT), silence)
    return Program(title="rewritten", vectors=vectors_, ops=(start, memory.ops[0]))


ALL = {
    **PROGRAMS,
    "network": network(),
    "feed_forward": feed_forward(),
    "rewritten": rewritten(),
    "channels_mixed": cascade_program(sections="rpprp", channels=2, readout=3, seed=12),
}


def inputs_of(program: Program, n_steps: int, seed: int = 0) -> np.ndarray:
    """Return stimulus for any program, with a silence longer than the windows of ``ALL``."""
    if len(program.with_role(Role.INPUT)) == 1:
        inputs = stimulus(program, n_steps, seed)
    else:
        inputs = vectors.stimulus(program, n_steps, 1, seed)[:, 0]
    if n_steps >= 24:
        inputs[4:20] = 0
    return inputs


def write_folder(program: Program, folder: Path, n_steps: int = 24, seed: int = 0) -> Path:
    """Write a generated folder as far as the hardware's tests need it."""
    files = {f"rtl/{k}": v for k, v in emit(program, schedule(program)).items()}
    played = vectors.expect(program, inputs_of(program, n_steps, seed))
    files |= {f"vectors/{k}": v for k, v in vectors.to_files(program, played).items()}
    files["program.json"] = program.to_json()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def simulate(dut: Elaboratable, bench: Callable[[Any], Any]) -> None:
    """Run one Amaranth testbench to its end."""
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def play(
    program: Program, inputs: np.ndarray, reset_at: tuple[int, ...] = ()
) -> tuple[np.ndarray, set[int]]:
    """Return an engine's output words, and the cycles between steps, without stalls.

    With ``reset_at``, the design is reset in those cycles and everything begins anew.
    """
    plan = schedule(program)
    dut = Engine(program, plan)
    reset = Signal()
    top = ResetInserter(reset)(dut)
    words = [int(w) for w in inputs.ravel()]
    steps: list[list[int]] = []
    ends: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.o.ready, 1)
        sent, row, cycle = 0, [], 0
        while len(steps) < len(inputs):
            ctx.set(dut.i.valid, int(sent < len(words)))
            if sent < len(words):
                ctx.set(dut.i.payload, words[sent])
            in_fires = sent < len(words) and ctx.get(dut.i.ready)
            if ctx.get(dut.o.valid):
                row.append(ctx.get(dut.o.payload))
                if ctx.get(dut.o_last):
                    steps.append(row)
                    ends.append(cycle)
                    row = []
            if cycle in reset_at:
                ctx.set(reset, 1)
            await ctx.tick()
            sent += in_fires
            if cycle in reset_at:
                ctx.set(reset, 0)
                sent, row = 0, []
                steps.clear()
                ends.clear()
            cycle += 1
            assert (
                cycle
                < 2 * (len(inputs) + 2) * plan.cycles_per_step + max(reset_at, default=0) + 200
            )

    simulate(top, bench)
    return np.array(steps), set(np.diff(ends).tolist())
