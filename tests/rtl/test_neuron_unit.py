"""Neurons between states and sections: every word and cycle of the blocks, and of whole designs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw._support import yosys
from lmu_hw.errors import ScheduleError
from lmu_hw.program.fixedpoint import Overflow, QFormat, Rounding, overflow
from lmu_hw.program.integer_program import Program, Role, Spiking
from lmu_hw.program.spiking_step import spikes
from lmu_hw.rtl.integrate_fire import REST, IntegrateFire
from lmu_hw.rtl.neuron_levels import Level
from lmu_hw.rtl.neuron_unit import NeuronUnit
from lmu_hw.rtl.poisson_neurons import PoissonNeurons
from lmu_hw.rtl.random_generators import RandomGenerators
from lmu_hw.rtl.residue_adder import ResidueAdder
from lmu_hw.rtl.schedule import schedule
from lmu_hw.rtl.schedule.timing import INTEGRATE, POISSON
from tests.factories.builds import write_rtl_build
from tests.factories.programs import cascade_program, copy, noise_with_silence, random_state
from tests.factories.spiking_memories import SEVERAL
from tests.factories.spiking_programs import SPIKING, with_neurons
from tests.rtl.bench import due_of, expected_outputs, make, play, simulate
from tests.rtl.test_compiled import play as play_compiled
from tests.rtl.test_engine import compare
from tests.rtl.test_lint import CHECK, lint
from tests.rtl.test_state_port import check, everything
from tests.tools import require, require_yosys

ALL = {**SPIKING, **SEVERAL}
WIDTH = 9
LEVELS = [Level(0, 4, 6, WIDTH), Level(0, 0, 2, 7), Level(0, 6, 8, WIDTH), Level(0, 2, 11, 5)]
"""From a quantum of one LSB to a full scale beyond the format."""
ENDS = (-256, -255, -65, -64, -63, -5, -4, -1, 0, 1, 3, 4, 5, 63, 64, 65, 254, 255)


def limited(level: int, n: int) -> int:
    fmt = QFormat(LEVELS[level].width, 0)
    return int(overflow(n << LEVELS[level].quantum, fmt, Overflow.SAT))


def test_integrate_and_fire() -> None:
    """A state in every cycle; membranes may be any word, and a zero-input run empties them."""
    dut = IntegrateFire(LEVELS, WIDTH, membrane_width := 6)
    rng = np.random.default_rng(0)
    given = [(k, z, int(m)) for k in range(4) for z in ENDS for m in rng.integers(-32, 32, 3)]
    given += [(k, z, m) for k in range(4) for z in (-256, 255) for m in (-32, -1, 0, 31)]
    silent = [int(s) for s in rng.random(len(given)) < 0.2]
    late = {"rest": REST - 1, "count": 5, "sent": dut.latency, "residue": dut.latency}

    async def bench(ctx: Any) -> None:
        for cycle in range(len(given) + dut.latency):
            if cycle < len(given):
                level, z, membrane = given[cycle]
                ctx.set(dut.level, level)
                ctx.set(dut.z, z)
                ctx.set(dut.membrane, membrane)
                ctx.set(dut.silent, silent[cycle])
            for name, cycles in late.items():
                if 0 <= cycle - cycles < len(given):
                    level, z, membrane = given[cycle - cycles]
                    count, rest = dut.model(level, z, membrane)
                    sent = limited(level, count)
                    if silent[cycle - cycles]:
                        count, rest, sent = 0, 0, z
                    expected = {"rest": rest, "count": count, "sent": sent, "residue": z - sent}
                    assert ctx.get(getattr(dut, name)) == expected[name], given[cycle - cycles]
            await ctx.tick()

    assert (dut.latency, membrane_width) == (INTEGRATE.store - 1, len(dut.membrane))
    simulate(dut, bench)


@pytest.mark.parametrize(("population", "generators"), [(2, 1), (2, 2), (2, 4), (0, 1)])
@pytest.mark.parametrize("levels", [LEVELS, [Level(0, 20, 22, 24)]], ids=["short", "long"])
def test_poisson(levels: list[Level], population: int, generators: int) -> None:
    """A state for as many cycles as it takes all generators to draw for H neurons."""
    width, rounds = levels[0].width, (1 << population) // generators
    levels = [replace(entry, full=entry.quantum + population) for entry in levels]
    dut = PoissonNeurons(levels, width, population, generators)
    rng = np.random.default_rng(population + generators)
    scale = 1 << (width - WIDTH)
    given = [(k, z * scale) for k in range(len(levels)) for z in ENDS]
    silent = [int(s) for s in rng.random(len(given)) < 0.2]
    drawn = rng.integers(0, 1 << 16, (len(given), rounds, generators)).tolist()
    # the ends of the range, where a threshold decides by one
    drawn[0][0][0], drawn[1][0][0], drawn[-1][-1][-1] = 0, (1 << 16) - 1, (1 << 16) - 1
    drawn = [
        [[0 if s else x for x in row] for row in n] for n, s in zip(drawn, silent, strict=True)
    ]

    def model(state: int) -> tuple[int, int]:
        level, z = given[state]
        if silent[state]:
            return 0, z
        count = dut.model(level, z, [x for row in drawn[state] for x in row])
        fmt = QFormat(levels[level].width, 0)
        return abs(count), int(overflow(count << levels[level].quantum, fmt, Overflow.SAT))

    async def bench(ctx: Any) -> None:
        for cycle in range(len(given) * rounds + dut.latency):
            state, turn = divmod(cycle, rounds)
            ctx.set(dut.valid, int(state < len(given)))
            ctx.set(dut.first, int(turn == 0))
            if state < len(given):
                ctx.set(dut.level, given[state][0])
                ctx.set(dut.z, given[state][1])
                ctx.set(dut.silent, silent[state])
            state, _ = divmod(cycle - 3, rounds)
            wants = 0 <= state < len(given) and not silent[state]
            assert ctx.get(dut.draw) == wants
            state, turn = divmod(cycle - 4, rounds)
            if 0 <= state < len(given):
                for port, number in zip(dut.numbers, drawn[state][turn], strict=True):
                    ctx.set(port, number)
            state, turn = divmod(cycle - 7, rounds)
            if turn == rounds - 1 and 0 <= state < len(given):
                assert ctx.get(dut.count) == model(state)[0], given[state]
            state, turn = divmod(cycle - dut.latency, rounds)
            if turn == rounds - 1 and 0 <= state < len(given):
                sent = model(state)[1]
                assert (ctx.get(dut.sent), ctx.get(dut.residue)) == (sent, given[state][1] - sent)
            await ctx.tick()

    assert dut.latency == POISSON.store - 1
    simulate(dut, bench)


def test_random_generators() -> None:
    """From their seeds; a number stays until the next draw; loads and saves are XORed with it."""
    seeds = (1, 0xDEADBEEF, 0x9E3779B9)
    dut = RandomGenerators(seeds, first=2, indices=6)
    expected = dut.model(40)
    pause = np.random.default_rng(0).random(40) < 0.3

    async def bench(ctx: Any) -> None:
        ctx.set(dut.clear, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        for index in range(6):
            ctx.set(dut.index, index)
            assert ctx.get(dut.kept) == 0
        for n in range(40):
            ctx.set(dut.draw, 1)
            await ctx.tick()
            ctx.set(dut.draw, 0)
            if pause[n]:
                await ctx.tick()
            assert [ctx.get(p) for p in dut.numbers] == [row[n] for row in expected]
        ctx.set(dut.index, 3)
        kept = ctx.get(dut.kept)
        assert (kept ^ seeds[1]) >> 16 == expected[1][39]
        ctx.set(dut.load_word, 12345)
        ctx.set(dut.load, 1)
        await ctx.tick()
        ctx.set(dut.load, 0)
        assert ctx.get(dut.kept) == 12345
        assert [ctx.get(p) for p in dut.numbers[::2]] == [expected[0][39], expected[2][39]]

    simulate(dut, bench)


@pytest.mark.parametrize("spiking", [[True, True], [True, False]])
def test_residues(spiking: list[bool]) -> None:
    """Added four cycles later, saturated; a chain without neurons has none."""
    formats = [(QFormat(2, 4), QFormat(3, 5)), (QFormat(4, 4), QFormat(2, 4))]
    dut = ResidueAdder(formats, spiking, 8, 5)
    rng = np.random.default_rng(1)
    residues = [-200, 255, 31, -32, 0]
    for chain, expected in ((0, spiking[0]), (1, spiking[1])):
        assert dut.model(chain, 1, 2, inner=True) == (3 if expected else 1)

    async def bench(ctx: Any) -> None:
        for address, residue in enumerate(residues):
            ctx.set(dut.store, 1)
            ctx.set(dut.store_address, address)
            ctx.set(dut.residue, residue)
            await ctx.tick()
        ctx.set(dut.store, 0)
        for chain in (0, 1):
            sent: list[tuple[int, int, bool]] = []
            for cycle in range(60):
                inner = bool(rng.integers(2))
                fmt = formats[chain][inner]
                sent.append((int(rng.integers(fmt.min, fmt.max + 1)), cycle % 5, inner))
                ctx.set(dut.chain_number, chain)
                ctx.set(dut.word, sent[-1][0])
                ctx.set(dut.address, sent[-1][1])
                ctx.set(dut.inner, int(inner))
                if cycle >= dut.latency:
                    word, address, inner = sent[cycle - dut.latency]
                    total = dut.model(chain, word, residues[address], inner=inner)
                    assert ctx.get(dut.total) == total
                await ctx.tick()

    simulate(dut, bench)


def play_unit(program: Program, silent: Sequence[bool]) -> None:
    """Run passes of one memory: every word, address and cycle; the flags are valid just in time."""
    plan = schedule(program)
    op = program.ops[0]
    assert isinstance(op, Spiking)
    dut = NeuronUnit(plan, max(2, sum(f.states for f in plan.feeds)), 44, 16)
    rng = np.random.default_rng(3)
    channels, d = program.channels(op), len(op.quanta)
    places = op.places
    kept = np.zeros((1, program.vector(op.membrane or op.generators).length), dtype=np.int64)

    def address(channel: int, state: int) -> int:
        feed, (name, index) = plan.feeds[channel], places[state]
        return (feed.inner if name == op.cascade.z_inner else feed.outer) + index

    async def bench(ctx: Any) -> None:
        nonlocal kept
        ctx.set(dut.clear, 1)
        for number in range(dut.membranes):
            ctx.set(dut.clear_address, number)
            await ctx.tick()
        ctx.set(dut.clear, 0)
        for quiet in silent:
            state = random_state(program, rng, 1)
            words, first = {}, 0
            for v in program.with_role(Role.STATE):
                words[v.name] = state[:, first : first + v.length]
                first += v.length
            words[op.membrane or op.generators] = kept
            made = spikes(program, op, words, Rounding.TRN_ZERO if quiet else Rounding.RND)
            kept = made.kept
            z = np.zeros((channels, d), dtype=np.int64)
            for k, (name, index) in enumerate(places):
                z[:, k] = words[name].reshape(channels, -1)[:, index]
            memory = {address(c, k): int(z[c, k]) for c in range(channels) for k in range(d)}
            for feed in range(0, channels, 2):
                paired = plan.feeds[feed].paired
                start, totals = dut.model(0, paired=paired)
                mine = range(feed, feed + 1 + paired)
                stores = {
                    address(c, k): (int(made.sent[0, c, k]), int(z[c, k] - made.sent[0, c, k]))
                    for c in mine
                    for k in range(d)
                }
                fired = np.abs(made.counts).sum(axis=2)[0, list(mine)].tolist()
                written = dict(zip(totals, fired, strict=True))
                reading = None
                for cycle in range(start + 4):
                    ctx.set(dut.valid, int(cycle == 0))
                    ctx.set(dut.feed, feed if cycle == 0 else len(plan.feeds) - 1)
                    ctx.set(dut.word, 7 + cycle if cycle < 2 else -9)
                    in_time = cycle < 2 if plan.paired else cycle >= 2
                    ctx.set(dut.silent, int(quiet if in_time else not quiet))
                    ctx.set(dut.z, memory[reading] if reading is not None else -5)
                    reading = ctx.get(dut.read_address) if ctx.get(dut.read) else None
                    assert ctx.get(dut.start) == (cycle == start)
                    if cycle == start or (cycle > start and paired >= plan.paired):
                        # the second word and flag follow one cycle later
                        second = cycle > start and paired
                        assert ctx.get(dut.next_word) == 7 + second
                        assert ctx.get(dut.next_feed) == feed
                        assert ctx.get(dut.next_silent) == quiet
                    if ctx.get(dut.store):
                        got = (ctx.get(dut.sent), ctx.get(dut.residue))
                        assert stores.pop(ctx.get(dut.store_address)) == got
                    if ctx.get(dut.spikes):
                        assert written.pop(cycle) == ctx.get(dut.spikes_word)
                    await ctx.tick()
                assert not stores
                assert not written

    simulate(dut, bench)


QUICK = ("integrate_pair", "integrate_channels", "poisson_odd_widths", "integrate_and_poisson")
FEW_OF_ALL = [pytest.param(n, marks=[pytest.mark.soak] * (n not in QUICK)) for n in ALL]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.soak] * (n not in QUICK)) for n in SPIKING]
)
def test_every_word_in_its_cycle(name: str) -> None:
    play_unit(SPIKING[name], (False, False, True, False, True, True, False))


@pytest.mark.parametrize("name", ALL)
def test_cycles_of_a_pass(name: str) -> None:
    """H / S cycles a state, one for integrate-and-fire; all else is the same for every program."""
    for chain in schedule(ALL[name]).chains:
        if (neurons := chain.neurons) is None:
            continue
        rounds = (1 << neurons.population) // neurons.generators if neurons.generators else 1
        for paired in (False, True):
            cycles = len(neurons.states) * rounds * (1 + paired)
            assert neurons.cycles(paired=paired) == cycles + (10 if neurons.generators else 6)


@pytest.mark.parametrize("generators", [0, 1, 4, 16])
@pytest.mark.parametrize("sections", ["r", "pp", "prp", "p" * 12])
def test_cycles_of_a_step_against_neurons(sections: str, generators: int) -> None:
    """The plain cascade's, H / S or one for each state, and a constant: O(m) or O(d)."""
    plain = cascade_program(sections=sections)
    d = sum({"p": 2, "r": 1}[s] for s in sections)
    cycles = {}
    for population in range(4, 12):
        program = with_neurons(plain, population=population, generators=generators)
        neurons = sum(op.neurons(program.vector) for op in program.ops if isinstance(op, Spiking))
        rounds = (1 << population) // generators if generators else 1
        cycles[neurons] = schedule(program).cycles_per_step
        # one cycle sends the spikes
        constant = 15 if generators else 11
        assert cycles[neurons] == schedule(plain).cycles_per_step + d * rounds + constant
    m = [k for k in cycles if k >= (1 << 12) * max(1, generators)]
    if len(m) > 1:
        slope = np.polyfit(np.log(m), np.log([cycles[k] for k in m]), 1)[0]
        assert abs(slope - bool(generators)) < 0.05


