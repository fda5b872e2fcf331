"""Worst cases of a chain's signals: l1 norms of impulse responses, and effect of rounding errors.

For |u| <= U a signal s is bounded by ``U sum_k |h_s(k)| + c sum_k ||r_s A^k||``, where c bounds the
norm that the rounding errors of one step add to the state. One impulse response bounds both sums:
the norm ``||r A^k||`` is that of its tail, see `lossless`. After step K::

    sum_{k >= K} |h_s(k)| <= ||r_s|| ||x_K|| T,    T = sum_k ||A^k||_2 <= sum_k min(1, ||A^k||_F)

The bounds hold as long as no word saturates; by induction, none does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from .._support.array_types import Words
from .lossless import LosslessSection
from .response import SIGNALS, Response, TooWideError, squares
from .scaled import ONE, product, root, up

MAX_STEPS = 1 << 22
"""Limit of the steps for a chain that has not settled."""
QUIET = ONE >> 26
"""Norm of the state after an impulse below which the rest of the response is negligible."""
SETTLED = ONE // 4
"""Norm of A^K below which the tails of sums are bounded as geometric series."""


@dataclass(frozen=True, kw_only=True)
class ReadoutRow:
    """A row of integer weights over the state: ``sum(o * of_o) + sum(i * of_i)``.

    Parameters
    ----------
    of_o, of_i : tuple of int
        One weight for each section, in a unit of the caller's choice.
    """

    of_o: tuple[int, ...]
    of_i: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Gains:
    """Gains to one signal, as `scaled` bounds.

    Attributes
    ----------
    l1 : int
        Largest response to an input of magnitude 1 or less.
    constant : int
        Largest response to a constant input of 1.
    decay : int
        Sum of ``||r A^k||``: largest response to errors of norm 1 in the state in every step.
    """

    l1: int
    constant: int
    decay: int

    def driven(self, half: int, middle: int) -> int:
        """Return the largest response to an input within ``half`` of ``middle`` or ``-middle``."""
        return product(self.l1, half) + product(self.constant, middle)


@dataclass(frozen=True, kw_only=True)
class ChainGains:
    """Gains to all signals of a chain.

    Attributes
    ----------
    of : dict of str to list of Gains
        Signals ``w, f, o, i`` by section, and ``rows``.
    response : Response
    total : int
        Bound of ``sum_k ||A^k||_2``.
    n_steps : int
        Steps of the impulse response that were computed.
    """

    of: dict[str, list[Gains]]
    response: Response
    total: int
    n_steps: int


@dataclass(slots=True)
class _Sums:
    """Running sums over the steps, for all columns of one kind of signal."""

    norms: list[int]
    l1: list[int] = field(init=False)
    signed: list[int] = field(init=False)
    energy: list[int] = field(init=False)
    decay: list[int] = field(init=False)

    def __post_init__(self) -> None:
        zeros = ([0] * len(self.norms) for _ in range(4))
        self.l1, self.signed, self.energy, self.decay = zeros

    def tails(self, unit: int, miss: Sequence[int]) -> list[int]:
        """Return bounds of the energies of the remaining responses."""
        out = []
        for norm, l1, energy, off in zip(self.norms, self.l1, self.energy, miss, strict=True):
            seen = energy * unit * unit // ONE - 2 * product(off, l1 * unit)
            out.append(max(0, product(norm, norm) - max(0, seen)))
        return out

    def add(self, h: Words, tails: Sequence[int]) -> None:
        """Add a block of steps; ``tails`` are the remaining energies before it."""
        energies, exponent = squares(h)
        l1s, signed = np.abs(h).sum(axis=0).tolist(), h.sum(axis=0).tolist()
        for k, (l1, both, energy) in enumerate(zip(l1s, signed, energies.tolist(), strict=True)):
            self.l1[k] += l1
            self.signed[k] += both
            self.energy[k] += energy << exponent
            self.decay[k] += len(h) * root(tails[k])


def gains_of(
    sections: Sequence[LosslessSection], block: int, rows: Sequence[ReadoutRow] = ()
) -> ChainGains | None:
    """Return the gains of every signal of a chain.

    Parameters
    ----------
    sections : sequence of LosslessSection
    block : int
        Steps at a time, see `response.block_size`.
    rows : sequence of ReadoutRow

    Returns
    -------
    ChainGains or None
        None if the chain has not settled after `MAX_STEPS`.

    Raises
    ------
    TooWideError
        If a coefficient or a row is too wide for 64-bit integers.
    """
    response = Response(sections, block)
    reader = RowReader(response, rows)
    norms = response.norms | ({"rows": reader.norms} if rows else {})
    units = dict.fromkeys(SIGNALS, response.unit) | {"rows": reader.unit}
    sums = {name: _Sums(column) for name, column in norms.items()}
    tails = {name: [product(norm, norm) for norm in column] for name, column in norms.items()}
    all_steps = n_steps = 0
    for h in response.blocks():
        if rows:
            h["rows"] = reader.read(h)
        all_steps += block * min(ONE, _transition(sections, tails))
        n_steps += block
        miss = response.miss(n_steps)
        miss["rows"] = reader.miss(miss)
        for name, s in sums.items():
            s.add(h[name], tails[name])
            tails[name] = s.tails(units[name], miss[name])
        left = _transition(sections, tails)
        if left <= SETTLED:
            size, floor = _state_norm(response, h, miss)
            if size <= max(QUIET, 2 * floor):
                break
        if n_steps >= MAX_STEPS:
            return None
    total = all_steps * ONE // (ONE - left) + 1
    rest = product(size, total)
    gains = {
        name: [
            Gains(
                l1=l1 * units[name] + n_steps * off + product(norm, rest),
                constant=abs(signed) * units[name] + n_steps * off + product(norm, rest),
                decay=decay + product(root(tail), total),
            )
            for l1, signed, off, norm, decay, tail in zip(
                s.l1, s.signed, miss[name], s.norms, s.decay, tails[name], strict=True
            )
        ]
        for name, s in sums.items()
    }
    return ChainGains(of=gains, response=response, total=total, n_steps=n_steps)


class RowReader:
    """Evaluates rows over the state in 64-bit integers."""

    def __init__(self, response: Response, rows: Sequence[ReadoutRow]) -> None:
        of_o = np.array([row.of_o for row in rows], dtype=object).reshape(
            len(rows), len(response.sections)
        )
        of_i = np.array([row.of_i for row in rows], dtype=object).reshape(
            len(rows), len(response.sections)
        )
        sums = np.abs(of_o).sum(axis=1) + np.abs(of_i).sum(axis=1)
        largest = int(max(sums, default=1))
        # sums of products must stay within 63 bits
        self._drop = max(0, response.value_bits + largest.bit_length() - 62)
        if self._drop > response.frac_bits:
            raise TooWideError
        self._of_o, self._of_i = of_o.T.astype(np.int64), of_i.T.astype(np.int64)
        self.unit = response.unit << self._drop
        self._sizes = [([abs(x) for x in row.of_o], [abs(x) for x in row.of_i]) for row in rows]
        self.norms = [
            root(
                sum(
                    x * x * product(n, n)
                    for x, n in zip(row.of_o, response.norms["o"], strict=True)
                )
                + sum(
                    x * x * product(n, n)
                    for x, n in zip(row.of_i, response.norms["i"], strict=True)
                )
            )
            for row in rows
        ]

    def read(self, h: dict[str, Words]) -> Words:
        """Return the values of the rows, shape (block, n_rows)."""
        return np.asarray((h["o"] >> self._drop) @ self._of_o + (h["i"] >> self._drop) @ self._of_i)

    def miss(self, miss: dict[str, list[int]]) -> list[int]:
        """Return error bounds of the rows' values, including the dropped bits."""
        return [
            sum(x * (off + self.unit) for x, off in zip(of_o, miss["o"], strict=True))
            + sum(x * (off + self.unit) for x, off in zip(of_i, miss["i"], strict=True))
            for of_o, of_i in self._sizes
        ]


def _transition(sections: Sequence[LosslessSection], tails: dict[str, list[int]]) -> int:
    """Return a bound of ``||A^K||_F`` from the remaining energies of the states' responses."""
    return root(
        sum(
            product(up(section.weight_o), o) + product(up(section.weight_i or Fraction(0)), i)
            for section, o, i in zip(sections, tails["o"], tails["i"], strict=True)
        )
    )


def _state_norm(
    response: Response, h: dict[str, Words], miss: dict[str, list[int]]
) -> tuple[int, int]:
    """Return a bound of the state's norm after the last step, and the part due to errors."""
    square = floor = 0
    for k, section in enumerate(response.sections):
        for name, weight in (("o", section.weight_o), ("i", section.weight_i)):
            if weight is not None:
                off = miss[name][k]
                value = abs(int(h[name][-1, k])) * response.unit + off
                square += product(up(weight), product(value, value))
                floor += product(up(weight), product(off, off))
    return root(square), root(floor)
