"""The meaning of a program, in NumPy: every other executor must agree with this one.

All streams of a batch are independent copies of the program; arithmetic is int64, exact because
`~lmu_hw.program.check` bounds every intermediate.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .errors import SpecError
from .fixedpoint import Overflow, QFormat, Rounding, overflow, requantize, round_shift, round_sum
from .program import Adaptor, Cascade, Dense, Linear, Operation, Program, Requantize, Role

Words = npt.NDArray[np.int64]
Silence = npt.NDArray[np.bool_] | Rounding
"""Which streams and channels are silent, or the one rounding that all of them share."""


class Interpreter:
    """Runs a program over a batch of independent streams.

    Parameters
    ----------
    program : Program
    n_streams : int
        Independent copies of the state, >= 1.
    """

    def __init__(self, program: Program, n_streams: int = 1) -> None:
        self.program = program
        self.n_streams = n_streams
        self._rows = {
            id(op): np.array(op.rows, dtype=np.int64)
            for op in program.ops
            if isinstance(op, Dense | Linear)
        }
        self._words: dict[str, Words] = {}
        self.reset()

    def reset(self) -> None:
        """Set every state word to zero."""
        self._words = {
            v.name: np.zeros((self.n_streams, v.length), dtype=np.int64)
            for v in self.program.vectors
        }

    def save(self) -> Words:
        """Return the state words, shape (n_streams, n_state), in the order of the vectors."""
        states = self.program.with_role(Role.STATE)
        return np.concatenate([self._words[v.name] for v in states], axis=1)

    def load(self, state: Words) -> None:
        """Set the state words to what `save` returned.

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

    def run(self, inputs: Words, progress: Callable[[int], object] | None = None) -> Words:
        """Run one step for each row of ``inputs``.

        Parameters
        ----------
        inputs : int array, shape (n_steps, n_streams, n_in)
            Words of the input vectors, concatenated.
        progress : callable, optional
            Called with the number of steps done so far.

        Returns
        -------
        int array, shape (n_steps, n_streams, n_out)

        Raises
        ------
        RangeError
            If an input word does not fit its format.
        SpecError
            If the shape is wrong.
        """
        n_in, n_out = self.program.n_words(Role.INPUT), self.program.n_words(Role.OUTPUT)
        if inputs.ndim != 3 or inputs.shape[1:] != (self.n_streams, n_in):
            raise SpecError(
                f"inputs have shape {inputs.shape} but should be (steps, {self.n_streams}, {n_in})"
            )
        outputs = np.empty((len(inputs), self.n_streams, n_out), dtype=np.int64)
        start = 0
        for v in self.program.with_role(Role.INPUT):
            if inputs.size:
                v.fmt.check(inputs[:, :, start : start + v.length], v.name)
            start += v.length
        out = self.program.with_role(Role.OUTPUT)
        for t, row in enumerate(inputs.astype(np.int64, copy=False)):
            start = 0
            for v in self.program.with_role(Role.INPUT):
                self._words[v.name] = row[:, start : start + v.length]
                start += v.length
            for op in self.program.ops:
                self._run_op(op)
            outputs[t] = np.concatenate([self._words[v.name] for v in out], axis=1)
            if progress is not None:
                progress(t + 1)
        return outputs

    def _run_op(self, op: Operation) -> None:
        if isinstance(op, Cascade):
            self._run_cascade(op)
        elif isinstance(op, Dense):
            self._run_dense(op)
        elif isinstance(op, Linear):
            self._run_linear(op)
        else:
            self._run_requantize(op)

    def _count_silence(self, op: Cascade | Dense) -> Silence:
        """Advance the silence counters; return which (stream, channel) are silent."""
        count = np.where(
            self._words[op.source] == 0, np.minimum(self._words[op.silence] + 1, op.window), 0
        )
        self._words[op.silence] = count
        silent = count == op.window
        if not silent.any():
            return Rounding.RND
        return Rounding.TRN_ZERO if silent.all() else silent

    def _run_cascade(self, op: Cascade) -> None:
        program = self.program
        inner_fmt = program.vector(op.z_inner).fmt
        silent = self._count_silence(op)
        shape = (self.n_streams, program.channels(op), -1)
        inner = self._words[op.z_inner].reshape(shape).copy()
        outer, outer_fmt, pair = inner, inner_fmt, 0
        if op.n_pairs:
            outer, outer_fmt = (
                self._words[op.z_outer].reshape(shape).copy(),
                program.vector(op.z_outer).fmt,
            )
        w = requantize(
            self._words[op.source], program.vector(op.source).fmt, op.chain_fmt, Rounding.RND
        )
        for k, section in enumerate(op.sections):
            z = inner[:, :, k]
            if len(section) == 1:
                inner[:, :, k], w = adaptor(section[0], z, inner_fmt, w, op.chain_fmt, silent)
                continue
            w, f = adaptor(section[0], w, op.chain_fmt, outer[:, :, pair], outer_fmt, silent)
            inner[:, :, k], outer[:, :, pair] = adaptor(
                section[1], z, inner_fmt, f, outer_fmt, silent
            )
            pair += 1
        self._words[op.z_inner] = inner.reshape(self.n_streams, -1)
        if op.n_pairs:
            self._words[op.z_outer] = outer.reshape(self.n_streams, -1)

    def _run_dense(self, op: Dense) -> None:
        fmt = self.program.vector(op.state).fmt
        shift = self.program.vector(op.source).fmt.frac_bits - fmt.frac_bits
        u = self._words[op.source]
        u = round_shift(u, shift, Rounding.RND) if shift >= 0 else u << -shift
        silent = self._count_silence(op)
        m = self._words[op.state].reshape(*u.shape, -1)
        v = m.copy()
        v[:, :, 0] -= u
        acc = v @ self._rows[id(op)].T
        new = np.empty_like(m)
        for r, row_shift in enumerate(op.shifts):
            new[:, :, r] = _gated(m[:, :, r], acc[:, :, r], row_shift, silent, fmt)
        self._words[op.state] = new.reshape(self.n_streams, -1)

    def _run_linear(self, op: Linear) -> None:
        fmt = self.program.vector(op.target).fmt
        shape = (self.n_streams, op.channels, -1)
        x = np.concatenate([self._words[name].reshape(shape) for name in op.sources], axis=2)
        acc = x @ self._rows[id(op)].T + np.array(op.biases, dtype=np.int64)
        for r, shift in enumerate(op.shifts):
            acc[:, :, r] = overflow(
                round_shift(acc[:, :, r], shift, Rounding.RND), fmt, Overflow.SAT
            )
        self._words[op.target] = acc.reshape(self.n_streams, -1)

    def _run_requantize(self, op: Requantize) -> None:
        source, target = self.program.vector(op.source), self.program.vector(op.target)
        self._words[op.target] = requantize(
            self._words[op.source], source.fmt, target.fmt, Rounding.RND
        )


