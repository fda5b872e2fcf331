"""Networks at another sample rate than that of training (benchmarks/sample_rates.py)."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra train is not installed")

import lmu_hw as lh
from benchmarks import sample_rates
from benchmarks.sample_rates import evaluated, resampled, scores
from tests.tools import require

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"
RATES = [0.25, 0.7, 1.0, 1.4, 2.0, 4.0]


@pytest.mark.parametrize("ratio", RATES)
def test_a_line_stays_a_line_and_ends_at_the_same_time(ratio: float) -> None:
    line = np.arange(101.0)[None, :, None] * [1.0, -2.0]
    found = resampled(line, ratio)
    steps = int(100 / ratio) + 1
    assert found.shape == (1, steps, 2)
    times = 100 - ratio * np.arange(steps)[::-1]
    # means over a step that reaches beyond the ends hold the last value
    inner = slice(1, -1)
    assert found[0, inner, 0] == pytest.approx(times[inner], abs=1e-9)
    assert found[0, :, 1] == pytest.approx(-2.0 * found[0, :, 0])
    if ratio <= 1.0:
        assert found[0, -1, 0] == pytest.approx(100.0)


def test_the_rate_of_training_changes_nothing() -> None:
    x = np.random.default_rng(0).standard_normal((2, 30, 3))
    assert np.array_equal(resampled(x, 1.0), x)


def test_longer_steps_take_means() -> None:
    x = np.tile([1.0, -1.0], 20)[None, :, None]
    assert np.abs(resampled(x, 4.0)[0, 1:-1]).max() < 0.01


@pytest.mark.parametrize("ratio", [0.25, 0.5, 2.0])
def test_a_retimed_memory_holds_the_same_seconds(ratio: float) -> None:
    """The middle of the window is decoded from both, and is the same past signal."""
    t = np.arange(400.0)
    x = np.sin(2 * np.pi * t / 160)[None, :, None]
    memory = lh.layers.LMULayer(memory=lh.layers.LinearMemory(order=8, theta=80.0), n_in=1)
    network = lh.Network.from_layers(memory, every_step=False)
    middle = lh.Memory(8, theta=80.0).decoder([0.5])[0]
    wanted = middle @ network.predict(x)[0]
    found = middle @ network.retime(ratio).predict(resampled(x, ratio))[0]
    # zoh is half a sample early
    assert found == pytest.approx(wanted, abs=0.04 * max(1.0, ratio))
    other = middle @ network.predict(resampled(x, ratio))[0]
    assert abs(other - wanted) > 0.2


def test_balanced_accuracy_is_the_mean_of_the_classes() -> None:
    require("cc|gcc|clang")
    network = lh.load_model(MODELS / "ecg_beats.npz")
    x = np.random.default_rng(0).normal(0.0, 0.2, (40, 84, 2))
    labels = np.array([0] * 30 + [1] * 10)
    evaluation = evaluated(network, 2.0, (x[:9], x, labels), retimed=True)
    (a, b), (c, d) = evaluation.integers.confusion or ()
    assert scores(evaluation)["integers"] == pytest.approx(50 * (a / (a + b) + d / (c + d)))


@pytest.mark.cc
@pytest.mark.slow
@pytest.mark.soak
def test_digits_are_heard_at_half_and_twice_the_rate(data_dir: Path) -> None:
    require("cc|gcc|clang")
    options = Namespace(data=data_dir, limit=None)
    data = sample_rates.data_of(options, sample_rates.recordings)
    network = lh.load_model(MODELS / "spoken_digits.npz")
    for ratio in (0.5, 2.0):
        found = scores(evaluated(network, ratio, data, retimed=True))
        assert found["integers"] > 92.0
        assert scores(evaluated(network, ratio, data, retimed=False))["integers"] < 60.0
