"""Gradients against finite differences, and windows that are learned."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")


def check(module, x, **options) -> None:
    """Compare the gradients of all parameters and of the input with finite differences."""
    names = [name for name, _ in module.named_parameters()]
    values = [p.detach().clone().requires_grad_() for p in module.parameters()]

    def run(x, *parameters):
        given = dict(zip(names, parameters, strict=True))
        y, _ = torch.func.functional_call(module, given, (x,), options)
        return y

    assert torch.autograd.gradcheck(run, (x.requires_grad_(), *values))


def noise(*shape: int):
    return torch.tensor(np.random.default_rng(1).uniform(-1.0, 1.0, shape))


@pytest.mark.parametrize("discretizer", list(Discretizer))
@pytest.mark.parametrize("last_only", [False, True])
def test_memory(discretizer: Discretizer, last_only: bool) -> None:
    options = {"discretizer": discretizer, "learn_theta": True}
    one = train.LegendreMemory(3, 7.0, channels=2, learn_system=True, **options).double()
    check(one, noise(2, 6, 2), last_only=last_only)
    each = train.LegendreMemory(3, (7.0, 11.0), **options).double()
    check(each, noise(2, 6, 2), last_only=last_only)


@pytest.mark.parametrize(
    "cell", [None, "Dense", "SimpleRNN", "LSTM", "GRU"], ids=lambda c: c or "memory"
)
@pytest.mark.parametrize("encoders", [("e_x",), ("e_x", "e_h", "e_m")], ids=len)
def test_layer(cell: str | None, encoders: tuple[str, ...]) -> None:
    torch.manual_seed(2)
    memory = train.LegendreMemory(3, 7.0, learn_theta=True)
    made = None if cell is None else getattr(train, cell)(5, 2, train.Activation.TANH)
    lmu = train.LMU(2, memory, made, encoders=encoders, bias=True, reads_input=True)
    check(lmu.double(), noise(2, 5, 2))


def test_discretization_is_that_of_networks() -> None:
    """Modules that learn discretize in PyTorch; all others, and networks, in NumPy."""
    for order, theta in ((1, 3.0), (6, 40.0), (32, 300.0)):
        for method in Discretizer:
            memory = train.LegendreMemory(order, theta, discretizer=method, learn_theta=True)
            found = memory.double().recursion()
            theta_of_32_bits = float(memory.theta.detach())
            wanted = discretize(state_space(order), theta_of_32_bits, method)
            A = found.Abar[0].detach().numpy() - np.eye(order)
            size = np.max(np.abs(wanted.A))
            assert pytest.approx(wanted.A, abs=1e-12 * size) == A
            assert found.Bbar[0].detach().numpy() == pytest.approx(wanted.B, abs=1e-12 * size)


@pytest.mark.parametrize("start", [4.0, 0.25])
def test_a_window_four_times_wrong_is_learned(start: float) -> None:
    """A delay of 24 steps, decoded from the oldest end of the window: only theta is trained."""
    torch.manual_seed(3)
    order, theta, steps = 6, 24.0, 200
    rng = np.random.default_rng(4)
    u = np.cumsum(rng.standard_normal((8, steps)), axis=1)
    # slow enough for six coefficients at every theta that is passed
    u = np.stack([np.convolve(row, np.hanning(60) / 30.0, "same") for row in u])
    u = torch.tensor((u - u.mean()) / u.std(), dtype=torch.float32)[:, :, None]
    wanted = train.LegendreMemory(order, theta)
    learned = train.LegendreMemory(order, start * theta, learn_theta=True)
    optimiser = torch.optim.Adam(learned.parameters(), lr=0.05)
    target, _ = wanted(u)
    # P_i(1) = 1: the sum of all coefficients is the oldest sample
    for _ in range(120):
        loss = torch.mean((learned(u)[0].sum(2) - target.sum(2)) ** 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(learned.theta.detach()) == pytest.approx(theta, rel=0.1)


def test_windows_of_channels_are_learned_apart() -> None:
    torch.manual_seed(5)
    u = torch.tensor(np.random.default_rng(6).standard_normal((4, 120, 2)), dtype=torch.float32)
    target, _ = train.LegendreMemory(4, (10.0, 40.0))(u)
    learned = train.LegendreMemory(4, (20.0, 20.0), learn_theta=True)
    optimiser = torch.optim.Adam(learned.parameters(), lr=0.05)
    for _ in range(100):
        loss = torch.mean((learned(u)[0] - target) ** 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert learned.theta.detach().numpy() == pytest.approx([10.0, 40.0], rel=0.1)
