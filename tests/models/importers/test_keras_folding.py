"""Layers of Keras that fold away or do nothing, in every container, and what cannot fold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.network import Activation, DenseLayer, FloatNetwork, LMULayer, LSTMLayer, n_out
from tests.models.importers.keras_files import (
    functional,
    layer,
    lmu,
    sequential,
    write_keras,
    write_legacy,
    write_numbered,
)

Array = np.ndarray
Entry = tuple[dict[str, Any], str, dict[str, Array]]
"""Configuration of a layer, where its arrays lie by number and by name, arrays in order."""

TOLERANCE = 1e-12
"""Of the largest output: some roundings of float64 in another order."""
WIDTH, N = 3, 4
RNG = np.random.default_rng(17)


def random(*shape: int, low: float = -0.6) -> Array:
    return RNG.uniform(low, 0.6, shape).astype(np.float32).astype(np.float64)


def batch(name: str, n: int, **options: Any) -> Entry:
    arrays = {
        "gamma": random(n),
        "beta": random(n),
        "moving_mean": random(n),
        "moving_variance": random(n, low=0.1),
    }
    for option, array in ("scale", "gamma"), ("center", "beta"):
        if options.get(option) is False:
            del arrays[array]
    config = {"axis": -1, "epsilon": 0.01, "center": True, "scale": True} | options
    return layer("BatchNormalization", name, **config), "", arrays


def normalization(name: str, n: int) -> Entry:
    arrays = {"mean": random(n), "variance": random(n, low=0.1), "count": np.array(7.0)}
    config = {"axis": [-1], "invert": False, "mean": None, "variance": None}
    return layer("Normalization", name, **config), "", arrays


def rescaling(name: str, scale: Any, offset: Any) -> Entry:
    return layer("Rescaling", name, scale=scale, offset=offset), "", {}


def dense(name: str, n_in: int, n: int, activation: str = "linear") -> Entry:
    arrays = {"kernel": random(n_in, n), "bias": random(n)}
    return layer("Dense", name, units=n, activation=activation, use_bias=True), "", arrays


def lstm(name: str, n_in: int, n: int, **options: Any) -> Entry:
    arrays = {"kernel": random(n_in, 4 * n), "recurrent_kernel": random(n, 4 * n)}
    config = {"units": n, "activation": "tanh", "recurrent_activation": "sigmoid"}
    return (
        layer("LSTM", name, **config, **{"return_sequences": True, **options}),
        "cell",
        arrays | {"bias": random(4 * n)},
    )


def gru(name: str, n_in: int, n: int) -> Entry:
    arrays = {"kernel": random(n_in, 3 * n), "recurrent_kernel": random(n, 3 * n)}
    config = {"units": n, "activation": "tanh", "recurrent_activation": "sigmoid"}
    return (
        layer("GRU", name, **config, return_sequences=True, reset_after=True),
        "cell",
        arrays | {"bias": random(2, 3 * n)},
    )


def memory(name: str, n_in: int, *, kernel: bool = True, reads_input: bool = False) -> Entry:
    """Return an LMU layer without a cell: four coefficients of each channel."""
    channels = 1 if kernel else n_in
    config = lmu(
        name,
        None,
        memory_d=channels,
        kernel_initializer="glorot_uniform" if kernel else None,
        input_to_hidden=reads_input,
    )
    return config, "layer/cell", {"kernel": random(n_in, channels)} if kernel else {}


def nothing(kind: str, name: str, **options: Any) -> Entry:
    return layer(kind, name, **options), "", {}


def each_step(name: str, inner: Entry) -> Entry:
    return layer("TimeDistributed", name, layer=inner[0]), "layer", inner[2]


def place(entry: Entry) -> str:
    """Return the group in which numbered files keep a layer's arrays."""
    kinds = {
        "BatchNormalization": "batch_normalization",
        "TimeDistributed": "time_distributed",
    }
    kind = entry[0]["class_name"]
    return "/".join(filter(None, (kinds.get(kind, kind.lower()), entry[1])))


