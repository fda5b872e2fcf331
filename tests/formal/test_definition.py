"""The definitions of the proofs are those of `fixedpoint` and of the interpreter."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Shape, Signal, signed

from lmu_hw.program.fixedpoint import Overflow, QFormat, Rounding, overflow, round_sum
from lmu_hw.program.integer_program import MemoryUpdate, Operation, Program
from lmu_hw.program.interpreter import Interpreter
from tests.formal.layer_words import results
from tests.formal.network_designs import gate_program, network_program
from tests.formal.requantizing import saturate
from tests.rtl.bench import simulate

WORDS = range(-16, 16)


@pytest.mark.parametrize("rounding", [Rounding.RND, Rounding.TRN_ZERO])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_round_sum(shift: int, rounding: Rounding) -> None:
    m = Module()
    x, base, got = Signal(signed(5)), Signal(signed(3)), Signal(signed(10))
    m.d.comb += got.eq(round_sum(base, x, shift, rounding))

    async def bench(ctx: Any) -> None:
        for b, word in itertools.product(range(-4, 4), WORDS):
            ctx.set(x, word)
            ctx.set(base, b)
            assert ctx.get(got) == round_sum(b, word, shift, rounding)

    simulate(clocked(m), bench)


@pytest.mark.parametrize("fmt", [QFormat(3, 0), QFormat(2, 1, signed=False), QFormat(8, 0)])
def test_overflow(fmt: QFormat) -> None:
    m = Module()
    x, limited, wrapped = Signal(signed(5)), Signal(signed(10)), Signal(signed(10))
    m.d.comb += [limited.eq(saturate(x, fmt)), wrapped.eq(overflow(x, fmt, Overflow.WRAP))]

    async def bench(ctx: Any) -> None:
        for word in WORDS:
            ctx.set(x, word)
            assert ctx.get(limited) == overflow(word, fmt, Overflow.SAT)
            assert ctx.get(wrapped) == overflow(word, fmt, Overflow.WRAP)

    simulate(clocked(m), bench)


LAYERS = [
    pytest.param(program, op, id=f"{program.title}, {op.writes[0]}")
    for program in (gate_program(), network_program())
    for op in program.ops
    if not isinstance(op, MemoryUpdate)
]


@pytest.mark.parametrize(("program", "op"), LAYERS)
def test_layers(program: Program, op: Operation) -> None:
    m, rng = Module(), np.random.default_rng(0)
    given = {name: program.vector(name) for name in op.reads}
    words = {
        name: rng.integers(v.fmt.min, v.fmt.max + 1, (200, v.length)) for name, v in given.items()
    }
    signals = {
        name: [Signal(Shape(v.fmt.width, v.fmt.signed)) for _ in range(v.length)]
        for name, v in given.items()
    }
    found = [Signal(signed(32)) for _ in range(program.vector(op.writes[0]).length)]
    for signal, value in zip(found, results(m, program, op, dict(signals)), strict=True):
        m.d.comb += signal.eq(value)
    expected = Interpreter(program).execute(op, words)[op.writes[0]]

    async def bench(ctx: Any) -> None:
        for k, row in enumerate(expected):
            for name, of in signals.items():
                for signal, word in zip(of, words[name][k].tolist(), strict=True):
                    ctx.set(signal, word)
            assert [ctx.get(signal) for signal in found] == row.tolist()

    simulate(clocked(m), bench)


def clocked(m: Module) -> Module:
    """Return the module with a register, without which nothing takes the clock."""
    m.d.sync += Signal(name="tick").eq(1)
    return m
