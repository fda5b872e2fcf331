"""The psMNIST task: what the committed network outputs, and how the script is called."""

from __future__ import annotations

import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from runpy import run_path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import ModelFileError
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
@pytest.mark.soak
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


def blobs(n: int):
    """Return digits of one blob each, as sequences, in an order, and their images."""
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:28, :28]
    row, column = rng.uniform(10, 18, (2, n, 1, 1))
    images = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8.0)
    order = rng.permutation(STEPS)
    x = torch.tensor(images.reshape(n, STEPS)[:, order, None], dtype=torch.float32)
    return x, torch.tensor(order), images


def middles(images: np.ndarray) -> np.ndarray:
    """Return the row and the column of the middle of each image, shape (n, 2)."""
    share = images / images.sum(axis=(1, 2), keepdims=True)
    at = np.arange(28)
    return np.stack([share.sum(axis=2) @ at, share.sum(axis=1) @ at], axis=1)


def test_digits_to_train_on_are_shifted_before_they_are_permuted() -> None:
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    x, order, images = blobs(200)
    torch.manual_seed(0)
    y = run_path(str(SCRIPT))["warped"](x, order)
    assert y.shape == x.shape
    found = np.zeros((200, STEPS))
    found[:, order] = y[:, :, 0]
    moved = middles(found.reshape(images.shape)) - middles(images)
    # 1.5 pixels, and what turning and scaling by a tenth move 4 pixels from the middle
    assert 1.0 < np.abs(moved).max() < 2.6
    assert np.abs(moved.mean(axis=0)).max() < 0.3
    assert np.std(moved, axis=0).min() > 0.6
    # the same blobs, a bit larger or smaller
    mass = found.sum(axis=1) / images.sum(axis=(1, 2))
    assert 0.7 < mass.min() < 0.95 < 1.05 < mass.max() < 1.4


def test_digits_that_are_not_changed_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    x, order, _ = blobs(5)
    warped = run_path(str(SCRIPT))["warped"]
    for name in ("TURN", "SHIFT", "SCALE"):
        monkeypatch.setitem(warped.__globals__, name, 0.0)
    torch.testing.assert_close(warped(x, order), x, rtol=0.0, atol=1e-5)


@pytest.mark.parametrize(
    ("message", "file", "arrays"),
    [
        ("mnist.npz: no array x_test", "mnist", {"x_test": None}),
        ("mnist.npz: x_train must hold integers from 0 to 255", "mnist", {"x_train": np.nan}),
        ("mnist.npz: x_train has shape (6, 784)", "mnist", {"x_train": np.zeros((6, 784), "u1")}),
        ("mnist.npz: y_test must hold integers from 0 to 9", "mnist", {"y_test": 10}),
        (f"{ORDERS}.npz: no array nru_paper", ORDERS, {"nru_paper": None}),
        (f"{ORDERS}.npz: nru_paper has shape (196,)", ORDERS, {"nru_paper": np.arange(196)}),
        (f"{ORDERS}.npz: nru_paper must hold each pixel once", ORDERS, {"nru_paper": 0}),
    ],
)
def test_wrong_data_are_one_line(
    message: str, file: str, arrays: dict[str, object], tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="the extra train is not installed")
    blots(tmp_path / "mnist.npz", 6)
    path = tmp_path / f"{file}.npz"
    with np.load(path) as data:
        given = dict(data)
    for name, value in arrays.items():
        if value is None:
            del given[name]
        else:
            given[name] = value if isinstance(value, np.ndarray) else given[name] * 0 + value
    np.savez(path, **given)
    task, options = run_path(str(SCRIPT)), Namespace(data=tmp_path, validate=False, limit=None)
    with pytest.raises(ModelFileError) as refused:
        task["load"](options, task["pixel_order"](options, 28))
    assert message in str(refused.value)
    assert "download it" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_script_stops_with_that_line(tmp_path: Path) -> None:
    blots(tmp_path / "mnist.npz", 6)
    (tmp_path / f"{ORDERS}.npz").write_bytes(b"nonsense")
    done = script("--data", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert f"{ORDERS}.npz" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
