"""cocotb testbench of a bus slave: words, state, errors, interrupts, addresses.

It runs in the simulator. LMU_BUILD is the build directory, LMU_BUS the bus: axil or wb.
"""

from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from bus_masters import master
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout

from lmu_hw.kits.bus_registers import registers_of, word_shapes
from lmu_hw.kits.kit import KitDesign
from lmu_hw.program.integer_program import Role, from_json
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.schedule import schedule

BUILD, BUS = Path(os.environ["LMU_BUILD"]), os.environ["LMU_BUS"]
PROGRAM = from_json((BUILD / "program.json").read_text(encoding="utf-8"))
PLAN = schedule(PROGRAM, 1, state_port=True)
DESIGN = KitDesign(
    program=PROGRAM, plan=PLAN, hardware=Hardware(), rtl={}, c={}, vectors={}, version=""
)
REGISTERS = {r.name: r for r in registers_of(DESIGN)}
(IN_BITS, _), (OUT_BITS, OUT_SIGNED), (STATE_BITS, STATE_SIGNED) = word_shapes(DESIGN)
N_IN, N_OUT, N_STATE = PLAN.n_in, PLAN.n_out, PROGRAM.n_words(Role.STATE)
STEPS = 12 if PLAN.cycles_per_step < 500 else 4
N_STEPS = max(STEPS, 2 * PROGRAM.output_every)
RANGES = [(v.fmt.min, v.fmt.max) for v in PROGRAM.with_role(Role.INPUT) for _ in range(v.length)]
# no two words alike: those of the vectors come in long runs
INPUTS = np.random.default_rng(1).integers(*np.transpose(RANGES), (N_STEPS, N_IN), endpoint=True)
ON_DEMAND = PROGRAM.output_every == 0
test = partial(cocotb.test, timeout_time=5, timeout_unit="ms")
CLEAR, SAVE, LOAD = 1, 2, 3
DONE, OVERRUN, UNDERRUN = 4, 8, 16


def number(word: int, bits: int, signed: bool) -> int:
    """Return a word of the bus as a number; fail unless the bits above it extend it."""
    total = 64 if bits > 32 else 32
    value = word - (1 << total) if signed and word >> (total - 1) else word
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    assert low <= value < high, f"{word:x} does not extend a word of {bits} bits"
    return value


def expected(inputs: np.ndarray, state: np.ndarray | None = None) -> tuple[list[int], np.ndarray]:
    """Return the output words of steps, and the state after them."""
    interpreter = Interpreter(PROGRAM)
    if state is not None:
        interpreter.load(state[None, :])
    due = np.arange(len(inputs)) % 2 == 1 if ON_DEMAND else None
    outputs = interpreter.run(inputs[:, None, :], due=due)
    return outputs[:, 0].ravel().tolist(), interpreter.save()[0]


