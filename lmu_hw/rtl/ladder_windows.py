"""Order of a ladder's multiplications, and the addresses of its states."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .constant_tables import lookup
from .lane_widths import depth_to_clear
from .ports import keep_on_reset
from .schedule import Feed, LadderPlan, Schedule
from .schedule.timing import WINDOW

LAST = WINDOW - 1
"""Last cycle of a window: it loads the operands of the next one."""
MIRRORS = 2
"""Cycles from the decision to write a state to the write of its mirror."""


class Move(enum.Enum, shape=3):
    """What a window multiplies."""

    REST = 0
    TURN = 1
    """Nothing: the wave at the right end is zero."""
    LEFT = 2
    """An odd section, after passing the even one to its right."""
    SOURCE = 3
    """The reflection at the source, after passing section 0."""
    RIGHT = 4
    """An even section, after passing the odd one to its left."""


class LadderWindows(wiring.Component):
    """Steps through the windows of a ladder.

    Parameters
    ----------
    plan : Schedule
        Must have at least one ladder.

    Members
    -------
    feed, valid : In
        Start the memory of ``feed``, if it is a ladder.
    fed : Out(1)
        A ladder starts.
    phase : Out(range(4))
        Cycle of the window.
    current, coming : Out(Move)
        This window and the next one.
    pair, current_pair : Out(unsigned)
        Sections of the next window and of this one: pair k is section 2 k - 1 and section 2 k.
    number : Out(unsigned)
        Index of the ladder.
    starting, last : Out(1)
        The window before the first one of a step; the last substep.
    coefficient : Out(unsigned)
        Address in the section ROM of the coefficient of the next window.
    read_address : Out(unsigned)
        State to read for the next window: the even one of the pair in the second cycle and the odd
        one in the third, or the even one on the way right. With ``fed``: the previous input.
    write, write_address : Out
        Write a new state.
    write_input : Out(1)
        Write the input to ``write_address`` instead.

    Latency: a window from ``valid`` to the first product.
    Throughput: d + 1 products in d + 2 windows of 4 cycles, for each substep.

    Schedule: odd sections from right to left, the source, even sections from left to right, and a
    window to turn, in which the last state is written before the next substep reads it.
    """

    def __init__(self, plan: Schedule) -> None:
        self.plan, self.ladders = plan, plan.ladders
        feeds = [f for f in plan.feeds if f.ladder is not None]
        self.depth = max(2, sum(f.states for f in feeds))
        self.interpolates = any(k.substeps > 1 for k in self.ladders)
        pair = range(max(k.order for k in self.ladders) // 2 + 2)
        coefficients = max(2, sum(len(k.coefs) for k in self.ladders))
        super().__init__(
            {
                "feed": In(range(len(plan.feeds))),
                "valid": In(1),
                "fed": Out(1),
                "phase": Out(range(WINDOW)),
                "current": Out(Move),
                "coming": Out(Move),
                "pair": Out(pair),
                "current_pair": Out(pair),
                "number": Out(range(len(self.ladders))),
                "starting": Out(1),
                "last": Out(1),
                "coefficient": Out(ceil_log2(coefficients)),
                "read_address": Out(ceil_log2(self.depth)),
                "write": Out(1),
                "write_address": Out(ceil_log2(self.depth)),
                "write_input": Out(1),
            }
        )
        # `starting` comes with a turn, and is read in turns alone
        keep_on_reset(self, "phase", "pair", "current_pair", "number", "starting", "coefficient")
        # a reset clears the states for longer than a write of before is under way
        self.clears = depth_to_clear(plan) > MIRRORS
        if self.clears:
            keep_on_reset(self, "write")

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        substeps = max(k.substeps for k in self.ladders)
        # substeps that follow this one
        left = Signal(range(substeps), reset_less=True)
        feed = Signal.like(self.feed, name="fed_feed", reset_less=True)
        is_ladder = [int(f.ladder is not None) for f in self.plan.feeds]
        m.d.comb += [
            self.fed.eq(self.valid & lookup(m, self.feed, is_ladder, "is_ladder")),
            self.last.eq(left == 0),
        ]
        m.d.sync += self.phase.eq(self.phase + 1)
        with m.If(self.phase == LAST):
            m.d.sync += [
                self.current.eq(self.coming),
                self.current_pair.eq(self.pair),
                self.starting.eq(0),
            ]
            with m.If((self.current == Move.TURN) & ~self.starting):
                m.d.sync += left.eq(left - 1)
            self._next(m)
        number = self._of_feed(m, self.feed, lambda f: f.ladder or 0, "fed_number")
        with m.If(self.fed):
            pair, move = self._begin(m, number, "fed")
            m.d.sync += [
                self.phase.eq(1),
                self.current.eq(Move.TURN),
                self.coming.eq(move),
                self.pair.eq(pair),
                self.number.eq(number),
                self.starting.eq(1),
                feed.eq(self.feed),
                left.eq(lookup(m, number, [k.substeps - 1 for k in self.ladders], "substeps")),
            ]
        with m.If(self.phase == 1):
            with m.If(self.current == Move.TURN):
                first = self.of_ladder(m, lambda k: k.first_section, "first_section")
                m.d.sync += self.coefficient.eq(first)
            with m.Elif(self.current != Move.REST):
                m.d.sync += self.coefficient.eq(self.coefficient + 1)
        self._addresses(m, feed)
        return m

    def of_ladder(self, m: Module, what: Callable[[LadderPlan], int], name: str) -> Value:
        """Return a constant of the ladder that runs."""
        return lookup(m, self.number, [what(k) for k in self.ladders], name)

    def _of_feed(self, m: Module, feed: Value, what: Callable[[Feed], int], name: str) -> Value:
        """Return a constant of a feed; those that start no ladder are don't-cares."""
        (some, *_) = (f for f in self.plan.feeds if f.ladder is not None)
        values = [what(some if f.ladder is None else f) for f in self.plan.feeds]
        return lookup(m, feed, values, name)

    def _begin(self, m: Module, number: Value, name: str) -> tuple[Value, Value]:
        """Return the first pair of a ladder, and the first window."""
        pair = lookup(m, number, [k.order // 2 for k in self.ladders], f"{name}_pair")
        return pair, Mux(pair == 0, Move.SOURCE, Move.LEFT)

    def _next(self, m: Module) -> None:
        """Choose the window after the next one."""
        evens = self.of_ladder(m, lambda k: (k.order + 1) // 2, "evens")
        with m.Switch(self.coming):
            with m.Case(Move.TURN):
                m.d.sync += self.coming.eq(Move.REST)
                if self.interpolates:
                    pair, move = self._begin(m, self.number, "turned")
                    m.d.sync += self.pair.eq(pair)
                    with m.If(~self.last):
                        m.d.sync += self.coming.eq(move)
            with m.Case(Move.LEFT):
                m.d.sync += self.pair.eq(self.pair - 1)
                with m.If(self.pair == 1):
                    m.d.sync += self.coming.eq(Move.SOURCE)
            with m.Case(Move.SOURCE):
                m.d.sync += self.coming.eq(Move.RIGHT)
            with m.Case(Move.RIGHT):
                m.d.sync += self.pair.eq(self.pair + 1)
                with m.If(self.pair == evens - 1):
                    m.d.sync += self.coming.eq(Move.TURN)

    def _addresses(self, m: Module, feed: Value) -> None:
        """Address the states to read, and write the new ones in order."""
        first = self._of_feed(m, feed, lambda f: f.waves, "first_state")
        odd = (self.phase == 2) & (self.coming != Move.RIGHT)
        m.d.comb += self.read_address.eq(first + (self.pair << 1) - odd)
        # the odd section that the wave passes first in the next window has a new state
        passes_odd = Signal(reset_less=self.clears)
        odd_order = self.of_ladder(m, lambda k: k.order % 2, "odd_order")
        target = Signal.like(self.write_address, name="target", reset_less=True)
        right = self.current == Move.RIGHT
        last_cycle = self.phase == LAST
        m.d.sync += self.write.eq((last_cycle & right) | ((self.phase == 0) & passes_odd))
        m.d.sync += passes_odd.eq(right & ~((self.coming == Move.TURN) & odd_order))
        with m.If(self.write):
            m.d.sync += target.eq(target + 1)
        with m.If(self.current == Move.SOURCE):
            m.d.sync += target.eq(first)
        m.d.comb += self.write_address.eq(target)
        if self.interpolates:
            before = self._of_feed(m, self.feed, lambda f: f.previous, "read_previous")
            after = self._of_feed(m, feed, lambda f: f.previous, "write_previous")
            has = self.of_ladder(m, lambda k: int(k.substeps > 1), "interpolates")
            begins = self.starting & (self.current == Move.TURN)
            m.d.comb += self.write_input.eq(begins & last_cycle & has)
            with m.If(self.fed):
                m.d.comb += self.read_address.eq(before)
            with m.If(self.write_input):
                m.d.comb += self.write_address.eq(after)
        else:
            m.d.comb += self.write_input.eq(Const(0))
