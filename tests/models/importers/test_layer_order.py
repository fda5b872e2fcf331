"""The order of layers in files of arrays: from names, sizes and places, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmu_hw._support.array_types import Array
from lmu_hw.errors import ModelFileError
from lmu_hw.models import forward
from lmu_hw.models.importers import layer_order, load
from lmu_hw.models.importers.array_network import network_of
from lmu_hw.models.importers.named_arrays import ImportOptions
from lmu_hw.models.network import Activation
from tests.models.importers.test_paper import (
    N_IN,
    Arrays,
    N,
    X,
    keras,
    loop,
    maths,
    prefixed,
    write_hdf5,
)

LINEAR = Activation.LINEAR
NUMPY = np.random.default_rng(6)


def linear(n_in: int, n_out: int) -> Arrays:
    rng = np.random.default_rng(10 * n_in + n_out)
    return {"weight": rng.uniform(-1, 1, (n_out, n_in)), "bias": rng.uniform(-1, 1, n_out)}


def apply(layer: Arrays, x: Array) -> Array:
    return x @ layer["weight"].T + layer["bias"]


def written(suffix: str, path: Path, arrays: Arrays) -> Path:
    path = path / f"m{suffix}"
    if suffix == ".npz":
        np.savez(path, **arrays)
    elif suffix == ".safetensors":
        pytest.importorskip("safetensors.numpy").save_file(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()}, path
        )
    else:
        torch = pytest.importorskip("torch")
        torch.save({name: torch.tensor(array) for name, array in arrays.items()}, path)
    return path


# the cell is as wide as the layer before it reads: both orders fit
BEFORE, CELL = linear(N, N_IN), maths()
ORDERED = prefixed(BEFORE, "proj.{}") | prefixed(CELL, "lmu.{}")
U = NUMPY.standard_normal((40, N))


@pytest.mark.parametrize("suffix", [".npz", ".pt"])
def test_a_linear_layer_before_the_cell_keeps_its_place(suffix: str, tmp_path: Path) -> None:
    network = load(written(suffix, tmp_path, ORDERED))
    assert network.names == ("proj", "lmu")
    expected = loop(CELL, apply(BEFORE, U))
    np.testing.assert_allclose(forward.run(network, U[None])[0], expected, rtol=0, atol=1e-12)
    behind = dict(reversed(ORDERED.items()))
    network = load(written(suffix, tmp_path, behind))
    assert network.names == ("lmu", "proj")
    expected = apply(BEFORE, loop(CELL, X))
    np.testing.assert_allclose(forward.run(network, X[None])[0], expected, rtol=0, atol=1e-12)


def test_an_order_that_a_file_has_lost_is_refused(tmp_path: Path) -> None:
    for path in (
        written(".safetensors", tmp_path, ORDERED),
        written(".npz", tmp_path, dict(sorted(ORDERED.items()))),
    ):
        with pytest.raises(
            ModelFileError, match=r"several orders \(.*lmu 2 to 5.* and the file does not say"
        ) as error:
            load(path)
        assert "number their names, as in 0.weight, or save them in order" in str(error.value)
        assert "\n" not in str(error.value)
    # a checkpoint is written as it was defined, whatever the names
    assert load(written(".pt", tmp_path, dict(sorted(ORDERED.items())))).names == ("lmu", "proj")


@pytest.mark.parametrize(
    "names", [("0", "1"), ("net.2", "net.10"), ("layer", "layer_1"), ("l1.lin", "l2.cell")]
)
@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_numbers_say_the_order(names: tuple[str, str], suffix: str, tmp_path: Path) -> None:
    first, second = prefixed(BEFORE, names[0] + ".{}"), prefixed(CELL, names[1] + ".{}")
    for arrays in (first | second, second | first):
        network = load(written(suffix, tmp_path, arrays))
        assert network.names == names
        expected = loop(CELL, apply(BEFORE, U))
        np.testing.assert_allclose(forward.run(network, U[None])[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt"])
def test_sizes_say_the_order_where_but_one_fits(suffix: str, tmp_path: Path) -> None:
    first, last = linear(7, N_IN), linear(N, 3)
    arrays = prefixed(last, "a.{}") | prefixed(CELL, "b.{}") | prefixed(first, "c.{}")
    network = load(written(suffix, tmp_path, arrays), activations=[LINEAR, LINEAR])
    assert network.names == ("c", "b", "a")
    x = NUMPY.standard_normal((40, 7))
    expected = apply(last, loop(CELL, apply(first, x)))
    np.testing.assert_allclose(forward.run(network, x[None])[0], expected, rtol=0, atol=1e-12)


def test_cells_keep_the_order_of_the_file_where_the_head_comes_first(tmp_path: Path) -> None:
    one, two = maths(1), maths(2, n_in=N, theta=20.0)
    three = maths(3, n_in=N, theta=9.0)
    head = prefixed(linear(N, 3), "head.{}")
    cells = [prefixed(one, "z.{}"), prefixed(two, "y.{}"), prefixed(three, "x.{}")]
    arrays = head | cells[0] | cells[1] | cells[2]
    assert load(written(".npz", tmp_path, arrays)).names == ("z", "y", "x", "head")
    with pytest.raises(ModelFileError, match="several orders"):
        load(written(".safetensors", tmp_path, arrays))


def test_a_keras_file_of_arrays_alone(tmp_path: Path) -> None:
    """Names number the layers of a kind, and say nothing of kinds among each other."""
    head = {"kernel": np.ones((N, 3)), "bias": np.ones(3)}
    layers = (("dense_1", head), ("rnn_2", keras(maths(2, n_in=N))), ("rnn", keras(maths())))
    network = load(write_hdf5(tmp_path / "m.hdf5", *layers))
    assert network.names == ("rnn.rnn", "rnn_2.rnn_2", "dense_1.dense_1")
    back = {"kernel": np.ones((N, N_IN))}
    with pytest.raises(ModelFileError, match="several orders"):
        load(write_hdf5(tmp_path / "n.hdf5", ("dense", back), ("rnn", keras(maths()))))


def test_sizes_that_fit_in_no_order_are_named() -> None:
    arrays = prefixed(maths(), "lmu.{}") | prefixed(linear(4, 3), "fc.{}")
    with pytest.raises(ModelFileError, match=r"no order .* sizes: lmu 2 to 5, fc 4 to 3$"):
        network_of(arrays, ImportOptions())
    # numbers may say what sizes forbid
    arrays = prefixed(linear(N, 3), "0.{}") | prefixed(maths(), "1.{}")
    with pytest.raises(ModelFileError, match=r"no order of the layers fits their sizes"):
        network_of(arrays, ImportOptions())


def test_many_layers_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search among the orders of layers of one size: it would not end."""
    cell = maths(n_in=N)
    arrays = {}
    for k in range(24):
        arrays |= prefixed(cell, f"{chr(97 + k)}.{{}}")
    # of no use to any
    arrays |= prefixed(linear(2, 2), "z.{}")
    with pytest.raises(ModelFileError, match="several orders"):
        network_of(arrays, ImportOptions(), in_order=False)
    monkeypatch.setattr(layer_order, "MAX_PARTS", 24)
    with pytest.raises(ModelFileError, match="25 layers must be at most 24"):
        network_of(arrays, ImportOptions())


def test_a_long_network_is_read_in_its_order() -> None:
    cell = maths(n_in=N)
    arrays: Arrays = {}
    for k in reversed(range(60)):
        arrays |= prefixed(cell, f"{k}.{{}}")
    for in_order in (True, False):
        network = network_of(arrays, ImportOptions(), in_order=in_order)
        assert network.names == tuple(str(k) for k in range(60))
