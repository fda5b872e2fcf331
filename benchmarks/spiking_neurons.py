"""Neurons between the sections of a memory, in float64: what a spike stands for, and its error.

A memory of order d has a population of H neurons for either sign of each state, 2 d H in all. What
the sections read is not the state z but q, a whole number of quanta: full scale / H. The step is
``z' = z + A q + b u``, as in the operation ``spiking`` of a program; here any numbers of neurons
and any seeds run side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.memory.wave_digital import AdaptorChain, cascade, stein

Array = npt.NDArray[np.float64]
RMS = 0.3
"""RMS value of the input."""
SATURATION = 2.0
"""Full scales that a state is limited to: the program has one bit above full scale."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Memory:
    """A memory as a chain of sections, zoh.

    Attributes
    ----------
    theta : int
        Window [samples].
    chain : AdaptorChain
    X : float array, shape (d, d)
        From the states of the chain to orthonormal Legendre coordinates.
    peak : float array, shape (d,)
        Largest magnitude of each state for ``|u| <= 1``.
    """

    theta: int
    chain: AdaptorChain
    X: Array
    peak: Array

    @property
    def order(self) -> int:
        """Number of states d."""
        return self.chain.order

    @property
    def octaves(self) -> Array:
        """Full scale of each state as in a program: a power of two of the value of its words."""
        return np.asarray(
            2.0 ** np.ceil(np.log2(self.peak / self.chain.weight)) * self.chain.weight
        )


def make_memory(order: int, theta: int) -> Memory:
    """Return the zoh memory of a window [samples]."""
    system = discretize(state_space(order), theta, Discretizer.ZOH)
    found = cascade(system)
    z = found.chain.b.copy()
    peak = np.abs(z)
    for _ in range(8 * theta):
        z = z + found.chain.A @ z
        peak = peak + np.abs(z)
    return Memory(theta=theta, chain=found.chain, X=found.T / system.scale[:, None], peak=peak)


