"""When outputs are due."""

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
    """Return in which of the next steps an output is due.

    Parameters
    ----------
    program : Program
    n_steps : int
    state : int array, shape (n_streams, n_state)
        State words, in the order of the vectors.
    due : bool array, shape (n_steps,), optional
        The caller's own choice, where the program leaves it to the caller: by default the last.

    Raises
    ------
    SpecError
        If ``due`` has another shape or is not the caller's to say, or the streams' clocks differ.
    """
    every, steps = program.output_every, np.arange(1, n_steps + 1)
    if due is not None:
        if every or due.shape != (n_steps,) or due.dtype != np.bool_:
            raise SpecError(
                f"due must be {n_steps} truth values, for a program with output_every 0 only"
            )
        return due
    if every == 0:
        return np.asarray(steps == n_steps)
    if every == 1:
        return np.ones(n_steps, dtype=np.bool_)
    words = [v.name for v in program.with_role(Role.STATE) for _ in range(v.length)]
    clocks = state[:, words.index(program.clock)]
    if np.any(clocks != clocks[0]):
        raise SpecError(f"{program.clock} must be the same in all streams that run as one")
    # a clock that was loaded may stand beyond the end
    late = steps - max(1, every - int(clocks[0]))
    return np.asarray((late >= 0) & (late % every == 0))


def with_output_every(program: Program, every: int) -> Program:
    """Return the program with its outputs due at every step (1), or when asked for (0)."""
    vectors = tuple(v for v in program.vectors if v.name != program.clock)
    return replace(program, output_every=every, clock="", vectors=vectors)