def number_of_lanes(name: str) -> int:
    return (1, 4)[list(ALL).index(name) % 2]


@pytest.mark.parametrize("name", FEW_OF_ALL)
def test_every_word_and_the_published_cycles(name: str) -> None:
    compare(ALL[name], number_of_lanes(name), 12)


@pytest.mark.soak
@pytest.mark.parametrize("lanes", [1, 3, 4, 16])
@pytest.mark.parametrize("name", ALL)
def test_any_number_of_lanes(name: str, lanes: int) -> None:
    compare(ALL[name], lanes, 60)


FEW = [("integrate_mixed", 3), ("poisson_channels", 1)]


@pytest.mark.some(1)
@pytest.mark.parametrize(("name", "lanes"), FEW)
def test_stalls_change_no_word(name: str, lanes: int) -> None:
    program, plan = ALL[name], schedule(ALL[name], lanes)
    inputs, due = noise_with_silence(program, 12, seed=2), due_of(program, 12)
    played = play(plan, inputs, due, stalls=0.6)
    np.testing.assert_array_equal(played.outputs, expected_outputs(program, inputs, due))


def reset(name: str, lanes: int, moments: Sequence[int]) -> None:
    program, plan = ALL[name], schedule(ALL[name], lanes)
    inputs, due = noise_with_silence(program, 4, seed=1), due_of(program, 4)
    for moment in moments:
        played = play(plan, inputs, due, reset_at=(moment, moment + plan.due.cycles // 2))
        np.testing.assert_array_equal(played.outputs, expected_outputs(program, inputs, due))


@pytest.mark.parametrize(("name", "lanes"), FEW)
def test_reset_in_a_pass(name: str, lanes: int) -> None:
    """Neither membranes nor generators nor words on their way outlast it."""
    plan = schedule(ALL[name], lanes)
    reset(name, lanes, (plan.n_in + plan.rows + 14, plan.due.cycles + plan.rows + 20))


@pytest.mark.soak
@pytest.mark.parametrize("name", ["integrate_pair", "integrate_channels", "poisson_mixed"])
def test_reset_at_any_moment(name: str) -> None:
    reset(name, 2, range(1, 2 * schedule(ALL[name], 2).due.cycles, 3))


@pytest.mark.parametrize(
    "name", ["poisson_mixed", pytest.param("integrate_and_poisson", marks=pytest.mark.soak)]
)
def test_every_word_of_the_state(name: str) -> None:
    check(ALL[name], 2, everything(ALL[name]), stalls=0.3)


@pytest.mark.soak
@pytest.mark.parametrize("name", ALL)
def test_every_word_of_the_state_of_all(name: str) -> None:
    for lanes in (1, 3):
        check(ALL[name], lanes, everything(ALL[name], seed=lanes), stalls=0.3)


@pytest.mark.some(1)
@pytest.mark.sim
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[pytest.mark.soak] * (name not in ("integrate_mixed", "poisson_readout"))
        )
        for name in ALL
    ],
)
def test_lint_and_plain_bench(name: str, tmp_path: Path) -> None:
    """No warning in Verilator, Yosys and Icarus; resets in flight, stalls, the published cycles."""
    require("verilator", "make")
    require("iverilog", "vvp", "make")
    require_yosys()
    lanes = number_of_lanes(name)
    build_dir = write_rtl_build(ALL[name], tmp_path, lanes=lanes)
    done = lint(build_dir / "rtl")
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stderr
    yosys.run(CHECK.format("rtl", "lmu"), tmp_path)
    done = make(build_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    cycles = schedule(ALL[name], lanes).cycles_per_step
    assert re.search(rf"^PASS \d+ words, {cycles} cycles", done.stdout, re.M)
    assert "warning" not in done.stderr


@pytest.mark.sim
@pytest.mark.parametrize(
    ("backend", "name", "steps"),
    [
        pytest.param("cxxrtl", "poisson_mixed", 600, marks=pytest.mark.soak),
        *[
            pytest.param(backend, name, 20_000, marks=pytest.mark.soak)
            for name in ALL
            for backend in ("cxxrtl", "verilator")
        ],
    ],
)
def test_compiled_simulators(backend: str, name: str, steps: int, tmp_path: Path) -> None:
    lanes = number_of_lanes(name)
    build_dir = write_rtl_build(ALL[name], tmp_path, lanes=lanes)
    result = play_compiled(backend, build_dir, ALL[name], lanes, steps)
    assert (result.mismatches, result.first) == (0, None)
    assert result.steps >= steps
    assert result.cycles_per_step == schedule(ALL[name], lanes).cycles_per_step


@pytest.mark.parametrize("name", ["membrane", "generators"])
def test_what_hardware_refuses(name: str) -> None:
    """The membranes and generators are in the unit: no other operation reads them."""
    program = SPIKING["integrate_one" if name == "membrane" else "poisson_one"]
    y = replace(program.vector("spikes"), name="y", fmt=QFormat(40, 0))
    program = replace(program, vectors=(*program.vectors, y), ops=(*program.ops, copy(name, "y")))
    with pytest.raises(ScheduleError, match=f"in hardware only one operation may read {name}$"):
        schedule(program)