def noise(n: int, highest: float, rng: np.random.Generator) -> Array:
    """Return white noise of `RMS` up to a frequency [cycles/sample], limited to full scale."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    spectrum[np.fft.rfftfreq(n) > highest] = 0.0
    u = np.fft.irfft(spectrum, n)
    return np.asarray(np.clip(u * RMS / np.std(u), -1.0, 1.0))


Send = Callable[[Array, Array], tuple[Array, Array]]
"""From states, and what the neurons keep [quanta], to signed counts of spikes, and that anew."""


def poisson(largest: Array, rng: np.random.Generator) -> Send:
    """Return neurons that fire at random, independently, each with the part of full scale."""
    n = largest.astype(np.int64)

    def send(z: Array, kept: Array) -> tuple[Array, Array]:
        return np.sign(z) * rng.binomial(n, np.minimum(1.0, np.abs(z) / largest)), kept

    return send


def one_draw(largest: Array, rng: np.random.Generator) -> Send:
    """Return neurons that share a random number r a step: neuron j compares (r + j / H) mod 1."""

    def send(z: Array, kept: Array) -> tuple[Array, Array]:
        return np.sign(z) * np.floor(np.abs(z) + rng.uniform(size=z.shape)), kept

    return send


def integrate_fire(largest: Array, rng: np.random.Generator) -> Send:
    """Return H integrate-and-fire neurons of equally spaced phases: together one accumulator."""

    def send(z: Array, kept: Array) -> tuple[Array, Array]:
        v = kept + z
        count = np.floor(v + 0.5)
        return count, v - count

    return send


def send_on_delta(largest: Array, rng: np.random.Generator) -> Send:
    """Return neurons that tell changes: q moves when z is a quantum or more from it; q is kept."""

    def send(z: Array, kept: Array) -> tuple[Array, Array]:
        count = np.trunc(z - kept)
        return count, kept + count

    return send


def half_delta(largest: Array, rng: np.random.Generator) -> Send:
    """Return the same neurons with a threshold of half a quantum: q is the rounded z."""

    def send(z: Array, kept: Array) -> tuple[Array, Array]:
        count = np.floor(z - kept + 0.5)
        return count, kept + count

    return send


KEEPS_Q = ("send-on-delta", "send-on-half-delta")
"""Models whose neurons keep q itself."""
MODELS: dict[str, Callable[[Array, np.random.Generator], Send]] = {
    "Poisson": poisson,
    "one draw a population": one_draw,
    "send-on-delta": send_on_delta,
    "send-on-half-delta": half_delta,
    "integrate-and-fire": integrate_fire,
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Errors:
    """What a model does, for each size of its populations and each seed.

    Attributes
    ----------
    nrmse : float array, shape (n_sizes, n_seeds)
        RMS error over RMS value of the memory, all of its orthonormal coordinates together.
    events : float array, shape (n_sizes,)
        Spikes in a step.
    """

    nrmse: Array
    events: Array

    def slopes(self, m: Array) -> Array:
        """Return the slope of log error over log m of each seed."""
        return np.polyfit(np.log(m), np.log(self.nrmse), 1)[0]


def inputs(memory: Memory, windows: int, seeds: int) -> Array:
    """Return an input for each seed, shape (n_steps, n_seeds): d / 6 periods in the window."""
    n, highest = windows * memory.theta, memory.order / 6 / memory.theta
    rows = [noise(n, highest, np.random.default_rng(seed)) for seed in range(seeds)]
    return np.stack(rows, axis=1)


def exact_states(memory: Memory, u: Array) -> Iterator[Array]:
    """Yield the states of the float memory after each step, shape (n_seeds, d)."""
    z = np.zeros((u.shape[1], memory.order))
    for row in u:
        z = z + z @ memory.chain.A.T + memory.chain.b * row[:, None]
        yield z


def measure(name: str, memory: Memory, full: Array, sizes: Array, u: Array) -> Errors:
    """Run neurons of one model in populations of each size on each input.

    The first two windows are not counted.

    Parameters
    ----------
    name : str
        A model in `MODELS`.
    memory : Memory
    full : float array, shape (d,)
        State at which every neuron of its population fires.
    sizes : float array, shape (n_sizes,)
        Neurons H in a population.
    u : float array, shape (n_steps, n_seeds)
    """
    A, b = memory.chain.A.T, memory.chain.b
    shape = (len(sizes), u.shape[1], memory.order)
    largest = np.broadcast_to(sizes[:, None, None], shape)
    quantum = full / largest
    send = MODELS[name](largest, np.random.default_rng(1))
    z, kept = np.zeros(shape), np.zeros(shape)
    wrong, power, events = np.zeros(shape[:2]), np.zeros(shape[1]), np.zeros(shape[0])
    for t, exact in enumerate(exact_states(memory, u)):
        count, kept = send(np.clip(z, -full, full) / quantum, kept)
        q = (kept if name in KEEPS_Q else count) * quantum
        z = np.clip(z + q @ A + b * u[t][:, None], -SATURATION * full, SATURATION * full)
        if t >= 2 * memory.theta:
            wrong += np.square((z - exact) @ memory.X.T).sum(axis=2)
            power += np.square(exact @ memory.X.T).sum(axis=1)
            events += np.abs(count).sum(axis=2).mean(axis=1)
    return Errors(nrmse=np.sqrt(wrong / power), events=events / (len(u) - 2 * memory.theta))


def predict(name: str, memory: Memory, full: Array, sizes: Array, u: Array) -> Array:
    """Return the error that the noise gain of each source predicts, shape (n_sizes,).

    Each state sends its own noise. Poisson neurons send that of H trials, (full scale * |z| - z**2)
    / H, for the mean of the exact states and of the noise itself, as normal variables; a random
    rounding 1/6 of a squared quantum; the residue of integrate-and-fire is uniform, 1/12, and
    reaches the memory as its difference.
    """
    states = np.concatenate(list(exact_states(memory, u))[2 * memory.theta :])
    square, size = np.square(states).mean(axis=0), np.abs(states).mean(axis=0)
    power = np.square(states @ memory.X.T).sum(axis=1).mean()
    A, squarings = memory.chain.A, memory.chain.squarings
    found = []
    for H in sizes:
        P = np.zeros_like(A)
        if name == "integrate-and-fire":
            first = A * (full / H) ** 2 / 12 @ A.T
            P = first + stein(squarings, A @ first @ A.T, squarings)
        elif name == "one draw a population":
            P = stein(squarings, A * (full / H) ** 2 / 6 @ A.T, squarings)
        else:
            for _ in range(20):
                louder = 1.0 + np.diag(P) / square
                variance = (full * size * np.sqrt(louder) - square * louder) / H
                P = stein(squarings, A * np.maximum(0.0, variance) @ A.T, squarings)
        found.append(np.sqrt(np.trace(memory.X @ P @ memory.X.T) / power))
    return np.array(found)


PREDICTED = ("Poisson", "one draw a population", "integrate-and-fire")
"""Models that have a prediction."""
