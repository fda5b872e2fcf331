"""A circuit and what its states stand for."""

from __future__ import annotations

from dataclasses import dataclass

from .._support.array_types import Array
from .circuit import Circuit


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ScaledCircuit:
    """A circuit of a structure.

    Attributes
    ----------
    circuit : Circuit
    volts : float array, shape (d,)
        Voltage of the node of every state per unit of the state, with u in volts; negative where
        the node has the opposite sign.
    """

    circuit: Circuit
    volts: Array
