"""How the layers behind a memory of `--parallel ring` or `--parallel full` work."""

from __future__ import annotations

from enum import Enum


class Layers(Enum):
    """How the layers of a network share multipliers."""

    LANES = "lanes"
    """A few lanes, row after row."""
    PIPELINED = "pipelined"
    """All words of a step at once; multipliers that rows share, within the memory's interval."""
    ADDERS = "adders"
    """All words of a step at once; weights are graphs of adders."""
