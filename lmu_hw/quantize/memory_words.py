"""Formats of a network's memories: what their states reach, and how fine they must be."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..program.fixedpoint import QFormat
from .rounded_memory import RoundedMemory
from .state_formats import Bound, Reach, choose_formats, reaches_of
from .word_lengths import MAX_STATE_BITS, WORD_BITS

STALL_SIGMAS = 3.0
"""How unlucky the constant errors of a recursion at rest may be."""
ROUNDOFF = 0.5
"""RMS roundoff of a memory's words at which its state is wide enough [LSB of a word as read]."""


def louder(fmt: QFormat, octaves: int) -> QFormat:
    """Return a format of as many bits for signals 2**octaves as large."""
    return QFormat(fmt.int_bits + octaves, fmt.frac_bits - octaves, fmt.signed)


@lru_cache(maxsize=256)
def bounds_of(memory: RoundedMemory, state_bits: int) -> dict[str, Bound]:
    """Return what a memory's signals reach for |u| <= 1, and their formats."""
    return {b.signal: b for b in choose_formats(_reaches(memory), state_bits)}


@lru_cache(maxsize=64)
def _reaches(memory: RoundedMemory) -> tuple[Reach, ...]:
    return reaches_of(memory, memory.signals)


@lru_cache(maxsize=256)
def enough_bits(memory: RoundedMemory, lsbs: tuple[float, ...]) -> int:
    """Return the fewest state bits whose roundoff stays below part of each state's LSB as read."""
    bounds = bounds_of(memory, MAX_STATE_BITS)
    noise = memory.noise({name: bound.fmt.lsb for name, bound in bounds.items()})
    recurrence = memory.recurrence
    worst = 0.0
    for covariance in (
        recurrence.rounding_covariance(noise),
        recurrence.stall_covariance(STALL_SIGMAS * noise),
    ):
        for rows, lsb in zip(memory.states.values(), lsbs, strict=True):
            spread = np.sqrt(np.max(np.sum((rows @ covariance) * rows, axis=1)))
            worst = max(worst, float(spread) / lsb)
    spare = math.floor(math.log2(ROUNDOFF / worst)) if worst > 0.0 else MAX_STATE_BITS
    return min(MAX_STATE_BITS, max(WORD_BITS, MAX_STATE_BITS - spare))
