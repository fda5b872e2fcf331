"""Rounding and saturation of exact sums: the only place in the hardware where bits are lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.fixedpoint import Overflow, QFormat, Rounding, overflow, round_sum
from .constant_tables import lookup, one_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Range of a word: bits to drop after the shift, smallest and largest value."""

    drop: int = 0
    low: int
    high: int

    @classmethod
    def of(cls, fmt: QFormat, drop: int = 0) -> Range:
        """Return the range of a format."""
        return cls(drop=drop, low=fmt.min, high=fmt.max)

    @property
    def fmt(self) -> QFormat:
        """Format of a word, without fractional bits."""
        return QFormat((self.high - self.low).bit_length(), 0, signed=self.low < 0)

    def beyond(self, total: Value) -> tuple[Value, Value]:
        """Return whether a total is above the range, and whether it is below it."""
        # a word fits when all bits above it equal its sign
        above = total[min(self.drop + self.fmt.width - (self.low < 0), len(total) - 1) :]
        below = ~above.all() if self.low < 0 else 1
        return ~total[-1] & above.any(), total[-1] & below


class Rounder(wiring.Component):
    """Adds a base to a shifted sum, rounds the total and flags results outside the range.

    Computes ``base * 2**-drop + x * 2**-(shift + drop)`` from the outputs of a `Shifter`. The
    registers of `RoundedTotal` take the outputs, one stage before the word is needed. Rounding to
    nearest adds half a unit before bits are dropped; rounding toward zero adds almost one unit if
    the total is negative. Except for one carry this addend is a constant of the range, so it is
    added to the base while the shifter works.

    Parameters
    ----------
    results : sequence of Range
        Ranges that ``result`` selects from.
    base_width, quotient_width : int
        Widths [bits].

    Members
    -------
    result : In(range(len(results)))
        Which of ``results`` it is, with ``base``.
    silent : In(1)
        Round toward zero instead of to nearest, half up.
    base : In(signed(base_width))
        Word that the shifted sum is added to.
    quotient : In(signed(quotient_width))
        ``x >> shift``, one cycle after ``base``.
    half, rest : In(1)
        With ``quotient``: the highest bit shifted out, and whether any bit shifted out is set.
    total : Out(signed)
        The total, rounded for dropping its low ``drop`` bits. Combinational from ``quotient``.
    over, under : Out(1), one for each of ``results``
        Whether the word saturates at the top or the bottom of each range. Combinational too.

    Latency: 1 cycle from base, 0 from quotient.
    Throughput: one word per cycle.

    Schedule:

    - shift: register the base, and the base plus the rounding constant.
    - round: compute both sums in parallel, and select one by the sign.
    """

    latency = 1

    def __init__(self, results: Sequence[Range], base_width: int, quotient_width: int) -> None:
        self.results = tuple(results)
        # at least one bit remains after dropping
        drop = max(entry.drop for entry in self.results)
        self._width = max(base_width, quotient_width, drop) + 2
        width = min(self._width, max(entry.drop + entry.fmt.width for entry in self.results))
        super().__init__(
            {
                "result": In(range(len(self.results))),
                "silent": In(1),
                "base": In(signed(base_width)),
                "quotient": In(signed(quotient_width)),
                "half": In(1),
                "rest": In(1),
                "total": Out(signed(width)),
                "over": Out(1).array(len(self.results)),
                "under": Out(1).array(len(self.results)),
            }
        )

    def model(self, result: int, silent: bool, base: int, x: int, shift: int) -> int:
        """Return the word after saturation."""
        entry = self.results[result]
        rest = ((base & ((1 << entry.drop) - 1)) << shift) + x
        rounding = Rounding.TRN_ZERO if silent else Rounding.RND
        total = round_sum(base >> entry.drop, rest, shift + entry.drop, rounding)
        return overflow(total, entry.fmt, Overflow.SAT)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        width = self._width
        drops = [entry.drop for entry in self.results]
        nearest = lookup(m, self.result, [(1 << drop) >> 1 for drop in drops], "nearest")
        toward_zero = lookup(m, self.result, [(1 << drop) - 1 for drop in drops], "toward_zero")
        exact = lookup(m, self.result, [int(drop == 0) for drop in drops], "exact")

        # without a drop the half bit rounds; toward zero every lost bit counts
        rest_counts = Signal(reset_less=True)
        half_counts = Signal(reset_less=True)
        late_base = Signal(signed(len(self.base)), reset_less=True)
        raised_base = Signal(signed(len(self.base) + 1), reset_less=True)
        m.d.sync += [
            rest_counts.eq(self.silent),
            half_counts.eq(exact & ~self.silent),
            late_base.eq(self.base),
            raised_base.eq(self.base + Mux(self.silent, toward_zero, nearest)),
        ]

        # The carry enters two places below the lowest bit, so one adder without logic in front of
        # it is enough: where the half bit is set, so is the rest, which propagates its carry.
        plain = Signal(signed(width))
        with_carry = Signal(signed(width + 2))
        raised = Signal(signed(width))
        choose_plain = Signal()
        left = Cat(half_counts, rest_counts, raised_base).as_signed()
        m.d.comb += [
            plain.eq(late_base + self.quotient),
            with_carry.eq(left + Cat(self.half, self.rest, self.quotient).as_signed()),
            raised.eq(with_carry >> 2),
            choose_plain.eq(rest_counts & ~plain[-1]),
            self.total.eq(Mux(choose_plain, plain, raised)),
        ]
        for number, entry in enumerate(self.results):
            # Where the plain sum is selected, the raised sum is less than a unit above it. So the
            # plain word is not below the range, and if the raised one is above, the plain word is
            # above too or is the largest of the range.
            over, under = entry.beyond(raised)
            m.d.comb += [self.over[number].eq(over), self.under[number].eq(under)]
        return m


