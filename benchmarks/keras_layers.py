"""Imported models against the outputs of Keras itself: docs/reference/keras_models.md.

    pip install keras torch
    KERAS_BACKEND=torch python benchmarks/keras_layers.py

A model with every layer that folds away is saved in each container of Keras 3, imported, and run in
float64. Keras runs it in float32.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import lmu_hw as lh

SEED = 1
N_SEQUENCES, N_STEPS, WIDTH = 20, 50, 3


def model(rng: np.random.Generator) -> Any:
    """Return a model with random weights."""
    layers = keras.layers
    adapted = layers.Normalization()
    adapted.adapt(rng.normal(2.0, 3.0, (50, N_STEPS, WIDTH)))
    made = keras.Sequential(
        [
            keras.Input((None, WIDTH)),
            adapted,
            layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]),
            layers.Rescaling(0.5, offset=[0.1, 0.2, 0.3]),
            layers.LSTM(8, return_sequences=True),
            layers.BatchNormalization(),
            layers.SpatialDropout1D(0.1),
            layers.TimeDistributed(layers.Dense(7, activation="relu")),
            layers.TimeDistributed(layers.BatchNormalization(center=False)),
            layers.GRU(6),
            layers.Flatten(),
            layers.Identity(),
            layers.Dense(2),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
        ]
    )
    for layer in made.layers:
        if isinstance(layer, layers.BatchNormalization | layers.TimeDistributed):
            layer.set_weights([rng.uniform(0.2, 2.0, w.shape) for w in layer.get_weights()])
    return made


def main() -> None:
    """Print the largest difference for each container."""
    rng = np.random.default_rng(SEED)
    made = model(rng)
    x = rng.normal(size=(N_SEQUENCES, N_STEPS, WIDTH))
    wanted = made.predict(x, verbose=0)
    with tempfile.TemporaryDirectory() as build_dir:
        whole = Path(build_dir) / "model.keras"
        for name in ("model.keras", "model.h5", "model.weights.h5"):
            path = Path(build_dir) / name
            if name.endswith(".weights.h5"):
                made.save_weights(path)
                network = lh.load_model(path, config=whole)
            else:
                made.save(path)
                network = lh.load_model(path)
            error = np.max(np.abs(network.predict(x) - wanted))
            kinds = ", ".join(type(layer).__name__ for layer in network.model.layers)
            print(f"Keras {keras.__version__}, {name}: {kinds}; largest difference {error:.1e}")


if __name__ == "__main__":
    main()
