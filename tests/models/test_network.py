"""Networks: shapes that must agree, what they cost, other sample rates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lmu_hw.errors import SpecError, UnstableError
from lmu_hw.memory.legendre import StateSpace
from lmu_hw.models import forward
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    GRULayer,
    LinearMemory,
    LMULayer,
    LSTMLayer,
    SimpleRNNLayer,
    arrays,
    dense_multiplies,
    n_in,
    n_out,
    retime,
)

TANH, LINEAR = Activation.TANH, Activation.LINEAR


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).uniform(-0.5, 0.5, shape)


def dense(n: int, width: int, activation: Activation = LINEAR) -> DenseLayer:
    return DenseLayer(W=random(n, width), b=random(n), activation=activation)


def lmu(**options: object) -> LMULayer:
    given = {
        "memory": LinearMemory(order=4, theta=20.0, channels=2),
        "n_in": 3,
        "e_x": random(2, 3),
    }
    return LMULayer(**(given | options))


FULL = lmu(
    e_h=random(2, 5),
    e_m=random(2, 8),
    b=random(2),
    reads_input=True,
    cell=SimpleRNNLayer(W=random(5, 11), U=random(5, 5), b=random(5), activation=TANH),
)


def test_widths() -> None:
    assert (n_in(FULL), n_out(FULL)) == (3, 5)
    assert n_out(lmu()) == 8
    assert n_out(lmu(reads_input=True)) == 11
    lstm = LSTMLayer(W=random(8, 3), U=random(8, 2), b=random(8), activation=TANH, gate=TANH)
    gru = GRULayer(W=random(6, 3), U=random(6, 2), b=random(6), activation=TANH, gate=TANH)
    assert [n_out(cell) for cell in (lstm, gru, dense(7, 3))] == [2, 2, 7]
    assert [name for name, _ in arrays(FULL)][:5] == ["e_x", "e_h", "e_m", "b", "cell.W"]


def test_dense_multiplies() -> None:
    encoders, cell = 2 * (3 + 5 + 8), 5 * 11 + 5 * 5
    assert dense_multiplies(FULL) == encoders + 32 + cell
    assert dense_multiplies(lmu()) == 6 + 32
    gru = GRULayer(W=random(6, 3), U=random(6, 2), b=random(6), activation=TANH, gate=TANH)
    assert dense_multiplies(gru) == 6 * 3 + 6 * 2 + 3 * 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"e_x": random(3, 3)}, r"e_x has shape \(3, 3\) but should be \(2, 3\)"),
        ({"e_x": None}, "x must have 2 words if e_x is left out, not 3"),
        ({"e_h": random(2, 3)}, r"e_h has shape \(2, 3\) but should be \(2, 8\)"),
        ({"cell": dense(5, 7)}, r"must read 8 words \(8 of the memory\), not 7"),
        ({"cell": dense(5, 8), "reads_input": True}, r"must read 11 words .*3 of the input"),
        ({"b": np.array([0.0, np.nan])}, "b must hold finite float64 numbers"),
        ({"b": np.zeros(2, dtype=np.float32)}, "b must hold finite float64 numbers"),
    ],
)
def test_shapes_that_do_not_agree(options: dict[str, object], text: str) -> None:
    with pytest.raises(SpecError, match=text):
        lmu(**options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"order": 10**9}, "order must be a whole number from 1 to 1024"),
        ({"theta": 0.0}, "theta must be > 0"),
        ({"theta": float("nan")}, "theta must be a finite number"),
        ({"theta": 1e9}, r"theta must be from 0.001 to 1e\+06 samples"),
        ({"channels": 0}, r"channels \(memory_d\) must be a whole number"),
    ],
)
def test_memories_that_cannot_be(options: dict[str, object], text: str) -> None:
    with pytest.raises(SpecError, match=text):
        LinearMemory(**({"order": 4, "theta": 20.0} | options))


def test_a_chain_must_fit() -> None:
    FloatNetwork(names=("a", "b"), layers=(FULL, dense(2, 5)))
    with pytest.raises(SpecError, match="the layer after 'a' must read 5 words, not 4"):
        FloatNetwork(names=("a", "b"), layers=(FULL, dense(2, 4)))
    with pytest.raises(SpecError, match="at least one layer"):
        FloatNetwork(names=(), layers=())
    with pytest.raises(SpecError, match="softmax must be the last"):
        FloatNetwork(names=("a", "b"), layers=(dense(2, 3, Activation.SOFTMAX), dense(2, 2)))


def test_retimed_to_twice_the_rate() -> None:
    """A slow signal, sampled twice as fast, gives nearly the same features at the same times."""
    memory_only = FloatNetwork(names=("m",), layers=(lmu(),))
    fast = retime(memory_only, 0.5)
    layer = fast.layers[0]
    assert isinstance(layer, LMULayer)
    assert layer.memory.theta == 40
    t = np.arange(120)[:, None] / np.array([37.0, 51.0, 67.0])
    slow_y = forward.run(memory_only, np.sin(t)[None])[0]
    fast_y = forward.run(fast, np.sin(np.repeat(t, 2, axis=0))[None])[0]
    # the held input is the same function of time: zoh makes no error at all
    np.testing.assert_allclose(fast_y[1::2], slow_y, atol=1e-12)


def test_a_trained_matrix_has_no_theta_to_change() -> None:
    system = StateSpace(A=-0.5 * np.eye(4), B=np.ones(4), scale=np.ones(4))
    trained = lmu(memory=LinearMemory(order=4, theta=20.0, channels=2, trained=system))
    with pytest.raises(SpecError, match="layer 'm' must have a Legendre memory to be retimed"):
        retime(FloatNetwork(names=("m",), layers=(trained,)), 2.0)
    with pytest.raises(SpecError, match="dt ratio must be > 0"):
        retime(FloatNetwork(names=("m",), layers=(lmu(),)), 0.0)
    assert dict(arrays(trained)).keys() >= {"A", "B"}


def test_a_window_may_be_unknown_where_the_matrix_was_trained() -> None:
    system = StateSpace(A=-0.5 * np.eye(4), B=np.ones(4), scale=np.ones(4))
    memory = LinearMemory(order=4, theta=None, channels=2, trained=system)
    assert memory.system() is system
    with pytest.raises(SpecError, match="its A was trained"):
        retime(FloatNetwork(names=("m",), layers=(lmu(memory=memory),)), 2.0)
    with pytest.raises(SpecError, match="theta must be given for a memory without A and B"):
        LinearMemory(order=4, theta=None)


def test_trained_matrices_are_checked() -> None:
    def memory(A: np.ndarray) -> LinearMemory:
        system = StateSpace(A=A, B=np.ones(len(A)), scale=np.ones(len(A)))
        return LinearMemory(order=4, theta=20.0, trained=system)

    with pytest.raises(SpecError, match=r"A has shape \(5, 5\) but should be \(4, 4\)"):
        memory(-np.eye(5))
    with pytest.raises(SpecError, match="A must hold finite"):
        memory(np.full((4, 4), np.nan))
    with pytest.raises(UnstableError, match="pole of magnitude 5"):
        memory(4 * np.eye(4))


@pytest.mark.parametrize("name", ["", "x" * 101, "two\nlines", "\x1b[31m"])
def test_names_that_a_terminal_would_obey(name: str) -> None:
    with pytest.raises(SpecError, match="a layer's name must be 1 to 100 printable characters"):
        FloatNetwork(names=(name,), layers=(FULL,))


def test_weights_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        FULL.e_x[0, 0] = 1.0  # type: ignore[index]
    replace(FULL, reads_input=True)
