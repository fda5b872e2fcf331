"""Gradients of layers whose signals are known are those of the plain loop over the steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lmu_hw.models.network import Activation
from lmu_hw.program.fixedpoint import from_real
from lmu_hw.program.integer_program import Role
from lmu_hw.program.interpreter import Interpreter

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")
cells = pytest.importorskip("lmu_hw.train.cells")
layer = pytest.importorskip("lmu_hw.train.layer")

N, STEPS = 5, 30


def noise(seed: int = 0):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.uniform(-1.0, 1.0, (N, STEPS, 2)))


def partly():
    """Return an LMU without e_h and e_m, whose cell does not read the input; two channels."""
    memory = train.LegendreMemory(3, 9.0, channels=2)
    return train.LMU(2, memory, train.SimpleRNN(6, 4, Activation.SIGMOID), encoders=("e_x",))


def without_e_m():
    memory = train.LegendreMemory(3, 9.0)
    cell = train.SimpleRNN(5, 4, "relu")
    return train.LMU(2, memory, cell, encoders=("e_x", "e_h"), bias=True, reads_input=True)


MODELS: dict[str, Callable[[], Any]] = {
    "paper": lambda: [train.LMU.of_paper(2, 5, 4, 9.0), train.LMU.of_paper(5, 4, 3, 5.0)],
    "channels": lambda: [train.LMU.of_paper(2, 5, 4, 9.0, memory_d=2)],
    "partly": lambda: [partly()],
    "without e_m": lambda: [without_e_m()],
    "LSTM": lambda: [train.LSTM(2, 5), train.LSTM(5, 4, "hard_tanh", "hard_sigmoid")],
    "hybrid": lambda: [train.LMU.of_paper(2, 5, 4, 9.0), train.LSTM(5, 4)],
    "memories read by an LSTM": lambda: [
        train.LMU(2, train.LegendreMemory(4, 9.0, channels=2), train.LSTM(8, 4), encoders=())
    ],
}


@pytest.mark.some(5)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("every_step", [False, True])
def test_gradients_are_those_of_the_plain_loop(
    name: str, every_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = MODELS[name]()
    n = layers[-1].output_size if isinstance(layers[-1], train.LMU) else layers[-1].hidden_size
    model = train.Model([*layers, train.Dense(n, 2)], every_step=every_step).double()
    made = train.Quantized(model, train.Widths(weight_bits=5), list(noise().numpy()))
    start = torch.tensor(states(made))

    def gradients(*given: Any) -> list[Any]:
        made.zero_grad()
        x = noise(1).requires_grad_()
        y, _ = made(x, *given)
        (y * torch.arange(1.0, 1.0 + y.numel()).view(y.shape).cos()).sum().backward()
        return [y.detach(), x.grad, *(p.grad.clone() for p in made.parameters())]

    for given in ((), (start,)):
        found, plain = gradients(*given), []
        with monkeypatch.context() as patch:
            for module in (cells, layer):
                patch.setattr(module, "known", lambda estimator, names: None)
            plain = gradients(*given)
        for a, b in zip(found, plain, strict=True):
            assert torch.allclose(a, b, rtol=1e-9, atol=1e-12)
        assert any(p.abs().max() > 1e-3 for p in found[2:])


def states(made: Any) -> Any:
    """Return the states of a program after some steps."""
    program = made.design().program
    (source,) = program.with_role(Role.INPUT)
    words, _ = from_real(noise(2).numpy(), source.fmt)
    runner = Interpreter(program, N)
    runner.run(words.transpose(1, 0, 2))
    return runner.save()


def test_the_plain_loop_stays_for_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that are learned have gradients of their own."""

    def refused(*given: Any) -> Any:
        raise AssertionError("a known step")

    monkeypatch.setattr(layer, "lmu_steps", refused)
    lmu = train.LMU.of_paper(2, 5, 4, 9.0, learn_theta=True)
    made = train.Quantized(train.Model([lmu]), train.Widths(), list(noise().numpy()))
    y, _ = made(noise().float())
    y.sum().backward()
    assert lmu.memory.log_theta.grad.abs().max() > 0.0
