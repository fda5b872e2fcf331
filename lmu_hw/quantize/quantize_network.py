"""Quantize a network: choose word formats by proof where possible, else by calibration.

There are three kinds of words: memory states (`Widths.state_bits`), words that weights multiply
(`Widths.act_bits`), and all others, which are `WORD_BITS` wide because fewer bits save nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .._support.array_types import Array
from ..errors import FormatError, SpecError
from ..models.network import Activation, FloatNetwork
from ..program.fixedpoint import QFormat
from ..program.integer_program import (
    Argmax,
    Cascade,
    Function,
    Ladder,
    Linear,
    Operation,
    Pointwise,
    Program,
    Role,
    Scale,
    Term,
    Vector,
)
from ..program.row_arrays import RowArrays
from .activations import SATURATED_LINE_DIVISOR, SATURATION_ONLY, make_function, result_format
from .coefficients import round_scale
from .lower import lower
from .memory_words import bounds_of, min_state_bits, scaled_format
from .ranges import SignalStatistics
from .signal_formats import fit_format, input_format, max_magnitude
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
from .weight_rounding import Source, round_to_arrays, round_weights
from .word_lengths import WORD_BITS, Widths

HEADROOM = 1.1
"""Factor above the calibrated peak, before rounding up to a power of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatBasis:
    """The range that the format of a signal was chosen from.

    Attributes
    ----------
    signal : str
    fmt : QFormat
    peak : float
        Largest magnitude of the signal, proven or calibrated.
    proven : bool
        Whether the signal is proven to fit its format, up to saturation by less than one LSB.
        Otherwise the peak is calibrated on data, and values beyond the format saturate.
    stands_for : str
        For the narrower copy of a signal: the name of that signal.
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
        Word lengths, with the chosen ``state_bits``.
    program : Program
    bases : tuple of FormatBasis
        Range and format of every vector of words.
    calibration : str
        Description of the calibration data.
    """

    network: FloatNetwork
    widths: Widths
    program: Program
    bases: tuple[FormatBasis, ...]
    calibration: str


def quantize_network(
    network: FloatNetwork,
    widths: Widths,
    statistics: Mapping[str, SignalStatistics],
    *,
    title: str,
    calibration: str,
    name: str = "lmu",
    output_every: int = 1,
) -> QuantizedNetwork:
    """Quantize a network.

    Parameters
    ----------
    network : FloatNetwork
    widths : Widths
    statistics : mapping of str to SignalStatistics
        Statistics of every signal of the lowered network (`~lmu_hw.quantize.lower.lower`).
    title, calibration, name
        See `~lmu_hw.program.integer_program.Program` and `QuantizedNetwork`.
    output_every : int
        See `~lmu_hw.program.integer_program.Program`.

    Raises
    ------
    SpecError
        If the network has no state, or an intermediate word would exceed 63 bits.
    """
    if len(widths.layer_weight_bits) not in (0, len(network.layers)):
        raise SpecError(
            f"weight bits must be one width, or one for each of {len(network.layers)} layers, "
            f"not {len(widths.layer_weight_bits)}"
        )
    graph = lower(network, widths.coef_bits)
    if not graph.names(Role.STATE):
        raise SpecError("a network must have a layer with state: an LMU, an RNN, an LSTM or a GRU")
    try:
        return _Quantizer(graph, widths, statistics).design(
            network, title=title, calibration=calibration, name=name, output_every=output_every
        )
    except FormatError as error:
        raise SpecError(f"these widths do not fit: {error}") from error


def requantize_weights(
    design: QuantizedNetwork, network: FloatNetwork, statistics: Mapping[str, SignalStatistics]
) -> dict[str, RowArrays]:
    """Return the integers that `quantize_network` gives a network with other weights.

    Formats depend on memories, widths and statistics alone: with these, all else of the program
    stays as it is.

    Parameters
    ----------
    design : QuantizedNetwork
        Made with the same statistics.
    network : FloatNetwork
        The design's network with other weights. Its memories must be the same objects.
    statistics : mapping of str to SignalStatistics

    Returns
    -------
    dict of str to RowArrays
        The integers of every `Linear` of the program, by its target.

    Raises
    ------
    SpecError
        If a weight is too large, or an intermediate word would exceed 63 bits.
    """
    graph = lower(network, design.widths.coef_bits)
    quantizer = _Quantizer(
        graph,
        design.widths,
        statistics,
        vectors={v.name: v for v in design.program.vectors},
        copies={b.stands_for: b.signal for b in design.bases if b.stands_for},
    )
    found = {}
    for node in graph.nodes:
        if isinstance(node, Affine):
            sources, bias, lsb, _ = quantizer.affine(node)
            bits = quantizer.weight_bits(node)
            rows = round_to_arrays(sources, bias, lsb, bits, statistics[node.target].read)
            formats = [quantizer.read_vector(name).fmt for name in node.sources]
            try:
                rows.check(formats, [source.matrix.shape[1] for source in sources])
            except FormatError as error:
                raise SpecError(f"these widths do not fit: {error}") from error
            found[node.target] = rows
    return found


