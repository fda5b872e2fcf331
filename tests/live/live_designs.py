"""Small designs and recordings for the live view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import lmu_hw as lh
from lmu_hw.live.live_design import LiveDesign, open_design
from lmu_hw.live.live_input import LiveInput, made_input, read_input


def memory_design(path: Path, **options: Any) -> LiveDesign:
    """Return a memory of two channels, ready to run live."""
    lh.compile(lh.Memory(6, theta=40, channels=2), bits=12, **options).write(path)
    return open_design(path)


def small_network() -> lh.Network:
    """Return a classifier of two inputs and three classes, with an output at the last step."""
    rng = np.random.default_rng(0)
    memory = lh.layers.LinearMemory(order=4, theta=20, channels=2)
    lmu = lh.layers.LMULayer(memory=memory, n_in=2)
    head = lh.layers.DenseLayer(
        W=rng.normal(size=(3, lh.layers.n_out(lmu))),
        b=rng.normal(size=3),
        activation=lh.layers.Activation.SOFTMAX,
    )
    return lh.Network.from_layers(lmu, head, every_step=False)


def network_design(path: Path, *, beside: bool = True, every: int | None = None) -> LiveDesign:
    """Return the classifier, ready to run live, with its float64 counterpart or without."""
    network = small_network()
    options = {} if every is None else {"output_every": every}
    x = np.random.default_rng(1).uniform(-1, 1, (10, 30, 2))
    lh.compile(network, calibration=x, **options).write(path)
    return open_design(path, network.model if beside else None)


def recordings(design: LiveDesign, path: Path) -> LiveInput:
    """Return two recordings of a CSV file, of 50 and 30 steps."""
    u = np.random.default_rng(2).uniform(-0.9, 0.9, (80, 2))
    lines = [",".join(map(str, row)) for row in u.tolist()]
    path.write_text("\n".join([*lines[:50], "", *lines[50:]]) + "\n")
    return read_input(design.program, path, network=design.spec is None, rate=100.0)


def made(design: LiveDesign) -> LiveInput:
    """Return a made signal."""
    return made_input(design.program, design.spec, None)
