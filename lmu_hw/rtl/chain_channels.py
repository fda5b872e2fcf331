"""The one or two channels that a chain updates at a time, and the tables of their feeds.

The second channel uses the free cycles 2 and 3 of a window: it does what the first one did two
cycles before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Module, Signal, Value

from .constant_tables import lookup
from .schedule import Feed, Schedule
from .schedule.timing import CHANNEL_OFFSET


@dataclass(frozen=True, slots=True)
class ChainChannel:
    """One of up to two interleaved channels.

    ``feeds`` gives its feed for each feed of the first channel, ``mine`` is set in its cycles.
    """

    prefix: str
    feeds: tuple[Feed, ...]
    mine: Value | None

    def of(self, valid: Value) -> Value:
        """Return ``valid`` in the cycles of this channel."""
        return valid if self.mine is None else valid & self.mine

    def first(
        self, m: Module, plan: Schedule, feed: Value, values: Sequence[int], name: str
    ) -> Value:
        """Return the table entry of this channel where ``feed`` starts."""
        second = self.prefix != ""
        return of_started(m, plan, feed, values, f"{self.prefix}{name}", second=second)


def channels(plan: Schedule, second: Value) -> list[ChainChannel]:
    """Return the channel that uses the chain, or the two interleaved ones.

    Parameters
    ----------
    plan : Schedule
    second : Value
        Set in the cycles of the second channel.
    """
    if not plan.paired:
        return [ChainChannel("", plan.feeds, None)]
    others = tuple(plan.feeds[k + feed.paired] for k, feed in enumerate(plan.feeds))
    return [ChainChannel("", plan.feeds, ~second), ChainChannel("second_", others, second)]


def of_started(
    m: Module,
    plan: Schedule,
    feed: Value,
    values: Sequence[int],
    name: str,
    *,
    second: bool = False,
) -> Value:
    """Return the value of the starting feed; with ``second``, that of its second channel."""
    behind, kept = False, []
    last: int | None = None
    for of, value in zip(plan.feeds, values, strict=True):
        # the second feed of a pair never starts: its entry is a don't-care
        if not behind and (of.paired or not second):
            last = value
        kept.append(value if last is None else last)
        behind = of.paired
    return lookup(m, feed, kept, name)


def chain_of(m: Module, plan: Schedule, feed: Value, name: str) -> Value:
    """Return the index of a feed's chain; feeds without one are don't-cares."""
    return lookup(m, feed, [f.chain or 0 for f in plan.feeds], name)


def later(m: Module, value: Value, name: str, *, reset_less: bool = True) -> Signal:
    """Return a value when the second channel needs it: two cycles later."""
    for stage in range(CHANNEL_OFFSET):
        delayed = Signal.like(value, name=f"{name}_{stage}", reset_less=reset_less)
        m.d.sync += delayed.eq(value)
        value = delayed
    return delayed
