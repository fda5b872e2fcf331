"""The paper's cell under flat names: its own Keras names, or the letters of its equations.

References
----------
Voelker, Kajić, Eliasmith, "Legendre Memory Units", NeurIPS 2019, equations 4, 6 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..errors import ModelFileError
from ..legendre import Array
from ..network import LMU, Activation, Layer, Network, SimpleRNN
from ..spec import Discretizer
from .named_arrays import (
    Group,
    check_shape,
    dense_of,
    full_name,
    grouped,
    memory_for,
    own,
    unknown,
)

KERAS = {
    "e_x": "input_encoders",
    "e_h": "hidden_encoders",
    "e_m": "memory_encoders",
    "W_x": "input_kernel",
    "W_h": "hidden_kernel",
    "W_m": "memory_kernel",
    "A": "AT",
    "B": "BT",
}
"""Keras's names of the paper's letters; its arrays are transposed, and AT is (Abar - I)^T."""
MATHS = {letter: letter for letter in KERAS}


def is_paper(arrays: Mapping[str, Array]) -> bool:
    """Return whether arrays hold a cell under the paper's Keras names."""
    return any({"input_encoders", "memory_encoders"} <= set(g) for g in grouped(arrays).values())


def network_of(
    arrays: Mapping[str, Array],
    *,
    theta: float | None = None,
    discretizer: Discretizer | None = None,
    activation: Activation = Activation.TANH,
) -> Network:
    """Return the network of named arrays: cells in their order, then dense layers in theirs.

    Dense layers come out linear, as their arrays do not say more.

    Parameters
    ----------
    arrays : mapping of str to float array
        Names such as ``input_kernel``, ``rnn/lmu_cell/input_kernel:0`` or ``lmu.cell.W_x``.
    theta : float, optional
        Window of every cell [samples]. Default: found from A and B.
    discretizer : Discretizer, optional
        The same.
    activation : Activation
        Of the cells.

    Raises
    ------
    ModelFileError
        If a name is unknown, an array is missing or has the wrong shape.
    """
    cells, dense = layers_of(
        grouped(arrays), theta=theta, discretizer=discretizer, activation=activation
    )
    return chain([*cells, *dense])


def layers_of(
    groups: Mapping[str, Group],
    *,
    theta: float | None,
    discretizer: Discretizer | None,
    activation: Activation = Activation.TANH,
) -> tuple[list[tuple[str, Layer]], list[tuple[str, Layer]]]:
    """Return the cells and the dense layers of groups of arrays, each with its name."""
    cells: list[tuple[str, Layer]] = []
    dense: list[tuple[str, Layer]] = []
    strange: list[str] = []
    for prefix, group in groups.items():
        names = KERAS if "input_encoders" in group else MATHS
        extra = set(group) - set(names.values()) - {"bias"}
        if names["e_x"] in group and not extra:
            cell = _cell(prefix, group, names, theta, discretizer, activation)
            cells.append((prefix or "lmu", cell))
        elif (layer := dense_of(prefix, group)) is not None:
            dense.append((prefix or "dense", layer))
        else:
            known = set(names.values()) if names["e_x"] in group else set()
            strange += [full_name(prefix, leaf) for leaf in group if leaf not in known]
    if strange:
        raise unknown(strange)
    return cells, dense


def chain(layers: Iterable[tuple[str, Layer]]) -> Network:
    """Return the network of named layers, at least one of them an LMU layer."""
    named = list(layers)
    if not any(isinstance(layer, LMU) for _, layer in named):
        raise unknown([f"{name}.*" for name, _ in named] or ["(none)"])
    return Network(
        names=tuple(name for name, _ in named), layers=tuple(layer for _, layer in named)
    )


def _cell(
    prefix: str,
    group: Group,
    names: dict[str, str],
    theta: float | None,
    discretizer: Discretizer | None,
    activation: Activation,
) -> LMU:
    is_keras = names is KERAS
    for letter in ("e_x", "e_h", "e_m", "W_x", "W_h", "W_m"):
        if names[letter] not in group:
            raise ModelFileError(
                f"{full_name(prefix, names[letter])} is missing: "
                f"a cell must have it beside {names['e_x']}; export it again"
            )
    n_in, n, order = (group[names[letter]].size for letter in ("e_x", "e_h", "e_m"))
    shapes = {
        "e_x": (1, n_in),
        "e_h": (1, n),
        "e_m": (1, order),
        "W_x": (n, n_in),
        "W_h": (n, n),
        "W_m": (n, order),
    }
    got: Group = {}
    for letter, shape in shapes.items():
        stored = group[names[letter]]
        full = full_name(prefix, names[letter])
        check_shape(full, stored, shape[::-1] if is_keras else shape)
        got[letter] = own(stored.T if is_keras else stored)
    b = group.get("bias", np.zeros(n))
    if b.shape != (n,):
        check_shape(full_name(prefix, "bias"), b, (1, n))
    memory = memory_for(
        prefix or "lmu",
        group.get(names["A"]),
        group.get(names["B"]),
        order,
        theta,
        discretizer,
        transposed=is_keras,
        less_identity=is_keras,
    )
    cell = SimpleRNN(
        W=np.concatenate([got["W_m"], got["W_x"]], axis=1),
        U=got["W_h"],
        b=own(b.reshape(-1)),
        activation=activation,
    )
    return LMU(
        memory=memory,
        n_in=n_in,
        e_x=got["e_x"],
        e_h=got["e_h"],
        e_m=got["e_m"],
        cell=cell,
        reads_input=True,
    )
