"""The memory update on spiking neurons; `lmu_hw.program.integer_program` specifies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import FormatError
from .fixedpoint import QFormat
from .memory_updates import Cascade
from .word_vectors import Lookup, Vector, check_bits, check_length, check_shifts

DRAW_BITS = 16
"""Width of a random number that is compared with a threshold."""
GENERATOR_FMT = QFormat(32, 0, signed=False)
"""Format of a random number generator's state."""
MAX_POPULATION = 16
"""Largest log2 of the neurons in a population: a threshold has `DRAW_BITS` bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spiking:
    """A cascade whose sections read counts of spikes instead of its states.

    Parameters
    ----------
    cascade : Cascade
        The memory update; its state vectors are those of this operation.
    population : int
        Log2 of H, the neurons for one sign of one state.
    quanta : tuple of int
        Log2 of the LSBs of its vector that one spike stands for, for each state of a channel: in
        the order of the sections, outer before inner.
    membrane : str
        State vector of the accumulated residues (integrate-and-fire); empty for Poisson neurons.
    generators : str
        State vector of the random number generators (Poisson neurons); empty for
        integrate-and-fire.
    seeds : tuple of int
        One nonzero seed of 32 bits for each generator; their number is a power of two up to H.
    spikes : str
        Vector that receives the number of spikes of each channel.
    """

    kind: ClassVar[str] = "spiking"
    cascade: Cascade
    population: int
    quanta: tuple[int, ...]
    membrane: str = ""
    generators: str = ""
    seeds: tuple[int, ...] = ()
    spikes: str

    @property
    def source(self) -> str:
        """The input vector."""
        return self.cascade.source

    @property
    def silence(self) -> str:
        """The vector of the zero-run counters."""
        return self.cascade.silence

    @property
    def window(self) -> int:
        """Zero inputs until a zero-input run rounds toward zero."""
        return self.cascade.window

    @property
    def states(self) -> tuple[str, ...]:
        """The state vectors of the memory and its neurons, without the counter."""
        return (*self.cascade.states, self.membrane or self.generators)

    @property
    def reads(self) -> tuple[str, ...]:
        """Vectors read, the operation's own state included."""
        return (self.source, self.silence, *self.states)

    @property
    def writes(self) -> tuple[str, ...]:
        """Vectors written."""
        return (self.silence, *self.states, self.spikes)

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Vector and index in a channel of each state, in the order of the quanta."""
        found, pair = [], 0
        for k, section in enumerate(self.cascade.sections):
            if len(section) == 2:
                found.append((self.cascade.z_outer, pair))
                pair += 1
            found.append((self.cascade.z_inner, k))
        return tuple(found)

    def channels(self, vector: Lookup) -> int:
        """Return how many times the operation is applied in a step."""
        return self.cascade.channels(vector)

    def multiplies(self, vector: Lookup) -> int:
        """Return the multiplications in a step; neurons take none."""
        return self.cascade.multiplies(vector)

    def neurons(self, vector: Lookup) -> int:
        """Return the number of neurons: H for either sign of each state of each channel."""
        return 2 * len(self.quanta) * self.channels(vector) << self.population

    def draws(self, vector: Lookup) -> int:
        """Return the random numbers drawn in a step, outside zero-input runs."""
        return self.neurons(vector) // 2 if self.generators else 0

    def most_spikes(self, vector: Lookup) -> int:
        """Return an upper bound on the spikes of a channel in a step, for any membrane words."""
        extra = vector(self.membrane).fmt.max + 1 if self.membrane else 0
        return sum((1 << self.population) + (extra >> s) + 1 for s in self.quanta)

    def check(self, vector: Lookup) -> None:
        """Raise `FormatError` unless shapes agree and intermediates fit."""
        self.cascade.check(vector)
        channels, d = self.channels(vector), len(self.places)
        if len(self.quanta) != d:
            raise FormatError(f"spiking has {len(self.quanta)} quanta but should have {d}")
        if not 0 <= self.population <= MAX_POPULATION:
            raise FormatError(
                f"spiking must have population from 0 to {MAX_POPULATION}, not {self.population}"
            )
        check_shifts("spiking", self.quanta)
        for (name, _), s in zip(self.places, self.quanta, strict=True):
            if not vector(name).fmt.signed:
                raise FormatError(f"{name} must have a signed format, not {vector(name).fmt}")
            # the membrane, one clipped state, half a quantum
            check_bits("spiking", max(vector(name).fmt.width, s + self.population) + 3)
        if bool(self.membrane) == bool(self.generators):
            raise FormatError("spiking must have either a membrane or generators")
        if self.membrane:
            self._check_membrane(vector(self.membrane), channels * d)
        self._check_seeds()
        if self.generators:
            check_length(vector(self.generators), len(self.seeds))
            if vector(self.generators).fmt != GENERATOR_FMT:
                raise FormatError(
                    f"{self.generators} must have format {GENERATOR_FMT}, "
                    f"not {vector(self.generators).fmt}"
                )
        spikes = vector(self.spikes)
        check_length(spikes, channels)
        most = self.most_spikes(vector)
        if spikes.fmt.signed or spikes.fmt.frac_bits or spikes.fmt.max < most:
            raise FormatError(
                f"{self.spikes} must be an unsigned integer format that holds {most}, "
                f"not {spikes.fmt}"
            )

    def _check_membrane(self, membrane: Vector, length: int) -> None:
        """Raise `FormatError` unless the residues of every quantum are words of the format."""
        check_length(membrane, length)
        fmt, bits = membrane.fmt, max(1, *self.quanta)
        if not fmt.signed or fmt.frac_bits or fmt.width != bits:
            raise FormatError(
                f"{membrane.name} must be a signed integer format of {bits} bits, the largest of "
                f"quanta, not {fmt}"
            )

    def _check_seeds(self) -> None:
        """Raise `FormatError` unless there is a seed for each of the generators."""
        n = len(self.seeds)
        if not self.generators:
            if n:
                raise FormatError("spiking must have seeds for generators only")
            return
        if n < 1 or n & (n - 1) or n > 1 << self.population:
            raise FormatError(
                f"spiking must have a power of two of seeds, at most {1 << self.population}, "
                f"the population, not {n}"
            )
        if min(self.seeds) < 1 or max(self.seeds) > GENERATOR_FMT.max:
            raise FormatError("seeds must be from 1 to 2**32 - 1")
