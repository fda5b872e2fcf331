"""The order in which layers of a file of arrays stand, from their names, sizes and places.

Numbers in names decide first, then the file's own order where it has one, then which order the
sizes allow. What remains open is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...errors import ModelFileError
from ..network import DenseLayer, Layer, n_in, n_out
from .named_arrays import PAGE, listed

MAX_PARTS = 256
"""Most parts of a network."""
MAX_TRIALS = 20_000
"""Parts that are tried at some place before the order counts as open."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LayerGroup:
    """Layers that follow each other, read from arrays of one prefix.

    Attributes
    ----------
    prefix : str
        Of their names, in the file.
    layers : tuple of (str, Layer)
        With the names that they get.
    """

    prefix: str
    layers: tuple[tuple[str, Layer], ...]

    @property
    def n_in(self) -> int:
        """Width of what the first layer reads."""
        return n_in(self.layers[0][1])

    @property
    def n_out(self) -> int:
        """Width of what the last layer gives."""
        return n_out(self.layers[-1][1])

    @property
    def is_linear(self) -> bool:
        """Whether it is a linear layer, and no cell."""
        return isinstance(self.layers[-1][1], DenseLayer)


def arranged(parts: Sequence[LayerGroup], *, in_order: bool) -> list[LayerGroup]:
    """Return the parts of a network in the order in which they follow each other.

    Parameters
    ----------
    parts : sequence of LayerGroup
        As they stand in the file.
    in_order : bool
        The file keeps the order in which its arrays were written.

    Raises
    ------
    ModelFileError
        If no order fits the sizes, or several do and nothing decides between them.
    """
    if len(parts) > MAX_PARTS:
        raise ModelFileError(f"{len(parts)} layers must be at most {MAX_PARTS}; not read")
    sizes = listed(f"{part.layers[0][0]} {part.n_in} to {part.n_out}" for part in parts)
    words = [_words(part.prefix) for part in parts]
    late = {(a, b) for a, x in enumerate(words) for b, y in enumerate(words) if _numbered(x, y)}
    places = list(range(len(parts)))
    if in_order and _chains(parts, places) and all(a < b for a, b in late):
        return list(parts)
    found = _orders(parts, late)
    if len(found) > 1 and in_order:
        # a head that was defined first stands elsewhere, but each kind keeps the file's order
        kinds = [part.is_linear for part in parts]
        late |= {(a, b) for b in places for a in range(b) if kinds[a] == kinds[b]}
        found = _orders(parts, late)
    if not found:
        raise ModelFileError(f"no order of the layers fits their sizes: {sizes}")
    if len(found) > 1:
        raise ModelFileError(
            f"the layers fit in several orders ({sizes}) and the file does not say which: number "
            f"their names, as in 0.weight, or save them in order as .npz ({PAGE})"
        )
    return [parts[k] for k in found[0]]


def _chains(parts: Sequence[LayerGroup], places: Sequence[int]) -> bool:
    return all(parts[a].n_out == parts[b].n_in for a, b in pairwise(places))


def _orders(parts: Sequence[LayerGroup], late: set[tuple[int, int]]) -> list[list[int]]:
    """Return the orders that fit; the first two that were found where there are more.

    ``late`` holds pairs of which the first must stand somewhere before the second.
    """
    found: list[list[int]] = []
    trials = 0

    def extend(chain: list[int], rest: list[int]) -> None:
        nonlocal trials
        if not rest:
            found.append(chain)
        for k in rest:
            trials += 1
            if len(found) > 1 or trials > MAX_TRIALS:
                return
            if chain and parts[chain[-1]].n_out != parts[k].n_in:
                continue
            if not any((other, k) in late for other in rest):
                extend([*chain, k], [other for other in rest if other != k])

    extend([], list(range(len(parts))))
    # a search that was given up leaves the order open, whatever it has found
    return found if trials <= MAX_TRIALS else [[], []]


def _words(prefix: str) -> list[tuple[str, int]]:
    """Return the stem and the number of every word of a name; -1 stands for no number."""
    found = []
    for word in prefix.split("."):
        stem = re.sub(r"[_-]?[0-9]{1,9}$", "", word)
        digits = word[len(stem) :].strip("_-")
        found.append((stem, int(digits) if digits else -1))
    return found


def _numbered(a: list[tuple[str, int]], b: list[tuple[str, int]]) -> bool:
    """Return whether names say that a stands before b, as 0 before 2 and dense before dense_1.

    The first words in which they differ decide, if they differ in their numbers alone.
    """
    for (stem, number), (other, after) in zip(a, b, strict=False):
        if (stem, number) != (other, after):
            return stem == other and number < after
    return False
