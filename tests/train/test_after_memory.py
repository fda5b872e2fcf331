"""Training on states of a fixed memory that are computed once."""

from __future__ import annotations

import pytest

from lmu_hw.models.network import Activation

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")
after_memory = pytest.importorskip("lmu_hw.train.after_memory")

STEPS = 30


def model(lmu, **options):
    layers = [lmu, train.Dense(lmu.output_size, 3, Activation.SOFTMAX)]
    return train.Model(layers, **({"every_step": False} | options))


def feed_forward(**options):
    return train.LMU.feed_forward(2, 7, 5, float(STEPS), **options)


def test_outputs_and_gradients_are_those_of_the_model() -> None:
    made = model(feed_forward())
    assert after_memory.has_fixed_memory(made)
    x = torch.randn(11, STEPS, 2)
    m = after_memory.last_states(made, x, batch_size=4)
    assert not m.requires_grad
    y = after_memory.AfterMemory(made)(m)
    wanted, _ = made(x)
    torch.testing.assert_close(y, wanted)
    parameters = list(made.parameters())
    for got, expected in zip(
        torch.autograd.grad(y.square().sum(), parameters),
        torch.autograd.grad(wanted.square().sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_a_memory_that_depends_on_weights_is_not_fixed() -> None:
    assert not after_memory.has_fixed_memory(model(feed_forward(learn_theta=True)))
    assert not after_memory.has_fixed_memory(model(feed_forward(), every_step=True))
    assert not after_memory.has_fixed_memory(model(train.LMU.of_paper(2, 7, 5, float(STEPS))))
    memory = train.LegendreMemory(5, float(STEPS), channels=2)
    encoded = train.LMU(2, memory, train.Dense(10, 7))
    assert not after_memory.has_fixed_memory(model(encoded))
    recurrent = train.LMU(2, memory, train.SimpleRNN(10, 7), encoders=())
    assert not after_memory.has_fixed_memory(model(recurrent))
