"""cocotb testbench of the state port: several streams share a core by saving and loading states.

It runs with the settings of `test_lmu` if a design has the port.
"""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
import test_lmu
from cocotb.triggers import ClockCycles, with_timeout
from common.checker import Checker
from common.stream import Sink, Source, Stalls, never, sometimes
from ports import Ports, Stream

from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.lane_widths import payload_shape

PROGRAM = test_lmu.PROGRAM
N_STATE = PROGRAM.n_words(Role.STATE)
STATE_BITS = payload_shape(PROGRAM.with_role(Role.STATE)).width
NONE, CLEAR, SAVE, LOAD = range(4)
N_STREAMS = 3
ROUNDS = 12
"""Most switches between streams; fewer if a step takes long."""
LOOK = 100
"""Cycles between two checks for the end of a test."""


class Core:
    """The design, with the words expected from it."""

    def __init__(self, dut: Any, stalls: Stalls, rng: random.Random, late: bool) -> None:
        self.ports, self.stalls, self.rng = Ports(dut, **test_lmu.FORM), stalls, rng
        self.late = late
        self.outputs: list[int] = []
        self.saved: list[int] = []
        self.loads: list[Any] = []
        self.out = Checker(self.outputs, test_lmu.N_OUT)
        self.state = Checker(self.saved, N_STATE)
        for stream, checker, roles in (
            (self.ports.o, self.out, Role.OUTPUT),
            (self.ports.state_o, self.state, Role.STATE),
        ):
            signed = any(v.fmt.signed for v in PROGRAM.with_role(roles))
            self._listen(stream, checker, signed)

    async def command(self, code: int, signal: int = 0) -> None:
        """Send a command, for one of the signals; returns when it is accepted."""
        command = self.ports.state_command
        width = 2 + (test_lmu.SIGNALS - 1).bit_length()
        await self._send(command, self.ports.offered(command, width, [code + 4 * signal], self.rng))

    async def load(self, model: Interpreter, signal: int = 0) -> None:
        """Load the state of an interpreter; words and command may arrive in any order."""
        words = model.save()[0].tolist()
        offered = self.ports.offered(self.ports.state_i, STATE_BITS, words, self.rng)
        for task in self.loads:
            await task
        self.loads = [cocotb.start_soon(self._send(self.ports.state_i, offered))]
        await self.command(LOAD, signal)

    async def save(self, model: Interpreter, signal: int = 0) -> None:
        """Save, and expect the state of an interpreter."""
        self.saved += model.save()[0].tolist()
        await self.command(SAVE, signal)

    async def steps(self, model: Interpreter, inputs: np.ndarray) -> None:
        """Run steps in the design and in an interpreter; returns when the last word is accepted."""
        due = None
        marks = [0] * inputs.size
        if PROGRAM.output_every == 0:
            due = np.array([self.rng.random() < 0.4 for _ in inputs])
            marks = [int(d and k == test_lmu.N_IN - 1) for d in due for k in range(test_lmu.N_IN)]
        self.outputs += model.run(inputs[:, None, :], due=due).ravel().tolist()
        await self.offer(inputs, marks)

    async def offer(self, inputs: np.ndarray, marks: list[int] | None = None) -> None:
        """Send input words; returns when the last one is accepted."""
        i = self.ports.i
        offered = self.ports.offered(i, test_lmu.IN_BITS, inputs.ravel().tolist(), self.rng)
        await self._send(i, offered, marks)

    async def finish(self) -> None:
        """Wait for all expected words, and check that no others arrive."""
        for task in self.loads:
            await task
        checkers = (self.out, self.state)
        for _ in range(20 * (test_lmu.LONGEST + test_lmu.N_OUT + N_STATE) // LOOK + 20):
            if all(checker.empty for checker in checkers):
                break
            await ClockCycles(self.ports.clk, LOOK)
        await ClockCycles(self.ports.clk, test_lmu.LONGEST + test_lmu.LATENCY + LOOK)
        for checker in checkers:
            assert not checker.mismatches, f"first of {checker.mismatches}: {checker.first}"
            assert checker.empty, f"{checker.checked} of {len(checker.expected)} words"

    def _listen(self, stream: Stream, checker: Checker, signed: bool) -> None:
        def on_word() -> None:
            value = stream.payload.value
            assert value.is_resolvable, f"{stream.payload._name} is {value}"
            n_words = test_lmu.WORDS if stream is self.ports.o else 1
            for word in test_lmu.words_of(value, n_words, test_lmu.OUT_BITS, signed):
                checker.take(word)
            last = checker.checked % checker.n_words == 0
            assert (stream.last.value == 1) == last, f"{stream.last._name} is wrong"

        sink = Sink(
            self.ports.clk,
            stream.payload,
            stream.last,
            stream.valid,
            stream.ready,
            on_word,
            self.stalls,
            self.late,
        )
        cocotb.start_soon(sink.run())

    async def _send(self, stream: Stream, words: list[int], marks: list[int] | None = None) -> None:
        source = Source(
            self.ports.clk,
            stream.payload,
            stream.valid,
            stream.ready,
            words,
            self.stalls,
            last=stream.last,
            marks=marks or [],
        )
        patience = (
            40 * (test_lmu.LONGEST * (len(words) + 2) + test_lmu.LATENCY + 20 * N_STATE)
            + test_lmu.CLEARING
        )
        await with_timeout(cocotb.start_soon(source.run()), patience * test_lmu.PERIOD, "ns")


@cocotb.test()
@cocotb.parametrize(pattern=["free", "stalls", "late sinks"])
async def streams_share_the_core(dut: Any, pattern: str) -> None:
    """Several streams alternate on one core; each matches an interpreter of its own."""
    rng = random.Random(cocotb.RANDOM_SEED)
    await test_lmu.power_up(dut)
    await test_lmu.reset(Ports(dut, **test_lmu.FORM))
    stalls = sometimes(rng, 0.4) if pattern == "stalls" else never
    core = Core(dut, stalls, rng, late=pattern == "late sinks")
    models = [Interpreter(PROGRAM) for _ in range(N_STREAMS)]
    inputs = test_lmu.VECTORS.inputs
    budget = test_lmu.stalled_steps()
    rounds = min(ROUNDS, budget)
    for number in range(rounds):
        model = models[rng.randrange(N_STREAMS)]
        await core.load(model)
        n_steps = rng.randint(1, max(1, 2 * budget // rounds))
        start = rng.randrange(max(1, len(inputs) - n_steps))
        await core.steps(model, inputs[start : start + n_steps])
        # sometimes do not save: the interpreter has the state anyway
        if number % 3 != 2:
            await core.save(model)
        if number % 4 == 3:
            await core.command(NONE)
    fresh = Interpreter(PROGRAM)
    await core.command(CLEAR)
    await core.save(fresh)
    await core.steps(fresh, inputs[:2])
    await core.save(fresh)
    await core.finish()
