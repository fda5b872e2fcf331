"""Approximate activations by piecewise polynomials in integers, within one LSB.

The bound is verified, not estimated: a candidate is accepted only after every word of its input
format has been evaluated.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from .._support.array_types import Array, Words
from ..errors import SpecError
from ..models.forward import activate
from ..models.network import Activation
from ..program.fixedpoint import Overflow, QFormat, overflow, to_real
from ..program.integer_program import Function
from ..program.interpreter import evaluate_function
from ..program.size import function_bits

COEF_BITS = 16
"""Width of coefficients above degree 0: products with the offset in a piece fit 32 bits."""
MAX_LOG2_PIECES = 11
GUARD = 3
"""Guard bits below the result in the sum of a piece."""
MAX_REST_BITS = 14
"""Widest offset of a word within its piece, for the same reason."""

SATURATION_ONLY = {Activation.LINEAR, Activation.RELU, Activation.HARD_TANH}
"""Activations that saturation to the right format implements, without a function."""
SATURATED_LINE_DIVISOR = {Activation.HARD_SIGMOID: 6.0, Activation.HARD_SIGMOID_5: 5.0}
"""Activations that are ``x / divisor + 1/2`` saturated to 0..1, with their divisors."""


def result_format(activation: Activation, bits: int) -> QFormat | None:
    """Return the output format of a bounded activation, or None if calibration has to choose it.

    Unsigned words have at most 15 bits, so that every word fits a signed 16-bit word.
    """
    if activation in (Activation.TANH, Activation.HARD_TANH):
        return QFormat(1, bits - 1)
    if activation in (Activation.SIGMOID, *SATURATED_LINE_DIVISOR):
        return QFormat(0, min(bits, 15), signed=False)
    if activation is Activation.RELU6:
        return QFormat(3, min(bits, 15) - 3, signed=False)
    return None


def make_function(activation: Activation, out_fmt: QFormat) -> Function:
    """Return the smallest piecewise polynomial for an activation.

    Parameters
    ----------
    activation : Activation
    out_fmt : QFormat
        Format of the result.

    Raises
    ------
    SpecError
        If no polynomial within the limits of this module is accurate to one LSB.
    """
    return _cheapest(activation, input_format(activation, out_fmt), out_fmt)


def input_format(activation: Activation, out_fmt: QFormat) -> QFormat:
    """Return an input format that covers the range where the function is not flat.

    Its resolution contributes at most a quarter LSB to the error of the result.
    """
    f = out_fmt.frac_bits
    if activation is Activation.TANH:
        reach, slope = 0.5 * math.log(2.0 ** (f + 2)), 1.0
    elif activation is Activation.SIGMOID:
        reach, slope = math.log(2.0 ** (f + 1)), 0.25
    else:
        reach, slope = 7.0, 1.0
    int_bits = max(1, math.ceil(math.log2(reach))) + 1
    return QFormat(int_bits, f + 1 + math.ceil(math.log2(slope)))


def exact_values(activation: Activation, in_fmt: QFormat, out_fmt: QFormat) -> tuple[Words, Array]:
    """Return every word of ``in_fmt`` and the exact result, saturated to ``out_fmt`` [LSB]."""
    x = np.arange(in_fmt.min, in_fmt.max + 1, dtype=np.int64)
    y = np.ldexp(activate(activation, to_real(x, in_fmt)), out_fmt.frac_bits)
    return x, np.clip(y, out_fmt.min, out_fmt.max)


@cache
def _cheapest(activation: Activation, in_fmt: QFormat, out_fmt: QFormat) -> Function:
    x, wanted = exact_values(activation, in_fmt, out_fmt)
    best: Function | None = None
    for degree in range(3):
        lowest = max(0, in_fmt.width - MAX_REST_BITS) if degree else 0
        for log2_pieces in range(lowest, min(MAX_LOG2_PIECES, in_fmt.width) + 1):
            f = _fit(activation, in_fmt, out_fmt, degree, log2_pieces)
            if best is not None and function_bits(f) >= function_bits(best):
                break
            if (
                np.max(np.abs(overflow(evaluate_function(f, x), out_fmt, Overflow.SAT) - wanted))
                <= 1.0
            ):
                best = f
                break
    if best is None:
        raise SpecError(
            f"{activation.value} to {out_fmt.width}-bit words would take more than "
            f"{1 << MAX_LOG2_PIECES} pieces: use fewer activation bits"
        )
    return best


def _fit(
    activation: Activation, in_fmt: QFormat, out_fmt: QFormat, degree: int, log2_pieces: int
) -> Function:
    """Return polynomials that interpolate at Chebyshev nodes: close to the minimax polynomial."""
    rest_bits = in_fmt.width - log2_pieces
    size = 2.0**rest_bits
    nodes = 0.5 - 0.5 * np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    # nodes from the first word of a piece to its last
    at = (size - 1.0) * nodes
    starts = in_fmt.min + size * np.arange(1 << log2_pieces)
    values = activate(activation, np.ldexp(starts[:, None] + at, -in_fmt.frac_bits))
    coefs = np.linalg.solve(np.vander(at, increasing=True), values.T).T
    coefs = np.ldexp(coefs, out_fmt.frac_bits + GUARD)
    shifts: list[int] = []
    for j in range(1, degree + 1):
        peak = float(np.max(np.abs(coefs[:, j])))
        room = COEF_BITS - 1 - math.frexp(peak)[1] if peak else 0
        shift = max(0, min(room - sum(shifts), 31))
        shifts.append(shift)
        coefs[:, j] = np.ldexp(coefs[:, j], sum(shifts))
    top = 1 << (COEF_BITS - 1)
    rounded = np.floor(coefs + 0.5)
    rounded[:, 1:] = np.clip(rounded[:, 1:], -top, top - 1)
    return Function(
        name=activation.value,
        in_fmt=in_fmt,
        pieces=tuple(map(tuple, rounded.astype(np.int64).tolist())),
        shifts=tuple(shifts),
        guard=GUARD,
    )
