"""First stage of the datapath: what is multiplied, and what the product is added to."""

from __future__ import annotations

from amaranth.hdl import Module, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fixedpoint import QFormat
from .command import Kind
from .formats import Formats


class Operands(wiring.Component):
    """Aligns the two words of a command and subtracts them.

    Parameters
    ----------
    formats : Formats

    Members
    -------
    kind : In(Kind)
    result : In(range(n_results))
        Selects how far a copied word is shifted left.
    less_input : In(1)
        Subtract ``held`` from a row's element.
    word : In(signed)
        The word read from memory.
    chain, link, held : In(signed)
        The word between two sections; the outer adaptor's word for the inner one; the dense
        memory's input word.
    x : Out(signed)
        What is multiplied: ``b - a`` of an adaptor (zero for a copy).
    base : Out(signed)
        What is added: ``a`` of an adaptor, or the word itself.

    Latency: 1 cycle.
    Throughput: one command a cycle.

    Schedule: alignment is wiring; one choice for each operand, one subtraction, the registers.
    """

    latency = 1

    def __init__(self, formats: Formats) -> None:
        self.formats = formats
        super().__init__(
            {
                "kind": In(Kind),
                "result": In(range(len(formats.table.entries))),
                "less_input": In(1),
                "word": In(signed(formats.word_width)),
                "chain": In(signed(formats.word_width)),
                "link": In(signed(formats.word_width)),
                "held": In(signed(formats.word_width)),
                "x": Out(signed(formats.x_width)),
                "base": Out(signed(formats.base_width)),
            }
        )

    def model(
        self, kind: Kind, result: int, word: int, chain: int, link: int, held: int
    ) -> tuple[int, int]:
        """Return (x, base); ``held`` is 0 where nothing is to be subtracted."""
        f = self.formats
        if kind is Kind.COPY:
            return 0, word << f.table.entries[result].align
        if kind is Kind.ROW:
            return word - held, word

        def value(x: int, fmt: QFormat | None) -> int:
            assert fmt is not None
            return x << (f.grid - fmt.frac_bits)

        a, b = {
            Kind.OUTER: lambda: (value(chain, f.chain), value(word, f.outer)),
            Kind.INNER: lambda: (value(word, f.inner), value(link, f.outer)),
            Kind.REAL: lambda: (value(word, f.inner), value(chain, f.chain)),
        }[kind]()
        return b - a, a

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        f = self.formats
        with m.Switch(self.kind):
            with m.Case(Kind.COPY):
                m.d.sync += self.x.eq(0)
                with m.Switch(self.result):
                    for index, entry in enumerate(f.table.entries):
                        with m.Case(index):
                            m.d.sync += self.base.eq(self.word << entry.align)
            with m.Case(Kind.ROW):
                m.d.sync += self.base.eq(self.word)
                m.d.sync += self.x.eq(self.word)
                if f.input_width:
                    held = self.held[: f.input_width].as_signed()
                    with m.If(self.less_input):
                        m.d.sync += self.x.eq(self.word - held)
            if f.chain is not None and f.outer is not None:
                with m.Case(Kind.OUTER):
                    self._adaptor(m, (self.chain, f.chain), (self.word, f.outer))
                with m.Case(Kind.INNER):
                    self._adaptor(m, (self.word, f.inner), (self.link, f.outer))
            if f.chain is not None:
                with m.Case(Kind.REAL):
                    self._adaptor(m, (self.word, f.inner), (self.chain, f.chain))
        return m

    def _adaptor(
        self, m: Module, a: tuple[Value, QFormat | None], b: tuple[Value, QFormat | None]
    ) -> None:
        first, second = self._aligned(*a), self._aligned(*b)
        m.d.sync += [self.x.eq(second - first), self.base.eq(first)]

    def _aligned(self, word: Value, fmt: QFormat | None) -> Value:
        assert fmt is not None
        narrow = word[: fmt.width]
        return (narrow.as_signed() if fmt.signed else narrow) << (self.formats.grid - fmt.frac_bits)
