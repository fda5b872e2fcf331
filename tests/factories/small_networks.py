"""Small networks of every kind, with random weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from lmu_hw.memory.legendre import StateSpace
from lmu_hw.models.network import (
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

TANH, SIGMOID, LINEAR = Activation.TANH, Activation.SIGMOID, Activation.LINEAR
SCALAR = [a for a in Activation if a is not Activation.SOFTMAX]
GATES = [SIGMOID, Activation.HARD_SIGMOID, Activation.HARD_SIGMOID_5]
CELLS = ("dense", "simple_rnn", "lstm", "gru", "old_gru")

Rng = np.random.Generator


def network(*layers: Layer, every_step: bool = True) -> FloatNetwork:
    """Return a chain of layers called ``layer 1`` and so on."""
    names = tuple(f"layer {k}" for k in range(1, len(layers) + 1))
    return FloatNetwork(names=names, layers=layers, every_step=every_step)


def uniform(rng: Rng, *shape: int) -> np.ndarray:
    """Return weights that keep a recursion stable."""
    return rng.uniform(-0.5, 0.5, shape) / np.sqrt(shape[-1])


def cell(
    rng: Rng,
    kind: str,
    n_in: int,
    n: int,
    activation: Activation = TANH,
    gate: Activation = SIGMOID,
) -> Cell:
    """Return a cell of one of `CELLS`."""
    blocks = {"lstm": 4, "gru": 3, "old_gru": 3}.get(kind, 1)
    W, U = uniform(rng, blocks * n, n_in), uniform(rng, blocks * n, n)
    b = rng.uniform(-0.5, 0.5, blocks * n)
    if kind == "dense":
        return DenseLayer(W=W, b=b, activation=activation)
    if kind == "simple_rnn":
        return SimpleRNNLayer(W=W, U=U, b=b, activation=activation)
    if kind == "lstm":
        return LSTMLayer(W=W, U=U, b=b, activation=activation, gate=gate)
    c = rng.uniform(-0.5, 0.5, n) if kind == "gru" else None
    return GRULayer(W=W, U=U, b=b, c=c, activation=activation, gate=gate)


def trained(rng: Rng, order: int, radius: float = 0.9) -> StateSpace:
    """Return a stable memory that is not Legendre's."""
    A = rng.uniform(-1.0, 1.0, (order, order))
    A *= radius / np.max(np.abs(np.linalg.eigvals(A)))
    scale = np.sqrt(2.0 * np.arange(order) + 1.0)
    return StateSpace(A=A - np.eye(order), B=rng.uniform(-1.0, 1.0, order), scale=scale)


def lmu(
    rng: Rng,
    n_in: int,
    *,
    kind: str | None = None,
    n: int = 3,
    reads_input: bool = False,
    terms: tuple[str, ...] = ("e_x",),
    activation: Activation = TANH,
    gate: Activation = SIGMOID,
    memory: LinearMemory | None = None,
) -> LMULayer:
    """Return an LMU layer whose encoder has the terms given, of e_x, e_h, e_m and b."""
    channels = 2 if "e_x" in terms else n_in
    memory = memory or LinearMemory(order=3, theta=9.0, channels=channels)
    channels, n_m = memory.channels, memory.channels * memory.order
    n_read = n_m + (n_in if reads_input else 0)
    hidden = None if kind is None else cell(rng, kind, n_read, n, activation, gate)
    given: dict[str, Any] = {
        "e_x": uniform(rng, channels, n_in),
        "e_h": 0.5 * uniform(rng, channels, n_read if hidden is None else n_out(hidden)),
        "e_m": 0.1 * uniform(rng, channels, n_m),
        "b": rng.uniform(-0.5, 0.5, channels),
    }
    encoder = {name: given[name] for name in terms}
    return LMULayer(memory=memory, n_in=n_in, cell=hidden, reads_input=reads_input, **encoder)


def random_network(seed: int) -> FloatNetwork:
    """Return a stack of one to three layers, every choice by the dice."""
    rng = np.random.default_rng(seed)
    width, layers = int(rng.integers(1, 4)), []
    for _ in range(rng.integers(1, 4)):
        kind, n = str(rng.choice(CELLS)), int(rng.integers(1, 5))
        activation, gate = (list(Activation)[rng.integers(8)], GATES[rng.integers(3)])
        if rng.random() < 0.3:
            layer: Layer = cell(rng, kind, width, n, activation, gate)
        else:
            order, given = int(rng.integers(1, 6)), rng.random(4) < 0.5
            terms = tuple(t for t, g in zip(("e_x", "e_h", "e_m", "b"), given, strict=True) if g)
            channels = int(rng.integers(1, 4)) if "e_x" in terms else width
            system = trained(rng, order) if rng.random() < 0.3 else None
            theta = float(rng.uniform(3.0, 20.0))
            layer = lmu(
                rng,
                width,
                kind=kind if rng.random() < 0.6 else None,
                n=n,
                reads_input=bool(rng.random() < 0.5),
                terms=terms,
                activation=activation,
                gate=gate,
                memory=LinearMemory(order=order, theta=theta, channels=channels, trained=system),
            )
        layers.append(layer)
        width = n_out(layer)
    if rng.random() < 0.3:
        layers.append(cell(rng, "dense", width, 3, Activation.SOFTMAX))
    return network(*layers)
