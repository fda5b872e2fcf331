"""Runs the integer program on signals from a file; the words equal those of the hardware.

Each recording starts from reset. The recordings of a ``.npz`` data set are its sequences; those of
a CSV file are separated by blank lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from .._support.array_types import AnyArray, Words
from .._support.progress import progress
from .._support.validation import check_positive
from ..errors import EmitError, ModelFileError, SpecError
from ..firmware import bulk
from ..models.length_buckets import by_length
from ..program.fixedpoint import from_real
from ..program.integer_program import Program, Role
from ..program.interpreter import Interpreter
from .csv_text import Column
from .dataset import load_recordings
from .output_file import DATA, write_outputs
from .signal_files import SUFFIXES, Samples, read_signal
from .spike_events import SpikeLog, spiking_operation
from .spike_files import check_spike_file
from .wav import wav_rate

MAX_FULL_SCALE = 1e100
BATCH_VALUES = 1 << 21
"""Most input words of recordings that run together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Result of a simulation.

    Attributes
    ----------
    recordings : int
        Number of recordings, each run from reset.
    steps : int
        Steps of all recordings.
    samples : int
        Number of input samples: steps times input words.
    saturated : int
        Samples outside the input format, which saturate.
    engine : str
        ``c`` (compiled) or ``interpreter``; both give the same words.
    notes : tuple of str
    spikes : SpikeCount or None
        Recorded spikes, if they were asked for.
    """

    recordings: int
    steps: int
    samples: int
    saturated: int
    engine: str
    notes: tuple[str, ...]
    spikes: SpikeCount | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeCount:
    """Spikes that were recorded, and the neurons that may send them."""

    spikes: int
    neurons: int


def simulate(
    program: Program,
    source: Path,
    target: Path,
    *,
    full_scale: float,
    raw: bool,
    engine: str,
    words: bool = False,
    select: Sequence[Column] | None = None,
    network: bool = False,
    spikes: Path | None = None,
    quiet: bool = False,
) -> Simulation:
    """Run a program on a file and write its outputs.

    Parameters
    ----------
    program : Program
    source : Path
        .npy, .csv or .wav with a column for each input word, or a .npz data set; see
        `~lmu_hw.measure.signal_files.read_signal` and `~lmu_hw.measure.dataset`.
    target : Path
        .npy, .csv or .wav with a column for each output word, recordings one after the other; or
        .npz, see `~lmu_hw.measure.output_file.write_data`.
    full_scale : float
        The input value that becomes 1.0; outputs are scaled back by it.
    raw : bool
        Integer words in and out instead of real values.
    engine : str
        ``auto``, ``c`` or ``interpreter``.
    words : bool
        Write integer words, and read real values.
    select : sequence of int or str, optional
        Columns of the source to read.
    network : bool
        The program is a trained network's; only the note on saturation differs.
    spikes : Path, optional
        .npz or .png that receives every spike of a memory on neurons; see
        `~lmu_hw.measure.spike_events`. The interpreter runs.
    quiet : bool
        No progress.

    Raises
    ------
    ModelFileError
        If the input cannot be used.
    EmitError
        If the output cannot be written.
    SpecError
        If the output is the input, a data set is given with columns, or spikes are asked for of a
        design without neurons.
    ToolError
        If a picture is asked for without matplotlib.
    """
    # check everything possible before the work starts
    _check_target(source, target)
    if spikes is not None:
        engine = _check_spikes(program, spikes, (source, target), engine)
    signal = _read(program, source, raw, select)
    if target.suffix.lower() == ".wav":
        wav_rate(target, signal.sample_rate)
    inputs, saturated = to_words(program, signal, full_scale, source)
    if engine == "auto":
        engine = "c" if bulk.available() else "interpreter"
    recordings = [inputs[a:b] for a, b in pairwise(signal.offset)]
    with nullcontext() if spikes is None else SpikeLog(program, len(recordings)) as log:
        found = run(program, recordings, engine, quiet, log)
        outputs, offset = np.concatenate(found), np.cumsum([0, *map(len, found)])
        if spikes is not None and log is not None:
            log.write(spikes, np.diff(signal.offset))
    write_outputs(
        program,
        target,
        outputs,
        offset,
        sample_rate=signal.sample_rate,
        full_scale=None if raw or words else full_scale,
    )
    notes = []
    if saturated:
        notes.append(saturation_text(saturated, signal.samples, full_scale, network=network))
    if not len(outputs):
        notes.append(f"no output was due: the first comes after {program.output_every} steps")
    return Simulation(
        recordings=len(found),
        steps=len(inputs),
        samples=inputs.size,
        saturated=saturated,
        engine=engine,
        notes=tuple(notes),
        spikes=None if log is None else SpikeCount(spikes=log.n_spikes, neurons=log.n_neurons),
    )


def _read(program: Program, source: Path, raw: bool, select: Sequence[Column] | None) -> Samples:
    columns = program.n_words(Role.INPUT)
    if source.suffix.lower() != DATA:
        return read_signal(source, columns=columns, raw=raw, select=select)
    if select is not None:
        raise SpecError(f"--columns is for .npy, .csv and .wav files, and {source} is a data set")
    return load_recordings(source, columns, raw=raw)


def _check_target(source: Path, target: Path) -> None:
    """Raise unless the output can be written and is not the input."""
    if target.suffix.lower() not in (*SUFFIXES, DATA):
        raise EmitError(f"{target} must end in {', '.join((*SUFFIXES, DATA))}; choose one of them")
    if target.is_dir():
        raise EmitError(f"{target} is a directory; name a file in it")
    if not target.parent.is_dir():
        raise EmitError(
            f"cannot write {target}: there is no directory {target.parent}; make it first"
        )
    if source.exists() and target.exists() and source.samefile(target):
        raise SpecError(f"output must not be the input file {source}; choose another name")


def _check_spikes(program: Program, spikes: Path, others: tuple[Path, ...], engine: str) -> str:
    """Return the engine that records spikes; raise unless they can be recorded and written."""
    spiking_operation(program)
    check_spike_file(spikes, others)
    if engine == "c":
        raise SpecError(
            "--spikes must go with --engine interpreter or auto, not c: compiled C counts spikes "
            "and does not say which neuron fired"
        )
    return "interpreter"


def check_full_scale(value: Any, *, network: bool = False, raw: bool = False) -> float:
    """Return the input value that becomes 1.0, checked.

    Parameters
    ----------
    value : object
    network : bool
        The design is a trained network, whose outputs do not scale with its inputs.
    raw : bool
        The input holds words, which have no scale.

    Raises
    ------
    SpecError
        If it is not a positive number in range, or not 1 where nothing is scaled.
    """
    scale = check_positive("--full-scale", value)
    if not 1 / MAX_FULL_SCALE <= scale <= MAX_FULL_SCALE:
        raise SpecError(
            f"--full-scale must be from {1 / MAX_FULL_SCALE:g} to {MAX_FULL_SCALE:g}, not {value!r}"
        )
    if network and scale != 1.0:
        raise SpecError(
            "--full-scale is for a memory, whose outputs scale with its input; this is a trained "
            "network, which takes values as they are: for larger ones generate it again with "
            "--input-peak, or calibrated on data like these"
        )
    if raw and scale != 1.0:
        raise SpecError("--full-scale is for real values, and --raw reads and writes words")
    return scale


def saturation_text(
    saturated: int, samples: AnyArray, full_scale: float, *, network: bool = False
) -> str:
    """Return the note on samples that saturated at the ends of the input format."""
    share = 100 * saturated / samples.size
    found = f"{saturated} of {samples.size} samples ({share:.3g} %) were saturated"
    if not network:
        return f"{found}: raise --full-scale (now {full_scale:g}) to keep them"
    peak = float(np.max(np.abs(samples)))
    return (
        f"{found}, beyond the calibrated range: to keep them generate the network again with "
        f"--input-peak {peak:.6g}, or calibrated on data like these"
    )


def to_words(
    program: Program, signal: Samples, full_scale: float, source: Path
) -> tuple[Words, int]:
    """Return a signal as input words, and the number of saturated samples.

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
    # a scaled sample may exceed float64: it saturates like any other
    with np.errstate(over="ignore", invalid="ignore"):
        columns = [
            from_real(signal.samples[:, k], fmt, full_scale=full_scale)
            for k, fmt in enumerate(formats)
        ]
    return np.stack([words for words, _ in columns], axis=1), sum(n for _, n in columns)


