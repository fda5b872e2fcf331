"""`Core` as a component of other Amaranth designs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered

from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl import Core
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.state_port import StateCommand
from tests.factories.hardware_programs import ALL
from tests.factories.programs import noise_with_silence
from tests.rtl.bench import GUIDE, due_of, expected_outputs, simulate


def fifo_of(stream: Any, depth: int = 4) -> SyncFIFOBuffered:
    """Return a FIFO for the payload of a stream."""
    return SyncFIFOBuffered(width=len(Value.cast(stream.payload)), depth=depth)


@pytest.mark.parametrize(("name", "lanes"), [("one_pair", 1), ("lmu_on_demand", 2)])
def test_fifos_keep_the_last(name: str, lanes: int) -> None:
    """One before the core and one behind it, each with nothing but the payload."""
    program, n_steps = ALL[name], 6
    plan = schedule(program, lanes)
    core = Core(program, plan)
    before, behind = fifo_of(core.i), fifo_of(core.o)
    m = Module()
    m.submodules += [core, before, behind]
    wiring.connect(m, before.r_stream, core.i)
    wiring.connect(m, core.o, behind.w_stream)
    due, inputs = due_of(program, n_steps), noise_with_silence(program, n_steps)
    expected = expected_outputs(program, inputs, due).ravel().tolist()
    asks = [int(due[k // plan.n_in]) for k in range(inputs.size)]
    marks = zip(inputs.ravel().tolist(), asks, strict=True)
    layout = core.o.payload.shape()
    got: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        waiting = list(marks)
        ctx.set(behind.r_stream.ready, 1)
        for _ in range(plan.due.cycles * (n_steps + 1) + 300):
            ctx.set(before.w_stream.valid, bool(waiting))
            if waiting:
                word, last = waiting[0]
                mask = (1 << len(core.engine.i.payload)) - 1
                packed = word & mask
                if program.output_every == 0:
                    packed |= last << len(core.engine.i.payload)
                ctx.set(before.w_stream.payload, packed)
            fires = waiting and ctx.get(before.w_stream.ready)
            if ctx.get(behind.r_stream.valid):
                out = layout.from_bits(ctx.get(behind.r_stream.payload))
                got.append((out["data"], out["last"]))
            await ctx.tick()
            if fires:
                waiting.pop(0)

    simulate(m, bench)
    ends = [int(k % plan.n_out == plan.n_out - 1) for k in range(len(expected))]
    assert got == list(zip(expected, ends, strict=True))


def test_state_and_its_end() -> None:
    program = ALL["one_pair"]
    plan = schedule(program, state_port=True)
    core = Core(program, plan)
    inputs = noise_with_silence(program, 1)
    reference = Interpreter(program)
    reference.run(inputs[:, None, :])
    n_state = program.n_words(Role.STATE)
    got: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        ctx.set(core.i.payload, int(inputs[0, 0]))
        ctx.set(core.i.valid, 1)
        await ctx.tick().until(core.i.ready)
        ctx.set(core.i.valid, 0)
        ctx.set(core.state_command.payload, StateCommand.SAVE)
        ctx.set(core.state_command.valid, 1)
        await ctx.tick().until(core.state_command.ready)
        ctx.set(core.state_command.valid, 0)
        ctx.set(core.state_o.ready, 1)
        while len(got) < n_state:
            await ctx.tick()
            if ctx.get(core.state_o.valid):
                got.append((ctx.get(core.state_o.payload.data), ctx.get(core.state_o.payload.last)))

    simulate(core, bench)
    assert [word for word, _ in got] == reference.save()[0].tolist()
    assert [last for _, last in got] == [0] * (n_state - 1) + [1]


def test_no_port_lies_outside_a_stream() -> None:
    program = ALL["lmu_on_demand"]
    core = Core(program, schedule(program, state_port=True))
    ports = {path for path, _, _ in core.signature.flatten(core)}
    names = ("i", "o", "state_command", "state_i", "state_o")
    assert ports == {(name, part) for name in names for part in ("payload", "valid", "ready")}
    assert core.cycles_per_step == core.engine.plan.due.cycles
    # it is elaborated, and converts
    assert "o__payload" in rtlil.convert(core, emit_src=False)


def test_example_of_the_docs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    names: dict[str, Any] = {}
    exec(example, names)
    assert "connect \\w_data" in names["text"]
    inputs = np.arange(5)[:, None]
    np.testing.assert_array_equal(names["core"].model(inputs), names["design"].run(inputs).outputs)
