"""The lossless two-port of a cascade, as a pipeline of four stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ..fixedpoint import QFormat
from ..program import Cascade, Program
from ..schedule import Schedule
from .rounder import Range, Rounder
from .shifter import Shifter
from .tables import lookup, signed_width


class Port(enum.Enum, shape=3):
    """What a command does with the words of the chain and of its states."""

    NONE = 0
    LOAD = 1
    """The memory's input, rounded, becomes the chain word."""
    OUTER = 2
    """The adaptor between the chain word and z_outer."""
    REAL = 3
    """The adaptor between z_inner and the chain word, of a real section."""
    INNER = 4
    """The adaptor between z_inner and the outer adaptor's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """Formats of one cascade's words."""

    source: QFormat
    chain: QFormat
    outer: QFormat
    inner: QFormat

    @property
    def all(self) -> tuple[QFormat, ...]:
        """Those that meet in adaptors."""
        return (self.chain, self.outer, self.inner)


def formats_of(program: Program, op: Cascade) -> Formats:
    """Return the formats of a cascade."""
    inner = program.vector(op.z_inner).fmt
    return Formats(
        source=program.vector(op.source).fmt,
        chain=op.chain_fmt,
        outer=program.vector(op.z_outer).fmt if op.n_pairs else inner,
        inner=inner,
    )


def coefficient_widths(plan: Schedule) -> tuple[int, int, int]:
    """Return the bits of the largest coefficient, the smallest shift, and the bits above it."""
    adaptors = [a for chain in plan.chains for section in chain.sections for a in section]
    shifts = [shift for _, shift in adaptors]
    return (
        max(coef for coef, _ in adaptors).bit_length(),
        min(shifts),
        (max(shifts) - min(shifts)).bit_length(),
    )


