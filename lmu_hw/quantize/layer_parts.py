"""What a layer reads: signals, or Legendre coefficients computed from a chain's states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .._support.array_types import Array


@dataclass(frozen=True, eq=False, kw_only=True)
class SignalPart:
    """Part of a layer's input: a signal."""

    name: str
    width: int

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that the part is computed from."""
        return (self.name,)

    def renamed(self, rename: Callable[[str], str]) -> SignalPart:
        """Return the same part for a renamed signal."""
        return replace(self, name=rename(self.name))

    def fold(self, weights: Array) -> list[tuple[str, Array]]:
        """Return matrices over signals equivalent to ``weights`` over this part."""
        return [(self.name, weights)]


@dataclass(frozen=True, eq=False, kw_only=True)
class LegendrePart:
    """Part of a layer's input: Legendre coefficients, computed from the states of a chain.

    Attributes
    ----------
    name : str
        Name of the coefficients, used if they are an output.
    n_channels, order : int
    readouts : dict of str to float array, shape (order, n)
        Readout matrix of one channel for each state signal; the coefficients are their sum.
    """

    name: str
    n_channels: int
    order: int
    readouts: dict[str, Array]

    @property
    def width(self) -> int:
        """Number of coefficients, all channels together."""
        return self.n_channels * self.order

    @property
    def signals(self) -> tuple[str, ...]:
        """The states of the chain."""
        return tuple(self.readouts)

    def renamed(self, rename: Callable[[str], str]) -> LegendrePart:
        """Return the same part for renamed signals."""
        return replace(self, readouts={rename(k): T for k, T in self.readouts.items()})

    def fold(self, weights: Array) -> list[tuple[str, Array]]:
        """Return matrices over signals equivalent to ``weights`` over this part."""
        # one matrix product: NumPy would run a stack of them one by one
        blocks = weights.reshape(-1, self.order)
        return [(name, (blocks @ T).reshape(len(weights), -1)) for name, T in self.readouts.items()]


Parts = Sequence[SignalPart | LegendrePart]