def write(build_dir: Path, container: str, entries: list[Entry]) -> FloatNetwork:
    """Write a model, each class but once, in a container, and import it."""
    config = (functional if container == "functional" else sequential)(
        *(entry[0] for entry in entries), width=WIDTH
    )
    numbered = {place(entry): list(entry[2].values()) for entry in entries}
    named = {
        f"{entry[0]['config']['name']}/{entry[0]['config']['name']}/{key}": array
        for entry in entries
        for key, array in entry[2].items()
    }
    spec = None
    if container in ("keras", "functional"):
        path = build_dir / "model.keras"
        write_keras(path, config, numbered)
    elif container == "weights":
        path, spec = build_dir / "model.weights.h5", build_dir / "config.json"
        write_numbered(path, numbered)
        spec.write_text(json.dumps(config))
    elif container == "old weights":
        path, spec = build_dir / "weights.h5", build_dir / "config.json"
        with h5py.File(path, "w") as file:
            for key, array in named.items():
                file[f"{key}:0"] = array
        spec.write_text(json.dumps(config))
    else:
        path = build_dir / "model.h5"
        write_legacy(path, config, named, version="2.4.0" if container == "h5 2" else "3.9.0")
    return load(path, spec=spec)


def expected(build_dir: Path, entries: list[Entry], x: Array) -> Array:
    """Return what Keras computes: layers in turn, those that scale by their own formulas."""
    for entry in entries:
        config, arrays = entry[0]["config"], entry[2]
        kind = entry[0]["class_name"]
        if kind == "TimeDistributed":
            kind, config = config["layer"]["class_name"], config["layer"]["config"]
        if kind == "BatchNormalization":
            deviation = np.sqrt(arrays["moving_variance"] + config["epsilon"])
            x = (x - arrays["moving_mean"]) / deviation * arrays.get("gamma", 1.0)
            x = x + arrays.get("beta", 0.0)
        elif kind == "Normalization":
            x = (x - arrays["mean"]) / np.maximum(np.sqrt(arrays["variance"]), 1e-7)
        elif kind == "Rescaling":
            x = x * np.asarray(config["scale"]) + np.asarray(config["offset"])
        elif kind == "Activation":
            x = forward.activate(Activation(config["activation"]), x)
        elif kind in ("Dense", "LSTM", "GRU", "LMU"):
            x = forward.run(alone(build_dir, entry, x.shape[-1]), x if x.ndim == 3 else x[:, None])
            x = x[:, 0] if x.shape[1] == 1 else x
    return x


def alone(build_dir: Path, entry: Entry, width: int) -> FloatNetwork:
    config = sequential(entry[0], width=width)
    write_keras(build_dir / "alone.keras", config, {place(entry): list(entry[2].values())})
    return load(build_dir / "alone.keras")


MODELS: dict[str, list[Entry]] = {
    "before a dense layer": [batch("s", WIDTH), dense("d", WIDTH, N, "tanh")],
    "after a linear one": [dense("d", WIDTH, N), batch("s", N, scale=False)],
    "then a function": [
        dense("d", WIDTH, N),
        batch("s", N),
        nothing("Activation", "f", activation="relu"),
    ],
    "before an LSTM": [normalization("s", WIDTH), lstm("r", WIDTH, N)],
    "before a GRU": [normalization("s", WIDTH), gru("r", WIDTH, N)],
    "before an encoder": [batch("s", WIDTH, center=False), memory("m", WIDTH)],
    "before a bare memory": [
        rescaling("s", 0.5, [0.1, -0.2, 0.3]),
        memory("m", WIDTH, kernel=False),
    ],
    "past a memory": [
        batch("s", WIDTH),
        memory("m", WIDTH, reads_input=True),
        dense("d", 4 + WIDTH, 2),
    ],
    "between functions": [
        dense("d", WIDTH, N, "tanh"),
        batch("s", N),
        nothing("Activation", "f", activation="relu"),
    ],
    "at the end": [lstm("r", WIDTH, N, return_sequences=False), batch("s", N, axis=1)],
    "several": [
        rescaling("a", 2.0, -1.0),
        normalization("b", WIDTH),
        nothing("Dropout", "o", rate=0.5),
        batch("c", WIDTH, axis=[2]),
        lstm("r", WIDTH, N),
    ],
    "flattened": [
        nothing("GaussianNoise", "g", stddev=1.0),
        lstm("r", WIDTH, N, return_sequences=False),
        nothing("Flatten", "f"),
        nothing("ActivityRegularization", "x"),
        nothing("Activation", "l", activation="linear"),
        dense("d", N, 2),
    ],
    "each step": [
        nothing("SpatialDropout1D", "o", rate=0.1),
        each_step("t", dense("d", WIDTH, N, "relu")),
        nothing("Identity", "i"),
        lstm("r", N, N),
    ],
    "each step scaled": [
        lstm("r", WIDTH, N),
        each_step("t", batch("s", N, axis=[1])),
        dense("d", N, 2),
    ],
    "a linear layer first": [dense("d", WIDTH, WIDTH), memory("m", WIDTH), batch("s", 4)],
}


