"""Template data of a chain's adaptors: types and expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..errors import EmitError
from ..program.fixedpoint import QFormat
from ..program.integer_program import Adaptor
from .c_expressions import (
    Expression,
    Range,
    cast,
    constant,
    linear_ends,
    minus,
    stored,
    times,
    word,
)
from .c_types import Column, magnitude, sum_bits, type_bits
from .kernels import guarded, limited, product, rounded, saturated, two_port_fits
from .operation import Accumulator, Routine

WORD_BITS = 32
"""Width of the factors of a fast product [bits]."""
ACCUMULATOR_BITS = 64
"""Width of products and of sums of products [bits]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptorSignal:
    """A word that enters and leaves adaptors."""

    name: str
    fmt: QFormat
    ctype: str
    low: str
    high: str

    @property
    def bits(self) -> int:
        """Width of the C type."""
        return type_bits(self.ctype)

    def stored(self, x: Expression) -> str:
        """Return the text of ``x`` as the word, saturated and cast."""
        return stored(limited(x, self.fmt, self.low, self.high), self.ctype)

    def kept(self, x: Expression) -> str:
        """Return the text of ``x`` as a word of a memory, saturated and cast."""
        return stored(guarded(x, self.fmt, self.low, self.high), self.ctype)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptorSide:
    """One side of an adaptor: words are multiplied by ``1 << drop``, results lose ``drop`` bits."""

    signal: AdaptorSignal
    drop: int

    @property
    def range(self) -> Range:
        """Smallest and largest word."""
        return self.signal.fmt.min, self.signal.fmt.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The method for computing the adaptors of a kind.

    ``bits`` is the width of the sums; ``narrow`` says that ``b - a`` fits 32 bits although the sums
    do not. Coefficients have ``shift`` fractional bits, or each its own if that is None. ``b - a``
    is multiplied by ``gain`` first. With ``products``, both words are multiplied instead of ``b -
    a``.
    """

    kind: str
    a: AdaptorSide
    b: AdaptorSide
    frac_bits: int
    bits: int
    narrow: bool
    shift: int | None = None
    gain: int = 1
    products: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptorCode:
    """A kind of adaptor in C: its plan and expressions.

    ``x`` and ``y`` are the aligned words, ``d`` is ``y - x`` times the gain, ``t`` the product with
    the coefficient, and ``new_a`` and ``new_b`` are the new words. With `Plan.products`,
    ``nearest_a`` and ``nearest_b`` are the new words outside zero-input runs.
    """

    plan: Plan
    shift: str
    x: str
    y: str
    d_type: str
    d: str
    t: str
    new_a: str
    new_b: str
    nearest_a: str = ""
    nearest_b: str = ""
    accumulators: tuple[Accumulator, ...]


def plan_of(kind: str, a: AdaptorSignal, b: AdaptorSignal, used: list[Adaptor]) -> Plan:
    """Return the fastest plan that all coefficients of a kind of adaptor allow."""
    align = max(a.fmt.frac_bits, b.fmt.frac_bits)
    drops = align - a.fmt.frac_bits, align - b.fmt.frac_bits
    difference = (magnitude(a.fmt) << drops[0]) + (magnitude(b.fmt) << drops[1])
    # |t|, |2 a - b| and their sum b' are below 2 (|a| + |b|) each; rounding adds a half.
    bits = sum_bits(2 * difference + (1 << max(drops)))
    general = Plan(
        kind=kind,
        a=AdaptorSide(signal=a, drop=drops[0]),
        b=AdaptorSide(signal=b, drop=drops[1]),
        frac_bits=align,
        bits=bits,
        narrow=bits == 64 and sum_bits(difference) == 32,
    )
    return next(
        (
            plan
            for plan in _faster(general, difference)
            if all(scaled(e, plan) is not None for e in used)
        ),
        general,
    )


def _faster(general: Plan, difference: int) -> Iterator[Plan]:
    """Yield variants of ``general`` for coefficients with a common shift, the fastest first.

    In the first ones, the upper half of a 32-by-32-bit product is the required sum.
    """
    if general.bits == 32:
        for log2_gain in range(WORD_BITS - difference.bit_length()):
            yield replace(general, shift=WORD_BITS - log2_gain, gain=1 << log2_gain)
    # |a'| and |b'| before rounding are below 2 (|a| + |b|)
    room = ACCUMULATOR_BITS - (2 * difference).bit_length() - 2
    drop = max(general.a.drop, general.b.drop)
    if max(general.a.signal.bits, general.b.signal.bits) <= WORD_BITS:
        for shift in range(min(room, WORD_BITS - 2 - drop) + 1):
            yield replace(general, shift=shift, products=general.bits == 64)


def adaptor(
    routine: Routine, plan: Plan, used: list[Adaptor], coef_type: str, own: Column | None
) -> AdaptorCode:
    """Return the expressions of a kind of adaptor, with a case for each coefficient."""
    kind = f"{routine.kind}_{plan.kind}"
    coefs = tuple(scaled(e, plan) or e.coef for e in used)
    shifts, shift = _shifts(plan, used, own)
    aligned = _aligned("*a", plan.a, plan.bits), _aligned("*b", plan.b, plan.bits)
    x, y = (
        word(name, f"int{plan.bits}_t", *value.cases)
        for name, value in zip("xy", aligned, strict=True)
    )
    difference = cast(32, minus(y, x)) if plan.narrow else minus(y, x)
    if plan.gain > 1:
        difference = times(difference, constant(plan.gain))
    d = word("d", f"int{32 if plan.narrow else plan.bits}_t", *difference.cases)
    e = word("e", coef_type, *((coef, coef) for coef in coefs))
    full = product(e, d, 64)
    t = word("t", "int64_t", *full.cases)
    exact = [(coef * plan.gain, 1 << s) for coef, s in zip(coefs, shifts, strict=True)]
    # a' = (1 - e) a + e b and b' = (2 - e) a - (1 - e) b: x and t are correlated
    whole_a = tuple(linear_ends(*_box(plan, (one - e, e))) for e, one in exact)
    whole_b = tuple(linear_ends(*_box(plan, (2 * one - e, e - one))) for e, one in exact)
    base_b = minus(times(constant(2), x), y)
    new_a = rounded(x, t, whole_a, shifts, shift, plan.a.drop, plan.bits)
    new_b = rounded(base_b, t, whole_b, shifts, shift, plan.b.drop, plan.bits)
    found = AdaptorCode(
        plan=plan,
        shift=shift,
        x=stored(aligned[0], x.ctype),
        y=stored(aligned[1], y.ctype),
        d_type=d.ctype,
        d=difference.text,
        t=full.text,
        new_a=plan.a.signal.kept(new_a),
        new_b=plan.b.signal.kept(new_b),
        accumulators=(
            Accumulator.of(kind, d, scale_bits=plan.gain.bit_length() - 1),
            Accumulator.of(kind, t, scale_bits=None if plan.shift is None else shifts[0]),
        ),
    )
    if not plan.products:
        return found
    exact_sums = (_sum(x, t, whole_a, shifts[0]), _sum(base_b, t, whole_b, shifts[0]))
    return _with_products(found, kind, coefs, shifts[0], exact_sums)


def _sum(base: Expression, t: Expression, whole: tuple[Range, ...], shift: int) -> str:
    """Return ``base * 2^shift + t`` in 64 bits; ``whole`` is its range in each case."""
    aligned = times(base, constant(1 << shift), 64)
    return word(f"{aligned.text} + {t.text}", "int64_t", *whole).text


def _shifts(plan: Plan, used: list[Adaptor], own: Column | None) -> tuple[tuple[int, ...], str]:
    """Return the fractional bits of a product beyond those of its words, and their C text."""
    if plan.shift is not None:
        shift = plan.shift + plan.gain.bit_length() - 1
        return (shift,) * len(used), str(shift)
    return tuple(e.shift for e in used), own.at("") if own and not own.table else "shift"


def _aligned(name: str, port: AdaptorSide, bits: int) -> Expression:
    """Return a port's word, aligned to the fractional bits of the adaptor."""
    x = word(name, port.signal.ctype, port.range)
    return times(x, constant(1 << port.drop), bits) if port.drop else x


