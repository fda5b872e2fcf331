"""Memories and networks in float64: shapes, files, ranges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh
from lmu_hw.errors import SpecError

X = np.random.default_rng(1).uniform(-1, 1, (6, 40, 1))


def network(every_step: bool = True, classes: bool = False) -> lh.Network:
    """Return an LMU memory and a dense layer of two units."""
    rng = np.random.default_rng(0)
    kinds = lh.layers.Activation
    return lh.Network.from_layers(
        lh.layers.LMULayer(memory=lh.layers.LinearMemory(order=4, theta=20), n_in=1),
        lh.layers.DenseLayer(
            W=rng.uniform(-0.5, 0.5, (2, 4)),
            b=np.array([0.1, -0.1]),
            activation=kinds.SOFTMAX if classes else kinds.TANH,
        ),
        every_step=every_step,
    )


@pytest.mark.parametrize(
    "u",
    [np.zeros((5, 3)), np.zeros((2, 5, 1)), 1.0, ["a"], [[1], [1, 2]], [np.nan], [1j]],
    ids=str,
)
def test_what_no_memory_can_simulate_is_refused(u: object) -> None:
    with pytest.raises(SpecError, match=r"^u "):
        lh.Memory(3).simulate(u)  # type: ignore[arg-type]


@pytest.mark.parametrize("delays", [[-0.1], [1.1], [np.nan], ["a"], [[0.5]]], ids=str)
def test_a_decoder_reads_the_window_alone(delays: object) -> None:
    with pytest.raises(SpecError, match="delays"):
        lh.Memory(3).decoder(delays)  # type: ignore[arg-type]


def test_the_window_has_a_default() -> None:
    assert lh.Memory(5).theta == 40.0


def test_channels_lie_one_after_the_other() -> None:
    u = np.random.default_rng(0).uniform(-1, 1, (50, 2))
    both, one = lh.Memory(3, channels=2), lh.Memory(3)
    expected = [one.simulate(channel) for channel in u.T]
    np.testing.assert_allclose(both.simulate(u), np.hstack(expected), atol=1e-12)


def test_layers_are_named_in_order() -> None:
    assert network().model.names == ("layer 1", "layer 2")
    with pytest.raises(SpecError, match="a name for each"):
        lh.Network.from_layers(*network().model.layers, names=["one"])


def test_widths_of_layers_must_fit() -> None:
    with pytest.raises(SpecError, match="must read 2 words, not 4"):
        lh.Network.from_layers(*network().model.layers[1:] * 2)


def test_a_saved_network_keeps_weights_and_calibrated_ranges(tmp_path: Path) -> None:
    first = network()
    ranges = lh.calibrate(first, X).statistics(coef_bits=16)
    lh.Network(first.model, "first", ranges).save(tmp_path / "first.npz")
    again = lh.load_model(tmp_path / "first.npz")
    assert again.ranges.keys() == ranges.keys()
    assert all(again.ranges[name].peak == seen.peak for name, seen in ranges.items())
    np.testing.assert_array_equal(again.predict(X), first.predict(X))
    again.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "first.npz").read_bytes()
    # the ranges stand for the data that they were calibrated on
    programs = [lh.compile(again), lh.compile(lh.Network(first.model, "first"), calibration=X)]
    assert programs[0].formats == programs[1].formats


def test_a_network_is_saved_in_one_format_only(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"\.npz"):
        network().save(tmp_path / "model.h5")
    assert not list(tmp_path.iterdir())


def test_a_network_runs_sequences_alone() -> None:
    with pytest.raises(SpecError, match="should be"):
        network().predict(X[0])
