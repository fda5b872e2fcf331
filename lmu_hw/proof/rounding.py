"""Effect of rounding errors, adaptor by adaptor: tighter than `memory_bounds`, but slower.

Both output words of an adaptor are rounded from sums with the same fraction. With units c >= f and
gains g, h to a signal, the two errors contribute at most ``(|g| (c - f) + max(|g|, |h|) f) / 2``,
or ``|g + h| f / 2`` if c = f. This holds for rounding to nearest. In zero-input runs words are
truncated, and each error is up to a whole unit; see `truncation`.

For every adaptor, a pair of unit errors is injected once and propagated to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .._support.array_types import Words
from .lossless import LosslessSection, RoundingSteps
from .response import SIGNALS, Response
from .scaled import ONE, product, root, up

CHECK_EVERY = 64
"""Steps between two checks of the remaining tails."""
WORTH = 256
"""A tail may be at most 1 / WORTH of its sum."""
MAX_CYCLES = 1 << 17
"""Limit of the steps."""
MAX_VALUES = 1 << 33
"""Limit of the estimated number of values, over all steps."""
FEW_VALUES = 1 << 22
"""Number of values that takes no noticeable time, so that it is computed in any case."""
GUARD = 20
"""Low bits of a value that are rounded up before it is summed."""

Entry = tuple[int, dict[str, Fraction]]
"""State after a unit error: a section, and the error's values in its ``o, i, w``."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    """An adaptor with the errors of its two output words, that of the larger unit first.

    ``square`` is the largest squared norm that one of them adds to the state. The chain output of
    the last adaptor is unused.
    """

    entries: tuple[Entry, ...]
    units: tuple[int, int]
    square: Fraction


@dataclass(frozen=True, kw_only=True)
class ErrorSums:
    """Response of a signal to rounding errors, as `scaled` bounds.

    Attributes
    ----------
    nearest : int
        Response if every word is rounded to nearest.
    more : tuple of int
        Additional response if errors from each of the ``lags`` on are whole units; lag 0 first.
    """

    nearest: int
    more: tuple[int, ...]


@dataclass(slots=True)
class _RoundingSums:
    """Sums over the steps of a signal's magnitudes: for the first error, the second, and both."""

    first: Words
    second: Words
    both: Words
    steps: int = 0

    def copy(self) -> _RoundingSums:
        return _RoundingSums(self.first.copy(), self.second.copy(), self.both.copy(), self.steps)

    def add(self, values: Words, same: Words) -> None:
        """Add a step: values of shape (2, n_places, n_sections)."""
        first, second = np.abs(values)
        # an upper bound of the joint response
        together = np.where(same, np.abs(values.sum(axis=0)), np.maximum(first, second))
        for total, size in ((self.first, first), (self.second, second), (self.both, together)):
            total += (size >> GUARD) + 1
        self.steps += 1


