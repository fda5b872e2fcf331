"""Files of Keras: every container gives the same network, and it computes what Keras computes."""

from __future__ import annotations

import json
import time
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.importers.keras_model import read_keras
from lmu_hw.models.network import (
    Activation,
    DenseLayer,
    FloatNetwork,
    GRULayer,
    LMULayer,
    LSTMLayer,
    SimpleRNNLayer,
    arrays,
)
from tests.factories.keras_files import (
    functional,
    layer,
    lmu,
    sequential,
    write_keras,
    write_legacy,
)
from tests.factories.keras_model import (
    BIAS,
    CELL,
    CHANNELS,
    HEAD,
    KERNEL,
    NAMED,
    NAMES,
    NUMBERED,
    ORDER,
    RECURRENT,
    WIDTH,
    N,
    model,
    random,
    write,
)


def same(a: FloatNetwork, b: FloatNetwork) -> bool:
    return a.names == b.names and all(
        dict(arrays(x)).keys() == dict(arrays(y)).keys()
        and all(np.array_equal(v, dict(arrays(y))[k]) for k, v in arrays(x))
        for x, y in zip(a.layers, b.layers, strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_real_files(name: str, suffix: str, data_dir: Path) -> None:
    build_dir = data_dir / "keras_lmu"
    io = np.load(build_dir / f"{name}.io.npz")
    spec = build_dir / f"{name}.keras" if suffix == ".weights.h5" else None
    network = load(build_dir / f"{name}{suffix}", spec=spec)
    y = forward.run(network, io["x"][None])[0]
    # keras-lmu computes in float32, expm included
    assert np.max(np.abs(y - io["y"])) <= 2e-4


@pytest.mark.parametrize("container", ["keras", "keras 2", "functional", "weights", "h5", "h5 2"])
def test_every_container(container: str, tmp_path: Path) -> None:
    network = write(tmp_path, container)
    assert network.names == ("lmu", "head")
    assert network.every_step
    assert network.is_classifier
    first, head = network.layers
    assert isinstance(first, LMULayer)
    assert isinstance(first.cell, SimpleRNNLayer)
    assert isinstance(head, DenseLayer)
    expected = {
        "e_x": KERNEL[:WIDTH].T,
        "e_h": KERNEL[WIDTH:].T,
        "e_m": RECURRENT.T,
        "b": BIAS,
        "cell.W": CELL[0].T,
        "cell.U": CELL[1].T,
        "cell.b": CELL[2],
    }
    got = dict(arrays(first))
    assert got.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(got[key], array)
    np.testing.assert_array_equal(head.W, HEAD[0].T)
    assert (first.memory.order, first.memory.channels, first.memory.theta) == (ORDER, CHANNELS, 9)


def test_it_computes_what_keras_lmu_computes(tmp_path: Path) -> None:
    """The step semantics of keras-lmu, in row vectors as there."""
    network = write(tmp_path, "keras")
    lmu_layer = network.layers[0]
    assert isinstance(lmu_layer, LMULayer)
    system = lmu_layer.memory.system()
    A, B = (system.A + np.eye(ORDER)).T, system.B[None, :]
    x = random(7, WIDTH, seed=3)
    m, h = np.zeros((CHANNELS, ORDER)), np.zeros(N)
    outputs = []
    for row in x:
        u = np.concatenate([row, h]) @ KERNEL + BIAS + m.reshape(-1) @ RECURRENT
        m = m @ A + u[:, None] @ B
        h = np.tanh(np.concatenate([m.reshape(-1), row]) @ CELL[0] + h @ CELL[1] + CELL[2])
        score = np.exp(h @ HEAD[0] + HEAD[1])
        outputs.append(score / score.sum())
    # a few roundings of float64
    np.testing.assert_allclose(forward.run(network, x[None])[0], outputs, rtol=0, atol=1e-13)


def test_a_trained_theta_is_read_from_the_weights(tmp_path: Path) -> None:
    config = sequential(lmu("lmu", None, trainable_theta=True, theta=50), width=WIDTH)
    kernel = random(WIDTH, 1)
    write_keras(
        tmp_path / "m.keras", config, {"lmu/layer/cell": [kernel, np.array(np.float32(1 / 8))]}
    )
    (got,) = load(tmp_path / "m.keras").layers
    assert isinstance(got, LMULayer)
    assert got.memory.theta == 8


def test_lstm_and_gru(tmp_path: Path) -> None:
    lstm = (random(2, 12), random(3, 12), random(12))
    gru = (random(3, 12), random(4, 12), random(2, 12))
    config = sequential(
        layer("LSTM", "a", units=3, activation="tanh", recurrent_activation="sigmoid",
              return_sequences=True),
        layer("GRU", "b", units=4, activation="tanh", recurrent_activation="hard_sigmoid",
              reset_after=True, return_sequences=False),
        layer("Dense", "c", units=1, activation="linear", use_bias=False),
        width=2,
    )  # fmt: skip
    weights = {"lstm/cell": list(lstm), "gru/cell": list(gru), "dense": [random(4, 1)]}
    write_keras(tmp_path / "m.keras", config, weights)
    network = load(tmp_path / "m.keras")
    a, b, c = network.layers
    assert isinstance(a, LSTMLayer)
    assert isinstance(b, GRULayer)
    assert isinstance(c, DenseLayer)
    assert not network.every_step
    assert b.gate is Activation.HARD_SIGMOID
    np.testing.assert_array_equal(a.W, lstm[0].T)
    # Keras: z, r and candidate; the second row of biases is the recurrent one
    h = random(4, seed=9)
    x = random(3, seed=8)
    z, r, g = np.split(x @ gru[0] + gru[2][0], 3)
    z2, r2, g2 = np.split(h @ gru[1] + gru[2][1], 3)
    hard = lambda v: np.clip(v / 6 + 0.5, 0, 1)  # noqa: E731
    expected = hard(z + z2) * h + (1 - hard(z + z2)) * np.tanh(g + hard(r + r2) * g2)
    read, fed = b.W @ x + b.b, b.U @ h
    assert b.c is not None
    gate_z, gate_r = hard(read[:4] + fed[:4]), hard(read[4:8] + fed[4:8])
    got = gate_z * h + (1 - gate_z) * np.tanh(read[8:] + gate_r * (fed[8:] + b.c))
    np.testing.assert_allclose(got, expected, atol=1e-15)
    assert np.all(c.b == 0)


REFUSED = [
    (layer("Conv1D", "c", filters=2), "layer 'c' is a Conv1D, which is not supported"),
    (lmu("c", layer("ConvLSTM1DCell", "x")), "has a hidden cell 'ConvLSTM1D'"),
    (layer("Dense", "c", units=1, activation="gelu"), "has activation 'gelu', must be one of"),
    (layer("Activation", "c", activation="relu"), "must follow a linear Dense"),
    (layer("SimpleRNN", "c", go_backwards=True), "must not go_backwards"),
    (
        layer("TimeDistributed", "c", layer=layer("SimpleRNN", "x")),
        "must be a TimeDistributed of Dense",
    ),
]


@pytest.mark.parametrize(("entry", "text"), REFUSED)
def test_what_is_not_supported_is_named(entry: dict[str, Any], text: str, tmp_path: Path) -> None:
    weights = {"dense": [random(2, 1), random(1)]}
    write_keras(tmp_path / "m.keras", sequential(entry, width=2), weights)
    with pytest.raises(ModelFileError, match=text):
        load(tmp_path / "m.keras")


def test_branches_are_refused(tmp_path: Path) -> None:
    config = model(functional)
    config["config"]["layers"][-1]["inbound_nodes"] = config["config"]["layers"][1]["inbound_nodes"]
    write_keras(tmp_path / "m.keras", config, NUMBERED)
    with pytest.raises(ModelFileError, match="must form a chain"):
        load(tmp_path / "m.keras")


def bomb() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (1 << 25))
        archive.writestr("model.weights.h5", b"")
    return buffer.getvalue()


def spoiled(tmp_path: Path, change: Any) -> Path:
    """Return the .keras file of the model with its configuration changed."""
    config = model()
    change(config["config"]["layers"][1]["config"])
    write_keras(tmp_path / "m.keras", config, NUMBERED)
    return tmp_path / "m.keras"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("order", 10**9),
        ("order", "x"),
        ("order", None),
        ("memory_d", -1),
        ("theta", "nan"),
        ("theta", 0),
        ("discretizer", "rk4"),
        ("hidden_cell", []),
        ("hidden_cell", {"class_name": 3}),
        ("use_bias", False),
    ],
)
def test_damaged_configurations(key: str, value: Any, tmp_path: Path) -> None:
    path = spoiled(tmp_path, lambda config: config.__setitem__(key, value))
    with pytest.raises(LMUHWError):
        load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"no zip at all",
        bomb(),
    ],
)
def test_damaged_archives(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.keras").write_bytes(content)
    start = time.monotonic()
    with pytest.raises(ModelFileError):
        load(tmp_path / "m.keras")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("keep", [100, 3000, 6000, -40])
def test_truncated_archives(keep: int, tmp_path: Path) -> None:
    write(tmp_path, "keras")
    content = (tmp_path / "model.keras").read_bytes()
    (tmp_path / "model.keras").write_bytes(content[:keep])
    with pytest.raises(ModelFileError):
        load(tmp_path / "model.keras")


@pytest.mark.parametrize("text", ["[" * 10**6, '{"class_name": "Sequential"}', "[]", "3", "\x00"])
def test_hostile_json(text: str, tmp_path: Path) -> None:
    write(tmp_path, "weights")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelFileError):
        load(tmp_path / "model.weights.h5", spec=tmp_path / "config.json")


