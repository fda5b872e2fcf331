"""Round weights to integers with a scale for each row, using statistics of the input words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from ..errors import SpecError
from ..program.fixedpoint import MAX_WORD_BITS
from ..program.row_arrays import RowArrays

MULTIPLIER_BITS = 15
"""Width of a row's multiplier; its highest bit is set."""
SPARE_BITS = 3
"""Headroom above the largest product of a row sum and its multiplier [bits]."""
MAX_ALIGN = 12
"""Largest difference between the left shifts of two sources [bits]."""
DAMPING = 0.01
"""Regularization of the second moments, relative to the mean of their diagonal."""
BLOCK = 64
"""Number of columns rounded between two updates of all remaining columns."""
MAX_WEIGHT_LSBS = 2.0**46
"""Largest contribution of one input LSB to a sum [LSB]; far beyond saturation."""
BIAS_BITS = 30
"""Largest width of a bias in units of its row's scale [bits]."""
CLIP_FACTORS = np.linspace(0.45, 1.0, 23)
"""Candidate scales for narrow weights, relative to the scale that holds the largest weight."""
CLIP_ROWS = 32
"""Rows handled at a time: a part that stays in a processor's cache."""
CLIP_BELOW_BITS = 7
"""Width from which clipping large weights never helps."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Source:
    """An input vector of an affine operation, with its weights.

    Attributes
    ----------
    matrix : float array, shape (n, m)
        Real weights.
    lsb : float
        LSB of the words.
    power : float array, shape (m,)
        Mean square of each word [LSB^2].
    peak : int
        Largest magnitude of a word.
    """

    matrix: Array
    lsb: float
    power: Array
    peak: int


@dataclass(frozen=True, eq=False, kw_only=True)
class IntegerRows:
    """Fields of a `~lmu_hw.program.integer_program.Linear`."""

    rows: tuple[tuple[int, ...], ...]
    aligns: tuple[int, ...]
    biases: tuple[int, ...]
    multipliers: tuple[int, ...]
    shifts: tuple[int, ...]

    @classmethod
    def of(cls, arrays: RowArrays) -> IntegerRows:
        """Return the numbers of arrays."""
        return cls(
            rows=tuple(map(tuple, arrays.rows.tolist())),
            aligns=tuple(arrays.aligns.tolist()),
            biases=tuple(arrays.biases.tolist()),
            multipliers=tuple(arrays.multipliers.tolist()),
            shifts=tuple(arrays.shifts.tolist()),
        )


def round_weights(
    sources: Sequence[Source],
    bias: Array,
    lsb: float,
    weight_bits: int,
    moment: Array | None = None,
) -> IntegerRows:
    """Return the integer rows of an affine operation; see `round_to_arrays`."""
    return IntegerRows.of(round_to_arrays(sources, bias, lsb, weight_bits, moment))


def round_to_arrays(
    sources: Sequence[Source],
    bias: Array,
    lsb: float,
    weight_bits: int,
    moment: Array | None = None,
) -> RowArrays:
    """Return the integer rows of an affine operation as arrays.

    Parameters
    ----------
    sources : sequence of Source
    bias : float array, shape (n,)
    lsb : float
        LSB of the sum, before any function.
    weight_bits : int
        Width of the weights, 2 to 16.
    moment : float array, shape (m + 1, m + 1), optional
        Second moments of all columns in real units, and of a constant 1. With them, weights rounded
        later and the bias compensate the error of each rounded weight.

    Raises
    ------
    SpecError
        If the weights are so large that the sums could only saturate.
    """
    top = (1 << (weight_bits - 1)) - 1
    peaks = np.column_stack([np.max(np.abs(s.matrix), axis=1) * s.lsb for s in sources])
    largest = max(np.max(peaks), np.max(np.abs(bias)) * 2.0**-BIAS_BITS) / lsb
    if not largest < MAX_WEIGHT_LSBS:
        raise SpecError(
            f"a weight must turn an input LSB into at most {MAX_WEIGHT_LSBS:.2g} LSB of its sum, "
            f"not {largest:.2g}: scale the weights, or calibrate on representative data"
        )
    powers = np.array([np.sum(s.power) for s in sources])
    aligns = _choose_aligns(peaks, powers)
    words = np.hstack([s.matrix * (s.lsb / 2.0**a) for s, a in zip(sources, aligns, strict=True)])
    power = np.concatenate([s.power * 4.0**a for s, a in zip(sources, aligns, strict=True)])
    scale = np.max(np.abs(words), axis=1) / top
    if weight_bits < CLIP_BELOW_BITS:
        scale = _clipped_scale(words, power, scale, top)
    scale = np.maximum(scale, np.abs(bias) * 2.0**-BIAS_BITS)
    scale = np.where(scale > 0.0, scale, lsb * 2.0**-8)
    most = sum(
        s.matrix.shape[1] * top * s.peak << int(a) for s, a in zip(sources, aligns, strict=True)
    )
    multipliers, shifts = _multipliers(scale / lsb, most)
    # round weights to the scale that the integers realize, so that its rounding costs nothing
    scale = np.ldexp(multipliers.astype(np.float64), -shifts) * lsb
    if moment is None:
        rows = np.clip(np.floor(words / scale[:, None] + 0.5), -top, top).astype(np.int64)
    else:
        units = [
            np.full(s.matrix.shape[1], s.lsb / 2.0**a) for s, a in zip(sources, aligns, strict=True)
        ]
        unit = np.append(np.concatenate(units), 1.0)
        shifted = moment / np.outer(unit, unit)
        # add the power of the words' rounding noise
        noise = np.append(np.repeat(4.0**aligns / 12.0, [s.matrix.shape[1] for s in sources]), 0.0)
        rows, bias = _round_with_feedback(words, bias, scale, top, shifted + np.diag(noise))
    biases = np.floor(bias / scale + 0.5).astype(np.int64)
    return RowArrays(
        rows=rows, aligns=aligns, biases=biases, multipliers=multipliers, shifts=shifts
    )


def _round_with_feedback(
    words: Array, bias: Array, scale: Array, top: int, moment: Array
) -> tuple[np.ndarray, Array]:
    """Return rounded rows and the bias; columns rounded later compensate earlier errors.

    Columns with the most power are rounded first.

    References
    ----------
    Frantar, Ashkboos, Hoefler, Alistarh, "GPTQ", ICLR 2023.
    """
    n = len(moment) - 1
    order = np.append(np.argsort(-np.diag(moment)[:n], kind="stable"), n)
    H = moment[np.ix_(order, order)]
    H = H + DAMPING * np.mean(np.diag(H)[:n]) * np.diag(np.append(np.ones(n), 0.0))
    # row j of U: compensation of an error in column j by the columns after it
    U = np.linalg.cholesky(np.linalg.inv(H)).T
    rest = np.column_stack([words, bias])[:, order]
    rows = np.empty_like(words)
    for start in range(0, n, BLOCK):
        block = range(start, min(start + BLOCK, n))
        errors = np.empty((len(words), len(block)))
        for k, j in enumerate(block):
            rows[:, j] = np.clip(np.floor(rest[:, j] / scale + 0.5), -top, top)
            errors[:, k] = (rest[:, j] - rows[:, j] * scale) / U[j, j]
            rest[:, j + 1 : block.stop] -= np.outer(errors[:, k], U[j, j + 1 : block.stop])
        # update the columns after the block with one matrix product
        rest[:, block.stop :] -= errors @ U[start : block.stop, block.stop :]
    return rows[:, np.argsort(order[:n])].astype(np.int64), rest[:, n]


def _choose_aligns(peaks: Array, powers: Array) -> np.ndarray:
    """Return the left shift of each source that minimizes the total rounding noise of all rows.

    The largest weight of a row, in units of the shifted words, sets its step. The noise from a
    source is that step times the power of its shifted words.

    Parameters
    ----------
    peaks : float array, shape (n_rows, n_sources)
        Largest weight of each row and source, in real units per LSB of the word.
    powers : float array, shape (n_sources,)
        Sum of the words' mean squares.
    """

    def noise(aligns: np.ndarray) -> float:
        steps = np.max(peaks * 2.0**-aligns, axis=1)
        return float(np.sum(steps**2) * np.sum(powers * 4.0**aligns))

    aligns = np.zeros(len(powers), dtype=np.int64)
    units = np.eye(len(powers), dtype=np.int64)
    for _ in range(len(powers) * MAX_ALIGN):
        moves = [aligns + d * unit for unit in units for d in (1, -1)]
        moves = [m for m in moves if np.ptp(m) <= MAX_ALIGN]
        best = min(moves, key=noise, default=aligns)
        if not noise(best) < noise(aligns):
            break
        aligns = best
    return np.asarray(aligns - np.min(aligns))


def _clipped_scale(words: Array, power: Array, scale: Array, top: int) -> Array:
    """Return for each row the scale with the least error, clipping weights that exceed it."""
    best, least = scale, np.full(len(scale), np.inf)
    safe = np.where(scale > 0.0, scale, 1.0)
    error = np.empty_like(words)
    for factor in CLIP_FACTORS:
        step = (safe * factor)[:, None]
        for first in range(0, len(words), CLIP_ROWS):
            part = slice(first, first + CLIP_ROWS)
            _rounding_error(words[part], step[part], top, error[part])
        error *= error
        cost = error @ (power + 1e-300)
        best = np.where(cost < least, scale * factor, best)
        least = np.minimum(cost, least)
    return best


def _rounding_error(words: Array, step: Array, top: int, out: Array) -> None:
    """Write the error of words that are rounded to multiples of ``step``, at most ``top`` of it."""
    np.divide(words, step, out=out)
    out += 0.5
    np.floor(out, out=out)
    np.maximum(out, -top, out=out)
    np.minimum(out, top, out=out)
    out *= step
    out -= words


def _multipliers(scale: Array, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest ``multiplier * 2**-shift >= scale`` that the multiplier width allows."""
    width = min(MULTIPLIER_BITS, MAX_WORD_BITS - SPARE_BITS - most.bit_length())
    width = max(1, width)
    exponent = np.frexp(scale)[1].astype(np.int64)
    shifts = np.minimum(width - exponent, MAX_WORD_BITS - 2)
    multipliers = np.ceil(np.ldexp(scale, shifts)).astype(np.int64)
    # fold a negative shift into the multiplier
    over = np.maximum(-shifts, 0)
    return np.maximum(multipliers, 1) << over, shifts + over
