"""Calls of the functions of ``lmu_kernels.h``.

Each function here models one there: it checks every intermediate of the C function's body, selects
the variant of 32 or 64 bits that holds all of them, and returns the range of the result.
"""

from __future__ import annotations

from ..errors import EmitError
from ..program.fixedpoint import QFormat
from .c_expressions import (
    Expression,
    Range,
    call,
    cast,
    constant,
    linear_ends,
    times,
    width_of,
    word,
)

Shifts = tuple[int, ...]
"""One shift for each case, or one for all."""


def half_up(x: Expression, shifts: Shifts, shift: str, *, to32: bool = False) -> Expression:
    """Return ``lmu_half_upN``: ``x / 2^shift`` to nearest, ties up.

    ``shifts`` are the values of the expression ``shift``. With ``to32``, it is ``lmu_half_up_to32``
    of 64 bits where the result fits 32, also before its last bit is dropped: faster, unless the
    shift is a constant.
    """
    n = max(len(x.cases), len(shifts))
    cases, each = _spread(x.cases, n), shifts * (n // len(shifts))
    sums = tuple(_plus_half(case, s) for case, s in zip(cases, each, strict=True))
    bits = half_up_bits(x, shifts)
    results = tuple(
        (low + (1 << s >> 1) >> s, top >> s)
        for (low, _), (_, top), s in zip(cases, sums, each, strict=True)
    )
    if to32 and bits == 64 and min(shifts) > 0:
        twice = tuple(
            (low >> s - 1, (high >> s - 1) + 1) for (low, high), s in zip(cases, each, strict=True)
        )
        if width_of(twice, 32) == 32:
            return word(f"lmu_half_up_to32({x.text}, {shift})", "int32_t", *results)
    return call(f"lmu_half_up{bits}", bits, [x], results, shift)


def half_up_bits(x: Expression, shifts: Shifts) -> int:
    """Return the width in which `half_up` adds the half."""
    n = max(len(x.cases), len(shifts))
    cases, each = _spread(x.cases, n), shifts * (n // len(shifts))
    sums = tuple(_plus_half(case, s) for case, s in zip(cases, each, strict=True))
    return max(width_of(sums, 32), *x.widths, _room(max(shifts)))


def rescaled(x: Expression, shift: int, least: int = 0) -> Expression:
    """Return ``x`` with ``shift`` fewer fractional bits, rounded half up; more if negative."""
    if shift > 0:
        return half_up(x, (shift,), str(shift))
    return times(x, constant(1 << -shift), least) if shift else x


def limited(x: Expression, fmt: QFormat, low: str, high: str) -> Expression:
    """Return ``lmu_clipN``: ``x`` saturated to a format with named limits; ``x`` if it fits."""
    return _saturated("clip", x, fmt, low, high)


def guarded(x: Expression, fmt: QFormat, low: str, high: str) -> Expression:
    """Return ``lmu_guardN``: as `limited`, for the words of a memory, which seldom saturate."""
    return _saturated("guard", x, fmt, low, high)


def _saturated(how: str, x: Expression, fmt: QFormat, low: str, high: str) -> Expression:
    if fmt.min <= x.low and x.high <= fmt.max:
        return x
    bits = max(x.bits, width_of(((fmt.min, fmt.max),)))
    cases = tuple((_within(a, fmt), _within(b, fmt)) for a, b in x.cases)
    return call(f"lmu_{how}{bits}", bits, [x], cases, low, high)


def narrowed(x: Expression, fmt: QFormat) -> Expression:
    """Return a sum as 32 bits where a format has no more: by ``lmu_narrow`` if it needs 64."""
    if max(x.widths) <= 32 or fmt.width > 32:
        return x
    if width_of(x.cases, 32) == 32:
        return cast(32, x)
    ends = -(1 << 31), (1 << 31) - 1
    cases = tuple((max(a, ends[0]), min(b, ends[1])) for a, b in x.cases)
    return word(f"lmu_narrow({x.text})", "int32_t", *cases)


def rounded(
    base: Expression,
    t: Expression,
    whole: tuple[Range, ...],
    shifts: Shifts,
    shift: str,
    drop: int,
    least: int = 32,
) -> Expression:
    """Return ``lmu_roundN``: ``(base + t / 2^shift) / 2^drop``, rounded once.

    It rounds half up, or toward zero if the C variable ``silent`` is set.

    Parameters
    ----------
    base, t : Expression
    whole : tuple of (int, int)
        Range of ``base * 2^shift + t`` in each case, since base and t may be correlated.
    shifts : tuple of int
        Value of ``shift`` in each case.
    shift : str
        C expression of the shift.
    drop : int
        Fractional bits to drop.
    least : int
        Narrowest width.
    """
    n = max(len(base.cases), len(t.cases), len(whole), len(shifts))
    each = shifts * (n // len(shifts))
    seen: list[Range] = [(base.low, base.high)]
    results = []
    half = 1 << drop >> 1
    for t_case, all_case, s in zip(_spread(t.cases, n), _spread(whole, n), each, strict=True):
        if width_of((_plus_half(t_case, s),)) > 64 or s > 62:
            raise EmitError(f"C of 64 bits cannot round {t.text}")
        up = _plus_half(t_case, s)
        parts = t_case[0] >> s, up[1] >> s
        # t rounded by up to one, then the half added, then one more for rounding toward zero
        low, high = all_case[0] >> s, _plus_half(all_case, s)[1] >> s
        seen += [parts, (low, high + half), (low >> drop, (high + half >> drop) + 1)]
        results.append((low >> drop, high + half >> drop))
    bits = max(width_of(tuple(seen), 32), *base.widths, _room(drop), least)
    arguments = f"{shift}, {drop}, silent"
    return call(f"lmu_round{bits}", bits, [base], tuple(results), t.text, arguments)


def two_port_fits(
    coefs: tuple[int, ...], shift: int, drops: tuple[int, int], a: QFormat, b: QFormat
) -> bool:
    """Return whether every factor of ``lmu_two_port`` fits 32 bits, and every sum fits 64."""
    if shift + max(drops) > 30 or max(a.width, b.width) > 32:
        return False
    one_a, one_b = (1 << shift + drop for drop in drops)
    ranges = (a.min, a.max), (b.min, b.max)
    for e in coefs:
        e_a, e_b = e << drops[0], e << drops[1]
        if width_of(((0, e_a), (0, e_b), (one_a - e_a, one_a - e_a))) > 32:
            return False
        sums = [(one_a - e_a, e_b), (2 * one_a - e_a, e_b), (2 * one_a - e_a, e_b - one_b)]
        ends = [linear_ends(*zip(weights, ranges, strict=True)) for weights in sums]
        half = 1 << shift + max(drops) >> 1
        if width_of(tuple((low, high + half) for low, high in ends)) > 64:
            return False
    return True


def saturated(
    total: str, shift: int, fmt: QFormat, low: str, high: str, how: str = "half_up"
) -> Expression:
    """Return a sum of 64 bits, as of ``lmu_two_port``, rounded and saturated to a format.

    ``how`` is ``half_up`` or ``toward_zero``.
    """
    text = f"lmu_guard32(lmu_narrow(lmu_{how}64({total}, {shift})), {low}, {high})"
    return word(text, "int32_t", (fmt.min, fmt.max))


def product(a: Expression, b: Expression, bits: int) -> Expression:
    """Return the product in ``bits`` bits; ``lmu_product64`` where that suffices for 64."""
    full = times(cast(bits, a), b, bits)
    if bits < 64 or any(width_of(x.cases, 32) > 32 or max(x.widths) > 32 for x in (a, b)):
        return full
    return word(f"lmu_product64({a.text}, {b.text})", "int64_t", *full.cases)


def _plus_half(case: Range, shift: int) -> Range:
    """Return the range of a value before and after adding half of ``2**shift``."""
    return case[0], case[1] + (1 << shift >> 1)


def _room(shift: int) -> int:
    """Return the width of ``1 << shift``."""
    if shift > 62:
        raise EmitError(f"C cannot shift by {shift}")
    return 32 if shift <= 30 else 64


def _spread(cases: tuple[Range, ...], n: int) -> tuple[Range, ...]:
    return cases * n if len(cases) == 1 else cases


def _within(x: int, fmt: QFormat) -> int:
    return min(max(x, fmt.min), fmt.max)
