"""Integrate-and-fire neurons simulated one by one, in place of a program's accumulators."""

from __future__ import annotations

import numpy as np

from lmu_hw.program.integer_program import Program, Spiking
from tests.program.reference import Reference


class Staggered(Reference):
    """Runs a program with H neurons for either sign of each state, a potential for each pair.

    Neuron i fires when its potential passes full scale, the neuron of the other sign below zero.
    Potentials start staggered, so that neuron i fires first when its inputs add up to (i + 1/2) / H
    of full scale; or at random, given a generator.
    """

    def __init__(self, program: Program, rng: np.random.Generator | None = None) -> None:
        super().__init__(program)
        (self.op,) = (op for op in program.ops if isinstance(op, Spiking))
        self.rng = rng
        self.potentials: dict[int, list[int]] = {}
        self.fired: list[tuple[int, int, int]] = []
        """Membrane, sign (0 positive, 1 negative) and neuron of each spike of the last step."""

    def step(self, inputs: list[int], *, asked: bool = False) -> list[int] | None:
        self.fired = []
        return super().step(inputs, asked=asked)

    def _rest(self, s: int) -> list[int]:
        """Return the potentials at rest, in half LSBs of the state."""
        n = 2**self.op.population
        if self.rng is not None:
            return [int(x) for x in self.rng.integers(0, 2 ** (s + 1) * n, n)]
        return [(2 * (n - i) - 1) * 2**s for i in range(n)]

    def _spiking_channel(self, op: Spiking, c: int, u: int, silent: bool) -> None:
        if silent:
            d = len(op.quanta)
            self.potentials |= {c * d + k: self._rest(s) for k, s in enumerate(op.quanta)}
        super()._spiking_channel(op, c, u, silent)

    def _spikes(self, op: Spiking, membrane: int, s: int, z: int) -> int:
        full = 2 ** (s + op.population)  # of the state, and half of a firing neuron's potential
        potentials = self.potentials.setdefault(membrane, self._rest(s))
        total = 0
        for i in range(len(potentials)):
            potentials[i] += 2 * sorted((-full, z, full))[1]
            if potentials[i] >= 2 * full:
                potentials[i] -= 2 * full
                total += 1
                self.fired.append((membrane, 0, i))
            elif potentials[i] < 0:
                potentials[i] += 2 * full
                total -= 1
                self.fired.append((membrane, 1, i))
        # the program's accumulator is the mean potential, from the middle of full scale
        kept, rest = divmod(sum(potentials) - full * len(potentials), 2 * len(potentials))
        assert self.rng is not None or not rest
        self.words[op.membrane][membrane] = 0 if rest else kept
        return total
