"""One run of a memory for its report: the program beside the float64 memory, on the same words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .._support.array_types import Array, Words
from ..firmware.bulk import BulkEngine, available
from ..manifest import MemoryManifest
from ..memory.discretize import discretize
from ..memory.float_memory import band_limited_noise, run_memory
from ..memory.legendre import StateSpace, state_space
from ..memory.spec import LMUSpec, OutputKind
from ..program.fixedpoint import from_real
from ..program.integer_program import Program, Role, Vector
from ..program.interpreter import Interpreter
from ..quantize.error_spectrum import ErrorPrediction
from ..quantize.outputs import output_matrix
from .report_source import ReportSource

SEED = 1
STREAMS = 8
"""Streams with an input each."""
MIN_STEPS, MAX_STEPS = 4096, 16384
WINDOWS = 1.6
"""Shortest run in which a window is drawn [theta]."""
LONGEST = 200_000
"""Most steps of a run over a long window."""
WORDS = 20_000_000
"""Most output words of the float memory."""
MULTIPLIES = 2_000_000_000
"""Most multiplies of all streams, of the program and of the float memory."""
MAX_PREDICTED = 256
"""Largest order whose spectrum is predicted: the time grows with its cube."""
PEAK = 0.98
"""Largest magnitude of the input."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class MemoryRun:
    """A run from reset on noise in the band of the memory; channels count as streams.

    Attributes
    ----------
    spec : LMUSpec
    bandwidth : float
        Of the input, whose spectrum is flat [cycles/sample].
    system : StateSpace
        The float64 memory.
    prediction : ErrorPrediction or None
        None where the order is too large.
    start : int
        First step that counts: before, the error builds up.
    u : float array, shape (n_steps, n_streams)
        Input words as real values.
    output : float array, shape (n_steps, n_streams, n_out)
        Outputs of the program as real values.
    wanted : float array, shape (n_steps, n_streams, n_out), or None
        The same of the float64 memory; None where the words stand for states of the rounded chain
        that is not known here.
    lsb : float array, shape (n_out,)
        Real value of the LSB of each word.
    names : tuple of str
        Name of each output word.
    """

    spec: LMUSpec
    bandwidth: float
    system: StateSpace
    prediction: ErrorPrediction | None
    start: int
    u: Array
    output: Array
    wanted: Array | None
    lsb: Array
    names: tuple[str, ...]

    @property
    def error(self) -> Array | None:
        """Error of the outputs from `start` on [LSB]."""
        if self.wanted is None:
            return None
        return np.asarray((self.output - self.wanted)[self.start :] / self.lsb)

    @property
    def input_rms(self) -> float:
        """RMS of the input from `start` on."""
        return float(np.sqrt(np.mean(self.u[self.start :] ** 2)))

    @property
    def chosen_words(self) -> tuple[int, ...]:
        """A few output words, from the first to the last."""
        n = len(self.names)
        return tuple(dict.fromkeys(round(k) for k in np.linspace(0, n - 1, min(n, 3))))


