"""The lossless two-port adaptor of a cascade as a five-stage pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..program.fixedpoint import QFormat
from ..program.integer_program import Cascade, Operation, Program, Spiking
from .constant_tables import any_of, lookup, one_of, signed_width
from .lane_widths import depth_to_clear
from .ports import keep_on_reset
from .rounder import Range, RoundedTotal, Rounder
from .schedule import Schedule
from .shifter import Shifter

LOW_BITS = 16
"""Bits of a wide x in the lower of its two products: fits one hard multiplier of any device."""


class ChainPort(enum.Enum, shape=4):
    """Operation of the adaptor on the chain word and the states, one bit each: see `is_port`."""

    NONE = 0
    LOAD = 1
    """Load the rounded memory input as the chain word."""
    OUTER = 2
    """Adaptor between the chain word and z_outer."""
    REAL = 4
    """Adaptor of a real section, between z_inner and the chain word."""
    INNER = 8
    """Adaptor between z_inner and the outer adaptor's word."""


def is_port(port: Value, *among: ChainPort) -> Value:
    """Return whether a port is one of these, without comparing all its bits."""
    return any_of([Value.cast(port)[one.value.bit_length() - 1] for one in among])


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Word formats of one cascade."""

    source: QFormat
    chain: QFormat
    outer: QFormat
    inner: QFormat

    @property
    def all(self) -> tuple[QFormat, ...]:
        """Formats of the words that enter adaptors."""
        return (self.chain, self.outer, self.inner)


def formats_of(program: Program, op: Operation) -> Formats:
    """Return the formats of a cascade, or of one whose states travel as spikes."""
    op = op.cascade if isinstance(op, Spiking) else op
    assert isinstance(op, Cascade)
    inner = program.vector(op.z_inner).fmt
    return Formats(
        source=program.vector(op.source).fmt,
        chain=op.chain_fmt,
        outer=program.vector(op.z_outer).fmt if op.n_pairs else inner,
        inner=inner,
    )


def coefficient_widths(plan: Schedule) -> tuple[int, int, int]:
    """Return the largest coefficient's width, the smallest shift, and the width of shift - min."""
    adaptors = [a for chain in plan.chains for section in chain.sections for a in section]
    shifts = [shift for _, shift in adaptors]
    return (
        max(coef for coef, _ in adaptors).bit_length(),
        min(shifts),
        (max(shifts) - min(shifts)).bit_length(),
    )


