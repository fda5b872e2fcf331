"""A signal from a file through the integer program: what the hardware will give, word for word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import EmitError, ModelFileError, SpecError
from .firmware import bulk
from .fixedpoint import from_real, to_real
from .interpreter import Interpreter
from .program import Program, Role
from .progress import progress
from .signals import SUFFIXES, Signal, read_signal, write_signal
from .spec import check_positive
from .wav import wav_rate

Words = npt.NDArray[np.int64]

MAX_FULL_SCALE = 1e100


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What a simulation did.

    Attributes
    ----------
    steps : int
    samples : int
        Input samples: steps times input words.
    saturated : int
        Samples among them outside the input format, held at its ends.
    engine : str
        ``c`` (compiled) or ``interpreter``; both give the same words.
    """

    steps: int
    samples: int
    saturated: int
    engine: str


def simulate(
    program: Program,
    source: Path,
    target: Path,
    *,
    full_scale: float,
    raw: bool,
    engine: str,
    quiet: bool = False,
) -> Simulation:
    """Stream a file through a program and write what comes out.

    Parameters
    ----------
    program : Program
    source, target : Path
        .npy, .csv or .wav; a column for each input word, and for each output word.
    full_scale : float
        The input value that stands for 1.0; outputs are scaled back by it.
    raw : bool
        Integer words in and out instead of real values.
    engine : str
        ``auto``, ``c`` or ``interpreter``.
    quiet : bool
        No progress.

    Raises
    ------
    ModelFileError
        If the input cannot be used.
    EmitError
        If the output cannot be written.
    SpecError
        If the output is the input.
    """
    # what can be known before the work is said before it
    _check_target(source, target)
    signal = read_signal(source, columns=program.n_words(Role.INPUT), raw=raw)
    if target.suffix.lower() == ".wav":
        wav_rate(target, signal.sample_rate)
    words, saturated = to_words(program, signal, full_scale, source)
    if engine == "auto":
        engine = "c" if bulk.available() else "interpreter"
    outputs = run(program, words, engine, quiet)
    values = outputs if raw else real_outputs(program, outputs) * full_scale
    width = max(v.fmt.width for v in program.with_role(Role.OUTPUT))
    write_signal(target, values, sample_rate=signal.sample_rate, width=width if raw else None)
    return Simulation(steps=len(words), samples=words.size, saturated=saturated, engine=engine)


def _check_target(source: Path, target: Path) -> None:
    """Raise the error of an output that cannot be written, or must not be."""
    if target.suffix.lower() not in SUFFIXES:
        raise EmitError(f"{target} must end in {', '.join(SUFFIXES)}; choose one of them")
    if target.is_dir():
        raise EmitError(f"{target} is a folder; give a file in it")
    if not target.parent.is_dir():
        raise EmitError(f"cannot write {target}: there is no folder {target.parent}; make it first")
    if source.exists() and target.exists() and source.samefile(target):
        raise SpecError(f"output must not be the input file {source}; choose another name")


def check_full_scale(value: Any) -> float:
    """Return the input value that stands for 1.0.

    Raises
    ------
    SpecError
        If it is not a positive number of sensible size.
    """
    scale = check_positive("--full-scale", value)
    if not 1 / MAX_FULL_SCALE <= scale <= MAX_FULL_SCALE:
        raise SpecError(
            f"--full-scale must be from {1 / MAX_FULL_SCALE:g} to {MAX_FULL_SCALE:g}, not {value!r}"
        )
    return scale


def to_words(
    program: Program, signal: Signal, full_scale: float, source: Path
) -> tuple[Words, int]:
    """Return a signal as input words and how many samples were saturated.

    Raises
    ------
    ModelFileError
        If raw words do not fit the input format.
    """
    formats = [v.fmt for v in program.with_role(Role.INPUT) for _ in range(v.length)]
    if signal.kind == "raw":
        for column, fmt in enumerate(formats):
            bad = (signal.samples[:, column] < fmt.min) | (signal.samples[:, column] > fmt.max)
            if bad.any():
                t = int(np.argmax(bad))
                raise ModelFileError(
                    f"{source} holds word {signal.samples[t, column]} at sample {t}, "
                    f"column {column} (both from 0), but {fmt} takes {fmt.min} to {fmt.max}"
                )
        return signal.samples.astype(np.int64), 0
    # a sample may lie beyond float64 once it is scaled: it saturates like any other
    with np.errstate(over="ignore", invalid="ignore"):
        columns = [
            from_real(signal.samples[:, k], fmt, full_scale=full_scale)
            for k, fmt in enumerate(formats)
        ]
    return np.stack([words for words, _ in columns], axis=1), sum(n for _, n in columns)


def run(program: Program, words: Words, engine: str, quiet: bool = False) -> Words:
    """Run one stream from reset; the engines give the same words.

    Parameters
    ----------
    program : Program
    words : int64 array, shape (n_steps, n_in)
    engine : str
        ``c`` or ``interpreter``.
    quiet : bool
        No progress.

    Returns
    -------
    int64 array, shape (n_steps, n_out)
    """
    machine = bulk.BulkEngine(program) if engine == "c" else Interpreter(program)
    done = 0

    def report(steps: int) -> None:
        nonlocal done
        advance(steps - done)
        done = steps

    with progress("simulating", len(words), quiet) as advance:
        return machine.run(words[:, None, :], report)[:, 0]


def real_outputs(program: Program, outputs: Words) -> npt.NDArray[np.float64]:
    """Return output words, shape (..., n_out), as real values."""
    parts, start = [], 0
    for v in program.with_role(Role.OUTPUT):
        parts.append(to_real(outputs[..., start : start + v.length], v.fmt))
        start += v.length
    return np.concatenate(parts, axis=-1)
