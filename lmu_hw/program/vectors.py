"""Test vectors: stimulus and expected words, in files that all backends share.

``input.hex`` and ``output.hex`` hold the words of all steps, ``state.hex`` the state after the last
step. Each line is one word in two's complement hex at the width of its format, readable by
``$readmemh`` and ``strtol``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..errors import ModelFileError, read_error
from .integer_program import MemoryUpdate, Program, Role
from .interpreter import Interpreter


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Vectors:
    """Input words of a program with the expected output and state words.

    Attributes
    ----------
    inputs : int64 array, shape (n_steps, n_in)
    outputs : int64 array, shape (n_due, n_out)
        Outputs of the steps in which one is due; of the last step if ``output_every`` is 0.
    state : int64 array, shape (n_state,)
        State after the last step.
    """

    inputs: Words
    outputs: Words
    state: Words


def stimulus(program: Program, n_steps: int, n_streams: int, seed: int) -> Words:
    """Return random stimulus: each stream is a sequence of segments of different kinds.

    The kinds are white noise, slow sines, random and square waves between the rails, constants,
    impulses, small signals, and zeros, on all inputs or some. If the stimulus is long enough, at
    least one segment of zeros exceeds the window of the longest memory.

    Returns
    -------
    int64 array, shape (n_steps, n_streams, n_in)
    """
    rng = np.random.default_rng(seed)
    inputs = program.with_role(Role.INPUT)
    window = max((op.window for op in program.ops if isinstance(op, MemoryUpdate)), default=1)
    low = np.concatenate([np.full(v.length, v.fmt.min) for v in inputs])
    high = np.concatenate([np.full(v.length, v.fmt.max) for v in inputs])
    shape = (n_steps, n_streams, len(low))
    u = np.zeros(shape, dtype=np.int64)
    t = np.arange(n_steps)[:, None]
    for stream in range(n_streams):
        # long enough for segments of zeros to exceed the window
        longest = max(8, min(n_steps // 3, 2 * window))
        start, has_long_zero_run = 0, False
        while start < n_steps:
            length = int(rng.integers(max(1, longest // 4), longest + 1))
            part = slice(start, start + length)
            steps = t[part]
            kind = int(rng.integers(8))
            if not has_long_zero_run and n_steps // 4 <= start <= n_steps - window - 8:
                kind, has_long_zero_run = 7, True
            if kind == 0:
                piece = rng.integers(low, high + 1, (len(steps), len(low)))
            elif kind == 1:
                period = rng.uniform(2, 4 * window, len(low))
                piece = high * np.sin(2 * np.pi * steps / period)
            elif kind == 2:
                piece = np.where(rng.random((len(steps), len(low))) < 0.5, low, high)
            elif kind == 3:
                piece = np.where((steps // max(1, window // 3)) % 2 == 0, low, high)
            elif kind == 4:
                piece = np.broadcast_to(rng.integers(low, high + 1), (len(steps), len(low)))
            elif kind == 5:
                # impulses of any height: small and large states decay through different roundings
                heights = high >> rng.integers(max(1, int(high.max()).bit_length()))
                piece = np.where(rng.random((len(steps), len(low))) < 0.02, heights, 0)
            elif kind == 6:
                piece = rng.integers(-2, 3, (len(steps), len(low)))
            else:
                length = min(n_steps - start, window + length)
                piece = np.zeros((length, len(low)), dtype=np.int64)
            if len(low) > 1 and rng.random() < 0.25:
                # zero some channels only: each counts its own zero-input run
                piece = piece * (rng.random(len(low)) < 0.5)
            # sines and small signals may leave an unsigned format
            u[start : start + length, stream] = np.clip(piece[: n_steps - start], low, high)
            start += length
    return u


def expect(program: Program, inputs: Words) -> Vectors:
    """Return test vectors for one stream, computed by the interpreter.

    Parameters
    ----------
    program : Program
    inputs : int64 array, shape (n_steps, n_in)
    """
    interpreter = Interpreter(program)
    outputs = interpreter.run(inputs[:, None, :])[:, 0]
    return Vectors(inputs=inputs, outputs=outputs, state=interpreter.save()[0])


SIGNAL_DELAY = 7
"""Steps by which the inputs of neighbouring signals of one core differ in tests."""


def of_signals(inputs: npt.NDArray[np.int64], n_signals: int) -> npt.NDArray[np.int64]:
    """Return inputs for several signals that take turns in one core.

    Signal s has the same words, from word `SIGNAL_DELAY` * s on, and then the first ones.

    Parameters
    ----------
    inputs : int64 array, shape (n_steps, n_in)
    n_signals : int

    Returns
    -------
    int64 array, shape (n_steps, n_signals, n_in)
    """
    each = [np.roll(inputs, -SIGNAL_DELAY * s, axis=0) for s in range(n_signals)]
    return np.stack(each, axis=1)


def to_files(program: Program, vectors: Vectors) -> dict[str, str]:
    """Return the text of ``input.hex``, ``output.hex`` and ``state.hex``."""
    return {
        "input.hex": _hex(vectors.inputs, _widths(program, Role.INPUT)),
        "output.hex": _hex(vectors.outputs, _widths(program, Role.OUTPUT)),
        "state.hex": _hex(vectors.state[None, :], _widths(program, Role.STATE)),
    }


def read(program: Program, build_dir: Path) -> Vectors:
    """Read the test vectors in a directory.

    Raises
    ------
    ModelFileError
        If a file is missing, is not hex words, or has a wrong number of words.
    """
    inputs = _read(build_dir / "input.hex", program, Role.INPUT)
    n_due = np.count_nonzero(Interpreter(program).due(len(inputs)))
    outputs = _read(build_dir / "output.hex", program, Role.OUTPUT, none_due=n_due == 0)
    state = _read(build_dir / "state.hex", program, Role.STATE)
    for name, words, n_steps in (("output", outputs, n_due), ("state", state, 1)):
        if len(words) != n_steps:
            raise ModelFileError(
                f"{build_dir / name}.hex holds {len(words)} steps but should hold {n_steps}"
            )
    return Vectors(inputs=inputs, outputs=outputs, state=state[0])


def _widths(program: Program, role: Role) -> npt.NDArray[np.int64]:
    return np.concatenate([np.full(v.length, v.fmt.width) for v in program.with_role(role)])


def _signed(program: Program, role: Role) -> npt.NDArray[np.bool_]:
    return np.concatenate([np.full(v.length, v.fmt.signed) for v in program.with_role(role)])


def _hex(words: Words, widths: npt.NDArray[np.int64]) -> str:
    masked = words & ((1 << widths) - 1)
    digits = [f"%0{-(-int(width) // 4)}x" for width in widths]
    lines = ["\n".join(digits) % tuple(row) for row in masked.tolist()]
    return "\n".join(lines) + "\n"


def _read(path: Path, program: Program, role: Role, *, none_due: bool = False) -> Words:
    widths, signed = _widths(program, role), _signed(program, role)
    try:
        lines = path.read_text(encoding="ascii").split()
        values = [int(line, 16) for line in lines]
    except OSError as error:
        raise read_error(path, error) from error
    except ValueError as error:
        raise ModelFileError(f"{path} must hold hex words, one a line: {error}") from error
    if len(values) % len(widths) or not (values or none_due):
        raise ModelFileError(
            f"{path} holds {len(values)} words but should hold a multiple of {len(widths)}"
        )
    for i, (line, value) in enumerate(zip(lines, values, strict=True)):
        if not line.isalnum() or "x" in line.lower() or value >> int(widths[i % len(widths)]):
            raise ModelFileError(
                f"{path} must hold hex words of {widths[i % len(widths)]} bits, not {line[:40]!r}"
            )
    words = np.array(values, dtype=np.int64).reshape(-1, len(widths))
    top = 1 << (widths - 1)
    return np.where(signed, (words ^ top) - top, words)