def run(
    program: Program,
    recordings: Sequence[Words],
    engine: str,
    quiet: bool = False,
    log: SpikeLog | None = None,
) -> list[Words]:
    """Run recordings, each from reset; both engines give the same words.

    Parameters
    ----------
    program : Program
    recordings : sequence of int64 array, shape (n_steps, n_in)
    engine : str
        ``c`` or ``interpreter``.
    quiet : bool
        No progress.
    log : SpikeLog, optional
        Records the spikes; with the interpreter only.

    Returns
    -------
    list of int64 array, shape (n_due, n_out)
    """
    found: list[Words] = [np.zeros((0, 0), dtype=np.int64)] * len(recordings)
    machine: bulk.BulkEngine | Interpreter | None = None
    with progress("simulating", sum(map(len, recordings)), quiet) as advance:
        for at in by_length(recordings, BATCH_VALUES if log is None else log.batch_values):
            if isinstance(machine, bulk.BulkEngine):
                machine = machine.with_streams(len(at))
            else:
                machine = (bulk.BulkEngine if engine == "c" else Interpreter)(program, len(at))
            inputs = np.stack([recordings[i] for i in at], axis=1)
            each_step = _each_step(advance, len(at))
            if log is None:
                outputs = machine.run(inputs, each_step)
            else:
                assert isinstance(machine, Interpreter)
                outputs = machine.run(inputs, each_step, watch=log.start(at))
                log.finish()
            for k, i in enumerate(at):
                found[i] = outputs[:, k]
    return found


def _each_step(advance: Callable[[int], object], n_streams: int) -> Callable[[int], None]:
    """Return a callback that takes steps done so far and reports those of all streams."""
    done = 0

    def report(steps: int) -> None:
        nonlocal done
        advance(n_streams * (steps - done))
        done = steps

    return report
