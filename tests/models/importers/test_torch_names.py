"""State dictionaries in pytorch-lmu's naming, against loops over what its modules do."""

from __future__ import annotations

import numpy as np
import pytest

from lmu_hw._support.array_types import Array
from lmu_hw.errors import ModelFileError
from lmu_hw.memory.discretize import discretize
from lmu_hw.memory.legendre import state_space
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward
from lmu_hw.models.importers.array_network import network_of
from lmu_hw.models.importers.named_arrays import ImportOptions
from lmu_hw.models.network import DenseLayer, LMULayer
from tests.models.importers.test_paper import X, loop, maths, prefixed

N_IN, N, D, THETA = 2, 6, 5, 17.0
RNG = np.random.default_rng(5)
LINEAR = {"weight": RNG.uniform(-1, 1, (3, 5)), "bias": RNG.uniform(-1, 1, 3)}


def lmufft() -> dict[str, Array]:
    rng = np.random.default_rng(11)
    system = discretize(state_space(D), THETA, Discretizer.ZOH)
    return {
        "A": system.A + np.eye(D),
        "B": system.B[:, None],
        "H": np.zeros((D, 30)),
        "W_u.weight": rng.uniform(-1, 1, (1, N_IN)),
        "W_u.bias": rng.uniform(-1, 1, 1),
        "W_h.weight": rng.uniform(-1, 1, (N, D + N_IN)),
        "W_h.bias": rng.uniform(-1, 1, N),
    }


def fft_loop(arrays: dict[str, Array], x: Array) -> Array:
    """Return relu(W_h [m; x] + b) with m driven by relu(W_u x + b)."""
    m, out = np.zeros(D), []
    for x_t in x:
        u = np.maximum(arrays["W_u.weight"] @ x_t + arrays["W_u.bias"], 0)
        m = arrays["A"] @ m + arrays["B"] @ u
        read = np.concatenate([m, x_t])
        out.append(np.maximum(arrays["W_h.weight"] @ read + arrays["W_h.bias"], 0))
    return np.array(out)


@pytest.mark.parametrize("name", ["classifier", "fc"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lmucell_with_a_classifier(name: str, dtype: type) -> None:
    cell = maths()
    # a sorted file has the classifier first
    arrays = prefixed(LINEAR, name + ".{}") | prefixed(cell, "lmu.cell.{}")
    network = network_of({key: a.astype(dtype) for key, a in arrays.items()}, ImportOptions())
    assert network.names == ("lmu.cell", name)
    assert isinstance(network.layers[0], LMULayer)
    assert network.layers[0].memory.theta == 12.0
    assert isinstance(network.layers[1], DenseLayer)
    assert np.array_equal(network.layers[1].W, LINEAR["weight"].astype(dtype))
    expected = loop(cell, X) @ LINEAR["weight"].T + LINEAR["bias"]
    # forty steps in float64, of weights rounded to float32 in one case
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    assert np.allclose(forward.run(network, X[None])[0], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("form", ["{}", "lmu_fft.{}", "model.lmu.{}"])
def test_lmufft_keeps_its_relu_on_u(form: str) -> None:
    arrays = lmufft()
    network = network_of(prefixed(arrays, form), ImportOptions())
    layer = network.layers[1]
    assert isinstance(layer, LMULayer)
    assert layer.memory.trained is None
    assert layer.memory.theta == THETA
    expected = fft_loop(arrays, X)
    u = X @ arrays["W_u.weight"][0] + arrays["W_u.bias"]
    # both sides of both functions are tried
    assert np.any(u < 0)
    assert np.any(u > 0)
    assert np.any(expected == 0)
    assert np.any(expected > 0)
    assert np.allclose(forward.run(network, X[None])[0], expected, rtol=0, atol=1e-12)


def test_lmufft_with_a_classifier() -> None:
    head = {"classifier.weight": np.ones((3, N)), "classifier.bias": np.zeros(3)}
    network = network_of(head | prefixed(lmufft(), "lmu.{}"), ImportOptions())
    assert network.names == ("lmu.W_u", "lmu", "classifier")
    assert network.n_in == N_IN


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        ("W_u.weight", np.zeros((4, N_IN)), r"W_u.weight of lmu has shape \(4, 2\)"),
        ("W_h.weight", np.zeros((N, N_IN)), r"should be \(6, d \+ 2\)"),
        ("W_h.weight", np.zeros((N, D + N_IN + 1)), r"A of lmu has shape \(5, 5\)"),
        ("W_h.bias", np.zeros((N, 1)), r"W_h.bias of lmu has shape \(6, 1\) but should be \(6,\)"),
        ("W_u.gain", np.zeros(1), "lmu.W_u must hold weight and bias, not bias, gain, weight"),
        ("C", np.zeros((1, D)), "lmu.C must not be in an LMUFFT layer"),
    ],
)
def test_what_is_wrong_with_lmufft_is_named(name: str, array: Array, text: str) -> None:
    with pytest.raises(ModelFileError, match=text):
        network_of(prefixed(lmufft() | {name: array}, "lmu.{}"), ImportOptions())


def test_hippo_is_refused_by_name() -> None:
    names = ["W_uxh.weight", "W_hxm.weight", "W_hh.weight", "W_um.weight", "W_gxm.weight"]
    with pytest.raises(ModelFileError, match="cannot import HiPPO's gated cells") as error:
        network_of({f"cell.{name}": np.eye(2) for name in names}, ImportOptions())
    assert "\n" not in str(error.value)


def test_unknown_names_are_listed() -> None:
    with pytest.raises(ModelFileError, match=r"named norm\.gamma: supported namings are in docs/"):
        network_of(prefixed(maths(), "lmu.{}") | {"norm.gamma": np.ones(2)}, ImportOptions())
