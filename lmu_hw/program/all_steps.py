"""All steps of a program at once, where no step waits for the one before.

The interpreter runs one step after the other, for any program. Training needs every word of every
step, and most operations do not depend on the step before: they take the words of all steps as if
each were a stream. Only a loop, such as a recurrent layer, runs step by step. The interpreter
executes every operation, so the words are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from graphlib import TopologicalSorter

import numpy as np

from .._support.array_types import Words
from ..errors import SpecError
from .cascade_steps import cascade_steps
from .integer_program import Cascade, Linear, MemoryUpdate, Operation, Program, Role
from .interpreter import Interpreter
from .row_arrays import RowArrays

Steps = Mapping[str, Words]
"""Words of vectors at all steps, shape (n_streams, n_steps, length)."""
RunMemory = Callable[[MemoryUpdate, Words, Mapping[str, Words]], dict[str, Words]]
"""Runs a memory over all steps, given the words of its source and, by name, its states before the
first step, shape (n_streams, length). Returns the states after every step; it may leave out the
counters of zero-input runs."""
StartMemory = Callable[[MemoryUpdate, Mapping[str, Words]], Callable[[Words], dict[str, Words]]]
"""Starts a memory from given states, by name. Returns a function that runs one step: it takes the
words of the source, shape (n_streams, n_channels), and returns the states, without the counter of a
zero-input run."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Loop:
    """Operations that depend on each other: each step waits for the one before.

    Attributes
    ----------
    program : Program
    ops : tuple of Operation
        In their order in a step.
    rows : mapping of str to RowArrays
        Integers of every `Linear`, by its target.
    outside : tuple of dict of str to int64 array, shape (n_streams, n_steps, length)
        What each operation reads that no operation of the loop writes, as it reads it.
    before : dict of str to int64 array, shape (n_streams, length)
        Words before the first step of all vectors that the loop writes.
    n_streams, n_steps : int
    """

    program: Program
    ops: tuple[Operation, ...]
    rows: Mapping[str, RowArrays]
    outside: tuple[dict[str, Words], ...]
    before: dict[str, Words]
    n_streams: int
    n_steps: int


RunLoop = Callable[[Loop], dict[str, Words] | None]
"""Runs a loop in which no operation is lazy. Returns the words of all steps, without the counters
of zero-input runs, or None for a loop that it cannot run."""


