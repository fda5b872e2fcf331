"""Arrays without names, ``arr_0, arr_1, ...``, as NengoDL's save_params writes its LMU example.

NengoDL sorts them by size, and joins arrays of one shape or leaves their order to its planner (seen
in files of NengoDL 3.6 for a dozen sizes). So places say nothing, and shapes alone tell which
array is which; where they leave it open, nothing does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

from ..._support.array_types import Array
from ...errors import ModelFileError
from .memory_matrices import stands_transposed
from .named_arrays import PAGE

Roles = dict[str, tuple[int, ...]]
"""Shapes by names."""


def is_unnamed(arrays: Mapping[str, Array]) -> bool:
    """Return whether arrays have the names that NumPy gives to those without any."""
    return all(re.fullmatch(r"arr_[0-9]+", name) for name in arrays) and bool(arrays)


def from_nengo(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of NengoDL's LMU example under the letters of the paper.

    Parameters
    ----------
    arrays : mapping of str to float array
        A cell's e_x (1, in), e_h (1, n), e_m (1, d), W_x (n, in), W_h (n, n), W_m (n, d), A (d, d)
        and B (d, 1), and a readout's (out, n) if there is one.

    Raises
    ------
    ModelFileError
        If they have other shapes, or several could be the same.
    """
    shapes = Counter(array.shape for array in arrays.values())
    fits = [roles for roles in _roles(arrays) if Counter(roles.values()) == shapes]
    # n and d can change places where the readout is (d, n): the memory tells them apart
    found = [roles for roles in fits if _holds_memory(arrays, roles)]
    shown = ", ".join("x".join(map(str, array.shape)) for array in arrays.values())
    if not found:
        raise ModelFileError(
            f"arrays without names, of shapes {shown[:160]}, are not those of NengoDL's LMU "
            f"example: save them with names ({PAGE})"
        )
    if len(found) > 1 or len(shapes) < len(arrays):
        raise ModelFileError(
            f"arrays without names, of shapes {shown[:160]}, may be one or the other where shapes "
            f"are the same: save them with names ({PAGE})"
        )
    letters = {shape: letter for letter, shape in found[0].items()}
    by_letter = {letters[array.shape]: array for array in arrays.values()}
    # the cell first, as it stands in the network
    return {letter: by_letter[letter] for letter in found[0]}


def _roles(arrays: Mapping[str, Array]) -> Iterator[Roles]:
    """Yield the shapes that every letter has, for all sizes that the arrays leave possible."""
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
    """Return whether the arrays that roles call A and B are those of a Legendre memory."""
    by_shape = {array.shape: array for array in arrays.values()}
    A, B = by_shape[roles["lmu.A"]], by_shape[roles["lmu.B"]]
    return stands_transposed(A, B, "lmu") is False
