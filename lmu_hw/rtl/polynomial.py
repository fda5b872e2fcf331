"""Activation functions: piecewise polynomials, evaluated with Horner's rule."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..program.integer_program import Function
from ..program.interpreter import evaluate_function
from .block_memories import Rom, RomContents
from .constant_tables import lookup, one_of, saturated, shape_of, signed_width
from .function_width import sum_width
from .multiplier import DigitMultiplier
from .ports import keep_on_reset
from .rounder import Range
from .schedule import Schedule, pipeline_timing


class Polynomial(wiring.Component):
    """Evaluates the function of a word's job.

    Parameters
    ----------
    plan : Schedule
    x_width : int
        Bits of an argument.
    file : str
        File of the coefficient ROM.

    Members
    -------
    x : In(signed(x_width))
        Argument of the activation.
    valid, begins : In(1)
        ``x`` is valid; it is the first word of its job.
    job : In(unsigned)
        The job of ``x``.
    word : Out(signed)
        Value of the activation.
    word_valid, word_begin : Out(1)
        ``word`` is valid; it is the first word of its job.
    word_job : Out(unsigned)
        The job of ``word``.

    Latency: 3 cycles, plus for each degree the cycles of a multiplication and one more.
    Throughput: one word every ``plan.interval`` cycles.

    Schedule:

    - piece: the upper bits of the word address the coefficients.
    - fetch: register the coefficients, because the ROM has a long clock-to-output delay.
    - multiply, add: once for each degree, highest first; functions of a lower degree start with
      zero coefficients.
    - limit: round off the guard bits and saturate the result to its format.
    """

    def __init__(self, plan: Schedule, x_width: int, file: str = "pieces.mem") -> None:
        self.plan, self.functions = plan, plan.functions
        self.timing = pipeline_timing(plan.program, plan.lanes, plan.interval)
        self.latency = 3 + self.timing.degree * self.timing.step_cycles
        self.n_coefs = self.timing.degree + 1
        self.contents = piece_contents(plan, file)
        self.coef_width = self.contents.width // self.n_coefs
        self.y_width = max(sum_width(f) for f in self.functions)
        jobs = range(len(plan.jobs))
        users = [t for t in plan.jobs if t.function is not None]
        super().__init__(
            {
                "x": In(signed(x_width)),
                "valid": In(1),
                "begins": In(1),
                "job": In(jobs),
                "word": Out(signed(max(signed_width(t.out_fmt) for t in users))),
                "word_valid": Out(1),
                "word_begin": Out(1),
                "word_job": Out(jobs),
            }
        )
        keep_on_reset(self, "word", "word_begin", "word_job")

    def model(self, job: int, x: int) -> int:
        """Return the function's word."""
        entry = self.plan.jobs[job]
        assert entry.function is not None
        y = int(evaluate_function(self.functions[entry.function], np.array([x]))[0])
        return min(max(y, entry.out_fmt.min), entry.out_fmt.max)

    def elaborate(self, _platform: object) -> Module:
        m = Module()
        jobs = self.plan.jobs
        m.submodules.pieces = rom = Rom(self.contents)

        # piece: split the word, offset to unsigned, into piece address and rest
        which = lookup(m, self.job, [t.function or 0 for t in jobs], "function")
        rest_width = self.timing.rest_bits
        addresses, rests = [], []
        start = 0
        for f in self.functions:
            unsigned_x = (self.x - f.in_fmt.min)[: f.in_fmt.width]
            addresses.append((unsigned_x >> f.rest_bits) + start)
            rests.append(unsigned_x[: f.rest_bits])
            start += len(f.pieces)
        m.d.comb += rom.address.eq(self._choose(m, which, addresses, len(rom.address), "piece"))
        stage = _Stage(m, self, "piece", self.valid, self.job, self.begins)
        rest = Signal(rest_width, reset_less=True)
        m.d.sync += rest.eq(self._choose(m, which, rests, rest_width, "rest_of_word"))

        # fetch
        coefs: list[Value] = []
        for j in range(self.n_coefs):
            word = rom.word[self.coef_width * j : self.coef_width * (j + 1)].as_signed()
            coef = Signal.like(word, name=f"coef_{j}", reset_less=True)
            m.d.sync += coef.eq(word)
            coefs.append(coef)
        fetched_rest = Signal.like(rest, name="fetched_rest", reset_less=True)
        m.d.sync += fetched_rest.eq(rest)
        rest = fetched_rest
        stage = _Stage(m, self, "fetch", stage.valid, stage.job, stage.begins)

        y: Value = coefs.pop()
        for j in reversed(range(self.timing.degree)):
            y, rest, coefs, stage = self._step(m, j, y, rest, coefs, stage)
        self._limit(m, y, stage)
        return m

    def _choose(self, m: Module, which: Value, values: list[Value], width: int, name: str) -> Value:
        same = []
        for number, value in enumerate(values):
            alike = Signal(width, name=f"{name}_{number}")
            m.d.comb += alike.eq(value)
            same.append(alike)
        return one_of(m, which, same, name)

    def _step(
        self,
        m: Module,
        j: int,
        y: Value,
        rest: Value,
        coefs: list[Value],
        stage: _Stage,
    ) -> tuple[Value, Signal, list[Value], _Stage]:
        """Compute ``c[j] + floor(y * rest * 2**-shift)``; delay the operands of later degrees."""
        name = f"degree_{j}"
        shifts = [_shift(f, j) for f in self.functions]
        if len(rest) == 0:
            product: Value = Signal(signed(1), name=f"{name}_product")
            kept = stage
            kept_rest, kept_coefs = rest, coefs
        else:
            multiplier = DigitMultiplier(self.y_width, len(rest), self.plan.interval)
            m.submodules[name] = multiplier
            m.d.comb += [
                multiplier.x.eq(y),
                multiplier.factor.eq(rest),
                multiplier.start.eq(stage.valid),
            ]
            product = multiplier.product
            kept = stage.kept(m, f"{name}_product", multiplier.done)
            kept_rest = Signal.like(rest, name=f"{name}_rest_kept", reset_less=True)
            kept_coefs = [
                Signal.like(c, name=f"{name}_coef_{i}_kept", reset_less=True)
                for i, c in enumerate(coefs)
            ]
            with m.If(stage.valid):
                m.d.sync += kept_rest.eq(rest)
                m.d.sync += [k.eq(c) for k, c in zip(kept_coefs, coefs, strict=True)]
        which = lookup(m, kept.job, [t.function or 0 for t in self.plan.jobs], f"{name}_of")
        shifted = [product >> s for s in shifts]
        drop = self._shifted(m, which, shifted, len(product), name)
        after = _Stage(m, self, name, kept.valid, kept.job, kept.begins)
        new_y = Signal(signed(self.y_width), name=f"{name}_sum", reset_less=True)
        new_rest = Signal(len(rest), name=f"{name}_rest", reset_less=True)
        new_coefs = [
            Signal.like(c, name=f"{name}_coef_{i}", reset_less=True)
            for i, c in enumerate(kept_coefs[:-1])
        ]
        m.d.sync += [new_y.eq(kept_coefs[-1] + drop), new_rest.eq(kept_rest)]
        m.d.sync += [n.eq(c) for n, c in zip(new_coefs, kept_coefs, strict=False)]
        return new_y, new_rest, new_coefs, after

    def _shifted(
        self, m: Module, which: Value, values: list[Value], width: int, name: str
    ) -> Value:
        same = []
        for number, value in enumerate(values):
            alike = Signal(signed(width), name=f"{name}_shifted_{number}")
            m.d.comb += alike.eq(value)
            same.append(alike)
        return one_of(m, which, same, f"{name}_shifted")

    def _limit(self, m: Module, y: Value, stage: _Stage) -> None:
        """Round off the guard bits and saturate the result to the format of its job."""
        ranges = [
            Range.of(t.out_fmt, self.functions[t.function].guard if t.function is not None else 0)
            for t in self.plan.jobs
            if t.function is not None
        ]
        distinct = list(dict.fromkeys(ranges))
        index = lookup(
            m,
            stage.job,
            [
                0
                if t.function is None
                else distinct.index(Range.of(t.out_fmt, self.functions[t.function].guard))
                for t in self.plan.jobs
            ],
            "range",
        )
        limited = []
        for number, r in enumerate(distinct):
            word = Signal(signed(len(self.word)), name=f"limited_{number}")
            rounded = Signal(signed(self.y_width + 1), name=f"rounded_{number}")
            m.d.comb += rounded.eq((y + ((1 << r.drop) >> 1)) >> r.drop)
            m.d.comb += word.eq(saturated(rounded, r.low, r.high))
            limited.append(word)
        m.d.sync += [
            self.word.eq(one_of(m, index, limited, "limited")),
            self.word_valid.eq(stage.valid),
            self.word_begin.eq(stage.begins),
            self.word_job.eq(stage.job),
        ]


