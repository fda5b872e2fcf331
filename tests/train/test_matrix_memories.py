"""Memories with a wrong matrix, of benchmarks/matrix_bits.py, are what the page says."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra train is not installed")

import lmu_hw as lh  # noqa: E402
from benchmarks.matrix_memories import (  # noqa: E402
    LARGE,
    SMALL,
    Digits,
    Rounded,
    float_features,
    moved,
    sequences,
)
from lmu_hw.program.integer_program import DenseUpdate, Role  # noqa: E402
from lmu_hw.program.interpreter import Interpreter  # noqa: E402
from tests.tools import require  # noqa: E402

SIZE = (6, 20)


def pixels(n: int, size: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(size[0]).integers(0, 1021, (n, size[1]))


@pytest.mark.parametrize("size", [SIZE, SMALL])
def test_an_exact_matrix_is_the_memory_of_the_project(size: tuple[int, int]) -> None:
    u = pixels(3, size)
    wanted = [lh.Memory(size[0], theta=size[1]).simulate(row / 1024)[-1] for row in u]
    assert float_features(moved(size, 0.0))(u) == pytest.approx(np.array(wanted), abs=1e-9)


@pytest.mark.parametrize("eps", [-0.1, 0.01])
def test_only_the_diagonal_is_moved(eps: float) -> None:
    A, B, *_ = lh.Memory(SIZE[0], theta=SIZE[1]).to_ss()
    system, u = moved(SIZE, eps), pixels(1, SIZE)
    Abar = A + eps * np.eye(len(A))
    assert system.A + np.eye(len(A)) == pytest.approx(Abar, abs=1e-12)
    assert np.allclose(system.B, np.ravel(B), atol=1e-12)
    radius = np.abs(np.linalg.eigvals(Abar)).max()
    assert system.spectral_radius() == pytest.approx(radius, abs=1e-9)
    m = np.zeros(len(A))
    for x in u[0] / 1024:
        m = Abar @ m + np.ravel(B) * x
    assert float_features(system)(u)[0] == pytest.approx(m, rel=1e-9, abs=1e-12)


def test_a_stable_memory_grows_until_the_end_of_its_window() -> None:
    """What docs/results/matrix_bits.md says of 0.01 added to the diagonal."""
    system = moved(LARGE, 0.01)
    assert system.spectral_radius() < 0.985
    one_pixel = float_features(system)(1024 * np.eye(1200)) / system.scale
    size = np.linalg.norm(one_pixel, axis=1)[::-1]
    assert abs(int(size.argmax()) - LARGE[1]) < 10
    assert 750 < size.max() / size[0] < 850
    assert size[-1] < 0.1 * size[0]


@pytest.mark.cc
@pytest.mark.parametrize("kind", ["dense", "cascade"])
def test_words_are_those_of_the_interpreter(kind: str) -> None:
    require("cc|gcc|clang")
    memory, u = Rounded(kind, 7, SIZE), pixels(5, SIZE)
    assert memory.stable
    interpreter = Interpreter(memory.program, len(u))
    interpreter.run(memory.input_words(u).T[:, :, None])
    assert np.array_equal(memory.words(u), interpreter.save())


@pytest.mark.cc
@pytest.mark.parametrize("kind", ["dense", "cascade"])
def test_sixteen_bits_are_nearly_exact(kind: str) -> None:
    require("cc|gcc|clang")
    u = pixels(5, SIZE)
    wanted = float_features(moved(SIZE, 0.0))(u)
    assert Rounded(kind, 16, SIZE).features(u) == pytest.approx(wanted, abs=2e-4)


@pytest.mark.cc
def test_an_unstable_matrix_is_refused_and_runs_all_the_same() -> None:
    require("cc|gcc|clang")
    memory = Rounded("dense", 4, SMALL)
    assert not memory.stable
    op = memory.program.ops[0]
    assert isinstance(op, DenseUpdate)
    rows = np.ldexp(np.array(op.rows, dtype=float), -np.array(op.shifts)[:, None])
    assert np.abs(np.array(op.rows)).max() <= 7
    # each row is rounded by at most half of its own unit
    unit = np.ldexp(1.0, -np.array(op.shifts))[:, None]
    assert np.all(np.abs(rows - moved(SMALL, 0.0).A) <= 0.5 * unit)
    state = memory.program.with_role(Role.STATE)[0].fmt
    words = memory.words(pixels(2, SMALL))[:, : SMALL[0]]
    assert np.abs(words).max() <= 2 ** (state.width - 1)
    interpreter = Interpreter(memory.program, 2)
    interpreter.run(memory.input_words(pixels(2, SMALL)).T[:, :, None])
    assert np.array_equal(words, interpreter.save()[:, : SMALL[0]])


def test_pixels_of_small_images_are_sums_of_four() -> None:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 2:4, 0:2] = 255
    image[0, 27, 27] = 3
    small, large = sequences(image, 196)[0], sequences(image, 784)[0]
    assert small[14] == 1020
    assert small[-1] == 3
    assert np.count_nonzero(small) == 2
    assert large[2 * 28] == 1020
    assert large[-1] == 12


def test_validation_digits_are_kept_apart(tmp_path: Path) -> None:
    n = 10_020
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(n) % 251
    labels = (np.arange(n) % 10).astype(np.uint8)
    parts = {"x_train": images, "y_train": labels, "x_test": images[:5], "y_test": labels[:5]}
    np.savez(tmp_path / "mnist.npz", **parts)
    found = Digits(Namespace(data=tmp_path, validate=True, limit=None), SMALL)
    assert len(found.u) == len(found.y) == 20
    assert len(found.test_u) == 10_000
    assert found.test_u.max(axis=1)[0] == images[20, 0, 0]
    whole = Digits(Namespace(data=tmp_path, validate=False, limit=7), SMALL)
    assert (len(whole.u), len(whole.test_u)) == (7, 5)


def test_readouts_learn_and_go_on_from_their_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digits that differ in one pixel are told apart by a memory, and not by a blind one."""
    from benchmarks import matrix_bits

    monkeypatch.setattr(matrix_bits, "SEEDS", (0,))
    monkeypatch.setattr(matrix_bits, "EPOCHS", 20)
    images = np.zeros((200, 28, 28), np.uint8)
    labels = (np.arange(200) % 2).astype(np.uint8)
    images[labels == 1, 10:18, 10:18] = 255
    images[:, 0, 0] = np.arange(200)
    parts = {"x_train": images, "y_train": labels, "x_test": images[:50], "y_test": labels[:50]}
    np.savez(tmp_path / "mnist.npz", **parts)
    digits = Digits(Namespace(data=tmp_path, validate=False, limit=None), SMALL)
    features = float_features(moved(SMALL, 0.0))
    first = matrix_bits.Readouts(features, digits, tmp_path / "exact")
    assert first.score(features(digits.test_u)) == [100.0]
    assert first.score(np.zeros((50, SMALL[0]))) == [50.0]
    stored = (tmp_path / "exact_0.pt").stat().st_mtime_ns
    again = matrix_bits.Readouts(features, digits, tmp_path / "exact")
    assert again.score(features(digits.test_u)) == [100.0]
    assert (tmp_path / "exact_0.pt").stat().st_mtime_ns == stored


