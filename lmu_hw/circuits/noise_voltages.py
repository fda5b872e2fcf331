"""Noise at the taps: density, RMS value in a band, and which parts make it.

Sources, all independent:

- a resistor: its thermal current, ``4 k T / R``;
- an amplifier: its voltage noise at the + input, white, from the data sheet. Its current noise and
  the rise of the density at low frequencies (1/f) are left out;
- a transconductor: a current ``4 k T gm NOISE_FACTOR`` at its output, as of a resistor of its
  transconductance. Real ones have a factor of 2/3 to 5 or more by technology and linearization.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from .circuit import GROUND, Amplifier, Circuit, Resistor, Transconductor
from .nodal import linear_circuit

BOLTZMANN = 1.380649e-23
"""[J/K]."""
TEMPERATURE = 300.15
"""Of all parts [K]: 27 degrees C, which ngspice takes too."""
NOISE_FACTOR = 1.0
"""Noise of a transconductor over that of a resistor of 1 / gm."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class NoiseVoltages:
    """Noise of a circuit at its taps.

    Attributes
    ----------
    frequencies : float array, shape (n_f,)
        Ascending, > 0 [Hz].
    taps : tuple of str
    parts : tuple of str
        Names of the parts with noise.
    density : float array, shape (n_f, n_taps)
        Noise density of all parts [V/sqrt(Hz)].
    squares : float array, shape (n_taps, n_parts)
        Mean square of what a part makes at a tap, from 0 to the last frequency [V**2].
    """

    frequencies: Array
    taps: tuple[str, ...]
    parts: tuple[str, ...]
    density: Array
    squares: Array

    @property
    def rms(self) -> Array:
        """RMS voltage of each tap from 0 to the last frequency [V], shape (n_taps,)."""
        return np.asarray(np.sqrt(np.sum(self.squares, axis=1)))

    def rms_of(self, letter: str) -> Array:
        """Return the RMS voltage that parts of a kind make: R, U or G, as in their names."""
        kind = [name.startswith(letter) for name in self.parts]
        return np.asarray(np.sqrt(np.sum(self.squares[:, kind], axis=1)))

    def below(self, full_scale: float) -> Array:
        """Return the distance of each tap's noise from a sine at full scale [dB].

        Parameters
        ----------
        full_scale : float
            Amplitude of the sine at the taps [V].
        """
        sine = full_scale / math.sqrt(2.0)
        with np.errstate(divide="ignore"):
            return np.asarray(20.0 * np.log10(sine / self.rms))

    def largest(self, tap: str, n: int = 3) -> tuple[tuple[str, float], ...]:
        """Return the n parts with the most noise at a tap, each with its RMS value [V]."""
        row = self.squares[self.taps.index(tap)]
        order = np.argsort(-row, kind="stable")[:n]
        return tuple((self.parts[i], math.sqrt(row[i])) for i in order)


def noise_voltages(circuit: Circuit, frequencies: Array) -> NoiseVoltages:
    """Return the noise at the taps.

    Parameters
    ----------
    circuit : Circuit
    frequencies : float array, shape (n_f,)
        Where the density is wanted, ascending, > 0 [Hz]. The integral is by the trapezoidal rule;
        below the first the density counts as constant.
    """
    f = np.asarray(frequencies, dtype=np.float64)
    model, thermal = linear_circuit(circuit), 4.0 * BOLTZMANN * TEMPERATURE
    names, columns = [], []
    for part in circuit.parts:
        if isinstance(part, Resistor):
            column = math.sqrt(thermal / part.value) * model.current(*part.nodes)
        elif isinstance(part, Transconductor):
            current = math.sqrt(thermal * NOISE_FACTOR * part.value)
            column = current * model.current(GROUND, part.nodes[2])
        elif isinstance(part, Amplifier):
            column = circuit.amplifier.noise * model.offset(part.name)
        else:
            continue
        names.append(part.name)
        columns.append(column)
    gains = model.transfers(f, np.array(columns).reshape(-1, len(model.nodes)).T, circuit.taps)
    powers = np.abs(gains) ** 2
    means = 0.5 * (powers[1:] + powers[:-1])
    squares = f[0] * powers[0] + np.tensordot(np.diff(f), means, axes=1)
    return NoiseVoltages(
        frequencies=f,
        taps=circuit.taps,
        parts=tuple(names),
        density=np.sqrt(np.sum(powers, axis=2)),
        squares=squares,
    )
