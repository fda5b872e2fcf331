"""The neutral model file: a .npz of arrays of numbers and a description, no pickles.

Member ``model`` is the description, JSON in UTF-8 bytes; the arrays of layer k are ``k/e_x``,
``k/cell.W`` and so on. Its keys ``inputs`` and ``outputs``, where there are any, list a channel for
each element: ``name``, ``unit``, ``scale``, ``offset``. Arrays are float64 unless a smaller type is
asked for; a reader takes every type that float64 holds exactly. The same network always gives the
same bytes. A model from quantization-aware training also holds the statistics that its word formats
were chosen from: ``ranges/SIGNAL`` has, for a signal of `lmu_hw.quantize.lower`, the peak followed
by the mean square of each element. Key ``training`` and arrays ``training/NAME`` are of
`lmu_hw.train.save`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..._support.array_types import Array
from ..._support.channel import Channel
from ...errors import FormatError, LMUHWError, ModelFileError, SpecError, read_error
from ...memory.legendre import StateSpace
from ...memory.spec import Discretizer
from ..network import (
    Activation,
    Cell,
    DenseLayer,
    FloatNetwork,
    GRULayer,
    Layer,
    LinearMemory,
    LMULayer,
    LSTMLayer,
    SimpleRNNLayer,
    arrays,
)
from .bare_arrays import read_arrays
from .keras_config import parse_json

FORMAT = "lmu-hw model"
VERSION = 1
CELLS: dict[str, type[Cell]] = {
    "dense": DenseLayer,
    "simple_rnn": SimpleRNNLayer,
    "lstm": LSTMLayer,
    "gru": GRULayer,
}


RANGES, TRAINING = "ranges/", "training/"
DTYPES = ("float64", "float32", "float16")


def to_bytes(
    network: FloatNetwork,
    ranges: Mapping[str, tuple[float, Array]] | None = None,
    dtype: str = "float64",
    *,
    training: Mapping[str, Any] | None = None,
    trained_arrays: Mapping[str, Array] | None = None,
) -> bytes:
    """Return the bytes of the model file, with peak and power of every signal if given.

    Parameters
    ----------
    network : FloatNetwork
    ranges : mapping of str to (float, float array), optional
    dtype : str
        ``"float64"``, ``"float32"`` or ``"float16"``: the type that weights are rounded to.
    training : mapping, optional
        What training needs beside the network, of types that JSON has; ``widths`` holds the word
        lengths that the weights were trained for.
    trained_arrays : mapping of str to float array, optional
        Parameters that the network does not hold.

    Raises
    ------
    SpecError
        If the type is another, or too small for a weight.
    """
    members: dict[str, Any] = {}
    layers = []
    for k, (name, layer) in enumerate(zip(network.names, network.layers, strict=True)):
        layers.append({"name": name, **_describe(layer)})
        members |= {f"{k}/{key}": _rounded(key, array, dtype) for key, array in arrays(layer)}
    for name, (peak, power) in (ranges or {}).items():
        members[RANGES + name] = np.append(peak, power)
    for name, array in (trained_arrays or {}).items():
        members[TRAINING + name] = np.ascontiguousarray(array)
    channels = {"inputs": network.inputs, "outputs": network.outputs}
    text = json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "every_step": network.every_step,
            "layers": layers,
            **{k: [asdict(c) for c in v] for k, v in channels.items() if v is not None},
            **({} if training is None else {"training": dict(training)}),
        }
    )
    buffer = io.BytesIO()
    np.savez(buffer, model=np.frombuffer(text.encode(), dtype=np.uint8), **members)
    return buffer.getvalue()


def _rounded(key: str, array: Array, dtype: str) -> np.ndarray:
    if dtype not in DTYPES:
        raise SpecError(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}")
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(array, dtype=dtype)
    if not np.all(np.isfinite(rounded)):
        raise SpecError(f"{key} must fit in {dtype}; its largest is {np.abs(array).max():g}")
    return rounded


def is_model_file(path: Path) -> bool:
    """Return whether a .npz file starts like a neutral model file."""
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise read_error(path, error) from error
    # members are stored uncompressed, the description first
    return head[30:39] == b"model.npy" and f'{{"format": "{FORMAT}"'.encode() in head


def read_model(path: Path) -> FloatNetwork:
    """Read a neutral model file.

    Raises
    ------
    ModelFileError
        If it is damaged.
    """
    found = read_arrays(path)
    try:
        with np.errstate(all="ignore"):
            text = found.pop("model").astype(np.uint8).tobytes().decode("utf-8", "replace")
        data = parse_json(text, f"{path}: model")
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise ModelFileError(f"{path} must be a model of version {VERSION}; import it again")
        layers = []
        for k, described in enumerate(data["layers"]):
            own = {
                key.partition("/")[2]: array
                for key, array in found.items()
                if key.partition("/")[0] == str(k)
            }
            layers.append(_layer(described, own))
        return FloatNetwork(
            names=tuple(str(described["name"]) for described in data["layers"]),
            layers=tuple(layers),
            every_step=bool(data["every_step"]),
            inputs=_channels(data.get("inputs")),
            outputs=_channels(data.get("outputs")),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, LMUHWError) and not isinstance(error, FormatError):
            raise
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)[:200]
        raise ModelFileError(f"{path} is a damaged model: {reason}; import it again") from error


def read_ranges(path: Path) -> dict[str, tuple[float, Array]]:
    """Return peak and power of each signal in a neutral model file; empty if it holds none."""
    if path.suffix != ".npz" or not is_model_file(path):
        return {}
    found = {k: v for k, v in read_arrays(path).items() if k.startswith(RANGES)}
    for name, array in found.items():
        if array.ndim != 1 or len(array) < 2 or not np.all(array >= 0.0):
            raise ModelFileError(f"{path} is a damaged model: {name}; import it again")
    return {k.removeprefix(RANGES): (float(v[0]), v[1:].copy()) for k, v in found.items()}


def read_training(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what `to_bytes` was given as ``training`` and ``trained_arrays``; empty if nothing.

    Raises
    ------
    ModelFileError
        If the file is damaged.
    """
    if path.suffix != ".npz" or not is_model_file(path):
        return {}, {}
    found = read_arrays(path)
    text = found.pop("model").astype(np.uint8).tobytes().decode("utf-8", "replace")
    data = parse_json(text, f"{path}: model")
    training = data.get("training", {})
    if type(training) is not dict:
        raise ModelFileError(f"{path} is a damaged model: training; save it again")
    own = {k: v for k, v in found.items() if k.startswith(TRAINING)}
    return training, {k.removeprefix(TRAINING): v for k, v in own.items()}


