"""The neutral model file: round trips, byte for byte, and damage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lmu_hw._support.channel import Channel
from lmu_hw.errors import LMUHWError, ModelFileError, SpecError
from lmu_hw.models import forward
from lmu_hw.models.importers import load
from lmu_hw.models.importers.model_file import to_bytes
from lmu_hw.models.network import (
    Activation,
    FloatNetwork,
    LinearMemory,
    LMULayer,
    arrays,
)
from tests.factories.networks import EVERY_KIND, random

TANH, SIGMOID = Activation.TANH, Activation.SIGMOID
LABELLED = replace(
    EVERY_KIND,
    inputs=(Channel(name="a", unit="mV", scale=0.1, offset=-3), Channel(name="b"), Channel()),
    outputs=tuple(Channel(unit="1/min", scale=k + 1) for k in range(EVERY_KIND.n_out)),
)


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(EVERY_KIND))
    back = load(path)
    assert to_bytes(back) == path.read_bytes()
    x = random(2, 11, 3)
    np.testing.assert_array_equal(forward.run(back, x), forward.run(EVERY_KIND, x))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_smaller_types_are_read_exactly(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(EVERY_KIND, dtype=dtype))
    back = load(path)
    for layer, original in zip(back.layers, EVERY_KIND.layers, strict=True):
        for (_, got), (name, array) in zip(arrays(layer), arrays(original), strict=True):
            assert got.dtype == np.float64
            np.testing.assert_array_equal(got, array.astype(dtype).astype(np.float64), name)
    assert to_bytes(back, dtype=dtype) == path.read_bytes()


def test_types_that_do_not_hold_the_weights_are_refused() -> None:
    with pytest.raises(SpecError, match="must be one of float64, float32, float16, not 'int8'"):
        to_bytes(EVERY_KIND, dtype="int8")
    memory = LinearMemory(order=2, theta=5.0)
    large = LMULayer(memory=memory, n_in=1, e_x=np.array([[7e4]]))
    network = FloatNetwork(names=("large",), layers=(large,))
    with pytest.raises(SpecError, match=r"e_x must fit in float16; its largest is 70000$"):
        to_bytes(network, dtype="float16")
    assert len(to_bytes(network, dtype="float32")) > 0


def test_a_window_that_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    layer = EVERY_KIND.layers[1]
    assert isinstance(layer, LMULayer)
    unknown = replace(layer, memory=replace(layer.memory, theta=None))
    network = FloatNetwork(names=("trained",), layers=(unknown,))
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(network))
    assert load(path).layers[0].memory.theta is None  # type: ignore[union-attr]
    assert to_bytes(load(path)) == path.read_bytes()


def test_channels_come_back(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(LABELLED))
    back = load(path)
    assert (back.inputs, back.outputs) == (LABELLED.inputs, LABELLED.outputs)
    assert to_bytes(back) == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda d: d.update(inputs="mV"), "channels must be a list"),
        (lambda d: d.update(inputs=[1, 2, 3]), ".*argument.*"),
        (lambda d: d["inputs"].pop(), "the input has 2 channels but should have 3, one .*"),
        (lambda d: d["inputs"][0].update(scale=0), "a channel's scale must be .*, not 0"),
        (lambda d: d["inputs"][0].update(gain=1), ".*'gain'"),
        (lambda d: d["inputs"][0].update(name="b"), ".*'b' occurs twice"),
        (lambda d: d["outputs"][0].update(unit="m*/"), "a channel's unit must be .*"),
    ],
)
def test_damaged_channels_are_one_error(change: object, reason: str, tmp_path: Path) -> None:
    path = edited(tmp_path, lambda data, _: change(data), LABELLED)  # type: ignore[operator]
    with pytest.raises(ModelFileError, match=f"is a damaged model: {reason}; import it again$"):
        load(path)


def edited(tmp_path: Path, change: object, network: FloatNetwork = EVERY_KIND) -> Path:
    path = tmp_path / "model.npz"
    path.write_bytes(to_bytes(network))
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
