"""Models that Keras wrote: .keras, .weights.h5 with a configuration, and legacy .h5 files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import LMUHWError, ModelFileError, read_error
from ..legendre import Array
from ..network import GRU, LMU, LSTM, Activation, Cell, Dense, Layer, Memory, Network, SimpleRNN
from ..network import n_out as width_of
from ..spec import Discretizer
from .arrays import DAMAGE
from .hdf5 import MAX_BYTES, Hdf5File, read_hdf5
from .keras_config import MAX_JSON, SUPPORTED, KerasLayer, activation_of, layers_of, parse_json
from .matrices import memory_of
from .named_arrays import own

CELLS = ("Dense", "SimpleRNN", "LSTM", "GRU")

Weights = Callable[[KerasLayer, bool, tuple[str, ...]], dict[str, Array]]
"""Layer, whether its hidden cell is meant, names in order of creation -> arrays by name."""


def read_keras(path: Path) -> Network:
    """Read a .keras archive.

    Raises
    ------
    ModelFileError
        If it is damaged or holds what is not supported, which the text names.
    """
    config, metadata, weights = _members(path)
    file = read_hdf5(io.BytesIO(weights), f"{path}: model.weights.h5")
    model = parse_json(config, f"{path}: config.json")
    keras_3 = _is_keras_3(metadata, path)
    return _Builder(str(path), _numbered(file.arrays), keras_3).network(model)


def read_weights(path: Path, spec: Path) -> Network:
    """Read a .weights.h5 file with the configuration of its model.

    Parameters
    ----------
    path : Path
    spec : Path
        What ``model.to_json()`` returned, or a .keras file of the same model.

    Raises
    ------
    ModelFileError
    """
    if spec.suffix == ".keras":
        config, version, _ = _members(spec)
    else:
        try:
            with spec.open("rb") as stream:
                config = version = stream.read(MAX_JSON + 1).decode("utf-8")
        except OSError as error:
            raise read_error(spec, error) from error
        except UnicodeDecodeError as error:
            raise ModelFileError(
                f"{spec} is no text; give what model.to_json() returned"
            ) from error
    file = read_hdf5(path, str(path))
    model = parse_json(config, str(spec))
    keras_3 = _is_keras_3(version, spec)
    return _Builder(str(path), _numbered(file.arrays), keras_3).network(model)


def read_legacy(file: Hdf5File, path: Path) -> Network:
    """Return the model that a whole .h5 or .hdf5 file holds.

    Parameters
    ----------
    file : Hdf5File
        What was read.
    path : Path
        Where, for error texts.

    Raises
    ------
    ModelFileError
    """
    if "model_config" not in file.texts:
        raise ModelFileError(
            f"{path} holds weights alone: give the model's configuration with --spec, as "
            "model.to_json() returns it"
        )
    model = parse_json(file.texts["model_config"], f"{path}: model_config")
    keras_3 = not file.texts.get("keras_version", "2").startswith("2")
    return _Builder(str(path), _named(file.arrays), keras_3).network(model)


def _is_keras_3(text: str, path: Path) -> bool:
    """Return what the JSON beside or around a configuration says of the Keras that wrote it."""
    data = parse_json(text, f"{path}: metadata") if text else {}
    version = data.get("keras_version") if isinstance(data, dict) else None
    return not str(version).startswith("2")


def _members(path: Path) -> tuple[str, str, bytes]:
    """Return the texts of config.json and metadata.json, and the bytes of model.weights.h5."""
    try:
        with zipfile.ZipFile(path) as archive:
            held = set(archive.namelist())
            for name in ("config.json", "model.weights.h5"):
                if name not in held:
                    raise ModelFileError(f"{path} holds no {name}; must be a .keras file")

            def read(name: str, limit: int) -> bytes:
                with archive.open(name) as member:
                    content = member.read(limit + 1)
                if len(content) > limit:
                    raise ModelFileError(f"{path}: {name} is larger than any model's; not read")
                return content

            config = read("config.json", MAX_JSON).decode("utf-8")
            metadata = (
                read("metadata.json", MAX_JSON).decode("utf-8") if "metadata.json" in held else ""
            )
            return config, metadata, read("model.weights.h5", MAX_BYTES)
    except ModelFileError:
        raise
    except OSError as error:
        raise read_error(path, error) from error
    except DAMAGE as error:
        raise ModelFileError(f"{path} is a damaged .keras file ({error}); save it again") from error


def _numbered(arrays: dict[str, Array]) -> Weights:
    """Return the weights of files that number them: ``layers/lmu/layer/cell/vars/0``."""

    def weights(layer: KerasLayer, hidden: bool, names: tuple[str, ...]) -> dict[str, Array]:
        prefix = f"layers/{layer.slot}/"
        found = [
            (path.rsplit("/", 1)[0], int(path.rsplit("/", 1)[1]), array)
            for path, array in arrays.items()
            if path.startswith(prefix)
            and path.rsplit("/", 1)[1].isdigit()
            and ("hidden_cell/" in path) == hidden
        ]
        found.sort(key=lambda item: item[:2])
        if len(found) != len(names):
            what = f"{layer.name!r}{' hidden cell' if hidden else ''}"
            raise ModelFileError(
                f"layer {what} has {len(found)} arrays but should have {len(names)} "
                f"({', '.join(names)})"
            )
        return dict(zip(names, (array for _, _, array in found), strict=True))

    return weights


def _named(arrays: dict[str, Array]) -> Weights:
    """Return the weights of files that name them: ``model_weights/lmu/.../lmu_cell/kernel:0``."""

    def weights(layer: KerasLayer, hidden: bool, names: tuple[str, ...]) -> dict[str, Array]:
        prefix = f"model_weights/{layer.name}/"
        inner = (layer.config.get("hidden_cell") or {}).get("config", {}).get("name")
        found = {}
        for path, array in arrays.items():
            if path.startswith(prefix):
                *parents, name = path.removeprefix(prefix).split("/")
                if (bool(parents) and parents[-1] == inner) == hidden:
                    found[name.partition(":")[0]] = array
        if missing := [name for name in names if name not in found]:
            raise ModelFileError(f"layer {layer.name!r} lacks its {missing[0]}; save it again")
        if more := sorted(found.keys() - {*names, "A", "B"}):
            raise ModelFileError(
                f"layer {layer.name!r} has {more[0][:80]!r}, which its configuration lacks"
            )
        return found

    return weights


class _Builder:
    """Makes layers of a configuration and its weights."""

    def __init__(self, what: str, weights: Weights, keras_3: bool) -> None:
        self._what, self._weights, self._keras_3 = what, weights, keras_3

    def network(self, model: Any) -> Network:
        """Return the network of a model's configuration."""
        described, width = layers_of(model, self._what)
        names: list[str] = []
        layers: list[Layer] = []
        every_step = True
        for layer in described:
            if layer.kind in ("Activation", "Softmax", "ReLU"):
                layers[-1:] = [self._activated(layers, layer)]
                continue
            if not every_step and layer.kind != "Dense":
                raise ModelFileError(
                    f"{self._what}: layer {layer.name!r} must read every step, but the one before "
                    "returns the last alone (return_sequences)"
                )
            layers.append(self._layer(layer, width))
            names.append(layer.name)
            width = width_of(layers[-1])
            every_step = every_step and layer.returns_steps
        return Network(names=tuple(names), layers=tuple(layers), every_step=every_step)

    def _activated(self, layers: list[Layer], layer: KerasLayer) -> Layer:
        kind = {"Softmax": "softmax", "ReLU": "relu"}.get(layer.kind)
        activation = self._activation({"activation": kind or layer.config.get("activation")}, layer)
        before = layers[-1] if layers else None
        if not isinstance(before, Dense) or before.activation is not Activation.LINEAR:
            raise ModelFileError(
                f"{self._what}: layer {layer.name!r} ({layer.kind}) must follow a linear Dense"
            )
        plain = {"max_value": (None,), "negative_slope": (None, 0), "threshold": (None, 0)}
        for key, values in plain.items():
            if layer.kind == "ReLU" and layer.config.get(key) not in values:
                raise ModelFileError(f"{self._what}: layer {layer.name!r} must have no {key}")
        if layer.kind == "Softmax" and layer.config.get("axis", -1) not in (-1, [-1], 2):
            raise ModelFileError(f"{self._what}: layer {layer.name!r} must have axis -1")
        return Dense(W=before.W, b=before.b, activation=activation)

    def _layer(self, layer: KerasLayer, width: int | None) -> Layer:
        try:
            return self._made(layer, width)
        except ModelFileError:
            raise
        except (LMUHWError, KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise ModelFileError(f"{self._what}: layer {layer.name!r}: {error}") from error

    def _made(self, layer: KerasLayer, width: int | None) -> Layer:
        if layer.kind == "LMU":
            return self._lmu(layer, width)
        if layer.kind not in CELLS:
            raise ModelFileError(
                f"{self._what}: layer {layer.name!r} is a {layer.kind[:80]}, which is not "
                f"supported; supported are {SUPPORTED}"
            )
        return self._cell(layer, layer.kind, layer.config, hidden=False)

    def _cell(self, layer: KerasLayer, kind: str, config: dict[str, Any], *, hidden: bool) -> Cell:
        names = ("kernel",) if kind == "Dense" else ("kernel", "recurrent_kernel")
        if config.get("use_bias", True):
            names = (*names, "bias")
        got = self._weights(layer, hidden, names)
        W = _matrix(got["kernel"], layer, "kernel").T
        b = got.get("bias", np.zeros(len(W)))
        usual = "linear" if kind == "Dense" else "tanh"
        activation = self._activation(config, layer, "activation", usual)
        if kind == "Dense":
            return Dense(W=own(W), b=own(b), activation=activation)
        U = own(_matrix(got["recurrent_kernel"], layer, "recurrent_kernel").T)
        if kind == "SimpleRNN":
            return SimpleRNN(W=own(W), U=U, b=own(b), activation=activation)
        gate = self._activation(config, layer, "recurrent_activation", "sigmoid")
        if kind == "LSTM":
            return LSTM(W=own(W), U=U, b=own(b), activation=activation, gate=gate)
        c = None
        if config.get("reset_after", False):
            n = len(W) // 3
            inner, fed_back = b if b.ndim == 2 and len(b) == 2 else (b, np.zeros_like(b))
            # only the candidate's second bias stands inside the reset gate's product
            outside = np.where(np.arange(len(inner)) < 2 * n, fed_back, 0.0)
            # what is not finite is refused by name, when the cell is made
            with np.errstate(all="ignore"):
                b, c = inner + outside, own(fed_back[2 * n :])
        return GRU(W=own(W), U=U, b=own(b), c=c, activation=activation, gate=gate)

    def _lmu(self, layer: KerasLayer, width: int | None) -> LMU:
        config = layer.config
        order, channels = config["order"], config.get("memory_d", 1)
        theta: Any = config.get("theta")
        inner = config.get("hidden_cell")
        discretizer = Discretizer(config.get("discretizer", "zoh"))
        cell = None if inner is None else self._hidden(layer, inner)
        has = {
            "kernel": config.get("kernel_initializer", "given") is not None,
            "bias": config.get("use_bias", False),
            "theta_inv": config.get("trainable_theta", False),
            "recurrent_kernel": config.get("memory_to_memory", False),
        }
        got = self._weights(layer, False, tuple(name for name, here in has.items() if here))
        if has["theta_inv"]:
            theta = 1.0 / float(got["theta_inv"].reshape(()) or np.nan)
        memory = Memory(order=order, theta=theta, discretizer=discretizer, channels=channels)
        if "A" in got and "B" in got:
            found = memory_of(got["A"], got["B"], theta, name=layer.name, transposed=True)
            memory = replace(found.memory, channels=channels)
        n_h = 0
        if config.get("hidden_to_memory", False):
            n_h = width_of(cell) if cell is not None else order * channels + (width or 0)
        kernel = got["kernel"] if has["kernel"] else np.eye(channels)
        kernel = _matrix(kernel, layer, "kernel")
        n_x = width if width is not None else len(kernel) - n_h
        if has["kernel"] and len(kernel) != n_x + n_h:
            raise ModelFileError(
                f"{self._what}: kernel of layer {layer.name!r} has {len(kernel)} rows but should "
                f"have {n_x + n_h}"
            )
        return LMU(
            memory=memory,
            n_in=n_x,
            e_x=own(kernel[:n_x].T) if has["kernel"] or n_h else None,
            e_h=own(kernel[n_x:].T) if n_h else None,
            e_m=own(_matrix(got["recurrent_kernel"], layer, "recurrent_kernel").T)
            if has["recurrent_kernel"]
            else None,
            b=own(got["bias"]) if has["bias"] else None,
            cell=cell,
            reads_input=bool(config.get("input_to_hidden", False)),
        )

    def _hidden(self, layer: KerasLayer, inner: dict[str, Any]) -> Cell:
        kind = str(inner.get("class_name")).rpartition(">")[2].removesuffix("Cell")
        if kind not in CELLS:
            raise ModelFileError(
                f"{self._what}: layer {layer.name!r} has a hidden cell {kind[:80]!r}, must be "
                "one of Dense, SimpleRNNCell, LSTMCell, GRUCell"
            )
        return self._cell(layer, kind, dict(inner.get("config", {})), hidden=True)

    def _activation(
        self,
        config: dict[str, Any],
        layer: KerasLayer,
        key: str = "activation",
        default: Any = None,
    ) -> Activation:
        what = f"{self._what}: layer {layer.name!r}"
        return activation_of(config.get(key, default), self._keras_3, what)


def _matrix(array: Array, layer: KerasLayer, name: str) -> Array:
    if array.ndim != 2:
        raise ModelFileError(
            f"{name} of layer {layer.name!r} has shape {array.shape} but should have two axes"
        )
    return array
