"""The psMNIST task: what the committed network outputs, and how the script is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.models.network import LMULayer, SimpleRNNLayer, arrays
from tests.tools import require

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"
SCRIPT = MODELS.parent / "psmnist.py"
STEPS = 784
ORDERS = "psmnist_permutations"


def network() -> lh.Network:
    return lh.load_model(MODELS / "psmnist_lmu2019.npz")


def digits(data_dir: Path, part: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n digits as sequences, spread evenly over a part of MNIST, and their labels."""
    path, orders = (data_dir / "mnist" / f"{name}.npz" for name in ("mnist", ORDERS))
    if not (path.is_file() and orders.is_file()):
        pytest.skip(f"no {path.name} and {orders.name} among the data sets")
    with np.load(orders, allow_pickle=False) as found:
        order = found["nru_paper"]
    with np.load(path, allow_pickle=False) as data:
        at = np.linspace(0, len(data[f"y_{part}"]) - 1, n).round().astype(int)
        pixels = data[f"x_{part}"][at].reshape(n, STEPS)[:, order]
        return pixels[:, :, None] / 255.0, data[f"y_{part}"][at].astype(int)


def test_it_is_the_network_of_the_paper() -> None:
    lmu, digit = network().model.layers
    assert isinstance(lmu, LMULayer)
    assert isinstance(lmu.cell, SimpleRNNLayer)
    assert (lmu.memory.order, lmu.memory.theta, len(lmu.cell.b)) == (256, STEPS, 212)
    # the paper counts 102 k
    assert sum(a.size for layer in (lmu, digit) for _, a in arrays(layer)) == 102_239


def test_its_outputs_are_known() -> None:
    """Of noise and of a blank image, as the network of float64 weights gives them to 1 %."""
    noise = np.random.default_rng(0).integers(0, 256, (1, STEPS, 1)) / 255.0
    y = network().predict(np.concatenate([noise, np.zeros_like(noise)]))
    assert y[0, [4, 5, 6]] == pytest.approx([0.029289, 0.884236, 0.082302], abs=2e-6)
    assert y[1, 5] == pytest.approx(0.9995, abs=1e-4)


@pytest.mark.slow
def test_it_reads_digits(data_dir: Path) -> None:
    x, labels = digits(data_dir, "test", 40)
    assert np.sum(network().predict(x).argmax(1) == labels) >= 38


@pytest.mark.cc
@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize(("weight_bits", "least"), [(8, 96.0), (4, 95.5)])
def test_it_reads_digits_in_integers(weight_bits: int, least: float, data_dir: Path) -> None:
    """97.48 and 97.24 % of all 10,000: docs/results/training.md; a tenth of them is within 1.5."""
    require("cc|gcc|clang")
    calibration, _ = digits(data_dir, "train", 256)
    x, labels = digits(data_dir, "test", 1000)
    widths = lh.Widths(weight_bits=weight_bits, act_bits=8, input_bits=8)
    design = lh.compile(network(), widths=widths, calibration=calibration)
    report = design.evaluate(x, labels)
    assert report.integers.accuracy is not None
    assert 100.0 * report.integers.accuracy >= least
    assert report.agreement.same_class is not None
    assert report.agreement.same_class > 0.98


def script(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("torch", reason="the extra train is not installed")
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def blots(path: Path, n: int) -> None:
    """Write random images in the layout of MNIST."""
    rng = np.random.default_rng(1)
    images = {f"x_{part}": rng.integers(0, 256, (n, 28, 28), np.uint8) for part in PARTS}
    labels = {f"y_{part}": rng.integers(0, 10, n, np.uint8) for part in PARTS}
    np.savez(path, **images, **labels)
    np.savez(path.with_name(f"{ORDERS}.npz"), nru_paper=rng.permutation(STEPS))


PARTS = ("train", "test")


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.parametrize(
    ("options", "name", "parameters"),
    [
        (("--cell", "paper", "--weights", "shipped", "--epochs", "1"), "psmnist_lmu2019", 102_239),
        (("--cell", "small", "--epochs", "1", "--rival-epochs", "1"), "psmnist_small", 9_099),
    ],
)
def test_recurrent_cells_train_and_continue(
    options: tuple[str, ...], name: str, parameters: int, tmp_path: Path
) -> None:
    blots(tmp_path / "mnist.npz", 6)
    run = ("--data", tmp_path, "--out", tmp_path / "out", *options)
    done = script(*run)
    assert done.returncode == 0, done.stderr
    assert f"{parameters}" in done.stdout.splitlines()[1]
    assert "PTQ, 4-bit weights" in done.stdout
    assert ("LSTM, float" in done.stdout) is ("small" in options)
    assert (tmp_path / "out" / f"{name}.png").stat().st_size > 10_000
    # the same command again continues after the last epoch: the time of that epoch comes back too
    assert script(*run, "--quiet").stdout == done.stdout


def test_shipped_weights_are_of_one_cell() -> None:
    done = script("--weights", "shipped")
    assert done.returncode == 1
    assert done.stderr == (
        "error: --weights shipped must come with --cell paper: it is that cell's network\n"
    )
