"""Lesson 6: from the file of a trained network to a program, and what the words cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lmu_hw as lh


@pytest.fixture
def network(tmp_path: Path) -> lh.Network:
    """An LMU of 6 units and a dense layer, from a file of arrays in the letters of the paper."""
    rng, shapes = np.random.default_rng(0), {"e_x": (1, 1), "e_h": (1, 6), "e_m": (1, 4)}
    shapes |= {"W_x": (6, 1), "W_h": (6, 6), "W_m": (6, 4)}
    arrays = {f"lmu.{name}": rng.uniform(-0.3, 0.3, shape) for name, shape in shapes.items()}
    arrays["fc.weight"], arrays["fc.bias"] = rng.uniform(-0.5, 0.5, (2, 6)), np.zeros(2)
    np.savez(tmp_path / "model.npz", **arrays)
    # Arrays do not say how long the window is.
    return lh.load_model(tmp_path / "model.npz", theta=20)


X = np.random.default_rng(1).uniform(-1, 1, (10, 50, 1))  # sequences, steps, inputs


def test_the_program_does_nearly_what_the_network_does(network: lh.Network) -> None:
    """`calibration` data set the ranges of signals that no proof bounds."""
    design = lh.compile(network, bits=16, calibration=X)
    wanted, got = network.predict(X), design.predict(X)
    assert np.max(np.abs(got - wanted)) < 0.002
    np.testing.assert_array_equal(design.predict(X), got)  # integers: the same every time


def test_fewer_bits_are_less_accurate(network: lh.Network) -> None:
    wanted = network.predict(X)
    errors = [
        np.max(np.abs(lh.compile(network, bits=bits, calibration=X).predict(X) - wanted))
        for bits in (16, 10, 6)
    ]
    assert errors == sorted(errors)


def test_a_saved_network_knows_its_window(network: lh.Network, tmp_path: Path) -> None:
    """`save` writes lmu-hw's own format: nothing has to be said again, and words stay the same."""
    network.save(tmp_path / "saved.npz")
    again = lh.load_model(tmp_path / "saved.npz")
    programs = [lh.compile(n, calibration=X, name="net").program for n in (network, again)]
    assert programs[0].ops == programs[1].ops
    assert programs[0].vectors == programs[1].vectors
