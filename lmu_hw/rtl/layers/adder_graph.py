"""Sums of words times constants as a graph of adders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class GraphAdder:
    """``(nodes[a] << a_shift) + (nodes[b] << b_shift)``, with minus for b if ``minus``."""

    a: int
    a_shift: int
    b: int
    b_shift: int
    minus: bool


@dataclass(frozen=True, slots=True)
class GraphOutput:
    """``nodes[node] << shift``, negated if ``minus``; 0 if ``node`` is -1."""

    node: int
    shift: int
    minus: bool


@dataclass(frozen=True, kw_only=True)
class AdderGraph:
    """Adders that compute a constant matrix times a vector.

    Nodes 0 to ``len(ranges) - 1`` are the words of the vector, the others the adders in order.

    Parameters
    ----------
    ranges : tuple of (int, int)
        Smallest and largest value of each word.
    adders : tuple of GraphAdder
        Each after the nodes that it reads.
    outputs : tuple of GraphOutput
        One for each row.
    levels_per_stage : int
        Adders in series between two registers.
    """

    ranges: tuple[tuple[int, int], ...]
    adders: tuple[GraphAdder, ...]
    outputs: tuple[GraphOutput, ...]
    levels_per_stage: int = 1

    @cached_property
    def coefficients(self) -> tuple[tuple[int, ...], ...]:
        """What each node is: a coefficient for each word."""
        n = len(self.ranges)
        found = [tuple(int(k == j) for j in range(n)) for k in range(n)]
        for adder in self.adders:
            a, b, sign = found[adder.a], found[adder.b], -1 if adder.minus else 1
            found.append(
                tuple(
                    (x << adder.a_shift) + sign * (y << adder.b_shift)
                    for x, y in zip(a, b, strict=True)
                )
            )
        return tuple(found)

    @cached_property
    def node_ranges(self) -> tuple[tuple[int, int], ...]:
        """Smallest and largest value of each node."""
        found = []
        for row in self.coefficients:
            ends = [
                sorted((c * low, c * high)) for c, (low, high) in zip(row, self.ranges, strict=True)
            ]
            found.append((sum(low for low, _ in ends), sum(high for _, high in ends)))
        return tuple(found)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Adders in series up to each node."""
        found = [0] * len(self.ranges)
        for adder in self.adders:
            found.append(1 + max(found[adder.a], found[adder.b]))
        return tuple(found)

    def stage(self, node: int) -> int:
        """Return the register stage of a node; 0: a word of the vector."""
        return -(-self.levels[node] // self.levels_per_stage)

    @cached_property
    def latency(self) -> int:
        """Cycles from the words to the sums, at least 1."""
        deepest = max((self.levels[o.node] for o in self.outputs if o.node >= 0), default=0)
        return max(1, -(-deepest // self.levels_per_stage))

    def results(self, words: Sequence[int]) -> list[int]:
        """Return the sums."""
        values = list(words)
        for adder in self.adders:
            b = values[adder.b] << adder.b_shift
            values.append((values[adder.a] << adder.a_shift) + (-b if adder.minus else b))
        found = []
        for output in self.outputs:
            value = values[output.node] << output.shift if output.node >= 0 else 0
            found.append(-value if output.minus else value)
        return found