def test_the_page_shows_every_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    from benchmarks import matrix_bits_page as about
    from benchmarks.results_file import Results

    results = Results(tmp_path / "results.json")
    full = {"kept": [50.0, 51.0], "retrained": [61.5, 62.5], "rms": 1.0, "radius": 0.9}
    for order in about.ORDERS:
        for eps in about.MOVES:
            results.rows[f"diagonal {order} {eps:g}"] = full
    for kind in about.KINDS:
        for bits in about.WIDTHS:
            results.rows[f"{kind} {bits}"] = full | {"stable": bits > 6}
    for name, (_, moves) in about.CELLS.items():
        for eps in moves:
            results.rows[f"{name} {eps:g}"] = {"accuracy": 33.3}
    for bits in about.PAPER_WIDTHS:
        results.rows[f"paper, {bits} bits"] = {"accuracy": 44.4}
    monkeypatch.setattr(about, "PICTURE", tmp_path / "picture.svg")
    about.draw(results)
    assert (tmp_path / "picture.svg").stat().st_size > 10_000
    lines = about.page(results).splitlines()
    assert sum(line.startswith("| 0.01 |") and line.count("33.3") == 2 for line in lines) == 1
    assert sum(line.count("62.00 ± 0.71") == 2 for line in lines) == 19
    assert sum("not stable" in line and line.startswith("| 5 |") for line in lines) == 1
