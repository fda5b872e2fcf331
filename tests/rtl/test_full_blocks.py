"""Blocks of a memory with a multiplier for each coefficient, against their models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, unsigned

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Adaptor
from lmu_hw.rtl.parallel.adaptor_shape import AdaptorShape, AdaptorStage, stages
from lmu_hw.rtl.parallel.constant_adaptor import ConstantAdaptor
from lmu_hw.rtl.parallel.constant_rounder import ConstantRounder
from lmu_hw.rtl.parallel.output_columns import ColumnPart, OutputColumns
from lmu_hw.rtl.parallel.signal_store import SignalStore
from lmu_hw.rtl.parallel.zero_run_flags import ZeroRunFlags
from lmu_hw.rtl.rounder import Range
from tests.rtl.bench import simulate

SMALL, FINE = QFormat(2, 2), QFormat(1, 4)
WIDE = QFormat(6, 16)


@pytest.mark.parametrize("limits", [False, True])
def test_a_pipeline_has_its_registers(limits: bool) -> None:
    for pipeline in range(1, 7):
        assert len(stages(pipeline, limits=limits)) == pipeline - 1
    # sums with few registers are rounded and saturated in one cycle; saturation gets its own first
    assert AdaptorStage.ROUND in stages(5, limits=True)
    assert AdaptorStage.ROUND not in stages(5, limits=False)
    # without saturation the way to the multiplier is the longest
    assert AdaptorStage.FACTOR in stages(5, limits=False)


@pytest.mark.parametrize("pipeline", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("formats", [(SMALL, FINE), (FINE, SMALL), (WIDE, FINE)])
def test_an_adaptor(pipeline: int, formats: tuple[QFormat, QFormat]) -> None:
    """All signs, ends and ties, in one command a cycle; saturated."""
    e = Adaptor(coef=11, shift=3) if formats[0] is WIDE else Adaptor(coef=5, shift=2)
    dut = ConstantAdaptor(
        AdaptorShape(
            e=e,
            a_fmt=formats[0],
            b_fmt=formats[1],
            limit_a=True,
            limit_b=True,
            pipeline=pipeline,
        )
    )
    rng = np.random.default_rng(pipeline)
    commands = [
        (
            *(int(rng.choice([f.min, f.max, rng.integers(f.min, f.max + 1)])) for f in formats),
            bool(rng.integers(2)),
        )
        for _ in range(150)
    ]
    got: list[tuple[int, int]] = []
    before: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        for k in range(len(commands) + dut.latency):
            if k < len(commands):
                for port, value in zip((dut.a, dut.b, dut.silent), commands[k], strict=True):
                    ctx.set(port, int(value))
            if k >= dut.latency:
                got.append((ctx.get(dut.a_new), ctx.get(dut.b_new)))
            if k >= dut.latency - 1:
                before.append((ctx.get(dut.coming_a), ctx.get(dut.coming_b)))
            await ctx.tick()

    simulate(dut, bench)
    expected = [dut.model(*command) for command in commands]
    assert got == expected
    assert before[: len(expected)] == expected
    ends = {f.max for f in formats} | {f.min for f in formats}
    assert ends & {word for pair in expected for word in pair}


def test_without_saturation_a_word_in_range_is_the_same() -> None:
    e = Adaptor(coef=9, shift=4)
    loose = ConstantAdaptor(
        AdaptorShape(e=e, a_fmt=SMALL, b_fmt=FINE, limit_a=False, limit_b=False, pipeline=5)
    )
    every = [(a, b, s) for a in range(-3, 4) for b in range(-4, 5) for s in (False, True)]
    ends = {SMALL.min, SMALL.max}, {FINE.min, FINE.max}
    words = [
        c for c in every if all(w not in e for w, e in zip(loose.model(*c), ends, strict=True))
    ]
    assert len(words) > len(every) // 2
    got = []

    async def bench(ctx: Any) -> None:
        for k in range(len(words) + loose.latency):
            if k < len(words):
                for port, value in zip((loose.a, loose.b, loose.silent), words[k], strict=True):
                    ctx.set(port, int(value))
            if k >= loose.latency:
                got.append((ctx.get(loose.a_new), ctx.get(loose.b_new)))
            await ctx.tick()

    simulate(loose, bench)
    assert got == [loose.model(*command) for command in words]


@pytest.mark.parametrize("n_signals", [1, 2, 3])
def test_zero_runs_of_each_signal(n_signals: int) -> None:
    dut = ZeroRunFlags(window=3, count_width=2, word_width=4, n_signals=n_signals)
    rng = np.random.default_rng(0)
    words = np.where(rng.random((40, n_signals)) < 0.8, 0, rng.integers(-8, 8, (40, n_signals)))
    got: list[list[bool]] = [[] for _ in range(n_signals)]

    async def bench(ctx: Any) -> None:
        for signal in range(n_signals):
            ctx.set(dut.signal, signal)
            ctx.set(dut.load, 1)
            await ctx.tick()
        ctx.set(dut.load, 0)
        ctx.set(dut.valid, 1)
        for row in words.tolist():
            for signal, word in enumerate(row):
                ctx.set(dut.signal, signal)
                ctx.set(dut.word, word)
                await ctx.tick()
                got[signal].append(bool(ctx.get(dut.silent)))

    simulate(dut, bench)
    assert got == [dut.model(words[:, s].tolist()) for s in range(n_signals)]
    assert any(map(any, got))


@pytest.mark.parametrize("n_signals", [1, 3])
def test_a_store_keeps_a_word_of_each_signal(n_signals: int) -> None:
    dut = SignalStore(unsigned(5), n_signals)
    rng = np.random.default_rng(0)
    words = [0] * n_signals

    async def bench(ctx: Any) -> None:
        nonlocal words
        for signal in range(n_signals):
            ctx.set(dut.write, 1)
            ctx.set(dut.write_signal, signal)
            await ctx.tick()
        for _ in range(50):
            write, signal, word = (int(rng.integers(n)) for n in (2, n_signals, 32))
            read = int(rng.integers(n_signals))
            for port, value in (
                (dut.write, write),
                (dut.write_signal, signal),
                (dut.write_word, word),
                (dut.read_signal, read),
            ):
                ctx.set(port, value)
            assert ctx.get(dut.word) == words[read]
            await ctx.tick()
            words = dut.model(words, signal, word) if write else words

    simulate(dut, bench)


@pytest.mark.parametrize("depth", [4, 16])
def test_columns_leave_as_steps(depth: int) -> None:
    """Sections write a step one after the other; the reader stalls at random; nothing is lost."""
    parts = [ColumnPart(column=1, low=2, width=3)]
    parts += [ColumnPart(column=k, low=0, width=2 + k) for k in (0, 1)]
    parts[2] = ColumnPart(column=1, low=0, width=2)
    dut = OutputColumns((2, 5), parts, width=4, depth=depth, last=1)
    rng = np.random.default_rng(3)
    steps = [(int(rng.integers(4)), int(rng.integers(32))) for _ in range(60 * depth // 4)]
    got: list[int] = []
    full = False

    async def bench(ctx: Any) -> None:
        nonlocal full
        started, pipe = 0, [-1, -1, -1]
        for _ in range(150 * depth):
            room = ctx.get(dut.room)
            full |= not room
            begin = bool(room) and started < len(steps) and rng.random() < 0.8
            ctx.set(dut.reserve, int(begin))
            for port, at in ((0, pipe[0]), (1, pipe[2])):
                ctx.set(getattr(dut, f"write_{port}"), int(at >= 0))
                ctx.set(getattr(dut, f"words_{port}"), steps[at][port] if at >= 0 else 0)
            ready = rng.random() < 0.5
            ctx.set(dut.o.ready, int(ready))
            if ready and ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
            pipe = [started if begin else -1, *pipe[:2]]
            started += begin
            await ctx.tick()

    simulate(dut, bench)
    assert got == [dut.model(step) for step in steps]
    assert full


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("drop", [0, 2])
def test_a_rounder(drop: int, short: bool) -> None:
    """Ties, signs and ends, for every tail."""
    shift, entry = 3, Range(drop=drop, low=-4, high=3)
    dut = ConstantRounder(entry, 5 + drop, 5 + drop, shift, short=short)
    most = 16 << drop
    cases = [
        (silent, base, product)
        for silent in (False, True)
        for base in range(-most, most, max(1, most // 5))
        for product in range(-most * 8, most * 8, 1 if drop == 0 else 5)
    ]
    got, expected = [], []
    m = Module()
    m.submodules.dut = dut
    clocked = Signal()
    m.d.sync += clocked.eq(1)

    async def bench(ctx: Any) -> None:
        for silent, base, product in cases:
            raised = base + (((1 << drop) - 1 if silent else (1 << drop) >> 1) if drop else 0)
            tail = product & 7
            ctx.set(dut.silent, silent)
            ctx.set(dut.base, base)
            ctx.set(dut.raised_base, raised)
            ctx.set(dut.quotient, product >> shift)
            ctx.set(dut.tail, (tail >> 2) | (tail > 0) << 1 if short else tail)
            word = ctx.get(dut.total) >> drop
            word = 3 if ctx.get(dut.over) else -4 if ctx.get(dut.under) else word
            got.append(word)
            expected.append(dut.model(silent, base, product))
            await ctx.delay(1e-9)

    simulate(m, bench)
    assert got == expected
    assert {-4, 0, 3} < set(got)
