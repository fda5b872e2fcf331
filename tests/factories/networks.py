"""Small float networks of every kind, with random weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lmu_hw.memory.legendre import StateSpace
from lmu_hw.memory.spec import Discretizer
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
    arrays,
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


def rng(*seed: int) -> Rng:
    """Return a generator of random numbers."""
    return np.random.default_rng(seed)


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


def with_classes(first: Layer, *, every_step: bool = False, bias: float = 0.0) -> FloatNetwork:
    """Return a layer with a softmax of three classes behind it, their scores far apart."""
    head = cell(rng(3), "dense", n_out(first), 3, Activation.SOFTMAX)
    head = replace(head, W=4.0 * head.W, b=np.full(3, bias))
    return network(first, head, every_step=every_step)


def random(*shape: int) -> np.ndarray:
    """Return numbers of [-0.5, 0.5], the same ones for the same shape."""
    return np.random.default_rng(shape).uniform(-0.5, 0.5, shape)


def dense(n: int, width: int, activation: Activation = LINEAR) -> DenseLayer:
    """Return a dense layer of `random` weights."""
    return DenseLayer(W=random(n, width), b=random(n), activation=activation)


def arrays_and_memory(layer: Layer) -> list[tuple[str, np.ndarray]]:
    """Return the arrays of a layer by name, with those of its memory."""
    found = list(arrays(layer))
    if isinstance(layer, LMULayer):
        found += [("Abar", layer.memory.system().A), ("Bbar", layer.memory.system().B)]
    return found


def assert_same(network: FloatNetwork, other: FloatNetwork) -> None:
    """Assert that two networks have the same layers and arrays, to the last bit."""
    assert [type(layer) for layer in network.layers] == [type(layer) for layer in other.layers]
    for layer, twin in zip(network.layers, other.layers, strict=True):
        mine, its = arrays_and_memory(layer), arrays_and_memory(twin)
        assert [name for name, _ in mine] == [name for name, _ in its]
        for (name, array), (_, same) in zip(mine, its, strict=True):
            assert np.array_equal(array, same), name


FULL = LMULayer(
    memory=LinearMemory(order=4, theta=20.0, channels=2),
    n_in=3,
    e_x=random(2, 3),
    e_h=random(2, 5),
    e_m=random(2, 8),
    b=random(2),
    reads_input=True,
    cell=SimpleRNNLayer(W=random(5, 11), U=random(5, 5), b=random(5), activation=TANH),
)
"""A layer with every term of the encoder, which reads its input and itself."""
TRAINED = StateSpace(
    A=-0.3 * np.eye(3) + 0.01, B=np.ones(3), scale=np.sqrt(2.0 * np.arange(3) + 1.0)
)
EVERY_KIND = FloatNetwork(
    names=("first", "trained", "lstm", "gru", "head"),
    layers=(
        FULL,
        LMULayer(
            memory=LinearMemory(order=3, theta=7.5, discretizer=Discretizer.EULER, trained=TRAINED),
            n_in=5,
            e_x=random(1, 5),
        ),
        LSTMLayer(W=random(8, 3), U=random(8, 2), b=random(8), activation=TANH, gate=SIGMOID),
        GRULayer(
            W=random(6, 2), U=random(6, 2), b=random(6), c=random(2), activation=TANH, gate=SIGMOID
        ),
        dense(4, 2, Activation.SOFTMAX),
    ),
    every_step=False,
)
"""Layers of every kind, one of them with a trained memory."""
