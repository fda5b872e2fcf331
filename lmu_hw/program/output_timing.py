"""Compute in which steps an output is due."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..errors import SpecError
from .integer_program import Program, Role


def due_steps(
    program: Program, n_steps: int, state: Words, due: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.bool_]:
    """Return a mask of the next steps whose output is due.

    Parameters
    ----------
    program : Program
    n_steps : int
    state : int array, shape (n_streams, n_state)
        State words in the order of the vectors.
    due : bool array, shape (n_steps,), optional
        The caller's choice, for programs with ``output_every`` 0 only. Default: the last step.

    Raises
    ------
    SpecError
        If ``due`` has a wrong shape or the program does not accept it, or the streams' clocks
        differ.
    """
    every, steps = program.output_every, np.arange(1, n_steps + 1)
    if due is not None:
        if every or due.shape != (n_steps,) or due.dtype != np.bool_:
            raise SpecError(
                f"due must be {n_steps} booleans, and only for a program with output_every 0"
            )
        return due
    if every == 0:
        return np.asarray(steps == n_steps)
    if every == 1:
        return np.ones(n_steps, dtype=np.bool_)
    words = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)]
    clocks = state[:, words.index(program.clock)]
    if np.any(clocks != clocks[0]):
        raise SpecError(f"{program.clock} must be equal in all streams of a batch")
    # a loaded clock may exceed output_every
    late = steps - max(1, every - int(clocks[0]))
    return np.asarray((late >= 0) & (late % every == 0))


def with_output_every(program: Program, every: int) -> Program:
    """Return the program with ``output_every`` 1 (at every step) or 0 (when requested)."""
    vectors = tuple(v for v in program.vectors if v.name != program.clock)
    return replace(program, output_every=every, clock="", vectors=vectors)
