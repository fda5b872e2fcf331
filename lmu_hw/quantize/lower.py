"""Lower a network to a graph of real-valued operations, folding memory readouts into their readers.

Layer k of the network becomes the signals ``l<k>_u`` (input of its memory), ``l<k>_z_outer`` and
``l<k>_z_inner`` (states of the memory's chain), ``l<k>_h`` (output) and the gates of its cell. A
bilinear memory whose coefficients are the network's output is a ladder, with the state ``l<k>_w``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from .._support.array_types import Array
from ..errors import SpecError
from ..memory.ladder import wave_scale
from ..memory.legendre import StateSpace
from ..memory.spec import Discretizer
from ..memory.wave_digital import AdaptorChain, build_chain, poles, sections_of
from ..models.network import (
    Activation,
    Cell,
    DenseLayer,
    FloatNetwork,
    GRULayer,
    Layer,
    LinearMemory,
    LMULayer,
    LSTMLayer,
    SimpleRNNLayer,
    n_out,
)
from ..program.integer_program import Role, Term
from .layer_parts import LegendrePart, Parts, SignalPart
from .rounded_ladder import round_ladder
from .rounded_memory import RoundedMemory, round_cascade, silence_window
from .signal_graph import (
    Affine,
    ArgmaxNode,
    Gate,
    MemoryUpdate,
    Node,
    ScaleNode,
    Signal,
    SignalGraph,
)

MAX_HORIZON = 22
"""Base-2 logarithm of the steps within which a memory must decay: that of the longest theta."""
LADDER_BITS = 18
"""Least coefficient width of a ladder, whose readout is not fitted to the rounded coefficients."""
OUTLINE_BITS = 16
"""Coefficient width for `outline`, where only shapes matter."""
STATES = {
    "z_outer": "outer adaptors' states of the memory, highest frequency first",
    "z_inner": "inner and real adaptors' states of the memory, highest frequency first",
    "w": "waves of the memory's ladder, section after section",
}


def lower(network: FloatNetwork, coef_bits: int) -> SignalGraph:
    """Return the signal graph of a network, with rounded memory coefficients.

    Raises
    ------
    SpecError
        If a softmax is not the output of the network, or a trained memory decays too slowly.
    UnstableError
        If a memory is not stable.
    """
    for name, layer in zip(network.names, network.layers, strict=True):
        _check_softmax(name, layer)
    return _Lowering(network, coef_bits).graph()


def is_ladder(network: FloatNetwork, layer: LMULayer) -> bool:
    """Return whether the memory of a layer is made as a ladder: where m itself is an output.

    All other readers multiply m by weights, which take the readout of a cascade for nothing.
    """
    bilinear = layer.memory.trained is None and layer.memory.discretizer is Discretizer.BILINEAR
    return bilinear and layer.cell is None and layer is network.layers[-1]


def readouts(network: FloatNetwork, layer: LMULayer, coef_bits: int) -> dict[str, Array]:
    """Return the readout matrices of a layer's memory with rounded coefficients.

    Returns
    -------
    dict of str to float array, shape (order, n_states)
        T for each state vector z; the Legendre coefficients of a channel are the sum of all
        ``T z``.
    """
    return _readouts(_rounded(layer.memory, coef_bits, ladder=is_ladder(network, layer)))


def outline(network: FloatNetwork) -> SignalGraph:
    """Return a graph with the shapes that `lower` gives, quickly, with placeholder memories."""

    def placeholder(memory: LinearMemory) -> LinearMemory:
        # known poles near 0 make every computation short
        poles = np.linspace(-1.0, -0.9, memory.order)
        ones = np.ones(memory.order)
        system = StateSpace(A=np.diag(poles), B=ones, scale=ones.copy(), poles=poles)
        return replace(memory, trained=system)

    layers = (
        replace(layer, memory=placeholder(layer.memory))
        if isinstance(layer, LMULayer) and not is_ladder(network, layer)
        else layer
        for layer in network.layers
    )
    return _Lowering(replace(network, layers=tuple(layers)), OUTLINE_BITS).graph()


class _Lowering:
    def __init__(self, network: FloatNetwork, coef_bits: int) -> None:
        self.network, self.coef_bits = network, coef_bits
        self.signals: dict[str, Signal] = {}
        self.nodes: list[Node] = []
        self.prefix = self.layer = ""
        self.place = 0

    def graph(self) -> SignalGraph:
        network = self.network
        self.add("x", network.n_in, "the network's input", Role.INPUT, weighted=True)
        x: Parts = (SignalPart(name="x", width=network.n_in),)
        for k, (name, layer) in enumerate(zip(network.names, network.layers, strict=True), 1):
            self.place = k
            self.prefix, self.layer = f"l{k}_", "".join(c if " " <= c <= "~" else "?" for c in name)
            self.layer = self.layer.replace("*/", "* /")
            x = self.lmu(layer, x) if isinstance(layer, LMULayer) else self.cell(layer, x)
        self.prefix = ""
        self.outputs(x)
        return SignalGraph(signals=_with_roles(self.signals, self.nodes), nodes=tuple(self.nodes))

    def add(
        self,
        name: str,
        length: int,
        about: str,
        role: Role = Role.INTERNAL,
        *,
        weighted: bool = False,
        activation: Activation = Activation.LINEAR,
    ) -> str:
        """Add a signal of the current layer; return its name."""
        full = self.prefix + name
        self.signals[full] = Signal(
            name=full,
            length=length,
            role=role,
            about=about + (f" of {self.layer}" if self.prefix else ""),
            layer=self.layer if self.prefix else "",
            place=self.place,
            weighted=weighted,
            activation=activation,
        )
        return full

    def affine(
        self,
        target: str,
        terms: Sequence[tuple[Array | None, Parts]],
        bias: Array | None,
        activation: Activation = Activation.LINEAR,
    ) -> None:
        """Add the affine node that computes ``target`` from matrices over parts."""
        matrices: dict[str, Array] = {}
        for weights, parts in terms:
            at = 0
            for part in parts if weights is not None else ():
                for name, matrix in part.fold(weights[:, at : at + part.width]):  # type: ignore[index]
                    matrices[name] = matrices[name] + matrix if name in matrices else matrix
                at += part.width
        self.nodes.append(
            Affine(
                sources=tuple(matrices),
                matrices=tuple(matrices.values()),
                bias=np.zeros(self.signals[target].length) if bias is None else bias,
                target=target,
                activation=activation,
            )
        )

    def lmu(self, layer: LMULayer, x: Parts) -> Parts:
        """Add an LMU layer; return its output."""
        ladder = is_ladder(self.network, layer)
        rounded = _rounded(layer.memory, self.coef_bits, ladder=ladder)
        states, m = self.ladder_part(layer) if ladder else self.memory_part(layer, rounded)
        read: Parts = (*m, *x) if layer.reads_input else m
        source = self.encoder(layer, x, m, read)
        self.nodes.append(
            MemoryUpdate(
                source=source,
                states=states,
                silence=self.prefix + "silence",
                memory=rounded,
                window=_window(layer.memory, rounded),
            )
        )
        if ladder:
            assert layer.memory.theta is not None, "a memory with a theta, see is_ladder"
            self.nodes.append(
                ScaleNode(
                    source=states[0],
                    target=m[0].name,
                    scale=wave_scale(layer.memory.order, layer.memory.theta),
                    n_channels=layer.memory.channels,
                )
            )
        if layer.cell is not None:
            return self.cell(layer.cell, read)
        if layer.e_h is not None and layer.reads_input:
            self.delay_input(x)
        return read

    def ladder_part(self, layer: LMULayer) -> tuple[tuple[str, ...], tuple[SignalPart]]:
        """Add the signals of a ladder; return its states and its Legendre coefficients."""
        n = layer.memory.channels * layer.memory.order
        w = self.add("w", n, STATES["w"], Role.STATE)
        m = self.add("m", n, "Legendre coefficients, channel after channel", weighted=True)
        return (w,), (SignalPart(name=m, width=n),)

    def memory_part(
        self, layer: LMULayer, rounded: RoundedMemory
    ) -> tuple[tuple[str, ...], tuple[LegendrePart]]:
        """Add the state signals of a chain; return them and the Legendre coefficients."""
        readouts, channels = {}, layer.memory.channels
        for name, T in _readouts(rounded).items():
            full = self.add(name, channels * T.shape[1], STATES[name], Role.STATE, weighted=True)
            readouts[full] = T
        name, order = self.prefix + "m", layer.memory.order
        part = LegendrePart(name=name, n_channels=channels, order=order, readouts=readouts)
        return tuple(readouts), (part,)

    def encoder(self, layer: LMULayer, x: Parts, m: Parts, read: Parts) -> str:
        """Add the input of the memory (equation 7); return its name."""
        plain = layer.e_x is None and layer.e_h is None and layer.e_m is None and layer.b is None
        if plain and len(x) == 1 and isinstance(x[0], SignalPart):
            return x[0].name
        channels = layer.memory.channels
        u = self.add("u", channels, "what the memory is fed")
        e_x = np.eye(channels) if layer.e_x is None else layer.e_x
        h: Parts = read
        if layer.cell is not None:
            h = (SignalPart(name=self.prefix + "h", width=n_out(layer.cell)),)
        elif layer.reads_input:
            h = (*m, *(part.renamed(self.delayed_name) for part in x))
        self.affine(u, [(e_x, x), (layer.e_h, h), (layer.e_m, m)], layer.b)
        return u

    def delayed_name(self, name: str) -> str:
        """Return the name of a layer input delayed by one step."""
        return f"{self.prefix}old_{name}"

    def delay_input(self, x: Parts) -> None:
        """Delay the layer's input by one step, for the encoder."""
        for name in (name for part in x for name in part.signals):
            about = f"{name} of the step before, an input"
            old = self.add(f"old_{name}", self.signals[name].length, about)
            self.nodes.append(Gate(terms=(Term(name),), target=old))

    def cell(self, cell: Cell, x: Parts) -> Parts:
        """Add a cell; return its output."""
        softmax = cell.activation is Activation.SOFTMAX
        activation = Activation.LINEAR if softmax else cell.activation
        n = n_out(cell)
        h = SignalPart(name=self.prefix + "h", width=n)
        if isinstance(cell, LSTMLayer):
            self.lstm(cell, x, h)
        elif isinstance(cell, GRULayer):
            self.gru(cell, x, h)
        else:
            about = "scores" if softmax else "output"
            self.add("h", n, about, weighted=True, activation=activation)
            fed_back = [(cell.U, (h,))] if isinstance(cell, SimpleRNNLayer) else []
            self.affine(h.name, [(cell.W, x), *fed_back], cell.b, activation)
        return (h,)

    def lstm(self, cell: LSTMLayer, x: Parts, h: SignalPart) -> None:
        n = h.width
        names = []
        for k, (name, about) in enumerate(
            {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate"}.items()
        ):
            f = cell.activation if name == "g" else cell.gate
            rows = slice(k * n, (k + 1) * n)
            names.append(self.add(name, n, about, activation=f))
            self.affine(names[-1], [(cell.W[rows], x), (cell.U[rows], (h,))], cell.b[rows], f)
        i, f_, g, o = names
        c = self.add("c", n, "cell state")
        self.nodes.append(Gate(terms=(Term(f_, c), Term(i, g)), target=c))
        a = self.add("a", n, "cell state, activated", activation=cell.activation)
        self.nodes.append(Gate(terms=(Term(c),), target=a, activation=cell.activation))
        self.add("h", n, "output", weighted=True)
        self.nodes.append(Gate(terms=(Term(o, a),), target=h.name))

    def gru(self, cell: GRULayer, x: Parts, h: SignalPart) -> None:
        n = h.width
        z_rows, r_rows, g_rows = (slice(k * n, (k + 1) * n) for k in range(3))
        gates = []
        for name, about, rows in (("z", "update gate", z_rows), ("r", "reset gate", r_rows)):
            gates.append(self.add(name, n, about, activation=cell.gate))
            self.affine(
                gates[-1], [(cell.W[rows], x), (cell.U[rows], (h,))], cell.b[rows], cell.gate
            )
        z, r = gates
        g = self.add("g", n, "candidate", activation=cell.activation)
        if cell.c is None:
            rh = self.add("rh", n, "output, reset", weighted=True)
            self.nodes.append(Gate(terms=(Term(r, h.name),), target=rh))
            fed_back = (SignalPart(name=rh, width=n),)
            self.affine(
                g,
                [(cell.W[g_rows], x), (cell.U[g_rows], fed_back)],
                cell.b[g_rows],
                cell.activation,
            )
        else:
            p = self.add("p", n, "candidate's part of the input")
            self.affine(p, [(cell.W[g_rows], x)], cell.b[g_rows])
            q = self.add("q", n, "candidate's part of the output before")
            self.affine(q, [(cell.U[g_rows], (h,))], cell.c)
            self.nodes.append(
                Gate(terms=(Term(p), Term(r, q)), target=g, activation=cell.activation)
            )
        self.add("h", n, "output", weighted=True)
        # z h + (1 - z) g
        terms = (Term(z, h.name), Term(g), Term(z, g, minus=True))
        self.nodes.append(Gate(terms=terms, target=h.name))

    def outputs(self, parts: Parts) -> None:
        """Make the last layer's output that of the network."""
        for part in parts:
            name = "y" if len(parts) == 1 else f"y_{part.name}"
            if isinstance(part, LegendrePart):
                about = "Legendre coefficients, channel after channel"
                y = self.add(name, part.width, about, Role.OUTPUT)
                self.nodes.append(
                    Affine(
                        sources=tuple(part.readouts),
                        matrices=tuple(part.readouts.values()),
                        bias=np.zeros(part.order),
                        target=y,
                        n_channels=part.n_channels,
                    )
                )
            else:
                self.output_words(part, name)
        if self.network.is_classifier:
            label = self.add("label", 1, "the class of the highest score", Role.OUTPUT)
            self.nodes.append(ArgmaxNode(source="y", target=label))

    def output_words(self, part: SignalPart, name: str) -> None:
        """Make a signal an output: directly if no node reads it, else as a copy."""
        made = self.signals[part.name]
        users = [n for n in self.nodes if part.name in n.reads]
        last = self.nodes[-1]
        about = "scores of the classes" if self.network.is_classifier else "output of the network"
        if users or part.name not in last.writes or isinstance(last, MemoryUpdate | ArgmaxNode):
            self.add(name, part.width, about, Role.OUTPUT, activation=made.activation)
            self.nodes.append(Gate(terms=(Term(part.name),), target=name))
            return
        del self.signals[part.name]
        self.signals[name] = replace(made, name=name, about=about, role=Role.OUTPUT, weighted=False)
        self.nodes[-1] = replace(last, target=name)


def _check_softmax(name: str, layer: Layer) -> None:
    """Raise `SpecError` if a softmax is fed back: a program computes scores, not probabilities."""
    cell = layer.cell if isinstance(layer, LMULayer) else layer
    gate = getattr(cell, "gate", None)
    if cell is None or Activation.SOFTMAX not in (cell.activation, gate):
        return
    fed_back = isinstance(layer, LMULayer) and layer.e_h is not None
    if fed_back or not isinstance(cell, DenseLayer):
        raise SpecError(
            f"softmax of layer {name!r} must belong to a dense layer at the end of the network, "
            "without feedback"
        )


def _with_roles(signals: dict[str, Signal], nodes: Sequence[Node]) -> dict[str, Signal]:
    """Return the signals sorted by role; a signal read before it is written becomes a state."""
    written: set[str] = set()
    early: set[str] = set()
    for node in nodes:
        early |= {n for n in node.reads if n not in written}
        written |= set(node.writes)
    order = list(Role)
    named = {
        name: replace(s, role=Role.STATE) if s.role is Role.INTERNAL and name in early else s
        for name, s in signals.items()
    }
    return dict(sorted(named.items(), key=lambda item: order.index(item[1].role)))


@lru_cache(maxsize=64)
def _rounded(memory: LinearMemory, coef_bits: int, *, ladder: bool) -> RoundedMemory:
    if ladder:
        assert memory.theta is not None
        return round_ladder(memory.order, memory.theta, 1, max(coef_bits, LADDER_BITS))
    return round_cascade(*_ideal(memory), coef_bits)


@lru_cache(maxsize=64)
def _ideal(memory: LinearMemory) -> tuple[StateSpace, AdaptorChain]:
    """Return a memory and its chain before any rounding."""
    system = memory.system()
    return system, build_chain(sections_of(poles(system)))


@lru_cache(maxsize=64)
def _readouts(rounded: RoundedMemory) -> dict[str, Array]:
    values = np.vstack(list(rounded.states.values()))
    # each state word is one scaled coordinate of z, so that dividing by the scale inverts it
    T = rounded.readout @ (values.T / np.sum(values**2, axis=1))
    ends = np.cumsum([len(rows) for rows in rounded.states.values()])
    return dict(zip(rounded.states, np.split(T, ends[:-1], axis=1), strict=True))


def _window(memory: LinearMemory, rounded: RoundedMemory) -> int:
    """Return the length of a zero-input run after which the memory's state decays to zero."""
    if memory.trained is None and memory.theta is not None:
        return silence_window(memory.theta)
    # a trained A has no window: use the number of steps in which it decays
    horizon = rounded.recurrence.horizon
    if horizon > MAX_HORIZON:
        raise SpecError(
            f"a trained A must decay within 2**{MAX_HORIZON} steps, for words to be bounded, "
            f"not 2**{horizon}: train it further with a bound on its eigenvalues"
        )
    return 1 << horizon
