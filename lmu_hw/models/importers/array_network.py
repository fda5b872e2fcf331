"""Networks of bare arrays: which layer each group of them is, their order, what is assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..._support.array_types import Array
from ...errors import ModelFileError
from ..network import Activation, DenseLayer, FloatNetwork, Layer, LMULayer, SimpleRNNLayer
from .layer_order import LayerGroup, arranged
from .lmu_names import lmu_of, naming_of
from .named_arrays import PAGE, Asked, Group, dense_of, full_name, grouped, listed, unknown
from .nengo_names import from_nengo, is_unnamed
from .rnn_names import is_keras_rnn, is_torch_rnn, keras_layer, torch_layers
from .torch_names import lmufft_layers

HIPPO = {"W_uxh", "W_hxm", "W_hh", "W_um", "W_gxm"}
STATE = re.compile(r"([hcmuxy](t|_t|_n|_prev)?[0-9]{0,3}|hidden|memory|state|output)")
"""Names of buffers in which modules keep a state or an output, which is no weight."""


def network_of(arrays: Mapping[str, Array], asked: Asked, *, in_order: bool = True) -> FloatNetwork:
    """Return the network of named arrays, whose output is wanted at every step.

    Parameters
    ----------
    arrays : mapping of str to float array
        Names such as ``lmu.cell.W_x``, ``rnn/lmu_cell/input_kernel:0`` or ``classifier.weight``.
    asked : Asked
    in_order : bool
        The arrays stand in the order in which they were defined.

    Raises
    ------
    ModelFileError
        If a name is unknown, an array is missing or has the wrong shape, or the order of the layers
        or their functions are open.
    """
    if is_unnamed(arrays):
        arrays = from_nengo(arrays)
    parts = arranged(_parts(grouped(arrays), asked), in_order=in_order)
    linear = [name for part in parts if part.is_linear for name, _ in part.layers]
    functions = iter(_functions(linear, asked.activations))
    layers: list[tuple[str, Layer]] = []
    for part in parts:
        for name, layer in part.layers:
            if part.is_linear and isinstance(layer, DenseLayer):
                layer = replace(layer, activation=next(functions))
            layers.append((name, layer))
    assumed = _assumed(layers, linear, asked)
    names, made = zip(*layers, strict=True)
    network = FloatNetwork(names=names, layers=made)
    asked.note(f"assumed, as the arrays do not say: {', '.join(assumed)} ({PAGE})")
    return network


def _parts(groups: dict[str, Group], asked: Asked) -> list[LayerGroup]:
    """Return the layers of groups of arrays, in their order."""
    if hippo := sorted({word for key in groups for word in key.split(".")} & HIPPO):
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
                layers = lmufft_layers(outer, halves, groups.get(outer, {}), asked)
                parts.append(LayerGroup(prefix=outer, layers=tuple(layers)))
            continue
        if prefix in fft:
            continue
        group = {k: array for k, array in whole.items() if not STATE.fullmatch(k)}
        ignored += [full_name(prefix, k) for k in whole if k not in group]
        layers, extra = _layers(prefix, group, asked)
        strange += [full_name(prefix, k) for k in extra]
        if layers:
            parts.append(LayerGroup(prefix=prefix, layers=tuple(layers)))
    if strange:
        raise unknown(strange)
    if all(part.is_linear for part in parts):
        raise unknown([f"{part.layers[0][0]}.*" for part in parts] or list(groups) or ["(none)"])
    if ignored:
        asked.note(f"ignored, as states and not weights: {listed(ignored)}")
    return parts


def _layers(prefix: str, group: Group, asked: Asked) -> tuple[list[tuple[str, Layer]], list[str]]:
    """Return the layers that a group of arrays is, and the names that belong to none."""
    if (naming := naming_of(group)) is not None:
        extra = [k for k in group if k not in {*naming.names.values(), "bias"}]
        return ([] if extra else [(prefix or "lmu", lmu_of(prefix, group, naming, asked))]), extra
    if not group:
        return [], []
    if is_torch_rnn(group):
        return torch_layers(prefix, group, asked), []
    if is_keras_rnn(group):
        return [(prefix or "rnn", keras_layer(prefix, group, asked))], []
    dense = dense_of(prefix, group)
    return ([], list(group)) if dense is None else ([(prefix or "dense", dense)], [])


def _functions(linear: Sequence[str], given: Sequence[Activation] | None) -> Sequence[Activation]:
    """Return the functions of the linear layers."""
    if given is None and len(linear) > 1:
        example = ",".join(["relu"] * (len(linear) - 1) + ["linear"])
        raise ModelFileError(
            f"arrays of several linear layers ({listed(linear)}) do not say which functions follow "
            f"them: name one for each, as in --activations {example}"
        )
    if given is not None and len(given) != len(linear):
        raise ModelFileError(
            f"--activations must name {len(linear)}, one for each linear layer "
            f"({listed(linear) or 'there is none'}), not {len(given)}"
        )
    return [Activation.LINEAR] * len(linear) if given is None else given


def _assumed(layers: Sequence[tuple[str, Layer]], linear: Sequence[str], asked: Asked) -> list[str]:
    """Return what neither the arrays nor the user says.

    Raises
    ------
    ModelFileError
        If the user names a function that no cell has use for.
    """
    # all cells but those of one class's fixed functions are of this kind
    open_cells = [
        name
        for name, layer in layers
        if isinstance(layer.cell if isinstance(layer, LMULayer) else layer, SimpleRNNLayer)
    ]
    if asked.activation is not None and not open_cells:
        raise ModelFileError(
            "--activation is for LMU cells and RNN layers, and there is none whose function is open"
        )
    assumed = [] if asked.activation or not open_cells else [f"tanh in {listed(open_cells)}"]
    assumed += [] if asked.activations or not linear else [f"linear {listed(linear)}"]
    return [*assumed, "an output at every step"]
