"""Commands of the sequencer: one per cycle, which accompanies the word it reads.

A command starts with its read address and moves with the word through the pipeline stages of
`lmu_hw.rtl.schedule.timing`; each stage decodes the fields it needs.
"""

from __future__ import annotations

from amaranth.lib import enum, wiring
from amaranth.lib.wiring import Out

from .schedule import Kind, Schedule
from .schedule.plan import ACCUMULATES


class Operand(enum.Enum, shape=2):
    """First factor of a lane's product."""

    WORD = 0
    """The word read."""
    HELD = 1
    """The word held from an earlier read."""
    INDEX = 2
    """The argmax index, lane 0 only."""


class Factor(enum.Enum, shape=2):
    """Second factor of a lane's product."""

    WEIGHT = 0
    ONE = 1
    WORD = 2
    """The word read."""


class Command(wiring.Signature):
    """Signature of a command.

    Members
    -------
    row, bank : Out(unsigned)
        Address of the word to read; every bank reads this row.
    across : Out(1)
        Each lane uses the word of its own bank, else all use that of ``bank``.
    multiply : Out(1)
        The lanes accumulate a product.
    swap : Out(1)
        Each lane then swaps its two sums.
    weight : Out(1)
        Fetch the next weights from the ROM.
    operand, factor : Out(Operand), Out(Factor)
        What both factors of the product are.
    minus : Out(1)
        Subtract the product.
    align : Out(unsigned)
        Index of the products' left shift.
    first, last : Out(1)
        The word starts a sum or an argmax; it ends a sum.
    results : Out(unsigned)
        With ``last``: number of lanes with a sum of their own, minus one.
    keep : Out(1)
        The word is the base that the sum of lane ``keep_lane`` is added to.
    keep_lane : Out(unsigned)
        Lane whose base the word is.
    hold, compare, feed, emit : Out(1)
        Hold the word for a product; compare it; send it to a memory; send it to the output.
    job : Out(unsigned)
        Index of the job; with ``feed``, of the feed.
    begins : Out(1)
        First command of its job.
    opens : Out(1)
        With ``last``: first results of the job.
    scale : Out(1)
        Each lane multiplies for a row of its own, if any run does.
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
                **({"scale": Out(1)} if Kind.SCALE in kinds_of(plan) else {}),
            }
        )


EVENTS = ("last", "feed", "emit")
"""Fields that trigger an action; only these are reset, the others are data."""


def kinds_of(plan: Schedule) -> set[Kind]:
    """Return the kinds of run in a schedule."""
    return {run.kind for listing in plan.listings for run in listing.runs}


def aligns(plan: Schedule) -> list[int]:
    """Return all left shifts of products, those that every lane uses first."""
    runs = [run for listing in plan.listings for run in listing.runs]
    index = {run.align for run in runs if run.kind is Kind.INDEX}
    return [*lane_aligns(plan), *sorted(index - {*lane_aligns(plan)})]


def lane_aligns(plan: Schedule) -> list[int]:
    """Return the left shifts that every lane uses; only lane 0 uses that of an index."""
    runs = [run for listing in plan.listings for run in listing.runs]
    kinds = {*ACCUMULATES} - {Kind.INDEX}
    return sorted({run.align for run in runs if run.kind in kinds}) or [0]