@pytest.mark.parametrize("name", MODELS)
def test_it_computes_what_keras_computes(name: str, tmp_path: Path) -> None:
    x = np.random.default_rng(3).standard_normal((2, 12, WIDTH))
    wanted = expected(tmp_path, MODELS[name], x)
    got = forward.run(write(tmp_path, "keras", MODELS[name]), x)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=TOLERANCE * np.max(np.abs(wanted)))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("container", ["functional", "weights", "old weights", "h5", "h5 2"])
def test_every_container(name: str, container: str, tmp_path: Path) -> None:
    x = np.random.default_rng(3).standard_normal((2, 9, WIDTH))
    wanted = forward.run(write(tmp_path, "keras", MODELS[name]), x)
    np.testing.assert_array_equal(forward.run(write(tmp_path, container, MODELS[name]), x), wanted)


def kinds(network: FloatNetwork) -> list[tuple[str, str]]:
    return [(name, x.kind) for name, x in zip(network.names, network.layers, strict=True)]


def test_what_folds_leaves_no_layer(tmp_path: Path) -> None:
    found = {name: kinds(write(tmp_path, "keras", model)) for name, model in MODELS.items()}
    assert found["several"] == [("r", "LSTM")]
    assert found["then a function"] == [("d", "Dense")]
    assert found["past a memory"] == [("m", "LMU"), ("d", "Dense")]
    assert found["each step scaled"] == [("r", "LSTM"), ("d", "Dense")]
    # between two functions, and after one: a layer of its own
    assert found["between functions"] == [("d", "Dense"), ("s", "Dense")]
    assert found["at the end"] == [("r", "LSTM"), ("s", "Dense")]


def test_a_linear_layer_before_the_memory_keeps_its_place(tmp_path: Path) -> None:
    for container in ("keras", "functional", "weights", "old weights", "h5", "h5 2"):
        network = write(tmp_path, container, MODELS["a linear layer first"])
        assert kinds(network) == [("d", "Dense"), ("m", "LMU"), ("s", "Dense")]


def test_a_function_folds_into_the_linear_cell_of_a_memory(tmp_path: Path) -> None:
    cell = layer("Dense", "c", units=N, activation="linear", use_bias=True)
    scaled, _, arrays = batch("s", N)
    for feeds_back in (False, True):
        first = lmu("m", cell, hidden_to_memory=feeds_back, kernel_initializer="ones")
        config = sequential(first, scaled, layer("ReLU", "f"), width=WIDTH)
        weights = {
            "lmu/layer/cell": [random(WIDTH + N * feeds_back, 1)],
            "lmu/hidden_cell": [random(4, N), random(N)],
            "batch_normalization": list(arrays.values()),
        }
        write_keras(tmp_path / "m.keras", config, weights)
        network = load(tmp_path / "m.keras")
        # what is fed back comes before the scaling
        assert kinds(network) == [("m", "LMU"), *([("s", "Dense")] if feeds_back else [])]
        last = network.layers[-1]
        last = last.cell if isinstance(last, LMULayer) else last
        assert isinstance(last, DenseLayer)
        assert last.activation is Activation.RELU


