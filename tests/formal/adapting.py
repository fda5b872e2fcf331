"""Proofs that the adaptors of the parallel styles compute what the program defines.

The definition is `lmu_hw.program.memory_step.adaptor` itself, which takes Amaranth's values as well
as integers; only what saturates a result is put off, so that a proven range can be assumed instead.
"""

from __future__ import annotations

from unittest import mock

from amaranth.hdl import Assume, Cat, Module, Mux, Signal, Value, signed

from lmu_hw.program import memory_step
from lmu_hw.program.fixedpoint import QFormat, Rounding, round_sum
from lmu_hw.program.integer_program import Adaptor
from lmu_hw.rtl.parallel.adaptor_shape import AdaptorStage
from lmu_hw.rtl.parallel.ring_plan import PortWord
from lmu_hw.rtl.parallel.ring_schedule import SlotKind
from lmu_hw.rtl.rounder import Range
from tests.formal.prover import Design, Harness
from tests.formal.requantizing import saturate


def rounded(base: Value, x: Value, shift: int, silent: Value, _fmt: QFormat) -> Value:
    """Return `memory_step.round_and_saturate` without saturation."""
    modes = (Rounding.TRN_ZERO, Rounding.RND)
    toward_zero, nearest = (round_sum(base, x, shift, mode) for mode in modes)
    return Mux(silent, toward_zero, nearest)


def results(
    e: Adaptor, a: Value, a_fmt: QFormat, b: Value, b_fmt: QFormat, silent: Value
) -> tuple[Value, Value]:
    """Return the two new words of an adaptor by the definition, not saturated."""
    with mock.patch.object(memory_step, "round_and_saturate", rounded):
        new_a, new_b = memory_step.adaptor(e, a, a_fmt, b, b_fmt, silent)
    return new_a, new_b


class Adapts(Harness):
    """What two words become leaves after the latency, saturated where that is not unnecessary.

    A word that the hardware does not saturate is assumed to stay in its format, as a certificate
    proves it.
    """

    latency: int

    def later(self, m: Module, found: list[tuple[str, Value]]) -> None:
        """Claim that ports of the module are these words, a latency later."""
        age = Signal(range(self.latency + 1))
        m.d.sync += age.eq(Mux(age == self.latency, age, age + 1))
        for name, word in found:
            early = Signal(signed(24), name=f"{name}_0")
            m.d.comb += early.eq(word)
            for stage in range(1, self.latency + 1):
                if stage == self.latency and f"coming_{name}" in self.ports:
                    here = self[f"coming_{name}"] == early
                    self.claim(m, here, when=age >= self.latency - 1)
                late = Signal.like(early, name=f"{name}_{stage}")
                m.d.sync += late.eq(early)
                early = late
            if f"{name}_new" in self.ports:
                self.claim(m, self[f"{name}_new"] == early, when=age == self.latency)

    def limited(self, m: Module, exact: Value, fmt: QFormat, is_limited: bool) -> Value:
        """Return a result as it leaves."""
        if is_limited:
            return saturate(exact, fmt)
        m.d.comb += Assume((exact >= fmt.min) & (exact <= fmt.max))
        return exact


class ConstantAdapts(Adapts):
    """The adaptor ``number`` of section 0 of `--parallel full`."""

    def __init__(self, design: Design, number: int) -> None:
        super().__init__(design)
        self.shape = design.plan.adaptors(0)[number]
        self.latency = self.shape.pipeline

    def check(self, m: Module) -> None:
        shape = self.shape
        new_a, new_b = results(
            shape.e, self["a"], shape.a_fmt, self["b"], shape.b_fmt, self["silent"]
        )
        words = [
            ("a", self.limited(m, new_a, shape.a_fmt, shape.limit_a)),
            ("b", self.limited(m, new_b, shape.b_fmt, shape.limit_b)),
        ]
        self.later(m, words)


