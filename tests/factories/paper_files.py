"""Whole models as the code of the paper saved them: Keras 2.2 and 2.3, cells without configuration.

The paper's networks for Mackey-Glass are such files: LMU and LSTM layers in turns, a tanh head.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.factories.paper_cell import N, keras, maths

Arrays = dict[str, np.ndarray]
RNG = np.random.default_rng(23)


def cell(name: str, returns_steps: bool = True, **config: Any) -> dict[str, Any]:
    """Return the configuration of a cell: empty, as the paper's code left it, or not."""
    inner = {
        "class_name": "LMUCell",
        "config": {"name": f"cell_{name}", "trainable": True, **config},
    }
    options = {"name": name, "return_sequences": returns_steps, "go_backwards": False}
    return {"class_name": "RNN", "config": {**options, "cell": inner}}


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}


def write(
    path: Path, entries: list[dict[str, Any]], weights: dict[str, Arrays], *, as_list: bool = False
) -> Path:
    """Write a whole model as Keras 2.2 and 2.3 do; of the former's, layers stood in a bare list."""
    config = entries if as_list else {"name": "sequential_1", "layers": entries}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.2.4" if as_list else b"2.3.1"
        file.attrs["backend"] = b"tensorflow"
        text = json.dumps({"class_name": "Sequential", "config": config})
        file.attrs["model_config"] = np.bytes_(text)
        for name, group in weights.items():
            for key, array in group.items():
                file[f"model_weights/{name}/{name}/{key}:0"] = array.astype(np.float32)
        file["optimizer_weights/training/Adam/m_0:0"] = np.zeros(3)
    return path


def stored(seed: int, n_in: int, theta: float = 4.0) -> Arrays:
    """Return a cell as the paper's code stores it: bias (1, n), AT less the identity."""
    return keras(maths(seed, n_in, theta)) | {"bias": RNG.uniform(-0.3, 0.3, (1, N))}


def lstm(n_in: int, n: int) -> Arrays:
    shapes = {"kernel": (n_in, 4 * n), "recurrent_kernel": (n, 4 * n), "bias": (4 * n,)}
    return {key: RNG.uniform(-0.5, 0.5, shape) for key, shape in shapes.items()}


def write_hybrid(
    path: Path, *, gate: str = "sigmoid", as_list: bool = False
) -> tuple[list[Arrays], list[Arrays], Arrays]:
    """Write LMU, LSTM, LMU, LSTM and a head; return the arrays of each as written."""
    lmus = [stored(1, 1), stored(2, 3)]
    lstms = [lstm(N, 3), lstm(N, 3)]
    head = {"kernel": RNG.uniform(-1.0, 1.0, (3, 1)), "bias": np.array([0.25])}
    options = {"activation": "tanh", "recurrent_activation": gate, "return_sequences": True}
    write(
        path,
        [
            cell("rnn_5"),
            layer("LSTM", "lstm_5", units=3, **options),
            cell("rnn_6"),
            layer("LSTM", "lstm_6", units=3, **options),
            layer("Dense", "dense_3", units=1, activation="tanh", use_bias=True),
        ],
        {
            "rnn_5": lmus[0],
            "lstm_5": lstms[0],
            "rnn_6": lmus[1],
            "lstm_6": lstms[1],
            "dense_3": head,
        },
        as_list=as_list,
    )
    groups = [
        {key: array.astype(np.float32).astype(np.float64) for key, array in group.items()}
        for group in (*lmus, *lstms, head)
    ]
    return groups[:2], groups[2:4], groups[4]
