"""The ladder unit: words and cycles of two sweeps, of any order and number of substeps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed

from lmu_hw.errors import ScheduleError
from lmu_hw.program.fixedpoint import QFormat, Rounding, round_shift, round_sum
from lmu_hw.program.integer_program import Adaptor, Program, Role, Vector
from lmu_hw.program.interpreter import Interpreter
from lmu_hw.rtl.adaptor import LOW_BITS
from lmu_hw.rtl.ladder_unit import LadderUnit
from lmu_hw.rtl.schedule import Kind, schedule
from lmu_hw.rtl.schedule.timing import FEED, ladder_writes
from lmu_hw.rtl.three_port import ThreePort
from tests.factories.network_programs import Builder
from tests.factories.programs import PROGRAMS, copy, ladder_program, with_op
from tests.rtl.bench import simulate
from tests.rtl.test_engine import compare

ORDERS = (1, 2, 3, 4, 5, 6, 7, 8, 64)
WIDE = QFormat(9, 20)


def play(program: Program, silent: tuple[int, ...]) -> None:
    """Run steps of one channel in the unit; compare each mirror's word and cycle.

    Silent steps have zero input, which the program rounds toward zero at once.
    """
    program = with_op(program, 0, window=1)
    plan = schedule(program)
    dut = LadderUnit(plan)
    interpreter = Interpreter(program)
    fmt, order = program.vector("u").fmt, plan.ladders[0].order
    words = np.random.default_rng(order).integers(1, fmt.max, len(silent), endpoint=True)
    words *= (1 - np.array(silent)) * np.where(np.arange(len(silent)) % 3, 1, -1)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.clear, 1)
        for address in range(dut.depth):
            ctx.set(dut.clear_address, address)
            await ctx.tick()
        ctx.set(dut.clear, 0)
        first = plan.places[plan.ladders[0].mirror.target].row  # type: ignore[union-attr]
        for word, quiet in zip(words.tolist(), silent, strict=True):
            interpreter.run(np.array([[[word]]]))
            state = interpreter.save()[0, :order].tolist()
            expected = dict(zip(dut.model(0), enumerate(state, first), strict=True))
            for cycle in range(FEED, max(expected) + 1):
                ctx.set(dut.valid, int(cycle == FEED))
                ctx.set(dut.word, word if cycle == FEED else -7)
                # the flag is valid for one cycle alone
                ctx.set(dut.silent, quiet if cycle == FEED + 3 else 1 - quiet)
                if ctx.get(dut.mirror):
                    got = ctx.get(dut.mirror_row), ctx.get(dut.mirror_word)
                    assert expected.pop(cycle) == got
                await ctx.tick()
            assert not expected

    simulate(dut, bench)


@pytest.mark.some(9)
@pytest.mark.parametrize("substeps", [1, 2, 4, 8])
@pytest.mark.parametrize("order", ORDERS)
def test_every_word_in_its_cycle(order: int, substeps: int) -> None:
    wide = order % 2 == 0
    program = ladder_program(
        order=order, substeps=substeps, state=WIDE if wide else QFormat(4, 7), readout=1, seed=order
    )
    assert (program.vector("w").fmt.width > LOW_BITS) == wide
    # a substep is a window for each product and one to turn; two windows before, and the writes
    start = FEED + 4 + (substeps - 1) * 4 * (order + 2)
    assert ladder_writes(order, substeps)[-1] == start + 4 * (order + 1) + 2 - order % 2
    play(program, (0, 1, 0, 0, 1) if order < 64 else (0, 1))


@pytest.mark.some(6)
@pytest.mark.parametrize("substeps", [1, 2, 4, 8])
@pytest.mark.parametrize("order", [1, 2, 5, 8])
def test_the_step_takes_the_cycles_of_the_formula(order: int, substeps: int) -> None:
    program = ladder_program(order=order, substeps=substeps, scaled=True, seed=order)
    compare(program, 1, 4)
    plan = schedule(program)
    # the input; the ladder up to the last word; the rest of the row of scales
    writes = ladder_writes(order, substeps)
    assert plan.cycles_per_step == plan.n_in + max(w - i for i, w in enumerate(writes)) + order


def test_figures_of_a_memory_of_64() -> None:
    program = ladder_program(order=64, scaled=True, state=QFormat(11, 19), bits=16)
    assert program.multiplies_per_step == 65 + 32
    assert schedule(program).cycles_per_step == 272
    for substeps in (2, 4, 8):
        slower = schedule(ladder_program(order=64, scaled=True, substeps=substeps))
        assert slower.cycles_per_step == 272 + (substeps - 1) * 4 * 66


def test_waves_saturate_on_either_way() -> None:
    """Words that leave the format at every section, with and without rounding toward zero."""
    for seed in range(6):
        program = ladder_program(order=4 + seed % 2, state=QFormat(2, 5), readout=1, seed=seed)
        play(program, (0, 0, 0, 1, 1, 0, 0, 1))


@pytest.mark.parametrize("n_steps", [9, pytest.param(20, marks=pytest.mark.soak)])
def test_two_ladders_share_a_unit(n_steps: int) -> None:
    """Of other formats, orders and substeps, and a cascade between them."""
    b = Builder(3)
    b.add("x", 2, Role.INPUT)
    b.ladder("x", "one", 3, fmt=QFormat(4, 6))
    b.ladder("x", "two", 2, substeps=4, fmt=QFormat(6, 9))
    _, inner = b.cascade("x", "", 2, "pr")
    b.ladder("x", "three", 5, substeps=2, fmt=QFormat(3, 7))
    b.add("y", 4, Role.OUTPUT)
    b.affine(("one", "two", inner, "three"), "y")
    compare(b.program("ladders", 3), 3, n_steps, 1)


@pytest.mark.parametrize("reflection", [Adaptor(0, 0), Adaptor(-7, 3), Adaptor(1, 20)])
def test_any_reflection(reflection: Adaptor) -> None:
    program = ladder_program(order=3, readout=1, seed=2)
    play(with_op(program, 0, reflection=reflection), (0, 1, 0))


@pytest.mark.some(1)
@pytest.mark.parametrize("lanes", [1, 2, 8, 16])
def test_scales_in_any_number_of_lanes(lanes: int) -> None:
    program = PROGRAMS["ladder_channels"]
    compare(program, lanes, 12, 1)
    plan = schedule(program, lanes, 1)
    assert {run.kind for run in plan.due.runs} >= {Kind.SCALE}
    assert len(plan.weights) == -(-12 // lanes)


def test_the_previous_input_has_no_other_reader() -> None:
    program = PROGRAMS["ladder_substeps"]
    y = Vector(name="y", length=1, fmt=QFormat(1, 7), role=Role.OUTPUT)
    reads = Program(
        title="reads",
        vectors=(*program.vectors, y),
        ops=(*program.ops, copy("previous", "y")),
    )
    text = "in hardware only one operation may read previous"
    with pytest.raises(ScheduleError, match=re.escape(text)):
        schedule(reads)


def test_states_are_read_before_they_are_written() -> None:
    """An operation that precedes the ladder reads the words of the step before."""
    b = Builder(5)
    b.add("x", 1, Role.INPUT)
    b.add("early", 1, Role.OUTPUT)
    b.ladder("x", "w", 3, fmt=QFormat(5, 7))
    b.affine(("w",), "early")
    b.ops.reverse()
    compare(b.program("early"), 1, 16)


@pytest.mark.some(1)
@pytest.mark.parametrize("fmt", [QFormat(3, 0), QFormat(4, 1)], ids=str)
def test_three_port_on_any_words(fmt: QFormat) -> None:
    """Windows of any operands; waves and states saturate on both sides."""
    dut = ThreePort((fmt,), signed(4), 1, 2)
    rng = np.random.default_rng(fmt.width)

    def word(x: int) -> int:
        return min(max(x, fmt.min), fmt.max)

    async def bench(ctx: Any) -> None:
        left = even = true_state = 0
        operands = {"restart": 1}
        for window in range(3000):
            await ctx.tick()  # the window before leaves, with these operands
            ctx.set(dut.leave, 0)
            # of the window before, an even section
            if window and even:
                assert ctx.get(dut.state) == word(-true_state)
            left = 0 if operands["restart"] else left
            shift = int(rng.integers(1, 5))
            coef = int(rng.integers(max(-8, 1 - (1 << shift)), min(8, 1 << shift)))
            silent, source, even = (int(x) for x in rng.integers(0, 2, 3))
            for name, value in (("coef", coef), ("shift", shift - 1), ("silent", silent)):
                ctx.set(getattr(dut, name), value)
            ctx.set(dut.source, source)
            ctx.set(dut.enter, 1)
            await ctx.tick()
            ctx.set(dut.enter, 0)
            if window:
                lost = operands["lost"]
                entering, behind = left + operands["passed"], left + operands["behind"]
                wave = word(entering + (lost and entering < 0))
                assert ctx.get(dut.wave) == wave
                assert ctx.get(dut.state) == word(-(behind + (lost and behind < 0)))
                x = operands["other"] - wave
                base = operands["other"] if source else wave - operands["own"]
                mode = Rounding.TRN_ZERO if silent else Rounding.RND
                left = word(round_sum(base, coef * x, shift, mode))
                true_state = round_sum(-operands["own"], coef * x, shift, mode)
                t = round_shift(coef * x, shift, Rounding.TRN if silent else Rounding.RND)
            await ctx.tick()
            await ctx.tick()
            if window:
                assert (ctx.get(dut.t), ctx.get(dut.t_behind)) == (t, t - x)
                assert ctx.get(dut.t_lost) == (silent and (t << shift) != coef * x)
            peak = 1 << fmt.width
            operands = {
                "passed": int(rng.integers(-peak, peak + 1)),
                "behind": int(rng.integers(-peak, peak + 1)),
                "other": int(rng.integers(fmt.min, fmt.max + 1)),
                "own": int(rng.integers(fmt.min, fmt.max + 1)),
                "lost": int(rng.integers(0, 2)),
                "restart": int(window == 0 or rng.random() < 0.1),
            }
            for name, value in operands.items():
                ctx.set(getattr(dut, name), value)
            ctx.set(dut.even, even)
            ctx.set(dut.leave, 1)

    simulate(dut, bench)
