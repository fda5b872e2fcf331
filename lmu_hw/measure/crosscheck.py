"""Comparison of compiled C with the interpreter, on a sample of the data of an evaluation.

`~lmu_hw.verify.verification` uses its own stimulus. The figures of an evaluation depend on the
words that this machine's compiler computes from these data, so these are compared too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from .._support.workers import one_blas_thread
from ..errors import MismatchError
from ..firmware.bulk import BulkEngine
from ..program.fixedpoint import from_real
from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter
from .dataset import Dataset
from .evaluation import Checked

STEPS = 128
"""Steps that the interpreter runs at either end of the sequences."""


def crosscheck(engine: BulkEngine, dataset: Dataset) -> Checked:
    """Run a few sequences on a compiled engine and in the interpreter, and compare the words.

    The sequences are the first, the last, the longest, the one with the largest value and the one
    with the most power. Outputs of their first and last steps are compared, and the state after
    them. The steps between run on the engine alone; the interpreter continues from its state.

    Parameters
    ----------
    engine : BulkEngine
        Its program has outputs at every step, or on demand. Its own state is not changed.
    dataset : Dataset

    Raises
    ------
    MismatchError
        If a word differs; the error names the first.
    """
    sample = sequences(dataset)
    (source,) = engine.program.with_role(Role.INPUT)
    groups = list(dataset.take(sample).batches())
    span = max(1, STEPS // len(groups))
    words = 0
    with one_blas_thread():
        for at in groups:
            inputs, _ = from_real(dataset.stack(sample[at]), source.fmt)
            words += _compare(engine, inputs.transpose(1, 0, 2), sample[at], span)
    return Checked(sequences=len(sample), words=words)


def sequences(dataset: Dataset) -> npt.NDArray[np.int64]:
    """Return the indices of the sequences to compare, ascending."""
    sizes = np.empty((len(dataset), 3))
    for i, sequence in enumerate(dataset.sequences):
        x = np.abs(sequence.astype(np.float64))
        sizes[i] = len(x), np.max(x), np.mean(x * x)
    return np.unique([0, *np.argmax(sizes, axis=0), len(dataset) - 1]).astype(np.int64)


def _compare(engine: BulkEngine, inputs: Words, names: npt.NDArray[np.int64], span: int) -> int:
    """Return the number of words compared in the first and last ``span`` steps."""
    program = engine.program
    c, interpreter = engine.with_streams(len(names)), Interpreter(program, len(names))
    done = words = 0
    for start, end in _spans(len(inputs), span):
        if start > done:
            c.run(inputs[done:start])
            states = c.save()
            _check_range(program, states, names, start - 1)
            interpreter.load(states)
        part = inputs[start:end]
        due = np.ones(len(part), dtype=np.bool_) if program.output_every == 0 else None
        wanted, got = interpreter.run(part, due=due), c.run(part, due=due)
        _check_equal(program, Role.OUTPUT, wanted, got, names, start)
        states = interpreter.save()
        _check_equal(program, Role.STATE, states[None], c.save()[None], names, end - 1)
        words, done = words + wanted.size + states.size, end
    return words


def _spans(n_steps: int, span: int) -> Iterator[tuple[int, int]]:
    if n_steps <= 2 * span:
        yield 0, n_steps
    else:
        yield 0, span
        yield n_steps - span, n_steps


def _check_equal(
    program: Program,
    role: Role,
    wanted: Words,
    got: Words,
    names: npt.NDArray[np.int64],
    first_step: int,
) -> None:
    """Raise an error for the first difference of words (n_steps, n_streams, n_words) of a role."""
    if np.array_equal(wanted, got):
        return
    t, stream, column = (int(i) for i in np.argwhere(wanted != got)[0])
    expected, found = int(wanted[t, stream, column]), int(got[t, stream, column])
    raise _mismatch(program, role, first_step + t, int(names[stream]), column, expected, found)


def _check_range(program: Program, states: Words, names: npt.NDArray[np.int64], step: int) -> None:
    """Raise an error for a state word outside its format."""
    formats = [v.fmt for v in program.with_role(Role.STATE) for _ in range(v.length)]
    low, high = (np.array([getattr(fmt, end) for fmt in formats]) for end in ("min", "max"))
    for stream, column in np.argwhere((states < low) | (states > high)):
        expected = f"{low[column]} to {high[column]}"
        found = int(states[stream, column])
        raise _mismatch(program, Role.STATE, step, int(names[stream]), int(column), expected, found)


def _mismatch(
    program: Program,
    role: Role,
    step: int,
    sequence: int,
    column: int,
    expected: int | str,
    got: int,
) -> MismatchError:
    words = [(v, k) for v in program.with_role(role) for k in range(v.length)]
    vector, index = words[column]
    return MismatchError(
        backend=f"the compiled C, on sequence {sequence} of the data,",
        step=step,
        signal=vector.name,
        index=index,
        expected=expected,
        got=got,
        fmt=str(vector.fmt),
        remedy="--engine interpreter gives the right words",
    )
