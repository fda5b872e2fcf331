"""A memory with rounded coefficients: its errors and its program for any state width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._support.array_types import Array
from ..errors import SpecError
from ..memory.delay_error import delay_error
from ..memory.neurons import NeuronModel
from ..memory.spec import LMUSpec, OutputKind, RealizationKind
from ..program.fixedpoint import QFormat
from ..program.integer_program import MemoryUpdate, Program, Role, Vector
from .error_analysis import MAX_STATE_BITS, Analysis
from .outputs import Output, make_outputs
from .rounded_memory import RoundedMemory, silence_window
from .state_formats import Bound

ASKED_FOR = "asked for"
STATES = {
    "z_outer": "outer adaptors' states, highest frequency first",
    "z_inner": "inner and real adaptors' states, highest frequency first",
    "w": "waves of the ladder, section after section: m[i] / s[i] with s[i] = 1/2 for even i",
    "m": "Legendre coefficients",
}
"""Meaning of the state vectors."""
TOTAL_SHARE = 0.95
"""Largest predicted error for a chosen state width [output LSB]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronSummary:
    """The neurons of a spiking memory and their predicted error.

    Attributes
    ----------
    model : NeuronModel
    neurons : int
        Neurons of a channel.
    population : int
        Neurons for either sign of a state, a power of two.
    generators : int or None
        Random number generators; None for integrate-and-fire.
    nrmse : float
        Predicted RMS error of m over its RMS, coefficients scaled to unit power.
    bandwidth : float
        Highest frequency of the input that this holds for, a flat noise [cycles/sample].
    rms : float
        RMS of that input.
    spikes_per_step : float
        Predicted spikes of a channel in a step, for that input.
    error_lsb : float
        Predicted RMS error of the worst output word, for that input [its LSB].
    """

    model: NeuronModel
    neurons: int
    population: int
    generators: int | None
    nrmse: float
    bandwidth: float
    rms: float
    spikes_per_step: float
    error_lsb: float


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantizedMemory:
    """A quantized memory: its program, formats and predicted errors.

    Attributes
    ----------
    spec : LMUSpec
    program : Program
    realization : RealizationKind
        CASCADE, LADDER, DENSE or SPIKING.
    reason : str
        Why this realization was chosen.
    coef_bits, weight_bits, state_bits : int
        Widths in the program.
    bounds : tuple of Bound
        Worst case of every recurrent signal.
    coefficient_error, roundoff_error : float
        Predicted RMS errors of the worst output words [output LSB].
    decay : str
        ``proven``, or why a zero-input run is not proven to reach exactly zero.
    readout : float array, shape (d, d)
        T with ``m = T s``, s being the real values of all state words in vector order.
    neurons : NeuronSummary or None
        Of a spiking memory.
    """

    spec: LMUSpec
    program: Program
    realization: RealizationKind
    reason: str
    coef_bits: int
    weight_bits: int
    state_bits: int
    bounds: tuple[Bound, ...]
    coefficient_error: float
    roundoff_error: float
    decay: str
    readout: Array
    neurons: NeuronSummary | None = None

    @property
    def error(self) -> float:
        """Predicted RMS error of the worst output word, output rounding included [output LSB].

        With that of spiking neurons, for the input of `NeuronSummary`.
        """
        fixed = _total(self.coefficient_error, self.roundoff_error)
        return fixed if self.neurons is None else math.hypot(fixed, self.neurons.error_lsb)

    @cached_property
    def delay_error(self) -> float | None:
        """NRMSE of decoded delays in float64, for input to the bandwidth of ``spec`` if any."""
        spec = self.spec
        if spec.bandwidth is None or self.neurons is not None:
            return None
        return delay_error(spec, spec.bandwidth, spec.taps)


