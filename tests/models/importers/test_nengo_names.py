"""Files of arrays without names, as NengoDL writes them for its LMU example."""

from __future__ import annotations

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
from tests.models.importers.test_array_names import assert_same

LETTERS = ("W_h", "W_m", "readout", "W_x", "e_h", "e_m", "e_x", "A", "B")
"""An order that NengoDL 3.6 wrote; it depends on the sizes."""


def example(n: int, d: int, n_in: int, n_out: int, theta: float = 12.0) -> dict[str, Array]:
    """Return the arrays of NengoDL's network by name."""
    rng = np.random.default_rng(n)
    system = discretize(state_space(d), theta, Discretizer.ZOH)
    shapes = {
        "W_h": (n, n),
        "W_m": (n, d),
        "readout": (n_out, n),
        "W_x": (n, n_in),
        "e_h": (1, n),
        "e_m": (1, d),
        "e_x": (1, n_in),
    }
    made = {name: rng.uniform(-0.4, 0.4, shape) for name, shape in shapes.items()}
    made |= {"A": system.A + np.eye(d), "B": system.B[:, None]}
    return {name: array.astype(np.float32).astype(float) for name, array in made.items()}


def unnamed(path: Path, arrays: dict[str, Array], order: tuple[str, ...] = LETTERS) -> Path:
    np.savez_compressed(
        path, *(arrays[name].astype(np.float32) for name in order if name in arrays)
    )
    return path


def run(arrays: dict[str, Array], x: Array) -> Array:
    """Return what NengoDL's network does: connections with synapse=0 are a step late."""
    h, m, out = np.zeros(len(arrays["W_h"])), np.zeros(len(arrays["A"])), []
    for x_t in x:
        u = arrays["e_x"] @ x_t + arrays["e_h"] @ h + arrays["e_m"] @ m
        m = arrays["A"] @ m + arrays["B"] @ u
        h = np.tanh(arrays["W_x"] @ x_t + arrays["W_h"] @ h + arrays["W_m"] @ m)
        out.append(arrays["readout"] @ h if "readout" in arrays else h)
    return np.array(out)


@pytest.mark.parametrize("sizes", [(7, 5, 2, 3), (5, 4, 1, 3), (8, 5, 1, 5), (3, 9, 2, 9)])
@pytest.mark.parametrize("order", [LETTERS, LETTERS[::-1]])
def test_shapes_tell_which_array_is_which(
    sizes: tuple[int, ...], order: tuple[str, ...], tmp_path: Path
) -> None:
    """With n_out = d the sizes n and d can change places, and A tells."""
    arrays = example(*sizes)
    network = load(unnamed(tmp_path / "lmu_params.npz", arrays, order))
    assert network.names == ("lmu", "readout")
    x = np.random.default_rng(1).standard_normal((30, sizes[2]))
    # A is stored as float32 and computed again
    np.testing.assert_allclose(forward.run(network, x[None])[0], run(arrays, x), rtol=0, atol=1e-5)
    named = {name: array for name, array in arrays.items() if name != "readout"}
    np.savez(tmp_path / "named.npz", **{"readout.weight": arrays["readout"]}, **named)
    assert_same(network, load(tmp_path / "named.npz"))


def test_a_network_may_have_no_readout(tmp_path: Path) -> None:
    arrays = example(7, 5, 2, 3)
    del arrays["readout"]
    network = load(unnamed(tmp_path / "m.npz", arrays))
    assert network.names == ("lmu",)
    x = np.random.default_rng(1).standard_normal((30, 2))
    np.testing.assert_allclose(forward.run(network, x[None])[0], run(arrays, x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("sizes", [(6, 6, 1, 3), (4, 7, 4, 3), (5, 4, 2, 1), (5, 3, 3, 2)])
def test_equal_shapes_are_refused(sizes: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"are ambiguous: several have the same shape"):
        load(unnamed(tmp_path / "m.npz", example(*sizes)))


def test_other_arrays_without_names_are_refused(tmp_path: Path) -> None:
    arrays = example(7, 5, 2, 3)
    joined = arrays | {"W_h": np.concatenate([arrays["W_h"], arrays["W_h"]])}
    trained = arrays | {"A": arrays["A"] + 0.1, "B": arrays["B"] + 0.1}
    keras = {name: array.T for name, array in example(7, 5, 1, 3).items() if name != "readout"}
    lone = {"A": np.eye(3)}
    for other in (joined, trained, keras, lone):
        with pytest.raises(ModelFileError, match="are not those of NengoDL's LMU example") as error:
            load(unnamed(tmp_path / "m.npz", other))
        assert "\n" not in str(error.value)