class AdaptorUnit(wiring.Component):
    """``a' = a + t``, ``b' = 2 a - b + t``, ``t = coef * 2**-shift * (b - a)``.

    The words of all cascades are aligned to one binary point, the finest of all formats.

    Parameters
    ----------
    plan : Schedule
        Must have at least one chain.

    Members
    -------
    port : In(ChainPort)
        Operation; valid in the cycle of ``word``.
    chain_number : In(unsigned)
        Index of the cascade.
    word : In(signed)
        The state just read.
    source : In(signed)
        The memory's input, for `ChainPort.LOAD`.
    coef, shift : In(unsigned)
        With ``word``: the coefficient, and its right shift minus ``shift_min``.
    silent : In(1)
        Two cycles after ``word``: round toward zero instead of to nearest.
    a, b : Out(signed)
        ``a'`` of an inner or real adaptor; ``b'`` of an inner adaptor, one cycle after its ``a'``.
    a_valid, b_valid : Out(1)
        ``a`` is new; ``b`` is.

    Latency: 5 cycles from ``word`` to ``a``.
    Throughput: one command per cycle; a command uses the chain word of the one 4 cycles earlier.

    Schedule:

    - operand: limit the chain word or the link, align it and subtract.
    - product: ``t = coef * x``, in two partial products where ``x`` is wide; base of ``b`` is
      ``2 a - b = a - x``.
    - shift: add the partial products, shift ``t`` right, keep half and sticky bits; add the
      rounding constants to the bases.
    - round: sum and round both ports, for the chain, the link or the output.
    - limit: saturate link and output to their ranges.
    """

    latency = 5

    def __init__(self, plan: Schedule) -> None:
        self.plan = plan
        ops = [plan.program.ops[chain.op] for chain in plan.chains]
        self.formats = [formats_of(plan.program, op) for op in ops]
        self.coef_width, self.shift_min, shift_width = coefficient_widths(plan)
        self.grid = max(fmt.frac_bits for f in self.formats for fmt in (*f.all, f.source))
        aligned = max(self._aligned_width(fmt) for f in self.formats for fmt in f.all)
        self.x_width = aligned + 1
        lengths = {len(section) for chain in plan.chains for section in chain.sections}
        self.used = [ChainPort.OUTER, ChainPort.INNER] * (2 in lengths) + [ChainPort.REAL] * (
            1 in lengths
        )
        # whether a real section has a successor, which reads its word
        self.goes_on = any(
            len(section) == 1 and any(chain.sections[k + 1 :])
            for chain in plan.chains
            for k, section in enumerate(chain.sections)
        )
        self.base_width = max(aligned + 2, *(self._aligned_width(f.source) for f in self.formats))
        self.state_width = max(signed_width(fmt) for f in self.formats for fmt in f.all)
        self.source_width = max(signed_width(f.source) for f in self.formats)
        super().__init__(
            {
                "port": In(ChainPort),
                "chain_number": In(range(len(plan.chains))),
                "word": In(signed(self.state_width)),
                "source": In(signed(self.source_width)),
                "coef": In(unsigned(self.coef_width)),
                "shift": In(unsigned(shift_width)),
                "silent": In(1),
                "a": Out(signed(self.state_width)),
                "b": Out(signed(self.state_width)),
                "a_valid": Out(1),
                "b_valid": Out(1),
            }
        )
        keep_on_reset(self, "a", "b")
        # Clearing the states takes longer than this pipeline, so words in flight before a reset are
        # overwritten; mirrored words are written again before they are read.
        self.outlasted = depth_to_clear(plan) > self.latency + plan.settle
        if self.outlasted:
            keep_on_reset(self, "a_valid", "b_valid")

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        shifting, rounding, limiting = self._ports(m)
        ranges, numbers = self._ranges()
        m.submodules.shifter = shifter = Shifter(
            self.x_width + self.coef_width + 1, self.shift_min, len(self.shift)
        )
        round_a, round_b = (
            Rounder(ranges, self.base_width, shifter.quotient_width) for _ in range(2)
        )
        m.submodules.round_a, m.submodules.round_b = round_a, round_b

        # inverted, because an outer adaptor subtracts it
        chain = RoundedTotal(round_a, "chain", inverted=True)
        link = Signal(signed(self.state_width), reset_less=True)
        x, base = self._operands(m, chain, numbers["chain"], link)
        bases = self._product(m, x, base, shifter)
        self._shift(m, shifting, numbers, bases, shifter, round_a, round_b)
        self._chain_word(m, rounding, chain, round_a, round_b)
        self._limit(m, limiting, numbers, link, round_a, round_b)
        return m

    def _ports(self, m: Module) -> tuple[Signal, Signal, Signal]:
        """Return the operation that is in the stages shift, round and limit."""
        ports = [self.port]
        for name in ("product", "shift", "round", "limit"):
            ports.append(Signal(ChainPort, name=f"{name}_port", reset_less=self.outlasted))
            m.d.sync += ports[-1].eq(ports[-2])
        return ports[2], ports[3], ports[4]

    def _product(self, m: Module, x: Value, base: Value, shifter: Shifter) -> tuple[Signal, Signal]:
        """Multiply, and give the shifter the product; return the bases of both results."""
        coef = Signal.like(self.coef, name="held_coef", reset_less=True)
        held_shift = Signal.like(self.shift, name="held_shift", reset_less=True)
        low_bits = LOW_BITS if self.x_width > LOW_BITS + 1 else 0
        high = Signal(signed(self.x_width + self.coef_width + 1 - low_bits), reset_less=True)
        low = Signal(low_bits + self.coef_width, reset_less=True)
        amount = Signal.like(self.shift, name="amount", reset_less=True)
        a_base = Signal.like(base, name="a_base", reset_less=True)
        b_base = Signal.like(base, name="b_base", reset_less=True)
        m.d.sync += [
            coef.eq(self.coef),
            held_shift.eq(self.shift),
            high.eq(x[low_bits:].as_signed() * coef),
            low.eq(x[:low_bits] * coef),
            amount.eq(held_shift),
            a_base.eq(base),
            b_base.eq(base - x),
        ]
        product = (high << low_bits) + low if low_bits else high
        m.d.comb += [shifter.x.eq(product), shifter.amount.eq(amount)]
        return a_base, b_base

    def _shift(
        self,
        m: Module,
        port: Value,
        numbers: Mapping[str, Sequence[int]],
        bases: tuple[Value, Value],
        shifter: Shifter,
        round_a: Rounder,
        round_b: Rounder,
    ) -> None:
        """Give both rounders a base, the shifted product and the range of the result."""
        chain_range, inner_range, outer_range = (
            lookup(m, self.chain_number, numbers[what], f"{what}_range")
            for what in ("chain", "inner", "outer")
        )
        to_b = outer_range
        if self.goes_on:
            to_b = Mux(is_port(port, ChainPort.REAL), chain_range, outer_range)
        to_a = Mux(is_port(port, ChainPort.LOAD, ChainPort.OUTER), chain_range, inner_range)
        results = zip((round_a, round_b), bases, (to_a, to_b), strict=True)
        for rounder, base, result in results:
            m.d.comb += [
                rounder.result.eq(result),
                rounder.silent.eq(self.silent & ~is_port(port, ChainPort.LOAD)),
                rounder.base.eq(base),
                rounder.quotient.eq(shifter.quotient),
                rounder.half.eq(shifter.half),
                rounder.rest.eq(shifter.rest),
            ]

    def _chain_word(
        self, m: Module, port: Value, chain: RoundedTotal, round_a: Rounder, round_b: Rounder
    ) -> None:
        """Hold the result that the next section reads; zero where there is none."""
        with m.If(is_port(port, ChainPort.LOAD, ChainPort.OUTER)):
            chain.take(m, round_a)
        if self.goes_on:
            with m.Elif(is_port(port, ChainPort.REAL)):
                chain.take(m, round_b)
        with m.Else():
            chain.clear(m)

    def _limit(
        self,
        m: Module,
        port: Value,
        numbers: Mapping[str, Sequence[int]],
        link: Signal,
        round_a: Rounder,
        round_b: Rounder,
    ) -> None:
        """Saturate the results: to the outputs, or the link to the inner adaptor."""
        sum_a, sum_b = RoundedTotal(round_a, "a"), RoundedTotal(round_b, "b")
        sum_a.take(m, round_a)
        sum_b.take(m, round_b)
        word_b = sum_b.word(m, self.chain_number, numbers["outer"], "limited_b")
        inner_done = Signal(reset_less=self.outlasted)
        m.d.sync += [
            self.a.eq(sum_a.word(m, self.chain_number, numbers["inner"], "limited_a")),
            self.a_valid.eq(is_port(port, ChainPort.INNER, ChainPort.REAL)),
            inner_done.eq(is_port(port, ChainPort.INNER)),
            self.b_valid.eq(inner_done),
        ]
        m.d.sync += link.eq(0)
        with m.If(is_port(port, ChainPort.OUTER)):
            m.d.sync += link.eq(word_b)
        with m.If(is_port(port, ChainPort.INNER)):
            m.d.sync += self.b.eq(word_b)

    def _aligned_width(self, fmt: QFormat) -> int:
        return signed_width(fmt) + self.grid - fmt.frac_bits

    def _aligned(self, word: Value, fmt: QFormat) -> Value:
        narrow = word[: fmt.width]
        return (narrow.as_signed() if fmt.signed else narrow) << (self.grid - fmt.frac_bits)

    def _operands(
        self, m: Module, chain: RoundedTotal, numbers: Sequence[int], link: Signal
    ) -> tuple[Signal, Signal]:
        """Return the factor ``b - a`` and the addend ``a``, registered.

        One adder serves every port: it adds one operand to the complement of the other. The word of
        the chain, which comes inverted, and the link are zero but in the one cycle that reads them,
        so that a single gate selects between them.
        """
        x = Signal(signed(self.x_width), reset_less=True)
        base = Signal(signed(self.base_width), reset_less=True)
        words = [chain.word(m, self.chain_number, [k], "limited_chain") for k in numbers]
        port, width = self.port, self.x_width
        loads, outer = is_port(port, ChainPort.LOAD), is_port(port, ChainPort.OUTER)
        sources, states, others = [], [], []
        for inverted, f in zip(words, self.formats, strict=True):
            state = self._aligned(self.word, f.inner)
            if f.outer != f.inner:
                state = Mux(outer, self._aligned(self.word, f.outer), state)
            states.append(state)
            sources.append(self._aligned(self.source, f.source))
            below = outer.replicate(self.grid - f.chain.frac_bits)
            if ChainPort.REAL in self.used:
                real = is_port(port, ChainPort.REAL)
                inverted = inverted ^ real.replicate(len(inverted))
            others.append(
                Cat(below, inverted[: f.chain.width]).as_signed() | self._aligned(link, f.outer)
            )

        state = self._of_chain(m, states, width, "own")
        other = self._of_chain(m, others, width, "other")
        # a loaded word is only rounded: its factor is 0
        own = (state ^ (~outer).replicate(width)) & (~loads).replicate(width)
        # the complement's carry enters below the lowest bit
        total = Cat(~loads, own).as_signed() + Cat(Const(1, 1), other).as_signed()
        source = self._of_chain(m, sources, len(base), "source_word")
        addend = Mux(loads, source, Mux(outer, ~other, state))
        m.d.sync += [x.eq(total >> 1), base.eq(addend)]
        return x, base

    def _of_chain(self, m: Module, values: Sequence[Value], width: int, name: str) -> Value:
        """Return the value of the cascade, all at a width."""
        words = []
        for number, value in enumerate(values):
            words.append(Signal(signed(width), name=f"{name}_{number}"))
            m.d.comb += words[-1].eq(value)
        return one_of(m, self.chain_number, words, name)

    def _ranges(self) -> tuple[list[Range], dict[str, list[int]]]:
        """Return all distinct word ranges, and the index of each cascade's ranges among them."""
        ranges: list[Range] = []
        numbers: dict[str, list[int]] = {"chain": [], "inner": [], "outer": []}
        for f in self.formats:
            for what, number in numbers.items():
                fmt = getattr(f, what)
                entry = Range.of(fmt, self.grid - fmt.frac_bits)
                if entry not in ranges:
                    ranges.append(entry)
                number.append(ranges.index(entry))
        return ranges, numbers
