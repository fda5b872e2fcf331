"""State dictionaries of PyTorch models in the naming of hrshtv/pytorch-lmu: LMUCell and LMUFFT."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import ModelFileError
from ..legendre import Array
from ..network import LMU, MAX_UNITS, Activation, Dense, Layer, Network
from ..spec import Discretizer, check_int
from .named_arrays import SUPPORTED, Group, check_shape, full_name, grouped, memory_for, own
from .paper import chain, layers_of

HIPPO = {"W_uxh", "W_hxm", "W_hh", "W_um", "W_gxm"}
DERIVED = {"H", "fft_H"}
"""Buffers of LMUFFT that follow from its A and B."""


def network_of(
    arrays: Mapping[str, Array],
    *,
    theta: float | None = None,
    discretizer: Discretizer | None = None,
) -> Network:
    """Return the network of a state dictionary: LMU layers in its order, then linear layers.

    Parameters
    ----------
    arrays : mapping of str to float array
        Names such as ``lmu.cell.W_x`` or ``classifier.weight``.
    theta : float, optional
        Window of every layer [samples]. Default: found from A and B.
    discretizer : Discretizer, optional
        The same.

    Raises
    ------
    ModelFileError
        If a name is unknown, an array is missing or has the wrong shape.
    """
    if hippo := sorted({part for name in arrays for part in name.split(".")} & HIPPO):
        raise ModelFileError(
            f"cannot import HiPPO's gated cells ({', '.join(hippo)}): "
            f"supported namings are {SUPPORTED}"
        )
    groups = grouped(arrays)
    cells: list[tuple[str, Layer]] = []
    for key in [key for key in groups if key.rpartition(".")[2] == "W_u"]:
        prefix = key.rpartition(".")[0]
        parts = {leaf: groups.pop(full_name(prefix, leaf), {}) for leaf in ("W_u", "W_h")}
        cells += _fft(prefix, parts, groups.pop(prefix, {}), theta, discretizer)
    more, dense = layers_of(groups, theta=theta, discretizer=discretizer)
    return chain([*cells, *more, *dense])


def _fft(
    prefix: str,
    parts: dict[str, Group],
    matrices: Group,
    theta: float | None,
    discretizer: Discretizer | None,
) -> list[tuple[str, Layer]]:
    """Return the two layers that do what LMUFFT does.

    ``u = relu(W_u x + b_u)``, and h reads x beside m. An LMU layer has no function on u: a dense
    layer before it makes u, and hands x on as ``relu(x) - relu(-x)``.
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
            f"{full_name(prefix, min(extra))[:80]} must not stand in an LMUFFT layer, "
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
    memory = memory_for(name, matrices.get("A"), matrices.get("B"), order, theta, discretizer)
    check_int(f"inputs of {name}", n_in, 1, MAX_UNITS)
    identity = np.eye(n_in)
    write = Dense(
        W=np.concatenate([W_u, identity, -identity]),
        b=np.concatenate([b_u, np.zeros(2 * n_in)]),
        activation=Activation.RELU,
    )
    W_m, W_x = W_h[:, :order], W_h[:, order:]
    read = Dense(
        W=np.concatenate([W_m, np.zeros((n, 1)), W_x, -W_x], axis=1),
        b=own(b_h),
        activation=Activation.RELU,
    )
    layer = LMU(
        memory=memory,
        n_in=1 + 2 * n_in,
        e_x=np.eye(1, 1 + 2 * n_in),
        cell=read,
        reads_input=True,
    )
    return [(full_name(prefix, "W_u"), write), (name, layer)]
