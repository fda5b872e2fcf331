"""Formats of a network's signals, from their peaks."""

from __future__ import annotations

import math

from ..errors import SpecError
from ..program.fixedpoint import QFormat
from .memory_words import scaled_format
from .state_formats import fit

MIN_PEAK, MAX_PEAK = 2.0**-32, 2.0**64
"""Limits of a calibrated peak for which a format is chosen."""


def max_magnitude(fmt: QFormat) -> float:
    """Return the largest magnitude of a format's values."""
    return math.ldexp(max(-fmt.min, fmt.max), -fmt.frac_bits)


def input_format(name: str, peak: float, bits: int) -> QFormat:
    """Return the format of an input: the finest LSB with ``peak <= 2**(int_bits - 1)``.

    The integer bits do not depend on the width: like the words of a converter, those of exactly
    +2**(int_bits - 1) saturate by one LSB. A peak of 0 counts as 1.

    Raises
    ------
    SpecError
        If the peak exceeds `MAX_PEAK`.
    """
    _check_peak(name, peak)
    mantissa, exponent = math.frexp(max(peak, MIN_PEAK) if peak else 1.0)
    int_bits = exponent + (mantissa > 0.5)
    return QFormat(int_bits, bits - int_bits)


def fit_format(name: str, peak: float, bits: int) -> QFormat:
    """Return the format with the finest LSB that holds +-``peak``; a peak of 0 counts as 1.

    Raises
    ------
    SpecError
        If the peak exceeds `MAX_PEAK`.
    """
    _check_peak(name, peak)
    octaves = math.frexp(max(peak, MIN_PEAK) if peak else 1.0)[1]
    return scaled_format(fit(math.ldexp(peak, -octaves), bits), octaves)


def _check_peak(name: str, peak: float) -> None:
    if peak > MAX_PEAK:
        raise SpecError(f"{name} reaches {peak:.3g} but must stay below {MAX_PEAK:.3g}: scale it")