class Slave:
    """The slave with its master, and calls in terms of words."""

    def __init__(self, dut: Any, seed: int | None) -> None:
        self.dut, self.rng = dut, random.Random(seed or 0)
        self.bus = master(dut, BUS, seed)
        self.clk = self.bus.clk

    async def read(self, name: str) -> int:
        """Read a register, without an error."""
        word, failed = await self.bus.read(REGISTERS[name].offset)
        assert not failed, f"{name} cannot be read"
        return int(word)

    async def write(self, name: str, word: int, strobe: int = 15) -> None:
        """Write a register, without an error."""
        assert not await self.bus.write(REGISTERS[name].offset, word, strobe), f"{name} is an error"

    async def level(self) -> tuple[int, int]:
        """Return the words that can be read and written."""
        level = await self.read("LEVEL")
        return level & 0xFFFF, level >> 16

    async def flag(self, name: str) -> None:
        """Wait for a flag of STATUS."""
        (field,) = (f for f in REGISTERS["STATUS"].fields if f.name == name)
        for _ in range(20 * PLAN.cycles_per_step + 2000):
            if await self.read("STATUS") & field.mask:
                return
        raise AssertionError(f"STATUS.{name} never comes")

    async def errors(self) -> int:
        """Return and clear the events that stay."""
        events = await self.read("EVENTS") & ~3
        await self.write("EVENTS", events)
        return events

    async def give(self, words: list[int]) -> None:
        """Write one input word, or two."""
        if len(words) == 2:
            await self.write("DATA_IN_PAIR", words[0] & 0xFFFF | (words[1] & 0xFFFF) << 16)
        else:
            await self.write("DATA_IN", words[0])

    async def take(self, ready: int, taken: int) -> list[int]:
        """Read one output word, or two, by a register of random choice."""
        if OUT_BITS > 16:
            word = await self.read("DATA_OUT")
            return [number(word, OUT_BITS, OUT_SIGNED)]
        way = self.rng.choice(["DATA_OUT", "DATA_OUT_TAGGED"] + ["DATA_OUT_PAIR"] * (ready > 1))
        word = await self.read(way)
        if way == "DATA_OUT":
            return [number(word, OUT_BITS, OUT_SIGNED)]
        if way == "DATA_OUT_TAGGED":
            assert word >> 31 == 1
            assert word >> 30 & 1 == int(taken % N_OUT == N_OUT - 1)
            assert word >> 16 & 0x3FFF >= ready - 1
        halves = [word & 0xFFFF, word >> 16] if way == "DATA_OUT_PAIR" else [word & 0xFFFF]
        extended = [h | 0xFFFF0000 if OUT_SIGNED and h >> 15 else h for h in halves]
        return [number(h, OUT_BITS, OUT_SIGNED) for h in extended]

    async def stream(self, inputs: np.ndarray, n_out: int) -> list[int]:
        """Write all input words and read ``n_out`` output words, as LEVEL allows."""
        words, found, at = inputs.ravel().tolist(), [], 0
        while at < len(words) or len(found) < n_out:
            ready, room = await self.level()
            while room and at < len(words):
                n = 2 if IN_BITS <= 16 and room > 1 and self.rng.random() < 0.7 else 1
                if ON_DEMAND:
                    n = 1
                    await self.write("CONTROL", 2 * (at // N_IN % 2), 1)
                chunk = words[at : at + n]
                await self.give(chunk)
                at, room = at + len(chunk), room - n
            while ready and len(found) < n_out:
                got = await self.take(min(ready, n_out - len(found)), len(found))
                found += got
                ready -= len(got)
        return found

    async def command(self, command: int) -> None:
        """Write a command."""
        await self.flag("COMMAND_READY")
        await self.write("COMMAND", command)

    async def save(self) -> np.ndarray:
        """Return the state."""
        await self.command(SAVE)
        words = []
        for _ in range(N_STATE):
            await self.flag("STATE_OUT_VALID")
            word = await self.read("STATE_OUT")
            if STATE_BITS > 32:
                word |= await self.read("STATE_OUT_HIGH") << 32
            words.append(number(word, STATE_BITS, STATE_SIGNED))
        await self.flag("COMMAND_READY")
        return np.array(words)

    async def load(self, state: np.ndarray) -> None:
        """Load a state."""
        await self.command(LOAD)
        for word in state.tolist():
            await self.flag("STATE_IN_ROOM")
            if STATE_BITS > 32:
                await self.write("STATE_IN_HIGH", word >> 32 & 0xFFFFFFFF)
            await self.write("STATE_IN", word)
        await self.flag("COMMAND_READY")


async def started(dut: Any, seed: int | None = None) -> Slave:
    """Return a slave after a reset."""
    slave = Slave(dut, seed)
    Clock(slave.clk, 10, "ns").start()
    await slave.bus.reset()
    return slave


@test()
@cocotb.parametrize(seed=[None, 1, 2])
async def words(dut: Any, seed: int | None) -> None:
    """Words equal the interpreter's, without stalls and with random ones."""
    slave = await started(dut, seed)
    outputs, state = expected(INPUTS)
    assert await slave.stream(INPUTS, len(outputs)) == outputs
    await slave.flag("IN_EMPTY")
    assert await slave.read("STEPS") == len(INPUTS)
    assert (await slave.save() == state).all()
    assert await slave.read("STATE_STEP") == len(INPUTS)
    assert await slave.errors() == DONE


@test()
@cocotb.parametrize(seed=[None, 3])
async def state_in_mid_stream(dut: Any, seed: int | None) -> None:
    """SAVE, CLEAR, LOAD between steps; the stream goes on as if nothing had been."""
    slave = await started(dut, seed)
    period = max(PROGRAM.output_every, 2 if ON_DEMAND else 1)
    half = len(INPUTS) // 2 // period * period
    first, state = expected(INPUTS[:half])
    second, _ = expected(INPUTS[half:], state)
    again, _ = expected(INPUTS[half:])
    assert await slave.stream(INPUTS[:half], len(first)) == first
    await slave.flag("IN_EMPTY")
    saved = await slave.save()
    assert (saved == state).all()
    await slave.command(CLEAR)
    assert await slave.stream(INPUTS[half:], len(again)) == again
    await slave.flag("IN_EMPTY")
    await slave.load(saved)
    assert await slave.stream(INPUTS[half:], len(second)) == second


@test(skip=ON_DEMAND)
async def save_while_words_wait(dut: Any) -> None:
    """The state is that of the step that STATE_STEP names, wherever SAVE came."""
    slave = await started(dut)
    outputs, _ = expected(INPUTS)
    for k in range(3):
        await slave.write("CONTROL", 1)
        _, room = await slave.level()
        words = INPUTS.ravel().tolist()[: room // N_IN * N_IN]
        for word in words:
            await slave.give([word])
        await ClockCycles(slave.clk, 1 + k * (PLAN.cycles_per_step // 2))
        saved = await slave.save()
        step = await slave.read("STATE_STEP")
        assert step <= len(words) // N_IN
        assert (saved == expected(INPUTS[:step])[1]).all()
        rest = INPUTS[len(words) // N_IN :]
        assert await slave.stream(rest, len(outputs)) == outputs


@test()
async def overrun(dut: Any) -> None:
    """Words without room are lost, and told; those before and after them are not."""
    slave = await started(dut, 5)
    _, depth = await slave.level()
    lost, lost_pairs, words = 0, 0, []
    source = INPUTS.ravel().tolist() * (1 + 40 * depth // INPUTS.size)
    while lost < 3:
        _, room = await slave.level()
        pair = room == 1 and IN_BITS <= 16 and not lost_pairs
        chunk = [source.pop(), source.pop()] if pair else [source.pop()]
        await slave.give(chunk)
        if await slave.errors() & OVERRUN:
            assert room < len(chunk)
            lost, lost_pairs = lost + 1, lost_pairs + pair
        else:
            words += chunk
    # a core that seldom waits for its output may take a word just before the pair
    assert lost_pairs or IN_BITS > 16 or PROGRAM.output_every != 1
    padding = [7] * (-len(words) % N_IN)
    outputs = expected(np.array(words + padding).reshape(-1, N_IN))[0]
    if ON_DEMAND:
        outputs = []  # nothing was asked for
    assert await slave.stream(np.array(padding), len(outputs)) == outputs


@test()
async def underrun(dut: Any) -> None:
    """A word that is not there is 0, is told, and takes nothing."""
    slave = await started(dut)
    for name in ("DATA_OUT", "DATA_OUT_PAIR", "STATE_OUT"):
        if name in REGISTERS:
            assert await slave.read(name) == 0
            assert await slave.errors() == UNDERRUN, name
    if OUT_BITS <= 16:
        assert await slave.read("DATA_OUT_TAGGED") == 0
        assert await slave.errors() == 0
    await slave.write("COMMAND", 2)
    await slave.write("COMMAND", 2)
    assert await slave.errors() & OVERRUN
    await slave.write("CONTROL", 1)
    if OUT_BITS <= 16 and N_OUT % 2 and not ON_DEMAND:
        period = max(1, PROGRAM.output_every)
        outputs, _ = expected(INPUTS[:period])
        for word in INPUTS[:period].ravel().tolist():
            await slave.flag("IN_ROOM")
            await slave.give([word])
        while (await slave.level())[0] < N_OUT:
            pass
        found = [await slave.read("DATA_OUT") & 0xFFFF for _ in range(N_OUT - 1)]
        assert await slave.read("DATA_OUT_PAIR") == 0
        assert await slave.errors() == UNDERRUN
        found.append(await slave.read("DATA_OUT") & 0xFFFF)
        assert found == [word & 0xFFFF for word in outputs]
    assert await slave.errors() == 0


@test()
async def interrupts(dut: Any) -> None:
    """Every event raises irq if it is enabled, and only then."""
    slave = await started(dut)

    async def irq(enable: int) -> int:
        await slave.write("IRQ_ENABLE", enable)
        await ClockCycles(slave.clk, 3)
        return int(dut.irq.value)

    _, depth = await slave.level()
    assert [await irq(1 << k) for k in range(5)] == [0, 1, 0, 0, 0]  # ROOM
    await slave.write("THRESHOLD", (depth + 1) << 16 | 1)
    assert await irq(31) == 0
    await slave.write("THRESHOLD", depth << 16 | 1)
    assert [await irq(1 << k) for k in range(5)] == [0, 1, 0, 0, 0]
    # OUTPUT, as the first word comes
    await slave.write("IRQ_ENABLE", 1)
    period = max(PROGRAM.output_every, 2 if ON_DEMAND else 1)
    stream = cocotb.start_soon(slave.stream(INPUTS[:period], 0))
    await with_timeout(RisingEdge(dut.irq), 10 * 100 * PLAN.cycles_per_step * period, "ns")
    await stream
    await ClockCycles(slave.clk, 2 * PLAN.cycles_per_step)  # all words of the output have come
    words, _ = await slave.level()
    assert words >= 1
    for threshold, raised in ((words, 1), (words + 1, 0)):
        await slave.write("THRESHOLD", depth << 16 | threshold)
        assert await irq(1) == raised
    await slave.write("CONTROL", 1)
    assert await irq(1) == 0
    for event, provoke in ((DONE, ("COMMAND", CLEAR)), (UNDERRUN, None)):
        if provoke:
            await slave.write(*provoke)
            await slave.flag("COMMAND_READY")
        else:
            await slave.read("DATA_OUT")
        assert [await irq(1 << k) for k in range(2, 5)] == [event >> k & 1 for k in range(2, 5)]
        await slave.write("EVENTS", 31 & ~event)  # only ones clear
        assert await irq(event) == 1
        await slave.write("EVENTS", event)
        assert await irq(event) == 0


@test()
async def addresses(dut: Any) -> None:
    """Registers answer as their table says; other addresses, and wrong ways, are errors."""
    slave = await started(dut, 6)
    by_offset = {r.offset: r for r in REGISTERS.values()}
    for offset in range(0, 128, 4):
        register = by_offset.get(offset)
        _, failed = await slave.bus.read(offset)
        assert failed == (register is None or not register.readable), hex(offset)
        failed = await slave.bus.write(offset, 0)
        assert failed == (register is None or not register.writable), hex(offset)
    for register in REGISTERS.values():
        if register.access == "constant":
            value = sum((f.value or 0) << f.low for f in register.fields)
            assert await slave.read(register.name) == value, register.name
    # nothing but DATA_IN = 0 was written
    await slave.bus.reset()
    assert await slave.read("STEPS") == 0


@test()
async def strobes(dut: Any) -> None:
    """A word travels with all its bytes or not at all; settings change byte by byte."""
    slave = await started(dut)
    offset = REGISTERS["DATA_IN"].offset
    needed = REGISTERS["DATA_IN"].strobes
    for strobe in (1, 2, 3, 4, 8, 12, 14, 15):
        before = await slave.read("STEPS"), (await slave.level())[1]
        failed = await slave.bus.write(offset, 0, strobe)
        assert failed == (strobe & needed != needed), strobe
        await ClockCycles(slave.clk, 4)
        after = await slave.read("STEPS"), (await slave.level())[1]
        assert before == after or not failed, strobe
        assert before != after or failed or N_IN > 1, strobe
        await slave.write("CONTROL", 1)
    await slave.write("THRESHOLD", 0x12345678)
    for k in range(4):
        await slave.write("THRESHOLD", 0xABABABAB, 1 << k)
        wanted = 0x12345678
        for j in range(k + 1):
            wanted = wanted & ~(0xFF << 8 * j) | 0xAB << 8 * j
        assert await slave.read("THRESHOLD") == wanted


@test()
async def resets(dut: Any) -> None:
    """A reset of either kind in mid-stream makes the next word the first."""
    slave = await started(dut, 7)
    outputs, _ = expected(INPUTS)
    for k in range(3):
        for word in INPUTS.ravel().tolist()[: 2 * N_IN + 1]:
            await slave.give([word])
        await slave.write("COMMAND", 2)
        await ClockCycles(slave.clk, 5 + 11 * k)
        if k == 1:
            await slave.bus.reset(1)
        else:
            await slave.write("CONTROL", 1)
        assert await slave.stream(INPUTS, len(outputs)) == outputs
        await slave.flag("IN_EMPTY")
        assert await slave.read("STEPS") == len(INPUTS)


@test(skip=ON_DEMAND)
async def back_to_back(dut: Any) -> None:
    """Writes and reads that are queued at once, in both directions at a time."""
    slave = await started(dut)
    period = max(1, PROGRAM.output_every)
    outputs, _ = expected(INPUTS[:period])
    words = INPUTS[:period].ravel().tolist()
    _, room = await slave.level()
    tasks = [cocotb.start_soon(slave.write("DATA_IN", word)) for word in words[:room]]
    status = [cocotb.start_soon(slave.read("ID")) for _ in range(20)]
    for task in tasks:
        await task
    assert {await task for task in status} == {0x4C4D5548}
    rest = np.array(words[room:]).reshape(-1, 1)
    found = await slave.stream(rest, 0)
    while (await slave.level())[0] < min(len(outputs), 8):
        pass
    count = min((await slave.level())[0], len(outputs))
    reads = [cocotb.start_soon(slave.read("DATA_OUT")) for _ in range(count)]
    found = [(await task) & 0xFFFFFFFF for task in reads]
    assert found == [word & 0xFFFFFFFF for word in outputs[:count]]
    assert await slave.errors() == 0
