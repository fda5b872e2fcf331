"""Everything that happens to a word between its read from memory and the write of the result."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fixedpoint import QFormat
from .command import Command, Kind, Result, Sink, delayed
from .formats import Formats
from .mac import MultiplyAccumulate
from .operands import Operands
from .rounder import Rounder
from .shifter import Shifter


class Datapath(wiring.Component):
    """One multiplier with its alignment, rounding and saturation, as a pipeline of five stages.

    Parameters
    ----------
    formats : Formats
    address_width : int
        Bits of a memory address.

    Members
    -------
    command : In(Command)
        With ``word`` and ``coef``.
    word : In(signed)
        The word read from memory.
    coef : In(signed)
        The coefficient.
    bias, shift : In
        Of the command's row: two cycles after ``word``.
    a : Out(signed)
        The result; ``a`` of an adaptor.
    b : Out(signed)
        ``b`` of an inner adaptor, one cycle after its ``a``.
    a_to_memory, a_to_stream, b_to_memory : Out(1)
        Where the result goes, in the cycle it is there.
    a_address : Out(unsigned)
        Where the word of the result was read.
    a_in_place : Out(1)
        The result belongs there; else at the next word of the phase's target.

    Latency: 5 cycles from ``word`` to ``a``.
    Throughput: one command a cycle, but an adaptor needs the words of its predecessor: a new chain
    word every 5 cycles.

    Schedule:

    - operand: align and subtract.
    - product: ``t = coef * x``; ``b``'s base ``2 a - b = a - x``.
    - accumulate: a row's sum, or the adaptor's ``t`` alone.
    - shift: ``t >> shift`` with the bits that fall off; rounding constants join the bases.
    - round: both ports summed, rounded, saturated; to the chain, the link, or the write stage.
    """

    latency = 5

    def __init__(self, formats: Formats, address_width: int) -> None:
        self.formats = formats
        n_results = len(formats.table.entries)
        word = signed(formats.word_width)
        super().__init__(
            {
                "command": In(Command(address_width, n_results)),
                "word": In(word),
                "coef": In(signed(formats.coef_width)),
                "bias": In(signed(max(1, formats.bias_width))),
                "shift": In(formats.shift_width),
                "a": Out(word),
                "b": Out(word),
                "a_to_memory": Out(1),
                "a_to_stream": Out(1),
                "b_to_memory": Out(1),
                "a_address": Out(address_width),
                "a_in_place": Out(1),
            }
        )

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        f = self.formats
        entries = f.table.entries
        word = signed(f.word_width)
        chain = Signal(word, reset_less=True)
        link = Signal(word, reset_less=True)
        held = Signal(word, reset_less=True)

        # the command of each stage: operand (the port itself), then one register after the other
        stages = [self.command]
        for name in ("product", "accumulate", "shift", "round", "write"):
            stages.append(delayed(m, stages[-1], name))
        operand, _, accumulate, shift, rounding, write = stages

        m.submodules.operands = operands = Operands(f)
        m.d.comb += [
            operands.kind.eq(operand.kind),
            operands.result.eq(operand.result),
            operands.less_input.eq(operand.less_input),
            operands.word.eq(self.word),
            operands.chain.eq(chain),
            operands.link.eq(link),
            operands.held.eq(held),
        ]

        m.submodules.mac = mac = MultiplyAccumulate(
            f.x_width, f.coef_width, f.bias_width, f.total_width
        )
        coef = Signal(signed(f.coef_width), reset_less=True)
        m.d.sync += coef.eq(self.coef)
        m.d.comb += [
            mac.x.eq(operands.x),
            mac.coef.eq(coef),
            mac.valid.eq(accumulate.valid),
            mac.first.eq(accumulate.first),
            mac.bias.eq(self.bias),
        ]

        m.submodules.shifter = shifter = Shifter(f.total_width, f.shift_min, f.shift_width)
        amount = Signal(f.shift_width, reset_less=True)
        m.d.sync += amount.eq(self.shift)
        m.d.comb += [shifter.x.eq(mac.total), shifter.amount.eq(amount)]

        # a row keeps its base from the element that carries it until the row ends
        a_base = Signal(signed(f.base_width), reset_less=True)
        a_kept = Signal(signed(f.base_width), reset_less=True)
        m.d.sync += a_base.eq(operands.base)
        with m.If(accumulate.keep):
            m.d.sync += a_kept.eq(a_base)
        with m.Elif(accumulate.first):
            m.d.sync += a_kept.eq(0)
        m.submodules.round_a = round_a = Rounder(
            entries, f.base_width, shifter.quotient_width, f.word_width
        )
        m.d.comb += [
            round_a.result.eq(shift.result),
            round_a.silent.eq(shift.silent),
            round_a.base.eq(a_kept),
            round_a.quotient.eq(shifter.quotient),
            round_a.half.eq(shifter.half),
            round_a.rest.eq(shifter.rest),
        ]

        goes_to = {sink: Signal(name=f"to_{sink.name.lower()}") for sink in Sink if sink.name}
        with m.Switch(rounding.result):
            for index, entry in enumerate(entries):
                with m.Case(index):
                    for sink, signal in goes_to.items():
                        if sink in entry.sink:
                            m.d.comb += signal.eq(rounding.valid & rounding.last)
        m.d.sync += [
            self.a.eq(round_a.word),
            self.a_to_memory.eq(goes_to[Sink.MEMORY]),
            self.a_to_stream.eq(goes_to[Sink.STREAM]),
            self.a_in_place.eq((rounding.kind == Kind.INNER) | (rounding.kind == Kind.REAL)),
        ]
        m.d.comb += self.a_address.eq(write.address)
        with m.If(goes_to[Sink.CHAIN]):
            m.d.sync += chain.eq(round_a.word)
        with m.If(goes_to[Sink.INPUT]):
            m.d.sync += held.eq(round_a.word)

        if f.chain is not None:
            # b's base is 2 a - b = a - x; its words only ever have the chain's or z_outer's format
            results = tuple(_adaptor_result(f, fmt) for fmt in (f.chain, f.outer) if fmt)
            b_base = Signal(signed(f.base_width), reset_less=True)
            b_kept = Signal(signed(f.base_width), reset_less=True)
            m.d.sync += [b_base.eq(operands.base - operands.x), b_kept.eq(b_base)]
            m.submodules.round_b = round_b = Rounder(
                results, f.base_width, f.x_width + 1, f.word_width
            )
            m.d.comb += [
                round_b.result.eq(shift.kind != Kind.REAL),
                round_b.silent.eq(shift.silent),
                round_b.base.eq(b_kept),
                round_b.quotient.eq(shifter.quotient),
                round_b.half.eq(shifter.half),
                round_b.rest.eq(shifter.rest),
            ]
            inner_done = Signal()
            m.d.sync += inner_done.eq(rounding.valid & (rounding.kind == Kind.INNER))
            m.d.sync += self.b_to_memory.eq(inner_done)
            with m.If(rounding.valid), m.Switch(rounding.kind):
                with m.Case(Kind.OUTER):
                    m.d.sync += link.eq(round_b.word)
                with m.Case(Kind.INNER):
                    m.d.sync += self.b.eq(round_b.word)
                with m.Case(Kind.REAL):
                    m.d.sync += chain.eq(round_b.word)
        return m


def _adaptor_result(f: Formats, fmt: QFormat) -> Result:
    return Result(drop=f.grid - fmt.frac_bits, low=fmt.min, high=fmt.max, sink=Sink(0))
