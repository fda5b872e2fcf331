"""Strangers' names for the arrays of a network: each reads as the named original does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lmu_hw._support.array_types import Array
from lmu_hw.errors import ModelFileError
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.importers.array_network import network_of
from lmu_hw.models.importers.bare_arrays import STATE_DICT_KEYS
from lmu_hw.models.importers.lmu_names import NAMINGS
from lmu_hw.models.importers.named_arrays import PAGE, ImportOptions
from lmu_hw.models.network import Activation, FloatNetwork, Layer, LMULayer, SimpleRNNLayer, arrays
from tests.models.importers.test_paper import (
    N_IN,
    THETA,
    Arrays,
    D,
    N,
    X,
    keras,
    loop,
    maths,
    prefixed,
)

HEAD = {"weight": np.linspace(-1, 1, 3 * N).reshape(3, N), "bias": np.array([0.5, -1.0, 2.0])}
CYANIDE = {"e_x": "ex", "e_h": "eh", "e_m": "em", "W_x": "Wx", "W_h": "Wh", "W_m": "Wm"}
ABDOU = {
    "e_x": "encoder_input",
    "e_h": "encoder_hidden",
    "e_m": "encoder_memory",
    "W_x": "kernel_input",
    "W_h": "kernel_hidden",
    "W_m": "kernel_memory",
}
PAPER = {
    "e_x": "input_encoders",
    "e_h": "hidden_encoders",
    "e_m": "memory_encoders",
    "W_x": "input_kernel",
    "W_h": "hidden_kernel",
    "W_m": "memory_kernel",
}


def renamed(cell: Arrays, names: dict[str, str], *, less: bool) -> Arrays:
    """Return a cell's arrays under other names, standing as in PyTorch, with AT = Abar (- I)."""
    A = cell["A"] - np.eye(D) if less else cell["A"]
    return {new: cell[old] for old, new in names.items()} | {"AT": A, "BT": cell["B"]}


def cyanide(cell: Arrays) -> Arrays:
    return renamed(cell, CYANIDE, less=False)


def abdou(cell: Arrays) -> Arrays:
    return renamed(cell, ABDOU, less=True)


def torch_paper(cell: Arrays) -> Arrays:
    return renamed(cell, PAPER, less=True)


def keras_letters(cell: Arrays) -> Arrays:
    """Return the letters of the paper, standing as in Keras."""
    return {name: array.T.copy() for name, array in cell.items()}


def saved(path: Path, arrays: Arrays) -> Path:
    np.savez(path, **arrays)
    return path


def trained(layer: Layer) -> list[tuple[str, Array]]:
    """Return the arrays of a layer by name, with those of its memory."""
    found = list(arrays(layer))
    if isinstance(layer, LMULayer):
        found += [("Abar", layer.memory.system().A), ("Bbar", layer.memory.system().B)]
    return found


def assert_same(network: FloatNetwork, other: FloatNetwork) -> None:
    assert [type(layer) for layer in network.layers] == [type(layer) for layer in other.layers]
    for layer, twin in zip(network.layers, other.layers, strict=True):
        mine, its = trained(layer), trained(twin)
        assert [name for name, _ in mine] == [name for name, _ in its]
        for (name, array), (_, same) in zip(mine, its, strict=True):
            assert np.array_equal(array, same), name


STRANGERS: list[Callable[[Arrays], Arrays]] = [cyanide, abdou, torch_paper, keras, keras_letters]