def error_sums(
    response: Response,
    unit: RoundingSteps,
    total: int,
    n_steps: int,
    limit: int = MAX_VALUES,
    lags: Sequence[int] = (0,),
) -> dict[str, list[ErrorSums]] | None:
    """Return the largest response of each signal to rounding errors in every step.

    Parameters
    ----------
    response : Response
    unit : RoundingSteps
        One unit in the last place of each format.
    total : int
        Bound of ``sum_k ||A^k||_2``.
    n_steps : int
        Approximate length of the memory's response.
    limit : int
        Limit of the number of values, over all steps.
    lags : sequence of int
        Ascending lags from 0, see `ErrorSums.more`.

    Returns
    -------
    dict of str to list of ErrorSums, or None
        Bounds for ``w, f, o, i`` by section; None if the computation would take too long.
    """
    sections = response.sections
    places = _places(sections, unit)
    if 4 * n_steps * len(places) * len(sections) > limit:
        return None
    # scaled so that no value exceeds those for an input of 1
    scale = [(root(up(p.square)) // ONE + 1).bit_length() for p in places]
    state = {name: _injected(places, name, scale, response) for name in ("o", "i", "w")}
    same = np.array([[p.units[0] == p.units[1]] for p in places])
    weights = np.array(
        [[u << down for u in p.units] for p, down in zip(places, scale, strict=True)], dtype=object
    ).T
    none = np.zeros(state["o"].shape[1:], dtype=np.int64)
    sums = {name: _RoundingSums(none.copy(), none.copy(), none.copy()) for name in SIGNALS}
    for name in ("o", "i"):
        sums[name].add(state[name], same)
    before = {name: [_RoundingSums(none, none, none)] for name in SIGNALS}
    spread, cycles = 2 * int(weights.sum()), 0
    while cycles < MAX_CYCLES:
        for _ in range(CHECK_EVERY):
            # the next step has this lag, and larger lags in later sections
            if cycles + 1 in lags:
                for name in SIGNALS:
                    before[name].append(sums[name].copy())
            _advance(response, state, sums, same)
            cycles += 1
        miss = response.miss(cycles)
        left = product(_left(response, state, weights, miss), total)
        found = {name: _nearest(sums[name], weights, response.unit) for name in SIGNALS}
        tails = {name: [product(norm, left) for norm in response.norms[name]] for name in SIGNALS}
        if cycles < max(lags) or any(
            tail * WORTH > value
            for name in SIGNALS
            for tail, value in zip(tails[name], found[name], strict=True)
        ):
            continue
        out: dict[str, list[ErrorSums]] = {}
        for name in SIGNALS:
            own = {"w": unit.chain, "f": unit.outer}.get(name, 0)
            slack = [product(spread, cycles * off) + 1 for off in miss[name]]
            more = [
                [x + 2 * s + t for x, s, t in zip(column, slack, tails[name], strict=True)]
                for column in (
                    _excess(old, sums[name], weights, response.unit) for old in before[name]
                )
            ]
            more[0] = [x + own for x in more[0]]
            out[name] = [
                ErrorSums(nearest=f + s + t + own // 2 + 1, more=m)
                for f, s, t, m in zip(
                    found[name], slack, tails[name], zip(*more, strict=True), strict=True
                )
            ]
        return out
    return None


def _places(sections: Sequence[LosslessSection], unit: RoundingSteps) -> list[_Place]:
    """Return every adaptor with the effect of its errors on the state."""
    out = []
    zero, one = Fraction(0), Fraction(1)

    def place(found: list[tuple[int, Fraction, Entry]]) -> None:
        first, *rest = sorted(found, key=lambda x: -x[0])
        out.append(
            _Place(
                entries=tuple(entry for _, _, entry in (first, *rest)),
                units=(first[0], rest[0][0] if rest else 0),
                square=max(square for _, square, _ in found),
            )
        )

    for k, section in enumerate(sections):
        weight_o, weight_i = section.weight_o, section.weight_i
        passed: list[tuple[int, Fraction, Entry]] = []
        if k + 1 < len(sections):
            passed = [(unit.chain, one, (k + 1, {"w": one}))]
        if weight_i is None:
            place([(unit.inner, weight_o, (k, {"o": one})), *passed])
            continue
        assert section.e2 is not None
        e2 = Fraction(section.e2[0], 1 << section.e2[1])
        # f passes through the inner adaptor, which preserves its energy
        place([(unit.outer, weight_o, (k, {"o": e2 - 1, "i": e2})), *passed])
        place(
            [
                (unit.outer, weight_o, (k, {"o": one, "i": zero})),
                (unit.inner, weight_i, (k, {"o": zero, "i": one})),
            ]
        )
    return out


def _injected(
    places: Sequence[_Place], name: str, scale: Sequence[int], response: Response
) -> Words:
    """Return ``o``, ``i`` or ``w`` after each error, shape (2, n_places, n_sections)."""
    values = np.zeros((2, len(places), len(response.sections)), dtype=np.int64)
    for row, (place, down) in enumerate(zip(places, scale, strict=True)):
        for which, (section, parts) in enumerate(place.entries):
            exact = parts.get(name, Fraction(0)) * (1 << response.frac_bits) / (1 << down)
            # floored, so the error is below one unit
            values[which, row, section] = exact.numerator // exact.denominator
    return values


def _advance(
    response: Response, state: dict[str, Words], sums: dict[str, _RoundingSums], same: Words
) -> None:
    """Compute a step of the chain for every error, and add the magnitudes of its signals."""
    w, f, o, i = response.step(state["w"], state["o"], state["i"])
    for name, values in zip(SIGNALS, (w, f, o, i), strict=True):
        sums[name].add(values, same)
    state["o"], state["i"] = o, i
    state["w"][..., 1:], state["w"][..., 0] = w[..., :-1], 0


def _weighed(sums: _RoundingSums, weights: Words, kind: str) -> list[int]:
    """Return twice the response to errors of rounding to nearest, or that to whole units."""
    large, small = weights[0][:, None], weights[1][:, None]
    if kind == "units":
        column = sums.first.astype(object) * large + sums.second.astype(object) * small
    else:
        column = sums.first.astype(object) * (large - small) + sums.both.astype(object) * small
    return [int(x) for x in column.sum(axis=0)]


def _nearest(sums: _RoundingSums, weights: Words, unit: int) -> list[int]:
    """Return the response to errors of rounding to nearest, by section."""
    return [(x * unit << GUARD) // (2 * ONE) + 1 for x in _weighed(sums, weights, "nearest")]


def _excess(old: _RoundingSums, new: _RoundingSums, weights: Words, unit: int) -> list[int]:
    """Return the additional response to whole units in the steps after ``old``."""
    n = new.steps - old.steps
    later = _RoundingSums(new.first - old.first, new.second - old.second, new.both - old.both)
    # each step was rounded up by less than 1
    floor = _RoundingSums(later.first - n, later.second - n, later.both - n)
    return [
        max(0, ((2 * units - nearest) * unit << GUARD) // (2 * ONE) + 1)
        for units, nearest in zip(
            _weighed(later, weights, "units"), _weighed(floor, weights, "nearest"), strict=True
        )
    ]


def _left(
    response: Response, state: dict[str, Words], weights: Words, miss: dict[str, list[int]]
) -> int:
    """Return a bound of the remaining norm of all errors, taken as whole units."""
    left = 0
    totals = np.zeros(weights.shape, dtype=object)
    for k, section in enumerate(response.sections):
        for name, weight in (("o", section.weight_o), ("i", section.weight_i), ("w", Fraction(1))):
            if weight is not None:
                size = np.abs(state[name][..., k]).astype(object) * response.unit + miss[name][k]
                totals = totals + size * root(up(weight)) // ONE + 1
    for factor, size in zip(weights.flat, totals.flat, strict=True):
        left += int(factor) * int(size) // ONE + 1
    return left