class AllSteps:
    """Runs a program over sequences and returns all words of all steps.

    Parameters
    ----------
    program : Program
        Without a clock: an output is due at every step, or at the last.
    weights : mapping of str to RowArrays, optional
        See `~lmu_hw.program.interpreter.Interpreter`.
    run_memory : callable, optional
        Runs memories that are in no loop. Default: NumPy.
    start_memory : callable, optional
        Starts memories in a loop. Default: the interpreter runs them.
    run_loop : callable, optional
        Runs loops. Default, and where it returns None: the interpreter, step by step.
    """

    def __init__(
        self,
        program: Program,
        *,
        weights: Mapping[str, RowArrays] | None = None,
        run_memory: RunMemory | None = None,
        start_memory: StartMemory | None = None,
        run_loop: RunLoop | None = None,
    ) -> None:
        assert not program.clock, "an output is due at every step or at the last"
        self.program = program
        self._interpreter = Interpreter(program, weights=weights)
        self._run_memory = run_memory or self._memory_steps
        self._start_memory, self._run_loop = start_memory, run_loop
        self._weights = weights or {}
        self._place = {id(op): k for k, op in enumerate(program.ops)}
        self._writer = {name: k for k, op in enumerate(program.ops) for name in op.writes}
        self._lazy = {id(op) for op, lazy in zip(program.ops, program.lazy, strict=True) if lazy}
        self._before: dict[str, Words] = {}
        self._found: dict[str, Words] = {}
        self._n_steps = 0

    def run(self, inputs: Words, state: Words | None = None) -> dict[str, Words]:
        """Return the words of all vectors after every step.

        Parameters
        ----------
        inputs : int64 array, shape (n_streams, n_steps, n_in)
        state : int64 array, shape (n_streams, n_state), optional
            As `~lmu_hw.program.interpreter.Interpreter.save` returns it. Default: zeros.

        Returns
        -------
        dict of str to int64 array, shape (n_streams, n_steps, length)
            Results of lazy operations are those of the last step, and zero before.

        Raises
        ------
        RangeError
            If a word does not fit its format.
        SpecError
            If a shape is wrong or there is no step.
        """
        if inputs.size == 0:
            raise SpecError(f"inputs must hold a sequence and a step, not {inputs.shape}")
        if state is None:
            state = np.zeros((len(inputs), self.program.n_words(Role.STATE)), dtype=np.int64)
        self._before = by_name(self.program, Role.STATE, state)
        self._found, self._n_steps = by_name(self.program, Role.INPUT, inputs), inputs.shape[1]
        for group in loops(self.program.ops):
            self._found |= self._run_group(group)
        return self._found

    def _run_group(self, group: Sequence[Operation]) -> dict[str, Words]:
        op = group[0]
        if len(group) == 1 and isinstance(op, MemoryUpdate):
            before = {name: self._before[name] for name in (op.silence, *op.states)}
            return self._run_memory(op, self._read(op, op.source), before)
        if len(group) == 1 and not set(op.reads) & set(op.writes):
            return self._at_once(op)
        loop, found = self._loop(group), None
        if self._run_loop is not None and not any(id(op) in self._lazy for op in group):
            found = self._run_loop(loop)
        return self._step_by_step(loop) if found is None else found

    def _read(self, op: Operation, name: str) -> Words:
        """Return the words of a vector that ``op`` reads at every step, written by another group.

        A vector that is written later in a step is read as the step before has left it.
        """
        if name not in self._found:
            # a state that no operation writes
            return np.repeat(self._before[name][:, None], self._n_steps, axis=1)
        if self._writer.get(name, -1) < self._place[id(op)]:
            return self._found[name]
        first = self._before[name][:, None]
        return np.concatenate([first, self._found[name][:, :-1]], axis=1)

    def _at_once(self, op: Operation) -> dict[str, Words]:
        """Run an operation at all steps as if each were a stream; a lazy one at the last alone."""
        read = {name: self._read(op, name) for name in op.reads}
        n_streams = len(read[op.reads[0]])
        n_steps = 1 if id(op) in self._lazy else self._n_steps
        first = self._n_steps - n_steps
        flat = {name: x[:, first:].reshape(-1, x.shape[2]) for name, x in read.items()}
        found = {}
        for name, words in self._interpreter.execute(op, flat).items():
            steps = words.reshape(n_streams, n_steps, -1)
            found[name] = np.pad(steps, ((0, 0), (first, 0), (0, 0))) if first else steps
        return found

    def _loop(self, group: Sequence[Operation]) -> Loop:
        """Return operations with all that they read."""
        inside = [name for op in group for name in op.writes]
        n = len(next(iter(self._found.values())))
        return Loop(
            program=self.program,
            ops=tuple(group),
            rows={
                op.target: self._weights.get(op.target) or RowArrays.of(op)
                for op in group
                if isinstance(op, Linear)
            },
            outside=tuple(
                {name: self._read(op, name) for name in op.reads if name not in inside}
                for op in group
            ),
            before={
                name: self._before.get(
                    name, np.zeros((n, self.program.vector(name).length), np.int64)
                )
                for name in inside
            },
            n_streams=n,
            n_steps=self._n_steps,
        )

    def _step_by_step(self, loop: Loop) -> dict[str, Words]:
        """Run the operations of a loop in each step."""
        started, counters = self._started(loop.ops)
        now = dict(loop.before)
        steps = {
            name: np.empty((self._n_steps, *x.shape), np.int64)
            for name, x in now.items()
            if name not in counters
        }
        for t in range(self._n_steps):
            for op, read in zip(loop.ops, loop.outside, strict=True):
                if id(op) not in self._lazy or t == self._n_steps - 1:
                    words = now | {name: x[:, t] for name, x in read.items()}
                    now |= started.get(id(op), partial(self._interpreter.execute, op))(words)
            for name, found in steps.items():
                found[t] = now[name]
        return {name: found.swapaxes(0, 1) for name, found in steps.items()}

    def _started(
        self, group: Sequence[Operation]
    ) -> tuple[dict[int, Callable[[Mapping[str, Words]], dict[str, Words]]], set[str]]:
        """Return memories that `start_memory` runs, by operation, and the counters left out."""
        found: dict[int, Callable[[Mapping[str, Words]], dict[str, Words]]] = {}
        counters: set[str] = set()
        if self._start_memory is None or len(group) == 1:
            return found, counters
        for op in group:
            if isinstance(op, MemoryUpdate):
                before = {name: self._before[name] for name in (op.silence, *op.states)}
                found[id(op)] = _on_source(op, self._start_memory(op, before))
                counters.add(op.silence)
        return found, counters

    def _memory_steps(
        self, op: MemoryUpdate, source: Words, before: Mapping[str, Words]
    ) -> dict[str, Words]:
        if isinstance(op, Cascade):
            return cascade_steps(self.program.vector, op, source, before)
        return self._step_by_step(self._loop([op]))


def _on_source(
    op: MemoryUpdate, step: Callable[[Words], dict[str, Words]]
) -> Callable[[Mapping[str, Words]], dict[str, Words]]:
    return lambda words: step(words[op.source])


def loops(ops: Sequence[Operation]) -> list[list[Operation]]:
    """Return groups of operations that depend on each other, each after those that it depends on.

    Within a group, operations keep their order in a step.
    """
    writers = {name: k for k, op in enumerate(ops) for name in op.writes}
    if len(writers) < sum(len(op.writes) for op in ops):
        # a vector written twice in a step has no single writer to depend on
        return [list(ops)]
    needs = np.zeros((len(ops), len(ops)), dtype=bool)
    for k, op in enumerate(ops):
        needs[k, [writers[name] for name in op.reads if name in writers]] = True
    for k in range(len(ops)):
        needs |= needs[:, k, None] & needs[k]
    together = (needs & needs.T) | np.eye(len(ops), dtype=bool)
    first = [int(np.argmax(row)) for row in together]
    order = TopologicalSorter(
        {k: {first[int(j)] for j in np.flatnonzero(needs[k])} - {k} for k in sorted(set(first))}
    )
    return [[ops[int(j)] for j in np.flatnonzero(together[k])] for k in order.static_order()]


def by_name(program: Program, role: Role, words: Words) -> dict[str, Words]:
    """Return the words of each vector of a role.

    Parameters
    ----------
    program : Program
    role : Role
    words : int array, shape (..., n_words)
        Words of all vectors of the role, in their order.

    Raises
    ------
    RangeError
        If a word does not fit its format.
    SpecError
        If the length is wrong.
    """
    n = program.n_words(role)
    if words.shape[-1] != n:
        raise SpecError(f"{role.value} words have length {words.shape[-1]} but should have {n}")
    found, first = {}, 0
    for v in program.with_role(role):
        found[v.name] = words[..., first : first + v.length].astype(np.int64, copy=False)
        if found[v.name].size:
            v.fmt.check(found[v.name], v.name)
        first += v.length
    return found
