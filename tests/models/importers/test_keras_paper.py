"""Files of the paper's code and of the first keras-lmu: their configuration decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.measure.dataset import Dataset
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward
from lmu_hw.models.importers import load, paper
from lmu_hw.models.importers.hdf5 import read_hdf5
from lmu_hw.models.importers.keras_model import read_legacy, read_weights
from lmu_hw.models.importers.named_arrays import ImportOptions
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    LMULayer,
    LSTMLayer,
    SimpleRNNLayer,
    arrays,
)
from tests.cli.command import call
from tests.factories.paper_cell import THETA, D, N, keras, maths
from tests.factories.paper_files import RNG, cell, layer, stored, write, write_hybrid

X = np.random.default_rng(5).standard_normal((2, 30, 1))


def same(a: FloatNetwork, b: FloatNetwork) -> None:
    assert (a.names, a.every_step) == (b.names, b.every_step)
    for x, y in zip(a.layers, b.layers, strict=True):
        assert type(x) is type(y)
        for (name, got), (wanted_name, wanted) in zip(arrays(x), arrays(y), strict=True):
            assert name == wanted_name
            np.testing.assert_array_equal(got, wanted)
        if isinstance(x, LMULayer) and isinstance(y, LMULayer):
            assert (x.memory.theta, x.memory.discretizer) == (y.memory.theta, y.memory.discretizer)
            assert x.cell is not None
            assert y.cell is not None
            x, y = x.cell, y.cell
        assert x.activation is y.activation
        assert getattr(x, "gate", None) is getattr(y, "gate", None)


GATE = {"sigmoid": Activation.SIGMOID, "hard_sigmoid": Activation.HARD_SIGMOID_5}


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("gate", GATE)
def test_the_papers_hybrid_model(as_list: bool, gate: str, tmp_path: Path) -> None:
    """LMU and LSTM layers in turns, a tanh head: the same network as of plain arrays."""
    path = tmp_path / "hybrid.hdf5"
    lmus, lstms, head = write_hybrid(path, gate=gate, as_list=as_list)
    first, second = (paper.network_of(group).layers[0] for group in lmus)
    gated = [
        LSTMLayer(
            W=group["kernel"].T.copy(),
            U=group["recurrent_kernel"].T.copy(),
            b=group["bias"],
            activation=Activation.TANH,
            gate=GATE[gate],
        )
        for group in lstms
    ]
    W, b = head["kernel"].T.copy(), head["bias"]
    wanted = FloatNetwork(
        names=("rnn_5", "lstm_5", "rnn_6", "lstm_6", "dense_3"),
        layers=(
            first,
            gated[0],
            second,
            gated[1],
            DenseLayer(W=W, b=b, activation=Activation.TANH),
        ),
    )
    network = load(path)
    same(network, wanted)
    assert [layer.memory.theta for layer in network.layers if isinstance(layer, LMULayer)] == [
        4.0,
        4.0,
    ]
    np.testing.assert_array_equal(forward.run(network, X), forward.run(wanted, X))


def ignored(path: Path, **config: Any) -> tuple[Path, Dataset]:
    """Write ``y = tanh(3 relu(2 x))`` of the last step, whose configuration alone says so."""
    one, zero = np.ones, np.zeros
    weights = {
        "r": {
            "input_encoders": one((1, 1)),
            "hidden_encoders": zero((1, 1)),
            "memory_encoders": zero((2, 1)),
            "input_kernel": 2 * one((1, 1)),
            "hidden_kernel": zero((1, 1)),
            "memory_kernel": zero((2, 1)),
        },
        "d": {"kernel": 3 * one((1, 1)), "bias": zero(1)},
    }
    options = {"units": 1, "order": 2, "theta": 8, "hidden_activation": "relu", **config}
    entries = [cell("r", False, **options), layer("Dense", "d", units=1, activation="tanh")]
    x, y = np.full((2, 5, 1), 0.5), np.full((2, 1), np.tanh(3.0))
    np.savez(path.parent / "data.npz", x=x, y=y)
    return write(path, entries, weights), Dataset(sequences=tuple(x))


@pytest.mark.parametrize("options", [(), ("--theta", 8)])
def test_a_configuration_is_not_ignored(
    options: tuple[Any, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, data = ignored(tmp_path / "m.h5")
    found = call(capsys, "inspect", path, "--json", *options).json
    assert [each["activation"] for each in found["layers"]] == ["relu", "tanh"]
    assert (found["output_at"], found["layers"][0]["theta"]) == ("last step", 8)
    y = forward.run(load(path), np.stack(data.sequences))
    np.testing.assert_allclose(y, np.tanh(3.0), rtol=0, atol=1e-15)
    said = call(capsys, "evaluate", path, "--data", tmp_path / "data.npz", "--json", *options)
    assert said.json["float"]["nrmse"] < 1e-12
    # a Q1.15 word
    assert said.json["integer"]["nrmse"] < 1e-4


def test_options_do_not_contradict_a_file(tmp_path: Path) -> None:
    path, _ = ignored(tmp_path / "m.h5", method="euler")
    assert load(path, discretizer=Discretizer.EULER).layers[0].memory.theta == 8  # type: ignore[union-attr]
    with pytest.raises(ModelFileError, match=r"'r' states its theta, 8: leave out --theta"):
        load(path, theta=9.0)
    with pytest.raises(ModelFileError, match="'r' states its discretizer, euler: leave out"):
        load(path, discretizer=Discretizer.ZOH)
    with pytest.raises(ModelFileError, match="'r' states its activation, relu: leave out"):
        read_legacy(read_hdf5(path, "m.h5"), path, ImportOptions(activation=Activation.TANH))
    network = read_legacy(read_hdf5(path, "m.h5"), path, ImportOptions(activation=Activation.RELU))
    same(network, load(path))


def test_what_the_file_leaves_open_is_the_users(tmp_path: Path) -> None:
    """The paper's own cells say nothing of their activation."""
    path = write(tmp_path / "m.h5", [cell("r")], {"r": stored(3, 1)})
    for given, wanted in (
        (ImportOptions(), "tanh"),
        (ImportOptions(activation=Activation.RELU), "relu"),
    ):
        (got,) = read_legacy(read_hdf5(path, "m.h5"), path, given).layers
        assert isinstance(got, LMULayer)
        assert isinstance(got.cell, SimpleRNNLayer)
        assert got.cell.activation.value == wanted


