"""Requantization of exact sums to words: bias, scale, shift, round, saturate."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.fixedpoint import Overflow, Rounding, overflow, round_sum
from .block_memories import Rom, RomContents
from .constant_tables import lookup, signed_width
from .lane_widths import LaneWidths
from .multiplier import DigitMultiplier
from .ports import keep_on_reset
from .rounder import Range, RoundedTotal, Rounder
from .schedule import Schedule, pipeline_timing
from .shifter import Shifter


class Requantizer(wiring.Component):
    """``word = sat(rnd(base + (total + bias) * multiplier * 2**-shift))``.

    The parameter ROM supplies bias, multiplier and shift in the order of the results.

    Parameters
    ----------
    plan : Schedule
    widths : LaneWidths
    file : str
        File of the parameter ROM.

    Members
    -------
    total, base : In(signed)
        A sum, and the word it is added to.
    valid : In(1)
        ``total`` is a sum.
    job : In(unsigned)
        The job of the sum.
    begins : In(1)
        First result of its job.
    silent : In(1)
        Round toward zero, for a dense memory in a zero-input run.
    word : Out(signed)
        Word in the format of the job, or of its function's argument.
    word_valid, word_begin : Out(1)
        ``word`` is valid; it is the first word of its job.
    word_job : Out(unsigned)
        The job of ``word``.

    Latency: 5 cycles plus those of the multiplication.
    Throughput: one result every ``plan.interval`` cycles.

    Schedule:

    - parameters: read the ROM.
    - bias: add it.
    - scale: multiply; no cycle where every multiplier is 1.
    - shift: shift right, keep half and sticky bits.
    - round: add base and quotient, and round.
    - limit: saturate to the range of the word, into the output register.
    """

    def __init__(self, plan: Schedule, widths: LaneWidths, file: str = "params.mem") -> None:
        self.plan, self.widths = plan, widths
        self.timing = pipeline_timing(plan.program, plan.lanes, plan.interval)
        self.latency = 5 + self.timing.scale_cycles
        self.fields = fields_of(plan)
        self.contents = param_contents(plan, file)
        jobs = range(len(plan.jobs))
        word = signed(max(signed_width(job.fmt) for job in plan.jobs))
        super().__init__(
            {
                "total": In(signed(widths.total)),
                "base": In(signed(widths.base)),
                "valid": In(1),
                "job": In(jobs),
                "begins": In(1),
                "silent": In(1),
                "word": Out(word),
                "word_valid": Out(1),
                "word_begin": Out(1),
                "word_job": Out(jobs),
            }
        )
        keep_on_reset(self, "word")

    def model(self, job: int, total: int, param: int, base: int, silent: bool) -> int:
        """Return the requantized word."""
        bias, multiplier, shift = self.plan.params[param]
        rounding = Rounding.TRN_ZERO if silent else Rounding.RND
        exact = round_sum(base, (total + bias) * multiplier, shift, rounding)
        return overflow(exact, self.plan.jobs[job].fmt, Overflow.SAT)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        m.submodules.params = rom = Rom(self.contents)
        self._address(m, rom)
        fetched = Tag(m, self, "bias")
        fetched.take(m, self.valid, self)
        biased, scaled = self._biased(m, rom), Tag(m, self, "scale")
        scaled.take(m, fetched.valid, fetched)
        bias_width, scale = self.fields.bias_width, self.fields.scale_bits
        amount = Signal(self.fields.shift_width, reset_less=True)
        m.d.sync += amount.eq(rom.word[bias_width + scale :])
        product: Value = biased
        if scale:
            factor = Signal(scale, reset_less=True)
            m.d.sync += factor.eq(rom.word[bias_width : bias_width + scale])
            scaled, product, amount = self._scale(m, scaled, biased, factor, amount)
        self._round(m, scaled, product, amount)
        return m

    def _address(self, m: Module, rom: Rom) -> None:
        """Address the parameters: one ROM word per result, or one for all results of a job."""
        jobs = self.plan.jobs
        address = Signal.like(rom.address, name="address")
        following = Signal.like(rom.address, name="next_address", reset_less=True)
        first = lookup(m, self.job, [t.params for t in jobs], "first_param")
        one = lookup(m, self.job, [t.one_param for t in jobs], "one_param")
        m.d.comb += address.eq(following)
        with m.If(self.begins):
            m.d.comb += address.eq(first)
        with m.If(self.valid):
            m.d.sync += following.eq(address + 1)
            with m.If(one):
                m.d.sync += following.eq(address)
        m.d.comb += rom.address.eq(address)

    def _biased(self, m: Module, rom: Rom) -> Signal:
        """Return the sum with its bias, two cycles later."""
        held = Signal(signed(self.widths.total), name="held_total", reset_less=True)
        biased = Signal(signed(self.widths.total), reset_less=True)
        m.d.sync += held.eq(self.total)
        bias_width = self.fields.bias_width
        bias = rom.word[:bias_width].as_signed() if bias_width else 0
        m.d.sync += biased.eq(held + bias)
        return biased

    def _scale(
        self, m: Module, tag: Tag, biased: Value, factor: Value, amount: Signal
    ) -> tuple[Tag, Value, Signal]:
        """Return the scaled sum between its tag and its shift."""
        m.submodules.scale = multiplier = DigitMultiplier(
            self.widths.total, len(factor), self.plan.interval
        )
        m.d.comb += [
            multiplier.x.eq(biased),
            multiplier.factor.eq(factor),
            multiplier.start.eq(tag.valid),
        ]
        scaled = Tag(m, self, "scaled", valid=multiplier.done)
        scaled_amount = Signal.like(amount, name="scaled_amount")
        with m.If(tag.valid):
            scaled.take(m, None, tag)
            m.d.sync += scaled_amount.eq(amount)
        return scaled, multiplier.product, scaled_amount

    def _round(self, m: Module, tag: Tag, product: Value, amount: Value) -> None:
        """Shift the product, add the base, round and saturate."""
        fields = self.fields
        m.submodules.shifter = shifter = Shifter(len(product), fields.shift_min, fields.shift_width)
        ranges = [Range.of(job.fmt) for job in self.plan.jobs]
        distinct = list(dict.fromkeys(ranges))
        m.submodules.rounder = rounder = Rounder(distinct, self.widths.base, shifter.quotient_width)
        stages = [tag]
        for name in ("round", "limit", "done"):
            stages.append(Tag(m, self, name))
            stages[-1].take(m, stages[-2].valid, stages[-2])
        _, _, limiting, done = stages
        among = [distinct.index(r) for r in ranges]
        m.d.comb += [
            shifter.x.eq(product),
            shifter.amount.eq(amount),
            rounder.base.eq(tag.base),
            rounder.silent.eq(tag.silent),
            rounder.result.eq(lookup(m, tag.job, among, "range")),
            rounder.quotient.eq(shifter.quotient),
            rounder.half.eq(shifter.half),
            rounder.rest.eq(shifter.rest),
        ]
        rounded = RoundedTotal(rounder, "rounded")
        rounded.take(m, rounder)
        m.d.sync += self.word.eq(rounded.word(m, limiting.job, among, "limited"))
        m.d.comb += [
            self.word_valid.eq(done.valid),
            self.word_begin.eq(done.begins),
            self.word_job.eq(done.job),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamFields:
    """Field widths of a parameter ROM word, bias lowest, and the smallest shift."""

    bias_width: int
    scale_bits: int
    shift_width: int
    shift_min: int

    @property
    def width(self) -> int:
        """Bits of a word."""
        return self.bias_width + self.scale_bits + self.shift_width


def fields_of(plan: Schedule) -> ParamFields:
    """Return the fields of a schedule's parameters; constant fields take 0 bits."""
    shifts = [shift for _, _, shift in plan.params]
    biases = [bias for bias, _, _ in plan.params]
    return ParamFields(
        bias_width=max(b.bit_length() for b in biases) + 1 if any(biases) else 0,
        scale_bits=pipeline_timing(plan.program, plan.lanes, plan.interval).scale_bits,
        shift_width=(max(shifts) - min(shifts)).bit_length(),
        shift_min=min(shifts),
    )


