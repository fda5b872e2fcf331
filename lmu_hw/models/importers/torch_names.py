"""Read LMUFFT of hrshtv/pytorch-lmu from bare arrays, as two layers."""

from __future__ import annotations

import numpy as np

from ..._support.validation import check_int
from ...errors import ModelFileError
from ..network import MAX_UNITS, Activation, DenseLayer, Layer, LMULayer
from .named_arrays import Group, ImportOptions, check_shape, contiguous_copy, full_name, memory_for

DERIVED = {"H", "fft_H"}
"""Buffers of LMUFFT that are computed from its A and B."""


def lmufft_layers(
    prefix: str, parts: dict[str, Group], matrices: Group, options: ImportOptions
) -> list[tuple[str, Layer]]:
    """Return two layers equivalent to an LMUFFT module, with names.

    LMUFFT has ``u = relu(W_u x + b_u)``, and h reads m and x. An LMU layer has no activation on u,
    so a dense layer before it computes u and passes x on as ``relu(x) - relu(-x)``.

    Parameters
    ----------
    prefix : str
        Prefix of the array names.
    parts : dict of str to dict of str to float array
        Weight and bias of W_u and W_h.
    matrices : dict of str to float array
        A, B and the `DERIVED` buffers.
    options : ImportOptions

    Raises
    ------
    ModelFileError
        If an array is missing, unexpected, or of a wrong shape.
    """
    name = prefix or "lmu"
    for leaf, group in parts.items():
        if set(group) != {"weight", "bias"}:
            raise ModelFileError(
                f"{full_name(prefix, leaf)} must hold weight and bias, "
                f"not {', '.join(sorted(group)) or 'nothing'}; export the whole LMUFFT"
            )
    if extra := set(matrices) - DERIVED - {"A", "B"}:
        raise ModelFileError(
            f"{full_name(prefix, min(extra))[:80]} must not be in an LMUFFT layer, "
            "which has W_u, W_h, A, B, H and fft_H"
        )
    (W_u, b_u), (W_h, b_h) = ((part["weight"], part["bias"]) for part in parts.values())
    n_in, n = (W_u.shape[1] if W_u.ndim == 2 else W_u.size), b_h.size
    order = W_h.shape[1] - n_in if W_h.ndim == 2 else 0
    if order < 1:
        raise ModelFileError(
            f"W_h.weight of {name} has shape {W_h.shape} but should be ({n}, d + {n_in})"
        )
    check_shape(f"W_u.weight of {name}", W_u, (1, n_in))
    check_shape(f"W_u.bias of {name}", b_u, (1,))
    check_shape(f"W_h.weight of {name}", W_h, (n, order + n_in))
    check_shape(f"W_h.bias of {name}", b_h, (n,))
    memory = memory_for(
        name, matrices.get("A"), matrices.get("B"), order, options.theta, options.discretizer
    )
    check_int(f"inputs of {name}", n_in, 1, MAX_UNITS)
    identity = np.eye(n_in)
    write = DenseLayer(
        W=np.concatenate([W_u, identity, -identity]),
        b=np.concatenate([b_u, np.zeros(2 * n_in)]),
        activation=Activation.RELU,
    )
    W_m, W_x = W_h[:, :order], W_h[:, order:]
    read = DenseLayer(
        W=np.concatenate([W_m, np.zeros((n, 1)), W_x, -W_x], axis=1),
        b=contiguous_copy(b_h),
        activation=Activation.RELU,
    )
    layer = LMULayer(
        memory=memory,
        n_in=1 + 2 * n_in,
        e_x=np.eye(1, 1 + 2 * n_in),
        cell=read,
        reads_input=True,
    )
    return [(full_name(prefix, "W_u"), write), (name, layer)]
