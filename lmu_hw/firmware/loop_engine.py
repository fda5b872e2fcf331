"""The steps of operations that depend on each other, in compiled C whose weights are arguments.

Training changes the weights in every batch: to compile them each time would take longer than to run
them. Memories run in their own compiled C, which is called for every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import POINTER, Structure, c_int64, c_void_p
from typing import ClassVar

import numpy as np

from .._support.array_types import Words
from ..program.all_steps import Loop
from ..program.integer_program import Linear, MemoryUpdate, Operation, Pointwise
from ..program.interpreter import table_of
from .bulk import BulkEngine
from .compiler import loop_library

MAX_TABLE_BITS = 20
"""Widest argument of a function that is read from a table."""
EXACT = 1 << 53
"""Below this, every integer is a float64."""
LINEAR, POINTWISE, MEMORY = range(3)


class _Term(Structure):
    _fields_: ClassVar = [(name, c_int64) for name in ("a", "b", "width", "scale", "minus")]


class _Operation(Structure):
    _fields_: ClassVar = [
        *((name, c_int64) for name in ("kind", "channels", "length", "target", "n_terms")),
        ("terms", POINTER(_Term)),
        *((name, c_void_p) for name in ("columns", "biases", "multipliers", "shifts")),
        *((name, c_int64) for name in ("shift_left", "shift_right")),
        ("table", c_void_p),
        *((name, c_int64) for name in ("table_min", "table_max", "min", "max")),
        *((name, c_void_p) for name in ("run", "state")),
        *((name, c_int64) for name in ("state_bytes", "in_bytes", "out_bytes")),
    ]


def run_loop(loop: Loop, memories: Mapping[str, BulkEngine]) -> dict[str, Words] | None:
    """Return the words that a loop writes at every step, or None for a loop that needs more.

    Parameters
    ----------
    loop : Loop
    memories : mapping of str to BulkEngine
        The program of each memory of the loop, by the name of its counter, in its state before the
        first step; its outputs are the states of the memory. See
        `~lmu_hw.train.compiled_memories.memory_program`.

    Returns
    -------
    dict of str to int64 array, shape (n_streams, n_steps, length), or None
        The counters of zero-input runs are left out.

    Raises
    ------
    ToolError
        If there is no C compiler, or it fails.
    """
    if not all(_is_supported(loop, op) for op in loop.ops):
        return None
    return _LoopRun(loop, memories).words()


def _is_supported(loop: Loop, op: Operation) -> bool:
    if isinstance(op, Linear | Pointwise):
        f = op.function
        if f is not None and f.in_fmt.width > MAX_TABLE_BITS:
            return False
    if isinstance(op, Linear):
        widest = max(loop.program.vector(name).fmt.width for name in op.reads)
        sums = np.abs(loop.rows[op.target].rows).sum(axis=1)
        return bool(int(np.max(sums)) << (widest + 1) < EXACT)
    return isinstance(op, Pointwise | MemoryUpdate)


class _LoopRun:
    """Places of all words of a stream, those read from outside first, and the C operations."""

    def __init__(self, loop: Loop, memories: Mapping[str, BulkEngine]) -> None:
        self.loop, self.memories = loop, memories
        self.vector = loop.program.vector
        # arrays that C reads stay alive with this object
        self.kept: list[object] = []
        outside: dict[int, Words] = {}
        for reads in loop.outside:
            outside |= {id(words): words for words in reads.values()}
        self.outside = list(outside.values())
        at, self.places = 0, {}
        for words in self.outside:
            self.places[id(words)] = at
            at += words.shape[2]
        self.n_outside = at
        self.inside: dict[str, int] = {}
        for op in loop.ops:
            for name in op.states if isinstance(op, MemoryUpdate) else op.writes:
                self.inside[name] = at
                at += self.vector(name).length
        self.n_inside = at - self.n_outside

    def words(self) -> dict[str, Words]:
        """Run all steps."""
        loop = self.loop
        n_streams, n_steps = loop.n_streams, loop.n_steps
        outside = np.zeros((n_streams, n_steps, self.n_outside), np.int64)
        for words in self.outside:
            at = self.places[id(words)]
            outside[:, :, at : at + words.shape[2]] = words
        now = np.zeros((n_streams, self.n_outside + self.n_inside), np.int64)
        for name, at in self.inside.items():
            now[:, at : at + self.vector(name).length] = loop.before[name]
        found = np.empty((n_streams, n_steps, self.n_inside), np.int64)
        ops = (_Operation * len(loop.ops))(
            *(self._operation(op, k) for k, op in enumerate(loop.ops))
        )
        most = max(max(op.length, op.channels) for op in ops)
        dots, sums = np.empty(most, np.float64), np.empty(most, np.int64)
        sizes = [len(ops), n_streams, n_steps, self.n_outside, self.n_inside]
        arrays = [a.ctypes.data_as(c_void_p) for a in (outside, now, found, dots, sums)]
        loop_library().loop_run(ops, *map(c_int64, sizes), *arrays)
        first = self.n_outside
        return {
            name: found[:, :, at - first : at - first + self.vector(name).length]
            for name, at in self.inside.items()
        }

    def _operation(self, op: Operation, k: int) -> _Operation:
        if isinstance(op, Linear):
            return self._linear(op, k)
        if isinstance(op, Pointwise):
            return self._pointwise(op, k)
        assert isinstance(op, MemoryUpdate), "checked before"
        step = self.memories[op.silence].c_step
        return _Operation(
            kind=MEMORY,
            channels=self.vector(op.source).length,
            length=sum(self.vector(name).length for name in op.states),
            target=self.inside[op.states[0]],
            n_terms=1,
            terms=self._terms([_Term(a=self._place(op.source, k))]),
            run=step.run,
            state=step.state,
            state_bytes=step.state_bytes,
            in_bytes=step.in_bytes,
            out_bytes=step.out_bytes,
        )

    def _linear(self, op: Linear, k: int) -> _Operation:
        rows = self.loop.rows[op.target]
        parts = zip(op.sources, op.widths(self.vector), rows.aligns.tolist(), strict=True)
        terms = [
            _Term(a=self._place(name, k), width=width, scale=1 << align)
            for name, width, align in parts
        ]
        made = self._finish(op)
        made.kind, made.channels = LINEAR, op.n_channels
        made.length = len(rows.rows)
        made.n_terms, made.terms = len(terms), self._terms(terms)
        made.columns = self._array(rows.rows.T, np.float64)
        for name in ("biases", "multipliers", "shifts"):
            setattr(made, name, self._array(getattr(rows, name), np.int64))
        return made

    def _pointwise(self, op: Pointwise, k: int) -> _Operation:
        fracs = [sum(self.vector(n).fmt.frac_bits for n in term.names) for term in op.terms]
        align = max(fracs)
        terms = [
            _Term(
                a=self._place(term.a, k),
                b=self._place(term.b, k) if term.b else -1,
                scale=1 << (align - frac),
                minus=term.minus,
            )
            for term, frac in zip(op.terms, fracs, strict=True)
        ]
        drop = align - op.result_fmt(self.vector).frac_bits
        made = self._finish(op)
        made.kind, made.channels, made.length = POINTWISE, 1, self.vector(op.target).length
        made.n_terms, made.terms = len(terms), self._terms(terms)
        made.shift_left, made.shift_right = 1 << max(-drop, 0), max(drop, 0)
        return made

    def _finish(self, op: Linear | Pointwise) -> _Operation:
        """Return an operation with its target and its function alone."""
        target, f = self.vector(op.target).fmt, op.function
        made = _Operation(target=self.inside[op.target], min=target.min, max=target.max)
        if f is not None:
            made.table = self._array(table_of(f), np.int64)
            made.table_min, made.table_max = f.in_fmt.min, f.in_fmt.max
        return made

    def _place(self, name: str, k: int) -> int:
        """Return where operation k reads a vector."""
        outside = self.loop.outside[k]
        return self.places[id(outside[name])] if name in outside else self.inside[name]

    def _terms(self, terms: list[_Term]) -> object:
        made = (_Term * len(terms))(*terms)
        self.kept.append(made)
        return made

    def _array(self, values: np.ndarray, dtype: type) -> int:
        """Return the address of the values as an array of C."""
        made: np.ndarray = np.ascontiguousarray(values, dtype)
        self.kept.append(made)
        return int(made.ctypes.data)
