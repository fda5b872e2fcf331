"""Impulse response of a chain in integers, one block of steps at a time.

All sections are computed in parallel, each one step behind its predecessor, so a step takes a few
array operations. Products are floored to `Response.frac_bits` fractional bits; `Response.miss`
bounds the effect of all floors on a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .._support.array_types import Words
from .lossless import LosslessSection, RoundingSteps, noise_of, norms_of
from .scaled import ONE, product, root

SPLIT = 24
"""Low bits of a value that are multiplied separately, so that products fit 63 bits."""
VALUE_BITS = 56
"""Bits of a value, sign and integer part included."""
MAX_COEF_BITS = 38
"""Widest coefficient, scaled to a shift of at least `SPLIT`."""
LOW = np.int64((1 << SPLIT) - 1)
SIGNALS = ("w", "f", "o", "i")


class TooWideError(Exception):
    """A coefficient is too wide for 64-bit integers."""


class Response:
    """The response of every signal of a chain to a unit impulse.

    Parameters
    ----------
    sections : sequence of LosslessSection
    block : int
        Steps at a time, up to 64.

    Raises
    ------
    TooWideError
        If a coefficient is too wide.
    """

    def __init__(self, sections: Sequence[LosslessSection], block: int) -> None:
        self.sections, self.block = sections, block
        self.norms = {
            name: [root(square) for square in squares]
            for name, squares in norms_of(sections).items()
        }
        largest = max(max(column) for column in self.norms.values())
        int_bits = (largest // ONE + 1).bit_length()
        e1 = [_widened(s.e1) for s in sections]
        # a real section: with e = 2 and i = 0 an adaptor passes f to o
        e2 = [_widened(s.e2 or (2, 0)) for s in sections]
        coef_bits = max(coef.bit_length() for coef, _ in (*e1, *e2))
        room = 60 + SPLIT - coef_bits
        if coef_bits > MAX_COEF_BITS or min(VALUE_BITS, room) - int_bits < SPLIT:
            raise TooWideError
        self.value_bits = min(VALUE_BITS, room)
        self.frac_bits = self.value_bits - int_bits
        self.unit = ONE >> self.frac_bits
        table = [(*a, *b, s.e2 is not None) for a, b, s in zip(e1, e2, sections, strict=True)]
        c1, s1, c2, s2, pair = np.array(table, dtype=np.int64).T
        self._coefficients = c1, s1 - SPLIT, c2, s2 - SPLIT, pair
        self._noise = noise_of(
            sections, RoundingSteps(chain=self.unit, outer=self.unit, inner=self.unit)
        )

    def miss(self, n_steps: int) -> dict[str, list[int]]:
        """Return error bounds of the values after ``n_steps`` steps."""
        drift = (n_steps + 1) * self._noise.energy
        same = {"w": self._noise.w, "f": self._noise.f}
        zero = (0,) * len(self.sections)
        return {
            name: [
                product(norm, drift) + extra
                for norm, extra in zip(self.norms[name], same.get(name, zero), strict=True)
            ]
            for name in SIGNALS
        }

    def blocks(self) -> Iterator[dict[str, Words]]:
        """Yield the values of ``w, f, o, i``, shape (block, n_sections), from the impulse on."""
        n, size = len(self.sections), self.block
        w, o, i = (np.zeros(n, dtype=np.int64) for _ in range(3))
        w[0] = 1 << self.frac_bits
        # row c of the record is cycle c, in which section k computes step c - k
        record = np.zeros((4, size + n - 1, n), dtype=np.int64)
        aligned, column = np.arange(size)[:, None] + np.arange(n), np.arange(n)
        done = 0
        while True:
            for row in range(done, size + n - 1):
                record[:, row] = out, _, o, i = self.step(w, o, i)
                w[1:], w[0] = out[:-1], 0
            yield {name: record[k][aligned, column] for k, name in enumerate(SIGNALS)}
            done = n - 1
            record[:, :done] = record[:, size:]

    def step(self, w: Words, o: Words, i: Words) -> tuple[Words, Words, Words, Words]:
        """Return ``w', f, o', i'`` of every section (last axis) from its ``w, o, i``."""
        c1, s1, c2, s2, pair = self._coefficients
        x = o - w
        t = ((x >> SPLIT) * c1 + ((x & LOW) * c1 >> SPLIT)) >> s1
        out, f = w + t, 2 * w - o + t
        x = f - i
        t = ((x >> SPLIT) * c2 + ((x & LOW) * c2 >> SPLIT)) >> s2
        return out, f, 2 * i - f + t, (i + t) * pair


def block_size(window: int) -> int:
    """Return a number of steps that resolves the decay of a memory with this window."""
    return max(4, min(64, window // 32))


def squares(h: Words) -> tuple[Words, int]:
    """Return lower bounds of the columns' sums of squares, and their binary exponent."""
    half = VALUE_BITS // 2
    size = np.abs(h)
    high, low = size >> half, size & ((1 << half) - 1)
    return (high * high + (high * low >> (half - 1))).sum(axis=0), 2 * half


def _widened(e: tuple[int, int]) -> tuple[int, int]:
    """Return a coefficient, scaled to a shift of at least `SPLIT`."""
    coef, shift = e
    more = max(0, SPLIT - shift)
    return coef << more, shift + more
