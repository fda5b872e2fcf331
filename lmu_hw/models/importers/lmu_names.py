"""LMU cells of the paper in bare arrays: four namings, in Keras's orientation or PyTorch's.

References
----------
Voelker, Kajić, Eliasmith, "Legendre Memory Units", NeurIPS 2019, equations 4, 6 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import ModelFileError
from ..network import Activation, LMULayer, SimpleRNNLayer
from .memory_matrices import stands_transposed
from .named_arrays import PAGE, Asked, Group, check_shape, full_name, memory_for, own

ENCODERS, KERNELS = ("e_x", "e_h", "e_m"), ("W_x", "W_h", "W_m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """Names of the paper's letters.

    Attributes
    ----------
    names : dict of str to str
        Of e_x, e_h, e_m, W_x, W_h, W_m, A and B.
    transposed : bool
        Its arrays usually stand as in Keras: a column for each output.
    less_identity : bool
        Its A is Abar - I.
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
    """Return the naming of a cell's arrays, or None where they are no cell's."""
    return next((n for n in NAMINGS if n.names["e_x"] in group), None)


def lmu_of(prefix: str, group: Group, naming: Naming, asked: Asked) -> LMULayer:
    """Return the cell that a group of arrays is.

    Parameters
    ----------
    prefix : str
        Of the arrays' names.
    group : dict of str to float array
        The naming's arrays and, where there is one, ``bias``.
    naming : Naming
    asked : Asked

    Raises
    ------
    ModelFileError
        If an array is missing, has the wrong shape, or the orientation cannot be told.
    """
    names, name = naming.names, prefix or "lmu"
    for letter in (*ENCODERS, *KERNELS):
        if names[letter] not in group:
            raise ModelFileError(
                f"{full_name(prefix, names[letter])} is missing: "
                f"a cell must have it beside {names['e_x']}; export it again"
            )
    transposed = _is_transposed(prefix, group, naming)
    if transposed is not naming.transposed:
        how = "Keras, a column" if transposed else "PyTorch, a row"
        asked.note(f"the arrays of {name} stand as in {how} for each output: so their shapes say")
    got = {k: own(group[names[k]].T if transposed else group[names[k]]) for k in ENCODERS + KERNELS}
    n = len(got["W_h"])
    b = group.get("bias", np.zeros(n))
    if b.shape != (n,):
        check_shape(full_name(prefix, "bias"), b, (1, n))
    memory = memory_for(
        name,
        group.get(names["A"]),
        group.get(names["B"]),
        got["e_m"].size,
        asked.theta,
        asked.discretizer,
        transposed=transposed,
        less_identity=naming.less_identity,
    )
    if memory.trained is not None:
        form = ("Abar - I" if naming.less_identity else "Abar") + (" transposed" * transposed)
        asked.note(f"{full_name(prefix, names['A'])} fits no Legendre memory: kept, as {form}")
    return LMULayer(
        memory=memory,
        n_in=got["e_x"].size,
        e_x=got["e_x"],
        e_h=got["e_h"],
        e_m=got["e_m"],
        cell=SimpleRNNLayer(
            W=np.concatenate([got["W_m"], got["W_x"]], axis=1),
            U=got["W_h"],
            b=own(b.reshape(-1)),
            activation=asked.activation or Activation.TANH,
        ),
        reads_input=True,
    )


def _is_transposed(prefix: str, group: Group, naming: Naming) -> bool:
    """Return whether arrays stand as in Keras, which their shapes say.

    Raises
    ------
    ModelFileError
        If a shape is wrong, or kernels are square and the memory contradicts the encoders.
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
    # True, False: every array may stand so
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
        says = stands_transposed(A, B, prefix or "lmu")
        if says is not None and says is not likely:
            raise ModelFileError(
                f"the kernels of {prefix or 'lmu'} are square, and its encoders say that they "
                f"stand otherwise than its {names['A']}: save all of them as one of {PAGE} does"
            )
    return likely