class Adaptor(wiring.Component):
    """``a' = a + t``, ``b' = 2 a - b + t``, ``t = coef * 2**-shift * (b - a)``.

    The words of all cascades are brought to one binary point, the finest of any, before they meet.

    Parameters
    ----------
    plan : Schedule
        With at least one chain.

    Members
    -------
    port : In(Port)
        With ``word``: the state just read, or the memory's input.
    chain_number : In(unsigned)
        Which cascade.
    word : In(signed)
    coef : In(unsigned)
    shift : In(unsigned)
        With ``word``; the shift less ``shift_min``.
    silent : In(1)
        Round toward zero.
    a, b : Out(signed)
        ``a'`` of an inner or real adaptor; ``b'`` of an inner one, a cycle after its ``a'``.
    a_valid, b_valid : Out(1)

    Latency: 4 cycles from ``word`` to ``a``.
    Throughput: one command a cycle; the chain word of a command is there for one 4 cycles later.

    Schedule:

    - operand: aligned and subtracted.
    - product: ``t = coef * x``; ``b``'s base ``2 a - b = a - x``.
    - shift: ``t >> shift`` with the bits that fall off; rounding constants join the bases.
    - round: both ports summed, rounded, limited; to the chain, the link, or the output.
    """

    latency = 4

    def __init__(self, plan: Schedule) -> None:
        self.plan = plan
        ops = [plan.program.ops[chain.op] for chain in plan.chains]
        self.formats = [formats_of(plan.program, op) for op in ops if isinstance(op, Cascade)]
        self.coef_width, self.shift_min, shift_width = coefficient_widths(plan)
        self.grid = max(fmt.frac_bits for f in self.formats for fmt in f.all)
        aligned = max(
            signed_width(fmt) + self.grid - fmt.frac_bits for f in self.formats for fmt in f.all
        )
        self.x_width = aligned + 1
        loads = [
            signed_width(f.source) + max(0, f.chain.frac_bits - f.source.frac_bits)
            for f in self.formats
        ]
        self.base_width = max(aligned + 2, *loads)
        self.state_width = max(signed_width(fmt) for f in self.formats for fmt in f.all)
        self.word_width = max(self.state_width, *(signed_width(f.source) for f in self.formats))
        super().__init__(
            {
                "port": In(Port),
                "chain_number": In(range(len(plan.chains))),
                "word": In(signed(self.word_width)),
                "coef": In(unsigned(self.coef_width)),
                "shift": In(unsigned(shift_width)),
                "silent": In(1),
                "a": Out(signed(self.state_width)),
                "b": Out(signed(self.state_width)),
                "a_valid": Out(1),
                "b_valid": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        chain = Signal(signed(self.state_width), reset_less=True)
        link = Signal(signed(self.state_width), reset_less=True)
        ports, silences = [self.port], []
        for name in ("product", "shift", "round"):
            port = Signal(Port, name=f"{name}_port")
            m.d.sync += port.eq(ports[-1])
            ports.append(port)
        _, _, shifting, rounding = ports

        # operand
        x = Signal(signed(self.x_width), reset_less=True)
        base = Signal(signed(self.base_width), reset_less=True)
        with m.Switch(self.chain_number):
            for number, f in enumerate(self.formats):
                with m.Case(number):
                    self._operands(m, f, chain, link, x, base)

        # product
        product = Signal(signed(self.x_width + self.coef_width + 1), reset_less=True)
        coef = Signal.like(self.coef, name="held_coef", reset_less=True)
        held_shift = Signal.like(self.shift, name="held_shift", reset_less=True)
        amount = Signal.like(self.shift, name="amount", reset_less=True)
        a_base = Signal.like(base, reset_less=True)
        b_base = Signal.like(base, reset_less=True)
        m.d.sync += [
            coef.eq(self.coef),
            held_shift.eq(self.shift),
            product.eq(x * coef),
            amount.eq(held_shift),
            a_base.eq(base),
            b_base.eq(base - x),
        ]

        # shift, round
        m.submodules.shifter = shifter = Shifter(len(product), self.shift_min, len(self.shift))
        m.d.comb += [shifter.x.eq(product), shifter.amount.eq(amount)]
        silences = self.silent & (shifting != Port.LOAD)
        results = {
            "a": (a_base, {Port.LOAD: "load", Port.OUTER: "chain"}, "inner"),
            "b": (b_base, {Port.REAL: "chain"}, "outer"),
        }
        rounders = {}
        for name, (base_, special, usual) in results.items():
            ranges, index = self._ranges(m, shifting, special, usual, name)
            rounder = Rounder(ranges, len(base), shifter.quotient_width, self.state_width)
            m.submodules[f"round_{name}"] = rounders[name] = rounder
            m.d.comb += [
                rounder.result.eq(index),
                rounder.silent.eq(silences),
                rounder.base.eq(base_),
                rounder.quotient.eq(shifter.quotient),
                rounder.half.eq(shifter.half),
                rounder.rest.eq(shifter.rest),
            ]

        word_a, word_b = rounders["a"].word, rounders["b"].word
        inner_done = Signal()
        m.d.sync += [
            self.a.eq(word_a),
            self.a_valid.eq((rounding == Port.INNER) | (rounding == Port.REAL)),
            inner_done.eq(rounding == Port.INNER),
            self.b_valid.eq(inner_done),
        ]
        with m.Switch(rounding):
            with m.Case(Port.LOAD):
                m.d.sync += chain.eq(word_a)
            with m.Case(Port.OUTER):
                m.d.sync += [chain.eq(word_a), link.eq(word_b)]
            with m.Case(Port.REAL):
                m.d.sync += chain.eq(word_b)
            with m.Case(Port.INNER):
                m.d.sync += self.b.eq(word_b)
        return m

    def _operands(
        self, m: Module, f: Formats, chain: Signal, link: Signal, x: Signal, base: Signal
    ) -> None:
        """Choose what is multiplied, ``b - a``, and what is added, ``a``."""

        def aligned(word: Value, fmt: QFormat) -> Value:
            narrow = word[: fmt.width]
            return (narrow.as_signed() if fmt.signed else narrow) << (self.grid - fmt.frac_bits)

        pairs = {
            Port.OUTER: (aligned(chain, f.chain), aligned(self.word, f.outer)),
            Port.REAL: (aligned(self.word, f.inner), aligned(chain, f.chain)),
            Port.INNER: (aligned(self.word, f.inner), aligned(link, f.outer)),
        }
        with m.Switch(self.port):
            with m.Case(Port.LOAD):
                up = max(0, f.chain.frac_bits - f.source.frac_bits)
                narrow = self.word[: signed_width(f.source)].as_signed()
                m.d.sync += [x.eq(0), base.eq(narrow << up)]
            for port, (a, b) in pairs.items():
                with m.Case(port):
                    m.d.sync += [x.eq(b - a), base.eq(a)]

    def _ranges(
        self, m: Module, port: Value, special: dict[Port, str], usual: str, name: str
    ) -> tuple[Sequence[Range], Value]:
        """Return the ranges of a port's results, and which of them a command needs."""
        table: list[Range] = []
        chosen: dict[str, list[int]] = {}
        for what in (*special.values(), usual):
            chosen[what] = []
            for f in self.formats:
                if what == "load":
                    drop = max(0, f.source.frac_bits - f.chain.frac_bits)
                    entry = Range.of(f.chain, drop)
                else:
                    fmt = {"chain": f.chain, "inner": f.inner, "outer": f.outer}[what]
                    entry = Range.of(fmt, self.grid - fmt.frac_bits)
                if entry not in table:
                    table.append(entry)
                chosen[what].append(table.index(entry))
        numbers = {
            what: lookup(m, self.chain_number, values, f"{name}_{what}_range")
            for what, values in chosen.items()
        }
        index: Value = numbers[usual]
        for which, what in special.items():
            index = Mux(port == which, numbers[what], index)
        return table, index