def _channels(described: Any) -> tuple[Channel, ...] | None:
    if described is None:
        return None
    if type(described) is not list:
        raise TypeError("channels must be a list")
    return tuple(Channel(**channel) for channel in described)


def _describe(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, LMULayer):
        memory = layer.memory
        return {
            "kind": "lmu",
            "order": memory.order,
            "theta": memory.theta,
            "discretizer": memory.discretizer.value,
            "channels": memory.channels,
            "n_in": layer.n_in,
            "reads_input": layer.reads_input,
            "cell": None if layer.cell is None else _describe(layer.cell),
        }
    kind = next(name for name, cell in CELLS.items() if isinstance(layer, cell))
    gate = {"gate": layer.gate.value} if isinstance(layer, LSTMLayer | GRULayer) else {}
    return {"kind": kind, "activation": layer.activation.value, **gate}


def _layer(described: dict[str, Any], own: dict[str, Array]) -> Layer:
    if described["kind"] != "lmu":
        return _cell(described, own)
    order, trained = described["order"], None
    if "A" in own:
        scale = np.sqrt(2.0 * np.arange(len(own["B"])) + 1.0)
        trained = StateSpace(A=own.pop("A"), B=own.pop("B"), scale=scale)
    memory = LinearMemory(
        order=order,
        theta=described["theta"],
        discretizer=Discretizer(described["discretizer"]),
        channels=described["channels"],
        trained=trained,
    )
    cell = described["cell"]
    inner = {key[5:]: own.pop(key) for key in list(own) if key.startswith("cell.")}
    return LMULayer(
        memory=memory,
        n_in=described["n_in"],
        cell=None if cell is None else _cell(cell, inner),
        reads_input=bool(described["reads_input"]),
        **own,
    )


def _cell(described: dict[str, Any], own: dict[str, Array]) -> Cell:
    options: dict[str, Any] = {**own, "activation": Activation(described["activation"])}
    if "gate" in described:
        options["gate"] = Activation(described["gate"])
    return CELLS[described["kind"]](**options)
