"""The NumPy interpreter of programs, the reference that every other backend must match.

It runs a batch of independent streams. Arithmetic is int64 and exact, because
`~lmu_hw.program.integer_program.Program` checks the width of every intermediate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..errors import SpecError
from .fixedpoint import (
    Overflow,
    Rounding,
    overflow,
    round_shift,
)
from .integer_program import (
    Argmax,
    Cascade,
    DenseUpdate,
    Function,
    Ladder,
    Linear,
    MemoryUpdate,
    Operation,
    Pointwise,
    Program,
    Role,
    Scale,
    Spiking,
)
from .memory_step import ZeroRun, chain, ladder_substep, round_and_saturate, zero_run
from .output_timing import due_steps
from .row_arrays import RowArrays
from .spiking_step import spiking_step

TABLE_FROM = 1 << 16
"""Words so far from which a function is read from a table of all its results, if that is not
larger than twice their number."""
TABLES = 32
"""Most tables that are kept."""


class Interpreter:
    """Runs a program over a batch of independent streams.

    Parameters
    ----------
    program : Program
    n_streams : int
        Number of independent streams, each with its own state, >= 1.
    weights : mapping of str to RowArrays, optional
        Integers that replace those of a `Linear`, by its target. Their sums must fit
        (`RowArrays.check`).
    """

    def __init__(
        self,
        program: Program,
        n_streams: int = 1,
        *,
        weights: Mapping[str, RowArrays] | None = None,
    ) -> None:
        self.program = program
        self.n_streams = n_streams
        self._linear = {
            id(op): (weights or {}).get(op.target) or RowArrays.of(op)
            for op in program.ops
            if isinstance(op, Linear)
        }
        self._rows = {id(op): self._prepared(op) for op in program.ops if _has_rows(op)}
        self._words: dict[str, Words] = {}
        self._evaluated: dict[Function, int] = {}
        self.reset()

    def _prepared(self, op: Operation) -> _Rows:
        widest = max(self.program.vector(name).fmt.width for name in op.reads)
        if isinstance(op, Linear):
            given = self._linear[id(op)]
            return _Rows(given.rows, given.shifts, widest)
        assert isinstance(op, DenseUpdate)
        return _Rows(np.array(op.rows, dtype=np.int64), np.array(op.shifts), widest)

    def reset(self) -> None:
        """Set every state word to zero."""
        self._words = {
            v.name: np.zeros((self.n_streams, v.length), dtype=np.int64)
            for v in self.program.vectors
        }

    def save(self) -> Words:
        """Return the state words, shape (n_streams, n_state), in the order of the vectors."""
        return self._gather(Role.STATE)

    def load(self, state: Words) -> None:
        """Set the state words, as returned by `save`.

        Raises
        ------
        RangeError
            If a word does not fit its format.
        SpecError
            If the shape is wrong.
        """
        shape = (self.n_streams, self.program.n_words(Role.STATE))
        if state.shape != shape:
            raise SpecError(f"state has shape {state.shape} but should be {shape}")
        start = 0
        for v in self.program.with_role(Role.STATE):
            words = state[:, start : start + v.length]
            v.fmt.check(words, v.name)
            self._words[v.name] = words.astype(np.int64)
            start += v.length

    def run(
        self,
        inputs: Words,
        progress: Callable[[int], object] | None = None,
        *,
        due: npt.NDArray[np.bool_] | None = None,
        watch: Callable[[Mapping[str, Words]], object] | None = None,
    ) -> Words:
        """Run one step for each row of ``inputs``.

        Parameters
        ----------
        inputs : int array, shape (n_steps, n_streams, n_in)
            Words of the input vectors, concatenated.
        progress : callable, optional
            Called with the number of steps done so far.
        due : bool array, shape (n_steps,), optional
            Steps whose output is due, for programs with ``output_every`` 0 only. Default: the last.
        watch : callable, optional
            Called after every step with the words of every vector by name, shape
            (n_streams, length). Results of lazy operations keep their last values between outputs.

        Returns
        -------
        int array, shape (n_due, n_streams, n_out)
            Outputs of the steps in which they are due.

        Raises
        ------
        RangeError
            If an input word does not fit its format.
        SpecError
            If a shape is wrong, the program does not accept ``due``, or the streams' clocks differ.
        """
        n_in, n_out = self.program.n_words(Role.INPUT), self.program.n_words(Role.OUTPUT)
        if inputs.ndim != 3 or inputs.shape[1:] != (self.n_streams, n_in):
            raise SpecError(
                f"inputs have shape {inputs.shape} but should be (steps, {self.n_streams}, {n_in})"
            )
        start = 0
        for v in self.program.with_role(Role.INPUT):
            if inputs.size:
                v.fmt.check(inputs[:, :, start : start + v.length], v.name)
            start += v.length
        due = due_steps(self.program, len(inputs), self.save(), due)
        outputs = np.empty((np.count_nonzero(due), self.n_streams, n_out), dtype=np.int64)
        done = 0
        for t, row in enumerate(inputs.astype(np.int64, copy=False)):
            start = 0
            for v in self.program.with_role(Role.INPUT):
                self._words[v.name] = row[:, start : start + v.length]
                start += v.length
            self._count_step()
            for op, lazy in zip(self.program.ops, self.program.lazy, strict=True):
                if due[t] or not lazy:
                    self._run_op(op)
            if due[t]:
                outputs[done] = self._gather(Role.OUTPUT)
                done += 1
            if watch is not None:
                watch(self._words)
            if progress is not None:
                progress(t + 1)
        return outputs

    def execute(self, op: Operation, words: Mapping[str, Words]) -> dict[str, Words]:
        """Execute one operation on any number of streams and return the words that it writes.

        Parameters
        ----------
        op : Operation
            Of the program.
        words : mapping of str to int64 array, shape (n, length)
            Words of all vectors that it reads. They are not changed.
        """
        self._words = dict(words)
        self.n_streams = len(words[op.reads[0]])
        self._run_op(op)
        return {name: self._words[name] for name in op.writes}

    def due(self, n_steps: int) -> npt.NDArray[np.bool_]:
        """Return in which of the next steps an output is due; see `due_steps`.

        Raises
        ------
        SpecError
            If the streams' clocks differ.
        """
        return due_steps(self.program, n_steps, self.save())

    def _gather(self, role: Role) -> Words:
        parts = [self._words[v.name] for v in self.program.with_role(role)]
        none = np.empty((self.n_streams, 0), dtype=np.int64)
        return np.concatenate([none, *parts], axis=1)

    def _count_step(self) -> None:
        if self.program.clock:
            count = self._words[self.program.clock] + 1
            count[count >= self.program.output_every] = 0
            self._words[self.program.clock] = count

    def _run_op(self, op: Operation) -> None:
        if isinstance(op, Cascade):
            self._run_cascade(op)
        elif isinstance(op, Ladder):
            self._run_ladder(op)
        elif isinstance(op, Spiking):
            self._words |= spiking_step(self.program, op, self._words, self._count_silence(op))
        elif isinstance(op, DenseUpdate):
            self._run_dense(op)
        elif isinstance(op, Linear):
            self._run_linear(op)
        elif isinstance(op, Scale):
            self._run_scale(op)
        elif isinstance(op, Pointwise):
            self._run_pointwise(op)
        else:
            self._run_argmax(op)

    def _count_silence(self, op: MemoryUpdate) -> ZeroRun:
        """Update the zero-run counters; return the mask or rounding for this step."""
        count = zero_run(self._words[op.silence], self._words[op.source], op.window)
        self._words[op.silence] = count
        silent = count == op.window
        if not silent.any():
            return Rounding.RND
        return Rounding.TRN_ZERO if silent.all() else silent

    def _run_cascade(self, op: Cascade) -> None:
        sections = list(chain(self.program, op, self._words, self._count_silence(op)))
        for name, new in (
            (op.z_inner, [section.inner for section in sections]),
            (op.z_outer, [section.outer for section in sections if section.outer is not None]),
        ):
            if new:
                self._words[name] = np.stack(new, axis=2).reshape(self.n_streams, -1)

    def _run_ladder(self, op: Ladder) -> None:
        silent = self._count_silence(op)
        state = self._words[op.state]
        for j in range(op.substeps):
            waves = ladder_substep(self.program, op, {**self._words, op.state: state}, silent, j)
            state = waves.state.reshape(self.n_streams, -1)
        self._words[op.state] = state
        if op.previous:
            self._words[op.previous] = self._words[op.source]

    def _run_scale(self, op: Scale) -> None:
        fmt = self.program.vector(op.target).fmt
        source = self._words[op.source].reshape(self.n_streams, op.n_channels, -1)
        out = np.empty_like(source)
        for i, (coef, shift) in enumerate(zip(op.coefs, op.shifts, strict=True)):
            out[:, :, i] = round_shift(coef * source[:, :, i], shift, Rounding.RND)
        self._words[op.target] = overflow(out, fmt, Overflow.SAT).reshape(self.n_streams, -1)

    def _run_dense(self, op: DenseUpdate) -> None:
        fmt = self.program.vector(op.state).fmt
        shift = self.program.vector(op.source).fmt.frac_bits - fmt.frac_bits
        u = self._words[op.source]
        u = round_shift(u, shift, Rounding.RND) if shift >= 0 else u << -shift
        silent = self._count_silence(op)
        m = self._words[op.state].reshape(*u.shape, -1)
        v = m.copy()
        v[:, :, 0] -= u
        rows = self._rows[id(op)]
        acc = rows.dot(v, slice(None))
        new = np.empty_like(m)
        each = silent if isinstance(silent, Rounding) else silent[:, :, None]
        for r, row_shift in rows.by_shift:
            new[:, :, r] = round_and_saturate(m[:, :, r], acc[:, :, r], row_shift, each, fmt)
        self._words[op.state] = new.reshape(self.n_streams, -1)

    def _run_linear(self, op: Linear) -> None:
        shape = (self.n_streams, op.n_channels, -1)
        rows, given = self._rows[id(op)], self._linear[id(op)]
        acc = given.biases
        first = 0
        for name, width, align in zip(
            op.sources, op.widths(self.program.vector), given.aligns.tolist(), strict=True
        ):
            x = self._words[name].reshape(shape)
            acc = acc + (rows.dot(x, slice(first, first + width)) << align)
            first += width
        acc = acc * given.multipliers
        for r, shift in rows.by_shift:
            acc[:, :, r] = round_shift(acc[:, :, r], shift, Rounding.RND)
        self._finish(acc.reshape(self.n_streams, -1), op)

    def _run_pointwise(self, op: Pointwise) -> None:
        vector = self.program.vector
        fracs = [sum(vector(name).fmt.frac_bits for name in term.names) for term in op.terms]
        frac, align = op.result_fmt(vector).frac_bits, max(fracs)
        total = np.zeros((self.n_streams, vector(op.target).length), dtype=np.int64)
        for term, term_frac in zip(op.terms, fracs, strict=True):
            product = self._words[term.a] * (self._words[term.b] if term.b else 1)
            total += (-product if term.minus else product) << (align - term_frac)
        drop = align - frac
        self._finish(round_shift(total, drop, Rounding.RND) if drop >= 0 else total << -drop, op)

    def _finish(self, x: Words, op: Linear | Pointwise) -> None:
        """Apply the function of ``op``, saturate and write the target."""
        if op.function is not None:
            f, x = op.function, overflow(x, op.function.in_fmt, Overflow.SAT)
            n = self._evaluated[f] = self._evaluated.get(f, 0) + x.size
            many = n > TABLE_FROM and n > 1 << (f.in_fmt.width - 1)
            x = table_of(f)[x - f.in_fmt.min] if many else evaluate_function(f, x)
        self._words[op.target] = overflow(x, self.program.vector(op.target).fmt, Overflow.SAT)

    def _run_argmax(self, op: Argmax) -> None:
        self._words[op.target] = np.argmax(self._words[op.source], axis=1)[:, None]


def _has_rows(op: Operation) -> bool:
    return isinstance(op, DenseUpdate | Linear)


class _Rows:
    """Coefficients of rows, prepared for products with words.

    Attributes
    ----------
    by_shift : list of (rows, shift)
        Indices of the rows that share a shift.
    """

    def __init__(self, matrix: Words, shifts: Words, widest: int) -> None:
        # below 2**53 float64 is exact for every partial sum, and BLAS is many times faster
        exact = int(np.max(np.abs(matrix).sum(axis=1))) << (widest + 1) < 1 << 53
        self._columns = matrix.T.astype(np.float64 if exact else np.int64)
        self.by_shift = [(np.flatnonzero(shifts == s), int(s)) for s in np.unique(shifts)]

    def dot(self, x: Words, part: slice) -> Words:
        """Return ``rows[:, part] @ x`` over the last axis of x."""
        columns = self._columns[part]
        return np.asarray((x.astype(columns.dtype, copy=False) @ columns).astype(np.int64))


def evaluate_function(f: Function, x: Words) -> Words:
    """Evaluate ``f`` at words of its ``in_fmt``, without saturating the result."""
    unsigned = x - f.in_fmt.min
    pieces = np.array(f.pieces, dtype=np.int64)[unsigned >> f.rest_bits]
    rest = unsigned & ((1 << f.rest_bits) - 1)
    y: Words = pieces[..., -1]
    for j in reversed(range(len(f.shifts))):
        y = pieces[..., j] + round_shift(y * rest, f.shifts[j], Rounding.TRN)
    return round_shift(y, f.guard, Rounding.RND)


@lru_cache(maxsize=TABLES)
def table_of(f: Function) -> Words:
    """Return the results of ``f`` at all words of its ``in_fmt``."""
    return evaluate_function(f, np.arange(f.in_fmt.min, f.in_fmt.max + 1, dtype=np.int64))
