"""The signal graph of a network: real-valued nodes that map one to one to program operations.

Memory readouts are folded into their readers, which read the states of the chains; of a ladder the
Legendre coefficients are the scaled states.
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
        Meaning of its elements.
    layer : str
        Name of the layer that computes it; empty for the input and the outputs.
    place : int
        Number of that layer, from 1; the last layer for outputs, 0 for the input.
    weighted : bool
        Whether weights multiply it, so that its width affects the multipliers.
    activation : Activation
        Activation that bounds it.
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
    """``target = f(sum of matrix @ source + bias)``, with the same weights for each channel."""

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
class MemoryUpdate:
    """Update of a memory; ``states`` are the state signals of its chain."""

    source: str
    states: tuple[str, ...]
    silence: str
    memory: RoundedMemory
    window: int

    @property
    def reads(self) -> tuple[str, ...]:
        """Signals read, except for the memory's own states."""
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        """Signals written."""
        return self.states


@dataclass(frozen=True, eq=False, kw_only=True)
class Gate:
    """``target = f(sum of the terms)``, elementwise."""

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
class ScaleNode:
    """``target = scale * source``, elementwise, with the same scale for each channel."""

    source: str
    target: str
    scale: Array
    n_channels: int

    @property
    def reads(self) -> tuple[str, ...]:
        """Signals read."""
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        """Signals written."""
        return (self.target,)


@dataclass(frozen=True, eq=False, kw_only=True)
class ArgmaxNode:
    """The index of the largest element."""

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


Node = Affine | MemoryUpdate | ScaleNode | Gate | ArgmaxNode


@dataclass(frozen=True, eq=False, kw_only=True)
class SignalGraph:
    """Signals and nodes of a network.

    Attributes
    ----------
    signals : dict of str to Signal
        Signals in the order of the program's vectors.
    nodes : tuple of Node
        Nodes in the order of execution within a step.
    """

    signals: Mapping[str, Signal]
    nodes: tuple[Node, ...]

    def multiplies(self, node: Node) -> int:
        """Return the multiplications of one run of ``node``, all channels together."""
        if isinstance(node, Affine):
            return node.n_channels * sum(matrix.size for matrix in node.matrices)
        if isinstance(node, MemoryUpdate):
            return node.memory.multiplies * self.signals[node.source].length
        if isinstance(node, ScaleNode):
            return node.n_channels * int(np.count_nonzero(np.frexp(node.scale)[0] != 0.5))
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
    watch_affine: Callable[[int, Affine, Array], object] = lambda t, node, columns: None,
) -> None:
    """Run a graph in float64 from the zero state.

    Parameters
    ----------
    graph : SignalGraph
    x : float array, shape (n_sequences, n_steps, n_in)
    watch : callable
        Called after each step with its index and all signals, shape (n_sequences, length).
    watch_affine : callable
        Called at each affine node with the step index, the node and its input columns, shape
        (n_sequences * n_channels, n_columns).
    """
    n = len(x)
    signals = {name: np.zeros((n, s.length)) for name, s in graph.signals.items()}
    # the chains run in orthonormal coordinates, channel by channel
    chains = {
        node.states: np.zeros((n, graph.signals[node.source].length, len(node.memory.recurrence.b)))
        for node in graph.nodes
        if isinstance(node, MemoryUpdate)
    }
    (source,) = graph.names(Role.INPUT)
    for t in range(x.shape[1]):
        signals[source] = x[:, t]
        for node in graph.nodes:
            if isinstance(node, MemoryUpdate):
                z, step = chains[node.states], node.memory.recurrence
                moved = _rows_times(z, step.A.T).reshape(z.shape)
                z = z + moved + signals[node.source][:, :, None] * step.b
                chains[node.states] = z
                for name, rows in zip(node.states, node.memory.states.values(), strict=True):
                    signals[name] = _rows_times(z, rows.T).reshape(n, -1)
            elif isinstance(node, ScaleNode):
                signals[node.target] = signals[node.source] * np.tile(node.scale, node.n_channels)
            elif isinstance(node, ArgmaxNode):
                signals[node.target] = np.argmax(signals[node.source], axis=1)[:, None].astype(
                    float
                )
            elif isinstance(node, Affine):
                columns = np.concatenate(
                    [signals[s].reshape(n * node.n_channels, -1) for s in node.sources], axis=1
                )
                watch_affine(t, node, columns)
                before = columns @ np.hstack(node.matrices).T + node.bias
                signals[node.target] = activate(node.activation, before.reshape(n, -1))
            else:
                signals[node.target] = activate(node.activation, _gate(node, signals))
        watch(t, signals)


def _rows_times(z: Array, matrix: Array) -> Array:
    """Return the product for all channels and sequences at once; NumPy would loop over them."""
    return z.reshape(-1, z.shape[2]) @ matrix


def _gate(node: Gate, signals: Mapping[str, Array]) -> Array:
    total = np.zeros(())
    for term in node.terms:
        product = signals[term.a] * (signals[term.b] if term.b else 1.0)
        total = total - product if term.minus else total + product
    return np.asarray(total)
