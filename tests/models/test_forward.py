"""The float forward pass against plain loops over the paper's equations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lmu_hw.errors import SpecError
from lmu_hw.models import forward
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    GRULayer,
    LinearMemory,
    LMULayer,
    LSTMLayer,
)
from tests.factories.networks import FULL, dense, random

S, T, R6 = Activation.SIGMOID, Activation.TANH, Activation.RELU6


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def network(*layers: object, every_step: bool = True) -> FloatNetwork:
    return FloatNetwork(
        names=tuple(f"layer {k}" for k in range(len(layers))), layers=layers, every_step=every_step
    )


def test_equations_6_and_7() -> None:
    """u from the OLD h and m, h from the NEW m, term by term."""
    x = random(9, 3)
    system = FULL.memory.system()
    m, h = np.zeros((2, 4)), np.zeros(5)
    assert FULL.cell is not None
    W_m, W_x = FULL.cell.W[:, :8], FULL.cell.W[:, 8:]
    for t, row in enumerate(x):
        u = FULL.e_x @ row + FULL.e_h @ h + FULL.e_m @ m.reshape(-1) + FULL.b
        m = np.stack([m[c] + system.A @ m[c] + system.B * u[c] for c in range(2)])
        h = np.tanh(W_m @ m.reshape(-1) + W_x @ row + FULL.cell.U @ h + FULL.cell.b)
        # a few roundings of float64
        got = forward.run(network(FULL), x[None, : t + 1])[0, -1]
        np.testing.assert_allclose(got, h, atol=1e-13)


def test_lstm() -> None:
    cell = LSTMLayer(W=random(8, 3), U=random(8, 2), b=random(8), activation=T, gate=S)
    x, h, c = random(6, 3), [0.0] * 2, [0.0] * 2
    for row in x:
        a = cell.W @ row + cell.U @ h + cell.b
        for k in range(2):
            c[k] = sigmoid(a[2 + k]) * c[k] + sigmoid(a[k]) * math.tanh(a[4 + k])
        h = [sigmoid(a[6 + k]) * math.tanh(c[k]) for k in range(2)]
    np.testing.assert_allclose(forward.run(network(cell), x[None])[0, -1], h, atol=1e-14)


@pytest.mark.parametrize("reset_after", [True, False])
def test_gru(reset_after: bool) -> None:
    c = random(2) if reset_after else None
    cell = GRULayer(W=random(6, 3), U=random(6, 2), b=random(6), c=c, activation=T, gate=S)
    x, h = random(6, 3), np.zeros(2)
    for row in x:
        a, U = cell.W @ row + cell.b, cell.U
        z = [sigmoid(v) for v in a[:2] + U[:2] @ h]
        r = np.array([sigmoid(v) for v in a[2:4] + U[2:4] @ h])
        fed = U[4:] @ (r * h) if c is None else r * (U[4:] @ h + c)
        g = np.tanh(a[4:] + fed)
        h = z * h + (1 - np.array(z)) * g
    np.testing.assert_allclose(forward.run(network(cell), x[None])[0, -1], h, atol=1e-14)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("linear", [-7, -2, 0.5, 2, 7]),
        ("tanh", [math.tanh(v) for v in (-7, -2, 0.5, 2, 7)]),
        ("sigmoid", [sigmoid(v) for v in (-7, -2, 0.5, 2, 7)]),
        ("relu", [0, 0, 0.5, 2, 7]),
        ("relu6", [0, 0, 0.5, 2, 6]),
        ("hard_tanh", [-1, -1, 0.5, 1, 1]),
        ("hard_sigmoid", [0, 1 / 6, 0.5 + 0.5 / 6, 5 / 6, 1]),
        ("hard_sigmoid_5", [0, 0.1, 0.6, 0.9, 1]),
    ],
)
def test_activations(activation: str, expected: list[float]) -> None:
    got = forward.activate(Activation(activation), np.array([-7, -2, 0.5, 2, 7]))
    np.testing.assert_allclose(got, expected, atol=1e-15)


def test_extreme_arguments_do_not_overflow() -> None:
    x = np.array([[-1e4, 1e4]])
    assert forward.activate(S, x).tolist() == [[0.0, 1.0]]
    assert forward.activate(Activation.SOFTMAX, x).tolist() == [[0.0, 1.0]]


def test_stacks_batches_and_last_steps() -> None:
    x = random(4, 6, 3)
    stack = (FULL, dense(4, 5, T), dense(2, 4, Activation.SOFTMAX))
    every = forward.run(network(*stack), x)
    assert every.shape == (4, 6, 2)
    np.testing.assert_allclose(every.sum(axis=2), 1.0)
    np.testing.assert_array_equal(forward.run(network(*stack, every_step=False), x), every[:, -1])
    # sequences do not know of each other; BLAS may sum in another order
    alone = np.stack([forward.run(network(*stack), row[None])[0] for row in x])
    np.testing.assert_allclose(alone, every, atol=1e-14)


LATE = [
    # layers, and how often their activations are taken in 6 steps that end in one output
    ((FULL, dense(4, 5, R6), dense(2, 4, R6)), 2),
    (
        (
            LMULayer(
                memory=LinearMemory(order=3, theta=9.0),
                n_in=3,
                e_x=random(1, 3),
                cell=dense(4, 3, R6),
            ),
        ),
        1,
    ),
    ((dense(4, 3, R6), dense(2, 4, R6)), 2),
    # what the memory hears, and what a layer with a state reads, is due at every step
    (
        (
            LMULayer(
                memory=LinearMemory(order=3, theta=9.0),
                n_in=3,
                e_x=random(1, 3),
                e_h=random(1, 4),
                cell=dense(4, 3, R6),
            ),
        ),
        6,
    ),
    ((dense(3, 3, R6), FULL), 6),
]


@pytest.mark.parametrize(("layers", "count"), LATE)
def test_what_only_an_output_needs_runs_once(
    layers: tuple[object, ...], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, seen = random(4, 6, 3), []
    every = forward.run(network(*layers), x)
    original = forward.activate

    def spy(activation: Activation, values: np.ndarray) -> np.ndarray:
        seen.append(activation)
        return original(activation, values)

    monkeypatch.setattr(forward, "activate", spy)
    last = forward.run(network(*layers, every_step=False), x)
    assert seen.count(R6) == count
    np.testing.assert_array_equal(last, every[:, -1])


def test_progress_is_told_at_every_step() -> None:
    steps: list[int] = []
    forward.run(network(FULL), random(2, 5, 3), steps.append)
    assert steps == [1, 2, 3, 4, 5]


def test_x_itself_may_be_u() -> None:
    layer = LMULayer(memory=LinearMemory(order=3, theta=9.0, channels=2), n_in=2)
    y = forward.run(network(layer), np.ones((1, 400, 2)))[0, -1]
    # a constant fills the window: m = (u, 0, 0)
    np.testing.assert_allclose(y, [1, 0, 0, 1, 0, 0], atol=1e-9)


def test_wrong_shapes() -> None:
    for shape in ((4, 3), (1, 5, 2), (1, 0, 3)):
        with pytest.raises(SpecError, match=r"should be \(sequences, steps, 3\)"):
            forward.run(network(FULL), np.zeros(shape))
    assert isinstance(dense(1, 1), DenseLayer)