def test_numbers_in_the_configuration(tmp_path: Path) -> None:
    """Keras writes arrays as lists, or as objects of its own."""
    array = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0, 3.0], "dtype": "float32"}}
    options = {"axis": [-1], "mean": [1.0, 2.0, 3.0], "variance": [4.0, 4.0, 1.0]}
    for config in (
        layer("Normalization", "s", **options),
        layer("Normalization", "s", **options | {"mean": array}),
    ):
        write_keras(tmp_path / "m.keras", sequential(config, width=WIDTH), {})
        (got,) = load(tmp_path / "m.keras").layers
        assert isinstance(got, DenseLayer)
        np.testing.assert_array_equal(got.W, np.diag([0.5, 0.5, 1.0]))
        np.testing.assert_array_equal(got.b, [-0.5, -1.0, -3.0])
    inverse = layer("Normalization", "s", axis=None, mean=3.0, variance=4.0, invert=True)
    write_keras(tmp_path / "m.keras", sequential(inverse, width=WIDTH), {})
    (got,) = load(tmp_path / "m.keras").layers
    assert isinstance(got, DenseLayer)
    assert (got.W.tolist(), got.b.tolist()) == (np.diag([2.0] * 3).tolist(), [3.0] * 3)


def test_a_cell_that_a_recurrent_layer_wraps(tmp_path: Path) -> None:
    entry = lstm("r", WIDTH, N)
    (wanted,) = alone(tmp_path, entry, WIDTH).layers
    cell = {"class_name": "LSTMCell", "config": {**entry[0]["config"], "name": "cell"}}
    wrapped = layer("RNN", "r", cell=cell, return_sequences=True)
    write_keras(
        tmp_path / "m.keras", sequential(wrapped, width=WIDTH), {"rnn/cell": [*entry[2].values()]}
    )
    (got,) = load(tmp_path / "m.keras").layers
    assert isinstance(got, LSTMLayer)
    assert isinstance(wanted, LSTMLayer)
    np.testing.assert_array_equal(got.W, wanted.W)
    assert (n_out(got), got.gate) == (N, wanted.gate)


REFUSED: list[tuple[list[Entry], str]] = [
    ([nothing("Masking", "k", mask_value=0.0)], "'k' is a Masking, .* it skips steps"),
    ([nothing("Flatten", "f"), dense("d", WIDTH, 2)], "'f' .Flatten. joins all steps in one"),
    ([batch("s", WIDTH, axis=1), dense("d", WIDTH, 2)], "'s' has axis 1, must be -1"),
    ([batch("s", WIDTH, axis=[1, 2])], r"'s' has axis \[1, 2\], must be -1"),
    ([batch("s", WIDTH, renorm=True)], "'s' must have no renorm"),
    ([batch("s", N), dense("d", WIDTH, 2)], r"'s' has \(4,\) numbers but should have \(3,\)"),
    ([rescaling("s", [1, 2], 0), rescaling("t", 1, [1, 2, 3])], r"'s' has \(2,\) numbers"),
    ([rescaling("s", "x", 0.0)], "layer 's': could not convert"),
    ([rescaling("s", float("inf"), 0.0)], "'s' must hold finite numbers, and variances"),
    ([each_step("t", lstm("r", WIDTH, N))], "must be a TimeDistributed of Dense"),
    (
        [lstm("r", WIDTH, N), nothing("Activation", "f", activation="relu")],
        "'f' is an activation and must follow a linear Dense",
    ),
    ([dense("d", WIDTH + 1, 2)], "'d' reads 4 words, but the model's input has 3"),
]


@pytest.mark.parametrize(("entries", "message"), REFUSED)
def test_what_cannot_be_right(entries: list[Entry], message: str, tmp_path: Path) -> None:
    with pytest.raises(LMUHWError, match=message) as error:
        write(tmp_path, "keras", entries)
    assert str(error.value).isprintable()