def adaptor(
    e: Adaptor, a: Words, a_fmt: QFormat, b: Words, b_fmt: QFormat, silent: Silence
) -> tuple[Words, Words]:
    """Return the two-port's new (a, b); see `lmu_hw.program`."""
    align = max(a_fmt.frac_bits, b_fmt.frac_bits)
    a_wide, b_wide = a << (align - a_fmt.frac_bits), b << (align - b_fmt.frac_bits)
    t = e.coef * (b_wide - a_wide)

    def port(x: Words, fmt: QFormat) -> Words:
        drop = align - fmt.frac_bits
        rest = ((x & ((1 << drop) - 1)) << e.shift) + t
        return _gated(x >> drop, rest, e.shift + drop, silent, fmt)

    return port(a_wide, a_fmt), port(2 * a_wide - b_wide, b_fmt)


def _gated(base: Words, x: Words, shift: int, silent: Silence, fmt: QFormat) -> Words:
    """Return ``base + x * 2**-shift`` rounded as the silence says, saturated."""
    if isinstance(silent, Rounding):
        return overflow(round_sum(base, x, shift, silent), fmt, Overflow.SAT)
    loud = round_sum(base, x, shift, Rounding.RND)
    quiet = round_sum(base, x, shift, Rounding.TRN_ZERO)
    return overflow(np.where(silent, quiet, loud), fmt, Overflow.SAT)
