"""Proofs that hardware rounds and limits words as `lmu_hw.program.fixedpoint` says.

That module's functions are written with operators alone, so they take Amaranth's values, whose
arithmetic is exact, as well as integers: the specification is the definition itself. Only the limit
asks for a comparison that Amaranth spells otherwise; a test holds the two together.
"""

from __future__ import annotations

from amaranth.hdl import Assume, Const, Fragment, Module, Mux, Signal, Value, signed

from lmu_hw.program.fixedpoint import QFormat, Rounding, round_sum
from lmu_hw.rtl.lane_widths import widths
from lmu_hw.rtl.requantizer import Requantizer, fields_of
from lmu_hw.rtl.schedule import Schedule
from tests.formal.prover import Design, Harness


def saturate(x: Value, fmt: QFormat) -> Value:
    """Return `lmu_hw.program.fixedpoint.overflow` with `Overflow.SAT`."""
    return Mux(x > fmt.max, fmt.max, Mux(x < fmt.min, fmt.min, x))


def latency_of(plan: Schedule) -> int:
    """Return the cycles from a total to its word."""
    unit = Requantizer(plan, widths(plan))
    # Amaranth complains of a component that nobody elaborates
    Fragment.get(unit, None)
    return unit.latency


class Requantizes(Harness):
    """Every result leaves after the latency, as the definition has it, with its job.

    Assumes what the lanes guarantee: a total and its bias stay within the accumulator.
    """

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.latency = latency_of(design.plan)
        self.following = self.probe("next_address")

    def check(self, m: Module) -> None:
        plan = self.design.plan
        total, valid, job = self["total"], self["valid"], self["job"]
        # the design has no such port where it is always zero
        base, silent = (
            self[name] if name in self.ports else Const(0, signed(1)) for name in ("base", "silent")
        )
        jobs = plan.jobs

        # which parameters: those of the job in turn, or the same for all its results
        following, param = Signal.like(self.following), Signal(range(len(plan.params)))
        last = Signal.like(job)
        m.d.comb += param.eq(following)
        with m.If(valid):
            m.d.sync += [following.eq(param + 1), last.eq(job)]
        for k, entry in enumerate(jobs):
            with m.If(self["begins"] & (job == k)):
                m.d.comb += param.eq(entry.params)
            if entry.one_param:
                with m.If(valid & (job == k)):
                    m.d.sync += following.eq(param)
        # the first result of all begins its job
        known = Signal()
        with m.If(valid & self["begins"]):
            m.d.sync += known.eq(1)
        m.d.comb += Assume(~valid | self["begins"] | (known & (job == last)))
        m.d.comb += Assume(~valid | (job < len(jobs)))
        self.claim(m, self.following == following, when=known)

        # the definition
        exact = Signal(signed(len(total) + fields_of(plan).scale_bits + len(base) + 2))
        word = Signal.like(self["word"])
        accumulator = range(-(1 << (len(total) - 1)), 1 << (len(total) - 1))
        with m.Switch(param):
            for k, (bias, multiplier, shift) in enumerate(plan.params):
                with m.Case(k):
                    biased = total + bias
                    m.d.comb += Assume((biased >= accumulator[0]) & (biased <= accumulator[-1]))
                    m.d.comb += exact.eq(
                        Mux(
                            silent,
                            round_sum(base, biased * multiplier, shift, Rounding.TRN_ZERO),
                            round_sum(base, biased * multiplier, shift, Rounding.RND),
                        )
                    )
        with m.Switch(job):
            for k, entry in enumerate(jobs):
                with m.Case(k):
                    m.d.comb += word.eq(saturate(exact, entry.fmt))

        for stage in range(self.latency):
            later = [Signal.like(s, name=f"late_{stage}_{s.name}") for s in (valid, job, word)]
            m.d.sync += [new.eq(old) for new, old in zip(later, (valid, job, word), strict=True)]
            valid, job, word = later
        self.claim(m, self["word_valid"] == valid)
        self.claim(m, self["word_job"] == job, when=valid)
        self.claim(m, self["word"] == word, when=valid)
