"""Fast backend: the generated C as a shared library, called through ctypes.

It runs millions of steps and returns the same words as the interpreter.
"""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..errors import ModelFileError, SpecError
from ..program import saved_state
from ..program.integer_program import Linear, Program, Role
from ..program.output_timing import due_steps
from . import emit
from .compiler import available, compile_library

__all__ = ["BulkEngine", "available"]


_CHUNK_MULTIPLIES = 1 << 28
"""Multiplications or draws between two checks for Ctrl-C: a fraction of a second on any desktop."""
_ROW_SPEED = 16
"""Speed of the vectorized multiplications of matrix rows, relative to all others."""
_CHUNK_WORDS = 1 << 22
"""Words in and out that are converted at a time; limits the memory for long runs."""
_SHARES = 4
"""Groups of streams for each thread, so that a slow thread can leave some to the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CStep:
    """Addresses of ``bulk_run`` and of the first stream's state, and sizes of states and words."""

    run: int
    state: int
    state_bytes: int
    in_bytes: int
    out_bytes: int


class BulkEngine:
    """Runs a program over a batch of independent streams, in compiled C.

    Parameters
    ----------
    program : Program
    n_streams : int
        Independent copies of the state, >= 1.
    n_threads : int, optional
        Number of threads; by default one for each core.

    Raises
    ------
    ToolError
        If there is no C compiler, or it fails.
    """

    def __init__(
        self, program: Program, n_streams: int = 1, *, n_threads: int | None = None
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="lmu_hw_") as build_dir:
            for file, text in emit(program, version="bulk").items():
                (Path(build_dir) / file).write_text(text)
            self._open(program, n_streams, n_threads, compile_library(Path(build_dir), program))

    @classmethod
    def from_c_files(
        cls, program: Program, c_dir: Path, n_streams: int = 1, *, n_threads: int | None = None
    ) -> BulkEngine:
        """Return an engine that runs the C files in ``c_dir`` instead of newly emitted ones.

        Raises
        ------
        ModelFileError
            If a file is missing, or was generated from another program.
        ToolError
            If there is no C compiler, or it fails.
        """
        engine = cls.__new__(cls)
        engine._open(program, n_streams, n_threads, compile_library(c_dir, program))
        return engine

    def with_streams(self, n_streams: int) -> BulkEngine:
        """Return an engine of the same compiled program with another number of streams, reset."""
        engine = type(self).__new__(type(self))
        engine._open(self.program, n_streams, self._n_threads, self._library)
        return engine

    def _open(
        self, program: Program, n_streams: int, n_threads: int | None, library: ctypes.CDLL
    ) -> None:
        layout = [int(n) for n in (ctypes.c_size_t * 6).in_dll(library, "bulk_layout")]
        digest = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "bulk_digest")))
        n_words = [program.n_words(role) for role in (Role.INPUT, Role.OUTPUT, Role.STATE)]
        sizes = [*n_words[:2], saved_state.n_bytes(program)]
        if digest.decode("ascii", "replace") != program.digest or layout[3:] != sizes:
            raise ModelFileError(
                "C files are not those of the program; generate the build directory again"
            )
        self.program = program
        self.n_streams = n_streams
        n_threads = n_threads or os.cpu_count() or 1
        n_shares = min(n_streams, 1 if n_threads == 1 else _SHARES * n_threads)
        bounds = [n_streams * k // n_shares for k in range(n_shares + 1)]
        self._n_threads, self._shares = n_threads, list(pairwise(bounds))
        self._in, self._out = (np.dtype(f"i{size}") for size in layout[1:3])
        self._n_in, self._n_out, self._n_state = n_words
        # int64 gives the alignment that every state structure needs
        self._state = np.zeros(-(-layout[0] * n_streams // 8), dtype=np.int64)
        self._library = library
        pointer, count = ctypes.c_void_p, ctypes.c_size_t
        library.bulk_reset.argtypes = [pointer, count]
        library.bulk_save.argtypes = library.bulk_load.argtypes = [pointer, count, pointer]
        library.bulk_run.argtypes = [pointer, *[count] * 4, pointer, pointer, pointer]

    @property
    def c_step(self) -> CStep:
        """What C code needs to run this engine's streams itself; the state stays the engine's."""
        address = ctypes.cast(self._library.bulk_run, ctypes.c_void_p).value
        assert address is not None, "a function has an address"
        return CStep(
            run=address,
            state=self._state.ctypes.data,
            state_bytes=int((ctypes.c_size_t * 6).in_dll(self._library, "bulk_layout")[0]),
            in_bytes=self._in.itemsize,
            out_bytes=self._out.itemsize,
        )

    def reset(self) -> None:
        """Set every state word to zero."""
        self._library.bulk_reset(self._state.ctypes.data, self.n_streams)

    def save(self) -> Words:
        """Return the state words, shape (n_streams, n_state), in the order of the vectors.

        Raises
        ------
        ModelFileError
            If the C saves anything but a state of the program.
        """
        saved = np.empty((self.n_streams, saved_state.n_bytes(self.program)), dtype=np.uint8)
        self._library.bulk_save(self._state.ctypes.data, self.n_streams, saved.ctypes.data)
        try:
            return saved_state.from_bytes(self.program, saved)
        except ModelFileError as error:
            raise ModelFileError(f"{self.program.name}.c: {error}; generate it again") from error

    def load(self, state: Words) -> None:
        """Set the state words, in the layout that `save` returns.

        Raises
        ------
        RangeError
            If a word does not fit its format; the state is then unchanged.
        SpecError
            If the shape is wrong.
        """
        shape = (self.n_streams, self._n_state)
        if state.shape != shape:
            raise SpecError(f"state has shape {state.shape} but should be {shape}")
        saved = saved_state.to_bytes(self.program, state)
        refused = self._library.bulk_load(
            self._state.ctypes.data, self.n_streams, saved.ctypes.data
        )
        assert not refused, "C and Python disagree about a range"

    def run(
        self,
        inputs: npt.NDArray[np.integer[Any]],
        progress: Callable[[int], object] | None = None,
        *,
        due: npt.NDArray[np.bool_] | None = None,
    ) -> Words:
        """Run one step for each row of ``inputs``.

        Parameters
        ----------
        inputs : int array, shape (n_steps, n_streams, n_in)
            Words of the input vectors, concatenated. Any integer type and any strides, such as
            those of ``x.transpose(1, 0, 2)``: only a few steps are copied at a time.
        progress : callable, optional
            Called with the number of steps done so far, several times a second. Ctrl-C is handled
            between two calls.
        due : bool array, shape (n_steps,), optional
            Steps with an output, only for programs whose caller decides that; by default the last
            step.

        Returns
        -------
        int array, shape (n_due, n_streams, n_out)
            Outputs of the steps that have one.

        Raises
        ------
        RangeError
            If an input word does not fit its format.
        SpecError
            If a shape is wrong, the program does not take ``due``, or the streams' clocks differ.
        """
        if inputs.ndim != 3 or inputs.shape[1:] != (self.n_streams, self._n_in):
            raise SpecError(
                f"inputs have shape {inputs.shape} but should be"
                f" (steps, {self.n_streams}, {self._n_in})"
            )
        _check_words(self.program, Role.INPUT, inputs)
        due = np.ascontiguousarray(due_steps(self.program, len(inputs), self._clocks(), due))
        outputs = np.empty((np.count_nonzero(due), self.n_streams, self._n_out), dtype=np.int64)
        row = self._n_in + self._n_out
        steps = min(_CHUNK_MULTIPLIES // self._work(due), _CHUNK_WORDS // row)
        chunk = max(1, steps // self.n_streams)
        done = 0
        with ThreadPoolExecutor(self._n_threads) as pool:
            for start in range(0, len(inputs), chunk):
                u = inputs[start : start + chunk]
                y = self._run_chunk(u, due[start : start + len(u)], pool)
                outputs[done : done + len(y)] = y
                done += len(y)
                if progress is not None:
                    progress(start + len(u))
        return outputs

    def _work(self, due: npt.NDArray[np.bool_]) -> int:
        """Return the average cost of a step, in multiplications outside matrix rows, or draws."""
        always, outputs = self.program.draws_per_step, 0
        for op, lazy in zip(self.program.ops, self.program.lazy, strict=True):
            cost = self.program.multiplies(op) // (_ROW_SPEED if isinstance(op, Linear) else 1)
            always, outputs = always + cost * (not lazy), outputs + cost * lazy
        return max(1, always + outputs * int(np.count_nonzero(due)) // max(1, len(due)))

    def _run_chunk(
        self,
        inputs: npt.NDArray[np.integer[Any]],
        due: npt.NDArray[np.bool_],
        pool: ThreadPoolExecutor,
    ) -> npt.NDArray[np.integer[Any]]:
        """Run a few steps with the streams divided among threads; ctypes releases the GIL."""
        # the C runs one stream after the other
        u = np.ascontiguousarray(inputs.transpose(1, 0, 2), self._in)
        n_due = np.count_nonzero(due)
        y = np.empty((self.n_streams, n_due, self._n_out), self._out)
        pointers = due.ctypes.data, u.ctypes.data, y.ctypes.data

        def run(share: tuple[int, int]) -> None:
            self._library.bulk_run(self._state.ctypes.data, *share, len(inputs), n_due, *pointers)

        if len(self._shares) == 1:
            run(self._shares[0])
        else:
            list(pool.map(run, self._shares))
        steps: npt.NDArray[np.integer[Any]] = y.transpose(1, 0, 2)
        return steps

    def due(self, n_steps: int) -> npt.NDArray[np.bool_]:
        """Return which of the next steps have an output; the last one if the caller decides.

        Raises
        ------
        SpecError
            If the streams' clocks differ.
        """
        return due_steps(self.program, n_steps, self._clocks())

    def _clocks(self) -> Words:
        """Return the state words if they hold clocks; to save many states takes time."""
        return self.save() if self.program.clock else np.empty((self.n_streams, 0), np.int64)


def _check_words(program: Program, role: Role, words: npt.NDArray[np.integer[Any]]) -> None:
    start = 0
    for v in program.with_role(role):
        if words.size:
            v.fmt.check(words[..., start : start + v.length], v.name)
        start += v.length
