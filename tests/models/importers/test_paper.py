"""The paper's cell under flat names, against a loop over its equations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward
from lmu_hw.models.importers import load, paper
from lmu_hw.models.importers.array_network import network_of
from lmu_hw.models.importers.bare_arrays import read_arrays
from lmu_hw.models.importers.named_arrays import ImportOptions
from lmu_hw.models.network import Activation, DenseLayer, LMULayer, SimpleRNNLayer
from tests.factories.array_files import write_hdf5
from tests.factories.paper_cell import THETA, Arrays, D, N, X, keras, loop, maths, prefixed

Naming = Callable[[Arrays], Arrays]


FORMS = ["{}", "rnn/rnn/lmu_cell/{}:0", "lmu.cell.{}", "model_weights/rnn/rnn/{}:0"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("naming", [keras, lambda cell: cell])
@pytest.mark.parametrize("theta", [None, THETA])
def test_a_cell_does_what_the_equations_say(form: str, naming: Naming, theta: float | None) -> None:
    cell = maths()
    network = paper.network_of(prefixed(naming(cell), form), theta=theta)
    layer = network.layers[0]
    assert isinstance(layer, LMULayer)
    assert layer.memory.trained is None
    assert (layer.memory.theta, layer.memory.discretizer) == (THETA, Discretizer.ZOH)
    assert isinstance(layer.cell, SimpleRNNLayer)
    assert layer.cell.activation is Activation.TANH
    # forty steps of a stable recursion in float64
    assert np.allclose(forward.run(network, X[None])[0], loop(cell, X), rtol=0, atol=1e-12)


def test_arrays_of_a_layer_are_in_maths_orientation() -> None:
    cell = maths()
    layer = paper.network_of(keras(cell)).layers[0]
    assert isinstance(layer, LMULayer)
    assert isinstance(layer.cell, SimpleRNNLayer)
    assert layer.reads_input
    assert np.array_equal(layer.cell.W, np.hstack([cell["W_m"], cell["W_x"]]))
    assert np.array_equal(layer.cell.U, cell["W_h"])
    assert not np.any(layer.cell.b)
    for name in ("e_x", "e_h", "e_m"):
        assert np.array_equal(getattr(layer, name), cell[name])


@pytest.mark.parametrize("shape", [(N,), (1, N)])
def test_a_bias_is_added(shape: tuple[int, ...]) -> None:
    cell, b = maths(), np.linspace(-0.5, 0.5, N)
    network = paper.network_of(keras(cell) | {"bias": b.reshape(shape)})
    assert np.allclose(forward.run(network, X[None])[0], loop(cell, X, b), rtol=0, atol=1e-12)


def test_a_trained_a_keeps_its_orientation() -> None:
    cell = maths()
    cell["A"] = cell["A"] + 0.02 * np.random.default_rng(2).standard_normal((D, D))
    for arrays in (cell, keras(cell)):
        network = paper.network_of(arrays)
        memory = network.layers[0].memory  # type: ignore[union-attr]
        assert memory.trained is not None
        assert memory.theta is None
        assert np.allclose(forward.run(network, X[None])[0], loop(cell, X), rtol=0, atol=1e-12)


def test_theta_stands_in_for_matrices() -> None:
    cell = maths()
    arrays = {name: array for name, array in cell.items() if name not in "AB"}
    network = paper.network_of(arrays, theta=THETA)
    assert np.allclose(forward.run(network, X[None])[0], loop(cell, X), rtol=0, atol=1e-12)
    with pytest.raises(ModelFileError, match="theta of lmu must be given"):
        paper.network_of(arrays)


def test_cells_and_dense_layers_make_a_chain() -> None:
    """Sizes say that a dense layer is last, even where a file sorts it first."""
    first, second = maths(1), maths(2, n_in=N, theta=30.5)
    W, b = np.arange(3.0 * N).reshape(N, 3) / 10, np.array([1.0, 2.0, 3.0])
    arrays = {
        **prefixed({"kernel": W, "bias": b}, "dense/dense/{}:0"),
        **prefixed(keras(first), "rnn/rnn/{}:0"),
        **prefixed(keras(second), "rnn_1/rnn_1/{}:0"),
        **prefixed({"weight": np.eye(3)}, "last.{}"),
    }
    network = network_of(arrays, ImportOptions(activations=(Activation.LINEAR, Activation.LINEAR)))
    assert network.names == ("rnn.rnn", "rnn_1.rnn_1", "dense.dense", "last")
    assert isinstance(network.layers[2], DenseLayer)
    assert network.layers[2].activation is Activation.LINEAR
    assert network.layers[1].memory.theta == pytest.approx(30.5)  # type: ignore[union-attr]
    expected = loop(second, loop(first, X)) @ W + b
    assert np.allclose(forward.run(network, X[None])[0], expected, rtol=0, atol=1e-12)


def test_a_file_on_disk_comes_through(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    arrays = prefixed(keras(maths()), "rnn/lmu_cell/{}:0")
    np.savez(path, **{name: array.astype(np.float32) for name, array in arrays.items()})
    network = paper.network_of(read_arrays(path), activation=Activation.RELU)
    layer = network.layers[0]
    assert isinstance(layer, LMULayer)
    assert layer.memory.trained is None
    assert layer.memory.theta == THETA
    assert isinstance(layer.cell, SimpleRNNLayer)
    assert layer.cell.activation is Activation.RELU


def test_the_optimizer_of_a_keras_file_is_passed_over() -> None:
    arrays = prefixed(keras(maths()), "model_weights/rnn/rnn/{}:0")
    junk = {"optimizer_weights/Adam/iterations:0": np.zeros(())}
    assert paper.is_paper(arrays)
    assert len(paper.network_of(junk | arrays).layers) == 1


def test_only_the_papers_names_are_the_papers() -> None:
    assert paper.is_paper(prefixed(keras(maths()), "a/b/{}:0"))
    assert not paper.is_paper(maths())
    assert not paper.is_paper({"model_weights/dense/dense/kernel:0": np.eye(2)})


@pytest.mark.parametrize("naming", [keras, lambda cell: cell])
def test_every_wrong_shape_is_named(naming: Naming) -> None:
    arrays = naming(maths())
    for name, array in arrays.items():
        wrong = arrays | {name: np.zeros((*array.shape, 2))}
        with pytest.raises(LMUHWError, match=r"shape \(.*\) but should be \(") as error:
            paper.network_of(wrong)
        assert "\n" not in str(error.value)
    with pytest.raises(ModelFileError, match=r"shape \(3, 5\) but should be \(4, 5\)"):
        paper.network_of(keras(maths()) | {"memory_kernel": np.zeros((3, N))})


@pytest.mark.parametrize("naming", [keras, lambda cell: cell])
def test_every_missing_array_is_named(naming: Naming) -> None:
    arrays = naming(maths())
    for name in arrays:
        rest = {key: array for key, array in arrays.items() if key != name}
        with pytest.raises(ModelFileError, match=r"is missing|both A and B|cannot import"):
            paper.network_of(rest)


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {f"conv{k}/gamma:0": np.zeros(2) for k in range(9)},
        maths() | {"W_q": np.eye(2)},
        maths() | {"norm.weight": np.ones(N), "norm.running_mean": np.ones(N)},
    ],
)
def test_unknown_names_are_listed(arrays: Arrays) -> None:
    with pytest.raises(ModelFileError, match=r"cannot import arrays named .*: supported") as error:
        paper.network_of(arrays)
    assert str(error.value).count("conv") <= 5


def test_linear_layers_alone_are_no_model() -> None:
    with pytest.raises(ModelFileError, match=r"no recurrent layer, only linear .* dense\.\*"):
        paper.network_of({"kernel": np.eye(2), "bias": np.zeros(2)})


def test_the_papers_own_files_keep_their_order(tmp_path: Path) -> None:
    """HDF5 sorts names by letters, which puts rnn_10 before rnn_2."""
    rng = np.random.default_rng(3)
    head = {"kernel": rng.standard_normal((N, 4)), "bias": rng.standard_normal(4)}
    first, second = maths(), maths(seed=2, n_in=N)
    layers = (("rnn_2", keras(first)), ("rnn_10", keras(second)), ("dense_1", head))
    network = load(write_hdf5(tmp_path / "model.hdf5", *layers))
    assert [name.partition(".")[0] for name in network.names] == ["rnn_2", "rnn_10", "dense_1"]
    expected = loop(second, loop(first, X)) @ head["kernel"] + head["bias"]
    # theta is recognised and the matrices are recomputed
    np.testing.assert_allclose(forward.run(network, X[None])[0], expected, atol=1e-9)


def test_activations_that_nobody_stored_are_not_made_up(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    dense = [{"kernel": rng.standard_normal(shape)} for shape in ((N, 5), (5, 3))]
    layers = (("rnn_1", keras(maths())), ("dense_1", dense[0]), ("dense_2", dense[1]))
    with pytest.raises(ModelFileError, match="several linear layers"):
        load(write_hdf5(tmp_path / "model.hdf5", *layers))