def piece_contents(plan: Schedule, file: str) -> RomContents:
    """Return the coefficients of all pieces, constant term lowest, padded with zeros."""
    n_coefs = max(len(f.shifts) for f in plan.functions) + 1
    pieces = [p + (0,) * (n_coefs - len(p)) for f in plan.functions for p in f.pieces]
    width = shape_of([-1, *(c for piece in pieces for c in piece)]).width
    mask = (1 << width) - 1
    words = tuple(sum((c & mask) << (width * j) for j, c in enumerate(p)) for p in pieces)
    return RomContents(width=width * n_coefs, words=words, file=file)


class _Stage:
    """Valid, job and begin in the registers of one stage."""

    def __init__(
        self,
        m: Module,
        like: Polynomial,
        name: str,
        valid: Value,
        job: Value,
        begin: Value,
    ) -> None:
        self.valid = Signal(name=f"{name}_valid")
        self.job = Signal.like(like.job, name=f"{name}_job", reset_less=True)
        self.begins = Signal(name=f"{name}_begin", reset_less=True)
        m.d.sync += [self.valid.eq(valid), self.job.eq(job), self.begins.eq(begin)]

    def kept(self, m: Module, name: str, done: Value) -> _Stage:
        """Return the stage held since the start of a multiplication."""
        later = object.__new__(_Stage)
        later.valid = done
        later.job = Signal.like(self.job, name=f"{name}_job", reset_less=True)
        later.begins = Signal(name=f"{name}_begin", reset_less=True)
        with m.If(self.valid):
            m.d.sync += [later.job.eq(self.job), later.begins.eq(self.begins)]
        return later


def _shift(f: Function, j: int) -> int:
    """Return the right shift of the product that is added to coefficient j."""
    return f.shifts[j] if j < len(f.shifts) else 0