def test_hostile_hdf5(tmp_path: Path) -> None:
    write(tmp_path, "h5")
    path = tmp_path / "model.h5"
    with h5py.File(path, "a") as file:
        # a cycle, a link out of the file, and a claimed size of 8 TB
        file["model_weights/again"] = file["model_weights"]
    with pytest.raises(ModelFileError, match="more groups than a model"):
        load(path)
    write(tmp_path, "h5")
    with h5py.File(path, "a") as file:
        del file["model_weights/head/head/bias"]
        file["model_weights/head/head/bias"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(ModelFileError, match="has no bias"):
        load(path)
    write(tmp_path, "h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("model_weights/big", (10**6, 10**6), dtype="f8", chunks=(100, 100))
    with pytest.raises(ModelFileError, match="holds more than 256 MiB"):
        load(path)


def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    weights = NUMBERED | {"dense": [HEAD[0] * np.nan, HEAD[1]]}
    write_keras(tmp_path / "m.keras", model(), weights)
    with pytest.raises(LMUHWError, match="must hold finite"):
        read_keras(tmp_path / "m.keras")


def test_weights_of_another_shape(tmp_path: Path) -> None:
    weights = NUMBERED | {"dense": [HEAD[0][:3], HEAD[1]]}
    write_keras(tmp_path / "m.keras", model(), weights)
    with pytest.raises(LMUHWError, match="must read 5 words, not 3"):
        read_keras(tmp_path / "m.keras")


def test_weights_alone_need_a_configuration(tmp_path: Path) -> None:
    write(tmp_path, "weights")
    with pytest.raises(ModelFileError, match="give the model's configuration with --spec"):
        load(tmp_path / "model.weights.h5")


def after_dense(tmp_path: Path, *more: dict[str, Any]) -> Path:
    """Return the file of a dense layer and more."""
    first = layer("Dense", "first", units=1, activation="linear")
    write_keras(
        tmp_path / "m.keras",
        sequential(first, *more, width=2),
        {"dense": [random(2, 1), random(1)]},
    )
    return tmp_path / "m.keras"


def test_activation_layers(tmp_path: Path) -> None:
    (got,) = load(after_dense(tmp_path, layer("ReLU", "r", negative_slope=0.0))).layers
    assert isinstance(got, DenseLayer)
    assert got.activation is Activation.RELU
    for option in ({"negative_slope": 0.1}, {"threshold": 1.0}, {"max_value": 6.0}):
        with pytest.raises(ModelFileError, match=f"must have no {next(iter(option))}"):
            load(after_dense(tmp_path, layer("ReLU", "r", **option)))
    with pytest.raises(ModelFileError, match="must have axis -1"):
        load(after_dense(tmp_path, layer("Softmax", "s", axis=1)))


def test_a_configuration_must_speak_of_every_array(tmp_path: Path) -> None:
    config = model()
    config["config"]["layers"][1]["config"]["memory_to_memory"] = False
    write_legacy(tmp_path / "m.h5", config, NAMED)
    with pytest.raises(ModelFileError, match="'recurrent_kernel', which its configuration lacks"):
        load(tmp_path / "m.h5")
    config = model()
    config["config"]["layers"][1]["config"]["hidden_to_memory"] = False
    write_legacy(tmp_path / "m.h5", config, NAMED)
    with pytest.raises(ModelFileError, match="has 8 rows but should have 3"):
        load(tmp_path / "m.h5")


def test_two_layers_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="two layers of one name"):
        load(after_dense(tmp_path, layer("Dense", "first", units=1)))


def test_the_output_must_be_the_last_layers(tmp_path: Path) -> None:
    config = model(functional)
    for outputs, fine in ([["head", 0, 0]], True), ([["lmu", 0, 0]], False):
        config["config"]["output_layers"] = outputs
        write_keras(tmp_path / "m.keras", config, NUMBERED)
        if fine:
            load(tmp_path / "m.keras")
        else:
            with pytest.raises(ModelFileError, match="must have one output, that of its last"):
                load(tmp_path / "m.keras")


def test_the_keras_that_wrote_it_decides_what_hard_sigmoid_is(tmp_path: Path) -> None:
    path = after_dense(tmp_path, layer("Activation", "a", activation="hard_sigmoid"))
    weights = tmp_path / "m.weights.h5"
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
        weights.write_bytes(archive.read("model.weights.h5"))
    for version, expected in ("3.1.0", "HARD_SIGMOID"), ("2.15.0", "HARD_SIGMOID_5"), ("", ""):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", config)
            archive.writestr("model.weights.h5", weights.read_bytes())
            archive.writestr("metadata.json", json.dumps({"keras_version": version}))
        for network in (load(path), load(weights, spec=path)):
            (got,) = network.layers
            assert isinstance(got, DenseLayer)
            assert got.activation.name == (expected or "HARD_SIGMOID")


def test_theta_is_not_taken_from_two_places(tmp_path: Path) -> None:
    write(tmp_path, "keras")
    with pytest.raises(ModelFileError, match="states its own theta, discretizer and"):
        load(tmp_path / "model.keras", theta=77.0)


def test_damaged_details(tmp_path: Path) -> None:
    config = sequential(lmu("lmu", None, trainable_theta=True), width=WIDTH)
    for inverse in (np.zeros(0), np.zeros(2), np.zeros(())):
        write_keras(tmp_path / "m.keras", config, {"lmu/layer/cell": [random(WIDTH, 1), inverse]})
        with pytest.raises(LMUHWError):
            load(tmp_path / "m.keras")
    config = model()
    config["config"]["layers"][1]["config"] = "x"
    write_keras(tmp_path / "m.keras", config, NUMBERED)
    with pytest.raises(ModelFileError, match="damaged or from an unknown Keras version"):
        load(tmp_path / "m.keras")


def test_a_chunk_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    write(tmp_path, "h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file.create_dataset(
            "model_weights/b", (10, 4), maxshape=(None, 4), dtype="f4", chunks=(120_000_000, 4)
        )
    with pytest.raises(ModelFileError, match="holds more than 256 MiB"):
        load(tmp_path / "model.h5")


def test_a_recurrent_layer_returns_the_last_step_unless_told(tmp_path: Path) -> None:
    config = sequential(layer("SimpleRNN", "r", units=2, activation="tanh"), width=2)
    weights = {"simple_rnn/cell": [random(2, 2), random(2, 2), random(2)]}
    write_keras(tmp_path / "m.keras", config, weights)
    assert not load(tmp_path / "m.keras").every_step


def test_attributes_are_measured_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "h5")
    with h5py.File(tmp_path / "model.h5", "a") as file:
        text = file.attrs["model_config"].encode()
        file.attrs["model_config"] = np.bytes_(text)
    load(tmp_path / "model.h5")
    monkeypatch.setattr("lmu_hw.models.importers.hdf5.MAX_TEXT", len(text) - 1)
    with pytest.raises(ModelFileError, match="model_config must be a text of at most"):
        load(tmp_path / "model.h5")