class TableAdapts(Adapts):
    """The adaptor of unit 0 of `--parallel ring`, with what the unit gives it in any slot."""

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        plan = design.plan
        self.latency, self.table = plan.pipeline, plan.coefficients(0)
        self.slots = plan.schedule.slots[0]
        self.slot = self.free(range(len(self.slots)), "slot")
        formats = (plan.op.chain_fmt, plan.inner_fmt, plan.outer_fmt)
        self.words = [self.free(signed(max(f.width for f in formats)), n) for n in ("x_a", "x_b")]

    def check(self, m: Module) -> None:
        plan, (a, b) = self.design.plan, self.words
        found = [Signal(signed(24), name=name) for name in ("result_a", "result_b")]
        m.d.comb += Assume(self.slot < len(self.slots))
        hold = self["hold"]
        with m.Switch(self.slot):
            for number, slot in enumerate(self.slots):
                with m.Case(number):
                    if slot.kind is SlotKind.IDLE:
                        # nobody uses what leaves then
                        m.d.comb += Assume(0)
                        continue
                    number_of = -1 if slot.kind is SlotKind.INNER else 0
                    e = plan.op.sections[slot.section][number_of]
                    m.d.comb += Assume(self["coef"] == self.table.coefs[number])
                    if "choice" in self.ports:
                        m.d.comb += Assume(self["choice"] == self.table.choices[number])
                    chain = (slot.kind is SlotKind.OUTER, slot.kind is SlotKind.REAL)
                    ports: tuple[PortWord, PortWord] = plan.ports[slot.kind]
                    new = results(e, a, ports[0].fmt, b, ports[1].fmt, self["silent"])
                    for k, port in enumerate(ports):
                        name, word, fmt = "ab"[k], self.words[k], port.fmt
                        align = plan.grid - fmt.frac_bits
                        if f"chain_{name}" in self.ports:
                            m.d.comb += Assume(self[f"chain_{name}"] == int(chain[k]))
                        m.d.comb += [
                            Assume((word >= fmt.min) & (word <= fmt.max)),
                            Assume(self[name] == (word << align)),
                        ]
                        exact = Signal(signed(24), name=f"exact_{name}_{number}")
                        m.d.comb += exact.eq(Mux(hold, word, new[k]))
                        limited = self.limited(m, exact, fmt, port.limited)
                        m.d.comb += found[k].eq(limited << align)
        erased = Signal()
        m.d.sync += erased.eq(self["erase"])
        self.erased = erased
        self.later(m, [("a", found[0]), ("b", found[1])])

    def claim(self, m: Module, holds: Value, when: Value = 1) -> None:
        """Claim a result, but zero where it was erased."""
        zero = (self["a_new"] == 0) & (self["b_new"] == 0)
        super().claim(m, Mux(self.erased, zero, holds), when)


class Rounds(Harness):
    """A total is rounded, and flagged when it is out of range, by the definition.

    The product is free, and so is the base.
    """

    def __init__(self, design: Design, number: int, port: str) -> None:
        super().__init__(design)
        shape = design.plan.adaptors(0)[number]
        fmt = shape.a_fmt if port == "a" else shape.b_fmt
        self.entry, self.shift = Range.of(fmt, shape.grid - fmt.frac_bits), shape.e.shift
        self.short = AdaptorStage.SHIFT in shape.cuts
        self.product = self.free(signed(shape.product_width), "product")

    def check(self, m: Module) -> None:
        entry, shift, product = self.entry, self.shift, self.product
        base, silent = self["base"].as_signed(), self["silent"]
        drop = entry.drop
        below = product[:shift]
        if self.short:
            tail = Cat(product[shift - 1], below.any())
            m.d.comb += Assume(self["quotient"].as_signed() == (product >> shift))
            m.d.comb += Assume(self["tail"] == tail)
        else:
            m.d.comb += Assume(self["quotient"] == product.as_unsigned())
        added = Mux(silent, (1 << drop) - 1, (1 << drop) >> 1)
        m.d.comb += Assume(self["raised_base"].as_signed() == base + added)
        rest = ((base & ((1 << drop) - 1)) << shift) + product
        exact = Signal(signed(len(product) + len(base) + 4))
        m.d.comb += exact.eq(rounded(base >> drop, rest, shift + drop, silent, entry.fmt))
        bits = self["total"][drop : drop + entry.fmt.width].as_signed()
        limited = Mux(self["over"], entry.high, Mux(self["under"], entry.low, bits))
        self.claim(m, limited == saturate(exact, entry.fmt))
        # a harness without a register has no clock
        m.d.sync += Signal(name="tick").eq(1)
