"""cocotb testbench of an emitted design: checks every output word under stalls and resets.

It runs in the simulator, started by `runner.py`, with settings in environment variables:
LMU_PROGRAM (program.json), LMU_VECTORS (directory), LMU_CYCLES, LMU_QUIET_CYCLES and LMU_LATENCY
(published cycles of a step with an output, of one without, and from its last input word to its last
output word), LMU_APART (least cycles from a step with an output to the next one), LMU_WORDS (output
words in a transfer), LMU_GATHERED (1 if they are gathered in the output registers, where unknown
bits may pass before the transfer is valid), LMU_INTERLEAVE (signals that take turns, each with the
inputs of `vectors.of_signals`), LMU_RESULT (JSON file to write), LMU_STREAMS (naming scheme of the
ports: plain or axi), LMU_STATE_PORT (1 if the design has a state port).
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import Event, FallingEdge, RisingEdge, Timer, with_timeout
from cocotb.utils import get_sim_time
from common.checker import Checker
from common.stream import Sink, Source, Stalls, bursts, never, no_x, sometimes
from ports import Ports

from lmu_hw.program import vectors
from lmu_hw.program.integer_program import Role, from_json
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.lane_widths import payload_shape

PERIOD = 10
STALLED_CYCLES = 6_000
"""Approximate number of clock cycles for each stall pattern."""

PROGRAM = from_json(Path(os.environ["LMU_PROGRAM"]).read_text(encoding="utf-8"))
CYCLES = int(os.environ["LMU_CYCLES"])
QUIET_CYCLES = int(os.environ["LMU_QUIET_CYCLES"])
LATENCY, APART = int(os.environ["LMU_LATENCY"]), int(os.environ["LMU_APART"])
LONGEST = max(CYCLES, APART)
"""Most cycles of a step without stalls."""
WORDS, SIGNALS = int(os.environ["LMU_WORDS"]), int(os.environ["LMU_INTERLEAVE"])
GATHERED = os.environ["LMU_GATHERED"] == "1"
N_IN, N_OUT = PROGRAM.n_words(Role.INPUT), PROGRAM.n_words(Role.OUTPUT)
IN_BITS, OUT_BITS = (
    payload_shape(PROGRAM.with_role(role)).width for role in (Role.INPUT, Role.OUTPUT)
)
FORM = {
    "axi": os.environ["LMU_STREAMS"] == "axi",
    "state_port": os.environ["LMU_STATE_PORT"] == "1",
    "on_demand": PROGRAM.output_every == 0,
}
"""Keyword arguments of `Ports` for this design."""
VECTORS = vectors.read(PROGRAM, Path(os.environ["LMU_VECTORS"]))
CLEARING = 2 * sum(v.length for v in PROGRAM.vectors) + 100
"""Upper limit of the cycles for clearing the memories."""


class Bench:
    """The design with a source and a sink for the first ``n_steps`` steps of every signal.

    With ``rng``, the steps with an output are random if the caller decides which steps have one.
    """

    def __init__(
        self,
        dut: Any,
        n_steps: int,
        in_stalls: Stalls,
        out_stalls: Stalls,
        rng: random.Random | None = None,
        late: bool = False,
    ) -> None:
        self.ports = Ports(dut, **FORM)
        self.n_steps = n_steps * SIGNALS
        inputs = vectors.of_signals(VECTORS.inputs, SIGNALS)[:n_steps]
        on_demand = PROGRAM.output_every == 0
        self.due = Interpreter(PROGRAM).due(n_steps)
        if rng is not None and on_demand:
            self.due = np.array([rng.random() < 0.4 for _ in range(n_steps)])
        if on_demand:
            expected = Interpreter(PROGRAM).run(inputs, due=self.due)
        elif SIGNALS > 1:
            expected = Interpreter(PROGRAM, SIGNALS).run(inputs)
        else:
            expected = VECTORS.outputs[: np.count_nonzero(self.due), None]
        if rng is None and n_steps == len(VECTORS.inputs):
            # those that were computed before; inputs of the other signals are in no file
            expected[:, 0] = VECTORS.outputs
        self.due = np.repeat(self.due, SIGNALS)
        self.checker = Checker(expected.ravel().tolist(), N_OUT)
        self.done = Event()
        self.taken: list[int] = []
        self.given: list[int] = []
        self._signed = any(v.fmt.signed for v in PROGRAM.with_role(Role.OUTPUT))
        marks = [int(due and k == N_IN - 1) for due in self.due for k in range(N_IN)]
        clk, i, o = self.ports.clk, self.ports.i, self.ports.o
        words = inputs.ravel().tolist()
        self.source = Source(
            clk,
            i.payload,
            i.valid,
            i.ready,
            self.ports.offered(i, IN_BITS, words, random.Random(cocotb.RANDOM_SEED)),
            in_stalls,
            lambda: self.taken.append(now()),
            i.last,
            marks,
        )
        sinks = (o.payload, o.last, o.valid, o.ready)
        self.sink = Sink(clk, *sinks, self._on_word, out_stalls, late)
        self.tasks: list[Any] = []

    async def reset(self) -> None:
        """Cancel all tasks, and reset for one clock edge."""
        for task in self.tasks:
            task.cancel()
        await reset(self.ports)

    def start(self) -> None:
        """Start source and sink."""
        self.tasks = [cocotb.start_soon(self.source.run()), cocotb.start_soon(self.sink.run())]

    async def finish(self) -> None:
        """Wait for the last expected word, then for unexpected ones."""
        patience = 20 * (LONGEST * self.n_steps + LATENCY) + 10_000 + CLEARING
        await with_timeout(self.tasks[0], patience * PERIOD, "ns")
        if not self.checker.empty:
            await with_timeout(self.done.wait(), patience * PERIOD, "ns")
        for _ in range(CYCLES + LATENCY + 100):
            await RisingEdge(self.ports.clk)
        for task in self.tasks:
            task.cancel()

    def wrong_cycles(self) -> list[tuple[int, int, int]]:
        """Return (step, cycles, published cycles) of every step with wrong cycles."""
        last = self.taken[N_IN - 1 :: N_IN]
        published = [CYCLES if due else QUIET_CYCLES for due in self.due]
        before = None
        for k, taken in enumerate(last[:-1]):
            before = taken if self.due[k] else before
            if before is not None and self.due[k + 1]:
                published[k] = max(published[k], before + APART - taken)
        steps = zip(np.diff(last).tolist(), published, strict=False)
        return [(k, got, want) for k, (got, want) in enumerate(steps) if got != want]

    def wrong_latencies(self) -> list[tuple[int, int]]:
        """Return (step, cycles) of every output with a wrong latency."""
        steps = np.flatnonzero(self.due).tolist()
        last = zip(steps, self.given[N_OUT - 1 :: N_OUT], strict=False)
        late = [(k, given - self.taken[N_IN * (k + 1) - 1]) for k, given in last]
        return [(k, cycles) for k, cycles in late if cycles != LATENCY]

    def check_times(self) -> None:
        """Fail unless every step took the published cycles and had the published latency."""
        wrong = self.wrong_cycles()
        assert not wrong, f"step {wrong[0][0]} took {wrong[0][1]} cycles, not {wrong[0][2]}"
        late = self.wrong_latencies()
        assert not late, f"step {late[0][0]} has a latency of {late[0][1]} cycles, not {LATENCY}"

    def cycles(self) -> int | None:
        """Return the most cycles of a step with an output; None if no step followed one."""
        last = self.taken[N_IN - 1 :: N_IN]
        took = [c for c, due in zip(np.diff(last).tolist(), self.due, strict=False) if due]
        return max(took, default=None)

    def _on_word(self) -> None:
        for got in words_of(self.ports.o.payload.value, WORDS, OUT_BITS, self._signed):
            self.checker.take(got)
            self.given.append(now())
        last = self.ports.o.last.value == 1
        assert last == (self.checker.checked % N_OUT == 0), "o_last is wrong"
        if self.checker.empty:
            self.done.set()


def words_of(payload: Any, n_words: int, width: int, signed: bool) -> list[int | str]:
    """Return the words of a payload, the lowest first; as text if they contain X or Z.

    A single word may have copies of its sign above it.
    """
    if not payload.is_resolvable:
        bits = str(payload)
        ends = [len(bits) - k * width for k in range(n_words)]
        return [bits[max(0, end - width) : end] for end in ends]
    if n_words == 1:
        return [payload.to_signed() if signed else payload.to_unsigned()]
    value, found = payload.to_unsigned(), []
    for k in range(n_words):
        word = value >> (k * width) & ((1 << width) - 1)
        found.append(word - (word >> (width - 1) << width) if signed else word)
    return list(found)


def now() -> int:
    """Return the number of the clock cycle."""
    return round(get_sim_time("ns")) // PERIOD


async def reset(ports: Ports) -> None:
    """Reset for one clock edge."""
    await FallingEdge(ports.clk)
    ports.reset(True)
    await FallingEdge(ports.clk)
    ports.reset(False)


async def power_up(dut: Any) -> None:
    """Start the clock without a reset: registers have initial values."""
    ports = Ports(dut, **FORM)
    ports.reset(False)
    ports.idle()
    ports.clk.value = 0
    await Timer(PERIOD, "ns")
    Clock(ports.clk, PERIOD, "ns").start(start_high=False)
    await FallingEdge(ports.clk)
    no_x(*(stream.ready for stream in ports.sources))
    for stream in ports.sinks:
        no_x(stream.valid, stream.last)
        # accepted words are checked by the checker
        if stream is not ports.o or not GATHERED:
            no_x(stream.payload, but_when=stream.valid)


def stalled_steps() -> int:
    """Return the number of steps for a stall pattern."""
    return min(len(VECTORS.inputs), max(4, STALLED_CYCLES // (LONGEST * SIGNALS)))


@cocotb.test()
async def free_run(dut: Any) -> None:
    """All steps without stalls: checks every word and the exact cycles of every step."""
    await power_up(dut)
    bench = Bench(dut, len(VECTORS.inputs), never, never)
    bench.start()
    try:
        await bench.finish()
    finally:
        checker = bench.checker
        first = checker.first
        if first is not None and SIGNALS > 1:
            step, signal = divmod(int(first["step"]), SIGNALS)
            first = {**first, "step": step, "stream": signal}
        result = {
            "steps": bench.n_steps,
            "words": checker.checked,
            "mismatches": checker.mismatches,
            "cycles_per_step": bench.cycles(),
            "first": first,
        }
        Path(os.environ["LMU_RESULT"]).write_text(json.dumps(result), encoding="utf-8")
    assert not checker.mismatches, f"first of {checker.mismatches} mismatches: {checker.first}"
    bench.check_times()


@cocotb.test(skip=not FORM["on_demand"])
async def on_demand(dut: Any) -> None:
    """Random requests for outputs without stalls: checks words and exact cycles."""
    rng = random.Random(cocotb.RANDOM_SEED)
    await power_up(dut)
    bench = Bench(dut, stalled_steps(), never, never, rng)
    await bench.reset()
    bench.start()
    await bench.finish()
    assert not bench.checker.mismatches, bench.checker.first
    bench.check_times()


@cocotb.test()
@cocotb.parametrize(pattern=["slow source", "slow sink", "late sink", "both", "bursts"])
async def stalls(dut: Any, pattern: str) -> None:
    """Words do not depend on stalls, also after a reset in the middle of a step."""
    rng = random.Random(cocotb.RANDOM_SEED)
    patterns = {
        # the words of a step take about the time of two steps
        "slow source": (sometimes(rng, 1 - N_IN / (CYCLES + N_IN) / 2), never),
        "slow sink": (never, sometimes(rng, 1 - N_OUT / (CYCLES + N_OUT) / 2)),
        "late sink": (never, never),
        "both": (sometimes(rng, 0.5), sometimes(rng, 0.5)),
        "bursts": (bursts(rng, 2 * CYCLES), bursts(rng, 2 * CYCLES)),
    }
    await power_up(dut)
    bench = Bench(dut, stalled_steps(), *patterns[pattern], rng, late=pattern == "late sink")
    await bench.reset()
    bench.start()
    await bench.finish()
    assert not bench.checker.mismatches, bench.checker.first


@cocotb.test()
async def reset_in_flight(dut: Any) -> None:
    """A reset in any cycle restores the initial state."""
    rng = random.Random(cocotb.RANDOM_SEED)
    await power_up(dut)
    rounds = min(8, max(2, STALLED_CYCLES // LONGEST))
    steps = max(2, stalled_steps() // rounds)
    for _ in range(rounds):
        bench = Bench(dut, len(VECTORS.inputs), sometimes(rng, 0.2), sometimes(rng, 0.2), rng)
        await bench.reset()
        bench.start()
        for _ in range(rng.randint(1, 3 * CYCLES + LATENCY * (WORDS > 1 or APART > 0))):
            await RisingEdge(bench.ports.clk)
        await bench.reset()
        assert not bench.checker.mismatches, bench.checker.first
        # the reset in flight is the only one between the two runs
        bench = Bench(dut, min(steps, len(VECTORS.inputs)), never, sometimes(rng, 0.2), rng)
        bench.start()
        await bench.finish()
        assert not bench.checker.mismatches, bench.checker.first
