"""Ranges of the sums of spiking neurons in C, for `c_sums`."""

from __future__ import annotations

from collections.abc import Mapping

from ..program.fixedpoint import QFormat
from .interval import Data, Range
from .spiking_claims import places_of


def spike_variables(op: Data) -> dict[str, str]:
    """Return the variable of each C function that holds a sum, besides those of the adaptors.

    ``v`` is what a membrane holds before its neurons fire, half a quantum more; ``q`` is what the
    spikes of Poisson neurons stand for, without the sign.
    """
    return {"fire": "v" if op["membrane"] else "q", "sections": "spikes"}


def spike_sums(op: Data, formats: Mapping[str, QFormat]) -> dict[str, Range]:
    """Return the range of each sum by its variable, for any words of the formats."""
    low = high = most = 0
    for (state, *_), quantum in zip(places_of(op), op["quanta"], strict=True):
        full = 1 << quantum + op["population"]
        if not op["membrane"]:
            high, most = max(high, full), most + (full >> quantum)
            continue
        rest, fmt, half = formats[op["membrane"]], formats[state], 1 << quantum >> 1
        ends = rest.min + max(-full, fmt.min) + half, rest.max + min(full, fmt.max) + half
        low, high = min(low, ends[0]), max(high, ends[1])
        most += max(abs(end >> quantum) for end in ends)
    return {"v" if op["membrane"] else "q": (low, high), "spikes": (0, most)}
