"""One Keras model with an LMU, in every container that Keras has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lmu_hw.models.importers import load
from lmu_hw.models.network import FloatNetwork
from tests.factories.keras_files import (
    functional,
    layer,
    lmu,
    sequential,
    write_keras,
    write_legacy,
    write_numbered,
)

NAMES = ["feedforward_dense", "memory_only", "paper_cell", "stack_of_two"]
WIDTH, CHANNELS, ORDER, N = 3, 2, 4, 5


def random(*shape: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng([seed, *shape]).uniform(-0.5, 0.5, shape)
    return values.astype(np.float32).astype(np.float64)


KERNEL = random(WIDTH + N, CHANNELS)
BIAS = random(CHANNELS)
RECURRENT = random(CHANNELS * ORDER, CHANNELS)
CELL = (random(CHANNELS * ORDER + WIDTH, N), random(N, N), random(N))
HEAD = (random(N, 4), random(4))


def model(build: Any = sequential) -> dict[str, Any]:
    cell = layer("SimpleRNNCell", "simple_rnn_cell", units=N, activation="tanh", use_bias=True)
    options = {"memory_d": CHANNELS, "order": ORDER, "use_bias": True}
    flags = dict.fromkeys(("hidden_to_memory", "memory_to_memory", "input_to_hidden"), True)
    return build(
        lmu("lmu", cell, **options, **flags),
        layer("Dropout", "dropout", rate=0.5),
        layer("Dense", "head", units=4, activation="softmax", use_bias=True),
        width=WIDTH,
    )


NUMBERED = {
    "lmu/layer/cell": [KERNEL, BIAS, RECURRENT],
    "lmu/hidden_cell": list(CELL),
    "dense": list(HEAD),
}
NAMED = {
    "lmu/lmu/rnn/lmu_cell/kernel": KERNEL,
    "lmu/lmu/rnn/lmu_cell/bias": BIAS,
    "lmu/lmu/rnn/lmu_cell/recurrent_kernel": RECURRENT,
    "lmu/lmu/rnn/lmu_cell/simple_rnn_cell/kernel": CELL[0],
    "lmu/lmu/rnn/lmu_cell/simple_rnn_cell/recurrent_kernel": CELL[1],
    "lmu/lmu/rnn/lmu_cell/simple_rnn_cell/bias": CELL[2],
    "head/head/kernel": HEAD[0],
    "head/head/bias": HEAD[1],
}


def write(path: Path, container: str) -> FloatNetwork:
    """Write the model in a container and import it."""
    spec = None
    if container in ("keras", "functional", "keras 2"):
        file = path / "model.keras"
        weights = dict(NUMBERED)
        if container == "keras 2":
            weights["lmu/layer/cell/hidden_cell"] = weights.pop("lmu/hidden_cell")
        write_keras(file, model(functional if container == "functional" else sequential), weights)
    elif container == "weights":
        file, spec = path / "model.weights.h5", path / "config.json"
        write_numbered(file, NUMBERED)
        spec.write_text(json.dumps(model()))
    else:
        file = path / "model.h5"
        write_legacy(file, model(), NAMED, version="2.15.0" if container == "h5 2" else "3.9.0")
    return load(file, spec=spec)
