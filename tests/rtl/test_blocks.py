"""Every block of the hardware against its own model, in Amaranth's simulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module

from lmu_hw.fixedpoint import QFormat
from lmu_hw.program import Cascade
from lmu_hw.rtl.cascade_sequencer import CascadeSequencer
from lmu_hw.rtl.command import Kind, Result, Sink, result_table
from lmu_hw.rtl.fifo import OutputFifo
from lmu_hw.rtl.formats import formats
from lmu_hw.rtl.mac import MultiplyAccumulate
from lmu_hw.rtl.memories import Ram, Rom, RomContents
from lmu_hw.rtl.operands import Operands
from lmu_hw.rtl.rounder import Rounder
from lmu_hw.rtl.row_sequencer import RowSequencer
from lmu_hw.rtl.shifter import Shifter
from lmu_hw.rtl.silence import SilenceCounter
from lmu_hw.schedule import schedule
from tests.programs import PROGRAMS
from tests.rtl.bench import simulate


def signed_range(bits: int) -> range:
    return range(-(1 << (bits - 1)), 1 << (bits - 1))


@pytest.mark.parametrize(
    ("width", "shift_min", "amount_width"), [(6, 0, 2), (6, 2, 2), (5, 3, 0), (4, 0, 3)]
)
def test_shifter_on_every_word(width: int, shift_min: int, amount_width: int) -> None:
    dut = Shifter(width, shift_min, amount_width)

    async def bench(ctx: Any) -> None:
        for amount in range(1 << amount_width):
            for x in signed_range(width):
                ctx.set(dut.x, x)
                ctx.set(dut.amount, amount)
                await ctx.tick()
                got = ctx.get(dut.quotient), ctx.get(dut.half), ctx.get(dut.rest)
                assert got == dut.model(x, amount), (x, amount)

    simulate(dut, bench)


def ranges(fmt: QFormat, drop: int) -> Result:
    return Result(drop=drop, low=fmt.min, high=fmt.max, sink=Sink.MEMORY)


ROUNDED = (
    ranges(QFormat(3, 0), 0),
    ranges(QFormat(2, 0), 2),
    ranges(QFormat(3, 0, signed=False), 1),
    ranges(QFormat(5, 0), 0),
)


@pytest.mark.parametrize("silent", [False, True], ids=["nearest", "toward_zero"])
def test_rounder_behind_shifter_on_every_word(silent: bool) -> None:
    top = Module()
    top.submodules.shifter = shifter = Shifter(4, 0, 2)
    top.submodules.dut = dut = Rounder(ROUNDED, 4, shifter.quotient_width, 6)
    top.d.comb += [
        dut.quotient.eq(shifter.quotient),
        dut.half.eq(shifter.half),
        dut.rest.eq(shifter.rest),
    ]

    async def bench(ctx: Any) -> None:
        ctx.set(dut.silent, int(silent))
        for result in range(len(ROUNDED)):
            ctx.set(dut.result, result)
            for base in signed_range(4):
                ctx.set(dut.base, base)
                for x in signed_range(4):
                    ctx.set(shifter.x, x)
                    for shift in range(4):
                        ctx.set(shifter.amount, shift)
                        await ctx.tick()
                        expected = dut.model(result, silent, base, x, shift)
                        assert ctx.get(dut.word) == expected, (result, base, x, shift)

    simulate(top, bench)


def test_multiply_accumulate() -> None:
    dut = MultiplyAccumulate(6, 5, 8, 16)
    rng = np.random.default_rng(0)
    rows = [
        (
            rng.integers(-32, 32, n).tolist(),
            rng.integers(-16, 16, n).tolist(),
            int(rng.integers(-128, 128)),
        )
        for n in (1, 1, 3, 7, 2, 1)
    ]

    async def bench(ctx: Any) -> None:
        elements = [
            (x, c, i == 0, bias, i == len(xs) - 1, dut.model(xs, cs, bias))
            for xs, cs, bias in rows
            for i, (x, c) in enumerate(zip(xs, cs, strict=True))
        ]
        late: Iterator[Any] = iter([None, *elements])
        for x, coef, *_ in [*elements, (0, 0)]:
            ctx.set(dut.x, x)
            ctx.set(dut.coef, coef)
            before = next(late)
            if before is not None:
                _, _, first, bias, last, total = before
                ctx.set(dut.valid, 1)
                ctx.set(dut.first, int(first))
                ctx.set(dut.bias, bias)
            await ctx.tick()
            if before is not None and last:
                assert ctx.get(dut.total) == total

    simulate(dut, bench)


@pytest.mark.parametrize("name", ["mixed", "odd_widths", "outer_finer"])
def test_operands(name: str) -> None:
    program = PROGRAMS[name]
    plan = schedule(program)
    f = formats(program, plan)
    dut = Operands(f)
    rng = np.random.default_rng(0)

    def word(fmt: QFormat | None) -> int:
        assert fmt is not None
        return int(rng.integers(fmt.min, fmt.max + 1))

    async def bench(ctx: Any) -> None:
        for kind in (Kind.COPY, Kind.ROW, Kind.OUTER, Kind.INNER, Kind.REAL) * 20:
            result = int(rng.integers(len(f.table.entries)))
            read = word(f.outer if kind is Kind.OUTER else f.inner)
            chain, link = word(f.chain), word(f.outer)
            ctx.set(dut.kind, kind)
            ctx.set(dut.result, result)
            ctx.set(dut.word, read)
            ctx.set(dut.chain, chain)
            ctx.set(dut.link, link)
            await ctx.tick()
            got = ctx.get(dut.x), ctx.get(dut.base)
            expected = dut.model(kind, result, read, chain, link, 0)
            if kind is not Kind.COPY:
                assert got == expected, kind
            else:
                limit = 1 << f.base_width
                assert (got[1] - expected[1]) % limit == 0

    simulate(dut, bench)


@pytest.mark.parametrize("window", [1, 2, 5, 8])
def test_silence_counter(window: int) -> None:
    dut = SilenceCounter(window, 8)
    rng = np.random.default_rng(window)
    words = [int(w) for w in rng.integers(-128, 128, 60) * (rng.random(60) < 0.15)]
    expected = dut.model(words)

    async def bench(ctx: Any) -> None:
        count = 0
        for word, new in zip(words, expected, strict=True):
            ctx.set(dut.word, word)
            ctx.set(dut.is_input, 1)
            await ctx.tick()
            ctx.set(dut.is_input, 0)
            ctx.set(dut.word, count)
            ctx.set(dut.is_count, 1)
            await ctx.tick()
            ctx.set(dut.is_count, 0)
            assert ctx.get(dut.write) == 1
            count = ctx.get(dut.count)
            assert count == new
            assert ctx.get(dut.silent) == (new == window)
            await ctx.tick()
            assert ctx.get(dut.write) == 0

    simulate(dut, bench)


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.8])
def test_fifo_keeps_order_and_room(probability: float) -> None:
    n_out, depth = 5, 16
    dut = OutputFifo(8, depth, n_out)
    rng = np.random.default_rng(0)
    words = [int(w) for w in rng.integers(-128, 128, 20 * n_out)]
    expected = dut.model(words)
    got: list[tuple[int, bool]] = []

    async def bench(ctx: Any) -> None:
        sent = promised = 0
        for _ in range(3000):
            reserve = promised - sent == 0 and sent < len(words) and ctx.get(dut.room)
            write = promised > sent and rng.random() < 0.7
            ready = rng.random() >= probability
            ctx.set(dut.reserve, int(reserve))
            ctx.set(dut.write, int(write))
            ctx.set(dut.word, words[sent] if write else 99)
            ctx.set(dut.o.ready, int(ready))
            promised += n_out * bool(reserve)
            sent += write
            if ready and ctx.get(dut.o.valid):
                got.append((ctx.get(dut.o.payload), bool(ctx.get(dut.o_last))))
            assert sent - len(got) <= depth
            await ctx.tick()
            if len(got) == len(words):
                return

    simulate(dut, bench)
    assert got == expected


def test_memories() -> None:
    contents = RomContents(width=5, words=(3, 31, 7), file="")
    rom, ram = Rom(contents), Ram(6, 4)

    async def read_rom(ctx: Any) -> None:
        for address in (0, 2, 1):
            ctx.set(rom.address, address)
            await ctx.tick()
            assert ctx.get(rom.word) == contents.words[address]

    async def use_ram(ctx: Any) -> None:
        ctx.set(ram.write, 1)
        for address, word in enumerate((-32, 31, 5, 0)):
            ctx.set(ram.write_address, address)
            ctx.set(ram.write_word, word)
            await ctx.tick()
        ctx.set(ram.write, 0)
        for address, word in enumerate((-32, 31, 5, 0)):
            ctx.set(ram.read_address, address)
            await ctx.tick()
            assert ctx.get(ram.read_word) == word

    simulate(rom, read_rom)
    simulate(ram, use_ram)


def issued(dut: CascadeSequencer | RowSequencer, n_cycles: int) -> list[tuple[int, Kind, int]]:
    """Return (cycle, kind, address) of each command, and check ``done``."""
    found: list[tuple[int, Kind, int]] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for cycle in range(n_cycles):
            if ctx.get(dut.command.valid):
                found.append((cycle, ctx.get(dut.command.kind), ctx.get(dut.command.address)))
            assert ctx.get(dut.done) == (cycle == n_cycles - 1), cycle
            await ctx.tick()
        assert not ctx.get(dut.command.valid)

    simulate(dut, bench)
    return found


@pytest.mark.parametrize("name", ["one_real", "one_pair", "mixed"])
def test_cascade_sequencer(name: str) -> None:
    program = PROGRAMS[name]
    plan = schedule(program)
    op, phase = program.ops[0], plan.phases[0]
    assert isinstance(op, Cascade)
    table = result_table(program, plan)
    dut = CascadeSequencer(op, phase, table.of_phase[phase.name], 4, len(table.entries))
    (head, *adaptors) = issued(dut, phase.length)
    assert head == (0, Kind.COPY, phase.sources[0].base)
    assert adaptors == list(dut.model())


@pytest.mark.parametrize(("name", "index"), [("readout", 1), ("dense", 0), ("mixed", 2)])
def test_row_sequencer(name: str, index: int) -> None:
    program = PROGRAMS[name]
    plan = schedule(program)
    phase = plan.phases[index]
    table = result_table(program, plan)
    dut = RowSequencer(phase, table.of_phase[phase.name], 5, len(table.entries))
    commands = issued(dut, phase.length)
    if phase.kind == "dense":
        commands = commands[1:]
    assert [address for _, _, address in commands] == [a for row in dut.model() for a in row]
    cycles = [cycle for cycle, _, _ in commands]
    assert cycles == list(range(cycles[0], cycles[0] + len(cycles)))
