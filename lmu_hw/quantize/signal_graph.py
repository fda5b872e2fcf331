"""A network as real-valued operations, one for one with those of the program to come.

The readout of every memory is folded into what reads it: nodes read the states of the chains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .._support.array_types import Array
from ..models.forward import activate
from ..models.network import Activation
from ..program.integer_program import Role, Term
from .rounded_memory import RoundedMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A vector of real numbers.

    Attributes
    ----------
    name : str
    length : int
    role : Role
    about : str
        What it means.
    layer : str
        Name of the network's layer that makes it; empty for the input.
    place : int
        Which layer that is, from 1; the last one for what leaves the network, 0 for what enters.
    weighted : bool
        Weights multiply it, so that its width costs multiplier bits.
    activation : Activation
        What bounds it.
    """

    name: str
    length: int
    role: Role
    about: str
    layer: str = ""
    place: int = 0
    weighted: bool = False
    activation: Activation = Activation.LINEAR


@dataclass(frozen=True, eq=False, kw_only=True)
class Affine:
    """``target = f(sum of matrix @ source + bias)``, the same for each channel."""

    sources: tuple[str, ...]
    matrices: tuple[Array, ...]
    bias: Array
    target: str
    activation: Activation = Activation.LINEAR
    n_channels: int = 1

    @property
    def reads(self) -> tuple[str, ...]:
        """Signals read."""
        return self.sources

    @property
    def writes(self) -> tuple[str, ...]:
        """Signals written."""
        return (self.target,)


@dataclass(frozen=True, eq=False, kw_only=True)
class Update:
    """A memory takes its input; ``states`` are the chain's, as words will hold them."""

    source: str
    states: tuple[str, ...]
    silence: str
    memory: RoundedMemory
    window: int

    @property
    def reads(self) -> tuple[str, ...]:
        """Signals read, but for the memory's own."""
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        """Signals written."""
        return self.states


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate:
    """``target = f(sum of the terms)``, word by word."""

    terms: tuple[Term, ...]
    target: str
    activation: Activation = Activation.LINEAR

    @property
    def reads(self) -> tuple[str, ...]:
        """Signals read."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term.names))

    @property
    def writes(self) -> tuple[str, ...]:
        """Signals written."""
        return (self.target,)


@dataclass(frozen=True, eq=False, kw_only=True)
class Best:
    """The index of the largest."""

    source: str
    target: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Signals read."""
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        """Signals written."""
        return (self.target,)


Node = Affine | Update | Gate | Best


@dataclass(frozen=True, eq=False, kw_only=True)
class SignalGraph:
    """A network as nodes in their order within a step.

    Attributes
    ----------
    signals : dict of str to Signal
        In the order of the program's vectors.
    nodes : tuple of Node
    """

    signals: Mapping[str, Signal]
    nodes: tuple[Node, ...]

    def multiplies(self, node: Node) -> int:
        """Return the multiplications of one run of ``node``, all channels together."""
        if isinstance(node, Affine):
            return node.n_channels * sum(matrix.size for matrix in node.matrices)
        if isinstance(node, Update):
            return sum(self.signals[name].length for name in node.states)
        if isinstance(node, Gate):
            return sum(bool(term.b) for term in node.terms) * self.signals[node.target].length
        return 0

    def names(self, role: Role) -> tuple[str, ...]:
        """Return the signals of one role, in order."""
        return tuple(s.name for s in self.signals.values() if s.role is role)


def run(
    graph: SignalGraph,
    x: Array,
    watch: Callable[[int, Mapping[str, Array]], object],
    look: Callable[[int, Affine, Array], object] = lambda t, node, columns: None,
) -> None:
    """Run a graph from its zero state, in float64.

    Parameters
    ----------
    graph : SignalGraph
    x : float array, shape (n_sequences, n_steps, n_in)
    watch : callable
        Called after each step with its number and all signals, shape (n_sequences, length).
    look : callable
        Called with the step, an affine node and what its rows read there,
        shape (n_sequences * n_channels, n_columns).
    """
    n = len(x)
    signals = {name: np.zeros((n, s.length)) for name, s in graph.signals.items()}
    # the chains run in orthonormal coordinates, channel by channel
    chains = {
        node.states: np.zeros((n, graph.signals[node.source].length, len(node.memory.recurrence.b)))
        for node in graph.nodes
        if isinstance(node, Update)
    }
    (source,) = graph.names(Role.INPUT)
    for t in range(x.shape[1]):
        signals[source] = x[:, t]
        for node in graph.nodes:
            if isinstance(node, Update):
                z, step = chains[node.states], node.memory.recurrence
                moved = _rows_times(z, step.A.T).reshape(z.shape)
                z = z + moved + signals[node.source][:, :, None] * step.b
                chains[node.states] = z
                for name, rows in zip(node.states, node.memory.states.values(), strict=True):
                    signals[name] = _rows_times(z, rows.T).reshape(n, -1)
            elif isinstance(node, Best):
                signals[node.target] = np.argmax(signals[node.source], axis=1)[:, None].astype(
                    float
                )
            elif isinstance(node, Affine):
                columns = np.concatenate(
                    [signals[s].reshape(n * node.n_channels, -1) for s in node.sources], axis=1
                )
                look(t, node, columns)
                before = columns @ np.hstack(node.matrices).T + node.bias
                signals[node.target] = activate(node.activation, before.reshape(n, -1))
            else:
                signals[node.target] = activate(node.activation, _gate(node, signals))
        watch(t, signals)


def _rows_times(z: Array, matrix: Array) -> Array:
    """Return the product of all channels of all sequences at once; NumPy makes one of each."""
    return z.reshape(-1, z.shape[2]) @ matrix


def _gate(node: Gate, signals: Mapping[str, Array]) -> Array:
    total = np.zeros(())
    for term in node.terms:
        product = signals[term.a] * (signals[term.b] if term.b else 1.0)
        total = total - product if term.minus else total + product
    return np.asarray(total)
