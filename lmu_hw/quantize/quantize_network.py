"""From a network to an integer program: formats from proofs where there are any, else from data.

Three kinds of words, three widths: a memory's state (`Widths.state_bits`), what weights multiply in
every row (`Widths.act_bits`), and all others, `WORD_BITS` wide because nothing gets cheaper below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..errors import FormatError, SpecError
from ..models.network import Activation, FloatNetwork
from ..program.fixedpoint import QFormat
from ..program.integer_program import (
    Argmax,
    Cascade,
    Function,
    Linear,
    Operation,
    Pointwise,
    Program,
    Role,
    Term,
    Vector,
)
from .activations import BY_LIMITS, BY_LIMITS_OF_A_LINE, make_function, result_format
from .lower import lower
from .memory_words import bounds_of, enough_bits, louder
from .ranges import Seen
from .signal_graph import Affine, Best, Gate, Node, Signal, SignalGraph, Update
from .state_formats import fit
from .weight_rounding import Source, round_weights
from .word_lengths import WORD_BITS, Widths

HEADROOM = 1.1
"""Room above what was seen on data, before the next power of two."""
SMALLEST, LARGEST = 2.0**-32, 2.0**64
"""Limits of what a signal that is not proven may reach, for its format to fit it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatBasis:
    """What the format of a signal rests on.

    Attributes
    ----------
    signal : str
    fmt : QFormat
    peak : float
        What the signal reaches, by proof or on data.
    proven : bool
        It cannot leave its format, or only where its exact value is its format's end to within an
        LSB; otherwise the peak was seen on data, and what exceeds the format saturates.
    stands_for : str
        The wider signal that it is a copy of, if it is one.
    """

    signal: str
    fmt: QFormat
    peak: float
    proven: bool
    stands_for: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantizedNetwork:
    """A quantized network.

    Attributes
    ----------
    network : FloatNetwork
    widths : Widths
        ``state_bits`` as chosen.
    program : Program
    bases : tuple of FormatBasis
        Of every vector of words.
    calibration : str
        What the ranges that are not proven were seen on.
    """

    network: FloatNetwork
    widths: Widths
    program: Program
    bases: tuple[FormatBasis, ...]
    calibration: str


def quantize_network(
    network: FloatNetwork,
    widths: Widths,
    seen: Mapping[str, Seen],
    *,
    title: str,
    calibration: str,
    name: str = "lmu",
    output_every: int = 1,
) -> QuantizedNetwork:
    """Return the program of a network.

    Parameters
    ----------
    network : FloatNetwork
    widths : Widths
    seen : mapping of str to Seen
        What the signals of the network's `~lmu_hw.quantize.lower.lower` did on data.
    title, calibration, name
        See `~lmu_hw.program.integer_program.Program` and `QuantizedNetwork`.
    output_every : int
        See `~lmu_hw.program.integer_program.Program`.

    Raises
    ------
    SpecError
        If the network has no state, or widths this large do not fit 63 bits.
    """
    if len(widths.layer_weight_bits) not in (0, len(network.layers)):
        raise SpecError(
            f"weight bits must be one width, or one for each of {len(network.layers)} layers, "
            f"not {len(widths.layer_weight_bits)}"
        )
    graph = lower(network, widths.coef_bits)
    if not graph.names(Role.STATE):
        raise SpecError("a network must have a layer that remembers: an LMU, an LSTM, a GRU")
    try:
        return _Quantizer(graph, widths, seen).design(
            network, title=title, calibration=calibration, name=name, output_every=output_every
        )
    except FormatError as error:
        raise SpecError(f"these widths do not fit: {error}") from error


