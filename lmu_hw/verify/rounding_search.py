"""Search for inputs whose rounding errors also drive a chain's signal toward its worst case.

The signs that attain an l1 norm are not the only input that drives a signal almost to its bound,
and other inputs have other rounding errors. A beam search extends the inputs step by step and keeps
those whose rounded states contribute most to the signal in the last step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array, Words
from ..program.fixedpoint import Rounding
from ..program.integer_program import Cascade, Program
from ..program.memory_step import SectionWords, chain
from ..proof.lossless import LosslessSection, sections_of

NEAR = 8
"""Number of words next to the limit of their range that are tried in every step."""
KEPT = 256
"""Width of the beam [inputs]."""
MAX_VALUES = 1 << 24
"""Limit of the computed section words; it reduces the width of the beam."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The signal to maximize.

    Attributes
    ----------
    kind : str
        ``w, f, o`` or ``i``, see `proof.lossless`.
    section : int
    sign : int
        Direction, +1 or -1.
    """

    kind: str
    section: int
    sign: int


def steered(
    program: Program,
    op: Cascade,
    goal: Goal,
    start: Mapping[str, Words],
    rails: Words,
) -> Words:
    """Return input words that drive a signal furthest in the last step, as far as was found.

    Parameters
    ----------
    program : Program
    op : Cascade
    goal : Goal
    start : mapping of str to int64 array
        Initial states, shape (1, length); all channels are equal.
    rails : int64 array, shape (n_steps,)
        Input words of the worst case without rounding: limits of their range.

    Returns
    -------
    int64 array, shape (n_steps,)
    """
    fmt, n = program.vector(op.source).fmt, len(op.sections)
    sections = sections_of([[(e.coef, e.shift) for e in section] for section in op.sections])
    n_kept = max(1, min(KEPT, MAX_VALUES // (len(rails) * n * NEAR)))
    lengths = {op.z_outer: op.n_pairs, op.z_inner: n}
    state = {name: start[name][:, : lengths[name]] for name in op.states}
    weights = _weights(sections, goal, len(rails))
    inputs = np.zeros((1, 0), dtype=np.int64)
    for rail, weight in zip(rails, weights, strict=True):
        inward = -1 if rail > 0 else 1
        near = np.clip(rail + inward * np.arange(NEAR), fmt.min, fmt.max)
        parents, words = np.repeat(np.arange(len(inputs)), NEAR), np.tile(near, len(inputs))
        before = {name: value[parents] for name, value in state.items()}
        new = list(chain(program, op, before | {op.source: words[:, None]}, Rounding.RND))
        score = goal.sign * (
            _reals(program, op, new) @ weight
            if weight is not None
            else _word(new[goal.section], goal.kind)[:, 0]
        )
        best = np.argsort(-score, kind="stable")[:n_kept]
        inputs = np.column_stack([inputs[parents[best]], words[best]])
        outer = [section.outer[best] for section in new if section.outer is not None]
        state = {op.z_inner: np.hstack([section.inner[best] for section in new])}
        if outer:
            state[op.z_outer] = np.hstack(outer)
    return np.asarray(inputs[0])


def _word(new: SectionWords, kind: str) -> Words:
    """Return the words of a signal of a section."""
    held = new.inner if kind == "i" or new.outer is None else new.outer
    words = {"w": new.w, "f": new.f}.get(kind, held)
    assert words is not None
    return words


def _reals(program: Program, op: Cascade, new: Sequence[SectionWords]) -> Array:
    """Return the values of o, then i, of every section, shape (n_inputs, 2 n_sections)."""
    inner = program.vector(op.z_inner).fmt.lsb
    outer = program.vector(op.z_outer).fmt.lsb if op.n_pairs else inner
    o = [x.inner * inner if x.outer is None else x.outer * outer for x in new]
    i = [np.zeros_like(x.inner) if x.outer is None else x.inner * inner for x in new]
    return np.hstack([*o, *i])


def _weights(sections: Sequence[LosslessSection], goal: Goal, n_steps: int) -> list[Array | None]:
    """Return the weights of o and i after each step in the final signal; None for the last step."""
    n = len(sections)
    after, signals = _linear_step(sections, np.eye(2 * n))
    rows: list[Array | None] = [None]
    row = signals[goal.kind][goal.section]
    for _ in range(n_steps - 1):
        rows.append(row)
        row = row @ after
    return rows[::-1]


def _linear_step(
    sections: Sequence[LosslessSection], state: Array
) -> tuple[Array, dict[str, list[Array]]]:
    """Return columns of o and i after a step with zero input, unrounded, and all signals."""
    n = len(sections)
    w = np.zeros(state.shape[1])
    signals: dict[str, list[Array]] = {"w": [], "f": [], "o": [], "i": []}
    for k, section in enumerate(sections):
        o, i = state[k], state[n + k]
        t = float(section.e) * (o - w)
        w, f = w + t, 2 * w - o + t
        o, i_new = f, i
        if section.e2 is not None:
            t = section.e2[0] / 2.0 ** section.e2[1] * (f - i)
            o, i_new = 2 * i - f + t, i + t
        for name, value in zip(signals, (w, f, o, i_new), strict=True):
            signals[name].append(value)
    return np.array(signals["o"] + signals["i"]), signals
