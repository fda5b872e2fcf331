"""Runs designs: the Verilog benches of a build directory, and Amaranth's simulator."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Elaboratable, Fragment, ResetInserter, Signal
from amaranth.sim import Simulator

from lmu_hw.program.integer_program import Program
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.block_memories import SimulationPlatform
from lmu_hw.rtl.engine import Engine
from lmu_hw.rtl.schedule import Schedule
from lmu_hw.verify.backends import icarus

LANES = (1, 2, 3, 4, 8, 16)
"""Numbers of lanes that the tests of emitted Verilog go through."""
PAGES = Path(__file__).resolve().parents[2] / "docs"
DOCS = (PAGES / "reference" / "interfaces.md").read_text()
GUIDE = (PAGES / "howto" / "core_in_a_design.md").read_text()
BREAKS = {
    "expected word": ("vectors/output.hex", r"(?s)^(.{30})..\n", r"\g<1>5a\n"),
    "rounding constant": (
        "rtl/lmu.v",
        r"half_counts <= exact && !silent",
        "half_counts <= 1'd0",
    ),
    "stale state after reset": ("rtl/lmu.v", r"\n      clear <= 1'd1;", ""),
    "word taken in a reset": (
        "rtl/lmu.v",
        r"(clear <= 1'd1;\n      loading <= )1'd1",
        r"\1!take",
    ),
    "memory not cleared": (
        "rtl/lmu.v",
        r"write = clear \|\| adaptor_a_valid",
        "write = adaptor_a_valid",
    ),
    "swapped coefficients": ("rtl/lmu_sections.mem", r"^(\w+)\n(\w+)\n", r"\2\n\1\n"),
    "one cycle more": ("rtl/lmu_control.mem", r"\n0200\n", r"\n0210\n"),
    "valid ignored": ("rtl/lmu.v", r"\.valid\(i_valid\)", ".valid(1'd1)"),
    "lost word": ("rtl/lmu.v", r"(level \+ \{\d+'d0, )arrived", r"\1arrived && head[2:0] != 5"),
}
"""Faults: a file of a build directory, a pattern in it and what replaces it."""


def make(build_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run the plain Verilog bench of a build directory."""
    return subprocess.run(["make", "-C", str(build_dir / "rtl")], capture_output=True, text=True)


def cocotb(build_dir: Path, seed: int = 1) -> icarus.IcarusResult:
    """Run the cocotb bench of a build directory."""
    build = build_dir / "build"
    build.mkdir(exist_ok=True)
    return icarus.run(build_dir, build_dir / "vectors", build, seed)


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
