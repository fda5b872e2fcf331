"""Designs whose words, steps and states differ, for the tests of the bus kits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import lmu_hw as lh
from tests.conftest import ROOT

MODELS = ROOT / "examples" / "models"


def _memory(order: int, channels: int = 1, **options: object) -> lh.Design:
    memory = lh.Memory(order, theta=64, channels=channels)
    return lh.compile(memory, **options)  # type: ignore[arg-type]


def _network(every: int) -> lh.Design:
    network = lh.load_model(MODELS / "mackey_glass.npz")
    x = np.random.default_rng(0).uniform(-1, 1, (4, 50, 1))
    return lh.compile(network, widths={"weight_bits": 8}, calibration=x, output_every=every)


DESIGNS: dict[str, Callable[[], lh.Design]] = {
    # one word in, three out: pairs go over the ends of steps
    "taps": lambda: _memory(8, output="taps=0,0.5,1"),
    "channels": lambda: _memory(6, 3, bits=12),
    # words above 16 bits travel alone
    "wide": lambda: _memory(6, bits=20, name="wide"),
    # and above 32 bits in two parts
    "very wide": lambda: _memory(6, widths={"state_bits": 40}, output="state"),
    "network": lambda: _network(1),
    "every third": lambda: _network(3),
    "on demand": lambda: _network(0),
}
"""Makers of designs, by what is special about them."""


def write(name: str, path: Path, kits: str = "axil,wishbone", **hardware: object) -> Path:
    """Write a design with its bus kits; return their directory."""
    options = lh.Hardware(**hardware)  # type: ignore[arg-type]
    build = DESIGNS[name]().write(path, options, kits=kits)
    return build.path / "bus"
