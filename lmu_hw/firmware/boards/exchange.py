"""Input and output files of a board, in the format of `sim/firmware/harness.c`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..._support.array_types import Words
from ...errors import ModelFileError
from ...program import saved_state
from ...program.integer_program import Program, Role
from ..c_types import type_bits
from ..layout import lay_out

FROM_RESET, SINGLE_STEPS, CHECK_READY, LAST_ONLY, LOADED = 1, 2, 4, 8, 16
"""Flags of a run, equal to those in the harness."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class BoardRun:
    """Consecutive steps that a board runs.

    Attributes
    ----------
    inputs : int array, shape (n_steps, n_in)
    n_outputs : int
        Number of steps with an output.
    from_reset : bool
        Start from the initial state, not from the end of the previous run.
    single : bool
        Call ``step`` for each step, not ``run`` once.
    checked : bool
        End the program if ``ready`` does not say whether a single step has an output.
    last_only : bool
        Of single steps, only the last one is to have an output; those before have none.
    state : int array, shape (n_state,), optional
        State to load first.
    """

    inputs: Words
    n_outputs: int
    from_reset: bool
    single: bool
    checked: bool = True
    last_only: bool = False
    state: Words | None = None


def write(program: Program, runs: Iterable[BoardRun], path: Path) -> None:
    """Write the input file of a board."""
    dtype = _dtype(lay_out(program, program.name).in_type)
    with path.open("wb") as file:
        for run in runs:
            flags = FROM_RESET * run.from_reset | SINGLE_STEPS * run.single
            flags |= CHECK_READY * run.checked | LAST_ONLY * run.last_only
            flags |= LOADED * (run.state is not None)
            file.write(np.array([len(run.inputs), flags], dtype="<u4").tobytes())
            if run.state is not None:
                file.write(saved_state.to_bytes(program, run.state[None])[0].tobytes())
            file.write(run.inputs.astype(dtype).tobytes())
        file.write(bytes(8))


def read(program: Program, runs: Iterable[BoardRun], path: Path) -> list[tuple[Words, Words]]:
    """Return the outputs of each run, and the state after its last step, from a board's output.

    Raises
    ------
    ModelFileError
        If the board wrote a wrong number of words, or a state of another program.
    """
    layout = lay_out(program, program.name)
    data, at = path.read_bytes(), 0

    def take(n_words: int, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
        nonlocal at
        part = data[at : at + n_words * dtype.itemsize]
        at += len(part)
        if len(part) < n_words * dtype.itemsize:
            raise ModelFileError(_REMEDY.format("too few words"))
        return np.frombuffer(part, dtype)

    found = []
    for run in runs:
        n_out = program.n_words(Role.OUTPUT)
        outputs = take(run.n_outputs * n_out, _dtype(layout.out_type)).reshape(-1, n_out)
        saved = take(saved_state.n_bytes(program), np.dtype(np.uint8))
        try:
            state = saved_state.from_bytes(program, saved[None])[0]
        except ModelFileError as error:
            raise ModelFileError(_REMEDY.format(f"no state of the program ({error})")) from error
        found.append((outputs.astype(np.int64), state))
    if at != len(data):
        raise ModelFileError(_REMEDY.format("too many words"))
    return found


_REMEDY = (
    "the board wrote {}: its outputs are not in the steps that the program defines, or its C is "
    "not of this program; generate the build directory again"
)


def _dtype(ctype: str) -> np.dtype[np.signedinteger[Any]]:
    """Return the little-endian type of ``intN_t``."""
    dtype: np.dtype[np.signedinteger[Any]] = np.dtype(f"<i{type_bits(ctype) // 8}")
    return dtype
