"""Find the order of the layers in a file of arrays, from their names, sizes and file order.

Numbers in names decide first, then the order of the file if it has one, then the orders that the
sizes allow. An ambiguous order is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ...errors import ModelFileError
from ..network import DenseLayer, Layer, n_in, n_out
from .named_arrays import PAGE, join_names

MAX_PARTS = 256
"""Most layer groups in a network."""
MAX_TRIALS = 20_000
"""Placements that the search tries before it reports the order as ambiguous."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class LayerGroup:
    """Consecutive layers whose arrays share a prefix.

    Attributes
    ----------
    prefix : str
        Prefix of the array names in the file.
    layers : tuple of (str, Layer)
        Layers by the names that they get in the network.
    """

    prefix: str
    layers: tuple[tuple[str, Layer], ...]

    @property
    def n_in(self) -> int:
        """Input width of the first layer."""
        return n_in(self.layers[0][1])

    @property
    def n_out(self) -> int:
        """Output width of the last layer."""
        return n_out(self.layers[-1][1])

    @property
    def is_linear(self) -> bool:
        """Whether it is a dense layer rather than a recurrent one."""
        return isinstance(self.layers[-1][1], DenseLayer)


def order_layers(parts: Sequence[LayerGroup], *, in_order: bool) -> list[LayerGroup]:
    """Return the layer groups of a network in the order of execution.

    Parameters
    ----------
    parts : sequence of LayerGroup
        Layer groups in the order of the file.
    in_order : bool
        Whether the file keeps the order in which its arrays were written.

    Raises
    ------
    ModelFileError
        If no order fits the sizes, or several do and nothing decides between them.
    """
    if len(parts) > MAX_PARTS:
        raise ModelFileError(f"{len(parts)} layers must be at most {MAX_PARTS}; not read")
    sizes = join_names(f"{part.layers[0][0]} {part.n_in} to {part.n_out}" for part in parts)
    words = [_words(part.prefix) for part in parts]
    late = {(a, b) for a, x in enumerate(words) for b, y in enumerate(words) if _numbered(x, y)}
    places = list(range(len(parts)))
    if in_order and _chains(parts, places) and all(a < b for a, b in late):
        return list(parts)
    found = _orders(parts, late)
    if len(found) > 1 and in_order:
        # a model may define its output layer first; each kind still keeps the file's order
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
    """Return the orders that fit the sizes, at most two of them.

    ``late`` holds pairs whose first member must come before the second.
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
    # an unfinished search counts as ambiguous, whatever it has found
    return found if trials <= MAX_TRIALS else [[], []]


def _words(prefix: str) -> list[tuple[str, int]]:
    """Return the stem and the number of each word in a name; -1 means no number."""
    found = []
    for word in prefix.split("."):
        stem = re.sub(r"[_-]?[0-9]{1,9}$", "", word)
        digits = word[len(stem) :].strip("_-")
        found.append((stem, int(digits) if digits else -1))
    return found


def _numbered(a: list[tuple[str, int]], b: list[tuple[str, int]]) -> bool:
    """Return whether the numbers in two names put a before b: 0 before 2, dense before dense_1.

    Only the first differing word counts, and only if it differs in its number alone.
    """
    for (stem, number), (other, after) in zip(a, b, strict=False):
        if (stem, number) != (other, after):
            return stem == other and number < after
    return False
