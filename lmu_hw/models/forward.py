"""Run networks in float64, as the reference for integer programs.

Each step follows the paper: u from the old h and m (equation 7), the memory (4), then the cell from
the new m (6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .._support.array_types import Array
from ..errors import SpecError
from .network import (
    Activation,
    Cell,
    DenseLayer,
    FloatNetwork,
    GRULayer,
    Layer,
    LMULayer,
    LSTMLayer,
    SimpleRNNLayer,
    n_out,
)

Step = Callable[[Array], Array]


def run(
    network: FloatNetwork, x: npt.ArrayLike, progress: Callable[[int], object] | None = None
) -> Array:
    """Run a network from its zero state.

    Parameters
    ----------
    network : FloatNetwork
    x : array_like of float, shape (n_sequences, n_steps, n_in)
    progress : callable, optional
        Called after every step with the number of steps done so far.

    Returns
    -------
    float array, shape (n_sequences, n_steps, n_out), or (n_sequences, n_out)
        The latter if the network outputs the last step only.

    Raises
    ------
    SpecError
        If ``x`` has a wrong shape.
    UnstableError
        If a memory is not stable.
    """
    signal = np.asarray(x, dtype=np.float64)
    if signal.ndim != 3 or signal.shape[2] != network.n_in or not signal.shape[1]:
        raise SpecError(
            f"x has shape {signal.shape} but should be (sequences, steps, {network.n_in})"
        )
    n, n_steps = signal.shape[:2]
    always, late = _due(network)
    steps = [_layer_step(layer, n) for layer in always]
    # all layers run step by step, so that only the outputs need memory
    outputs = np.empty((n, n_steps if network.every_step else 1, network.n_out))
    for t in range(n_steps):
        y = signal[:, t]
        for step in steps:
            y = step(y)
        if network.every_step or t == n_steps - 1:
            for head in late:
                y = _dense(head, y)
            outputs[:, t if network.every_step else 0] = y
        if progress is not None:
            progress(t + 1)
    return outputs if network.every_step else outputs[:, 0]


def stepper(network: FloatNetwork, n_sequences: int = 1) -> Step:
    """Return a function from the input of a step, shape (n_sequences, n_in), to its output.

    It starts from the zero state and keeps the state from call to call; the output is that of every
    step, even where the network has it at the last step only.

    Raises
    ------
    UnstableError
        If a memory is not stable.
    """
    always, late = _due(network)
    steps = [_layer_step(layer, n_sequences) for layer in always]

    def step(x: Array) -> Array:
        for each in steps:
            x = each(x)
        for head in late:
            x = _dense(head, x)
        return x

    return step


def _due(network: FloatNetwork) -> tuple[list[Layer], list[DenseLayer]]:
    """Return the layers that run at every step, and those that run only for an output."""
    always, late = list(network.layers), list[DenseLayer]()
    while always and isinstance(always[-1], DenseLayer):
        late.insert(0, always.pop())  # type: ignore[arg-type]
    last = always[-1] if always else None
    if isinstance(last, LMULayer) and isinstance(last.cell, DenseLayer) and last.e_h is None:
        # the cell has no state and does not feed back to the memory
        always[-1] = replace(last, cell=None)
        late.insert(0, last.cell)
    return always, late


def activate(activation: Activation, x: Array) -> Array:
    """Apply an activation to every element; softmax normalizes over the last axis."""
    if activation is Activation.TANH:
        return np.asarray(np.tanh(x))
    if activation is Activation.SIGMOID:
        # this form never overflows
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
    if activation is Activation.RELU:
        return np.maximum(x, 0.0)
    if activation is Activation.RELU6:
        return np.clip(x, 0.0, 6.0)
    if activation is Activation.HARD_TANH:
        return np.clip(x, -1.0, 1.0)
    if activation is Activation.HARD_SIGMOID:
        return np.clip(x / 6.0 + 0.5, 0.0, 1.0)
    if activation is Activation.HARD_SIGMOID_5:
        return np.clip(x / 5.0 + 0.5, 0.0, 1.0)
    if activation is Activation.SOFTMAX:
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        return np.asarray(e / np.sum(e, axis=-1, keepdims=True))
    return x


def cell_step(cell: Cell, n_sequences: int) -> Step:
    """Return a function that runs one step of a cell, starting from the zero state.

    It takes and returns arrays of shape (n_sequences, width).
    """
    if isinstance(cell, DenseLayer):
        return lambda x: _dense(cell, x)
    if isinstance(cell, SimpleRNNLayer):
        return _simple_rnn(cell, n_sequences)
    return _lstm(cell, n_sequences) if isinstance(cell, LSTMLayer) else _gru(cell, n_sequences)


def _layer_step(layer: Layer, n_sequences: int) -> Step:
    return (
        _lmu(layer, n_sequences) if isinstance(layer, LMULayer) else cell_step(layer, n_sequences)
    )


def _dense(cell: DenseLayer, x: Array) -> Array:
    return activate(cell.activation, x @ cell.W.T + cell.b)


def _simple_rnn(cell: SimpleRNNLayer, n_sequences: int) -> Step:
    h = np.zeros((n_sequences, n_out(cell)))

    def step(x: Array) -> Array:
        nonlocal h
        h = activate(cell.activation, x @ cell.W.T + h @ cell.U.T + cell.b)
        return h

    return step


def _lstm(cell: LSTMLayer, n_sequences: int) -> Step:
    h = c = np.zeros((n_sequences, n_out(cell)))

    def step(x: Array) -> Array:
        nonlocal h, c
        i, f, g, o = np.split(x @ cell.W.T + h @ cell.U.T + cell.b, 4, axis=1)
        kept = activate(cell.gate, f) * c
        c = kept + activate(cell.gate, i) * activate(cell.activation, g)
        h = activate(cell.gate, o) * activate(cell.activation, c)
        return h

    return step


def _gru(cell: GRULayer, n_sequences: int) -> Step:
    n = n_out(cell)
    h = np.zeros((n_sequences, n))
    U_zr, U_g = cell.U[: 2 * n], cell.U[2 * n :]

    def step(x: Array) -> Array:
        nonlocal h
        read = x @ cell.W.T + cell.b
        gates = activate(cell.gate, read[:, : 2 * n] + h @ U_zr.T)
        z, r = gates[:, :n], gates[:, n:]
        fed_back = (r * h) @ U_g.T if cell.c is None else r * (h @ U_g.T + cell.c)
        h = z * h + (1.0 - z) * activate(cell.activation, read[:, 2 * n :] + fed_back)
        return h

    return step


def _lmu(layer: LMULayer, n_sequences: int) -> Step:
    memory = layer.memory.system()
    system, scale = memory.balanced(), memory.scale
    shape = (n_sequences, layer.memory.channels, layer.memory.order)
    # run in orthonormal coordinates m / scale, where float64 is best conditioned
    z = np.zeros(shape)
    # one matrix product for all channels and sequences: NumPy would loop over them
    rows, moved = z.reshape(-1, shape[2]), np.empty(shape)
    moved_rows = moved.reshape(-1, shape[2])
    m = np.zeros((n_sequences, shape[1] * shape[2]))
    h = np.zeros((n_sequences, n_out(layer)))
    cell = None if layer.cell is None else cell_step(layer.cell, n_sequences)

    def step(x: Array) -> Array:
        nonlocal m, h
        u = x if layer.e_x is None else x @ layer.e_x.T
        for encoder, old in ((layer.e_h, h), (layer.e_m, m)):
            if encoder is not None:
                u = u + old @ encoder.T
        if layer.b is not None:
            u = u + layer.b
        np.matmul(rows, system.A.T, out=moved_rows)
        np.add(z, moved, out=z)
        np.multiply(u[:, :, None], system.B, out=moved)
        np.add(z, moved, out=z)
        m = (z * scale).reshape(n_sequences, -1)
        read = np.concatenate([m, x], axis=1) if layer.reads_input else m
        h = read if cell is None else cell(read)
        return h

    return step
