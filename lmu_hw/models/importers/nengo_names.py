"""Read unnamed arrays, ``arr_0, arr_1, ...``, as NengoDL's save_params writes its LMU example.

NengoDL sorts the arrays by size, and merges arrays of equal shape or leaves their order to its
planner (observed with NengoDL 3.6 for a dozen sizes). Only the shapes identify an array, so a file
with ambiguous shapes is rejected.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

from ..._support.array_types import Array
from ...errors import ModelFileError
from .memory_matrices import is_transposed
from .named_arrays import PAGE

Roles = dict[str, tuple[int, ...]]
"""Shape of each array, by name."""


def is_unnamed(arrays: Mapping[str, Array]) -> bool:
    """Return whether all arrays have NumPy's default names."""
    return all(re.fullmatch(r"arr_[0-9]+", name) for name in arrays) and bool(arrays)


def from_nengo(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of NengoDL's LMU example under the names of the paper.

    Parameters
    ----------
    arrays : mapping of str to float array
        e_x (1, in), e_h (1, n), e_m (1, d), W_x (n, in), W_h (n, n), W_m (n, d), A (d, d) and
        B (d, 1) of the cell, and optionally a readout (out, n).

    Raises
    ------
    ModelFileError
        If the shapes do not match, or are ambiguous.
    """
    shapes = Counter(array.shape for array in arrays.values())
    fits = [roles for roles in _roles(arrays) if Counter(roles.values()) == shapes]
    # with a readout of shape (d, n), n and d are interchangeable: the values of A and B decide
    found = [roles for roles in fits if _holds_memory(arrays, roles)]
    shown = ", ".join("x".join(map(str, array.shape)) for array in arrays.values())
    if not found:
        raise ModelFileError(
            f"arrays without names, of shapes {shown[:160]}, are not those of NengoDL's LMU "
            f"example: save them with names ({PAGE})"
        )
    if len(found) > 1 or len(shapes) < len(arrays):
        raise ModelFileError(
            f"arrays without names, of shapes {shown[:160]}, are ambiguous: several have the same "
            f"shape; save them with names ({PAGE})"
        )
    letters = {shape: letter for letter, shape in found[0].items()}
    by_letter = {letters[array.shape]: array for array in arrays.values()}
    # the cell comes first, as in the network
    return {letter: by_letter[letter] for letter in found[0]}


def _roles(arrays: Mapping[str, Array]) -> Iterator[Roles]:
    """Yield the shape of each named array for every possible choice of sizes."""
    if len(arrays) not in (8, 9):
        return
    shapes = {array.shape for array in arrays.values() if array.ndim == 2}
    squares = [shape[0] for shape in shapes if shape[0] == shape[1]]
    rows = [shape[1] for shape in shapes if shape[0] == 1]
    for n, d, n_in in product(squares, squares, rows):
        cell: Roles = {
            "lmu.e_x": (1, n_in),
            "lmu.e_h": (1, n),
            "lmu.e_m": (1, d),
            "lmu.W_x": (n, n_in),
            "lmu.W_h": (n, n),
            "lmu.W_m": (n, d),
            "lmu.A": (d, d),
            "lmu.B": (d, 1),
        }
        if len(arrays) == len(cell):
            yield cell
        else:
            yield from ({**cell, "readout.weight": shape} for shape in shapes if shape[1] == n)


def _holds_memory(arrays: Mapping[str, Array], roles: Roles) -> bool:
    """Return whether the arrays assigned to A and B form a Legendre memory."""
    by_shape = {array.shape: array for array in arrays.values()}
    A, B = by_shape[roles["lmu.A"]], by_shape[roles["lmu.B"]]
    return is_transposed(A, B, "lmu") is False
