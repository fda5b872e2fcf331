"""Two windows of one layer, learned from two mixed time scales (benchmarks/window_channels.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

import lmu_hw as lh  # noqa: E402
from benchmarks import window_channels as task  # noqa: E402
from lmu_hw.train import export, predict  # noqa: E402
from tests.tools import require  # noqa: E402


def test_targets_are_the_late_parts_of_the_input() -> None:
    x, y = (part.numpy() for part in task.data(n=4))
    fast, slow = y[:, :, 0], y[:, :, len(task.FAST)]
    k_fast, k_slow = task.FAST[0], task.SLOW[0]
    n = task.STEPS - max(k_fast, k_slow)
    # y is late: fast(t) = y[t + k]
    mixed = fast[:, k_fast : k_fast + n] + slow[:, k_slow : k_slow + n]
    assert mixed == pytest.approx(x[:, :n, 0], abs=1e-6)
    power = (np.abs(np.fft.rfft(slow, axis=1)) ** 2).mean(axis=0)
    assert power[: task.STEPS // 40].sum() > 0.9 * power.sum()


def test_each_channel_becomes_a_layer_with_its_window() -> None:
    model = task.model_of((7.0, 90.0), seed=1)
    network = lh.Network(export(model))
    first, second, last = network.model.layers
    assert [first.memory.theta, second.memory.theta] == pytest.approx([7.0, 90.0])  # type: ignore[union-attr]
    assert isinstance(last, lh.layers.DenseLayer)
    x = task.data(n=2)[0]
    assert network.predict(x.numpy()) == pytest.approx(predict(model, x).numpy(), abs=1e-5)


@pytest.mark.cc
def test_its_words_are_those_of_the_c() -> None:
    require("cc|gcc|clang")
    _, evaluation = task.compiled(task.model_of((7.0, 90.0)), n=4)
    checked = evaluation.engine.checked
    assert checked is not None
    assert checked.words > 1000
    assert evaluation.agreement.nrmse < 0.05


def test_windows_from_one_start_part_at_once() -> None:
    """Both from 30: after a few steps one is shorter, and the other longer."""
    found = task.train(task.model_of((30.0, 30.0)), epochs=4)["theta"][-1]
    assert min(found) < 28.0
    assert max(found) > 30.5


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize("start", [(5.0, 50.0), (30.0, 30.0), (40.0, 400.0)])
def test_both_windows_are_found(start: tuple[float, float], tmp_path: Path) -> None:
    """From half of them, from one between, and from four times too long: within 20 %."""
    model = task.model_of(start)
    found = task.train(model)
    assert sorted(found["theta"][-1]) == pytest.approx(task.BEST, rel=0.2)
    assert found["loss"] < 1e-3
    require("cc|gcc|clang")
    assert task.compiled(model)[0].write(tmp_path / "build").verify(backends=["c"]).passed
