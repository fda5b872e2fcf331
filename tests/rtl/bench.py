"""What the hardware tests share: programs of unusual shape, folders, Amaranth simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable, Fragment, ResetInserter, Signal
from amaranth.sim import Simulator

from lmu_hw.program import vectors
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Linear, Program, Role, Vector
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl import emit
from lmu_hw.rtl.block_memories import SimulationPlatform
from lmu_hw.rtl.engine import Engine
from lmu_hw.rtl.schedule import Schedule, schedule
from lmu_hw.rtl.streams import Streams
from tests.factories import programs
from tests.factories.program_networks import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program, copy, random_inputs


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


def wide_layers(rows_: int = 19, columns: int = 37) -> Program:
    """Return two layers of more rows than lanes, the rows no multiple of them."""
    vectors_ = (
        Vector(name="x", length=columns, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="h", length=rows_, fmt=QFormat(1, 7), role=Role.STATE),
        Vector(name="y", length=3, fmt=QFormat(4, 4), role=Role.OUTPUT),
    )
    ops = (
        linear(("x", "h"), "h", (rows_, columns + rows_), 20),
        linear(("h",), "y", (3, rows_), 21),
    )
    return Program(title="layers", vectors=vectors_, ops=ops)


def two_memories() -> Program:
    """Return cascades of different formats, the second fed by the first; mixed, of two channels."""
    one = cascade_program(sections="prp", channels=2, seed=12)
    two = cascade_program(
        sections="rpp", outer=QFormat(6, 6), inner=QFormat(3, 8), chain=QFormat(4, 5), seed=13
    )
    names = {v.name: f"b_{v.name}" for v in two.vectors}
    second = replace(
        two.ops[0], source="b_u", z_outer="b_z_outer", z_inner="b_z_inner", silence="b_silence"
    )
    states = [replace(v, name=names[v.name]) for v in two.with_role(Role.STATE)]
    y = Vector(name="y", length=4, fmt=QFormat(3, 7), role=Role.OUTPUT)
    u = Vector(name="b_u", length=1, fmt=QFormat(2, 7), role=Role.INTERNAL)
    ops = (
        one.ops[0],
        linear(("z_inner", "z_outer"), "b_u", (1, 10), 22),
        second,
        linear(("b_z_outer", "z_inner", "b_z_inner"), "y", (4, 11), 23),
    )
    kept = (one.vector("u"), *one.with_role(Role.STATE))
    return Program(title="two memories", vectors=(*kept, u, *states, y), ops=ops)


ALL = {
    **PROGRAMS,
    **NETWORKS,
    "network": network(),
    "copies": feed_forward(),
    "channels_mixed": cascade_program(sections="rpprp", channels=2, readout=3, seed=12),
    "wide_layers": wide_layers(),
    "two_memories": two_memories(),
}


def inputs_of(program: Program, n_steps: int, seed: int = 0) -> np.ndarray:
    """Return stimulus for any program, with a silence longer than the windows of ``ALL``."""
    inputs = random_inputs(program, np.random.default_rng(seed), (n_steps,))
    if n_steps >= 24:
        inputs[4:20] = 0
    return inputs


def write_build_dir(
    program: Program,
    build_dir: Path,
    n_steps: int = 24,
    seed: int = 0,
    lanes: int = 1,
    streams: Streams = Streams.PLAIN,
    state_port: bool = False,
) -> Path:
    """Write a build directory as far as the hardware's tests need it."""
    plan = schedule(program, lanes, state_port=state_port)
    files = {f"rtl/{k}": v for k, v in emit(program, plan, streams=streams).items()}
    played = vectors.expect(program, inputs_of(program, n_steps, seed))
    files |= {f"vectors/{k}": v for k, v in vectors.to_files(program, played).items()}
    files["program.json"] = program.to_json()
    for name, text in files.items():
        path = build_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return build_dir


def simulate(dut: Elaboratable, bench: Callable[[Any], Any]) -> None:
    """Run one Amaranth testbench to its end."""
    simulator = Simulator(Fragment.get(dut, SimulationPlatform()))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@dataclass(frozen=True)
class Played:
    """What came out of a design: output words, and the cycles of each step but the last."""

    outputs: np.ndarray
    cycles: list[int]


def due_of(program: Program, n_steps: int, seed: int = 0) -> np.ndarray:
    """Return which steps have an output: random ones where that is for the caller to say."""
    if program.output_every:
        return Interpreter(program).due(n_steps)
    return np.append(np.random.default_rng(seed).random(n_steps - 1) < 0.4, True)


def expected_outputs(program: Program, inputs: np.ndarray, due: np.ndarray) -> np.ndarray:
    """Return what the interpreter makes of the same steps."""
    chosen = due if program.output_every == 0 else None
    return Interpreter(program).run(inputs[:, None, :], due=chosen)[:, 0]


def expected_cycles(plan: Schedule, due: np.ndarray) -> list[int]:
    """Return the published cycles of each step but the last."""
    return [plan.due.cycles if d else plan.quiet.cycles for d in due[:-1]]


def play(
    plan: Schedule,
    inputs: np.ndarray,
    due: np.ndarray,
    *,
    stalls: float = 0.0,
    reset_at: tuple[int, ...] = (),
) -> Played:
    """Play steps in Amaranth's simulator.

    With ``stalls``, both streams stall with that probability. With ``reset_at``, the design is
    reset in those cycles and everything begins anew.
    """
    program = plan.program
    dut = Engine(program, plan)
    reset = Signal()
    top = ResetInserter(reset)(dut)
    rng = np.random.default_rng(0)
    words = [int(w) for w in inputs.ravel()]
    n_expected = int(np.count_nonzero(due)) * plan.n_out
    got: list[int] = []
    taken: list[int] = []
    limit = sum(expected_cycles(plan, due)) + plan.due.cycles + plan.rows + 300
    limit = int(limit * (1 + 20 * stalls)) * (1 + len(reset_at)) + max(reset_at, default=0)

    async def bench(ctx: Any) -> None:
        sent = cycle = 0
        offered = False
        while len(got) < n_expected or sent < len(words):
            offered = sent < len(words) and (offered or rng.random() >= stalls)
            ready = rng.random() >= stalls
            ctx.set(dut.i.valid, int(offered))
            ctx.set(dut.o.ready, int(ready))
            if offered:
                step, place = divmod(sent, plan.n_in)
                ctx.set(dut.i.payload, words[sent])
                if program.output_every == 0:
                    ctx.set(dut.i_last, int(due[step] and place == plan.n_in - 1))
            fires = offered and bool(ctx.get(dut.i.ready))
            if ready and ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
                assert ctx.get(dut.o_last) == (len(got) % plan.n_out == 0)
            if fires and sent % plan.n_in == plan.n_in - 1:
                taken.append(cycle)
            if cycle in reset_at:
                ctx.set(reset, 1)
            await ctx.tick()
            sent += fires
            offered = offered and not fires
            if cycle in reset_at:
                ctx.set(reset, 0)
                sent, offered = 0, False
                got.clear()
                taken.clear()
            cycle += 1
            assert cycle < limit, f"{len(got)} of {n_expected} words after {cycle} cycles"
        # nothing may follow
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        for _ in range(plan.due.cycles + 20):
            assert not ctx.get(dut.o.valid), "a word after all expected ones"
            await ctx.tick()

    simulate(top, bench)
    return Played(np.array(got).reshape(-1, plan.n_out), np.diff(taken).tolist())