def test_options_for_layers_that_are_not_there(tmp_path: Path) -> None:
    weights = {"d": {"kernel": np.ones((1, 1)), "bias": np.zeros(1)}}
    path = write(tmp_path / "m.h5", [layer("Dense", "d")], weights)
    load(path)
    with pytest.raises(ModelFileError, match="has no LMU layer, so that --theta"):
        load(path, theta=8.0)


def test_keras_lmus_own_files_state_all(tmp_path: Path) -> None:
    """Theta of a legacy file was taken from nowhere but the file, whatever the option said."""
    config = {"memory_d": 1, "order": 2, "theta": 5, "hidden_cell": None}
    entries = [{"class_name": "LMU", "config": {"name": "m", **config}}]
    path = write(tmp_path / "m.h5", entries, {"m": {"kernel": np.ones((1, 1))}})
    for given in (
        ImportOptions(),
        ImportOptions(theta=5.0),
        ImportOptions(discretizer=Discretizer.ZOH),
    ):
        (got,) = read_legacy(read_hdf5(path, "m.h5"), path, given).layers
        assert isinstance(got, LMULayer)
        assert (got.memory.theta, got.memory.discretizer) == (5, Discretizer.ZOH)
    # what Keras takes where a layer is not told
    assert not load(path).every_step
    for given, option in (
        (ImportOptions(theta=6.0), "theta"),
        (ImportOptions(discretizer=Discretizer.EULER), "discretizer"),
        (ImportOptions(activation=Activation.RELU), "activations"),
    ):
        with pytest.raises(ModelFileError, match=f"'m' states its {option}"):
            read_legacy(read_hdf5(path, "m.h5"), path, given)


