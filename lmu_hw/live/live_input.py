"""Recordings for a live view: from a file as `lmu-hw simulate` reads it, or made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from .._support.array_types import Array, Words
from ..errors import SpecError, plain
from ..measure.csv_text import Column
from ..measure.dataset import load_recordings
from ..measure.output_file import DATA
from ..measure.signal_files import Samples, read_signal
from ..measure.simulate import saturation_text, to_words
from ..memory.spec import LMUSpec
from ..program.fixedpoint import to_real
from ..program.integer_program import Program, Role, Vector
from .made_signal import made_signal

WINDOWS = 60
"""Length of a made signal [windows]."""
NETWORK_WINDOW, NETWORK_ORDER = 100, 16
"""What a made signal for a network is like."""
MAX_MADE = 1 << 20
"""Longest made signal [samples]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveInput:
    """Recordings as words; each starts from reset.

    Attributes
    ----------
    source : str
        Name of the file, or ``made``.
    made : bool
        The signal is made.
    recordings : tuple of int64 array, each of shape (n_steps, n_in)
    values : tuple of float array
        The same words as real values.
    sample_rate : float or None
        Sample rate [samples/s], if known.
    notes : tuple of str
        What a reader should know, such as how many samples saturated.
    """

    source: str
    made: bool
    recordings: tuple[Words, ...]
    values: tuple[Array, ...]
    sample_rate: float | None
    notes: tuple[str, ...]


def read_input(
    program: Program,
    path: Path,
    *,
    network: bool,
    rate: float | None,
    full_scale: float = 1.0,
    columns: Sequence[Column] | None = None,
) -> LiveInput:
    """Return the recordings in a file.

    Parameters
    ----------
    program : Program
    path : Path
        .wav, .npy or .csv, or a .npz data set.
    network : bool
        The program is a trained network's; only the note on saturation differs.
    rate : float or None
        Sample rate [samples/s] in place of that of the file.
    full_scale : float
        Input value that becomes 1.0.
    columns : sequence of int or str, optional
        Columns of the file to read.

    Raises
    ------
    ModelFileError
        If the file cannot be used.
    SpecError
        If columns are named that a data set has not.
    """
    n_in = program.n_words(Role.INPUT)
    if path.suffix.lower() == DATA:
        if columns is not None:
            raise SpecError(f"--columns is for .npy, .csv and .wav files, and {path} is a data set")
        signal = load_recordings(path, n_in)
    else:
        signal = read_signal(path, columns=n_in, select=columns)
    words, saturated = to_words(program, signal, full_scale, path)
    notes: tuple[str, ...] = ()
    if saturated:
        text = saturation_text(saturated, signal.samples, full_scale, network=network)
        notes = (f"{text}.",)
    found = _input(
        program, words, signal.offset, plain(path.name), rate or signal.sample_rate, notes
    )
    if not found.recordings:
        raise SpecError(f"{path} holds no samples; give at least one")
    return found


def made_input(program: Program, spec: LMUSpec | None, rate: float | None) -> LiveInput:
    """Return a made signal for a design.

    Parameters
    ----------
    program : Program
    spec : LMUSpec or None
        Of a memory; None for a network, for which it is no more than movement.
    rate : float or None
        Sample rate [samples/s], if one is wanted.
    """
    window = NETWORK_WINDOW if spec is None else max(spec.theta, 8.0)
    order = NETWORK_ORDER if spec is None else spec.order
    n_steps = min(MAX_MADE, round(WINDOWS * window))
    samples = made_signal(n_steps, window, order, program.n_words(Role.INPUT))
    peaks = [min(v.fmt.max * v.fmt.lsb, -v.fmt.min * v.fmt.lsb) for v in _inputs(program)]
    samples = samples * np.minimum(1.0, peaks) if spec is not None else samples * peaks
    signal = Samples(samples=samples, offset=(0, n_steps), sample_rate=None, kind="real")
    words, _ = to_words(program, signal, 1.0, Path())
    notes: tuple[str, ...] = ()
    if spec is None:
        notes = ("The signal means nothing to a trained network: give a recording with --input.",)
    return _input(program, words, signal.offset, "made", rate, notes, made=True)


def _inputs(program: Program) -> list[Vector]:
    return [v for v in program.with_role(Role.INPUT) for _ in range(v.length)]


def _input(
    program: Program,
    words: Words,
    offset: Sequence[int],
    source: str,
    rate: float | None,
    notes: tuple[str, ...],
    *,
    made: bool = False,
) -> LiveInput:
    recordings = tuple(words[a:b] for a, b in pairwise(offset) if b > a)
    formats = [v.fmt for v in _inputs(program)]

    def real(recording: Words) -> Array:
        columns = [to_real(recording[:, k], fmt) for k, fmt in enumerate(formats)]
        return np.stack(columns, axis=1)

    return LiveInput(
        source=source,
        made=made,
        recordings=recordings,
        values=tuple(map(real, recordings)),
        sample_rate=rate,
        notes=notes,
    )