class MemoryAttempt:
    """An analysed memory with a rounded readout: its errors as functions of the state width."""

    def __init__(self, analysis: Analysis, weight_bits: int, kind: RealizationKind) -> None:
        self.spec, self.memory = analysis.spec, analysis.memory
        self._analysis, self.weight_bits, self._kind = analysis, weight_bits, kind
        self._wide = self._words(MAX_STATE_BITS)
        errors = self._coefficient_errors(self._wide[1])
        self.coefficient, self.chain_error, self.readout_error = errors

    def design_within(self, share: float, *, forced: bool) -> QuantizedMemory | None:
        """Return the design if its coefficient error is at most ``share`` [output LSB], else None.

        A state width from the user is used even if the design then exceeds the error budget.
        """
        if self.spec.state_bits is not None:
            return (
                self.design(self.spec.state_bits) if self.coefficient <= share or forced else None
            )
        state_bits = self.min_state_bits() if self.coefficient <= share else None
        return None if state_bits is None else self.design(state_bits)

    def design(self, state_bits: int) -> QuantizedMemory:
        """Return the design with this state width."""
        bounds, outputs = self._words(state_bits)
        return QuantizedMemory(
            spec=self.spec,
            program=memory_program(self.spec, self.memory, bounds, outputs),
            realization=self._kind,
            reason=ASKED_FOR,
            coef_bits=self._analysis.coef_bits,
            weight_bits=self.weight_bits,
            state_bits=state_bits,
            bounds=tuple(bounds.values()),
            coefficient_error=self.coefficient,
            roundoff_error=self._roundoff(bounds, outputs),
            decay=self.memory.decay,
            readout=self._readout(),
        )

    def _readout(self) -> Array:
        """Return T with ``m = T s``, s being the real values of all state words."""
        values = np.vstack(list(self.memory.states.values()))
        return np.asarray(self.memory.readout @ (values.T / np.sum(values**2, axis=1)))

    @cached_property
    def least_roundoff(self) -> float:
        """RMS roundoff error of the worst output word with the widest state [output LSB]."""
        return self._roundoff(*self._wide)

    def min_state_bits(self) -> int | None:
        """Return the smallest state width within the error budget, or None."""
        room = math.sqrt(max(TOTAL_SHARE**2 - self.coefficient**2 - 1 / 12, 1e-9))
        spare = math.floor(math.log2(room / self.least_roundoff))
        for state_bits in range(
            max(MAX_STATE_BITS - spare - 1, self.spec.bits), MAX_STATE_BITS + 1
        ):
            try:
                words = self._words(state_bits)
            except SpecError:
                continue
            if _total(self.coefficient, self._roundoff(*words)) <= TOTAL_SHARE:
                return state_bits
        return None

    def _words(self, state_bits: int) -> tuple[dict[str, Bound], tuple[Output, ...]]:
        """Return the recurrent formats and the outputs for this state width."""
        bounds = self._analysis.bounds(state_bits)
        peak = self._analysis.output_peak(bounds)
        return bounds, make_outputs(self.spec, self.memory, peak, bounds, self.weight_bits)

    def _roundoff(self, bounds: dict[str, Bound], outputs: tuple[Output, ...]) -> float:
        """Return the worst output word's RMS roundoff error [output LSB]."""
        return max(
            math.sqrt(float(np.max(np.sum((y.rows @ covariance) * y.rows, axis=1)))) / y.fmt.lsb
            for covariance in self._analysis.covariances(bounds)
            for y in outputs
        )

    def _coefficient_errors(self, outputs: tuple[Output, ...]) -> tuple[float, float, float]:
        """Return peak transfer errors of the worst output word [output LSB].

        They bound its RMS error. Returned are the total, the part of the recursion with an exact
        readout, and the part of the readout's rounding. All are 0 for the state output of a
        cascade: T is fitted to the rounded chain, which defines the meaning of the state.
        """
        if self.spec.output is OutputKind.STATE and self._kind is RealizationKind.CASCADE:
            return 0.0, 0.0, 0.0
        (y,) = outputs
        chain = self._analysis.chain_error
        if self.spec.output is OutputKind.STATE and self._kind is RealizationKind.LADDER:
            # the words stand for m divided by the scale of each
            scale = np.diag(self._readout())
            error = float(np.max(np.abs(chain) / scale[:, None])) / y.fmt.lsb
            return error, error, 0.0
        readout = (y.rows - self._analysis.unrounded) @ self._analysis.response
        total, only_chain, only_readout = (
            float(np.max(np.abs(error))) / y.fmt.lsb for error in (chain + readout, chain, readout)
        )
        return total, only_chain, only_readout


def _total(coefficient: float, roundoff: float) -> float:
    return math.sqrt(coefficient**2 + roundoff**2 + 1 / 12)


def memory_program(
    spec: LMUSpec,
    memory: RoundedMemory,
    bounds: dict[str, Bound],
    outputs: tuple[Output, ...],
    *,
    operation: MemoryUpdate | None = None,
    more: tuple[Vector, ...] = (),
) -> Program:
    """Return the program of a memory.

    Parameters
    ----------
    spec, memory
    bounds : dict of str to Bound
        Formats of the recurrent signals.
    outputs : tuple of Output
    operation : MemoryUpdate, optional
        Default: that of ``memory``.
    more : tuple of Vector
        Vectors of ``operation`` that the memory has not, states first.
    """
    window = silence_window(spec.theta)
    formats = {name: bound.fmt for name, bound in bounds.items()}

    def vector(name: str, n: int, fmt: QFormat, role: Role, about: str) -> Vector:
        shared = ", channel after channel" if spec.channels > 1 else ""
        return Vector(name=name, length=spec.channels * n, fmt=fmt, role=role, about=about + shared)

    count = QFormat(window.bit_length(), 0, signed=False)
    sample = QFormat(1, spec.bits - 1)
    previous = vector("previous", 1, sample, Role.STATE, "the sample of the preceding step")
    vectors = [
        vector("u", 1, sample, Role.INPUT, "the sample of this step"),
        *(
            vector(name, len(rows), formats[name], Role.STATE, STATES[name])
            for name, rows in memory.states.items()
        ),
        *([] if spec.substeps == 1 else [previous]),
        *(v for v in more if v.role is Role.STATE),
        vector("silence", 1, count, Role.STATE, "steps since u was last not zero, window at most"),
        *(vector(y.name, len(y.rows), y.fmt, Role.OUTPUT, y.about) for y in outputs),
        *(v for v in more if v.role is Role.OUTPUT),
    ]
    return Program(
        name=spec.name,
        title=spec.describe(),
        vectors=tuple(vectors),
        ops=(operation or memory.operation(formats, window), *(y.operation() for y in outputs)),
    )
