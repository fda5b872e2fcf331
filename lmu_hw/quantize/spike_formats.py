"""Full scales and word formats of a memory on spiking neurons.

The fraction of every word is that of a cascade with the same ``bits``; the integer bits hold what
the spikes add. Full scales are powers of two that no state exceeds without them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from ..memory.neurons import NeuronModel
from ..program.fixedpoint import QFormat
from .neuron_noise import NeuronNoise
from .rounded_memory import MemorySignal, RoundedMemory
from .state_formats import Bound, peak_models

MIN_QUANTUM_BITS = 2
"""Fewest bits of a state below one spike."""
MAX_GROWTH = 4
"""Octaves of full scale that worst cases of spikes may cost before they are given up."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SpikeFormats:
    """Full scales and formats for one size of the populations.

    Attributes
    ----------
    octaves : int array, shape (d,)
        Log2 of the full scale of each state, in the order of the sections.
    quanta : tuple of int
        Log2 of the LSBs of each state that a spike stands for.
    bounds : dict of str to Bound
        Worst case and format of each recurrent signal.
    bounded : bool
        Whether states stay within their full scales for all inputs.
    """

    octaves: Array
    quanta: tuple[int, ...]
    bounds: dict[str, Bound]
    bounded: bool

    @property
    def full_scale(self) -> Array:
        """Full scale of each state in real units, shape (d,)."""
        return np.asarray(np.ldexp(1.0, self.octaves))


class FormatChoice:
    """Chooses formats for any size of the populations.

    Parameters
    ----------
    memory : RoundedMemory
        A cascade.
    bounds : sequence of Bound
        Formats of the cascade without neurons.
    noise : NeuronNoise
        Of the same memory.
    model : NeuronModel
    window : int
        Zero inputs until a zero-input run.
    """

    def __init__(
        self,
        memory: RoundedMemory,
        bounds: Sequence[Bound],
        noise: NeuronNoise,
        model: NeuronModel,
        window: int,
    ) -> None:
        self.memory, self.noise, self.model, self.window = memory, noise, model, window
        self._lsb = {bound.signal: bound.fmt.lsb for bound in bounds}
        self._peaks = self._cascade_peaks()

    def _cascade_peaks(self) -> tuple[tuple[MemorySignal, Array], ...]:
        """Return the recurrent signals and the peaks of each without spikes."""
        signals = self.memory.signals
        models = peak_models(self.memory, signals)
        return tuple((s, model.peaks(self._lsb)) for s, model in zip(signals, models, strict=True))

    def formats(self, population: int) -> SpikeFormats:
        """Return full scales and formats for 2**population neurons of each sign of a state."""
        own = np.empty(len(self.noise.weight))
        for signal, peaks in self._peaks:
            if not signal.direct.any():
                own[np.argmax(np.abs(signal.rows), axis=1)] = peaks
        octaves, bounded = np.ceil(np.log2(own)).astype(int), False
        if self.model is NeuronModel.INTEGRATE_FIRE:
            octaves, bounded = self._bounded_octaves(octaves, own, population)
        frac = {name: -round(math.log2(lsb)) for name, lsb in self._lsb.items()}
        of_states = np.array([frac[name] for name in self.noise.owner])
        quanta = octaves + of_states - population
        finer = max(0, MIN_QUANTUM_BITS - int(np.min(quanta)))
        frac = {name: f + finer for name, f in frac.items()}
        return SpikeFormats(
            octaves=octaves,
            quanta=tuple(int(s) for s in quanta + finer),
            bounds=(
                self._bounded_formats(octaves, population, frac)
                if bounded
                else self._saturating_formats(octaves, frac)
            ),
            bounded=bounded,
        )

    def _bounded_octaves(self, octaves: Array, own: Array, population: int) -> tuple[Array, bool]:
        """Return full scales that hold the worst case of every state, if there are any."""
        rows = np.diag(1.0 / self.noise.weight)
        gains = 0.5 * self.noise.residue_gains(rows, self.window)
        found = octaves
        while np.all(found - octaves <= MAX_GROWTH):
            peaks = own + gains @ np.ldexp(1.0, found - population)
            if not np.all(np.isfinite(peaks)):
                break
            grown = np.maximum(found, np.ceil(np.log2(peaks)).astype(int))
            if np.array_equal(grown, found):
                return found, True
            found = grown
        return octaves, False

    def _gains(self, signal: MemorySignal) -> Array:
        """Return bounds on a signal from residues of half a quantum, per quantum, shape (n, d)."""
        gains = 0.5 * self.noise.residue_gains(signal.rows, self.window)
        if not signal.direct.any():
            return gains
        # what a state sends in this step is off by the difference of two residues
        return np.asarray(gains + np.abs(signal.rows) * self.noise.weight)

    def _bounded_formats(
        self, octaves: Array, population: int, frac: Mapping[str, int]
    ) -> dict[str, Bound]:
        """Return worst cases and formats where states stay within their full scales."""
        quanta, owner = np.ldexp(1.0, octaves - population), np.array(self.noise.owner)
        peaks: dict[str, float] = {}
        for signal, own in self._peaks:
            peak = float(np.max(own + self._gains(signal) @ quanta))
            peaks[signal.fmt_name] = max(peaks.get(signal.fmt_name, 0.0), peak)
        bounds = {}
        for name, peak in peaks.items():
            # a sign, and one bit above full scale for what is sent
            int_bits = max([math.frexp(peak)[1] + 1, *(octaves[owner == name] + 2)])
            fmt = QFormat(int(int_bits), frac[name])
            bounds[name] = Bound(signal=name, peak=peak, fmt=fmt)
        return bounds

    def _saturating_formats(self, octaves: Array, frac: Mapping[str, int]) -> dict[str, Bound]:
        """Return formats in which states saturate at full scale, and words of the chain do not.

        The sections preserve the energy of what they read.
        """
        owner = np.array(self.noise.owner)
        highest = {name: int(np.max(octaves[owner == name])) for name in self.memory.states}
        ends = np.ldexp(self.noise.weight, [highest[name] for name in owner])
        peak = math.sqrt(1.0 + float(np.sum(ends**2)))
        # roundings within a step are far below 1 %
        chain = QFormat(math.frexp(1.01 * peak)[1] + 1, frac["chain"])
        bounds = {
            name: Bound(signal=name, peak=2.0**top, fmt=QFormat(top + 1, frac[name]))
            for name, top in highest.items()
        }
        return bounds | {"chain": Bound(signal="chain", peak=peak, fmt=chain)}