def test_matrices_that_are_stored_are_what_ran(tmp_path: Path) -> None:
    """A window that is stated and does not fit them is no window; one that is found is."""
    group = stored(1, 1, THETA)
    system = {"units": N, "order": D}
    for stated, wanted in ((THETA, THETA), (50.0, THETA), (None, THETA)):
        path = write(tmp_path / "m.h5", [cell("r", theta=stated, **system)], {"r": group})
        (got,) = load(path).layers
        assert isinstance(got, LMULayer)
        assert (got.memory.theta, got.memory.trained) == (wanted, None)
    trained = {**group, "AT": group["AT"] + 0.02 * RNG.standard_normal((D, D))}
    for stated in (THETA, None):
        path = write(tmp_path / "m.h5", [cell("r", theta=stated, **system)], {"r": trained})
        (got,) = load(path).layers
        assert isinstance(got, LMULayer)
        assert got.memory.trained is not None
        assert got.memory.theta == stated


def test_matrices_of_the_first_keras_lmu(tmp_path: Path) -> None:
    """Its A is Abar transposed, beside a configuration that states theta."""
    letters = maths(1, 1, THETA)
    config = {"memory_d": 1, "order": D, "hidden_cell": None}
    for stated in (THETA, 50.0):
        inner = {"class_name": "LMUCell", "config": {"name": "c", "theta": stated, **config}}
        rnn = {"class_name": "RNN", "config": {"name": "r", "cell": inner}}
        group = {"kernel": np.ones((1, 1)), "A": letters["A"].T, "B": letters["B"].T}
        (got,) = load(write(tmp_path / "m.h5", [rnn], {"r": group})).layers
        assert isinstance(got, LMULayer)
        assert (got.memory.theta, got.memory.trained) == (THETA, None)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"order": 9}, "'r' has arrays for order 4, but 9 in its configuration"),
        ({"units": 9}, "'r' has arrays for units 5, but 9 in its configuration"),
        ({"hidden_activation": "gelu"}, "'r' has activation 'gelu', must be one of"),
        ({"method": "rk4"}, "layer 'r' has discretizer 'rk4', must be one of zoh"),
        ({"theta": "x\x1b[31m"}, "layer 'r': theta must be"),
    ],
)
def test_configurations_that_are_wrong(
    config: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "m.h5", [cell("r", **config)], {"r": keras(maths(1, 1))})
    with pytest.raises(LMUHWError, match=message) as error:
        load(path)
    assert str(error.value).isprintable()


def test_cells_that_compute_something_else(tmp_path: Path) -> None:
    gating = cell("r")
    gating["config"]["cell"]["class_name"] = "LMUCellGating"
    path = write(tmp_path / "m.h5", [gating], {"r": keras(maths(1, 1))})
    with pytest.raises(ModelFileError, match="'r' is a LMUCellGating, which is not supported"):
        load(path)


def test_weights_alone_beside_a_configuration(tmp_path: Path) -> None:
    """Weights that Keras 2 saved alone have no root of their own."""
    weights = {"r": stored(4, 1), "d": {"kernel": np.ones((N, 1)), "bias": np.zeros(1)}}
    entries = [cell("r"), layer("Dense", "d", activation="relu")]
    whole = write(tmp_path / "whole.h5", entries, weights)
    path, spec = tmp_path / "weights.h5", tmp_path / "config.json"
    with h5py.File(path, "w") as file:
        for name, group in weights.items():
            for key, array in group.items():
                file[f"{name}/{name}/{key}:0"] = array.astype(np.float32)
    model = {"class_name": "Sequential", "config": entries, "keras_version": "2.2.4"}
    spec.write_text(json.dumps(model))
    same(load(path, spec=spec), load(whole))
    same(load(whole, spec=spec), load(whole))
    (got, _) = read_weights(path, spec, ImportOptions(activation=Activation.SIGMOID)).layers
    assert isinstance(got, LMULayer)
    assert isinstance(got.cell, SimpleRNNLayer)
    assert got.cell.activation is Activation.SIGMOID