@dataclass(slots=True)
class _Quantizer:
    graph: SignalGraph
    widths: Widths
    seen: Mapping[str, Seen]
    vectors: dict[str, Vector] = field(default_factory=dict)
    bases: dict[str, FormatBasis] = field(default_factory=dict)
    ops: list[Operation] = field(default_factory=list)
    copies: dict[str, str] = field(default_factory=dict)
    state_bits: int = 0

    def design(
        self, network: FloatNetwork, *, title: str, calibration: str, name: str, output_every: int
    ) -> QuantizedNetwork:
        for signal in self.graph.signals.values():
            if not any(isinstance(n, Update) and signal.name in n.writes for n in self.graph.nodes):
                self.add(signal)
        for node in self.graph.nodes:
            if isinstance(node, Update):
                self.add_memory(node)
        for node in self.graph.nodes:
            self.ops += self.operations(node)
        clock = ""
        if output_every > 1:
            clock = "clock"
            fmt = QFormat((output_every - 1).bit_length(), 0, signed=False)
            about = "steps since the last output"
            self.vectors[clock] = Vector(
                name=clock, length=1, role=Role.STATE, fmt=fmt, about=about
            )
        order = list(Role)
        program = Program(
            name=name,
            title=title,
            output_every=output_every,
            clock=clock,
            vectors=tuple(sorted(self.vectors.values(), key=lambda v: order.index(v.role))),
            ops=tuple(self.ops),
        )
        return QuantizedNetwork(
            network=network,
            widths=replace(self.widths, state_bits=self.state_bits or None),
            program=program,
            bases=tuple(self.bases[v.name] for v in program.vectors if v.name in self.bases),
            calibration=calibration,
        )

    def add(self, signal: Signal) -> None:
        """Add a signal that is no memory's state, in a format proven or seen."""
        maker = next((n for n in self.graph.nodes if signal.name in n.writes), None)
        if isinstance(maker, Best):
            last = self.graph.signals[maker.source].length - 1
            fmt = QFormat(max(1, last.bit_length()), 0, signed=False)
            self.add_vector(signal, fmt, float(last), proven=True)
            return
        bits = self.widths.act_bits if signal.weighted else WORD_BITS
        if signal.role is Role.INPUT:
            bits = self.widths.input_bits
        bounded = result_format(signal.activation, bits)
        if bounded is not None:
            self.add_vector(
                signal, bounded, math.ldexp(1.0, bounded.int_bits - bounded.signed), proven=True
            )
            return
        peak = self.seen[signal.name].peak * (1.0 if signal.role is Role.INPUT else HEADROOM)
        fmt = _fit(signal.name, peak, bits)
        if signal.activation is Activation.RELU:
            fmt = QFormat(
                fmt.int_bits - 1, min(bits, WORD_BITS - 1) - fmt.int_bits + 1, signed=False
            )
        self.add_vector(signal, fmt, self.seen[signal.name].peak, proven=False)

    def add_vector(self, signal: Signal, fmt: QFormat, peak: float, *, proven: bool) -> None:
        self.vectors[signal.name] = Vector(
            name=signal.name, length=signal.length, role=signal.role, fmt=fmt, about=signal.about
        )
        self.bases[signal.name] = FormatBasis(signal=signal.name, fmt=fmt, peak=peak, proven=proven)

    def add_memory(self, node: Update) -> None:
        """Add a memory's states, and copies for readers where these are wider than other words."""
        octaves = self.octaves(node.source)
        reading = {
            name: _fit(name, self.seen[name].peak * HEADROOM, WORD_BITS) for name in node.states
        }
        bits = self.widths.state_bits or enough_bits(
            node.memory, tuple(math.ldexp(1.0, -f.frac_bits - octaves) for f in reading.values())
        )
        self.state_bits = max(self.state_bits, bits)
        bounds = bounds_of(node.memory, bits)
        for name, state in zip(node.states, node.memory.states, strict=True):
            bound = bounds[state]
            fmt = louder(bound.fmt, octaves)
            signal = self.graph.signals[name]
            self.add_vector(signal, fmt, math.ldexp(bound.peak, octaves), proven=True)
            if bits > WORD_BITS:
                self.add_copy(signal, node, reading[name])
        window = node.window
        channels = self.graph.signals[node.source].length
        self.vectors[node.silence] = Vector(
            name=node.silence,
            length=channels,
            role=Role.STATE,
            fmt=QFormat(window.bit_length(), 0, signed=False),
            about="steps since the memory's input was last not zero, window at most",
        )

    def add_copy(self, signal: Signal, node: Update, fmt: QFormat) -> None:
        """Add what readers of a wide state read in its place."""
        nodes = self.graph.nodes
        early = any(signal.name in n.reads for n in nodes[: nodes.index(node)])
        name = signal.name.replace("_z_", "_r_")
        self.copies[signal.name] = name
        self.vectors[name] = Vector(
            name=name,
            length=signal.length,
            role=Role.STATE if early else Role.INTERNAL,
            fmt=fmt,
            about=f"{signal.name}, as it is read",
        )
        peak = self.seen[signal.name].peak
        proven = self.bases[signal.name].peak <= _reach(fmt)
        self.bases[name] = FormatBasis(
            signal=name, fmt=fmt, peak=peak, proven=proven, stands_for=signal.name
        )

    def octaves(self, source: str) -> int:
        """Return log2 of what a memory's input is limited to."""
        fmt = self.vectors[source].fmt
        return fmt.int_bits - fmt.signed

    def operations(self, node: Node) -> list[Operation]:
        """Return the operations of a node."""
        if isinstance(node, Update):
            return self.update(node)
        if isinstance(node, Affine):
            return [self.linear(node)]
        if isinstance(node, Gate):
            target = self.vectors[node.target].fmt
            self.prove(node.target, self.gate_peak(node))
            function = _function(node.activation, target)
            return [Pointwise(terms=node.terms, target=node.target, function=function)]
        return [Argmax(source=node.source, target=node.target)]

    def update(self, node: Update) -> list[Operation]:
        formats = dict(bounds_of(node.memory, self.vectors[node.states[0]].fmt.width).items())
        octaves = self.octaves(node.source)
        scaled = {name: louder(bound.fmt, octaves) for name, bound in formats.items()}
        op = node.memory.operation(scaled, node.window)
        assert isinstance(op, Cascade), "networks are lowered to cascades"
        names = dict(zip(node.memory.states, node.states, strict=True))
        renamed = replace(
            op,
            source=node.source,
            silence=node.silence,
            z_inner=names["z_inner"],
            z_outer=names.get("z_outer", ""),
        )
        copies = [
            Pointwise(terms=(Term(name),), target=self.copies[name])
            for name in node.states
            if name in self.copies
        ]
        return [renamed, *copies]

    def linear(self, node: Affine) -> Linear:
        target = self.vectors[node.target].fmt
        slope = BY_LIMITS_OF_A_LINE.get(node.activation)
        gain, offset = (1.0, 0.0) if slope is None else (1.0 / slope, 0.5)
        function = None if slope is not None else _function(node.activation, target)
        sources = []
        for name, matrix in zip(node.sources, node.matrices, strict=True):
            fmt = self.vectors[self.copies.get(name, name)].fmt
            power = self.seen[name].power.reshape(node.n_channels, -1).mean(axis=0)
            # a rounded word carries noise of its own
            power = power / fmt.lsb**2 + 1.0 / 12.0
            peak = max(-fmt.min, fmt.max)
            sources.append(Source(matrix=gain * matrix, lsb=fmt.lsb, power=power, peak=peak))
        inner = target if function is None else function.in_fmt
        bias = gain * node.bias + offset
        bits = self.widths.weights_of(self.graph.signals[node.target].place)
        rows = round_weights(sources, bias, inner.lsb, bits, self.seen[node.target].read)
        op = Linear(
            sources=tuple(self.copies.get(name, name) for name in node.sources),
            target=node.target,
            n_channels=node.n_channels,
            rows=rows.rows,
            aligns=rows.aligns,
            biases=rows.biases,
            multipliers=rows.multipliers,
            shifts=rows.shifts,
            function=function,
        )
        if function is None:
            # of the integers: rounded weights may add up to more than those that were trained
            peaks = zip(op.peaks(self.vectors.__getitem__), op.multipliers, op.shifts, strict=True)
            self.prove(node.target, max(p * m / 2**s for p, m, s in peaks) * target.lsb)
        return op

    def prove(self, name: str, peak: float) -> None:
        """Note it where what a signal can reach at most fits the format that was chosen."""
        basis = self.bases[name]
        if not basis.proven and peak <= _reach(basis.fmt):
            self.bases[name] = replace(basis, peak=peak, proven=True)

    def reach(self, name: str) -> float:
        """Return what the words of a signal, as it is read, can reach."""
        return _reach(self.vectors[self.copies.get(name, name)].fmt)

    def gate_peak(self, node: Gate) -> float:
        return sum(math.prod(self.reach(name) for name in term.names) for term in node.terms)


def _function(activation: Activation, target: QFormat) -> Function | None:
    return None if activation in BY_LIMITS else make_function(activation, target)


def _reach(fmt: QFormat) -> float:
    return math.ldexp(max(-fmt.min, fmt.max), -fmt.frac_bits)


def _fit(name: str, peak: float, bits: int) -> QFormat:
    """Return the format of the finest LSB that holds +-``peak``, or of 1 for what was never heard.

    Raises
    ------
    SpecError
        If it is beyond all reason.
    """
    if peak > LARGEST:
        raise SpecError(f"{name} reaches {peak:.3g} but must stay below {LARGEST:.3g}: scale it")
    octaves = math.frexp(max(peak, SMALLEST) if peak else 1.0)[1]
    return louder(fit(math.ldexp(peak, -octaves), bits), octaves)
