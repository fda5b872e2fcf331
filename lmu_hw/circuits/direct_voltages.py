"""Direct voltages at the taps and states: what offsets and bias currents of amplifiers make.

An amplifier of a circuit has an input offset, a voltage in series with its + input, and a bias
current into each input; a transconductor has an offset between its inputs. Both are drawn for each
piece and magnitudes are bounded by the data sheet: the worst case adds the magnitudes of all
contributions, the RMS value takes them as independent and uniform between the bounds.

The gains at zero frequency come from the circuit as drawn, so that loops around several amplifiers
are taken as they are. Change of an offset with supply, common mode and age is not modelled; change
with temperature is `TYPICAL_DRIFT`, a figure to compare with the data sheet's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from .circuit import GROUND, Amplifier, Circuit, Transconductor
from .nodal import linear_circuit

TYPICAL_DRIFT = 5e-6
"""Change of an offset with temperature that is usual for CMOS and JFET inputs [V/K]."""
TEMPERATURE_SPAN = 25.0
"""Change of temperature after a trim that the report reckons with [K]."""
GOAL = 0.01
"""Direct voltage at a tap that the report aims at, as a share of full scale."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class DirectVoltages:
    """Direct voltages of a circuit without input.

    Attributes
    ----------
    taps, states : tuple of str
        Nodes; rows of the arrays are the taps, then the states.
    sources : tuple of str
        Names of the amplifiers and transconductors; columns of the arrays.
    offset_gains : float array, shape (n_taps + n_states, n_sources)
        Voltage at a node for an offset of 1 V [V/V].
    bias_gains : float array, shape (n_taps + n_states, n_sources)
        The same for a current of 1 A into both inputs [ohm]; 0 for transconductors.
    offset, bias : float
        Largest magnitudes of a source [V], [A].
    limit : float
        Largest voltage of the nodes, their full scale [V].
    """

    taps: tuple[str, ...]
    states: tuple[str, ...]
    sources: tuple[str, ...]
    offset_gains: Array
    bias_gains: Array
    offset: float
    bias: float
    limit: float

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes of the rows."""
        return self.taps + self.states

    @property
    def contributions(self) -> Array:
        """Largest magnitude that each source makes at each node [V], as the arrays of gains."""
        return np.asarray(
            np.abs(self.offset_gains) * self.offset + np.abs(self.bias_gains) * self.bias
        )

    @property
    def worst(self) -> Array:
        """Largest magnitude of each node's voltage [V], shape (n_taps + n_states,)."""
        return np.asarray(np.sum(self.contributions, axis=1))

    @property
    def rms(self) -> Array:
        """RMS voltage of each node over units [V], shape (n_taps + n_states,)."""
        squares = (self.offset_gains * self.offset) ** 2 + (self.bias_gains * self.bias) ** 2
        return np.asarray(np.sqrt(np.sum(squares, axis=1) / 3.0))

    def largest(self, node: str, n: int = 3) -> tuple[tuple[str, float], ...]:
        """Return the n sources that contribute most at a node, each with its magnitude [V]."""
        row = self.contributions[self.nodes.index(node)]
        order = np.argsort(-row, kind="stable")[:n]
        return tuple((self.sources[i], float(row[i])) for i in order)

    def drift(self, per_kelvin: float = TYPICAL_DRIFT, span: float = TEMPERATURE_SPAN) -> Array:
        """Return the largest change of each node's voltage with temperature [V].

        Parameters
        ----------
        per_kelvin : float
            Largest magnitude of the change of an offset [V/K].
        span : float
            Change of temperature [K].
        """
        return np.asarray(np.sum(np.abs(self.offset_gains), axis=1) * (per_kelvin * span))

    def allowed_offset(self, share: float = GOAL) -> float:
        """Return the largest offset for which every tap stays within a share of full scale [V].

        0 if bias currents alone take it up.
        """
        n = len(self.taps)
        left = share * self.limit - np.sum(np.abs(self.bias_gains[:n]), axis=1) * self.bias
        gain = np.sum(np.abs(self.offset_gains[:n]), axis=1)
        return max(0.0, float(np.min(left / gain))) if len(self.sources) else math.inf

    def advice(self) -> tuple[str, ...]:
        """Return what can be done about the voltages, a sentence each, with figures."""
        if not len(self.sources):
            return ("The circuit has no amplifiers: there are no offsets.",)
        n = len(self.taps)
        worst, rms = np.max(self.worst[:n]), np.max(self.rms[:n])
        drift, inside = np.max(self.drift()[:n]), np.max(self.worst[n:], initial=0.0)
        return (
            f"As drawn, with offsets up to {1e3 * self.offset:.3g} mV, direct voltages at the taps "
            f"reach {self._volts(worst)}, RMS over units {self._volts(rms)}.",
            f"Choose amplifiers: offsets up to {1e3 * self.allowed_offset():.3g} mV keep all taps "
            f"within {100 * GOAL:g} % of full scale.",
            "Trim each tap per unit, by a current into its summing node or a constant subtracted "
            f"after conversion: drift is left, at most {self._volts(drift)} over "
            f"{TEMPERATURE_SPAN:g} K at {1e6 * TYPICAL_DRIFT:g} uV/K. A trim at the taps gives "
            f"nothing back inside: states are off by up to {self._volts(inside)}.",
            "Couple the taps by capacitors where the signal has no direct component: a high-pass "
            "of corner f1 changes a tone of frequency f by a share of f1 / f, 1 % at 100 f1.",
        )

    def _volts(self, volts: float) -> str:
        return f"{1e3 * volts:.3g} mV ({100 * volts / self.limit:.2g} % of full scale)"


def direct_voltages(circuit: Circuit, limit: float) -> DirectVoltages:
    """Return the direct voltages that the amplifiers of a circuit make.

    Parameters
    ----------
    circuit : Circuit
    limit : float
        Largest voltage of its nodes, full scale [V].
    """
    model, sources, offsets, currents = linear_circuit(circuit), [], [], []
    for part in circuit.parts:
        if isinstance(part, Amplifier):
            plus, minus, _ = part.nodes
            sources.append(part.name)
            offsets.append(model.offset(part.name))
            currents.append(model.current(plus, GROUND) + model.current(minus, GROUND))
        elif isinstance(part, Transconductor):
            sources.append(part.name)
            offsets.append(part.value * model.current(GROUND, part.nodes[2]))
            currents.append(np.zeros(len(model.nodes)))
    columns = np.array([*offsets, *currents]).reshape(-1, len(model.nodes)).T
    nodes = circuit.taps + circuit.states
    gains = model.transfers(np.zeros(1), columns, nodes)[0].real
    return DirectVoltages(
        taps=circuit.taps,
        states=circuit.states,
        sources=tuple(sources),
        offset_gains=gains[:, : len(sources)],
        bias_gains=gains[:, len(sources) :],
        offset=circuit.amplifier.offset,
        bias=circuit.amplifier.bias,
        limit=limit,
    )
