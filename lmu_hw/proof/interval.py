"""Exact ranges of the results of feed-forward operations, and widths of all intermediates.

They are computed from the ranges of the operands, in Python integers. Data structures are those of
``program.json``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..program.fixedpoint import Overflow as Mode
from ..program.fixedpoint import QFormat, Rounding, overflow, requantize, round_shift

Data = Mapping[str, Any]
Range = tuple[int, int]
"""Smallest and largest word."""

MAX_TRIED_BITS = 20
"""Widest argument for which a function is evaluated at every word."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """Result of an operation.

    Attributes
    ----------
    low, high : int
        Range of the results before saturation [words of the target].
    bits : int
        Width of the widest intermediate, sign included.
    """

    low: int
    high: int
    bits: int


def fmt_of(data: Data) -> QFormat:
    """Return a format."""
    return QFormat(data["int_bits"], data["frac_bits"], data["signed"])


def signed_bits(*values: int) -> int:
    """Return the width of a signed integer that holds all values."""
    return max((v if v >= 0 else ~v).bit_length() for v in values) + 1


def linear(op: Data, ranges: Mapping[str, Range], lengths: Mapping[str, int]) -> Written:
    """Return the result of a linear operation."""
    columns: list[tuple[Range, int]] = []
    for name, align in zip(op["sources"], op["aligns"], strict=True):
        columns += [(ranges[name], align)] * (lengths[name] // op["n_channels"])
    lows, highs, seen = [], [], [0]
    for row, bias, multiplier, shift in zip(
        op["rows"], op["biases"], op["multipliers"], op["shifts"], strict=True
    ):
        low = high = bias
        size = abs(bias)
        for weight, ((least, most), align) in zip(row, columns, strict=True):
            ends = (weight * least << align, weight * most << align)
            low, high = low + min(ends), high + max(ends)
            size += max(map(abs, ends))
        half = 1 << shift >> 1
        # bounds for any order of the sum
        seen += [size, size * multiplier + half]
        lows.append(round_shift(low * multiplier, shift, Rounding.RND))
        highs.append(round_shift(high * multiplier, shift, Rounding.RND))
    return _finished(op, min(lows), max(highs), seen)


def pointwise(op: Data, ranges: Mapping[str, Range], formats: Mapping[str, QFormat]) -> Written:
    """Return the result of a pointwise operation."""
    terms = []
    for term in op["terms"]:
        least, most = ranges[term["a"]]
        frac = formats[term["a"]].frac_bits
        if term["b"]:
            ends = [x * y for x in (least, most) for y in ranges[term["b"]]]
            least, most = min(ends), max(ends)
            if term["a"] == term["b"]:
                least = 0
            frac += formats[term["b"]].frac_bits
        terms.append((-most, -least, frac) if term["minus"] else (least, most, frac))
    align = max(frac for *_, frac in terms)
    low = sum(least << (align - frac) for least, _, frac in terms)
    high = sum(most << (align - frac) for _, most, frac in terms)
    size = sum(max(abs(a), abs(b)) << (align - frac) for a, b, frac in terms)
    function = op["function"]
    result = formats[op["target"]] if function is None else fmt_of(function["in_fmt"])
    drop = align - result.frac_bits
    if drop < 0:
        return _finished(op, low << -drop, high << -drop, [size << -drop])
    low, high = (round_shift(x, drop, Rounding.RND) for x in (low, high))
    return _finished(op, low, high, [size + (1 << drop >> 1)])


def _finished(op: Data, low: int, high: int, seen: Sequence[int]) -> Written:
    """Return the result after an operation's function, if it has one."""
    function = op["function"]
    bits = signed_bits(*seen)
    if function is None:
        return Written(low=low, high=high, bits=bits)
    in_fmt = fmt_of(function["in_fmt"])
    low, high = (overflow(x, in_fmt, Mode.SAT) for x in (low, high))
    result_low, result_high, function_bits = _function(function, in_fmt, low, high)
    return Written(low=result_low, high=result_high, bits=max(bits, function_bits))


