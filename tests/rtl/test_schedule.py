"""The schedule: figures, formulas, memory map, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lmu_hw.errors import ScheduleError
from lmu_hw.program import Program, Role
from lmu_hw.schedule import issue_order, schedule
from tests.programs import PROGRAMS, cascade_program, dense_program
from tests.rtl.bench import ALL, network


@pytest.mark.parametrize("name", ALL)
def test_formula_phases_and_map_agree(name: str) -> None:
    plan = schedule(ALL[name])
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
    assert len(plan.coefs) == max(1, sum(op.multiplies for op in ALL[name].ops))


def test_figures_of_a_memory_of_64() -> None:
    state = schedule(cascade_program(sections="p" * 32))
    assert state.cycle_formula == "1 + (5 * 32 + 14) + 32 + 32 = 239"
    readout = schedule(cascade_program(sections="p" * 32, readout=64))
    assert readout.cycle_formula == "1 + (5 * 32 + 14) + 64 * 64 = 4271"
    assert schedule(dense_program(order=64)).cycle_formula == "1 + (64 * 64 + 11) + 64 = 4172"


def test_linear_rows_keep_the_multiplier_busy() -> None:
    plan = schedule(cascade_program(sections="p" * 16, readout=32))
    program = cascade_program(sections="p" * 16, readout=32)
    assert plan.cycles_per_step <= 1.05 * program.ops[1].multiplies + 5 * 16 + 20


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


def without(program: Program, role: Role) -> Program:
    """Return the program with the vectors of a role made state."""
    changed = tuple(replace(v, role=Role.STATE) if v.role is role else v for v in program.vectors)
    return replace(program, vectors=changed)


def test_programs_that_hardware_cannot_run() -> None:
    program = PROGRAMS["dense"]
    with pytest.raises(ScheduleError, match=r"at most one cascade or dense memory.* not 2"):
        schedule(replace(program, ops=(program.ops[0], *program.ops)))
    with pytest.raises(ScheduleError, match="must have an output vector"):
        schedule(without(program, Role.OUTPUT))
    with pytest.raises(ScheduleError, match="must have an input vector"):
        schedule(without(program, Role.INPUT))
    with pytest.raises(ScheduleError, match="no operation writes the vector y_m"):
        schedule(replace(program, ops=program.ops[:1]))
    back = replace(program.ops[1], source="y_m", target="u")
    with pytest.raises(ScheduleError, match="writes the input vector u"):
        schedule(replace(PROGRAMS["dense_one"], ops=(*PROGRAMS["dense_one"].ops, back)))
