"""Search the coefficient and state widths of a memory that keep its error budget."""

from __future__ import annotations

import math
from functools import cached_property

from ..errors import FormatError, SpecError, UnstableError
from ..memory.discretize import discretize
from ..memory.ladder import ladder, wave_scale
from ..memory.legendre import state_space
from ..memory.spec import LMUSpec, RealizationKind
from ..memory.wave_digital import AdaptorCascade, cascade, poles, sections_of
from .error_analysis import MAX_STATE_BITS, Analysis, IdealMemory
from .memory_design import MemoryAttempt, QuantizedMemory
from .rounded_ladder import round_ladder
from .rounded_memory import RoundedMemory, round_cascade, round_dense

DEFAULT_COEF_BITS = 18
"""Initial coefficient width: at most the narrow port of common FPGA multipliers."""
MAX_COEF_BITS = 24
"""Widest coefficient that the search tries."""
ERROR_BUDGET = 1.0
"""Largest RMS error of an output word for ``--bits`` [output LSB]."""
COEFFICIENT_SHARE = 0.75
"""Coefficient error above which the search widens coefficients [output LSB]."""


class MemorySource:
    """A memory before rounding, from which any realization is made."""

    def __init__(self, spec: LMUSpec) -> None:
        self.spec = spec
        # also refuses an unstable memory before anything else is tried
        self.system = discretize(
            state_space(spec.order), spec.theta, spec.discretizer, spec.substeps
        )

    @cached_property
    def _cascade(self) -> AdaptorCascade:
        return cascade(self.system)

    def _ideal(self, kind: RealizationKind) -> IdealMemory:
        if kind is RealizationKind.LADDER:
            spec = self.spec
            theta = spec.theta * spec.substeps
            exact, scale = ladder(spec.order, theta), wave_scale(spec.order, theta)
            return IdealMemory(
                slowest=min(min(section) for section in sections_of(poles(self.system))),
                response=lambda z: scale[:, None] * exact.response(z, spec.substeps),
            )
        ideal = self._cascade
        return IdealMemory(
            slowest=min(min(section) for section in ideal.chain.sections),
            response=lambda z: ideal.T @ ideal.chain.response(z),
        )

    def rounded(self, kind: RealizationKind, coef_bits: int) -> RoundedMemory:
        """Return the memory with coefficients of ``coef_bits`` bits."""
        if kind is RealizationKind.LADDER:
            return round_ladder(self.spec.order, self.spec.theta, self.spec.substeps, coef_bits)
        if kind is RealizationKind.DENSE:
            return round_dense(self.system, coef_bits)
        return round_cascade(self.system, self._cascade.chain, coef_bits)

    def within_budget(self, kind: RealizationKind) -> QuantizedMemory:
        """Return the first design within the error budget, widening inaccurate coefficients.

        Raises
        ------
        SpecError
            If no width of the coefficients is enough.
        FormatError
            If an intermediate word would be too wide for the backends.
        """
        spec = self.spec
        ideal = self._ideal(kind)
        coef_bits = spec.coef_bits or min(spec.bits, DEFAULT_COEF_BITS)
        weight_bits = spec.weight_bits or min(spec.bits, MAX_COEF_BITS)
        # coefficients up to `low` bits are too inaccurate, above `high` bits words are too wide
        low, high = coef_bits - 1, MAX_COEF_BITS
        analysis: Analysis | None = None
        while True:
            wider_coef = spec.coef_bits is None and coef_bits < high
            wider_weight = spec.weight_bits is None and weight_bits < MAX_COEF_BITS
            try:
                if analysis is None:
                    analysis = Analysis(spec, self.rounded(kind, coef_bits), ideal, coef_bits)
            except UnstableError:
                if not wider_coef:
                    raise
                low, coef_bits = coef_bits, coef_bits + 1
                continue
            attempt = MemoryAttempt(analysis, weight_bits, kind)
            last = not (wider_coef or wider_weight)
            share = ERROR_BUDGET if last else COEFFICIENT_SHARE
            try:
                design = attempt.design_within(share, forced=last)
            except FormatError:
                if spec.coef_bits is not None or coef_bits - 1 <= low:
                    raise
                high = coef_bits = coef_bits - 1
                analysis = None
                continue
            if design is not None:
                return design
            if spec.state_bits is None and attempt.least_roundoff > ERROR_BUDGET:
                raise self._refusal(kind, coef_bits, attempt)
            # split the variance equally; each additional bit halves an error
            target = COEFFICIENT_SHARE / math.sqrt(2.0)
            if wider_coef and (attempt.chain_error >= attempt.readout_error or not wider_weight):
                low, coef_bits = coef_bits, _wider(coef_bits, attempt.chain_error / target, high)
                analysis = None
            elif wider_weight:
                weight_bits += 1
            else:
                raise self._refusal(kind, coef_bits, attempt)

    def _refusal(self, kind: RealizationKind, coef_bits: int, attempt: MemoryAttempt) -> SpecError:
        """Return why the widest words of a realization do not keep the error budget."""
        spec = self.spec
        what = f"coefficients of {coef_bits} bits and a readout of {attempt.weight_bits}"
        if attempt.least_roundoff > ERROR_BUDGET or attempt.coefficient <= ERROR_BUDGET:
            what = f"a state of {MAX_STATE_BITS} bits"
        given = [
            flag
            for flag, width in (("coef", spec.coef_bits), ("weight", spec.weight_bits))
            if width is not None
        ]
        remedy = ", ".join([*(f"more --{flag}-bits" for flag in given), "fewer --bits"])
        if spec.substeps > 1:
            remedy += ", fewer --substeps"
        elif kind is not RealizationKind.CASCADE:
            remedy += ", --realization cascade"
        return SpecError(
            f"a {kind.value} with {what} cannot keep {spec.bits}-bit words within "
            f"{ERROR_BUDGET:g} LSB RMS (theta = {spec.theta:g}): use {remedy}, or set --state-bits "
            "to give up the error budget"
        )


def _wider(width: int, excess: float, widest: int) -> int:
    return min(widest, width + max(1, math.ceil(math.log2(max(excess, 1e-9)))))
