"""How the multiplications of a step share multipliers."""

from __future__ import annotations

from enum import Enum


class Parallel(Enum):
    """Number of multipliers that a step has."""

    SHARED = "shared"
    """One multiplier for each chain, and one for each lane."""
    RING = "ring"
    """One multiplier for a few neighbouring sections of a cascade."""
    FULL = "full"
    """A multiplier for each coefficient of a cascade."""
