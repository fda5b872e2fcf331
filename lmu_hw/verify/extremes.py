"""States and inputs that drive the sums of a program to their bounds.

A sum of products is largest if every word is at the limit of its format on the side of its weight's
sign. So each row of an operation gives two cases: these words, and the opposite limits. Words that
the step itself computes cannot be set; random limits and noise exercise them. Some cases have zero
input, so that memories truncate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..program.integer_program import (
    Cascade,
    DenseUpdate,
    Ladder,
    Linear,
    MemoryUpdate,
    Pointwise,
    Program,
    Role,
    Scale,
    Spiking,
    Vector,
)

Sides = dict[str, npt.NDArray[np.float64]]
"""Side of each word of some vectors: -1 or 1 for a limit, 0 for any word."""

ROWS = 24
"""Rows of an operation that are driven to their bounds, those with the largest sums."""
CORNERS = 24
"""Number of cases with random limits; as many have noise, and as many zero input."""

SIGNS = ((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0, 1.0, -1.0), (1.0, -1.0, -1.0, -1.0))
"""Sides of the state words of a ladder's sections, repeated."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Cases:
    """Independent runs of a few steps, each from its own initial state.

    Attributes
    ----------
    states : int64 array, shape (n_cases, n_state)
    inputs : int64 array, shape (n_steps, n_cases, n_in)
    """

    states: Words
    inputs: Words


def extremes(program: Program, n_steps: int, seed: int, most: int = 1000) -> Cases:
    """Return at most ``most`` cases that drive sums to their bounds.

    The inputs of a case are first those for a bound, then the opposite ones, then random limits and
    noise.
    """
    rng = np.random.default_rng(seed)
    n_random = min(3 * CORNERS, most // 2)
    driven = [*islice(_sides(program), most - n_random)]
    states, inputs = [], []
    for side in driven:
        opposite = {name: -words for name, words in side.items()}
        states.append(_words(program, Role.STATE, side, False, rng))
        turns = [side, opposite, *[{}] * n_steps][:n_steps]
        inputs.append(
            [_words(program, Role.INPUT, turn, t == 3, rng) for t, turn in enumerate(turns)]
        )
    for number in range(n_random):
        kind = ("corner", "noise", "silence")[number % 3]
        state = _words(program, Role.STATE, {}, kind == "noise", rng)
        row = [_words(program, Role.INPUT, {}, kind == "noise", rng) for _ in range(n_steps)]
        states.append(_silent(program, state) if kind == "silence" else state)
        inputs.append([np.zeros_like(u) for u in row] if kind == "silence" else row)
    return Cases(states=np.array(states), inputs=np.array(inputs).swapaxes(0, 1))


def _silent(program: Program, state: Words) -> Words:
    """Return a state whose zero-run counters are at their largest word."""
    counters = {op.silence for op in program.ops if isinstance(op, MemoryUpdate)}
    parts, first = [], 0
    for v in program.with_role(Role.STATE):
        words = state[first : first + v.length]
        parts.append(np.full(v.length, v.fmt.max) if v.name in counters else words)
        first += v.length
    return np.concatenate(parts)


def _sides(program: Program) -> Iterator[Sides]:
    """Yield both sides for the rows with the largest sums, and for products."""
    for op in program.ops:
        if isinstance(op, Linear | DenseUpdate):
            names = op.sources if isinstance(op, Linear) else (op.state,)
            rows = np.array(op.rows, dtype=np.float64)
            for row in rows[np.argsort(-np.abs(rows).sum(axis=1))[:ROWS]]:
                yield from _both(_row_sides(program, op, names, row))
        elif isinstance(op, Cascade):
            a, b = op.z_inner, op.z_outer or op.source
            for same in (1.0, -1.0):
                yield from _both({a: _all(program, a), b: same * _all(program, b)})
        elif isinstance(op, Spiking):
            state, kept = op.states[:-1], op.states[-1]
            for same in (1.0, -1.0):
                sides = {name: _all(program, name) for name in state}
                yield from _both({**sides, kept: same * _all(program, kept)})
        elif isinstance(op, Ladder):
            yield from _ladder_sides(program, op)
        elif isinstance(op, Scale):
            yield from _both({op.source: _all(program, op.source)})
        elif isinstance(op, Pointwise):
            signs = {t.a: -1.0 if t.minus else 1.0 for t in reversed(op.terms)}
            ones = {name: _all(program, name) for name in op.reads}
            yield from _both(ones)
            yield from _both({name: signs.get(name, 1.0) * x for name, x in ones.items()})


def _row_sides(
    program: Program, op: Linear | DenseUpdate, names: tuple[str, ...], row: npt.NDArray[np.float64]
) -> Sides:
    channels = program.channels(op)
    sides, first = {}, 0
    for name in names:
        width = program.vector(name).length // channels
        sides[name] = np.tile(np.sign(row[first : first + width]), channels)
        first += width
    if isinstance(op, DenseUpdate):
        # the input is subtracted from the first word
        sides[op.source] = np.full(channels, -np.sign(row[0]) or 1.0)
    return sides


def _ladder_sides(program: Program, op: Ladder) -> Iterator[Sides]:
    """Yield sides of state words that differ as those of the waves in a sum, with both inputs."""
    channels, order = program.channels(op), len(op.sections)
    for signs in SIGNS:
        section = np.resize(signs, order)
        # the first and the last series section bring the waves to an end
        section[[0, (order - 1) // 2 * 2]] = -1.0, 1.0
        state = np.tile(section, channels)
        for side in (1.0, -1.0):
            u = side * _all(program, op.source)
            yield from _both({op.state: state, op.source: u, op.previous: -u})


def _all(program: Program, name: str) -> npt.NDArray[np.float64]:
    return np.ones(program.vector(name).length)


def _both(sides: Sides) -> Iterator[Sides]:
    yield sides
    yield {name: -side for name, side in sides.items()}


def _words(
    program: Program, role: Role, sides: Sides, noise: bool, rng: np.random.Generator
) -> Words:
    """Return the words of all vectors of a role; words without a side are random."""
    parts = [np.zeros(0, dtype=np.int64)]
    for v in program.with_role(role):
        if v.name == program.clock:
            parts.append(np.zeros(1, dtype=np.int64))  # the same in every case
        elif noise:
            parts.append(rng.integers(v.fmt.min, v.fmt.max, v.length, endpoint=True))
        else:
            parts.append(_ends(v, sides.get(v.name), rng))
    return np.concatenate(parts)


def _ends(v: Vector, side: npt.NDArray[np.float64] | None, rng: np.random.Generator) -> Words:
    side = np.zeros(v.length) if side is None else side
    up = np.where(side == 0, rng.random(v.length) < 0.5, side > 0)
    return np.where(up, v.fmt.max, v.fmt.min).astype(np.int64)
