"""Build a network from a Keras configuration and its weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..._support.array_types import Array
from ...errors import LMUHWError, ModelFileError
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
)
from ..network import n_out as width_of
from .folding import LayerChain
from .keras_config import RECURRENT, SUPPORTED, KerasLayer, activation_of, layers_of
from .keras_scaling import SCALING, affine_of
from .keras_weights import Weights
from .memory_matrices import memory_of
from .named_arrays import NO_OPTIONS, ImportOptions, contiguous_copy
from .paper import network_of as network_of_paper

CELLS = ("Dense", *RECURRENT)
FUNCTIONS = ("Activation", "Softmax", "ReLU")
CONFIG_ERRORS = (LMUHWError, LookupError, TypeError, AttributeError, ValueError, ArithmeticError)
"""Exceptions that configuration entries of a wrong type or size cause."""
REFUSED = {
    "Masking": "it skips steps, and a stream has no mark for them: cut the padding off the data "
    "and save the model without it",
}
"""Layers that have no streaming equivalent, and why."""


class Builder:
    """Builds a network from a configuration and weights.

    Parameters
    ----------
    file_name : str
        Name of the file, for error messages.
    weights : Weights
    keras_3 : bool
        Whether Keras 3 or newer wrote it.
    options : ImportOptions
    """

    def __init__(
        self,
        file_name: str,
        weights: Weights,
        *,
        keras_3: bool,
        options: ImportOptions = NO_OPTIONS,
    ) -> None:
        self._file, self._weights, self._keras_3, self._options = (
            file_name,
            weights,
            keras_3,
            options,
        )

    def network(self, model: Any) -> FloatNetwork:
        """Return the network of a model's configuration.

        Raises
        ------
        ModelFileError
            If a layer is unsupported or damaged, or does not match its arrays.
        """
        described, shape = layers_of(model, self._file)
        if self._options.flags and not any(layer.kind == "LMU" for layer in described):
            raise ModelFileError(
                f"{self._file} has no LMU layer, so that --theta, --discretizer and --activation "
                "must be left out"
            )
        width, axes = (None, 3) if shape is None else (shape[-1], len(shape))
        chain, every_step = LayerChain(width), True
        for layer in described:
            if not every_step and layer.kind in ("LMU", *RECURRENT):
                raise ModelFileError(
                    f"{self._file}: layer {layer.name!r} must read every step, but the one before "
                    "returns the last alone (return_sequences)"
                )
            alone = layer.reads_step or not every_step
            self._append(chain, layer, 2 if alone else axes)
            every_step = every_step and layer.returns_steps
        return chain.network(every_step=every_step)

    def _append(self, chain: LayerChain, layer: KerasLayer, axes: int) -> None:
        try:
            if layer.kind in SCALING:
                chain.scale(affine_of(layer, self._weights, axes))
            elif layer.kind in FUNCTIONS:
                chain.activate(layer.name, self._function(layer))
            elif layer.kind != "Flatten":
                chain.add(layer.name, self._layer(layer, chain.width))
            elif axes == 3:
                raise ModelFileError(
                    f"{self._file}: layer {layer.name!r} (Flatten) joins all steps in one, must "
                    "follow a layer that returns the last alone"
                )
        except ModelFileError:
            raise
        except CONFIG_ERRORS as error:
            raise ModelFileError(f"{self._file}: layer {layer.name!r}: {error}") from error

    def _function(self, layer: KerasLayer) -> Activation:
        kind = {"Softmax": "softmax", "ReLU": "relu"}.get(layer.kind)
        plain = {"max_value": (None,), "negative_slope": (None, 0), "threshold": (None, 0)}
        for key, values in plain.items():
            if layer.kind == "ReLU" and layer.config.get(key) not in values:
                raise ModelFileError(f"{self._file}: layer {layer.name!r} must have no {key}")
        if layer.kind == "Softmax" and layer.config.get("axis", -1) not in (-1, [-1], 2):
            raise ModelFileError(f"{self._file}: layer {layer.name!r} must have axis -1")
        return self._activation({"activation": kind or layer.config.get("activation")}, layer)

    def _layer(self, layer: KerasLayer, width: int | None) -> Layer:
        if layer.kind == "LMU":
            arrays = self._weights.of_paper(layer)
            return self._paper(layer, arrays) if arrays else self._lmu(layer, width)
        if layer.kind not in CELLS:
            why = REFUSED.get(layer.kind, f"supported are {SUPPORTED}")
            raise ModelFileError(
                f"{self._file}: layer {layer.name!r} is a {layer.kind[:80]}, which is not "
                f"supported; {why}"
            )
        return self._cell(layer, layer.kind, layer.config, hidden=False)

    def _cell(self, layer: KerasLayer, kind: str, config: dict[str, Any], *, hidden: bool) -> Cell:
        names = ("kernel",) if kind == "Dense" else ("kernel", "recurrent_kernel")
        if config.get("use_bias", True):
            names = (*names, "bias")
        got = self._weights.of(layer, names, hidden=hidden)
        W = _matrix(got["kernel"], layer, "kernel").T
        b = got.get("bias", np.zeros(len(W)))
        usual = "linear" if kind == "Dense" else "tanh"
        activation = self._activation(config, layer, "activation", usual)
        if kind == "Dense":
            return DenseLayer(W=contiguous_copy(W), b=contiguous_copy(b), activation=activation)
        U = contiguous_copy(_matrix(got["recurrent_kernel"], layer, "recurrent_kernel").T)
        if kind == "SimpleRNN":
            return SimpleRNNLayer(
                W=contiguous_copy(W), U=U, b=contiguous_copy(b), activation=activation
            )
        gate = self._activation(config, layer, "recurrent_activation", "sigmoid")
        if kind == "LSTM":
            return LSTMLayer(
                W=contiguous_copy(W), U=U, b=contiguous_copy(b), activation=activation, gate=gate
            )
        c = None
        if config.get("reset_after", False):
            n = len(W) // 3
            inner, fed_back = b if b.ndim == 2 and len(b) == 2 else (b, np.zeros_like(b))
            # only the candidate's recurrent bias is inside the reset gate's product
            outside = np.where(np.arange(len(inner)) < 2 * n, fed_back, 0.0)
            # the constructor of the cell rejects non-finite values and names the array
            with np.errstate(all="ignore"):
                b, c = inner + outside, contiguous_copy(fed_back[2 * n :])
        return GRULayer(
            W=contiguous_copy(W), U=U, b=contiguous_copy(b), c=c, activation=activation, gate=gate
        )

    def _paper(self, layer: KerasLayer, arrays: dict[str, Array]) -> LMULayer:
        """Return an LMU layer stored in the paper's format; its configuration may be incomplete."""
        config, method = layer.config, layer.config.get("method")
        stated = config.get("hidden_activation")
        activation = self._choose(
            layer,
            "activation",
            None if stated is None else self._activation(config, layer, "hidden_activation"),
            self._options.activation,
        )
        named = {f"{layer.name}/{leaf}": array for leaf, array in arrays.items()}

        def read(theta: float | None, discretizer: Discretizer | None) -> LMULayer:
            (lmu,) = network_of_paper(
                named,
                theta=theta,
                discretizer=discretizer,
                activation=activation or Activation.TANH,
            ).layers
            assert isinstance(lmu, LMULayer), "arrays of a cell"
            return lmu

        lmu = read(
            self._choose(layer, "theta", config.get("theta"), self._options.theta),
            self._choose(
                layer,
                "discretizer",
                None if method is None else self._discretizer(layer, method),
                self._options.discretizer,
            ),
        )
        if lmu.memory.trained is not None and config.get("theta") is not None:
            # the model was trained with the stored A, which overrides a theta that does not fit it
            found = read(None, None)
            lmu = lmu if found.memory.trained is not None else found
        for key, size in (("order", lmu.memory.order), ("units", width_of(lmu))):
            if config.get(key, size) != size:
                raise ModelFileError(
                    f"{self._file}: layer {layer.name!r} has arrays for {key} {size}, but "
                    f"{str(config[key])[:20]} in its configuration; save it again"
                )
        return lmu

    def _discretizer(self, layer: KerasLayer, value: Any) -> Discretizer:
        known = [d.value for d in Discretizer]
        if value not in known:
            raise ModelFileError(
                f"{self._file}: layer {layer.name!r} has discretizer {str(value)[:20]!r}, must be "
                f"one of {', '.join(known)}"
            )
        return Discretizer(value)

    def _choose(self, layer: KerasLayer, option: str, stated: Any, given: Any) -> Any:
        """Return the value that the file states, else the one that the user gives."""
        if stated is None or given in (None, stated):
            return given if stated is None else stated
        value = stated.value if isinstance(stated, Activation | Discretizer) else stated
        raise ModelFileError(
            f"{self._file}: layer {layer.name!r} states its {option}, {str(value)[:20]}: leave out "
            f"--{option}" + (" (--dt-ratio changes the sample rate)" if option == "theta" else "")
        )

    def _lmu(self, layer: KerasLayer, width: int | None) -> LMULayer:
        config = layer.config
        order, channels = config["order"], config.get("memory_d", 1)
        inner = config.get("hidden_cell")
        discretizer = self._discretizer(layer, config.get("discretizer", "zoh"))
        self._choose(layer, "discretizer", discretizer, self._options.discretizer)
        if self._options.activation is not None:
            raise ModelFileError(
                f"{self._file}: layer {layer.name!r} states its activations: leave out --activation"
            )
        cell = None if inner is None else self._hidden(layer, inner)
        has = {
            "kernel": config.get("kernel_initializer", "given") is not None,
            "bias": config.get("use_bias", False),
            "theta_inv": config.get("trainable_theta", False),
            "recurrent_kernel": config.get("memory_to_memory", False),
        }
        got = self._weights.of(layer, tuple(name for name, here in has.items() if here))
        stated = config.get("theta")
        if has["theta_inv"]:
            stated = 1.0 / float(got["theta_inv"].reshape(()) or np.nan)
        theta: Any = self._choose(layer, "theta", stated, self._options.theta)
        memory = LinearMemory(order=order, theta=theta, discretizer=discretizer, channels=channels)
        if "A" in got and "B" in got:
            found = memory_of(got["A"], got["B"], theta, name=layer.name, transposed=True)
            if found.trained:
                again = memory_of(got["A"], got["B"], name=layer.name, transposed=True)
                found = found if again.trained else again
            memory = replace(found.memory, channels=channels)
        n_h = 0
        if config.get("hidden_to_memory", False):
            n_h = width_of(cell) if cell is not None else order * channels + (width or 0)
        kernel = got["kernel"] if has["kernel"] else np.eye(channels)
        kernel = _matrix(kernel, layer, "kernel")
        n_x = width if width is not None else len(kernel) - n_h
        if has["kernel"] and len(kernel) != n_x + n_h:
            raise ModelFileError(
                f"{self._file}: kernel of layer {layer.name!r} has {len(kernel)} rows but should "
                f"have {n_x + n_h}"
            )
        return LMULayer(
            memory=memory,
            n_in=n_x,
            e_x=contiguous_copy(kernel[:n_x].T) if has["kernel"] or n_h else None,
            e_h=contiguous_copy(kernel[n_x:].T) if n_h else None,
            e_m=contiguous_copy(_matrix(got["recurrent_kernel"], layer, "recurrent_kernel").T)
            if has["recurrent_kernel"]
            else None,
            b=contiguous_copy(got["bias"]) if has["bias"] else None,
            cell=cell,
            reads_input=bool(config.get("input_to_hidden", False)),
        )

    def _hidden(self, layer: KerasLayer, inner: dict[str, Any]) -> Cell:
        kind = str(inner.get("class_name")).rpartition(">")[2].removesuffix("Cell")
        if kind not in CELLS:
            raise ModelFileError(
                f"{self._file}: layer {layer.name!r} has a hidden cell {kind[:80]!r}, must be "
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
        file_name = f"{self._file}: layer {layer.name!r}"
        return activation_of(config.get(key, default), self._keras_3, file_name)


def _matrix(array: Array, layer: KerasLayer, name: str) -> Array:
    if array.ndim != 2:
        raise ModelFileError(
            f"{name} of layer {layer.name!r} has shape {array.shape} but should have two axes"
        )
    return array