def _function(f: Data, in_fmt: QFormat, low: int, high: int) -> tuple[int, int, int]:
    """Return the range of a function over words, and the width of its widest intermediate."""
    rest_bits = in_fmt.width - (len(f["pieces"]).bit_length() - 1)
    sizes = [max(abs(piece[j]) for piece in f["pieces"]) for j in range(len(f["shifts"]) + 1)]
    size, seen = sizes[-1], [sizes[-1]]
    for j in reversed(range(len(f["shifts"]))):
        seen.append(size << rest_bits)
        size = sizes[j] + (size << rest_bits >> f["shifts"][j]) + 1
    seen.append(size + (1 << f["guard"]))
    bits = signed_bits(*seen)
    if in_fmt.width > MAX_TRIED_BITS or bits > 63:
        edge = (size >> f["guard"]) + 1
        return -edge, edge, bits
    unsigned = np.arange(low - in_fmt.min, high - in_fmt.min + 1, dtype=np.int64)
    pieces = np.array(f["pieces"], dtype=np.int64)[unsigned >> rest_bits]
    rest = unsigned & ((1 << rest_bits) - 1)
    y = pieces[:, -1]
    for j in reversed(range(len(f["shifts"]))):
        y = pieces[:, j] + (y * rest >> f["shifts"][j])
    y = round_shift(y, f["guard"], Rounding.RND)
    return int(y.min()), int(y.max()), bits


def input_words(fmt: QFormat, low: int, high: int, chain: QFormat) -> tuple[Range, bool]:
    """Return the range of a memory's input in its chain's format, and whether all words fit."""
    ends = [requantize(x, fmt, chain, Rounding.RND) for x in (low, high)]
    shift = fmt.frac_bits - chain.frac_bits
    raw = [round_shift(x, shift, Rounding.RND) if shift >= 0 else x << -shift for x in (low, high)]
    return (ends[0], ends[1]), ends == raw


def cascade_bits(op: Data, formats: Mapping[str, QFormat]) -> int:
    """Return the width of the widest intermediate of any adaptor, for any words."""
    chain, inner = fmt_of(op["chain_fmt"]), formats[op["z_inner"]]
    outer = formats[op["z_outer"]] if op["z_outer"] else inner
    seen = [0]
    for section in op["sections"]:
        if len(section) == 2:
            ports = [(chain, outer, section[0]), (inner, outer, section[1])]
        else:
            ports = [(inner, chain, section[0])]
        for a, b, e in ports:
            align = max(a.frac_bits, b.frac_bits)
            wide_a, wide_b = (-f.min << (align - f.frac_bits) for f in (a, b))
            t = abs(e["coef"]) * (wide_a + wide_b)
            drops = [align - f.frac_bits for f in (a, b)]
            seen.append(2 * wide_a + wide_b)
            seen.append(t + (1 << (max(drops) + e["shift"])))
    source = formats[op["source"]]
    seen.append(max(-source.min, source.max) << max(0, chain.frac_bits - source.frac_bits))
    return signed_bits(*seen)


def ladder_bits(op: Data, formats: Mapping[str, QFormat]) -> int:
    """Return the width of the widest intermediate of a ladder, for any words."""
    wave, source, K = formats[op["state"]], formats[op["source"]], op["substeps"]
    size, u = -wave.min, max(-source.min, source.max)
    shift = source.frac_bits - wave.frac_bits + K.bit_length() - 1
    # the terms of x with substeps, then the rounded sums: three waves and t, below two
    x = 2 * u if K == 1 else 2 * K * u + (2 * K - 1) * 2 * u
    seen = [x + (1 << shift >> 1) if shift > 0 else x << -shift, 5 * size + 1]
    for e in (*op["sections"], op["reflection"]):
        seen.append(2 * size * abs(e["coef"]) + (1 << e["shift"]))
    return signed_bits(*seen)


def scale(op: Data, ranges: Mapping[str, Range]) -> Written:
    """Return the result of a scale operation."""
    least, most = ranges[op["source"]]
    lows, highs, seen = [], [], [0]
    for coef, shift in zip(op["coefs"], op["shifts"], strict=True):
        low, high = sorted((coef * least, coef * most))
        seen.append(max(-low, high) + (1 << shift >> 1))
        lows.append(round_shift(low, shift, Rounding.RND))
        highs.append(round_shift(high, shift, Rounding.RND))
    return Written(low=min(lows), high=max(highs), bits=signed_bits(*seen))


def dense_bits(op: Data, formats: Mapping[str, QFormat]) -> int:
    """Return the width of the widest intermediate of a dense update, for any words."""
    state, source = formats[op["state"]], formats[op["source"]]
    u = max(-source.min, source.max) << max(0, state.frac_bits - source.frac_bits)
    total = max(
        sum(map(abs, row)) * -state.min + abs(row[0]) * u + (1 << shift)
        for row, shift in zip(op["rows"], op["shifts"], strict=True)
    )
    return signed_bits(total, u - state.min)