class RoundedTotal:
    """Registers for a rounded total before saturation.

    Parameters
    ----------
    rounder : Rounder
        Block whose outputs they take.
    name : str
        Prefix of the signal names.
    inverted : bool
        Hold the complement of the total, for words that are subtracted. All ranges must be signed.
    """

    def __init__(self, rounder: Rounder, name: str, *, inverted: bool = False) -> None:
        self.results, self.inverted = rounder.results, inverted
        self.total = Signal.like(rounder.total, name=f"{name}_total", reset_less=True)
        numbers = range(len(self.results))
        self.over = [Signal(name=f"{name}_over_{n}", reset_less=True) for n in numbers]
        self.under = [Signal(name=f"{name}_under_{n}", reset_less=True) for n in numbers]

    def take(self, m: Module, rounder: Rounder) -> None:
        """Load the registers."""
        m.d.sync += self.total.eq(~rounder.total if self.inverted else rounder.total)
        m.d.sync += [mine.eq(new) for mine, new in zip(self.over, rounder.over, strict=True)]
        m.d.sync += [mine.eq(new) for mine, new in zip(self.under, rounder.under, strict=True)]

    def clear(self, m: Module) -> None:
        """Set the registers to zero, whose word is zero, inverted or not."""
        m.d.sync += [held.eq(0) for held in (self.total, *self.over, *self.under)]

    def word(self, m: Module, index: Value, among: Sequence[int], name: str) -> Value:
        """Return the word, saturated to the range ``among[index]``, inverted where the total is."""
        used = {self.results[number] for number in among}
        width = max(entry.fmt.width + (entry.low >= 0) for entry in used)
        words = {}
        for entry in sorted(used, key=self.results.index):
            number = self.results.index(entry)
            word = Signal(signed(width), name=f"{name}_{number}")
            m.d.comb += word.eq(self.limited(number))
            words[number] = word
        if len(words) == 1:
            return words[among[0]]
        return one_of(m, index, [words[number] for number in among], name)

    def limited(self, number: int) -> Value:
        """Return the word saturated to one range."""
        entry = self.results[number]
        signed_word = entry.low < 0 or self.inverted
        # the complement of an unsigned word is negative, and has a sign
        width = entry.fmt.width + (signed_word and entry.low >= 0)
        bits = self.total[entry.drop : entry.drop + width]
        word = bits.as_signed() if signed_word else bits
        high, low = entry.high, entry.low
        if self.inverted:
            high, low = ~high, ~low
        return Mux(self.over[number], high, Mux(self.under[number], low, word))
