"""Save a model so that its training can go on: a neutral model file, and what training needs.

Every command reads the network in the file. Beside it are the kinds of the layers, what is learned,
dropout, all parameters in their precision, and the word lengths of a model trained as integers.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from .._support.build_directory import write_file
from ..errors import LMUHWError, ModelFileError, SpecError
from ..models.importers.model_file import read_model, read_ranges, read_training, to_bytes
from ..models.network import FloatNetwork, LMULayer
from ..quantize.word_lengths import Widths
from .cells import GRU, LSTM, Cell, Dense, SimpleRNN
from .layer import ENCODERS, LMU
from .model import Model, export, model_of
from .quantized import Quantized
from .trainable_memory import LegendreMemory

KINDS: dict[str, type[Cell]] = {kind.__name__: kind for kind in (Dense, SimpleRNN, LSTM, GRU)}


def save(model: Model | Quantized, path: str | Path) -> None:
    """Write a model to a ``.npz`` file, which `load` and every command of lmu-hw read.

    Parameters
    ----------
    model : Model or Quantized
        Of a `Quantized`, the file also holds the word lengths and the calibrated ranges.
    path : str or Path

    Raises
    ------
    SpecError
        If the name does not end in ``.npz``, or a weight is not finite.
    UnstableError
        If a trained memory is not stable.
    EmitError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise SpecError(f"path must end in .npz, not {str(path)!r}")
    inner = model.model if isinstance(model, Quantized) else model
    network, n = export(inner), 0
    layers = []
    for layer in inner.layers:
        layers.append(_describe(layer, n))
        n += layer.memory.n_windows if isinstance(layer, LMU) else 1
    training: dict[str, Any] = {
        "layers": layers,
        "names": list(inner.names),
        "normalizes": inner.normalizes,
        "dtype": str(next((p.dtype for p in inner.parameters()), torch.float32))[6:],
    }
    ranges = None
    if isinstance(model, Quantized):
        ranges = model.ranges
        training["widths"] = asdict(model.widths)
    arrays = {k: p.detach().cpu().numpy() for k, p in inner.state_dict().items()}
    content = to_bytes(network, ranges, training=training, trained_arrays=arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, lambda file: file.write(content))


def load(path: str | Path) -> Model | Quantized:
    """Return the model of a file that `save` wrote, as it was: learned, fixed, with its dropout.

    Of a neutral model file from elsewhere it returns `model_of` the network.

    Raises
    ------
    ModelFileError
        If the file is missing or damaged.
    """
    path = Path(path)
    network = read_model(path)
    training, arrays = read_training(path)
    ranges = read_ranges(path)
    try:
        model = _model(network, training, arrays) if "layers" in training else model_of(network)
        if "widths" not in training:
            return model
        return Quantized(model, Widths.of(training["widths"]), ranges)
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError, IndexError) as error:
        if isinstance(error, ModelFileError):
            raise
        reason = str(error).splitlines()[0][:200] if isinstance(error, LMUHWError) else "training"
        raise ModelFileError(f"{path} is a damaged model: {reason}; save it again") from error


def _model(network: FloatNetwork, training: dict[str, Any], arrays: dict[str, Any]) -> Model:
    dtype = getattr(torch, training["dtype"])
    model = Model(
        [_layer(described, network) for described in training["layers"]],
        names=training["names"],
        every_step=network.every_step,
        inputs=network.inputs,
        outputs=network.outputs,
        normalizes=training["normalizes"],
    ).to(dtype)
    # float64 in between holds every narrower type exactly
    model.load_state_dict({k: torch.tensor(v).to(dtype) for k, v in arrays.items()})
    return model


def _describe(layer: LMU | Cell, place: int) -> dict[str, Any]:
    """Return what makes the layer; ``place`` is its first layer in the network."""
    if not isinstance(layer, LMU):
        found: dict[str, Any] = {
            "kind": type(layer).__name__,
            "input_size": layer.input_size,
            "hidden_size": layer.hidden_size,
            "activation": layer.activation.value,
        }
        if isinstance(layer, LSTM | GRU):
            found["gate"] = layer.gate.value
        if isinstance(layer, GRU):
            found["inner_bias"] = layer.c is not None
        if isinstance(layer, Dense):
            found["dropout"] = layer.dropout.p
        return found
    memory = layer.memory
    is_of_network = not memory.is_learned and memory.memories()[0].trained is not None
    return {
        "kind": "LMU",
        "input_size": layer.input_size,
        "cell": None if layer.cell is None else _describe(layer.cell, place),
        "encoders": [name for name in ENCODERS if getattr(layer, name) is not None],
        "bias": layer.b is not None,
        "reads_input": layer.reads_input,
        "memory": place
        if is_of_network
        else {
            "order": memory.order,
            "theta": memory.theta.tolist(),
            "channels": memory.channels,
            "discretizer": memory.discretizer.value,
            "learn_theta": memory.learns_theta,
            "learn_system": memory.learns_system,
        },
    }


def _layer(described: dict[str, Any], network: FloatNetwork) -> LMU | Cell:
    options = dict(described)
    kind = options.pop("kind")
    if kind != "LMU":
        return KINDS[kind](**options)
    memory = options.pop("memory")
    if isinstance(memory, int):
        layer = network.layers[memory]
        assert isinstance(layer, LMULayer), "a memory is an LMU layer's"
        made = LegendreMemory.of(layer.memory)
    else:
        made = LegendreMemory(**memory)
    cell = options.pop("cell")
    inner = None if cell is None else _layer(cell, network)
    assert not isinstance(inner, LMU), "a cell is no layer"
    return LMU(memory=made, cell=inner, **options)
