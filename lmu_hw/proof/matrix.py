"""Worst cases and decay of a memory in dense form, ``m' = A m + b u`` with A - I in integers.

Powers of A are computed in integers and floored after each multiplication. If S is the largest row
sum of ``sum_k |A^k|``, flooring every entry in every step changes no entry by more than S units. S
itself is bounded from the computed powers: ``S <= S_found / (1 - K d units)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .scaled import product, up

WORD_BITS = 62
MAX_STEPS = 1 << 16
"""Limit of the steps for a matrix that has not settled."""
MAX_WORK = 1 << 33
"""Limit of the multiplications."""
SETTLED = Fraction(1, 4096)
"""Row sum of |A^K| below which the tails of sums are bounded as geometric series."""
MAX_ORDER = 96
"""Largest matrix for the exact test of `contracts`."""


@dataclass(frozen=True, kw_only=True)
class MatrixGains:
    """Gains to each word of m, as `scaled` bounds.

    Attributes
    ----------
    l1 : tuple of int
        Largest response to an input of magnitude 1 or less.
    rounding : tuple of int
        Largest response to errors of magnitude 1 or less in every word and step.
    """

    l1: tuple[int, ...]
    rounding: tuple[int, ...]


def matrix_gains(rows: Sequence[Sequence[int]], shifts: Sequence[int]) -> MatrixGains | None:
    """Return the gains of ``m' = m + E (m - e_0 u)`` with ``E[r] = rows[r] * 2**-shifts[r]``.

    Returns
    -------
    MatrixGains or None
        None if no bound was found, because the powers do not settle or are too wide.
    """
    E, shift = np.array(rows, dtype=np.int64), np.array(shifts, dtype=np.int64)[:, None]
    d = len(E)
    sums = int(max(sum(map(abs, row)) for row in rows))
    # entries of the powers of a stable memory stay far below d
    value_bits = WORD_BITS - d.bit_length() - 2
    frac_bits, split = value_bits - d.bit_length(), value_bits // 2
    if sums.bit_length() + value_bits - split > WORD_BITS or sums >> int(shift.min()) > 2 * d:
        return None
    low, common = np.int64((1 << split) - 1), np.minimum(shift, split)
    one = 1 << frac_bits
    X = np.eye(d, dtype=np.int64) * one
    # b = -E e_0; the floor is one more unit
    h = -((E[:, :1].astype(object) * one) >> shift).astype(np.int64)
    total = np.zeros((d, d), dtype=object)
    l1 = np.zeros(d, dtype=object)
    steps, largest = 0, one * (1 << d.bit_length())
    while steps < MAX_STEPS and steps * d**3 < MAX_WORK:
        size, response = np.zeros((d, d), dtype=np.int64), np.zeros(d, dtype=np.int64)
        for _ in range(256):
            size += np.abs(X) >> 8
            response += np.abs(h[:, 0]) >> 8
            both = np.hstack([X, h])
            high, rest = E @ (both >> split), E @ (both & low)
            both = both + (((high << (split - common)) + (rest >> common)) >> (shift - common))
            X, h = both[:, :-1], both[:, -1:]
            if np.abs(both).max() > largest:
                return None
        steps += 256
        total += (size.astype(object) << 8) + (256 << 8)
        l1 += (response.astype(object) << 8) + (256 << 8)
        found = Fraction(int(total.sum(axis=1).max()), one)
        slip = Fraction(2 * steps * d, one)
        if slip >= 1:
            return None
        S = found / (1 - slip)
        off = S * 2 / one
        left = Fraction(int(np.abs(X).sum(axis=1).max()), one) + d * off
        if left <= SETTLED:
            break
    else:
        return None
    S_all = S / (1 - left)
    rounding = [Fraction(int(x), one) + steps * d * off + left * S_all for x in total.sum(axis=1)]
    h_size = Fraction(int(np.abs(h).max()), one) + off
    l1_all = [Fraction(int(x), one) + steps * off + S_all * h_size for x in l1]
    return MatrixGains(l1=tuple(map(up, l1_all)), rounding=tuple(map(up, rounding)))


def contracts(rows: Sequence[Sequence[int]], shifts: Sequence[int]) -> bool:
    """Return whether A decreases the Legendre norm of every m, with weights P = diag(1/(2i + 1)).

    ``P - A' P A`` is positive definite if all pivots of the integer elimination (Bareiss) are
    positive. Truncation toward zero decreases the norm further.
    """
    d = len(rows)
    if d > MAX_ORDER:
        return False
    top = max(shifts)
    A = np.array(
        [[x << (top - s) for x in row] for row, s in zip(rows, shifts, strict=True)], dtype=object
    )
    A = A + np.diag([1 << top] * d).astype(object)
    common = math.lcm(*range(1, 2 * d, 2))
    weight = np.array([common // (2 * i + 1) for i in range(d)], dtype=object)
    M = np.diag(weight << (2 * top)) - A.T @ (weight[:, None] * A)
    before = 1
    for k in range(d):
        pivot = M[k, k]
        if pivot <= 0:
            return False
        rest = M[k + 1 :, k + 1 :] * pivot - np.outer(M[k + 1 :, k], M[k, k + 1 :])
        M[k + 1 :, k + 1 :] = rest // before
        before = pivot
    return True


def bound(gains: MatrixGains, peak: int, unit: int) -> list[tuple[int, int]]:
    """Return for each word the bound of its response to the input, and to rounding errors."""
    return [
        (product(l1, peak), product(rounding, unit))
        for l1, rounding in zip(gains.l1, gains.rounding, strict=True)
    ]
