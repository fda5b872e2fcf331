"""The lossless three-port of a ladder as a pipeline of one multiplier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amaranth.hdl import Cat, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.fixedpoint import QFormat
from .adaptor import LOW_BITS
from .constant_tables import lookup, one_of, saturated
from .ports import keep_on_reset
from .rounder import Range, RoundedTotal, Rounder
from .shifter import Shifter


class ThreePort(wiring.Component):
    """``t = coef * 2**-shift * (other - wave)``, and the sums of waves that ``t`` enters.

    A window of 4 cycles multiplies once. The wave that enters it is the one that left the window
    before, after it has passed the section between the two, which adds a known word: the state of
    an even section, or ``t`` of an odd one.

    Parameters
    ----------
    formats : sequence of QFormat
        Format of the waves of each ladder.
    coef : Shape
        Shape of the coefficients.
    shift_min, shift_width : int
        Smallest shift, and width of ``shift``.

    Members
    -------
    number : In(unsigned)
        Index of the ladder.
    enter, leave : In(1)
        First and last cycle of a window.
    passed, lost : In(signed), In(1)
        With ``leave``: word that the section adds which the wave passes next, and whether it is a
        ``t`` with a remainder that counts when rounding toward zero.
    behind : In(signed)
        With ``leave``: word that is added instead for minus the new state of that section.
    other, own : In(signed)
        With ``leave``: minuend of the next factor; the state of an even section on the way right,
        else 0.
    restart : In(1)
        With ``leave``: the wave that leaves is zero.
    source : In(1)
        The base of the sum that leaves is ``other``, not ``wave - own``.
    even : In(1)
        With ``leave``: the new state of an even section is ``-round(t - own)``.
    coef, shift : In
        The coefficient, and its right shift minus ``shift_min``.
    silent : In(1)
        Round toward zero instead of to nearest.
    wave : Out(signed)
        The wave that entered, from the second cycle of the window on.
    t, t_lost, t_behind : Out
        With ``leave``: the words ``passed``, ``lost`` and ``behind`` for the way right.
    state : Out(signed)
        The new state of the passed section one cycle after ``enter``, or of the even one after
        ``leave``.

    Latency: 4 cycles from a wave to the next.
    Throughput: one product every 4 cycles.

    Schedule:

    - operand: limit the wave, pass the section between, limit again, subtract from ``other``. One
      addition is as fast as all: the factor is computed for every way to limit the wave.
    - product: multiply, in two partial products if the factor is wide; base of the sum.
    - shift: add the partial products, shift ``t`` right, keep half and sticky bits.
    - round: sum and round the wave that leaves, and the new state; load the next operands.
    """

    def __init__(
        self, formats: Sequence[QFormat], coef: Shape, shift_min: int, shift_width: int
    ) -> None:
        self.formats, self.shift_min = tuple(formats), shift_min
        width = max(fmt.width for fmt in formats)
        # t is at most as large as its factor, the difference of two waves
        word, t = signed(width), signed(width + 2)
        super().__init__(
            {
                "number": In(range(len(formats))),
                "enter": In(1),
                "leave": In(1),
                "passed": In(t),
                "lost": In(1),
                "behind": In(t),
                "other": In(word),
                "own": In(word),
                "restart": In(1),
                "source": In(1),
                "even": In(1),
                "coef": In(coef),
                "shift": In(unsigned(shift_width)),
                "silent": In(1),
                "wave": Out(word),
                "t": Out(t),
                "t_lost": Out(1),
                "t_behind": Out(t),
                "state": Out(word),
            }
        )
        keep_on_reset(self, "wave")

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        width = len(self.other)
        distinct = list(dict.fromkeys(Range.of(fmt) for fmt in self.formats))
        among = [distinct.index(Range.of(fmt)) for fmt in self.formats]
        shifter = Shifter(width + 1 + len(self.coef), self.shift_min, len(self.shift))
        round_wave = Rounder(distinct, width + 1, len(self.t))
        round_state = Rounder([Range.of(QFormat(width + 3, 0))], width + 1, len(self.t))
        m.submodules.shifter = shifter
        m.submodules.round_wave, m.submodules.round_state = round_wave, round_state
        m.d.comb += round_wave.result.eq(lookup(m, self.number, among, "range"))

        held = self._held(m)
        leaving = RoundedTotal(round_wave, "leaving")
        limited = leaving.word(m, self.number, among, "limited_wave")
        # a sum of three waves and t
        result = Signal(signed(width + 3), reset_less=True)
        factor = self._enter(m, limited, held, result)
        minus_factor, base = self._product(m, factor, held, shifter)
        self._shift(m, held, base, shifter, round_wave, round_state)
        self._to_the_right(m, shifter, minus_factor)
        with m.If(self.leave):
            leaving.take(m, round_wave)
            with m.If(self.restart):
                m.d.sync += leaving.total.eq(0)
                m.d.sync += [flag.eq(0) for flag in (*leaving.over, *leaving.under)]
            with m.If(self.even):
                m.d.sync += result.eq(round_state.total)
        self._state(m, result)
        return m

    def _held(self, m: Module) -> dict[str, Signal]:
        """Hold the operands of a window."""
        held = {}
        for name in ("passed", "lost", "behind", "other", "own"):
            port = getattr(self, name)
            held[name] = Signal.like(port, name=f"held_{name}", reset_less=True)
            with m.If(self.leave):
                m.d.sync += held[name].eq(port)
        return held

    def _enter(
        self, m: Module, limited: Value, held: Mapping[str, Value], result: Signal
    ) -> Signal:
        """Let a wave enter; return the factor, registered."""
        factor = Signal(signed(len(self.other) + 1), reset_less=True)
        wave, new_factor = self._entering(m, limited, held["passed"], held["lost"])
        passed_state = _toward_zero(m, limited, held["behind"], held["lost"], "passed_state")
        with m.If(self.enter):
            m.d.sync += [self.wave.eq(wave), factor.eq(new_factor), result.eq(passed_state)]
        return factor

    def _product(
        self, m: Module, factor: Value, held: Mapping[str, Value], shifter: Shifter
    ) -> tuple[Signal, Signal]:
        """Multiply, and give the shifter the product; return minus the factor, and the base."""
        low_bits = LOW_BITS if len(factor) > LOW_BITS + 1 else 0
        high = Signal(signed(len(factor) + len(self.coef) - low_bits), reset_less=True)
        low = Signal(Shape(low_bits + len(self.coef), self.coef.shape().signed), reset_less=True)
        minus_factor = Signal(signed(len(factor) + 1), reset_less=True)
        base = Signal(signed(len(factor)), reset_less=True)
        m.d.sync += [
            high.eq(factor[low_bits:].as_signed() * self.coef),
            low.eq(factor[:low_bits] * self.coef),
            minus_factor.eq(0 - factor),
            base.eq(Mux(self.source, held["other"], self.wave - held["own"])),
        ]
        m.d.comb += [
            shifter.x.eq((high << low_bits) + low if low_bits else high),
            shifter.amount.eq(self.shift),
        ]
        return minus_factor, base

    def _shift(
        self,
        m: Module,
        held: Mapping[str, Value],
        base: Value,
        shifter: Shifter,
        round_wave: Rounder,
        round_state: Rounder,
    ) -> None:
        """Give both rounders their base and the shifted product."""
        for rounder, addend in ((round_wave, base), (round_state, 0 - held["own"])):
            m.d.comb += [
                rounder.silent.eq(self.silent),
                rounder.base.eq(addend),
                rounder.quotient.eq(shifter.quotient),
                rounder.half.eq(shifter.half),
                rounder.rest.eq(shifter.rest),
            ]

    def _to_the_right(self, m: Module, shifter: Shifter, minus_factor: Value) -> None:
        """Output the words that the wave passes on the way right."""
        up = Signal()
        m.d.comb += [
            up.eq(shifter.half & ~self.silent),
            self.t.eq(shifter.quotient + up),
            self.t_lost.eq(shifter.rest & self.silent),
            self.t_behind.eq(_plus(shifter.quotient, minus_factor, up)),
        ]

    def _entering(
        self, m: Module, limited: Value, passed: Value, lost: Value
    ) -> tuple[Value, Value]:
        """Return the wave that enters, and the factor ``other - wave``."""
        top = lookup(m, self.number, [fmt.max for fmt in self.formats], "largest")
        bottom = lookup(m, self.number, [fmt.min for fmt in self.formats], "smallest")
        # the factor of a wave that is not limited, less that wave's own part; of a limited one
        rest = Signal(signed(len(passed) + 1), reset_less=True)
        of_top, of_bottom = (
            Signal(signed(len(self.other) + 1), name=name, reset_less=True)
            for name in ("factor_of_largest", "factor_of_smallest")
        )
        with m.If(self.leave):
            m.d.sync += [
                rest.eq(self.other - self.passed),
                of_top.eq(self.other - top),
                of_bottom.eq(self.other - bottom),
            ]
        plain = Signal(signed(len(passed) + 1), name="entering")
        raised = Signal.like(plain, name="entering_raised")
        names = ("over", "under", "negative")
        over, under, negative = (Signal(name=f"entering_{name}") for name in names)
        m.d.comb += [
            plain.eq(limited + passed),
            raised.eq(_plus(limited, passed, lost)),
            negative.eq(plain[-1]),
        ]
        # raising ends at zero, so a negative sum does not pass the largest word
        kinds = list(dict.fromkeys(self.formats))
        for flag, total, name in ((over, plain, "over"), (under, raised, "under")):
            flags = {fmt: Range.of(fmt).beyond(total)[flag is under] for fmt in kinds}
            m.d.comb += flag.eq(one_of(m, self.number, [flags[f] for f in self.formats], name))

        wave = Signal(signed(len(self.other)), name="new_wave")
        factor = Signal(signed(len(self.other) + 1), name="new_factor")
        less = _plus(rest, ~limited, ~lost)
        m.d.comb += [
            wave.eq(Mux(over, top, Mux(under, bottom, Mux(negative, raised, plain)))),
            factor.eq(
                Mux(over, of_top, Mux(under, of_bottom, Mux(negative, less, rest - limited)))
            ),
        ]
        return wave, factor

    def _state(self, m: Module, result: Value) -> None:
        """Saturate minus a result to the format of the ladder."""
        minus_result = Signal(signed(len(result) + 1))
        m.d.comb += minus_result.eq(0 - result)
        limited = {fmt: saturated(minus_result, fmt.min, fmt.max) for fmt in self.formats}
        words = [
            Signal.like(self.state, name=f"state_{number}") for number in range(len(self.formats))
        ]
        m.d.comb += [word.eq(limited[fmt]) for word, fmt in zip(words, self.formats, strict=True)]
        m.d.comb += self.state.eq(one_of(m, self.number, words, "new_state"))


def _plus(a: Value, b: Value, carry: Value) -> Value:
    """Return ``a + b + carry``, by one adder."""
    return (Cat(carry, a).as_signed() + Cat(carry, b).as_signed()) >> 1


def _toward_zero(m: Module, a: Value, b: Value, lost: Value, name: str) -> Signal:
    """Return ``a + b``, plus 1 if that is negative and bits below it are lost."""
    plain = Signal(signed(max(len(a), len(b)) + 1), name=f"{name}_plain")
    total = Signal.like(plain, name=name)
    m.d.comb += [plain.eq(a + b), total.eq(Mux(plain[-1], _plus(a, b, lost), plain))]
    return total
