"""The schedule: figures, formulas, memory map, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lmu_hw.errors import ScheduleError
from lmu_hw.fixedpoint import QFormat
from lmu_hw.program import Function, Operation, Program, Role, Term, Vector
from lmu_hw.schedule import issue_order, schedule
from tests.networks import NETWORKS
from tests.programs import (
    PROGRAMS,
    cascade_program,
    copy,
    dense_program,
    linear,
    with_vectors,
)
from tests.rtl.bench import ALL, network


@pytest.mark.parametrize("name", ALL)
def test_formula_phases_and_map_agree(name: str) -> None:
    program = ALL[name]
    plan = schedule(program)
    n_coefs = sum(program.multiplies(op) // program.channels(op) for op in program.ops)
    formula, _, total = plan.cycle_formula.rpartition(" = ")
    assert eval(formula) == int(total) == plan.cycles_per_step
    start = plan.n_in
    for phase in plan.phases:
        assert phase.start == start
        assert eval(phase.cycles) == phase.length
        start += phase.length
    assert start == plan.cycles_per_step
    used = [a for r in plan.regions for a in range(r.base, r.base + r.banks * r.length)]
    assert used == list(range(len(used)))
    assert len(plan.coefs) == max(1, n_coefs)


def test_figures_of_a_memory_of_64() -> None:
    state = schedule(cascade_program(sections="p" * 32))
    assert state.cycle_formula == "1 + (5 * 32 + 14) + 32 + 32 = 239"
    readout = schedule(cascade_program(sections="p" * 32, readout=64))
    assert readout.cycle_formula == "1 + (5 * 32 + 14) + 64 * 64 = 4271"
    assert schedule(dense_program(order=64)).cycle_formula == "1 + (64 * 64 + 11) + 64 = 4172"


def test_linear_rows_keep_the_multiplier_busy() -> None:
    plan = schedule(cascade_program(sections="p" * 16, readout=32))
    program = cascade_program(sections="p" * 16, readout=32)
    assert plan.cycles_per_step <= 1.05 * program.multiplies(program.ops[1]) + 5 * 16 + 20


def test_coefficients_come_in_issue_order() -> None:
    (op, *_) = PROGRAMS["mixed"].ops
    plan = schedule(PROGRAMS["mixed"])
    assert plan.coefs == tuple(a.coef for a in issue_order(op))
    sections = op.sections
    assert plan.coefs[:3] == (sections[0][0].coef, sections[1][0].coef, sections[0][1].coef)


def test_outputs_in_another_order_are_copied_at_the_end() -> None:
    plan = schedule(network())
    assert [p.name for p in plan.phases[-3:]] == ["copy_y", "copy_copy", "copy_positive"]
    assert [p.to_stream for p in plan.phases].count(True) == 3


def test_only_vectors_read_while_written_have_two_banks() -> None:
    banks = {r.name: r.banks for r in schedule(network()).regions}
    assert [name for name, n in banks.items() if n == 2] == ["h"]
    assert {r.name: r.banks for r in schedule(PROGRAMS["dense"]).regions}["m"] == 2


def one_vector(op: Operation, *, every: int = 1, function: Function | None = None) -> Program:
    """Return a program of one operation from x to y, both of three words."""
    if function is not None:
        op = replace(op, function=function)
    fmt = QFormat(1, 7)
    return Program(
        title="one",
        vectors=(
            Vector(name="x", length=3, role=Role.INPUT, fmt=fmt),
            Vector(name="y", length=3, role=Role.OUTPUT, fmt=fmt),
        ),
        ops=(op,),
        output_every=every,
    )


ROWS = linear(sources=("x",), target="y", rows=((1, 2, 3),) * 3, shifts=(3,) * 3)
TANH = Function(name="tanh", in_fmt=QFormat(1, 7), pieces=((3, 4),), shifts=(2,), guard=0)
LMU = NETWORKS["lmu"]
LABEL = replace(
    LMU,
    ops=(replace(copy("x", "x3"), target="x3"), replace(LMU.ops[4], source="x3")),
    vectors=(
        LMU.vector("x"),
        replace(LMU.vector("x"), name="x3", role=Role.INTERNAL),
        LMU.vector("label"),
    ),
)

NOT_YET: dict[str, tuple[Program, str]] = {
    "function of rows": (
        one_vector(ROWS, function=TANH),
        "hardware cannot yet run an activation",
    ),
    "function of a copy": (
        one_vector(copy("x", "y"), function=TANH),
        "hardware cannot yet run an activation",
    ),
    "aligns": (
        one_vector(replace(ROWS, aligns=(1,))),
        "hardware cannot yet run rows with aligns or multipliers",
    ),
    "a multiplier": (
        one_vector(replace(ROWS, multipliers=(1, 1, 2))),
        "hardware cannot yet run rows with aligns or multipliers",
    ),
    "a product": (
        one_vector(replace(copy("x", "y"), terms=(Term("x", "x"),))),
        "hardware cannot yet run sums or products of vectors",
    ),
    "a sum": (
        one_vector(replace(copy("x", "y"), terms=(Term("x"), Term("x")))),
        "hardware cannot yet run sums or products of vectors",
    ),
    "a change of sign": (
        one_vector(replace(copy("x", "y"), terms=(Term("x", minus=True),))),
        "hardware cannot yet run sums or products of vectors",
    ),
    "argmax": (LABEL, "hardware cannot yet run an argmax"),
    "outputs on demand": (
        one_vector(ROWS, every=0),
        "hardware cannot yet leave out outputs: ask for one at every step",
    ),
    "outputs now and then": (
        replace(
            PROGRAMS["mixed"],
            output_every=12,
            clock="beat",
            vectors=(
                *PROGRAMS["mixed"].vectors,
                Vector(name="beat", length=1, role=Role.STATE, fmt=QFormat(4, 0, signed=False)),
            ),
        ),
        "hardware cannot yet leave out outputs: ask for one at every step",
    ),
}


@pytest.mark.parametrize(("program", "text"), NOT_YET.values(), ids=NOT_YET)
def test_what_hardware_cannot_run_yet(program: Program, text: str) -> None:
    with pytest.raises(ScheduleError, match=rf"\A{text}\Z"):
        schedule(program)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_refused_in_one_line(name: str) -> None:
    with pytest.raises(ScheduleError) as error:
        schedule(NETWORKS[name])
    assert "\n" not in str(error.value)


def test_plain_rows_and_copies_are_scheduled() -> None:
    """Each is what a refused program above would be without what it is refused for."""
    assert [p.kind for p in schedule(one_vector(ROWS)).phases] == ["linear"]
    assert [p.kind for p in schedule(one_vector(copy("x", "y"))).phases] == ["copy"]


def test_programs_that_hardware_cannot_run() -> None:
    program = PROGRAMS["dense"]
    u, *rest = program.vectors
    with pytest.raises(ScheduleError, match=r"at most one cascade or dense memory.* not 2"):
        schedule(replace(program, ops=(program.ops[0], *program.ops)))
    with pytest.raises(ScheduleError, match=r"must have an output vector for hardware\Z"):
        schedule(with_vectors(program, y_m={"role": Role.STATE}))
    with pytest.raises(ScheduleError, match=r"must have an input vector for hardware\Z"):
        schedule(with_vectors(program, u={"role": Role.STATE}))
    unwritten = replace(u, name="x", role=Role.STATE)
    with pytest.raises(ScheduleError, match=r"no operation writes the vector x: remove it\Z"):
        schedule(
            replace(
                program,
                vectors=(u, unwritten, *rest),
                ops=(replace(program.ops[0], source="x"), *program.ops[1:]),
            )
        )
    h = Vector(name="h", length=2, role=Role.STATE, fmt=QFormat(1, 7))
    rows = linear(sources=("h",), target="h", rows=((1, 2), (3, 4)), shifts=(3, 3))
    with pytest.raises(ScheduleError, match=r"h must be written once a step, .* not 2 times\Z"):
        schedule(replace(program, vectors=(*program.vectors, h), ops=(*program.ops, rows, rows)))
