"""Parse a Keras configuration: a chain of layers, their options and activations."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ...errors import ModelFileError, reason_of
from ..network import Activation

MAX_JSON = 1 << 24
"""Longest configuration [characters]."""
MODELS = ("Sequential", "Functional", "Model")
IGNORED = (
    "InputLayer",
    "Identity",
    "Dropout",
    "AlphaDropout",
    "GaussianNoise",
    "GaussianDropout",
    "ActivityRegularization",
    "SpatialDropout1D",
)
"""Layers that do nothing at inference."""
LMUS = ("LMU", "LMUFFT", "LMUFeedforward", "LMUCell")
RECURRENT = ("SimpleRNN", "LSTM", "GRU")
STEPWISE = (
    *IGNORED,
    *("Dense", "Activation", "Softmax", "ReLU"),
    *("BatchNormalization", "Normalization", "Rescaling", "Flatten"),
)
"""Layers that TimeDistributed may wrap: each reads a single step."""
SUPPORTED = (
    "LMU, LMUFeedforward, RNN(LMUCell), Dense, SimpleRNN, LSTM, GRU, Activation, Softmax, ReLU, "
    "BatchNormalization, Normalization, Rescaling, Dropout, Flatten after the last step"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class KerasLayer:
    """A layer of a configuration.

    Attributes
    ----------
    kind : str
        Class of the layer; ``LMU`` for every class of keras-lmu, and the class of the wrapped
        layer for TimeDistributed.
    name : str
        Name of the layer. Legacy files store its weights under it.
    slot : str
        Class name and count, such as ``dense_1``. Newer files store its weights under it.
    config : dict
        Options of the layer.
    returns_steps : bool
        Whether it passes on its output at every step, rather than the last one only.
    reads_step : bool
        Whether TimeDistributed wraps it, so that it reads one step at a time.
    """

    kind: str
    name: str
    slot: str
    config: dict[str, Any]
    returns_steps: bool
    reads_step: bool = False


def parse_json(text: str, file_name: str) -> Any:
    """Return JSON data; raise `ModelFileError` if it is damaged, too long or nested too deep."""
    if len(text) > MAX_JSON:
        raise ModelFileError(f"{file_name} is longer than any model's configuration; not read")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{file_name} is damaged JSON ({reason_of(error)}); save the model again"
        ) from error


def layers_of(model: Any, file_name: str) -> tuple[list[KerasLayer], list[int | None] | None]:
    """Return the layers of a model's configuration in order, and the shape of its input if known.

    The shape is (sequences, steps, words) or (sequences, words); unknown sizes are None.

    Raises
    ------
    ModelFileError
        If the layers do not form a chain.
    """
    try:
        if model["class_name"] not in MODELS:
            raise ModelFileError(
                f"{file_name} holds a {str(model['class_name'])[:80]!r}, must be a Sequential or "
                "Functional model"
            )
        config = model["config"]
        # Keras 2.2 stores the list directly
        entries = config if isinstance(config, list) else config["layers"]
        counts: dict[str, int] = {}
        layers: list[KerasLayer] = []
        shape: list[int | None] | None = None
        before: str | None = None
        for entry in entries:
            layer = _layer(entry, counts)
            if model["class_name"] != "Sequential":
                _check_chain(entry, before, layer.name, file_name)
            before = layer.name
            if shape is None and not layers:
                shape = _shape(entry["config"], config)
            if layer.kind not in IGNORED:
                layers.append(layer)
        outputs = None if isinstance(config, list) else config.get("output_layers")
        if outputs is not None and not _is_output(outputs, before):
            raise ModelFileError(f"{file_name} must have one output, that of its last layer")
    except ModelFileError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"{file_name} has a configuration that is damaged or from an unknown Keras version: "
            f"{type(error).__name__} {str(error)[:80]}"
        ) from error
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names):
        raise ModelFileError(
            f"{file_name} has two layers of one name; rename one and save the model again"
        )
    if not layers:
        raise ModelFileError(f"{file_name} holds no layers; supported are {SUPPORTED}")
    if shape is not None and len(shape) not in (2, 3):
        raise ModelFileError(
            f"{file_name} reads arrays of {len(shape)} axes, must be (sequences, steps, words)"
        )
    return layers, shape


def _layer(entry: dict[str, Any], counts: dict[str, int]) -> KerasLayer:
    kind, config = _class(entry), dict(entry["config"])
    snake = re.sub(r"(?<!^)(?<![A-Z_])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    number = counts.get(snake, 0)
    counts[snake] = number + 1
    name, slot = str(config.get("name", snake)), f"{snake}_{number}" if number else snake
    if config.get("go_backwards"):
        raise ModelFileError(f"layer {name[:80]!r} must not go_backwards: a step has no future")
    reads_step = kind == "TimeDistributed"
    returns_steps = config.get("return_sequences")
    if reads_step or kind == "RNN":
        inner = config["layer" if reads_step else "cell"]
        kind, config = _class(inner), dict(inner["config"])
        if reads_step and kind not in STEPWISE:
            raise ModelFileError(
                f"layer {name[:80]!r} must be a TimeDistributed of Dense, or of a layer that "
                f"folds into one, not of {kind[:80]}"
            )
        if not reads_step and kind.removesuffix("Cell") in RECURRENT:
            kind = kind.removesuffix("Cell")
    if kind in LMUS:
        kind = "LMU"
    if returns_steps is None:
        # the defaults of Keras
        returns_steps = kind not in ("LMU", *RECURRENT)
    return KerasLayer(
        kind=kind,
        name=name,
        slot=slot,
        config=config,
        returns_steps=bool(returns_steps),
        reads_step=reads_step,
    )


def _class(entry: dict[str, Any]) -> str:
    """Return the class name without the package prefix of legacy files."""
    return str(entry["class_name"]).rpartition(">")[2]


def _shape(first: dict[str, Any], model: Any) -> list[int | None] | None:
    """Return the shape of the input, if the first layer or the model states it."""
    shapes = [first.get("batch_shape"), first.get("batch_input_shape")]
    if isinstance(model, dict):
        shapes.append(model.get("build_input_shape"))
    for shape in shapes:
        if isinstance(shape, list) and shape:
            return [n if type(n) is int else None for n in shape]
    return None


def _check_chain(entry: dict[str, Any], before: str | None, name: str, file_name: str) -> None:
    sources = _sources(entry.get("inbound_nodes", []))
    if sources != ([] if before is None else [before]):
        raise ModelFileError(
            f"{file_name}: layer {name!r} reads {', '.join(sources) or 'nothing'}; "
            "the layers must form a chain, each reading the one before"
        )


def _sources(node: Any) -> list[str]:
    """Return the names of the layers that inbound nodes refer to, for Keras 2 and 3."""
    if isinstance(node, dict):
        if "keras_history" in node:
            return [_tensor(node["keras_history"])]
        return [name for value in node.values() for name in _sources(value)]
    if isinstance(node, list):
        if node and isinstance(node[0], str) and len(node) in (3, 4):
            return [_tensor(node)]
        return [name for value in node for name in _sources(value)]
    return []


def _tensor(history: list[Any]) -> str:
    """Return the layer whose output is read; for a state output, a name that no layer has."""
    name, _, index = history[:3]
    return f"{name} (output {index})" if index else str(name)


def _is_output(outputs: Any, last: str | None) -> bool:
    """Return whether the model's only output is that of its last layer."""
    while isinstance(outputs, list) and len(outputs) == 1:
        (outputs,) = outputs
    return isinstance(outputs, list) and len(outputs) == 3 and _tensor(outputs) == last


def activation_of(value: Any, keras_3: bool, file_name: str) -> Activation:
    """Return the activation that a configuration names.

    Raises
    ------
    ModelFileError
        If it is not supported.
    """
    if isinstance(value, dict):
        value = value.get("class_name") if value.get("config") is None else value["config"]
        value = value.get("name") if isinstance(value, dict) else value
    name = "linear" if value is None else str(value).lower()
    if name == "hard_sigmoid" and not keras_3:
        return Activation.HARD_SIGMOID_5
    known = {a.value: a for a in Activation if a is not Activation.HARD_SIGMOID_5}
    if name not in known:
        raise ModelFileError(
            f"{file_name} has activation {name[:80]!r}, must be one of {', '.join(known)}"
        )
    return known[name]