@pytest.mark.parametrize("naming", STRANGERS)
@pytest.mark.parametrize("theta", [None, THETA])
def test_a_strangers_cell_is_the_named_one(
    naming: Callable[[Arrays], Arrays], theta: float | None, tmp_path: Path
) -> None:
    cell = maths()
    head = prefixed(HEAD, "fc.{}")
    original = load(saved(tmp_path / "named.npz", prefixed(cell, "lmu.{}") | head))
    path = saved(tmp_path / "strange.npz", prefixed(naming(cell), "lmu.{}") | head)
    network = load(path, theta=theta)
    assert network.names == ("lmu", "fc")
    assert_same(network, original)
    expected = loop(cell, X) @ HEAD["weight"].T + HEAD["bias"]
    # forty steps of a stable recursion in float64, its matrices computed again
    assert np.allclose(forward.run(network, X[None])[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("naming", [cyanide, abdou, torch_paper, keras, keras_letters])
def test_a_trained_a_stands_as_its_naming_says(
    naming: Callable[[Arrays], Arrays], tmp_path: Path
) -> None:
    cell, notes = maths(), []
    cell["A"] = cell["A"] + 0.02 * np.random.default_rng(2).standard_normal((D, D))
    network = load(saved(tmp_path / "m.npz", naming(cell)), note=notes.append)
    assert np.allclose(forward.run(network, X[None])[0], loop(cell, X), rtol=0, atol=1e-12)
    (said,) = [note for note in notes if "fits no Legendre memory: kept as Abar" in note]
    assert said.endswith("transposed") == (naming in (keras, keras_letters))
    assert ("Abar - I" in said) == (naming in (abdou, torch_paper, keras))


def test_an_unusual_orientation_is_said(tmp_path: Path) -> None:
    notes: list[str] = []
    load(saved(tmp_path / "m.npz", prefixed(torch_paper(maths()), "lmu.{}")), note=notes.append)
    assert "the shapes of lmu show the orientation of PyTorch, a row for each output" in notes[0]
    notes.clear()
    load(saved(tmp_path / "m.npz", keras_letters(maths())), note=notes.append)
    assert "the shapes of lmu show the orientation of Keras, a column for each output" in notes[0]
    notes.clear()
    load(saved(tmp_path / "m.npz", keras(maths())), note=notes.append)
    assert not any("stand" in note for note in notes)


def square(n: int = 4) -> Arrays:
    """Return a cell whose kernels are square: n_in = n = d."""
    rng = np.random.default_rng(8)
    system = discretize(state_space(n), THETA, Discretizer.ZOH)
    cell = {k: rng.uniform(-0.4, 0.4, (1, n)) for k in ("e_x", "e_h", "e_m")}
    cell |= {k: rng.uniform(-0.4, 0.4, (n, n)) for k in ("W_x", "W_h", "W_m")}
    return cell | {"A": system.A + np.eye(n), "B": system.B[:, None]}


def test_square_kernels_stand_as_the_encoders_and_the_memory_say() -> None:
    cell = square()
    for arrays_ in (torch_paper(cell), keras(cell), cell, keras_letters(cell)):
        (layer,) = network_of(arrays_, ImportOptions()).layers
        assert isinstance(layer, LMULayer)
        assert isinstance(layer.cell, SimpleRNNLayer)
        assert np.array_equal(layer.cell.U, cell["W_h"])
    mixed = torch_paper(cell) | {"AT": keras(cell)["AT"]}
    with pytest.raises(ModelFileError, match=r"kernels of lmu are square, .* than its AT: save"):
        network_of(mixed, ImportOptions())


def test_shapes_of_two_orientations_are_refused() -> None:
    for name in ("memory_kernel", "input_kernel", "hidden_encoders"):
        mixed = keras(maths()) | {name: torch_paper(maths())[name]}
        with pytest.raises(ModelFileError, match=rf"{name} has shape .* but should be"):
            network_of(mixed, ImportOptions())


def cyanide_model() -> tuple[Arrays, Callable[[Array], Array]]:
    """Return a state dictionary of LMU, LSTM, LMU and a head, and what its module computes.

    The module keeps its states in buffers, which come first.
    """
    rng = np.random.default_rng(21)
    first, second = maths(1, n_in=N_IN), maths(2, n_in=3, theta=30.0)
    lstm = {
        "weight_ih": rng.uniform(-1, 1, (12, N)),
        "weight_hh": rng.uniform(-1, 1, (12, 3)),
        "bias_ih": rng.uniform(-1, 1, 12),
        "bias_hh": rng.uniform(-1, 1, 12),
    }
    states = {"ht1": np.ones((7, N)), "ct1": np.ones((7, D)), "y": np.ones((40, 7, 3))}
    stored = (
        states
        | prefixed(cyanide(first), "lstm_1.{}")
        | prefixed(lstm, "lstm_2.{}")
        | prefixed(cyanide(second), "lstm_3.{}")
        | prefixed(HEAD, "fc1.{}")
    )

    def run(x: Array) -> Array:
        h, c, middle = np.zeros(3), np.zeros(3), []
        for x_t in loop(first, x):
            rows = lstm["weight_ih"] @ x_t + lstm["weight_hh"] @ h
            i, f, g, o = np.split(rows + lstm["bias_ih"] + lstm["bias_hh"], 4)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            middle.append(h)
        return loop(second, np.array(middle)) @ HEAD["weight"].T + HEAD["bias"]

    return stored, run


def test_cells_in_turns_and_buffers_that_are_no_weights(tmp_path: Path) -> None:
    stored, run = cyanide_model()
    notes: list[str] = []
    network = load(saved(tmp_path / "m.npz", stored), note=notes.append)
    assert network.names == ("lstm_1", "lstm_2", "lstm_3", "fc1")
    assert np.allclose(forward.run(network, X[None])[0], run(X), rtol=0, atol=1e-12)
    assert notes[0] == "ignored, because they are states and not weights: ht1, ct1, y"


def test_what_is_no_state_is_not_ignored() -> None:
    with pytest.raises(ModelFileError, match=r"cannot import arrays named norm, lmu\.gain: supp"):
        network_of(
            {"norm": np.ones(3), **prefixed(maths() | {"gain": np.ones(1)}, "lmu.{}")}, ASKED
        )


ASKED = ImportOptions()
TWO = prefixed(maths(), "lmu.{}") | {
    "fc.0.weight": np.linspace(-1, 1, 4 * N).reshape(4, N),
    "fc.2.weight": np.linspace(-1, 2, 12).reshape(3, 4),
}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".pt", ".h5"])
def test_functions_between_linear_layers_are_asked_for(suffix: str, tmp_path: Path) -> None:
    path, stored = tmp_path / f"m{suffix}", TWO
    if suffix == ".npz":
        saved(path, stored)
    elif suffix == ".safetensors":
        pytest.importorskip("safetensors.numpy").save_file(stored, path)
    elif suffix == ".pt":
        torch = pytest.importorskip("torch")
        torch.save({name: torch.tensor(array) for name, array in stored.items()}, path)
    else:
        h5py = pytest.importorskip("h5py")
        stored = prefixed(keras(maths()), "lmu/{}:0") | {
            name.replace(".", "/").replace("weight", "kernel"): array.T
            for name, array in TWO.items()
            if name.startswith("fc")
        }
        with h5py.File(path, "w") as file:
            for name, array in stored.items():
                file[name] = array
    with pytest.raises(ModelFileError, match=r"\(fc\.0, fc\.2\) .* --activations relu,linear$"):
        load(path)
    relu, linear = Activation.RELU, Activation.LINEAR
    network = load(path, activations=[relu, linear])
    hidden = np.maximum(loop(maths(), X) @ TWO["fc.0.weight"].T, 0)
    expected = hidden @ TWO["fc.2.weight"].T
    assert np.any(hidden == 0)
    assert np.any(hidden > 0)
    assert np.allclose(forward.run(network, X[None])[0], expected, rtol=0, atol=1e-12)
    with pytest.raises(ModelFileError, match=r"must name 2, one for each .*fc\.2\), not 1$"):
        load(path, activations=[relu])
    with pytest.raises(ModelFileError, match="softmax must be the last"):
        load(path, activations=[Activation.SOFTMAX, linear])


