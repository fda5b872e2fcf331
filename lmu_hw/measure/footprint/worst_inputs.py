"""Inputs among which the step with the most instructions is searched.

What a step takes varies where a word decides: a memory rounds toward zero in a zero-input run, a
result saturates, and processors without wide multiplication may skip carries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..._support.array_types import Words
from ...program import vectors
from ...program.integer_program import MemoryUpdate, Program, Role
from ...verify.stimulus import window
from ...verify.worst_case import worst_case

STEPS = 300
"""Steps of each kind of input; fewer of a large network."""
MULTIPLIES = 1 << 25
"""Multiplications and draws of all steps of a kind at most."""
LONGEST_RUN = 2048
"""Longest window for which a zero-input run is played."""
SHORT = 256
"""Longest window for which the worst case of the certificate is derived, which takes a search."""
SEED = 2
FIRST_ZEROS = "first zeros of all memories, from a loaded state"
RUNS_START = "zero-input runs of all memories, from a loaded state"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class NamedInput:
    """Input words with a name.

    Attributes
    ----------
    name : str
    words : int64 array, shape (n_steps, n_in)
    state : int64 array, shape (n_state,), optional
        State to load first; none: the last one of the input before, or that after a reset.
    """

    name: str
    words: Words
    state: Words | None = None


def worst_inputs(program: Program) -> tuple[NamedInput, ...]:
    """Return the inputs to search: they follow each other, without a reset in between.

    The inputs of a network may never be those that make all memories count zeros in one step, or
    start their zero-input runs in one step; a loaded state does, before a step without an output
    and before one with an output.
    """
    n_steps = max(
        32, program.output_every + 1, min(STEPS, MULTIPLIES // max(1, program.work_per_output))
    )
    n_steps = min(n_steps, LONGEST_RUN)
    played = [NamedInput(name=name, words=words) for name, words in _inputs(program, n_steps)]
    zeros = np.zeros((2, program.n_words(Role.INPUT)), dtype=np.int64)
    late = program.output_every - 1
    for name, running in ((FIRST_ZEROS, False), (RUNS_START, True)):
        played += [
            NamedInput(name=name, words=zeros, state=_loaded(program, running, 0)),
            NamedInput(name=name, words=zeros[:1], state=_loaded(program, running, late)),
        ]
    return tuple(played)


def _loaded(program: Program, running: bool, clock: int) -> Words:
    """Return a state of zeros, before the first zero of all memories or before their runs."""
    memories = [op for op in program.ops if isinstance(op, MemoryUpdate)]
    words = {op.silence: op.window - 1 if running else 0 for op in memories}
    words[program.clock] = clock
    states = program.with_role(Role.STATE)
    return np.concatenate([np.full(v.length, words.get(v.name, 0)) for v in states])


def _inputs(program: Program, n: int) -> Iterator[tuple[str, Words]]:
    rng = np.random.default_rng(SEED)
    inputs = program.with_role(Role.INPUT)
    low = np.concatenate([np.full(v.length, v.fmt.min) for v in inputs])
    high = np.concatenate([np.full(v.length, v.fmt.max) for v in inputs])
    shape, w = (n, len(low)), window(program)
    yield "full-scale noise", rng.integers(low, high + 1, shape)
    if w <= LONGEST_RUN:
        yield "zero-input run after noise", np.zeros((w + n, len(low)), dtype=np.int64)
        yield "single words in zeros", _single_words(low, high, w + n, w)
        yield "zero-input run after small words", np.zeros((w + n // 4, len(low)), dtype=np.int64)
    for period in sorted({2, max(4, w // 3 * 2), max(6, 2 * w)}):
        yield f"square of period {period}", _square(low, high, n, period)
    yield "random ends of the range", np.where(rng.random(shape) < 0.5, low, high)
    yield "small words", rng.integers(np.maximum(low, -2), np.minimum(high, 2) + 1, shape)
    yield "largest word", np.broadcast_to(high, shape)
    yield "smallest word", np.broadcast_to(low, shape)
    if w <= SHORT and len(worst := worst_case(program).inputs):
        yield "worst case of the memory", worst[-4 * n :]
    yield "mix", vectors.stimulus(program, n, 1, SEED)[:, 0]


def _square(low: Words, high: Words, n_steps: int, period: int) -> Words:
    """Return square waves; neighbouring words are a quarter of a period apart."""
    t = np.arange(n_steps)[:, None] + np.arange(len(low)) * max(1, period // 4)
    return np.where(t % period < period // 2, low, high)


def _single_words(low: Words, high: Words, n_steps: int, w: int) -> Words:
    """Return zeros with one full-scale word of each input, one input after the other."""
    words = np.zeros((n_steps, len(low)), dtype=np.int64)
    for n, t in enumerate(range(0, n_steps - w, max(1, (n_steps - w) // 8))):
        words[t, n % len(low)] = (low, high)[n // len(low) % 2][n % len(low)]
    return words


def joined(inputs: Sequence[NamedInput]) -> Words:
    """Return all inputs, one after the other."""
    return np.concatenate([one.words for one in inputs])


def loaded(inputs: Sequence[NamedInput]) -> dict[int, Words]:
    """Return the states to load, by the step of `joined` before which."""
    starts = np.cumsum([0, *(len(one.words) for one in inputs)]).tolist()
    return {
        start: one.state
        for start, one in zip(starts, inputs, strict=False)
        if one.state is not None
    }


def name_at(inputs: Sequence[NamedInput], step: int) -> tuple[str, int]:
    """Return the name of the input that a step of `joined` belongs to, and its number there."""
    for one in inputs:
        if step < len(one.words):
            return one.name, step
        step -= len(one.words)
    raise IndexError(step)
