"""Read RNN, LSTM and GRU layers from bare arrays with PyTorch's or Keras's names.

The shapes give the number of gates and so the kind of layer. PyTorch orders the gates as i, f, g, o
and r, z, n; Keras as i, f, c, o and z, r, h.
"""

from __future__ import annotations

import re

import numpy as np

from ..._support.array_types import Array
from ...errors import ModelFileError
from ..network import Activation, GRULayer, Layer, LSTMLayer, SimpleRNNLayer
from .named_arrays import Group, ImportOptions, check_shape, contiguous_copy, full_name

TORCH_NAME = re.compile(r"(weight|bias)_(ih|hh|hr)(?:_l([0-9]{1,4}))?(_reverse)?")
KERAS_NAMES = {"kernel", "recurrent_kernel", "bias"}
TANH, SIGMOID = Activation.TANH, Activation.SIGMOID


def is_torch_rnn(group: Group) -> bool:
    """Return whether the arrays belong to ``torch.nn.RNN``, LSTM, GRU or one of their cells."""
    return all(TORCH_NAME.fullmatch(leaf) for leaf in group)


def is_keras_rnn(group: Group) -> bool:
    """Return whether the arrays belong to Keras's SimpleRNN, LSTM or GRU."""
    return {"kernel", "recurrent_kernel"} <= set(group) <= KERAS_NAMES


def torch_layers(prefix: str, group: Group, options: ImportOptions) -> list[tuple[str, Layer]]:
    """Return the layers of ``torch.nn.RNN``, LSTM, GRU or one of their cells, with names.

    Parameters
    ----------
    prefix : str
        Prefix of the array names.
    group : dict of str to float array
        ``weight_ih_l0`` (G n, in), ``weight_hh_l0`` (G n, n) and, with biases, ``bias_ih_l0`` and
        ``bias_hh_l0`` (G n,), for every layer; G is 1, 3 or 4. Arrays of a cell have no ``_l0``.
    options : ImportOptions

    Raises
    ------
    ModelFileError
        If the layer is bidirectional or has a projection, or an array is missing.
    """
    numbers = set()
    for leaf in group:
        match = TORCH_NAME.fullmatch(leaf)
        assert match is not None, "is_torch_rnn has seen it"
        full = full_name(prefix, leaf)
        if match[4]:
            raise ModelFileError(
                f"{full} is of a bidirectional layer, which reads the future; train it with "
                "bidirectional=False"
            )
        if match[2] == "hr":
            raise ModelFileError(f"{full} projects an LSTM's output; train it without proj_size")
        numbers.add(-1 if match[3] is None else int(match[3]))
    name = prefix or "rnn"
    if numbers == {-1}:
        return [(name, _torch_layer(prefix, group, -1, options))]
    if -1 in numbers:
        raise ModelFileError(
            f"{name} holds arrays of a cell and of layers, as weight_ih and weight_ih_l0; "
            "give each a prefix of its own"
        )
    # _torch_layer reports a missing number
    layers = [_torch_layer(prefix, group, k, options) for k in range(max(numbers) + 1)]
    if len(layers) == 1:
        return [(name, layers[0])]
    return [(f"{name}.l{k}", layer) for k, layer in enumerate(layers)]


def _torch_layer(prefix: str, group: Group, number: int, options: ImportOptions) -> Layer:
    end = "" if number < 0 else f"_l{number}"
    biased = any(leaf.startswith("bias") and leaf.endswith(end) for leaf in group)
    got = []
    for leaf in ("weight_ih", "weight_hh", *(("bias_ih", "bias_hh") * biased)):
        if leaf + end not in group:
            raise ModelFileError(
                f"{full_name(prefix, leaf + end)} is missing: "
                "a recurrent layer must have it; export it again"
            )
        got.append(group[leaf + end])
    W, U, b, c = got if biased else (*got, *[np.zeros(len(got[0]))] * 2)
    gates = _gates(full_name(prefix, "weight_hh" + end), W, U, transposed=False)
    n = U.shape[1]
    for leaf, bias in (("bias_ih", b), ("bias_hh", c)):
        check_shape(full_name(prefix, leaf + end), bias, (gates * n,))
    # the constructor of the layer rejects non-finite values and names the array
    with np.errstate(all="ignore"):
        total = b + c
    if gates != 3:
        return _layer(gates, W, U, total, None, options)
    # r, z, n -> z, r, n; only the candidate's recurrent bias is inside the reset gate's product
    order = np.r_[n : 2 * n, :n, 2 * n : 3 * n]
    joined = np.concatenate([total[: 2 * n], b[2 * n :]])
    return _layer(3, W[order], U[order], joined[order], c[2 * n :], options)


def keras_layer(prefix: str, group: Group, options: ImportOptions) -> Layer:
    """Return the layer of Keras's SimpleRNN, LSTM or GRU.

    Parameters
    ----------
    prefix : str
        Prefix of the array names.
    group : dict of str to float array
        ``kernel`` (in, G n), ``recurrent_kernel`` (n, G n) and, with biases, ``bias`` (G n,), or
        (2, 3 n) for a GRU with ``reset_after``.
    options : ImportOptions

    Raises
    ------
    ModelFileError
        If a shape is wrong, or a GRU without biases does not show its ``reset_after``.
    """
    W, U = group["kernel"].T, group["recurrent_kernel"].T
    gates = _gates(full_name(prefix, "recurrent_kernel"), W, U, transposed=True)
    rows, n = len(W), U.shape[1]
    if gates == 3 and "bias" not in group:
        raise ModelFileError(
            f"{full_name(prefix, 'bias')} is missing: a GRU without it may reset before or after "
            "the product; save the whole model as .keras"
        )
    b = group.get("bias", np.zeros(rows))
    if gates != 3 or b.ndim == 1:
        check_shape(full_name(prefix, "bias"), b, (rows,))
        return _layer(gates, W, U, b, None, options)
    check_shape(full_name(prefix, "bias"), b, (2, rows))
    with np.errstate(all="ignore"):
        joined = np.concatenate([b[0, : 2 * n] + b[1, : 2 * n], b[0, 2 * n :]])
    return _layer(3, W, U, joined, b[1, 2 * n :], options)


def _gates(name: str, W: Array, U: Array, *, transposed: bool) -> int:
    """Return the number of row blocks in a layer's matrices, one for each gate: 1, 3 or 4."""
    n = U.shape[1] if U.ndim == 2 else 0
    gates = len(U) // n if n else 0
    if gates not in (1, 3, 4) or len(U) != gates * n or W.ndim != 2 or len(W) != len(U):
        stored = (U.T if transposed else U).shape
        raise ModelFileError(
            f"{name} has shape {stored} but should be of n and G n, with G = 1 (RNN), 3 (GRU) or 4 "
            "(LSTM), with input weights of as many rows"
        )
    return gates


def _layer(
    gates: int, W: Array, U: Array, b: Array, c: Array | None, options: ImportOptions
) -> Layer:
    if gates == 1:
        return SimpleRNNLayer(
            W=contiguous_copy(W),
            U=contiguous_copy(U),
            b=contiguous_copy(b),
            activation=options.activation or TANH,
        )
    if gates == 4:
        return LSTMLayer(
            W=contiguous_copy(W),
            U=contiguous_copy(U),
            b=contiguous_copy(b),
            activation=TANH,
            gate=SIGMOID,
        )
    inner = None if c is None else contiguous_copy(c)
    return GRULayer(
        W=contiguous_copy(W),
        U=contiguous_copy(U),
        b=contiguous_copy(b),
        c=inner,
        activation=TANH,
        gate=SIGMOID,
    )
