"""Blocks of a memory whose sections share multipliers, against their models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from amaranth.hdl import signed

from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.rtl.hardware_plan import hardware_plan
from lmu_hw.rtl.options import Hardware
from lmu_hw.rtl.parallel.delay_line import DelayLine
from lmu_hw.rtl.parallel.output_columns import ColumnPart, OutputColumns
from lmu_hw.rtl.parallel.ring_plan import RingPlan
from lmu_hw.rtl.parallel.ring_schedule import SlotKind
from lmu_hw.rtl.parallel.ring_unit import RingUnit
from lmu_hw.rtl.parallel.table_adaptor import TableAdaptor
from lmu_hw.rtl.parallel.table_shape import TableStage, table_stages
from tests.factories.programs import cascade_program
from tests.rtl.bench import simulate
from tests.rtl.parallel_bench import SATURATING

WIDE = {"outer": QFormat(8, 12), "inner": QFormat(3, 17), "chain": QFormat(6, 15)}


def plan_of(sections: str, per_unit: int, pipeline: int, **formats: QFormat) -> RingPlan:
    """Return a plan; everything saturates."""
    options = Hardware(parallel="ring", sections_per_multiplier=per_unit, pipeline=pipeline)
    plan = hardware_plan(cascade_program(sections=sections, seed=3, **formats), options)
    assert isinstance(plan, RingPlan)
    return plan


@pytest.mark.parametrize("limits", [False, True])
def test_a_pipeline_has_its_registers(limits: bool) -> None:
    for pipeline in range(2, 7):
        assert len(table_stages(pipeline, limits=limits)) == pipeline - 1
    assert (TableStage.ROUND in table_stages(5, limits=limits)) == limits


@pytest.mark.parametrize("pipeline", [2, 3, 4, 5, 6])
@pytest.mark.parametrize(
    ("sections", "formats"), [("prp", {}), ("pp", WIDE), ("rr", SATURATING), ("rp", SATURATING)]
)
def test_an_adaptor(pipeline: int, sections: str, formats: dict[str, QFormat]) -> None:
    """Coefficients, formats, roundings and holds in turn, one command a cycle; signs and ends."""
    plan = plan_of(sections, len(sections), pipeline, **formats)
    dut, rng = TableAdaptor(plan.adaptor(0)), np.random.default_rng(pipeline)
    slots = plan.schedule.slots[0]
    busy = [k for k, slot in enumerate(slots) if slot.kind is not SlotKind.IDLE]
    commands = []
    for _ in range(150):
        slot = int(rng.choice(busy))
        fmts = [word.fmt for word in plan.ports[slots[slot].kind]]
        words = [int(rng.choice([f.min, f.max, rng.integers(f.min, f.max + 1)])) for f in fmts]
        commands.append((slot, *words, bool(rng.integers(2)), rng.random() < 0.2))
    got: list[tuple[int, int]] = []

    def raised(kind: SlotKind, a: int, b: int) -> tuple[int, int]:
        lifts = [plan.grid - word.fmt.frac_bits for word in plan.ports[kind]]
        return a << lifts[0], b << lifts[1]

    async def bench(ctx: Any) -> None:
        for k in range(len(commands) + dut.latency):
            if k < len(commands):
                slot, a, b, silent, hold = commands[k]
                kind = slots[slot].kind
                a, b = raised(kind, a, b)
                for port, value in (
                    (dut.a, a),
                    (dut.b, b),
                    (dut.coef, dut.shape.table.coefs[slot]),
                    (dut.choice, dut.shape.table.choices[slot]),
                    (dut.chain_a, kind is SlotKind.OUTER),
                    (dut.chain_b, kind is SlotKind.REAL),
                    (dut.silent, silent),
                    (dut.hold, hold),
                ):
                    ctx.set(port, int(value))
            if k >= dut.latency:
                got.append((ctx.get(dut.a_new), ctx.get(dut.b_new)))
            await ctx.tick()

    simulate(dut, bench)
    expected = []
    for slot, a, b, silent, hold in commands:
        kind = slots[slot].kind
        words = (a, b) if hold else dut.model(kind, slot, a, b, silent)
        expected.append(raised(kind, *words))
    assert got == expected


def test_a_unit_computes_a_section_a_turn_later() -> None:
    """A unit alone: a step enters, its words leave, its states return; holding changes nothing."""
    plan = plan_of("pppp", 4, 3)
    dut, turn = RingUnit(plan, 0), plan.cycles_per_step
    rng = np.random.default_rng(0)
    u = [int(w) for w in rng.integers(-3000, 3000, 12)]
    given = [k for k in range(30) if rng.random() < 0.4][: len(u)]
    seen: dict[int, list[tuple[int, int]]] = {k: [] for k in range(4)}
    chain: list[int] = []
    width = plan.output_of(plan.op.z_inner).fmt.width

    async def bench(ctx: Any) -> None:
        for cycle in range(turn * 40):
            slot, number = cycle % turn, cycle // turn - 1
            ctx.set(dut.slot, slot)
            ctx.set(dut.erase, int(number < 0))
            starts = slot == 0 and number in given
            ctx.set(dut.valid, int(starts))
            ctx.set(dut.w, u[given.index(number)] if starts else 77)
            if ctx.get(dut.done):
                row = ctx.get(dut.place) & 3
                words = ctx.get(dut.words)
                seen[row].append((words & ((1 << width) - 1), words >> width))
            at = plan.schedule.start(3) + plan.pipeline
            if ctx.get(dut.valid_next) and slot == at % turn:
                chain.append(ctx.get(dut.w_next))
            await ctx.tick()

    simulate(dut, bench)
    states = [[0, 0] for _ in range(4)]
    expected: dict[int, list[tuple[int, int]]] = {k: [] for k in range(4)}
    passed = []
    for _, w in zip(given, u, strict=False):
        for section in range(4):
            w, outer, inner = dut.model(section, w, *states[section], False)
            states[section] = [outer, inner]
            shown = []
            for name, word in ((plan.op.z_inner, inner), (plan.op.z_outer, outer)):
                source, target = plan.program.vector(name).fmt, plan.output_of(name).fmt
                drop = source.frac_bits - target.frac_bits
                rounded = (word + (1 << drop >> 1)) >> drop
                rounded = min(max(rounded, target.min), target.max)
                shown.append(rounded & ((1 << target.width) - 1))
            expected[section].append((shown[0], shown[1]))
        passed.append(w)
    assert seen == expected
    assert chain == passed
    assert len(passed) > 5


@pytest.mark.parametrize("delay", [1, 5])
def test_a_delay_line(delay: int) -> None:
    dut, words = DelayLine(signed(4), delay), list(range(-8, 8))
    got: list[int] = []

    async def bench(ctx: Any) -> None:
        for k, word in enumerate(words):
            ctx.set(dut.i, word)
            if k >= delay:
                got.append(ctx.get(dut.o))
            await ctx.tick()

    simulate(dut, bench)
    assert got == dut.model(words)


def test_columns_with_rows() -> None:
    """Writers write rows of different steps in turn; the reader stalls; nothing is lost."""
    parts = [
        ColumnPart(column=1, low=2, width=3, row=2),
        ColumnPart(column=0, low=0, width=2, row=0),
        ColumnPart(column=0, low=0, width=2, row=1),
        ColumnPart(column=0, low=0, width=2, row=2),
        ColumnPart(column=1, low=0, width=2, row=1),
    ]
    dut = OutputColumns((2, 5), parts, width=4, depth=4, last=1, rows=3, last_row=2)
    rng = np.random.default_rng(3)
    steps = [[int(rng.integers(4 if k < 3 else 32)) for k in range(6)] for _ in range(50)]
    got: list[int] = []
    full = False
    # cycle after the start at which each row of each column is written
    after = {(0, 0): 1, (0, 1): 4, (1, 1): 2, (0, 2): 7, (1, 2): 9}

    async def bench(ctx: Any) -> None:
        nonlocal full
        begun: list[int] = []
        for cycle in range(1200):
            room = bool(ctx.get(dut.room))
            full |= not room
            begin = room and len(begun) < len(steps) and cycle % 4 == 0 and rng.random() < 0.8
            ctx.set(dut.reserve, int(begin))
            if begin:
                begun.append(cycle)
            for column in (0, 1):
                ctx.set(getattr(dut, f"write_{column}"), 0)
                for (of, row), wait in after.items():
                    if of == column and cycle - wait in begun:
                        step = begun.index(cycle - wait)
                        ctx.set(getattr(dut, f"write_{column}"), 1)
                        ctx.set(getattr(dut, f"words_{column}"), steps[step][3 * column + row])
                        ctx.set(getattr(dut, f"place_{column}"), row | step % 4 << 2)
            ready = rng.random() < 0.3
            ctx.set(dut.o.ready, int(ready))
            if ready and ctx.get(dut.o.valid):
                got.append(ctx.get(dut.o.payload))
            await ctx.tick()

    simulate(dut, bench)
    assert got == [dut.model(step) for step in steps]
    assert full
