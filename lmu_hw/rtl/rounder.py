"""From an exact sum to a word: the only place in the hardware where bits are lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fixedpoint import Overflow, QFormat, Rounding, overflow, round_sum
from .tables import lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What a word is formed to: bits to drop after the shift, and its ends."""

    drop: int = 0
    low: int
    high: int

    @classmethod
    def of(cls, fmt: QFormat, drop: int = 0) -> Range:
        """Return the range of a format."""
        return cls(drop=drop, low=fmt.min, high=fmt.max)


class Rounder(wiring.Component):
    """Adds a base to a shifted sum, rounds the total, saturates it.

    Computes ``base * 2**-drop + x * 2**-(shift + drop)`` from ``x`` as the `Shifter` left it.
    Rounding to nearest adds half a unit before the bits are dropped, and rounding toward zero adds
    almost a whole unit when the total is negative; what is added is a constant of the result, but
    for one carry, so it is added to the base while the shifter still works.

    Parameters
    ----------
    results : sequence of Range
        What ``result`` selects from.
    base_width, quotient_width, word_width : int
        Widths [bits].

    Members
    -------
    result : In(range(len(results)))
    silent : In(1)
        Round toward zero, else to nearest, half up.
    base : In(signed(base_width))
    quotient : In(signed(quotient_width))
        ``x >> shift``, one cycle after ``base``.
    half, rest : In(1)
        Highest of the bits shifted out, and whether any of them is set; with ``quotient``.
    word : Out(signed(word_width))
        Combinational from ``quotient``.

    Latency: 1 cycle from base, 0 from quotient.
    Throughput: one word a cycle.

    Schedule:

    - shift: base, and base + constant, to registers.
    - round: two sums side by side, the right one chosen by sign, limited to its range.
    """

    latency = 1

    def __init__(
        self, results: Sequence[Range], base_width: int, quotient_width: int, word_width: int
    ) -> None:
        self.results = tuple(results)
        super().__init__(
            {
                "result": In(range(len(self.results))),
                "silent": In(1),
                "base": In(signed(base_width)),
                "quotient": In(signed(quotient_width)),
                "half": In(1),
                "rest": In(1),
                "word": Out(signed(word_width)),
            }
        )

    def model(self, result: int, silent: bool, base: int, x: int, shift: int) -> int:
        """Return the word."""
        entry = self.results[result]
        rest = ((base & ((1 << entry.drop) - 1)) << shift) + x
        rounding = Rounding.TRN_ZERO if silent else Rounding.RND
        total = round_sum(base >> entry.drop, rest, shift + entry.drop, rounding)
        return overflow(total, _range_format(entry), Overflow.SAT)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        # a bit at least is left when bits are dropped
        drop = max(entry.drop for entry in self.results)
        width = max(len(self.base), len(self.quotient), drop) + 1
        drops = [entry.drop for entry in self.results]
        nearest = lookup(m, self.result, [(1 << drop) >> 1 for drop in drops], "nearest")
        toward_zero = lookup(m, self.result, [(1 << drop) - 1 for drop in drops], "toward_zero")
        exact = lookup(m, self.result, [int(drop == 0) for drop in drops], "exact")

        late_result = Signal.like(self.result, reset_less=True)
        late_silent = Signal(reset_less=True)
        half_counts = Signal(reset_less=True)
        late_base = Signal(signed(len(self.base)), reset_less=True)
        raised_base = Signal(signed(len(self.base) + 1), reset_less=True)
        m.d.sync += [
            late_result.eq(self.result),
            late_silent.eq(self.silent),
            half_counts.eq(exact),
            late_base.eq(self.base),
            raised_base.eq(self.base + Mux(self.silent, toward_zero, nearest)),
        ]

        # without a drop the half bit rounds; toward zero any bit lost on the way counts
        carry = Signal()
        plain = Signal(signed(width))
        raised = Signal(signed(width + 1))
        # the carry enters below the lowest bit, so one adder is enough
        with_carry = Signal(signed(width + 2))
        right = Cat(carry, self.quotient).as_signed()
        total = Signal(signed(width + 1))
        m.d.comb += [
            carry.eq(Mux(late_silent, self.rest, half_counts & self.half)),
            plain.eq(late_base + self.quotient),
            with_carry.eq(Cat(Const(1, 1), raised_base).as_signed() + right),
            raised.eq(with_carry >> 1),
            total.eq(Mux(late_silent & ~plain[-1], plain, raised)),
        ]
        with m.Switch(late_result):
            for index, entry in enumerate(self.results):
                # a word fits when all bits above it equal its sign
                bits = _range_format(entry).width
                above = total[entry.drop + bits - (entry.low < 0) :]
                fits = Signal(name=f"fits_{index}")
                m.d.comb += fits.eq((above == 0) | (above.all() if entry.low < 0 else 0))
                word = total[entry.drop : entry.drop + bits]
                with m.Case(index):
                    with m.If(fits):
                        m.d.comb += self.word.eq(word.as_signed() if entry.low < 0 else word)
                    with m.Elif(total[-1]):
                        m.d.comb += self.word.eq(entry.low)
                    with m.Else():
                        m.d.comb += self.word.eq(entry.high)
        return m


def _range_format(entry: Range) -> QFormat:
    return QFormat((entry.high - entry.low).bit_length(), 0, signed=entry.low < 0)
