"""Word formats for the memories of a network: worst-case ranges and sufficient state widths."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..program.fixedpoint import QFormat
from .rounded_memory import RoundedMemory
from .state_formats import Bound, PeakModel, choose_formats, peak_models
from .word_lengths import MAX_STATE_BITS, WORD_BITS

MAX_ROUNDOFF = 0.5
"""Largest RMS roundoff of a state [LSB of the word that readers see]."""


def scaled_format(fmt: QFormat, octaves: int) -> QFormat:
    """Return a format of the same width for signals larger by a factor of 2**octaves."""
    return QFormat(fmt.int_bits + octaves, fmt.frac_bits - octaves, fmt.signed)


@lru_cache(maxsize=256)
def bounds_of(memory: RoundedMemory, state_bits: int) -> dict[str, Bound]:
    """Return worst cases and formats of a memory's signals for |u| <= 1, by name."""
    return {b.signal: b for b in choose_formats(_peak_models(memory), state_bits)}


@lru_cache(maxsize=64)
def _peak_models(memory: RoundedMemory) -> tuple[PeakModel, ...]:
    return peak_models(memory, memory.signals)


@lru_cache(maxsize=256)
def min_state_bits(memory: RoundedMemory, lsbs: tuple[tuple[float, ...], ...]) -> int:
    """Return the smallest state width that keeps the roundoff below `MAX_ROUNDOFF`.

    Parameters
    ----------
    memory : RoundedMemory
    lsbs : tuple of tuple of float
        LSB of each word of each state vector as readers see it, relative to the input range; a
        single one for all words of a vector.
    """
    bounds = bounds_of(memory, MAX_STATE_BITS)
    noise = memory.noise({name: bound.fmt.lsb for name, bound in bounds.items()})
    recurrence = memory.recurrence
    worst = 0.0
    for covariance in (
        recurrence.rounding_covariance(noise),
        recurrence.stall_covariance(memory.stall_sigmas * noise),
    ):
        for rows, lsb in zip(memory.states.values(), lsbs, strict=True):
            spread = np.sqrt(np.sum((rows @ covariance) * rows, axis=1))
            worst = max(worst, float(np.max(spread / lsb)))
    spare = math.floor(math.log2(MAX_ROUNDOFF / worst)) if worst > 0.0 else MAX_STATE_BITS
    return min(MAX_STATE_BITS, max(WORD_BITS, MAX_STATE_BITS - spare))
