"""What the sequencer tells the rest: one command a cycle, beside the word that is read for it.

A command enters with its address and travels beside its word through the stages of
`lmu_hw.rtl.schedule.timing`; each stage looks at the fields that concern it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import Out

from .schedule import Kind, Schedule
from .schedule.plan import ACCUMULATES


class Operand(enum.Enum, shape=2):
    """What a lane multiplies."""

    WORD = 0
    """The word that was read."""
    HELD = 1
    """The word that was read before."""
    INDEX = 2
    """The index of the largest word, for lane 0."""


class Factor(enum.Enum, shape=2):
    """What a lane multiplies with."""

    WEIGHT = 0
    ONE = 1
    WORD = 2
    """The word that was read."""


class Command(wiring.Signature):
    """One command, as a bundle of wires.

    Members
    -------
    row, bank : Out(unsigned)
        The word to read; every bank reads this row.
    across : Out(1)
        Every lane takes the word of its own bank.
    multiply : Out(1)
        The lanes accumulate.
    swap : Out(1)
        Then their two sums change places.
    weight : Out(1)
        Weights come from the ROM.
    operand, factor : Out(Operand), Out(Factor)
    minus : Out(1)
        Subtract.
    align : Out(unsigned)
        Number of the left shift of the products.
    first, last : Out(1)
        The word begins a sum, or a search; it ends a sum.
    results : Out(unsigned)
        With ``last``: lanes that hold a sum of their own, less one.
    keep : Out(1)
        The word is what the sum of lane ``keep_lane`` is added to.
    keep_lane : Out(unsigned)
    hold, compare, feed, emit : Out(1)
        What else is done with the word.
    job : Out(unsigned)
    begins : Out(1)
        First command of its job.
    opens : Out(1)
        With ``last``: first results of the job.
    """

    def __init__(self, plan: Schedule) -> None:
        lanes = range(plan.lanes)
        numbers = max(len(plan.jobs), len(plan.feeds), 1)
        super().__init__(
            {
                "row": Out(range(plan.rows)),
                "bank": Out(lanes),
                "across": Out(1),
                "multiply": Out(1),
                "swap": Out(1),
                "weight": Out(1),
                "operand": Out(Operand),
                "factor": Out(Factor),
                "minus": Out(1),
                "align": Out(range(len(aligns(plan)))),
                "first": Out(1),
                "last": Out(1),
                "results": Out(lanes),
                "keep": Out(1),
                "keep_lane": Out(lanes),
                "hold": Out(1),
                "compare": Out(1),
                "feed": Out(1),
                "emit": Out(1),
                "job": Out(range(numbers)),
                "begins": Out(1),
                "opens": Out(1),
            }
        )


EVENTS = ("last", "feed", "emit")
"""Fields that start something: only these need a reset, the others set words that are set again."""


def kinds_of(plan: Schedule) -> set[Kind]:
    """Return what the runs of a schedule do."""
    return {run.kind for listing in plan.listings for run in listing.runs}


def aligns(plan: Schedule) -> list[int]:
    """Return every left shift of products, those of all lanes first."""
    runs = [run for listing in plan.listings for run in listing.runs]
    index = {run.align for run in runs if run.kind is Kind.INDEX}
    return [*lane_aligns(plan), *sorted(index - {*lane_aligns(plan)})]


def lane_aligns(plan: Schedule) -> list[int]:
    """Return the left shifts of the products of all lanes; an index goes to lane 0 alone."""
    runs = [run for listing in plan.listings for run in listing.runs]
    kinds = {*ACCUMULATES} - {Kind.INDEX}
    return sorted({run.align for run in runs if run.kind in kinds}) or [0]


def delayed(m: Module, command: Any, stage: str) -> SimpleNamespace:
    """Return the command one cycle later, in registers named after a stage."""
    later = SimpleNamespace()
    for name, member in command.signature.members.items():
        register = Signal(member.shape, name=f"{stage}_{name}", reset_less=name not in EVENTS)
        m.d.sync += register.eq(getattr(command, name))
        setattr(later, name, register)
    later.signature = command.signature
    return later
