"""Read the paper's LMU cell from bare arrays: four naming schemes, Keras or PyTorch orientation.

References
----------
Voelker, Kajić, Eliasmith, "Legendre Memory Units", NeurIPS 2019, equations 4, 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import ModelFileError
from ..network import Activation, LMULayer, SimpleRNNLayer
from .memory_matrices import is_transposed
from .named_arrays import (
    PAGE,
    Group,
    ImportOptions,
    check_shape,
    contiguous_copy,
    full_name,
    memory_for,
)

ENCODERS, KERNELS = ("e_x", "e_h", "e_m"), ("W_x", "W_h", "W_m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """A naming scheme for the arrays of the paper's cell.

    Attributes
    ----------
    names : dict of str to str
        Array name for each of e_x, e_h, e_m, W_x, W_h, W_m, A and B.
    transposed : bool
        Whether its arrays usually have Keras's orientation, a column for each output.
    less_identity : bool
        Whether its A is Abar - I.
    """

    names: dict[str, str]
    transposed: bool = False
    less_identity: bool = False


def _naming(names: str, **options: bool) -> Naming:
    letters = (*ENCODERS, *KERNELS, "A", "B")
    return Naming(names=dict(zip(letters, names.split(), strict=True)), **options)


NAMINGS = (
    _naming("e_x e_h e_m W_x W_h W_m A B"),
    _naming("ex eh em Wx Wh Wm AT BT"),
    _naming(
        "input_encoders hidden_encoders memory_encoders "
        "input_kernel hidden_kernel memory_kernel AT BT",
        transposed=True,
        less_identity=True,
    ),
    _naming(
        "encoder_input encoder_hidden encoder_memory "
        "kernel_input kernel_hidden kernel_memory AT BT",
        less_identity=True,
    ),
)


def naming_of(group: Group) -> Naming | None:
    """Return the naming scheme of a group of arrays, or None if they do not form an LMU cell."""
    return next((n for n in NAMINGS if n.names["e_x"] in group), None)


def lmu_of(prefix: str, group: Group, naming: Naming, options: ImportOptions) -> LMULayer:
    """Return the LMU layer in a group of arrays.

    Parameters
    ----------
    prefix : str
        Prefix of the array names.
    group : dict of str to float array
        The arrays of the naming scheme and, optionally, ``bias``.
    naming : Naming
    options : ImportOptions

    Raises
    ------
    ModelFileError
        If an array is missing or has a wrong shape, or the orientation is ambiguous.
    """
    names, name = naming.names, prefix or "lmu"
    for letter in (*ENCODERS, *KERNELS):
        if names[letter] not in group:
            raise ModelFileError(
                f"{full_name(prefix, names[letter])} is missing: "
                f"an LMU cell with {names['e_x']} must have it too; export it again"
            )
    transposed = _is_transposed(prefix, group, naming)
    if transposed is not naming.transposed:
        how = "Keras, a column" if transposed else "PyTorch, a row"
        options.note(f"the shapes of {name} show the orientation of {how} for each output")
    got = {
        k: contiguous_copy(group[names[k]].T if transposed else group[names[k]])
        for k in ENCODERS + KERNELS
    }
    n = len(got["W_h"])
    b = group.get("bias", np.zeros(n))
    if b.shape != (n,):
        check_shape(full_name(prefix, "bias"), b, (1, n))
    memory = memory_for(
        name,
        group.get(names["A"]),
        group.get(names["B"]),
        got["e_m"].size,
        options.theta,
        options.discretizer,
        transposed=transposed,
        less_identity=naming.less_identity,
    )
    if memory.trained is not None:
        form = ("Abar - I" if naming.less_identity else "Abar") + (" transposed" * transposed)
        options.note(f"{full_name(prefix, names['A'])} fits no Legendre memory: kept as {form}")
    return LMULayer(
        memory=memory,
        n_in=got["e_x"].size,
        e_x=got["e_x"],
        e_h=got["e_h"],
        e_m=got["e_m"],
        cell=SimpleRNNLayer(
            W=np.concatenate([got["W_m"], got["W_x"]], axis=1),
            U=got["W_h"],
            b=contiguous_copy(b.reshape(-1)),
            activation=options.activation or Activation.TANH,
        ),
        reads_input=True,
    )


def _is_transposed(prefix: str, group: Group, naming: Naming) -> bool:
    """Return whether the shapes of the arrays show Keras's orientation.

    Raises
    ------
    ModelFileError
        If a shape is wrong, or all kernels are square and the memory contradicts the encoders.
    """
    names = naming.names
    n_in, n, order = (group[names[letter]].size for letter in ENCODERS)
    shapes = {
        "e_x": (1, n_in),
        "e_h": (1, n),
        "e_m": (1, order),
        "W_x": (n, n_in),
        "W_h": (n, n),
        "W_m": (n, order),
    }
    # for either orientation, which arrays have a matching shape
    fits = {
        way: [group[names[k]].shape == shape[:: -1 if way else 1] for k, shape in shapes.items()]
        for way in (True, False)
    }
    likely = max((naming.transposed, not naming.transposed), key=lambda way: sum(fits[way]))
    for letter, shape in shapes.items():
        full = full_name(prefix, names[letter])
        check_shape(full, group[names[letter]], shape[:: -1 if likely else 1])
    A, B = group.get(names["A"]), group.get(names["B"])
    if n_in == n == order > 1 and A is not None and B is not None:
        says = is_transposed(A, B, prefix or "lmu")
        if says is not None and says is not likely:
            raise ModelFileError(
                f"the kernels of {prefix or 'lmu'} are square, and its encoders show another "
                f"orientation than its {names['A']}: save all arrays by one naming scheme of {PAGE}"
            )
    return likely
