"""Every block of the hardware against its own model, in Amaranth's simulator."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.adaptor import LOW_BITS
from lmu_hw.rtl.argmax import ArgmaxUnit
from lmu_hw.rtl.banks import Banks
from lmu_hw.rtl.block_memories import Ram, Rom, RomContents
from lmu_hw.rtl.chain import ChainUnit
from lmu_hw.rtl.chain_input_fifo import ChainInputFifo
from lmu_hw.rtl.fifo import OutputFifo
from lmu_hw.rtl.lane import WIDEST_PRODUCT, Lane
from lmu_hw.rtl.lane_widths import widths
from lmu_hw.rtl.multiplier import DigitMultiplier
from lmu_hw.rtl.polynomial import Polynomial
from lmu_hw.rtl.requantizer import Requantizer
from lmu_hw.rtl.result_serializer import ResultSerializer
from lmu_hw.rtl.rounder import Range, RoundedTotal, Rounder
from lmu_hw.rtl.schedule import Kind, schedule
from lmu_hw.rtl.schedule import walk as schedule_walk
from lmu_hw.rtl.schedule.timing import CHANNEL_OFFSET, FEED, INNER, sum_turns
from lmu_hw.rtl.sequencer import Sequencer
from lmu_hw.rtl.shifter import Shifter
from lmu_hw.rtl.step_controller import StepController
from lmu_hw.rtl.writeback import Writeback
from lmu_hw.rtl.zero_run_counter import ZeroRunCounter
from tests.factories.network_programs import NETWORKS
from tests.factories.programs import PROGRAMS, cascade_program
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


ROUNDED = (
    Range.of(QFormat(3, 0)),
    Range.of(QFormat(2, 0), 2),
    Range.of(QFormat(3, 0, signed=False), 1),
    Range.of(QFormat(5, 0)),
)


@pytest.mark.some(2)
@pytest.mark.parametrize("inverted", [False, True], ids=["word", "complement"])
@pytest.mark.parametrize("silent", [False, True], ids=["nearest", "toward_zero"])
def test_rounder_behind_shifter_on_every_word(silent: bool, inverted: bool) -> None:
    top = Module()
    top.submodules.shifter = shifter = Shifter(4, 0, 2)
    top.submodules.dut = dut = Rounder(ROUNDED, 4, shifter.quotient_width)
    top.d.comb += [
        dut.quotient.eq(shifter.quotient),
        dut.half.eq(shifter.half),
        dut.rest.eq(shifter.rest),
    ]
    rounded = RoundedTotal(dut, "rounded", inverted=inverted)
    rounded.take(top, dut)
    word = Signal(signed(6))
    among = range(len(ROUNDED))
    top.d.comb += word.eq(rounded.word(top, dut.result, among, "limited"))

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
                        await ctx.tick()
                        expected = dut.model(result, silent, base, x, shift)
                        found = ~ctx.get(word) if inverted else ctx.get(word)
                        assert found == expected, (result, base, x, shift)

    simulate(top, bench)


@pytest.mark.parametrize("lane_aligns", [(0,), (0, 3, 1)])
@pytest.mark.parametrize("x_width", [6, WIDEST_PRODUCT, WIDEST_PRODUCT + 1, 31])
def test_lane(lane_aligns: tuple[int, ...], x_width: int) -> None:
    dut = Lane(x_width, 5, x_width + 14, lane_aligns)
    rng = np.random.default_rng(0)
    most = 1 << (x_width - 1)
    sums = []
    for n in (1, 1, 3, 7, 2, 1):
        xs, factors = rng.integers(-most, most, n).tolist(), rng.integers(-16, 16, n).tolist()
        xs[0], factors[-1] = -most, -16
        aligns = rng.integers(0, len(lane_aligns), n).tolist()
        sums.append((xs, factors, aligns, dut.model(xs, factors, aligns)))

    async def bench(ctx: Any) -> None:
        elements = [
            (x, f, a, i == 0, i == len(xs) - 1, total)
            for xs, fs, aligns, total in sums
            for i, (x, f, a) in enumerate(zip(xs, fs, aligns, strict=True))
        ]
        for now, before in zip([*elements, None], [None, *elements], strict=True):
            if now is not None:
                ctx.set(dut.x, now[0])
                ctx.set(dut.factor, now[1])
            ctx.set(dut.valid, int(before is not None))
            if before is not None:
                ctx.set(dut.align, before[2])
                ctx.set(dut.first, int(before[3]))
            await ctx.tick()
            if before is not None and before[4]:
                assert ctx.get(dut.total) == before[5]

    simulate(dut, bench)


def test_feeds_wait_for_the_chain() -> None:
    """Every input once, in order, with its own zero-run flag, as soon as the chain is free.

    Two channels start together: the words of the second follow those of the first.
    """
    plan = schedule(cascade_program(sections="prp", channels=5, seed=3))
    dut = ChainInputFifo(plan, 9)
    arrivals = [(10, 0), (13, 1), (16, 2), (19, 3), (22, 4), (140, 0), (190, 1)]
    starts = dut.model(arrivals)
    words, silent = [-256, 255, 0, 7, -1, 99, -3], [0, 1, 1, 0, 0, 1, 0]
    seen: list[tuple[int, int]] = []
    flags: list[int] = []
    started: list[int] = []

    async def bench(ctx: Any) -> None:
        at = {cycle: k for k, (cycle, _) in enumerate(arrivals)}
        for cycle in range(260):
            k = at.get(cycle)
            ctx.set(dut.valid, int(k is not None))
            if k is not None:
                ctx.set(dut.word, words[k])
                ctx.set(dut.feed, arrivals[k][1])
            # of the one two cycles ago, and of no other
            k = at.get(cycle - 2)
            ctx.set(dut.silent, silent[k] if k is not None else cycle % 2)
            beside = bool(started) and cycle == started[-1] + CHANNEL_OFFSET
            if ctx.get(dut.start):
                started.append(cycle)
            if ctx.get(dut.start) or (beside and plan.feeds[seen[-1][0]].paired):
                flags.append(ctx.get(dut.next_silent))
                seen.append((ctx.get(dut.next_feed), ctx.get(dut.next_word)))
            await ctx.tick()

    simulate(dut, bench)
    assert started == starts
    assert seen == [(feed, w) for (_, feed), w in zip(arrivals, words, strict=True)]
    assert flags == silent


@pytest.mark.parametrize("x_width", [6, 24])
def test_a_lane_of_two_sums(x_width: int) -> None:
    """Two sums in turns, each taken when it is the one that shows."""
    dut = Lane(x_width, 5, x_width + 14, (0,), two_sums=True)
    rng = np.random.default_rng(1)
    most = 1 << (x_width - 1)
    xs, factors = rng.integers(-most, most, (9, 2)), rng.integers(-16, 16, (9, 2))
    one, two = (xs * factors).sum(axis=0)

    async def bench(ctx: Any) -> None:
        pairs = list(zip(xs.ravel().tolist(), factors.ravel().tolist(), strict=True))
        for k, (x, factor) in enumerate([*pairs, (0, 0)]):
            ctx.set(dut.x, x)
            ctx.set(dut.factor, factor)
            ctx.set(dut.valid, int(k > 0))
            ctx.set(dut.swap, int(k > 0))
            # the first word of either
            ctx.set(dut.first, int(k in (1, 2)))
            await ctx.tick()
        assert ctx.get(dut.total) == one
        ctx.set(dut.valid, 0)
        await ctx.tick()
        assert ctx.get(dut.total) == two

    simulate(dut, bench)


@pytest.mark.parametrize("interval", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("bits", [1, 4, 7])
def test_multiplier_on_every_factor(bits: int, interval: int) -> None:
    dut = DigitMultiplier(5, bits, interval)
    assert 1 <= dut.latency <= interval
    pairs = [(x, f) for f in range(1 << bits) for x in (-16, -7, -1, 0, 1, 15)]

    async def bench(ctx: Any) -> None:
        for x, factor in pairs:
            ctx.set(dut.x, x)
            ctx.set(dut.factor, factor)
            ctx.set(dut.start, 1)
            await ctx.tick()
            # the operands are there for one cycle alone
            ctx.set(dut.x, 3)
            ctx.set(dut.factor, 0)
            ctx.set(dut.start, 0)
            for _ in range(dut.latency - 1):
                assert not ctx.get(dut.done)
                await ctx.tick()
            assert ctx.get(dut.done)
            assert ctx.get(dut.product) == dut.model(x, factor), (x, factor)

    simulate(dut, bench)


@pytest.mark.parametrize(("lanes", "interval"), [(1, 1), (1, 3), (4, 1), (3, 4), (9, 1), (16, 2)])
def test_result_serializer(lanes: int, interval: int) -> None:
    dut = ResultSerializer(lanes, interval, 12, 3, [False] * 4)
    rng = np.random.default_rng(0)
    expected: list[tuple[int, int, bool]] = []
    got: list[tuple[int, int, bool]] = []

    async def bench(ctx: Any) -> None:
        for number in range(12):
            totals = rng.integers(-100, 100, lanes).tolist()
            results = int(rng.integers(0, lanes))
            one_row = bool(lanes > 1 and rng.random() < 0.4)
            words = dut.model(totals, results, one_row)
            expected.extend((w, number % 4, i == 0) for i, w in enumerate(words))
            for port, total in zip(dut.totals, totals, strict=True):
                ctx.set(port, total)
            ctx.set(dut.load, 1)
            ctx.set(dut.results, results)
            ctx.set(dut.one_row, int(one_row))
            ctx.set(dut.job, number % 4)
            ctx.set(dut.opens, 1)
            await ctx.tick()
            ctx.set(dut.load, 0)
            for _ in range(
                max(sum_turns(lanes) + 1, interval) if one_row else len(words) * interval
            ):
                if ctx.get(dut.valid):
                    got.append((ctx.get(dut.total), ctx.get(dut.result_job), ctx.get(dut.begins)))
                await ctx.tick()

    simulate(dut, bench)
    assert got == expected


@pytest.mark.parametrize("windows", [(1,), (2, 5), (8, 3, 1)])
def test_zero_run_counter(windows: tuple[int, ...]) -> None:
    dut = ZeroRunCounter(windows, 8)
    rng = np.random.default_rng(0)
    words = rng.integers(-128, 128, (60, len(windows))) * (rng.random((60, len(windows))) < 0.15)
    expected = [dut.model(k, words[:, k].tolist()) for k in range(len(windows))]

    async def bench(ctx: Any) -> None:
        for k in range(len(windows)):
            ctx.set(dut.index, k)
            ctx.set(dut.clear, 1)
            await ctx.tick()
        ctx.set(dut.clear, 0)
        for t, row in enumerate(words.tolist()):
            for k, word in enumerate(row):
                ctx.set(dut.word, word)
                ctx.set(dut.index, k)
                ctx.set(dut.valid, 1)
                await ctx.tick()
                ctx.set(dut.valid, 0)
                ctx.set(dut.word, 1)
                await ctx.tick()
                assert ctx.get(dut.silent) == expected[k][t]
                await ctx.tick()

    simulate(dut, bench)


def test_argmax_is_the_first_of_the_largest() -> None:
    dut = ArgmaxUnit(5, 3)
    rng = np.random.default_rng(0)

    async def bench(ctx: Any) -> None:
        for _ in range(40):
            words = rng.integers(-3, 3, int(rng.integers(1, 9))).tolist()
            for k, word in enumerate(words):
                ctx.set(dut.word, word)
                ctx.set(dut.valid, 1)
                ctx.set(dut.first, int(k == 0))
                await ctx.tick()
            ctx.set(dut.valid, 0)
            ctx.set(dut.word, 15)
            await ctx.tick()
            assert ctx.get(dut.index) == dut.model(words)

    simulate(dut, bench)


def test_banks() -> None:
    writers = ("result", "input")
    dut = Banks(6, 4, 3, writers)
    written = [(k, (7 * k) % 32 - 16) for k in range(12)]

    async def bench(ctx: Any) -> None:
        for place, word in written:
            # the units take turns
            writer = getattr(dut, writers[word % 2])
            ctx.set(writer.row, place // 3)
            ctx.set(writer.bank, place % 3)
            ctx.set(writer.word, word)
            ctx.set(writer.valid, 1)
            await ctx.tick()
            ctx.set(writer.valid, 0)
        for row in range(4):
            ctx.set(dut.read_row, row)
            await ctx.tick()
            assert [ctx.get(w) for w in dut.words] == dut.model(written, row)
        ctx.set(dut.clear, 1)
        ctx.set(dut.clear_row, 2)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        for row in (2, 3):
            ctx.set(dut.read_row, row)
            await ctx.tick()
            kept = [w for w in written if w[0] // 3 != 2]
            assert [ctx.get(w) for w in dut.words] == dut.model(kept, row)

    simulate(dut, bench)


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("name", ["lmu", "lmu_every_3", "gates", "dense_channels"])
def test_sequencer_reads_what_the_schedule_says(name: str, lanes: int) -> None:
    plan = schedule({**PROGRAMS, **NETWORKS}[name], lanes)
    dut = Sequencer(plan)
    kinds = {Kind.FEED: "feed", Kind.EMIT: "emit", Kind.COMPARE: "compare", Kind.HOLD: "hold"}

    async def bench(ctx: Any) -> None:
        for listing in (plan.due, plan.quiet, plan.due):
            ctx.set(dut.start, 1)
            ctx.set(dut.quiet, int(listing is not plan.due))
            await ctx.tick()
            ctx.set(dut.start, 0)
            cycles = list(dut.model(listing))
            sources = [c.run.source for c in schedule_walk(listing.runs)]
            for number, (kind, words) in enumerate(cycles):
                assert ctx.get(dut.done) == (number == len(cycles) - 1)
                await ctx.tick()
                command = dut.command
                for which, field in kinds.items():
                    assert ctx.get(getattr(command, field)) == (kind is which)
                assert ctx.get(command.weight) == (kind in (Kind.ROWS, Kind.COLUMNS))
                if words:
                    place = plan.places[sources[number]]
                    offset = plan.half_rows * (place.half.name == "NEW")
                    assert ctx.get(command.row) == place.row + offset + words[0] // lanes
                    if kind is not Kind.COLUMNS:
                        assert ctx.get(command.bank) == words[0] % lanes

    simulate(dut, bench)


def test_writeback_counts_the_words_of_its_target() -> None:
    plan = schedule(NETWORKS["stack"], 3)
    stored = [k for k, job in enumerate(plan.jobs) if job.target in plan.places]
    dut = Writeback(plan, stored)

    async def bench(ctx: Any) -> None:
        for swap in (0, 1):
            for job in stored:
                for result in range(4):
                    ctx.set(dut.valid, 1)
                    ctx.set(dut.swap, swap)
                    ctx.set(dut.job, job)
                    ctx.set(dut.begins, int(result == 0))
                    got = ctx.get(dut.row), ctx.get(dut.bank)
                    assert got == dut.model(job, result, bool(swap))
                    await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize("interval", [1, 4])
def test_requantizer(interval: int) -> None:
    plan = schedule(NETWORKS["lmu"], 1, interval)
    sizes = widths(plan)
    dut = Requantizer(plan, sizes)
    rng = np.random.default_rng(0)
    limit = 1 << (sizes.total - 2)

    async def bench(ctx: Any) -> None:
        for number, job in enumerate(plan.jobs):
            for result in range(2):
                total = int(rng.integers(-limit, limit))
                ctx.set(dut.total, total)
                ctx.set(dut.job, number)
                ctx.set(dut.begins, int(result == 0))
                ctx.set(dut.valid, 1)
                await ctx.tick()
                ctx.set(dut.valid, 0)
                for _ in range(dut.latency - 1):
                    assert not ctx.get(dut.word_valid)
                    await ctx.tick()
                assert ctx.get(dut.word_valid)
                param = job.params + (0 if job.one_param else result)
                assert ctx.get(dut.word) == dut.model(number, total, param, 0, False)
                assert ctx.get(dut.word_job) == number
                assert ctx.get(dut.word_begin) == (result == 0)

    simulate(dut, bench)


@pytest.mark.parametrize("interval", [1, 3, 16])
@pytest.mark.parametrize("name", ["stack", "gates", "constant_function"])
def test_polynomial(name: str, interval: int) -> None:
    plan = schedule(NETWORKS[name], 1, interval)
    dut = Polynomial(plan, 14)
    shaped = [k for k, job in enumerate(plan.jobs) if job.function is not None]
    rng = np.random.default_rng(0)
    words = [
        (k, int(rng.integers(plan.jobs[k].fmt.min, plan.jobs[k].fmt.max + 1)))
        for k in (shaped * 20)[:40]
    ]
    got: list[int] = []

    async def bench(ctx: Any) -> None:
        for number in range(len(words) * interval + dut.latency):
            index, idle = divmod(number, interval)
            fires = idle == 0 and index < len(words)
            ctx.set(dut.valid, int(fires))
            if fires:
                ctx.set(dut.job, words[index][0])
                ctx.set(dut.x, words[index][1])
            await ctx.tick()
            if ctx.get(dut.word_valid):
                assert number + 1 == dut.latency + len(got) * interval
                got.append(ctx.get(dut.word))

    simulate(dut, bench)
    assert got == [dut.model(k, x) for k, x in words]


def test_step_controller_counts_steps() -> None:
    plan = schedule(NETWORKS["lmu_every_3"], 2)
    dut = StepController(plan, 7)
    quiet: list[bool] = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.room, 1)
        ctx.set(dut.valid, 1)
        for address in range(7):
            assert not ctx.get(dut.ready)
            assert ctx.get(dut.clear_address) == address
            await ctx.tick()
        for _ in range(7):
            places = []
            for _ in range(plan.n_in):
                assert ctx.get(dut.take)
                places.append((ctx.get(dut.row), ctx.get(dut.bank)))
                if ctx.get(dut.start):
                    quiet.append(bool(ctx.get(dut.quiet)))
                await ctx.tick()
            assert places == [(0, 0), (0, 1), (1, 0)]
            assert not ctx.get(dut.ready)
            ctx.set(dut.done, 1)
            await ctx.tick()
            ctx.set(dut.done, 0)

    simulate(dut, bench)
    assert quiet == dut.model(7)


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


NARROW = {name: QFormat(4, 5) for name in ("outer", "inner", "chain")}


@pytest.mark.parametrize("formats", [{}, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("sections", ["p", "r", "prpprr"])
def test_chain_unit(sections: str, formats: dict[str, QFormat]) -> None:
    """Every state, in the cycle that the schedule counts on, with and without zero-input runs.

    Two channels go beside each other, the third alone.
    """
    program = cascade_program(sections=sections, channels=3, readout=1, seed=3, **formats)
    plan = schedule(program, 3)
    dut = ChainUnit(plan)
    assert (dut.adaptor.x_width > LOW_BITS) == (not formats)
    interpreter = Interpreter(program)
    n_pairs = sections.count("p")
    words = np.random.default_rng(0).integers(-128, 128, (6, 3))

    def place(name: str, word: int) -> tuple[int, int]:
        return plan.places[name, 1].row + word // 3, word % 3

    async def bench(ctx: Any) -> None:
        ctx.set(dut.clear, 1)
        for address in range(dut.depth):
            ctx.set(dut.clear_address, address)
            await ctx.tick()
        ctx.set(dut.clear, 0)
        for step in words:
            interpreter.run(step[None, None, :])
            state = interpreter.save()[0].tolist()
            for channels in ((0, 1), (2,)):
                expected = {}
                for beside, write in product(range(len(channels)), dut.model(0)):
                    name, part = (
                        ("z_inner", len(sections)) if write.port == INNER else ("z_outer", n_pairs)
                    )
                    word = channels[beside] * part + write.index
                    before = 3 * n_pairs if write.port == INNER else 0
                    cycle = write.cycle + CHANNEL_OFFSET * beside
                    assert cycle not in expected
                    expected[cycle] = (*place(name, word), state[before + word])
                ctx.set(dut.feed, channels[0])
                for cycle in range(FEED, max(expected) + 1):
                    ctx.set(dut.valid, int(cycle == FEED))
                    # of the one, of the other, and of neither
                    now = (cycle - FEED) // CHANNEL_OFFSET
                    ctx.set(dut.word, int(step[channels[now]]) if now < len(channels) else -77)
                    if ctx.get(dut.mirror):
                        got = [ctx.get(dut.mirror_row), ctx.get(dut.mirror_bank)]
                        assert expected.pop(cycle) == (*got, ctx.get(dut.mirror_word))
                    await ctx.tick()
                assert not expected

    simulate(dut, bench)
