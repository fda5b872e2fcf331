"""Summary of a trained network: layers, windows, parameters and multiplies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .._support.channel import Channel, describe
from .._support.tables import columns, html_table
from ..models.network import FloatNetwork, Layer, LMULayer, arrays, dense_multiplies, n_in, n_out
from ..program.codec import Report, written
from .lower import outline

Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSeconds:
    """The window of a memory at a known sample rate.

    Attributes
    ----------
    theta_seconds : float or None
        Window length [s], > 0; None where the model file does not state it.
    """

    theta_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySummary:
    """The memory of an LMU layer.

    Attributes
    ----------
    order : int
        Number of Legendre coefficients d of each channel, >= 1.
    channels : int
        Number of memories side by side, >= 1.
    theta : float or None
        Window length [samples], > 0; None where the model file does not state it.
    discretizer : str
        ``zoh``, ``euler`` or ``bilinear``.
    trained_matrices : bool
        The matrices were trained too: they are not those that theta gives.
    cell : str or None
        Kind of the cell that reads the memory; None where there is none.
    window : WindowSeconds or None
        The window in seconds, where the sample rate is known.
    """

    order: int
    channels: int
    theta: float | None
    discretizer: str
    trained_matrices: bool = field(metadata=written(key="trained_A"))
    cell: str | None
    window: WindowSeconds | None = field(default=None, metadata=written(inline=True))

    @property
    def theta_seconds(self) -> float | None:
        """Window length [s]; None where it or the sample rate is not known."""
        return None if self.window is None else self.window.theta_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """One layer of a network.

    Attributes
    ----------
    name, kind : str
        The layer's name in the model file, and ``LMU``, ``Dense`` or the like.
    memory : MemorySummary or None
        Of an LMU layer.
    inputs, outputs : int
        Words in and out at each step.
    activation : str or None
        Of the layer or of its cell; None of a memory without a cell.
    shapes : mapping of str to tuple of int
        Shape of each array of parameters.
    parameters : int
        Numbers in these arrays.
    multiplies_dense, multiplies : int
        Multiplies in a step: with dense matrices, and in the generated program.
    """

    name: str
    kind: str
    memory: MemorySummary | None = field(default=None, metadata=written(inline=True))
    inputs: int
    outputs: int
    activation: str | None
    shapes: Mapping[str, tuple[int, ...]]
    parameters: int
    multiplies_dense: int
    multiplies: int

    def text(self) -> str:
        """Return the layer's kind, window and activation in a line."""
        memory = self.memory
        if memory is None:
            return f"{self.kind}, {self.activation}"
        theta = "unknown" if memory.theta is None else f"{memory.theta:.6g}"
        seconds = memory.theta_seconds
        theta += "" if seconds is None else f" ({seconds:.4g} s)"
        channels = f"{memory.channels} x " if memory.channels > 1 else ""
        kind = "trained A" if memory.trained_matrices else memory.discretizer
        cell = f"{memory.cell}, {self.activation}" if memory.cell else "no cell"
        return f"LMU {channels}d={memory.order} theta={theta} {kind}, {cell}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSummary(Report):
    """A network layer by layer.

    Attributes
    ----------
    inputs, outputs : int
        Words in and out at each step.
    output_at : str
        ``every step`` or ``last step``.
    classifier : bool
        It ends in a softmax.
    layers : tuple of LayerSummary
    parameters, multiplies_dense, multiplies : int
        Sums over all layers.
    input_channels, output_channels : tuple of Channel or None
        What the words stand for, where the model states it.
    """

    inputs: int
    outputs: int
    output_at: str
    classifier: bool
    layers: tuple[LayerSummary, ...]
    parameters: int
    multiplies_dense: int
    multiplies: int
    input_channels: tuple[Channel, ...] | None = field(
        default=None, metadata=written(optional=True)
    )
    output_channels: tuple[Channel, ...] | None = field(
        default=None, metadata=written(optional=True)
    )

    def __str__(self) -> str:
        channels = (f"{name:7} {text}" for name, text in self._channels())
        return "\n".join([*columns(self._rows(), n_left=2), *channels])

    def _repr_html_(self) -> str:
        channels = [(name, text, *[""] * 5) for name, text in self._channels()]
        return html_table([*self._rows(), *channels], n_left=2)

    def _channels(self) -> list[tuple[str, str]]:
        found = {"inputs": self.input_channels, "outputs": self.output_channels}
        return [(name, describe(channels)) for name, channels in found.items() if channels]

    def _rows(self) -> Rows:
        rows: Rows = [
            ("layer", "what", "in", "out", "parameters", "multiplies dense", "as generated")
        ]
        for layer in self.layers:
            sizes = (layer.inputs, layer.outputs, layer.parameters)
            counts = (*sizes, layer.multiplies_dense, layer.multiplies)
            rows.append((layer.name, layer.text(), *(f"{n:,}" for n in counts)))
        totals = (f"{n:,}" for n in (self.parameters, self.multiplies_dense, self.multiplies))
        return [*rows, ("total", f"output at {self.output_at}", "", "", *totals)]


def report(network: FloatNetwork, rate: float | None = None) -> NetworkSummary:
    """Return the summary of a network.

    Parameters
    ----------
    network : FloatNetwork
    rate : float, optional
        Samples per second [Hz], > 0, for windows in seconds.
    """
    layers = tuple(
        _layer(name, layer, rate, multiplies)
        for name, layer, multiplies in zip(
            network.names, network.layers, _generated(network), strict=True
        )
    )
    return NetworkSummary(
        inputs=network.n_in,
        outputs=network.n_out,
        output_at="every step" if network.every_step else "last step",
        classifier=network.is_classifier,
        layers=layers,
        parameters=sum(layer.parameters for layer in layers),
        multiplies_dense=sum(layer.multiplies_dense for layer in layers),
        multiplies=sum(layer.multiplies for layer in layers),
        input_channels=network.inputs,
        output_channels=network.outputs,
    )


def _generated(network: FloatNetwork) -> list[int]:
    """Return the multiplies of each layer in a step of the program."""
    graph, found = outline(network), [0] * len(network.layers)
    for node in graph.nodes:
        made = graph.signals[node.writes[0]]
        found[made.place - 1] += graph.multiplies(node)
    return found


def _layer(name: str, layer: Layer, rate: float | None, multiplies: int) -> LayerSummary:
    cell = layer.cell if isinstance(layer, LMULayer) else layer
    return LayerSummary(
        name=name,
        kind=layer.kind,
        memory=_memory(layer, rate) if isinstance(layer, LMULayer) else None,
        inputs=n_in(layer),
        outputs=n_out(layer),
        activation=None if cell is None else cell.activation.value,
        shapes={key: tuple(array.shape) for key, array in arrays(layer)},
        parameters=sum(array.size for _, array in arrays(layer)),
        multiplies_dense=dense_multiplies(layer),
        multiplies=multiplies,
    )


def _memory(layer: LMULayer, rate: float | None) -> MemorySummary:
    memory = layer.memory
    window = None
    if rate is not None:
        seconds = None if memory.theta is None else memory.theta / rate
        window = WindowSeconds(theta_seconds=seconds)
    return MemorySummary(
        order=memory.order,
        channels=memory.channels,
        theta=memory.theta,
        discretizer=memory.discretizer.value,
        trained_matrices=memory.trained is not None,
        cell=None if layer.cell is None else layer.cell.kind,
        window=window,
    )
