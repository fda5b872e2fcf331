"""Quantize a memory: choose an integer program that meets the error budget of ``--bits``.

The error budget: with B-bit input and output words, the RMS error of every output word against the
float64 memory, fed the same words, is at most one output LSB. Three errors add as variances:

- coefficient rounding: the peak of the transfer error over frequency, valid for every |u| <= 1;
- roundoff in the recursion: as white noise or, if that is worse, as the constant errors (three
  sigma) at which the recursion settles under a constant input;
- rounding of the output, 1/12 LSB^2.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .._support.array_types import Array
from ..errors import FormatError, SpecError, UnstableError
from ..memory.discretize import discretize
from ..memory.legendre import StateSpace, state_space
from ..memory.spec import LMUSpec, OutputKind, RealizationKind
from ..memory.wave_digital import AdaptorCascade, cascade
from ..program.fixedpoint import MAX_WORD_BITS, QFormat
from ..program.integer_program import Program, Role, Vector
from .error_analysis import MAX_STATE_BITS, Analysis
from .outputs import Output, make_outputs, output_matrix
from .rounded_memory import RoundedMemory, round_cascade, round_dense, silence_window
from .state_formats import Bound

DEFAULT_COEF_BITS = 18
"""Initial coefficient width: at most the narrow port of common FPGA multipliers."""
MAX_COEF_BITS = 24
"""Widest coefficient that the search tries."""
ERROR_BUDGET = 1.0
"""Largest RMS error of an output word for ``--bits`` [output LSB]."""
COEFFICIENT_SHARE = 0.75
"""Coefficient error above which the search widens coefficients [output LSB]."""
ASKED_FOR = "asked for"
CASCADE = "fewest multiplies with the accuracy asked for and a proof that zero input dies"
CHEAPER_DENSE = "no more multiplies than the cascade, and its decay is proven too"
TOO_WIDE_CASCADE = f"the cascade would need intermediate words of more than {MAX_WORD_BITS} bits"
PROVEN_INSTEAD = "proven free of overflow, which the cheaper {} is not"
STATES = {
    "z_outer": "outer adaptors' states, highest frequency first",
    "z_inner": "inner and real adaptors' states, highest frequency first",
    "m": "Legendre coefficients",
}
"""Meaning of the state vectors."""
TOTAL_SHARE = 0.95
"""Largest predicted error for a chosen state width [output LSB]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantizedMemory:
    """A quantized memory: its program, formats and predicted errors.

    Attributes
    ----------
    spec : LMUSpec
    program : Program
    realization : RealizationKind
        CASCADE or DENSE.
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

    @property
    def error(self) -> float:
        """Predicted RMS error of the worst output word, output rounding included [output LSB]."""
        return _total(self.coefficient_error, self.roundoff_error)


def quantize_memory(spec: LMUSpec) -> QuantizedMemory:
    """Quantize the memory that ``spec`` describes.

    Raises
    ------
    UnstableError
        If the discretized memory is not stable.
    SpecError
        If the error budget of ``bits`` cannot be met; the message says what to change.
    """
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer)
    ideal = cascade(system)
    kind = spec.realization
    try:
        if kind is RealizationKind.AUTO:
            return _cheapest(spec, system, ideal)
        return _first_within_budget(spec, system, ideal, dense=kind is RealizationKind.DENSE)
    except FormatError as error:
        raise SpecError(
            f"{spec.bits}-bit words of d = {spec.order} at theta = {spec.theta:g} need "
            f"intermediate words of more than {MAX_WORD_BITS} bits: use fewer --bits or "
            "--coef-bits, or a shorter --theta"
            + (", or --realization dense" if kind is RealizationKind.CASCADE else "")
        ) from error


def candidates(spec: LMUSpec) -> Iterator[QuantizedMemory]:
    """Yield all designs that meet ``spec``: first that of `quantize_memory`, then alternatives.

    Raises
    ------
    UnstableError, SpecError
        As `quantize_memory`, before the first design.
    """
    first = quantize_memory(spec)
    yield first
    if spec.realization is not RealizationKind.AUTO:
        return
    system = discretize(state_space(spec.order), spec.theta, spec.discretizer)
    reason = PROVEN_INSTEAD.format(first.realization.value)
    for kind in (RealizationKind.CASCADE, RealizationKind.DENSE):
        if kind is not first.realization:
            with contextlib.suppress(SpecError, FormatError, UnstableError):
                dense = kind is RealizationKind.DENSE
                design = _first_within_budget(spec, system, cascade(system), dense=dense)
                yield replace(design, reason=reason)


def _cheapest(spec: LMUSpec, system: StateSpace, ideal: AdaptorCascade) -> QuantizedMemory:
    """Return the design with the fewest multiplies that meets the error budget."""
    if (dense := _cheap_dense(spec, system, ideal)) is not None:
        return replace(dense, reason=CHEAPER_DENSE)
    try:
        return replace(_first_within_budget(spec, system, ideal, dense=False), reason=CASCADE)
    except FormatError:
        with contextlib.suppress(SpecError, FormatError, UnstableError):
            dense = _first_within_budget(spec, system, ideal, dense=True)
            return replace(dense, reason=TOO_WIDE_CASCADE)
        raise


def _cheap_dense(
    spec: LMUSpec, system: StateSpace, ideal: AdaptorCascade
) -> QuantizedMemory | None:
    """Return a dense design if it is as cheap as the cascade, accurate and proven to decay."""
    d, n_rows = spec.order, len(output_matrix(spec))
    readout_cascade = 0 if spec.output is OutputKind.STATE else d * n_rows
    readout_dense = d * n_rows if spec.output is OutputKind.TAPS else 0
    # the exact matrix has norm 1, so that rounding a large one usually exceeds it: do not try
    if d * d + readout_dense > d + readout_cascade or d > 16:
        return None
    try:
        design = _first_within_budget(spec, system, ideal, dense=True)
    except (SpecError, FormatError, UnstableError):
        return None
    return design if design.decay == "proven" and design.error <= ERROR_BUDGET else None


def _first_within_budget(
    spec: LMUSpec, system: StateSpace, ideal: AdaptorCascade, *, dense: bool
) -> QuantizedMemory:
    """Return the first design within the error budget, widening the less accurate coefficients."""
    coef_bits = spec.coef_bits or min(spec.bits, DEFAULT_COEF_BITS)
    weight_bits = spec.weight_bits or min(spec.bits, MAX_COEF_BITS)
    analysis: Analysis | None = None
    while True:
        wider_coef = spec.coef_bits is None and coef_bits < MAX_COEF_BITS
        wider_weight = spec.weight_bits is None and weight_bits < MAX_COEF_BITS
        try:
            if analysis is None:
                rounded = (
                    round_dense(system, coef_bits)
                    if dense
                    else round_cascade(system, ideal.chain, coef_bits)
                )
                analysis = Analysis(spec, rounded, ideal, coef_bits)
        except UnstableError:
            if not wider_coef:
                raise
            coef_bits += 1
            continue
        attempt = _Attempt(analysis, weight_bits)
        last = not (wider_coef or wider_weight)
        design = attempt.design_within(ERROR_BUDGET if last else COEFFICIENT_SHARE, forced=last)
        if design is not None:
            return design
        # split the variance equally; each additional bit halves an error
        target = COEFFICIENT_SHARE / math.sqrt(2.0)
        if wider_coef and (attempt.chain_error >= attempt.readout_error or not wider_weight):
            coef_bits = _wider(coef_bits, attempt.chain_error / target)
            analysis = None
        elif wider_weight:
            weight_bits += 1
        else:
            break
    kind = "dense" if dense else "cascade"
    other = " or --realization cascade" if dense else ""
    raise SpecError(
        f"a {kind} with coefficients of {coef_bits} bits and a readout of {weight_bits} cannot "
        f"keep {spec.bits}-bit words within {ERROR_BUDGET:g} LSB RMS (theta = {spec.theta:g}): "
        f"use fewer --bits{other}, or set --state-bits to give up the error budget"
    )


def _wider(width: int, excess: float) -> int:
    return min(MAX_COEF_BITS, width + max(1, math.ceil(math.log2(max(excess, 1e-9)))))


class _Attempt:
    """An analysed memory with a rounded readout: its errors as functions of the state width."""

    def __init__(self, analysis: Analysis, weight_bits: int) -> None:
        self.spec, self.memory = analysis.spec, analysis.memory
        self._analysis, self.weight_bits = analysis, weight_bits
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
        values = np.vstack(list(self.memory.states.values()))
        return QuantizedMemory(
            spec=self.spec,
            program=_program(self.spec, self.memory, bounds, outputs),
            realization=RealizationKind.DENSE if "m" in bounds else RealizationKind.CASCADE,
            reason=ASKED_FOR,
            coef_bits=self._analysis.coef_bits,
            weight_bits=self.weight_bits,
            state_bits=state_bits,
            bounds=tuple(bounds.values()),
            coefficient_error=self.coefficient,
            roundoff_error=self._roundoff(bounds, outputs),
            decay=self.memory.decay,
            readout=np.asarray(self.memory.readout @ (values.T / np.sum(values**2, axis=1))),
        )

    def min_state_bits(self) -> int | None:
        """Return the smallest state width within the error budget, or None."""
        room = math.sqrt(max(TOTAL_SHARE**2 - self.coefficient**2 - 1 / 12, 1e-9))
        spare = math.floor(math.log2(room / self._roundoff(*self._wide)))
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
        if self.spec.output is OutputKind.STATE and "m" not in self.memory.states:
            return 0.0, 0.0, 0.0
        (y,) = outputs
        chain = self._analysis.chain_error
        readout = (y.rows - self._analysis.unrounded) @ self._analysis.response
        total, only_chain, only_readout = (
            float(np.max(np.abs(error))) / y.fmt.lsb for error in (chain + readout, chain, readout)
        )
        return total, only_chain, only_readout


def _total(coefficient: float, roundoff: float) -> float:
    return math.sqrt(coefficient**2 + roundoff**2 + 1 / 12)


def _program(
    spec: LMUSpec,
    memory: RoundedMemory,
    bounds: dict[str, Bound],
    outputs: tuple[Output, ...],
) -> Program:
    window = silence_window(spec.theta)
    formats = {name: bound.fmt for name, bound in bounds.items()}

    def vector(name: str, n: int, fmt: QFormat, role: Role, about: str) -> Vector:
        shared = ", channel after channel" if spec.channels > 1 else ""
        return Vector(name=name, length=spec.channels * n, fmt=fmt, role=role, about=about + shared)

    count = QFormat(window.bit_length(), 0, signed=False)
    vectors = [
        vector("u", 1, QFormat(1, spec.bits - 1), Role.INPUT, "the sample of this step"),
        *(
            vector(name, len(rows), formats[name], Role.STATE, STATES[name])
            for name, rows in memory.states.items()
        ),
        vector("silence", 1, count, Role.STATE, "steps since u was last not zero, window at most"),
        *(vector(y.name, len(y.rows), y.fmt, Role.OUTPUT, y.about) for y in outputs),
    ]
    return Program(
        name=spec.name,
        title=spec.describe(),
        vectors=tuple(vectors),
        ops=(memory.operation(formats, window), *(y.operation() for y in outputs)),
    )
