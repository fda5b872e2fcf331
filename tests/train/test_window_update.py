"""Weights keep their impulse response where a window gets shorter."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.legendre import legval

torch = pytest.importorskip("torch", reason="the extra train is not installed")
train = pytest.importorskip("lmu_hw.train")

from lmu_hw.train.window_update import ADAPTED, WindowUpdate, shortened  # noqa: E402


def response(W: np.ndarray, theta: float, tau: np.ndarray) -> np.ndarray:
    """Return what a row of weights does to an impulse of the past, from its definition."""
    n = 2.0 * np.arange(len(W)) + 1.0
    return legval(2.0 * tau / theta - 1.0, W * n / theta)


@pytest.mark.parametrize("order", [1, 4, 20])
@pytest.mark.parametrize("ratio", [1.0, 0.97, 0.4])
def test_the_response_is_kept(order: int, ratio: float) -> None:
    W = np.random.default_rng(order).standard_normal(order)
    tau = np.linspace(0.0, 9.0 * ratio, 50)
    wanted = response(W, 9.0, tau)
    found = response(W @ shortened(order, ratio), 9.0 * ratio, tau)
    assert found == pytest.approx(wanted, abs=1e-9 * np.abs(wanted).max())


def test_readers_of_each_channel_follow_its_window() -> None:
    memory = train.LegendreMemory(4, (8.0, 20.0), learn_theta=True)
    lmu = train.LMU(3, memory, train.Dense(11, 5), reads_input=True)
    before, update = lmu.cell.W.detach().clone().double(), WindowUpdate(train.Model([lmu]))
    memory.log_theta.data += torch.log(torch.tensor([1.5, 0.5]))
    update.follow()
    W = lmu.cell.W.detach().double()
    # a longer window and x are read as before
    assert torch.equal(W[:, :4], before[:, :4])
    assert torch.equal(W[:, 8:], before[:, 8:])
    wanted = before[:, 4:8].numpy() @ shortened(4, 0.5)
    assert W[:, 4:8].numpy() == pytest.approx(wanted, abs=1e-5)
    known = update.trained_for[0].tolist()
    assert known == pytest.approx([8.0 * 1.5**ADAPTED, 10.0], rel=1e-6)


def test_all_channels_of_one_window_and_their_encoders_follow() -> None:
    lmu = train.LMU.of_paper(1, 3, 4, 20.0, memory_d=2, learn_theta=True)
    torch.nn.init.normal_(lmu.e_m)
    update, old = WindowUpdate(lmu), [lmu.cell.W.detach().clone(), lmu.e_m.detach().clone()]
    lmu.memory.log_theta.data -= 0.1
    update.follow()
    change = shortened(4, float(np.exp(-0.1)))
    for weights, before in zip((lmu.cell.W, lmu.e_m), old, strict=True):
        for at in (slice(0, 4), slice(4, 8)):
            wanted = before[:, at].double().numpy() @ change
            assert weights.detach()[:, at].numpy() == pytest.approx(wanted, abs=1e-5)
    # to and fro within what the weights have adapted to changes nothing
    kept = lmu.cell.W.detach().clone()
    for move in (0.2, -0.1):
        lmu.memory.log_theta.data += move
        update.follow()
    assert torch.equal(lmu.cell.W.detach(), kept)


def test_fixed_and_trained_matrices_are_left_alone() -> None:
    system = train.LegendreMemory(4, 9.0, learn_theta=True, learn_system=True)
    fixed = train.LegendreMemory(4, 9.0)
    layers = [train.LMU(1, m, train.Dense(4, 1)) for m in (system, fixed)]
    assert WindowUpdate(train.Model(layers)).trained_for == []
