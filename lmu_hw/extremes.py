"""States and inputs that drive the sums of a program to their bounds.

A sum of products is largest where every word is at an end of its format, on the side of its weight.
So each row of an operation gives two cases: these words, and their opposites. Words that the step
computes itself cannot be set; random corners of the formats, and noise, drive those.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from .program import Cascade, Dense, Linear, Pointwise, Program, Role, Vector

Words = npt.NDArray[np.int64]
Sides = dict[str, npt.NDArray[np.float64]]
"""For some vectors, the side of each word: -1, 1, or 0 for any."""

ROWS = 24
"""Rows of an operation that are driven, those of the largest sums."""
CORNERS = 24
"""Cases of random corners, and as many of noise."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Cases:
    """Independent runs of a few steps, each from a state of its own.

    Attributes
    ----------
    states : int64 array, shape (n_cases, n_state)
    inputs : int64 array, shape (n_steps, n_cases, n_in)
    """

    states: Words
    inputs: Words


def extremes(program: Program, n_steps: int, seed: int, most: int = 1000) -> Cases:
    """Return cases that drive sums to their bounds, at most ``most``.

    Every step of a case has inputs of its own: first those that are driven, then their opposites,
    then corners and noise in turns.
    """
    rng = np.random.default_rng(seed)
    sides = [*islice(_sides(program), max(1, most - 2 * CORNERS))]
    sides += [{}] * min(2 * CORNERS, most)
    states, inputs = [], []
    for number, side in enumerate(sides):
        noise = not side and number % 2 == 0
        states.append(_words(program, Role.STATE, side, noise, rng))
        rows = []
        for t in range(n_steps):
            turned = {name: -s for name, s in side.items()} if t == 1 else side if t < 1 else {}
            rows.append(_words(program, Role.INPUT, turned, noise or t % 4 == 3, rng))
        inputs.append(rows)
    return Cases(states=np.array(states), inputs=np.array(inputs).swapaxes(0, 1))


def _sides(program: Program) -> Iterator[Sides]:
    """Yield both sides for the largest rows of every operation, and for its products."""
    for op in program.ops:
        if isinstance(op, Linear | Dense):
            names = op.sources if isinstance(op, Linear) else (op.state,)
            rows = np.array(op.rows, dtype=np.float64)
            for row in rows[np.argsort(-np.abs(rows).sum(axis=1))[:ROWS]]:
                yield from _both(_row_sides(program, op, names, row))
        elif isinstance(op, Cascade):
            a, b = op.z_inner, op.z_outer or op.source
            for same in (1.0, -1.0):
                yield from _both({a: _all(program, a), b: same * _all(program, b)})
        elif isinstance(op, Pointwise):
            yield from _both({name: _all(program, name) for name in op.reads})


def _row_sides(
    program: Program, op: Linear | Dense, names: tuple[str, ...], row: npt.NDArray[np.float64]
) -> Sides:
    channels = program.channels(op)
    sides, first = {}, 0
    for name in names:
        width = program.vector(name).length // channels
        sides[name] = np.tile(np.sign(row[first : first + width]), channels)
        first += width
    if isinstance(op, Dense):
        # the input is subtracted from the first word
        sides[op.source] = np.full(channels, -np.sign(row[0]) or 1.0)
    return sides


def _all(program: Program, name: str) -> npt.NDArray[np.float64]:
    return np.ones(program.vector(name).length)


def _both(sides: Sides) -> Iterator[Sides]:
    yield sides
    yield {name: -side for name, side in sides.items()}


def _words(
    program: Program, role: Role, sides: Sides, noise: bool, rng: np.random.Generator
) -> Words:
    """Return the words of all vectors of a role; the rest at random ends, or anywhere."""
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