def param_contents(plan: Schedule, file: str) -> RomContents:
    """Return the contents of the parameter ROM."""
    fields = fields_of(plan)
    bias_mask, scale_mask = (1 << fields.bias_width) - 1, (1 << fields.scale_bits) - 1
    words = tuple(
        bias & bias_mask
        | (multiplier & scale_mask) << fields.bias_width
        | (shift - fields.shift_min) << (fields.bias_width + fields.scale_bits)
        for bias, multiplier, shift in plan.params
    )
    return RomContents(width=fields.width, words=words, file=file)


class Tag:
    """Pipeline registers for the control signals of a result, in one stage.

    Parameters
    ----------
    m : Module
    like : Requantizer
        Block whose ports give the widths.
    stage : str
        Prefix of the signal names.
    valid : Signal, optional
        Existing valid signal; by default a new register.
    """

    def __init__(
        self, m: Module, like: Requantizer, stage: str, *, valid: Signal | None = None
    ) -> None:
        self.valid = Signal(name=f"{stage}_valid") if valid is None else valid
        self.job = Signal.like(like.job, name=f"{stage}_job", reset_less=True)
        self.begins = Signal(name=f"{stage}_begins", reset_less=True)
        self.base = Signal.like(like.base, name=f"{stage}_base", reset_less=True)
        self.silent = Signal(name=f"{stage}_silent", reset_less=True)

    def take(self, m: Module, valid: Signal | None, of: Tag | Requantizer) -> None:
        """Load the registers from the previous stage."""
        if valid is not None:
            m.d.sync += self.valid.eq(valid)
        for name in ("job", "begins", "base", "silent"):
            m.d.sync += getattr(self, name).eq(getattr(of, name))
