"""The fixed memories of a network in training: compiled once, and run for every batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch

from .._support.array_types import Words
from ..firmware.bulk import BulkEngine
from ..firmware.loop_engine import run_loop
from ..program.all_steps import Loop
from ..program.integer_program import MemoryUpdate, Pointwise, Program, Role, Term, Vector


class CompiledMemories:
    """Runs memories in compiled C, each compiled when it first runs.

    Needs a C compiler. Memories that training changes are better run by
    `~lmu_hw.program.all_steps.AllSteps` itself: each change would be compiled again.

    Parameters
    ----------
    program : Program
        The program of the memories.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._engines: dict[str, BulkEngine] = {}

    def __getstate__(self) -> Program:
        """Return the program alone: a copy compiles again."""
        return self._program

    def __setstate__(self, program: Program) -> None:
        self._program, self._engines = program, {}

    def __call__(
        self, op: MemoryUpdate, source: Words, before: Mapping[str, Words]
    ) -> dict[str, Words]:
        """Return the states of a memory after every step; see `RunMemory`.

        Parameters
        ----------
        op : MemoryUpdate
        source : int64 array, shape (n_streams, n_steps, n_channels)
        before : mapping of str to int64 array, shape (n_streams, length)

        Returns
        -------
        dict of str to int64 array, shape (n_streams, n_steps, length)
            All states but the counters of zero-input runs.
        """
        engine = self._started(op, before)
        due = np.ones(source.shape[1], dtype=bool)
        found = engine.run(source.transpose(1, 0, 2), due=due).transpose(1, 0, 2)
        parts = np.split(found, self._bounds(op), axis=2)
        return dict(zip(op.states, parts, strict=True))

    def start(
        self, op: MemoryUpdate, before: Mapping[str, Words]
    ) -> Callable[[Words], dict[str, Words]]:
        """Return a function that runs a memory of a loop for one step; see `StartMemory`."""
        engine, due = self._started(op, before), np.ones(1, dtype=bool)
        bounds = self._bounds(op)

        def step(source: Words) -> dict[str, Words]:
            parts = np.split(engine.run(source[None], due=due)[0], bounds, axis=1)
            return dict(zip(op.states, parts, strict=True))

        return step

    def run_loop(self, loop: Loop) -> dict[str, Words] | None:
        """Return the words of a loop at every step, or None where it needs more; see `RunLoop`."""
        memories = [op for op in loop.ops if isinstance(op, MemoryUpdate)]
        return run_loop(loop, {op.silence: self._started(op, loop.before) for op in memories})

    def _started(self, op: MemoryUpdate, before: Mapping[str, Words]) -> BulkEngine:
        engine = self._engine(op).with_streams(len(before[op.silence]))
        states = [v.name for v in engine.program.with_role(Role.STATE)]
        engine.load(np.concatenate([before[name] for name in states], axis=1))
        return engine

    def _bounds(self, op: MemoryUpdate) -> list[int]:
        """Return where the states of a memory begin in its words, but for the first."""
        lengths = [self._program.vector(name).length for name in op.states]
        return [sum(lengths[:k]) for k in range(1, len(lengths))]

    def after(self, op: MemoryUpdate, source: Words) -> dict[str, Words]:
        """Return the states of a memory after the last step, from zero.

        Parameters
        ----------
        op : MemoryUpdate
        source : int64 array, shape (n_streams, n_steps, n_channels)

        Returns
        -------
        dict of str to int64 array, shape (n_streams, length)
            The counters too.
        """
        engine = self._engine(op).with_streams(len(source))
        engine.run(source.transpose(1, 0, 2), due=np.zeros(source.shape[1], dtype=bool))
        states = engine.program.with_role(Role.STATE)
        parts = np.split(engine.save(), np.cumsum([v.length for v in states])[:-1], axis=1)
        return {v.name: words for v, words in zip(states, parts, strict=True)}

    def _engine(self, op: MemoryUpdate) -> BulkEngine:
        if op.silence not in self._engines:
            made = memory_program(self._program, op)
            self._engines[op.silence] = BulkEngine(made, n_threads=torch.get_num_threads())
        return self._engines[op.silence]


def memory_program(program: Program, op: MemoryUpdate) -> Program:
    """Return a program of one memory, whose outputs are its states, on request."""
    source = program.vector(op.source)
    vectors = [Vector(name=source.name, length=source.length, role=Role.INPUT, fmt=source.fmt)]
    vectors += [program.vector(name) for name in (op.silence, *op.states)]
    copies = []
    for name in op.states:
        state = program.vector(name)
        vectors.append(replace(state, name=f"y_{name}", role=Role.OUTPUT))
        copies.append(Pointwise(terms=(Term(name),), target=f"y_{name}"))
    return Program(title="a memory", output_every=0, vectors=tuple(vectors), ops=(op, *copies))
