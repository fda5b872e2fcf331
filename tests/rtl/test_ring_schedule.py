"""Slots and coefficients of sections that share multipliers."""

from __future__ import annotations

from itertools import product

import pytest

from lmu_hw.program.integer_program import Adaptor
from lmu_hw.rtl.parallel.coefficient_table import NARROW, WIDE, coefficient_table
from lmu_hw.rtl.parallel.ring_schedule import RingSchedule, Slot, SlotKind

SHAPES = list(product((1, 2, 3, 6, 7, 8, 16, 32, 45), (1, 2, 3, 4, 6, 8, 16), (2, 3, 4, 5, 6)))


def schedule(sections: int, per_unit: int, pipeline: int, last: int = 2) -> RingSchedule:
    """Return a schedule of sections with two adaptors; the last one may have fewer."""
    adaptors = (2,) * (sections - 1) + (last,)
    return RingSchedule(adaptors=adaptors, per_unit=per_unit, pipeline=pipeline)


@pytest.mark.parametrize("last", [1, 2])
def test_every_adaptor_has_a_slot_and_its_words_in_time(last: int) -> None:
    for shape in SHAPES:
        plan = schedule(*shape, last=last)
        n, per_unit, pipeline = shape
        used = [slot for unit in plan.slots for slot in unit if slot.kind is not SlotKind.IDLE]
        # each adaptor once, so no two of them in a slot
        assert len(used) == len(set(used)) == sum(plan.adaptors)
        assert plan.n_units == -(-n // per_unit)
        assert all(len(plan.sections(unit)) <= per_unit for unit in range(plan.n_units))
        assert plan.interval == 2 * max(-(-n // plan.n_units), pipeline)
        for k in range(n):
            at = plan.start(k)
            slots = plan.slots[plan.unit(k)]
            first = SlotKind.OUTER if plan.adaptors[k] == 2 else SlotKind.REAL
            assert slots[at % plan.interval] == Slot(kind=first, section=k)
            # the word of the section before is there, and has waited for a cycle at most
            if k:
                assert plan.start(k - 1) + pipeline <= at <= plan.start(k - 1) + pipeline + 1
            # the states are back for the next step
            assert plan.end(k) <= at + plan.interval
        assert plan.start(n - 1) - (n - 1) * pipeline < plan.half


def test_where_the_words_come_from() -> None:
    """From the own unit at once, or from the unit before; only a new round begins with a wait."""
    for shape in SHAPES:
        plan = schedule(*shape)
        for k in range(1, shape[0]):
            before, here = plan.unit(k - 1), plan.unit(k)
            waits = plan.start(k) - plan.start(k - 1) - shape[2]
            assert waits == (k % plan.round == 0)
            if plan.hands_over(k):
                assert (here, waits) == (before, 0)
            else:
                assert here == (before + 1) % plan.n_units
                assert waits == (here == 0)


def test_six_neighbours_on_a_unit_of_five_registers_never_wait() -> None:
    plan = schedule(32, 6, 5)
    assert (plan.interval, plan.n_units, plan.round) == (12, 6, 36)
    assert plan.end(31) == 32 * 5 + 6
    assert plan.sections(1) == (6, 7, 8, 9, 10, 11)
    # as many registers as sections: each runs on a unit of its own, and a round has a wait
    plan = schedule(32, 6, 6)
    assert plan.sections(1) == (1, 7, 13, 19, 25, 31)
    assert plan.end(31) == 32 * 6 + 5 + 6


def test_two_adaptors_in_a_slot_are_found() -> None:
    class Late(RingSchedule):
        def start(self, section: int) -> int:
            return 6 * section

    with pytest.raises(AssertionError, match="two adaptors in a slot"):
        assert Late(adaptors=(2,) * 6, per_unit=6, pipeline=5).slots


@pytest.mark.parametrize(
    ("adaptors", "shifts"),
    [
        ([Adaptor(5, 3)], (3,)),
        ([Adaptor(5, 3), None, Adaptor(7, 12)], (12,)),
        ([Adaptor(2**15 - 1, 16), Adaptor(2**15 - 1, 18), Adaptor(2**14, 21)], (18, 21)),
        ([Adaptor(2**15 - 1, 16 + k) for k in range(6)], (18, 21)),
        ([Adaptor(2**19 - 1, 19), Adaptor(3, 20)], (19, 20)),
    ],
)
def test_coefficients_keep_their_values(
    adaptors: list[Adaptor | None], shifts: tuple[int, ...]
) -> None:
    table = coefficient_table(adaptors)
    assert table.shifts == shifts
    widest = max(a.coef.bit_length() for a in adaptors if a)
    assert table.width <= (NARROW if len(shifts) == 1 and widest <= NARROW else max(WIDE, widest))
    for given, coef, choice in zip(adaptors, table.coefs, table.choices, strict=True):
        if given is None:
            assert coef == 0
        else:
            assert coef == given.coef << (table.shifts[choice] - given.shift)
