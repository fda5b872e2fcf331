"""The schedule: figures, formulas, memory map, and what it refuses."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lmu_hw.errors import ScheduleError
from lmu_hw.program.fixedpoint import QFormat
from lmu_hw.program.integer_program import Program, Role, Vector
from lmu_hw.rtl.schedule import BufferHalf, Kind, schedule, walk, why_not
from tests.factories.hardware_programs import ALL, network
from tests.factories.network_programs import NETWORKS, Builder
from tests.factories.programs import (
    PROGRAMS,
    cascade_program,
    copy,
    dense_program,
    linear,
    with_vectors,
)


@pytest.mark.some(67)
@pytest.mark.parametrize("lanes", [1, 2, 3, 8, 64])
@pytest.mark.parametrize("name", ALL)
def test_formula_phases_and_map_agree(name: str, lanes: int) -> None:
    program = ALL[name]
    plan = schedule(program, lanes)
    for listing in plan.listings:
        formula, _, total = listing.formula.rpartition(" = ")
        assert eval(formula) == int(total) == listing.cycles
        start = 0
        for phase in listing.phases:
            assert phase.start == start
            assert eval(phase.formula) == phase.length
            start += phase.length
        assert plan.n_in + start == listing.cycles
        assert sum(1 for _ in walk(listing.runs)) == start
        assert [run.end for run in listing.runs] == [False] * (len(listing.runs) - 1) + [True]
    assert plan.quiet.cycles <= plan.due.cycles


@pytest.mark.some(41)
@pytest.mark.parametrize("lanes", [1, 3, 4])
@pytest.mark.parametrize("name", ALL)
def test_vectors_do_not_share_rows(name: str, lanes: int) -> None:
    program = ALL[name]
    plan = schedule(program, lanes)
    lengths = {v.name: v.length for v in program.vectors} | {
        f"{v.name}.rounded": 4 for v in program.vectors
    }
    used: dict[int, str] = {}
    for (vector, _), place in plan.places.items():
        copies = {
            BufferHalf.ONLY: (0,),
            BufferHalf.OLD: (0, plan.half_rows),
            BufferHalf.NEW: (0, plan.half_rows),
        }
        for offset in copies[place.half]:
            for row in range(-(-lengths[vector] // lanes)):
                assert used.setdefault(place.row + offset + row, vector) == vector
    assert max(used) < plan.rows


@pytest.mark.some(62)
@pytest.mark.parametrize("lanes", [1, 2, 4, 8])
@pytest.mark.parametrize("name", ALL)
def test_every_weight_is_used_once_a_channel(name: str, lanes: int) -> None:
    program = ALL[name]
    plan = schedule(program, lanes)
    weighted = (Kind.ROWS, Kind.COLUMNS, Kind.SCALE)
    n = sum(1 for c in walk(plan.due.runs) if c.run.kind in weighted)
    assert n >= len(plan.weights)
    if all(program.channels(op) == 1 for op in program.ops):
        assert n == len(plan.weights)


def test_figures_of_a_memory_of_64() -> None:
    state = schedule(cascade_program(sections="p" * 32))
    assert state.cycles_per_step == 179
    readout = schedule(cascade_program(sections="p" * 32, readout=64))
    assert readout.cycles_per_step == 4118
    assert schedule(dense_program(order=64)).cycles_per_step == 4226


@pytest.mark.parametrize("lanes", [1, 2, 3, 4, 8, 16])
@pytest.mark.parametrize("shape", [(16, 16), (19, 37), (64, 129), (100, 61)])
def test_rows_take_little_more_than_the_lanes_must(shape: tuple[int, int], lanes: int) -> None:
    n_rows, n_columns = shape
    vectors = (
        Vector(name="x", length=n_columns, fmt=QFormat(1, 7), role=Role.INPUT),
        Vector(name="y", length=n_rows, fmt=QFormat(1, 7), role=Role.OUTPUT),
    )
    op = linear(sources=("x",), target="y", rows=((1,) * n_columns,) * n_rows, shifts=(2,) * n_rows)
    plan = schedule(Program(title="layer", vectors=vectors, ops=(op,)), lanes)
    cycles = plan.cycles_per_step - plan.n_in
    full, left = divmod(n_rows, lanes)
    assert cycles <= full * n_columns + left * max(-(-n_columns // lanes), 5) + 16
    if left == 0 or lanes <= 8:
        assert cycles <= 1.05 * n_rows * n_columns / lanes + 16


def lmu(order: int, n: int) -> Program:
    """Return an LMU with a recurrent hidden layer, as large as asked for."""
    b = Builder(0)
    b.add("x", 1, Role.INPUT, QFormat(1, 9))
    b.add("u", 1, Role.INTERNAL, QFormat(3, 7))
    b.add("h", n, Role.STATE, QFormat(1, 11))
    b.add("y", 10, Role.OUTPUT, QFormat(4, 6))
    memory = ("z_outer", "z_inner")
    pairs = order // 2
    for name in memory:
        b.add(name, pairs, Role.STATE, QFormat(5, 11))
    b.affine(("x", "h", *memory), "u")
    b.vectors = [v for v in b.vectors if v.name not in memory]
    b.cascade("u", "", 1, "p" * pairs)
    activation = b.function(QFormat(3, 9), 2, 5, 1 << 11)
    b.affine((*memory, "x", "h"), "h", function=activation)
    b.affine(("h",), "y")
    return b.program("LMU")


@pytest.mark.parametrize("lanes", [1, 2, 3, 4, 8])
def test_networks_take_little_more_than_the_lanes_must(lanes: int) -> None:
    program = lmu(64, 64)
    least = program.multiplies_per_step / lanes
    assert schedule(program, lanes).cycles_per_step <= 1.05 * least + 16 * len(program.ops)


def test_a_network_of_64_keeps_one_lane_busy() -> None:
    program = lmu(64, 64)
    multiplies = sum(program.multiplies(op) for op in program.ops if op.kind == "linear")
    assert multiplies >= 0.95 * schedule(program).cycles_per_step


def test_the_size_of_sequential_mnist_on_eight_lanes() -> None:
    plan = schedule(lmu(256, 212), 8)
    assert plan.cycles_per_step <= 13_200


def test_results_come_slower_where_it_costs_nothing() -> None:
    assert schedule(lmu(64, 64)).interval == 16
    assert schedule(lmu(64, 64), 64).interval < 16
    assert schedule(PROGRAMS["mixed"]).interval == 1


def test_outputs_in_another_order_are_emitted_at_the_end() -> None:
    plan = schedule(network())
    names = [p.name for p in plan.due.phases if p.name != "drain"]
    assert names[-3:] == ["emit_y", "emit_copy", "emit_positive"]
    assert not any(job.to_stream for job in plan.jobs)


def test_only_vectors_read_while_written_have_two_places() -> None:
    def doubled(program: Program) -> set[str]:
        return {
            name for (name, _), p in schedule(program).places.items() if p.half is BufferHalf.OLD
        }

    assert doubled(network()) == {"h"}
    assert doubled(PROGRAMS["dense"]) == {"m"}
    assert not doubled(PROGRAMS["readout"])


def test_lanes_read_the_states_of_a_chain_as_its_copies() -> None:
    plan = schedule(PROGRAMS["mixed"])
    assert {name for name, _ in plan.places} == {"u", "y_z_outer", "y_z_inner"}
    assert not plan.jobs


def test_lazy_operations_are_left_out_of_quiet_steps() -> None:
    plan = schedule(NETWORKS["lmu_every_3"])
    named = {listing is plan.quiet: {p.name for p in listing.phases} for listing in plan.listings}
    assert {"linear_3", "argmax_4"} == named[False] - named[True] - {"drain"}


REFUSED = {
    "no output": (
        with_vectors(PROGRAMS["dense"], y_m={"role": Role.STATE}),
        "hardware needs a program with an output vector",
    ),
    "no input": (
        with_vectors(PROGRAMS["dense"], u={"role": Role.STATE}),
        "hardware needs a program with an input vector",
    ),
    "two writers": (
        replace(
            PROGRAMS["reals"],
            ops=(
                linear(sources=("u",), target="z_inner", rows=((1,),) * 3, shifts=(0,) * 3),
                *PROGRAMS["reals"].ops,
            ),
        ),
        "in hardware only one operation may write z_inner",
    ),
    "silence read": (
        replace(
            PROGRAMS["dense_one"],
            ops=(*PROGRAMS["dense_one"].ops, copy("silence", "y_m")),
        ),
        "in hardware only one operation may read silence",
    ),
    "clock read": (
        replace(
            NETWORKS["lmu_every_3"],
            vectors=(
                *NETWORKS["lmu_every_3"].vectors,
                Vector(name="t", length=1, fmt=QFormat(4, 0), role=Role.OUTPUT),
            ),
            ops=(*NETWORKS["lmu_every_3"].ops, copy("clock", "t")),
        ),
        "in hardware no operation may read the clock 'clock'",
    ),
}


@pytest.mark.parametrize(("program", "text"), REFUSED.values(), ids=REFUSED)
def test_what_hardware_cannot_run(program: Program, text: str) -> None:
    assert why_not(program) == text
    with pytest.raises(ScheduleError, match=rf"\A{re.escape(text)}\Z"):
        schedule(program)


@pytest.mark.parametrize("name", ALL)
def test_nothing_else_is_refused(name: str) -> None:
    assert why_not(ALL[name]) is None
