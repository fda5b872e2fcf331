"""Small models in every container of Keras, written without Keras from what its files look like."""

from __future__ import annotations

import itertools
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Array = np.ndarray


def policy() -> dict[str, Any]:
    return {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}}


def lmu(name: str, cell: dict[str, Any] | None, **options: Any) -> dict[str, Any]:
    """Return the configuration of an LMU layer."""
    config = {
        "name": name,
        "dtype": policy(),
        "memory_d": 1,
        "order": 4,
        "theta": 9.0,
        "hidden_cell": cell,
        "trainable_theta": False,
        "hidden_to_memory": False,
        "memory_to_memory": False,
        "input_to_hidden": False,
        "discretizer": "zoh",
        "kernel_initializer": "glorot_uniform",
        "use_bias": False,
        "return_sequences": True,
    }
    return {"class_name": "LMU", "registered_name": "keras-lmu>LMU", "config": config | options}


def layer(class_name: str, name: str, **options: Any) -> dict[str, Any]:
    """Return the configuration of one of Keras's own layers or cells."""
    return {"class_name": class_name, "config": {"name": name, "dtype": policy(), **options}}


def sequential(*layers: dict[str, Any], width: int) -> dict[str, Any]:
    """Return the configuration of a Sequential model."""
    first = layer("InputLayer", "input", batch_shape=[None, None, width])
    return {"class_name": "Sequential", "config": {"name": "model", "layers": [first, *layers]}}


def functional(*layers: dict[str, Any], width: int) -> dict[str, Any]:
    """Return the configuration of a Functional model that is a chain."""
    chain = [layer("InputLayer", "input", batch_shape=[None, None, width]), *layers]
    entries = [{**chain[0], "name": "input", "inbound_nodes": []}]
    for before, entry in itertools.pairwise(chain):
        history = {"keras_history": [before["config"]["name"], 0, 0], "shape": [None, None, 1]}
        tensor = {"class_name": "__keras_tensor__", "config": history}
        entries.append({**entry, "inbound_nodes": [{"args": [tensor], "kwargs": {}}]})
    return {"class_name": "Functional", "config": {"name": "model", "layers": entries}}


def write_numbered(target: Path | BytesIO, weights: dict[str, list[Array]]) -> None:
    """Write a .weights.h5: place of the variables (``lmu/layer/cell``) -> arrays in order."""
    with h5py.File(target, "w") as file:
        for place, arrays in weights.items():
            for k, array in enumerate(arrays):
                file[f"layers/{place}/vars/{k}"] = np.asarray(array, dtype=np.float32)
        # empty groups stand in real files too
        file.require_group("layers/lmu/layer/delay_layer/cell/vars")


def write_keras(path: Path, config: dict[str, Any], weights: dict[str, list[Array]]) -> None:
    """Write a .keras archive."""
    inner = BytesIO()
    write_numbered(inner, weights)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.9.0"}))
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", inner.getvalue())


def write_legacy(
    path: Path, config: dict[str, Any], weights: dict[str, Array], version: str = "3.9.0"
) -> None:
    """Write a legacy .h5: path below the layer (``lmu/lmu/rnn/lmu_cell/kernel``) -> array."""
    suffix = ":0" if version.startswith("2") else ""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["model_config"] = json.dumps(config)
        for place, array in weights.items():
            file[f"model_weights/{place}{suffix}"] = np.asarray(array, dtype=np.float32)
