"""Trained networks in floating point: a chain of layers, independent of the training framework.

Weight matrices have a row for each output: a layer computes ``W x + b``. A cell that reads several
vectors reads them concatenated in the order that its docstring gives. ``m`` of several channels is
channel-major: all coefficients of the first channel, then those of the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import ClassVar

import numpy as np

from .._support.array_types import Array
from .._support.channel import Channel, check_channels
from .._support.validation import check_int, check_positive
from ..errors import SpecError, UnstableError
from ..memory.discretize import discretize
from ..memory.legendre import StateSpace, state_space
from ..memory.spec import MAX_ORDER, MAX_THETA, Discretizer

MIN_THETA = 1e-3
"""Shortest window [samples]: one that was trained may be shorter than a sample."""
MAX_NAME = 100
"""Longest name of a layer [characters]."""
MAX_VALUE = 1e30
"""Limit of every magnitude in an array: squares and their sums must stay finite."""
MAX_UNITS = 4096
"""Widest layer."""


class Activation(Enum):
    """A scalar function of every element; softmax, the exception, may only end a network."""

    LINEAR = "linear"
    TANH = "tanh"
    SIGMOID = "sigmoid"
    RELU = "relu"
    RELU6 = "relu6"
    HARD_TANH = "hard_tanh"
    """x limited to -1..1."""
    HARD_SIGMOID = "hard_sigmoid"
    """x / 6 + 1/2 limited to 0..1, as in Keras 3."""
    HARD_SIGMOID_5 = "hard_sigmoid_5"
    """x / 5 + 1/2 limited to 0..1, as in Keras 2."""
    SOFTMAX = "softmax"


@dataclass(frozen=True, eq=False, kw_only=True)
class DenseLayer:
    """``y = f(W x + b)``.

    Parameters
    ----------
    W : float array, shape (n, n_in)
    b : float array, shape (n,)
    activation : Activation
    """

    kind: ClassVar[str] = "Dense"
    W: Array
    b: Array
    activation: Activation

    def __post_init__(self) -> None:
        _check_shapes(self, len(self.b), {"W": 1, "b": 1})


@dataclass(frozen=True, eq=False, kw_only=True)
class SimpleRNNLayer:
    """``h' = f(W x + U h + b)``.

    Parameters
    ----------
    W : float array, shape (n, n_in)
    U : float array, shape (n, n)
    b : float array, shape (n,)
    activation : Activation
    """

    kind: ClassVar[str] = "SimpleRNN"
    W: Array
    U: Array
    b: Array
    activation: Activation

    def __post_init__(self) -> None:
        _check_shapes(self, len(self.b), {"W": 1, "U": 1, "b": 1})


@dataclass(frozen=True, eq=False, kw_only=True)
class LSTMLayer:
    """``i, f, g, o = W x + U h + b;  c' = s(f) c + s(i) a(g);  h' = s(o) a(c')``.

    Parameters
    ----------
    W : float array, shape (4 n, n_in)
        Rows of i, then f, g, o.
    U : float array, shape (4 n, n)
    b : float array, shape (4 n,)
    activation : Activation
        The function a.
    gate : Activation
        The function s.
    """

    kind: ClassVar[str] = "LSTM"
    W: Array
    U: Array
    b: Array
    activation: Activation
    gate: Activation

    def __post_init__(self) -> None:
        _check_shapes(self, len(self.b) // 4, {"W": 4, "U": 4, "b": 4})


@dataclass(frozen=True, eq=False, kw_only=True)
class GRULayer:
    """``z, r = s(W x + U h + b);  g = a(W_g x + b_g + r (U_g h + c));  h' = z h + (1 - z) g``.

    Parameters
    ----------
    W : float array, shape (3 n, n_in)
        Rows of z, then r, g.
    U : float array, shape (3 n, n)
    b : float array, shape (3 n,)
    c : float array, shape (n,), optional
        The bias inside the reset gate's product. None: the original form, ``U_g (r h)``.
    activation : Activation
        The function a.
    gate : Activation
        The function s.
    """

    kind: ClassVar[str] = "GRU"
    W: Array
    U: Array
    b: Array
    c: Array | None = None
    activation: Activation
    gate: Activation

    def __post_init__(self) -> None:
        blocks = {"W": 3, "U": 3, "b": 3} | ({} if self.c is None else {"c": 1})
        _check_shapes(self, len(self.b) // 3, blocks)


Cell = DenseLayer | SimpleRNNLayer | LSTMLayer | GRULayer


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearMemory:
    """The linear memory of an LMU layer.

    Parameters
    ----------
    order : int
        Number of coefficients of each channel, d.
    theta : float or None
        Window length [samples], 1e-3 to 1e6. None if unknown, which only ``trained`` allows.
    discretizer : Discretizer
    channels : int
        Number of independent memories, each with an input of its own.
    trained : StateSpace, optional
        ``(Abar - I, Bbar)`` of a memory whose matrices were trained. None: a Legendre memory.
    """

    order: int
    theta: float | None
    discretizer: Discretizer = Discretizer.ZOH
    channels: int = 1
    trained: StateSpace | None = None

    def __post_init__(self) -> None:
        check_int("order", self.order, 1, MAX_ORDER)
        check_int("channels (memory_d)", self.channels, 1, MAX_UNITS)
        if self.theta is None and self.trained is None:
            raise SpecError("theta must be given for a memory without A and B: they follow from it")
        if self.theta is not None and not (
            MIN_THETA <= check_positive("theta", self.theta) <= MAX_THETA
        ):
            raise SpecError(
                f"theta must be from {MIN_THETA:g} to {MAX_THETA:g} samples, not {self.theta:g}"
            )
        if self.trained is not None:
            _check_array("A", self.trained.A, (self.order, self.order))
            _check_array("B", self.trained.B, (self.order,))
            radius = self.trained.spectral_radius()
            if not radius < 1.0:
                raise UnstableError(
                    f"the trained A has a pole of magnitude {radius:.6g}: must be < 1"
                )

    def system(self) -> StateSpace:
        """Return the recursion of one channel.

        Raises
        ------
        UnstableError
            If euler is asked for below the smallest stable theta.
        """
        if self.trained is not None:
            return self.trained
        assert self.theta is not None, "checked above"
        return discretize(state_space(self.order), self.theta, self.discretizer)


@dataclass(frozen=True, eq=False, kw_only=True)
class LMULayer:
    """An LMU layer (equations 6 and 7): encoders, a memory, and the cell that reads it.

    ``u = e_x x + e_h h + e_m m + b`` with h and m of the previous step; then u updates the memory;
    then the cell reads the new m, followed by x if ``reads_input`` is set.

    Parameters
    ----------
    memory : LinearMemory
    n_in : int
        Width of x.
    e_x : float array, shape (channels, n_in), optional
        None: u = x, with one element for each channel.
    e_h : float array, shape (channels, n), optional
    e_m : float array, shape (channels, channels * order), optional
    b : float array, shape (channels,), optional
    cell : Cell, optional
        None: the layer outputs the vector that a cell would read.
    reads_input : bool
    """

    kind: ClassVar[str] = "LMU"
    memory: LinearMemory
    n_in: int
    e_x: Array | None = None
    e_h: Array | None = None
    e_m: Array | None = None
    b: Array | None = None
    cell: Cell | None = None
    reads_input: bool = False

    def __post_init__(self) -> None:
        channels, n_m = self.memory.channels, self.memory.channels * self.memory.order
        check_int("n_in", self.n_in, 1, MAX_UNITS)
        n_h = n_out(self.cell) if self.cell is not None else self.n_read
        shapes = {
            "e_x": (channels, self.n_in),
            "e_h": (channels, n_h),
            "e_m": (channels, n_m),
            "b": (channels,),
        }
        for name, shape in shapes.items():
            if (array := getattr(self, name)) is not None:
                _check_array(name, array, shape)
        if self.e_x is None and self.n_in != channels:
            raise SpecError(f"x must have {channels} words if e_x is left out, not {self.n_in}")
        if self.cell is not None and n_in(self.cell) != self.n_read:
            raise SpecError(
                f"the hidden cell must read {self.n_read} words ({n_m} of the memory"
                f"{f', {self.n_in} of the input' if self.reads_input else ''}), "
                f"not {n_in(self.cell)}"
            )

    @property
    def n_read(self) -> int:
        """Width of the vector that the cell reads."""
        n_m = self.memory.channels * self.memory.order
        return n_m + (self.n_in if self.reads_input else 0)


Layer = Cell | LMULayer


@dataclass(frozen=True, eq=False, kw_only=True)
class FloatNetwork:
    """A chain of layers.

    Parameters
    ----------
    names : tuple of str
        Names of the layers.
    layers : tuple of Layer
    every_step : bool
        Whether the network outputs at every step, rather than at the last one only.
    inputs, outputs : tuple of Channel, optional
        What each element of the input and of the output stands for.
    """

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    every_step: bool = True
    inputs: tuple[Channel, ...] | None = None
    outputs: tuple[Channel, ...] | None = None

    def __post_init__(self) -> None:
        if not self.layers or len(self.names) != len(self.layers):
            raise SpecError("a network must have at least one layer, and a name for each")
        for name in self.names:
            if not 0 < len(name) <= MAX_NAME or not name.isprintable():
                raise SpecError(
                    f"a layer's name must be 1 to {MAX_NAME} printable characters, "
                    f"not {name[:MAX_NAME]!r}"
                )
        for name, layer, after in zip(self.names, self.layers, self.layers[1:], strict=False):
            if n_out(layer) != n_in(after):
                raise SpecError(
                    f"the layer after {name!r} must read {n_out(layer)} words, not {n_in(after)}"
                )
        for layer in self.layers[:-1]:
            if _activation(layer) is Activation.SOFTMAX:
                raise SpecError("softmax must be the last activation of a network")
        if self.inputs is not None:
            check_channels("the input", self.inputs, self.n_in)
        if self.outputs is not None:
            check_channels("the output", self.outputs, self.n_out)

    @property
    def n_in(self) -> int:
        """Width of the input."""
        return n_in(self.layers[0])

    @property
    def n_out(self) -> int:
        """Width of the output."""
        return n_out(self.layers[-1])

    @property
    def is_classifier(self) -> bool:
        """Whether the network ends with a softmax, so that its outputs score classes."""
        return _activation(self.layers[-1]) is Activation.SOFTMAX


def scores(network: FloatNetwork) -> FloatNetwork:
    """Return the network without its softmax: it outputs scores instead of probabilities."""
    if not network.is_classifier:
        return network
    last = network.layers[-1]
    if isinstance(last, LMULayer):
        assert last.cell is not None, "a memory has no softmax"
        last = replace(last, cell=replace(last.cell, activation=Activation.LINEAR))
    else:
        last = replace(last, activation=Activation.LINEAR)
    return replace(network, layers=(*network.layers[:-1], last))


def n_in(layer: Layer) -> int:
    """Return the width of a layer's input."""
    return layer.n_in if isinstance(layer, LMULayer) else layer.W.shape[1]


def n_out(layer: Layer) -> int:
    """Return the width of a layer's output."""
    if isinstance(layer, LMULayer):
        return layer.n_read if layer.cell is None else n_out(layer.cell)
    return len(layer.b) // {LSTMLayer: 4, GRULayer: 3}.get(type(layer), 1)


def arrays(layer: Layer) -> Iterator[tuple[str, Array]]:
    """Yield the trained arrays of a layer by name; those of its cell as ``cell.W``."""
    own = ("e_x", "e_h", "e_m", "b") if isinstance(layer, LMULayer) else ("W", "U", "b", "c")
    for name in own:
        if (array := getattr(layer, name, None)) is not None:
            yield name, array
    if isinstance(layer, LMULayer):
        if layer.memory.trained is not None:
            yield "A", layer.memory.trained.A
            yield "B", layer.memory.trained.B
        if layer.cell is not None:
            yield from ((f"cell.{name}", array) for name, array in arrays(layer.cell))


def dense_multiplies(layer: Layer) -> int:
    """Return the multiplications in a step of a layer, with its memory as a full matrix.

    Counts products with weights, memory matrices and gates.
    """
    if not isinstance(layer, LMULayer):
        if isinstance(layer, DenseLayer):
            return layer.W.size
        gates = 0 if isinstance(layer, SimpleRNNLayer) else 3 * n_out(layer)
        return layer.W.size + layer.U.size + gates
    encoders = sum(e.size for e in (layer.e_x, layer.e_h, layer.e_m) if e is not None)
    update = layer.memory.channels * layer.memory.order**2
    return encoders + update + (0 if layer.cell is None else dense_multiplies(layer.cell))


def retime(network: FloatNetwork, dt_ratio: float) -> FloatNetwork:
    """Return the network for another sample rate: same weights, same windows in seconds.

    Parameters
    ----------
    network : FloatNetwork
    dt_ratio : float
        New step over old step, > 0.

    Raises
    ------
    SpecError
        If a memory has trained matrices, which have no theta to change.
    """
    ratio = check_positive("dt ratio", dt_ratio)
    return replace(
        network,
        layers=tuple(
            replace(layer, memory=_retimed(name, layer.memory, ratio))
            if isinstance(layer, LMULayer)
            else layer
            for name, layer in zip(network.names, network.layers, strict=True)
        ),
    )


def _retimed(name: str, memory: LinearMemory, ratio: float) -> LinearMemory:
    if memory.trained is not None or memory.theta is None:
        raise SpecError(
            f"layer {name!r} must have a Legendre memory to be retimed; its A was trained"
        )
    return replace(memory, theta=memory.theta / ratio)


def _activation(layer: Layer) -> Activation | None:
    if isinstance(layer, LMULayer):
        return None if layer.cell is None else layer.cell.activation
    return layer.activation


def _check_shapes(cell: Cell, n: int, blocks: dict[str, int]) -> None:
    check_int("units", n, 1, MAX_UNITS)
    width = cell.W.shape[1] if cell.W.ndim == 2 else 0
    check_int("inputs", width, 1, MAX_UNITS)
    for name, count in blocks.items():
        rows = count * n
        shape = {"W": (rows, width), "U": (rows, n)}.get(name, (rows,))
        _check_array(name, getattr(cell, name), shape)


def _check_array(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape:
        raise SpecError(f"{name} has shape {array.shape} but should be {shape}")
    # NaN fails every comparison
    if array.dtype != np.float64 or not np.all(np.abs(array) < MAX_VALUE):
        raise SpecError(f"{name} must hold finite float64 numbers, below {MAX_VALUE:g}")
    array.setflags(write=False)
