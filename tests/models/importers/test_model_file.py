"""The neutral model file: round trips, byte for byte, and damage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lmu_hw.errors import LMUHWError, ModelFileError
from lmu_hw.memory.legendre import StateSpace
from lmu_hw.memory.spec import Discretizer
from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.models.network import (
    Activation,
    FloatNetwork,
    GRULayer,
    LinearMemory,
    LMULayer,
    LSTMLayer,
)
from tests.models.test_network import FULL, dense, random

TANH, SIGMOID = Activation.TANH, Activation.SIGMOID
TRAINED = StateSpace(
    A=-0.3 * np.eye(3) + 0.01, B=np.ones(3), scale=np.sqrt(2.0 * np.arange(3) + 1.0)
)
NETWORK = FloatNetwork(
    names=("first", "trained", "lstm", "gru", "head"),
    layers=(
        FULL,
        LMULayer(
            memory=LinearMemory(order=3, theta=7.5, discretizer=Discretizer.EULER, trained=TRAINED),
            n_in=5,
            e_x=random(1, 5),
        ),
        LSTMLayer(W=random(8, 3), U=random(8, 2), b=random(8), activation=TANH, gate=SIGMOID),
        GRULayer(
            W=random(6, 2), U=random(6, 2), b=random(6), c=random(2), activation=TANH, gate=SIGMOID
        ),
        dense(4, 2, Activation.SOFTMAX),
    ),
    every_step=False,
)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(NETWORK))
    back = load(path)
    assert to_bytes(back) == path.read_bytes()
    x = random(2, 11, 3)
    np.testing.assert_array_equal(forward.run(back, x), forward.run(NETWORK, x))


def test_a_window_that_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    layer = NETWORK.layers[1]
    assert isinstance(layer, LMULayer)
    unknown = replace(layer, memory=replace(layer.memory, theta=None))
    network = FloatNetwork(names=("trained",), layers=(unknown,))
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(network))
    assert load(path).layers[0].memory.theta is None  # type: ignore[union-attr]
    assert to_bytes(load(path)) == path.read_bytes()


def edited(tmp_path: Path, change: object) -> Path:
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(NETWORK))
    with np.load(path, allow_pickle=False) as file:
        members = dict(file)
    data = json.loads(members["model"].tobytes())
    change(data, members)  # type: ignore[operator]
    members["model"] = np.frombuffer(json.dumps(data).encode(), dtype=np.uint8)
    np.savez(path, **members)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda data, members: data.pop("layers"),
        lambda data, members: data.update(version=2),
        lambda data, members: data.update(layers=3),
        lambda data, members: data["layers"][0].update(order=10**9),
        lambda data, members: data["layers"][0].update(kind="conv"),
        lambda data, members: data["layers"][0].update(theta="long"),
        lambda data, members: data["layers"][0].update(theta=None),
        lambda data, members: data["layers"][2].update(gate="step"),
        lambda data, members: members.pop("0/e_x"),
        lambda data, members: members.pop("2/U"),
        lambda data, members: members.update({"4/extra": np.zeros(2)}),
        lambda data, members: members.update({"4/W": np.zeros((9, 9))}),
        lambda data, members: members.update({"4/W": np.full((4, 2), np.inf)}),
    ],
)
def test_damage_is_one_error(change: object, tmp_path: Path) -> None:
    with pytest.raises(LMUHWError) as error:
        load(edited(tmp_path, change))
    assert "\n" not in str(error.value)


def test_what_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="does not exist; give a model file"):
        load(tmp_path / "none.npz")
    with pytest.raises(ModelFileError, match="is a directory"):
        load(tmp_path)
    (tmp_path / "model.txt").write_text("")
    with pytest.raises(ModelFileError, match=r"must be one of \.keras"):
        load(tmp_path / "model.txt")
