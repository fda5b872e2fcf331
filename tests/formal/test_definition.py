"""`fixedpoint` gives the same results for Amaranth values and integers: all small words."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from amaranth.hdl import Module, Signal, signed

from lmu_hw.program.fixedpoint import Overflow, QFormat, Rounding, overflow, round_sum
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


def clocked(m: Module) -> Module:
    """Return the module with a register, without which nothing takes the clock."""
    m.d.sync += Signal(name="tick").eq(1)
    return m