@dataclass(slots=True)
class _Quantizer:
    graph: SignalGraph
    widths: Widths
    statistics: Mapping[str, SignalStatistics]
    vectors: dict[str, Vector] = field(default_factory=dict)
    bases: dict[str, FormatBasis] = field(default_factory=dict)
    ops: list[Operation] = field(default_factory=list)
    copies: dict[str, str] = field(default_factory=dict)
    state_bits: int = 0

    def design(
        self, network: FloatNetwork, *, title: str, calibration: str, name: str, output_every: int
    ) -> QuantizedNetwork:
        for signal in self.graph.signals.values():
            if not any(
                isinstance(n, MemoryUpdate) and signal.name in n.writes for n in self.graph.nodes
            ):
                self.add(signal)
        for node in self.graph.nodes:
            if isinstance(node, MemoryUpdate):
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
        """Add a signal other than a memory state, with a proven or calibrated format."""
        maker = next((n for n in self.graph.nodes if signal.name in n.writes), None)
        if isinstance(maker, ArgmaxNode):
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
        peak = self.statistics[signal.name].peak
        fmt = (
            input_format(signal.name, peak, bits)
            if signal.role is Role.INPUT
            else fit_format(signal.name, peak * HEADROOM, bits)
        )
        if signal.activation is Activation.RELU:
            fmt = QFormat(
                fmt.int_bits - 1, min(bits, WORD_BITS - 1) - fmt.int_bits + 1, signed=False
            )
        self.add_vector(signal, fmt, peak, proven=False)

    def add_vector(self, signal: Signal, fmt: QFormat, peak: float, *, proven: bool) -> None:
        self.vectors[signal.name] = Vector(
            name=signal.name, length=signal.length, role=signal.role, fmt=fmt, about=signal.about
        )
        self.bases[signal.name] = FormatBasis(signal=signal.name, fmt=fmt, peak=peak, proven=proven)

    def add_memory(self, node: MemoryUpdate) -> None:
        """Add the states of a memory, and narrower copies for readers if the states are wide."""
        octaves = self.octaves(node.source)
        reader = next(
            (n for n in self.graph.nodes if isinstance(n, ScaleNode) and n.source in node.states),
            None,
        )
        reading = {
            name: fit_format(name, self.statistics[name].peak * HEADROOM, WORD_BITS)
            for name in node.states
        }
        lsbs: tuple[tuple[float, ...], ...]
        if reader is None:
            lsbs = tuple((math.ldexp(1.0, -f.frac_bits - octaves),) for f in reading.values())
        else:
            lsb = math.ldexp(self.vectors[reader.target].fmt.lsb, -octaves)
            lsbs = (tuple(lsb / s for s in reader.scale.tolist()),)
        bits = self.widths.state_bits or min_state_bits(node.memory, lsbs)
        self.state_bits = max(self.state_bits, bits)
        bounds = bounds_of(node.memory, bits)
        for name, state in zip(node.states, node.memory.states, strict=True):
            bound = bounds[state]
            fmt = scaled_format(bound.fmt, octaves)
            signal = self.graph.signals[name]
            self.add_vector(signal, fmt, math.ldexp(bound.peak, octaves), proven=True)
            if bits > WORD_BITS and reader is None:
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

    def add_copy(self, signal: Signal, node: MemoryUpdate, fmt: QFormat) -> None:
        """Add the narrower copy of a wide state, which all readers use."""
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
        peak = self.statistics[signal.name].peak
        proven = self.bases[signal.name].peak <= max_magnitude(fmt)
        self.bases[name] = FormatBasis(
            signal=name, fmt=fmt, peak=peak, proven=proven, stands_for=signal.name
        )

    def octaves(self, source: str) -> int:
        """Return the base-2 logarithm of the range of a memory's input."""
        fmt = self.vectors[source].fmt
        return fmt.int_bits - fmt.signed

    def operations(self, node: Node) -> list[Operation]:
        """Return the operations of a node."""
        if isinstance(node, MemoryUpdate):
            return self.update(node)
        if isinstance(node, Affine):
            return [self.linear(node)]
        if isinstance(node, ScaleNode):
            return [self.scale(node)]
        if isinstance(node, Gate):
            target = self.vectors[node.target].fmt
            self.prove(node.target, self.gate_peak(node))
            function = _function(node.activation, target)
            return [Pointwise(terms=node.terms, target=node.target, function=function)]
        return [Argmax(source=node.source, target=node.target)]

    def update(self, node: MemoryUpdate) -> list[Operation]:
        formats = dict(bounds_of(node.memory, self.vectors[node.states[0]].fmt.width).items())
        octaves = self.octaves(node.source)
        scaled = {name: scaled_format(bound.fmt, octaves) for name, bound in formats.items()}
        op = node.memory.operation(scaled, node.window)
        names = dict(zip(node.memory.states, node.states, strict=True))
        if isinstance(op, Ladder):
            return [
                replace(op, source=node.source, silence=node.silence, state=names["w"]),
            ]
        assert isinstance(op, Cascade), "networks are lowered to cascades and ladders"
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

    def scale(self, node: ScaleNode) -> Scale:
        source, target = self.vectors[node.source].fmt, self.vectors[node.target].fmt
        values = node.scale * (source.lsb / target.lsb)
        coefs, shifts = round_scale(values, WORD_BITS, f"the readout {node.target}")
        peak = max(-source.min, source.max) * max(
            abs(c) / 2**s for c, s in zip(coefs, shifts, strict=True)
        )
        self.prove(node.target, peak * target.lsb)
        return Scale(
            source=node.source,
            target=node.target,
            n_channels=node.n_channels,
            coefs=coefs,
            shifts=shifts,
        )

    def affine(self, node: Affine) -> tuple[list[Source], Array, float, Function | None]:
        """Return what `round_weights` needs of a node, and the node's function."""
        target = self.vectors[node.target].fmt
        slope = SATURATED_LINE_DIVISOR.get(node.activation)
        gain, offset = (1.0, 0.0) if slope is None else (1.0 / slope, 0.5)
        function = None if slope is not None else _function(node.activation, target)
        sources = []
        for name, matrix in zip(node.sources, node.matrices, strict=True):
            fmt = self.read_vector(name).fmt
            power = self.statistics[name].power.reshape(node.n_channels, -1).mean(axis=0)
            # add the power of the word's rounding noise
            power = power / fmt.lsb**2 + 1.0 / 12.0
            peak = max(-fmt.min, fmt.max)
            sources.append(Source(matrix=gain * matrix, lsb=fmt.lsb, power=power, peak=peak))
        inner = target if function is None else function.in_fmt
        return sources, gain * node.bias + offset, inner.lsb, function

    def weight_bits(self, node: Affine) -> int:
        return self.widths.weights_of(self.graph.signals[node.target].place)

    def read_vector(self, name: str) -> Vector:
        """Return the vector of a signal as readers see it."""
        return self.vectors[self.copies.get(name, name)]

    def linear(self, node: Affine) -> Linear:
        target = self.vectors[node.target].fmt
        sources, bias, lsb, function = self.affine(node)
        bits = self.weight_bits(node)
        rows = round_weights(sources, bias, lsb, bits, self.statistics[node.target].read)
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
            # computed from the integers: rounded weights may sum to more than the trained ones
            peaks = zip(op.peaks(self.vectors.__getitem__), op.multipliers, op.shifts, strict=True)
            self.prove(node.target, max(p * m / 2**s for p, m, s in peaks) * target.lsb)
        return op

    def prove(self, name: str, peak: float) -> None:
        """Mark the format of a signal as proven if ``peak``, a proven bound, fits it."""
        basis = self.bases[name]
        if not basis.proven and peak <= max_magnitude(basis.fmt):
            self.bases[name] = replace(basis, peak=peak, proven=True)

    def word_range(self, name: str) -> float:
        """Return the largest magnitude of a signal's format, as readers see it."""
        return max_magnitude(self.read_vector(name).fmt)

    def gate_peak(self, node: Gate) -> float:
        return sum(math.prod(self.word_range(name) for name in term.names) for term in node.terms)


def _function(activation: Activation, target: QFormat) -> Function | None:
    return None if activation in SATURATION_ONLY else make_function(activation, target)