def _with_products(
    code: AdaptorCode, kind: str, coefs: tuple[int, ...], shift: int, sums: tuple[str, str]
) -> AdaptorCode:
    """Return an adaptor that multiplies both words outside zero-input runs.

    ``sums`` are the same sums from ``x``, ``y`` and ``t``.
    """
    a, b = code.plan.a, code.plan.b
    if not two_port_fits(coefs, shift, (a.drop, b.drop), a.signal.fmt, b.signal.fmt):
        raise EmitError(f"C of 64 bits cannot hold the sums of {kind}")

    def rounded_to(port: AdaptorSide, total: str, how: str) -> str:
        signal = port.signal
        limits = (signal.fmt, signal.low, signal.high)
        return signal.stored(saturated(total, shift + port.drop, *limits, how))

    return replace(
        code,
        nearest_a=rounded_to(a, "sum_a", "half_up"),
        nearest_b=rounded_to(b, "sum_b", "half_up"),
        new_a=rounded_to(a, sums[0], "toward_zero"),
        new_b=rounded_to(b, sums[1], "toward_zero"),
    )


def _box(plan: Plan, weights: tuple[int, int]) -> tuple[tuple[int, Range], tuple[int, Range]]:
    """Return weights of aligned words as weights of the words themselves, with their ranges."""
    of_a, of_b = weights
    return (of_a << plan.a.drop, plan.a.range), (of_b << plan.b.drop, plan.b.range)


def scaled(e: Adaptor, code: Plan) -> int | None:
    """Return the coefficient with the shift of ``code``, or None if it does not fit 32 bits."""
    if code.shift is None:
        return e.coef
    # a gain on the other factor replaces bits of the coefficient
    up = code.shift - e.shift
    coef = e.coef << up if up >= 0 else 0
    return coef if 0 < coef < 1 << (WORD_BITS - 1) else None