def test_the_function_of_a_cell_is_tanh_or_what_is_asked_for(tmp_path: Path) -> None:
    path, notes = saved(tmp_path / "m.npz", prefixed(maths(), "lmu.{}")), []
    load(path, note=notes.append)
    assert notes == [
        "assumed, as the arrays do not say: tanh in lmu, an output at every step "
        "(docs/reference/array_names.md)"
    ]
    network = load(path, activation=Activation.RELU)
    (layer,) = network.layers
    assert isinstance(layer, LMULayer)
    assert isinstance(layer.cell, SimpleRNNLayer)
    assert layer.cell.activation is Activation.RELU


def test_names_of_a_file_are_no_commands_to_a_terminal(tmp_path: Path) -> None:
    escape = "\x1b[31mred\x07"
    for stored in (
        {f"{escape}.gain": np.ones(2)},
        prefixed(maths(), f"{escape}.{{}}") | {"fc.0.weight": np.ones((2, 2, 2))},
        prefixed(maths(), f"{escape}.{{}}") | {f"{escape}.2.weight": np.ones((2, 9))},
    ):
        with pytest.raises(ModelFileError) as error:
            load(saved(tmp_path / "m.npz", stored))
        assert str(error.value).isprintable()


def test_the_page_documents_every_name() -> None:
    page = (Path(__file__).resolve().parents[3] / PAGE).read_text()
    names = {name for naming in NAMINGS for name in naming.names.values()}
    for name in (*names, *STATE_DICT_KEYS, *(activation.value for activation in Activation)):
        assert f"`{name}`" in page, name


def test_a_configuration_says_the_functions(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "m.h5"
    layer = {"class_name": "Dense", "config": {"name": "d"}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": [layer]})
        file["model_weights/d/d/kernel"], file["model_weights/d/d/bias"] = np.ones((2, 1)), [0.0]
    assert load(path).names == ("d",)
    with pytest.raises(ModelFileError, match="states the activations of its layers: leave out"):
        load(path, activations=[Activation.RELU])
