"""Build a network from bare arrays: the kind of each layer, the layer order, the assumptions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..._support.array_types import Array
from ...errors import ModelFileError
from ..network import Activation, DenseLayer, FloatNetwork, Layer, LMULayer, SimpleRNNLayer
from .layer_order import LayerGroup, order_layers
from .lmu_names import lmu_of, naming_of
from .named_arrays import (
    PAGE,
    Group,
    ImportOptions,
    dense_of,
    full_name,
    group_by_layer,
    join_names,
    unknown_names,
)
from .nengo_names import from_nengo, is_unnamed
from .rnn_names import is_keras_rnn, is_torch_rnn, keras_layer, torch_layers
from .torch_names import lmufft_layers

HIPPO_NAMES = {"W_uxh", "W_hxm", "W_hh", "W_um", "W_gxm"}
STATE_BUFFER = re.compile(r"([hcmuxy](t|_t|_n|_prev)?[0-9]{0,3}|hidden|memory|state|output)")
"""Names of buffers that hold a state or an output rather than weights."""


def network_of(
    arrays: Mapping[str, Array], options: ImportOptions, *, in_order: bool = True
) -> FloatNetwork:
    """Return the network in a set of named arrays, with an output at every step.

    Parameters
    ----------
    arrays : mapping of str to float array
        Names such as ``lmu.cell.W_x``, ``rnn/lmu_cell/input_kernel:0`` or ``classifier.weight``.
    options : ImportOptions
    in_order : bool
        Whether the arrays come in the order in which the model defined them.

    Raises
    ------
    ModelFileError
        If a name is unknown, an array is missing or has a wrong shape, or the order of the layers
        or their activations are ambiguous.
    """
    if is_unnamed(arrays):
        arrays = from_nengo(arrays)
    parts = order_layers(_parts(group_by_layer(arrays), options), in_order=in_order)
    linear = [name for part in parts if part.is_linear for name, _ in part.layers]
    functions = iter(_functions(linear, options.activations))
    layers: list[tuple[str, Layer]] = []
    for part in parts:
        for name, layer in part.layers:
            if part.is_linear and isinstance(layer, DenseLayer):
                layer = replace(layer, activation=next(functions))
            layers.append((name, layer))
    assumed = _assumed(layers, linear, options)
    names, made = zip(*layers, strict=True)
    network = FloatNetwork(names=names, layers=made)
    options.note(f"assumed, as the arrays do not say: {', '.join(assumed)} ({PAGE})")
    return network


def _parts(groups: dict[str, Group], options: ImportOptions) -> list[LayerGroup]:
    """Return the layers in groups of arrays, in the order of the groups."""
    if hippo := sorted({word for key in groups for word in key.split(".")} & HIPPO_NAMES):
        raise ModelFileError(
            f"cannot import HiPPO's gated cells ({', '.join(hippo)}): "
            f"supported namings are in {PAGE}"
        )
    parts: list[LayerGroup] = []
    strange: list[str] = []
    ignored: list[str] = []
    fft = {key.rpartition(".")[0] for key in groups if key.rpartition(".")[2] == "W_u"}
    for prefix, whole in groups.items():
        outer, _, leaf = prefix.rpartition(".")
        if outer in fft and leaf in ("W_u", "W_h"):
            if leaf == "W_u":
                halves = {k: groups.get(full_name(outer, k), {}) for k in ("W_u", "W_h")}
                layers = lmufft_layers(outer, halves, groups.get(outer, {}), options)
                parts.append(LayerGroup(prefix=outer, layers=tuple(layers)))
            continue
        if prefix in fft:
            continue
        group = {k: array for k, array in whole.items() if not STATE_BUFFER.fullmatch(k)}
        ignored += [full_name(prefix, k) for k in whole if k not in group]
        layers, extra = _layers(prefix, group, options)
        strange += [full_name(prefix, k) for k in extra]
        if layers:
            parts.append(LayerGroup(prefix=prefix, layers=tuple(layers)))
    if strange:
        raise unknown_names(strange)
    if not parts:
        raise unknown_names(list(groups) or ["(none)"])
    if all(part.is_linear for part in parts):
        found = join_names(f"{part.layers[0][0]}.*" for part in parts)
        raise ModelFileError(
            f"no recurrent layer, only linear layers named {found}: a model needs an LMU, an LSTM, "
            f"a GRU or a simple RNN, under names as in {PAGE}"
        )
    if ignored:
        options.note(f"ignored, because they are states and not weights: {join_names(ignored)}")
    return parts


def _layers(
    prefix: str, group: Group, options: ImportOptions
) -> tuple[list[tuple[str, Layer]], list[str]]:
    """Return the layers in a group of arrays, and the names of arrays that fit no layer."""
    if (naming := naming_of(group)) is not None:
        extra = [k for k in group if k not in {*naming.names.values(), "bias"}]
        return ([] if extra else [(prefix or "lmu", lmu_of(prefix, group, naming, options))]), extra
    if not group:
        return [], []
    if is_torch_rnn(group):
        return torch_layers(prefix, group, options), []
    if is_keras_rnn(group):
        return [(prefix or "rnn", keras_layer(prefix, group, options))], []
    dense = dense_of(prefix, group)
    return ([], list(group)) if dense is None else ([(prefix or "dense", dense)], [])


def _functions(linear: Sequence[str], given: Sequence[Activation] | None) -> Sequence[Activation]:
    """Return the activation of each dense layer."""
    if given is None and len(linear) > 1:
        example = ",".join(["relu"] * (len(linear) - 1) + ["linear"])
        raise ModelFileError(
            f"several linear layers ({join_names(linear)}) need their activations stated: "
            f"name one for each, as in --activations {example}"
        )
    if given is not None and len(given) != len(linear):
        raise ModelFileError(
            f"--activations must name {len(linear)}, one for each linear layer "
            f"({join_names(linear) or 'there is none'}), not {len(given)}"
        )
    return [Activation.LINEAR] * len(linear) if given is None else given


def _assumed(
    layers: Sequence[tuple[str, Layer]], linear: Sequence[str], options: ImportOptions
) -> list[str]:
    """Return the properties that neither the arrays nor the user state.

    Raises
    ------
    ModelFileError
        If the user gives an activation but no cell needs one.
    """
    # the activations of all other cells are fixed by their class
    open_cells = [
        name
        for name, layer in layers
        if isinstance(layer.cell if isinstance(layer, LMULayer) else layer, SimpleRNNLayer)
    ]
    if options.activation is not None and not open_cells:
        raise ModelFileError(
            "--activation is for LMU cells and simple RNN layers, and the file has none: "
            "leave it out"
        )
    assumed = [] if options.activation or not open_cells else [f"tanh in {join_names(open_cells)}"]
    assumed += [] if options.activations or not linear else [f"linear {join_names(linear)}"]
    return [*assumed, "an output at every step"]
