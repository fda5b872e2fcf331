"""Search for inputs whose rounding errors also drive a chain's signal toward its worst case.

The signs that attain an l1 norm are not the only input that drives a signal almost to its bound,
and other inputs have other rounding errors. A beam search extends the inputs step by step and keeps
those whose rounded states contribute most to the signal in the last step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from .._support.array_types import Array, Words
from ..program.fixedpoint import Rounding
from ..program.integer_program import Cascade, Program, Spiking
from ..program.memory_step import chain
from ..program.spiking_step import spikes, spiking_step, vectors
from ..proof.lossless import LosslessSection, sections_of

Signals = dict[str, list[Words]]
"""Words of ``w, f, o, i`` by section, each of shape (n_inputs,)."""
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
    op: Cascade | Spiking,
    goal: Goal,
    start: Mapping[str, Words],
    rails: Words,
) -> Words:
    """Return input words that drive a signal furthest in the last step, as far as was found.

    Parameters
    ----------
    program : Program
    op : Cascade or Spiking
        Spiking on integrate-and-fire neurons.
    goal : Goal
    start : mapping of str to int64 array
        Initial states, shape (1, length); all channels are equal.
    rails : int64 array, shape (n_steps,)
        Input words of the worst case without rounding: limits of their range.

    Returns
    -------
    int64 array, shape (n_steps,)
    """
    fmt, step = program.vector(op.source).fmt, _StepOf(program, op)
    sections = step.sections
    n_kept = max(1, min(KEPT, MAX_VALUES // (len(rails) * len(sections) * NEAR)))
    state = {name: start[name][:, :length] for name, length in step.lengths.items()}
    weights = _weights(sections, goal, len(rails))
    inputs = np.zeros((1, 0), dtype=np.int64)
    for rail, (weight, later) in zip(rails, pairwise([*weights, None]), strict=True):
        inward = -1 if rail > 0 else 1
        near = np.clip(rail + inward * step.tried, fmt.min, fmt.max)
        parents, words = np.repeat(np.arange(len(inputs)), NEAR), np.tile(near, len(inputs))
        before = {name: value[parents] for name, value in state.items()}
        after, signals = step(before, words)
        score: Words | Array
        if weight is None:
            score = signals[goal.kind][goal.section]
        else:
            last = _own(goal, len(sections)) if later is None else later
            score = step.values(after) @ weight + step.unsent(after) @ (weight - last)
        best = np.argsort(-goal.sign * score, kind="stable")[:n_kept]
        inputs = np.column_stack([inputs[parents[best]], words[best]])
        state = {name: value[best] for name, value in after.items()}
    return np.asarray(inputs[0])


class _StepOf:
    """A step of one channel of a memory, for many inputs in parallel.

    Parameters
    ----------
    program : Program
    op : Cascade or Spiking

    Attributes
    ----------
    sections : sequence of LosslessSection
    lengths : dict of str to int
        Words of one channel in each state vector.
    tried : int array, shape (NEAR,)
        Distances from the limit of the input words that are tried.
    """

    def __init__(self, program: Program, op: Cascade | Spiking) -> None:
        cascade = self._cascade = op.cascade if isinstance(op, Spiking) else op
        self._op, n = op, len(cascade.sections)
        self.sections = sections_of([[(e.coef, e.shift) for e in s] for s in cascade.sections])
        self.lengths = {cascade.z_outer: cascade.n_pairs, cascade.z_inner: n}
        self.lengths = {name: self.lengths[name] for name in cascade.states}
        self.tried = np.arange(NEAR)
        self._program = program
        if isinstance(op, Spiking):
            self.lengths[op.membrane] = len(op.quanta)
            # a residue moves by little unless the input does
            self.tried = self.tried * max(1, program.vector(op.source).fmt.max >> op.population + 4)
            self._program = _one_channel(program, op)

    def __call__(self, before: Mapping[str, Words], u: Words) -> tuple[dict[str, Words], Signals]:
        """Return the states after a step, and the signals ``w, f, o, i`` by section."""
        program, op, cascade = self._program, self._op, self._cascade
        words = {**before, op.source: u[:, None]}
        read = words
        if isinstance(op, Spiking):
            sent = spikes(program, op, words, Rounding.RND).sent
            read = words | vectors(op, sent)
        new = list(chain(program, cascade, read, Rounding.RND))
        if isinstance(op, Spiking):
            after = spiking_step(program, op, words, Rounding.RND)
        else:
            outer = [section.outer for section in new if section.outer is not None]
            after = {op.z_inner: np.hstack([section.inner for section in new])}
            after |= {op.z_outer: np.hstack(outer)} if outer else {}
        after = {name: after[name] for name in self.lengths}
        o, i = self._by_section(after)
        signals = {
            "w": [x.w[:, 0] for x in new],
            "f": [o[k] if x.f is None else x.f[:, 0] for k, x in enumerate(new)],
            "o": o,
            "i": i,
        }
        return after, signals

    def values(self, state: Mapping[str, Words]) -> Array:
        """Return the real values of o, then i, of every section, shape (n_inputs, 2 n)."""
        o, i = self._by_section(state)
        return self._real(np.stack([*o, *i], axis=1))

    def unsent(self, state: Mapping[str, Words]) -> Array:
        """Return what the states have still to send, as `values`."""
        if not isinstance(self._op, Spiking):
            return np.zeros((1, 2 * len(self.sections)))
        words = vectors(self._op, state[self._op.membrane][:, None])
        o, i = self._by_section(words)
        return self._real(np.stack([*o, *i], axis=1))

    def _real(self, words: Words) -> Array:
        inner = self._program.vector(self._cascade.z_inner).fmt.lsb
        outer = self._program.vector(self._cascade.z_outer or self._cascade.z_inner).fmt.lsb
        of_o = [inner if s.e2 is None else outer for s in self.sections]
        return np.asarray(words * np.array(of_o + [inner] * len(self.sections)))

    def _by_section(self, state: Mapping[str, Words]) -> tuple[list[Words], list[Words]]:
        """Return the words o and i of every section; i is 0 where there is none."""
        inner = list(state[self._cascade.z_inner].T)
        outer = iter(state[self._cascade.z_outer].T if self._cascade.n_pairs else ())
        o, i = [], []
        for section, word in zip(self.sections, inner, strict=True):
            o.append(word if section.e2 is None else next(outer))
            i.append(np.zeros_like(word) if section.e2 is None else word)
        return o, i


def _one_channel(program: Program, op: Spiking) -> Program:
    """Return a program of the first channel of a memory alone."""
    channels = program.channels(op)
    used = [v for v in program.vectors if v.name in {*op.reads, *op.writes}]
    vectors = tuple(replace(v, length=v.length // channels) for v in used)
    return replace(program, vectors=vectors, ops=(op,), clock="", output_every=1)


def _own(goal: Goal, n: int) -> Array:
    """Return the row of a signal over the states of the last step; zero if they are not in it."""
    row = np.zeros(2 * n)
    if goal.kind in ("o", "i"):
        row[goal.section + n * (goal.kind == "i")] = 1.0
    return row


def _weights(sections: Sequence[LosslessSection], goal: Goal, n_steps: int) -> list[Array | None]:
    """Return the weights of o and i after each step in the final signal; None for the last step."""
    n = len(sections)
    after, signals = linear_step(sections, np.eye(2 * n))
    rows: list[Array | None] = [None]
    row = signals[goal.kind][goal.section]
    for _ in range(n_steps - 1):
        rows.append(row)
        row = row @ after
    return rows[::-1]


def linear_step(
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
