"""Backend of the state contract: the emitted C, compiled and called through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lmu_hw.errors import ModelFileError
from lmu_hw.firmware.compiler import compile_library
from lmu_hw.program import saved_state
from lmu_hw.program.integer_program import Program
from tests.contract.script import Saved
from tests.factories.builds import write_c

OK, OUTPUT = 0, 1


def compiled(
    program: Program, build_dir: Path, broken: Callable[[str], str] | None = None
) -> ctypes.CDLL:
    """Return the C of a program as a library, its ``lmu.c`` first changed by ``broken``."""
    return compile_library(write_c(program, build_dir, broken), program)


class CInstances:
    """Instances of `lmu_state`."""

    def __init__(self, library: ctypes.CDLL, program: Program, n_instances: int) -> None:
        sizes = [int(n) for n in (ctypes.c_size_t * 6).in_dll(library, "bulk_layout")]
        self._library, self._program, self._every = library, program, program.output_every
        self._in, self._out = (np.dtype(f"i{size}") for size in sizes[1:3])
        self._n_out, self._n_saved = sizes[4], sizes[5]
        self._outputs: list[list[int]] = [[] for _ in range(n_instances)]
        # what lies in memory before lmu_init is anything
        self._states = [np.full(-(-sizes[0] // 8), -1, np.int64) for _ in range(n_instances)]
        library.lmu_run.restype = ctypes.c_size_t
        library.lmu_load.restype = ctypes.c_int
        for state in self._states:
            library.lmu_init(_at(state))

    def run(self, instance: int, inputs: np.ndarray, due: np.ndarray | None) -> None:
        # up to each step with an output, where only the last of a call has one
        ends = [len(inputs)] if due is None else [*(np.flatnonzero(due) + 1).tolist(), len(inputs)]
        start = 0
        for end in ends:
            wanted = due is None or (end > 0 and bool(due[end - 1]) and end > start)
            self._run(instance, inputs[start:end], wanted)
            start = end

    def _run(self, instance: int, inputs: np.ndarray, wanted: bool) -> None:
        u = np.ascontiguousarray(inputs, self._in)
        y = np.empty((max(1, len(u)), self._n_out), self._out)
        pointer = _at(y) if wanted else None
        state = _at(self._states[instance])
        n = self._library.lmu_run(state, _at(u), ctypes.c_size_t(len(u)), pointer)
        self._outputs[instance] += y[:n].ravel().tolist()

    def reset(self, instance: int) -> None:
        self._library.lmu_reset(_at(self._states[instance]))

    def save(self, instance: int) -> Saved:
        saved = np.empty((1, self._n_saved), np.uint8)
        size = ctypes.c_size_t(self._n_saved)
        assert self._library.lmu_save(_at(self._states[instance]), _at(saved), size) == OK
        try:
            return Saved(tuple(saved_state.from_bytes(self._program, saved)[0].tolist()))
        except ModelFileError as error:
            raise AssertionError(f"the C saves what it must not: {error}") from error

    def load(self, instance: int, saved: Saved) -> None:
        data = saved_state.to_bytes(self._program, np.array([saved.words], np.int64))
        size = ctypes.c_size_t(self._n_saved)
        assert self._library.lmu_load(_at(self._states[instance]), _at(data), size) == OK

    def finish(self) -> list[list[int]]:
        return self._outputs


class SteppedCInstances(CInstances):
    """The same by `lmu_step`, a call a step."""

    def _run(self, instance: int, inputs: np.ndarray, wanted: bool) -> None:
        step, state = self._library.lmu_step, _at(self._states[instance])
        for t, row in enumerate(inputs):
            u, y = np.ascontiguousarray(row, self._in), np.zeros(self._n_out, self._out)
            asked = wanted and (self._every != 0 or t == len(inputs) - 1)
            status = step(state, _at(u), _at(y) if asked else None)
            assert status in ((OK, OUTPUT) if asked and self._every > 1 else (asked,))
            if status == OUTPUT:
                self._outputs[instance] += y.tolist()


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
