"""Stimulus and expected words: one set of files for every backend.

The files hold one word a line in two's complement hex at the width of its format, step after step,
as ``$readmemh`` and ``strtol`` read it: ``input.hex``, ``output.hex``, and ``state.hex`` with the
state words after the last step.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .._support.array_types import Words
from ..errors import ModelFileError, read_error
from .integer_program import Cascade, DenseUpdate, Program, Role
from .interpreter import Interpreter


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Vectors:
    """What goes into a program and what must come out.

    Attributes
    ----------
    inputs : int64 array, shape (n_steps, n_in)
    outputs : int64 array, shape (n_due, n_out)
        Of the steps in which an output is due; where the caller decides, the last one.
    state : int64 array, shape (n_state,)
        After the last step.
    """

    inputs: Words
    outputs: Words
    state: Words


def stimulus(program: Program, n_steps: int, n_streams: int, seed: int) -> Words:
    """Return input words of several kinds, in pieces: every stream draws its own.

    White noise, slow sines, rails, constants, impulses, small signals, and silence, of all inputs
    or of some; where there is room for it, at least one silence is long enough for the memory to
    notice.

    Returns
    -------
    int64 array, shape (n_steps, n_streams, n_in)
    """
    rng = np.random.default_rng(seed)
    inputs = program.with_role(Role.INPUT)
    window = max(
        (op.window for op in program.ops if isinstance(op, Cascade | DenseUpdate)), default=1
    )
    low = np.concatenate([np.full(v.length, v.fmt.min) for v in inputs])
    high = np.concatenate([np.full(v.length, v.fmt.max) for v in inputs])
    shape = (n_steps, n_streams, len(low))
    u = np.zeros(shape, dtype=np.int64)
    t = np.arange(n_steps)[:, None]
    for stream in range(n_streams):
        # a silence is worth its time only if it can be told from a short pause
        longest = max(8, min(n_steps // 3, 2 * window))
        start, heard_silence = 0, False
        while start < n_steps:
            length = int(rng.integers(max(1, longest // 4), longest + 1))
            part = slice(start, start + length)
            steps = t[part]
            kind = int(rng.integers(8))
            if not heard_silence and n_steps // 4 <= start <= n_steps - window - 8:
                kind, heard_silence = 7, True
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
                # of any height: a state that dies small rounds in other ways than a large one
                heights = high >> rng.integers(max(1, int(high.max()).bit_length()))
                piece = np.where(rng.random((len(steps), len(low))) < 0.02, heights, 0)
            elif kind == 6:
                piece = rng.integers(-2, 3, (len(steps), len(low)))
            else:
                length = min(n_steps - start, window + length)
                piece = np.zeros((length, len(low)), dtype=np.int64)
            if len(low) > 1 and rng.random() < 0.25:
                # some channels are silent for themselves: each counts its own silence
                piece = piece * (rng.random(len(low)) < 0.5)
            # sines and small signals leave an unsigned format
            u[start : start + length, stream] = np.clip(piece[: n_steps - start], low, high)
            start += length
    return u


def expect(program: Program, inputs: Words) -> Vectors:
    """Return the vectors of one stream, computed by the interpreter.

    Parameters
    ----------
    program : Program
    inputs : int64 array, shape (n_steps, n_in)
    """
    interpreter = Interpreter(program)
    outputs = interpreter.run(inputs[:, None, :])[:, 0]
    return Vectors(inputs=inputs, outputs=outputs, state=interpreter.save()[0])


def to_files(program: Program, vectors: Vectors) -> dict[str, str]:
    """Return the text of ``input.hex``, ``output.hex`` and ``state.hex``."""
    return {
        "input.hex": _hex(vectors.inputs, _widths(program, Role.INPUT)),
        "output.hex": _hex(vectors.outputs, _widths(program, Role.OUTPUT)),
        "state.hex": _hex(vectors.state[None, :], _widths(program, Role.STATE)),
    }


def read(program: Program, build_dir: Path) -> Vectors:
    """Read the vectors of a folder.

    Raises
    ------
    ModelFileError
        If a file is missing, is not hex words, or holds no whole number of steps.
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
