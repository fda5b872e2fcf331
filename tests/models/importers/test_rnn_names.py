"""RNN, LSTM and GRU layers in bare arrays, against PyTorch itself and against loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmu_hw._support.array_types import Array
from lmu_hw.errors import ModelFileError
from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.importers.array_network import network_of
from lmu_hw.models.importers.named_arrays import ImportOptions
from lmu_hw.models.network import Activation, GRULayer, Layer, LSTMLayer, SimpleRNNLayer

torch = pytest.importorskip("torch")

N_IN, N = 3, 5
X = np.random.default_rng(4).standard_normal((2, 30, N_IN))
KINDS: dict[str, type[Layer]] = {"RNN": SimpleRNNLayer, "LSTM": LSTMLayer, "GRU": GRULayer}


def saved(path: Path, module: Any) -> Path:
    torch.save(module.double().state_dict(), path)
    return path


def stack(kind: str, **options: Any) -> Any:
    torch.manual_seed(3)
    return getattr(torch.nn, kind)(N_IN, N, batch_first=True, **options).double()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_layers_of_torch(kind: str, layers: int, bias: bool, tmp_path: Path) -> None:
    module = stack(kind, num_layers=layers, bias=bias)
    network = load(saved(tmp_path / "m.pt", module))
    assert [type(layer) for layer in network.layers] == [KINDS[kind]] * layers
    names = ("rnn",) if layers == 1 else tuple(f"rnn.l{k}" for k in range(layers))
    assert network.names == names
    with torch.no_grad():
        expected = module(torch.tensor(X))[0].numpy()
    # thirty steps in float64
    np.testing.assert_allclose(forward.run(network, X), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", [".pt", ".npz", ".safetensors"])
def test_a_cell_with_a_head(kind: str, suffix: str, tmp_path: Path) -> None:
    torch.manual_seed(5)
    cell = getattr(torch.nn, f"{kind}Cell")(N_IN, N)
    module = torch.nn.ModuleDict({"cell": cell, "head": torch.nn.Linear(N, 2)}).double()
    path = tmp_path / f"m{suffix}"
    if suffix == ".pt":
        saved(path, module)
    else:
        arrays = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
        if suffix == ".npz":
            np.savez(path, **arrays)
        else:
            pytest.importorskip("safetensors.numpy").save_file(arrays, path)
    network = load(path)
    assert network.names == ("cell", "head")
    outputs, state = [], None
    with torch.no_grad():
        for x_t in torch.tensor(X).unbind(1):
            state = module["cell"](x_t, state)
            h = state[0] if kind == "LSTM" else state
            outputs.append(module["head"](h).numpy())
    expected = np.stack(outputs, axis=1)
    np.testing.assert_allclose(forward.run(network, X), expected, rtol=0, atol=1e-13)


def test_an_rnn_of_relu(tmp_path: Path) -> None:
    module = stack("RNN", nonlinearity="relu")
    path = saved(tmp_path / "m.pt", module)
    network = load(path, activation=Activation.RELU)
    with torch.no_grad():
        expected = module(torch.tensor(X))[0].numpy()
    assert np.any(expected == 0)
    np.testing.assert_allclose(forward.run(network, X), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_functions_of_gated_layers_are_known(kind: str, tmp_path: Path) -> None:
    path = saved(tmp_path / "m.pt", stack(kind))
    with pytest.raises(ModelFileError, match="--activation is for LMU cells and simple RNN layers"):
        load(path, activation=Activation.RELU)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("GRU", {"bidirectional": True}, "weight_ih_l0_reverse is of a bidirectional layer"),
        ("LSTM", {"proj_size": 2}, "weight_hr_l0 projects an LSTM's output"),
    ],
)
def test_what_no_step_can_do(
    kind: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFileError, match=message) as error:
        load(saved(tmp_path / "m.pt", stack(kind, **options)))
    assert "\n" not in str(error.value)


STATE = {name: tensor.numpy() for name, tensor in stack("GRU", num_layers=2).state_dict().items()}


@pytest.mark.parametrize("name", STATE)
def test_every_missing_array_is_named(name: str) -> None:
    rest = {f"gru.{key}": array for key, array in STATE.items() if key != name}
    with pytest.raises(ModelFileError, match=rf"gru\.{name} is missing"):
        network_of(rest, ImportOptions())


def test_a_missing_layer_is_named() -> None:
    for number, first in ((0, "l0"), (1, "l1")):
        rest = {k.replace("_l1", "_l2"): a for k, a in STATE.items() if number or "_l1" in k}
        with pytest.raises(ModelFileError, match=rf"weight_ih_{first} is missing"):
            network_of(rest, ImportOptions())
    mixed = STATE | {"weight_ih": np.eye(2)}
    with pytest.raises(ModelFileError, match=r"gru holds arrays of a cell and of layers"):
        network_of({f"gru.{k}": a for k, a in mixed.items()}, ImportOptions())


@pytest.mark.parametrize("name", STATE)
def test_every_wrong_shape_is_named(name: str) -> None:
    for shape in ((2,), (7, 5), (15, 5, 1)):
        with pytest.raises(ModelFileError, match=r"gru\..* has shape .* but should be|fits? the"):
            network_of(
                {f"gru.{k}": a for k, a in (STATE | {name: np.zeros(shape)}).items()},
                ImportOptions(),
            )


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def keras_loop(arrays: dict[str, Array], x: Array, gates: int, after: bool) -> Array:
    """Return what Keras's layer does over x of shape (steps, n_in)."""
    W, U = arrays["kernel"], arrays["recurrent_kernel"]
    b, c = arrays["bias"] if after else (arrays["bias"], np.zeros(gates * N))
    h, state, out = np.zeros(N), np.zeros(N), []
    for x_t in x:
        a, r = x_t @ W + b, h @ U + c
        if gates == 1:
            h = np.tanh(a + r)
        elif gates == 4:
            i, f, g, o = np.split(a + r, 4)
            state = sigmoid(f) * state + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(state)
        else:
            z, reset = sigmoid((a + r)[:N]), sigmoid((a + r)[N : 2 * N])
            inner = reset * r[2 * N :] if after else (reset * h) @ U[:, 2 * N :]
            h = z * h + (1 - z) * np.tanh(a[2 * N :] + inner)
        out.append(h)
    return np.array(out)


@pytest.mark.parametrize(("gates", "after"), [(1, False), (3, False), (3, True), (4, False)])
def test_layers_of_keras(gates: int, after: bool) -> None:
    rng = np.random.default_rng(gates)
    arrays = {
        "kernel": rng.uniform(-1, 1, (N_IN, gates * N)),
        "recurrent_kernel": rng.uniform(-1, 1, (N, gates * N)),
        "bias": rng.uniform(-1, 1, (2, gates * N) if after else gates * N),
    }
    network = network_of({f"rnn/cell/{k}:0": array for k, array in arrays.items()}, ImportOptions())
    assert network.names == ("rnn.cell",)
    expected = keras_loop(arrays, X[0], gates, after)
    np.testing.assert_allclose(forward.run(network, X[:1])[0], expected, rtol=0, atol=1e-13)
    del arrays["bias"]
    if gates == 3:
        with pytest.raises(ModelFileError, match=r"bias is missing: a GRU without it may reset"):
            network_of(arrays, ImportOptions())
    else:
        assert not np.any(network_of(arrays, ImportOptions()).layers[0].b)  # type: ignore[union-attr]
    arrays["recurrent_kernel"] = np.zeros((N, 2 * N))
    with pytest.raises(ModelFileError, match=r"recurrent_kernel has shape \(5, 10\) but should be"):
        network_of(arrays, ImportOptions())