def test_a_negative_variance(tmp_path: Path) -> None:
    entry = batch("s", WIDTH)
    entry[2]["moving_variance"][1] = -1.0
    with pytest.raises(
        ModelFileError, match="'s' must hold finite numbers, and variances that are"
    ):
        write(tmp_path, "keras", [entry])


def test_a_shift_before_a_memory_that_feeds_back_its_own_input(tmp_path: Path) -> None:
    """At the first step it would feed back the shift, which was never there."""
    layers = [lmu("m", None, hidden_to_memory=True, input_to_hidden=True)]
    weights = {"lmu/layer/cell": [random(WIDTH + 4 + WIDTH, 1)]}
    write_keras(tmp_path / "m.keras", sequential(*layers, width=WIDTH), weights)
    load(tmp_path / "m.keras")
    layers = [rescaling("s", 2.0, 1.0)[0], *layers]
    write_keras(tmp_path / "m.keras", sequential(*layers, width=WIDTH), weights)
    with pytest.raises(ModelFileError, match="'s' must not precede an LMU layer that feeds"):
        load(tmp_path / "m.keras")


def test_inputs_that_are_no_sequences(tmp_path: Path) -> None:
    config = sequential(dense("d", WIDTH, 2)[0], width=WIDTH)
    config["config"]["layers"][0]["config"]["batch_shape"] = [None, 5, 5, WIDTH]
    weights = {"dense": list(dense("d", WIDTH, 2)[2].values())}
    write_keras(tmp_path / "m.keras", config, weights)
    with pytest.raises(ModelFileError, match="reads arrays of 4 axes, must be"):
        load(tmp_path / "m.keras")
    del config["config"]["layers"][0]
    config["config"]["layers"][0] = rescaling("s", 2.0, 1.0)[0]
    write_keras(tmp_path / "m.keras", config, weights)
    with pytest.raises(ModelFileError, match="layer 's' has an input of unknown width"):
        load(tmp_path / "m.keras")


def test_a_state_is_not_an_output(tmp_path: Path) -> None:
    """A layer that returns its state beside its output: only the output goes on."""
    entries = [lstm("r", WIDTH, N, return_state=True), dense("d", N, 2)]
    write(tmp_path, "functional", entries)
    for version, refers in (
        (3, lambda k: [{"args": [{"config": {"keras_history": ["r", 0, k]}}], "kwargs": {}}]),
        (2, lambda k: [[["r", 0, k, {}]]]),
    ):
        for k in range(3):
            config = functional(*(entry[0] for entry in entries), width=WIDTH)
            config["config"]["layers"][-1]["inbound_nodes"] = refers(k)
            config["config"]["output_layers"] = [["d", 0, 0]]
            weights = {place(entry): list(entry[2].values()) for entry in entries}
            write_keras(tmp_path / f"m{version}.keras", config, weights)
            if k == 0:
                load(tmp_path / f"m{version}.keras")
                continue
            with pytest.raises(
                ModelFileError, match=rf"'d' reads r \(output {k}\); the layers must form a chain"
            ):
                load(tmp_path / f"m{version}.keras")
    config = functional(entries[0][0], width=WIDTH)
    for outputs, fine in ([["r", 0, 0]], True), (["r", 0, 0], True), ([["r", 0, 2]], False):
        config["config"]["output_layers"] = outputs
        write_keras(tmp_path / "m.keras", config, {"lstm/cell": list(entries[0][2].values())})
        if fine:
            load(tmp_path / "m.keras")
        else:
            with pytest.raises(ModelFileError, match="must have one output, that of its last"):
                load(tmp_path / "m.keras")


@pytest.mark.parametrize("option", [{"epsilon": 10**400}, {"epsilon": []}, {"axis": {}}])
def test_options_that_are_no_numbers(option: dict[str, Any], tmp_path: Path) -> None:
    entry = batch("s", WIDTH)
    entry[0]["config"] |= option
    with pytest.raises(ModelFileError, match="layer 's'"):
        write(tmp_path, "keras", [entry])