@lru_cache(maxsize=1)
def memory_run(source: ReportSource) -> MemoryRun | None:
    """Return the run of a memory; None of a network."""
    design = source.manifest.design
    if not isinstance(design, MemoryManifest):
        return None
    spec, program = design.spec, source.program
    band = spec.bandwidth or min(0.5, spec.order / (6.0 * spec.theta))
    n_steps, n_runs = lengths(spec, program)
    rng = np.random.default_rng(SEED)
    n_streams = n_runs * spec.channels
    signals = [
        PEAK * band_limited_noise(n_steps, max(band, 1.0 / n_steps), rng) for _ in range(n_streams)
    ]
    fmt = program.with_role(Role.INPUT)[0].fmt
    words, _ = from_real(np.stack(signals, axis=1), fmt)
    outputs = run_words(source, words.reshape(n_steps, n_runs, spec.channels))
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer, spec.substeps)
    prediction = _prediction(design, program, band) if spec.order <= MAX_PREDICTED else None
    u = np.asarray(words * fmt.lsb, dtype=np.float64)
    return MemoryRun(
        spec=spec,
        bandwidth=band,
        system=system,
        prediction=prediction,
        start=min(round(spec.theta), n_steps // 4),
        u=u,
        output=by_channel(program, spec, outputs),
        wanted=float_outputs(spec, system, prediction, u),
        lsb=np.concatenate(
            [np.full(v.length // spec.channels, v.fmt.lsb) for v in _outputs(program)]
        ),
        names=tuple(
            f"{v.name}[{k}]" for v in _outputs(program) for k in range(v.length // spec.channels)
        ),
    )


def lengths(spec: LMUSpec, program: Program) -> tuple[int, int]:
    """Return the steps of a run, and the number of runs side by side."""
    multiplies = max(program.multiplies_per_step, spec.channels * spec.order**2, 1)
    wanted = int(np.clip(8 * spec.theta, MIN_STEPS, MAX_STEPS))
    if WINDOWS * spec.theta > MAX_STEPS:
        # one stream over a long window
        wanted = max(wanted, min(math.ceil(WINDOWS * spec.theta), LONGEST, WORDS // spec.order))
    n_steps = max(256, min(wanted, MULTIPLIES // multiplies))
    most = min(STREAMS // spec.channels, WORDS // (n_steps * spec.order * spec.channels))
    return n_steps, max(1, min(most, MULTIPLIES // (multiplies * n_steps)))


def run_words(source: ReportSource, words: Words) -> Words:
    """Run a program from reset, in compiled C where there is a compiler.

    Parameters
    ----------
    source : ReportSource
    words : int64 array, shape (n_steps, n_streams, n_in)

    Returns
    -------
    int64 array, shape (n_due, n_streams, n_out)
    """
    n = words.shape[1]
    machine = _engine(source).with_streams(n) if available() else Interpreter(source.program, n)
    return machine.run(words)


@lru_cache(maxsize=1)
def _engine(source: ReportSource) -> BulkEngine:
    return BulkEngine(source.program)


def by_channel(program: Program, spec: LMUSpec, words: Words) -> Array:
    """Return outputs as real values with channels among the streams, without spike counts.

    Parameters
    ----------
    words : int64 array, shape (n_steps, n_streams, n_out)

    Returns
    -------
    float array, shape (n_steps, n_streams * channels, n_out of a channel)
    """
    parts, start = [], 0
    for v in program.with_role(Role.OUTPUT):
        part = words[:, :, start : start + v.length]
        start += v.length
        if v.name not in program.counts:
            n = v.length // spec.channels
            parts.append(part.reshape(len(words), -1, n) * v.fmt.lsb)
    return np.concatenate(parts, axis=2)


def float_outputs(
    spec: LMUSpec,
    system: StateSpace,
    prediction: ErrorPrediction | None,
    u: Array,
) -> Array | None:
    """Return the outputs of the float64 memory for inputs of shape (n_steps, n_streams)."""
    if spec.output is not OutputKind.STATE:
        return run_memory(system, u, None if not spec.taps else output_matrix(spec))
    if prediction is None:
        return None
    if not prediction.of_chain:
        return run_memory(system, u, prediction.wanted)
    recurrence = prediction.memory.recurrence
    chain = StateSpace(A=recurrence.A.copy(), B=recurrence.b.copy(), scale=np.ones(spec.order))
    return run_memory(chain, u, prediction.wanted)


def readout(run: MemoryRun) -> Array | None:
    """Return T with ``m = T y``, y being the output words as real values; None where m is lost."""
    if run.spec.output is OutputKind.MEMORY:
        return np.eye(run.spec.order)
    if run.spec.output is OutputKind.TAPS or run.prediction is None:
        return None
    memory = run.prediction.memory
    values = np.vstack(list(memory.states.values()))
    return np.asarray(memory.readout @ (values.T / np.sum(values**2, axis=1)))


def _outputs(program: Program) -> Sequence[Vector]:
    return [v for v in program.with_role(Role.OUTPUT) if v.name not in program.counts]


def _prediction(design: MemoryManifest, program: Program, band: float) -> ErrorPrediction:
    return ErrorPrediction(
        spec=design.spec,
        program=program,
        realization=design.realization,
        coef_bits=design.coef_bits,
        lsbs={name: 2.0**-bound.frac_bits for name, bound in design.bounds.items()},
        bandwidth=band,
    )
