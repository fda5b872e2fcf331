"""Stimulus for the backends, with the expected words of the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..program import vectors
from ..program.integer_program import MemoryUpdate, Program, Role
from ..program.interpreter import Interpreter
from .backends.compiled_model import Steps

ROUND_STEPS = 1 << 20
"""Steps, in all streams together, whose stimulus is generated at a time."""
BLOCK_WORDS = 1 << 21
"""Words compared at a time; limits the memory for long runs."""
STREAMS = 64
"""Number of independent streams among which the steps of a run are divided."""
SEQUENCE_STEPS = 16
"""Steps per output in C, if the caller decides which steps have one."""
DUE_SHARE = 0.4
"""Share of steps with an output in simulation, if the caller decides which steps have one."""
PIECES = 8
"""Least number of pieces of a given stimulus, which run alternately with and without stalls."""


class Reference:
    """Runs the interpreter over several streams in blocks, and counts steps with truncation.

    Parameters
    ----------
    program : Program
    n_streams : int

    Attributes
    ----------
    silent_steps : int
        Steps of all streams in which a memory update truncated.
    """

    def __init__(self, program: Program, n_streams: int) -> None:
        self._program = program
        self._interpreter = Interpreter(program, n_streams)
        self._memories = [op for op in program.ops if isinstance(op, MemoryUpdate)]
        self.silent_steps = 0

    def blocks(
        self, rounds: Iterator[Words], advance: Callable[[int], None]
    ) -> Iterator[vectors.Vectors]:
        """Yield the vectors of all rounds of stimulus, in pieces."""
        row = self._interpreter.n_streams * self._program.n_words(Role.OUTPUT)
        size = max(1, BLOCK_WORDS // row)
        if self._program.output_every == 0:
            size = min(size, SEQUENCE_STEPS)
        for u in rounds:
            for start in range(0, len(u), size):
                yield self.run(u[start : start + size], advance)

    def load(self, state: Words) -> None:
        """Set the state words, shape (n_streams, n_state)."""
        self._interpreter.load(state)

    def due(self, n_steps: int, seed: int) -> npt.NDArray[np.bool_]:
        """Return which of the next steps have an output; random ones if the caller decides."""
        if self._program.output_every:
            return self._interpreter.due(n_steps)
        return np.random.default_rng(seed).random(n_steps) < DUE_SHARE

    def run(
        self,
        u: Words,
        advance: Callable[[int], None] = lambda _: None,
        due: npt.NDArray[np.bool_] | None = None,
    ) -> vectors.Vectors:
        """Return the vectors for inputs of shape (n_steps, n_streams, n_in)."""
        outputs = self._interpreter.run(u, lambda _: advance(1), watch=self._watch, due=due)
        return vectors.Vectors(inputs=u, outputs=outputs, state=self._interpreter.save())

    def _watch(self, words: Mapping[str, Words]) -> None:
        silent = np.zeros(self._interpreter.n_streams, dtype=np.bool_)
        for op in self._memories:
            silent |= (words[op.silence] == op.window).any(axis=1)
        self.silent_steps += int(np.count_nonzero(silent))


class Sequences:
    """Steps for a simulated design, with the expected words.

    Generated stimulus consists of many sequences from reset, a given one of one sequence in pieces.

    Parameters
    ----------
    program : Program
    n_steps : int
        Least number of generated steps; all steps of ``inputs`` are used.
    seed : int
    inputs : int64 array, shape (n_steps, n_in), optional
        Given stimulus.
    signals : int
        Signals that take turns in the design; ``inputs`` are those of the first one.

    Attributes
    ----------
    total : int
        Number of all steps.
    silent_steps : int
        Number of steps so far in which a memory update truncated.
    """

    def __init__(
        self,
        program: Program,
        n_steps: int,
        seed: int,
        inputs: Words | None = None,
        signals: int = 1,
    ) -> None:
        self._program, self._seed, self._inputs = program, seed, inputs
        self._signals = signals
        row = program.n_words(Role.INPUT) + program.n_words(Role.OUTPUT)
        self._most = max(1, BLOCK_WORDS // row)
        self._streams, self._length = shares(program, min(n_steps, self._most))
        self._streams = -(-self._streams // signals) * signals
        self._rounds = -(-n_steps // (self._streams * self._length))
        self.total = (
            self._rounds * self._streams * self._length if inputs is None else len(inputs) * signals
        )
        self.silent_steps = 0

    def __iter__(self) -> Iterator[Steps]:
        if self._inputs is None:
            for k in range(self._rounds):
                yield from self._round(self._seed + k)
        else:
            yield from self._pieces(self._inputs)

    def before(self, sequence: int, step: int) -> Words:
        """Return the inputs of a sequence from reset up to and including a step.

        If several signals take turns, those of the signal whose step it is.
        """
        step, signal = divmod(step, self._signals)
        if self._inputs is not None:
            return vectors.of_signals(self._inputs, self._signals)[: step + 1, signal]
        number, sequence = divmod(sequence, self._streams // self._signals)
        u = vectors.stimulus(self._program, self._length, self._streams, self._seed + number)
        return u[: step + 1, sequence * self._signals + signal]

    def _round(self, seed: int) -> Iterator[Steps]:
        reference = Reference(self._program, self._streams)
        u = vectors.stimulus(self._program, self._length, self._streams, seed)
        due = reference.due(len(u), seed)
        outputs = reference.run(u, due=None if self._program.output_every else due).outputs
        self.silent_steps += reference.silent_steps
        for first in range(0, self._streams, self._signals):
            among = slice(first, first + self._signals)
            yield self._in_turn(u[:, among], due, outputs[:, among], from_reset=True)

    def _in_turn(
        self, u: Words, due: npt.NDArray[np.bool_], outputs: Words, *, from_reset: bool
    ) -> Steps:
        """Return the steps of several signals, shape (n_steps, n_signals, ...), in turn."""
        return Steps(
            inputs=u.reshape(-1, u.shape[-1]),
            due=np.repeat(due, self._signals),
            outputs=outputs.reshape(-1, outputs.shape[-1]),
            from_reset=from_reset,
        )

    def _pieces(self, inputs: Words) -> Iterator[Steps]:
        reference = Reference(self._program, self._signals)
        size = min(self._most, -(-len(inputs) // PIECES))
        signals = vectors.of_signals(inputs, self._signals)
        for number, start in enumerate(range(0, len(inputs), size)):
            u = signals[start : start + size]
            due = reference.due(len(u), self._seed + number)
            found = reference.run(u, due=None if self._program.output_every else due)
            self.silent_steps = reference.silent_steps
            yield self._in_turn(u, due, found.outputs, from_reset=number == 0)


def shares(program: Program, n_steps: int) -> tuple[int, int]:
    """Return the number of streams to divide steps among, and the steps of each.

    Each stream is long enough for a zero-input run, if ``n_steps`` allows it, and for some outputs.
    """
    zero_run = min(3 * window(program), n_steps // 4)
    outputs = min(2 * program.output_every, n_steps)
    wanted = max(n_steps // STREAMS, zero_run, outputs, 1)
    n_streams = -(-n_steps // wanted)
    return n_streams, -(-n_steps // n_streams)


def rounds(program: Program, n_steps: int, n_streams: int, seed: int) -> Iterator[Words]:
    """Yield the stimulus of many steps in rounds; round k has the seed plus k."""
    size = max(1, ROUND_STEPS // n_streams)
    for k, start in enumerate(range(0, n_steps, size)):
        yield vectors.stimulus(program, min(size, n_steps - start), n_streams, seed + k)


def work_per_step(program: Program) -> int:
    """Return the average number of multiplications and random numbers per step."""
    every = program.output_every or SEQUENCE_STEPS
    always = program.multiplies_per_step + program.draws_per_step
    return always + program.multiplies_per_output // every


def window(program: Program) -> int:
    """Return the longest window of the program's zero-run counters [steps]."""
    return max((op.window for op in program.ops if isinstance(op, MemoryUpdate)), default=1)
