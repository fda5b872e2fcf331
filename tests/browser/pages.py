"""Writes the pages that tests open: small designs of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

import lmu_hw as lh

MODELS = Path(__file__).resolve().parents[2] / "examples" / "models"


def memory(path: Path) -> Path:
    """Write the report of a memory, with an FPGA and a microcontroller."""
    build = lh.compile(lh.Memory(6, theta=48), bits=12).write(path)
    return build.report(["ecp5-25k", "c-m4"]).path


def classifier(path: Path) -> Path:
    """Write the build directory of a classifier; return its model file."""
    model = MODELS / "ecg_beats.npz"
    lh.compile(lh.load_model(model), calibration=beats()).write(path)
    return model


def beats() -> np.ndarray:
    """Return sequences that look like something, shape (40, 84, 2)."""
    return np.random.default_rng(0).normal(size=(40, 84, 2)).cumsum(axis=1) / 10


def network(path: Path) -> Path:
    """Write the report of a classifier that has seen data."""
    x = beats()
    model = lh.load_model(classifier(path))
    y = np.argmax(model.predict(x), axis=1)
    # one in ten is labelled otherwise, so that there is something to be wrong about
    y[::10] = 1 - y[::10]
    data = lh.Dataset(sequences=tuple(x), labels=y)
    return lh.open_build(path).report("none", model=model, data=data).path


def spiking(path: Path) -> Path:
    """Write the report of a memory on neurons."""
    memory_ = lh.Memory(4, theta=32)
    return lh.compile(memory_, realization="spiking", neurons=512).write(path).report("none").path


def analog(path: Path) -> Path:
    """Write the report of a circuit."""
    return lh.analog(3, "1ms").write(path).report().path


PAGES: dict[str, Callable[[Path], Path]] = {
    "memory": memory,
    "network": network,
    "spiking": spiking,
    "analog": analog,
}
"""What writes each report."""
